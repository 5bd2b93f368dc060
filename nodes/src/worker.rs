//! The worker process: computes one task at a time, and dies with its agent.

mod desk;
mod guard;

use crate::{
    clock,
    talk::{Order, Word, Work},
};
use desk::Bench;
use klieg_kind::{Kind, Media};
use klieg_protocol::{Fault, Span, SpanKind, TaskFailure, TraceContext};
use std::{
    any::Any,
    fs::File,
    io::{self, BufRead, BufReader, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

/// Environment variable with the agent's process id.
pub(crate) const AGENT: &str = "KLIEG_AGENT";
/// How often a worker says that it lives.
const BEAT: Duration = Duration::from_secs(1);

/// Where a worker's words go.
#[derive(Clone)]
struct Voice(Arc<Mutex<File>>);

impl Voice {
    fn say(&self, word: &Word) -> io::Result<()> {
        let mut line = serde_json::to_vec(word)?;
        line.push(b'\n');
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&line).and_then(|()| file.flush())
    }
}

/// The whole life of a worker process: `main` gives its exit code back. Standard input and output belong to it; whatever else
/// in the process writes to standard output ends on standard error.
pub fn serve(kinds: &[&dyn Kind], media: &dyn Media) -> ExitCode {
    let streams = guard::bind_to_agent().and_then(|()| guard::take_streams());
    let (input, output) = match streams {
        Ok(streams) => streams,
        Err(error) => {
            eprintln!("failed to start the worker: {error}");
            return ExitCode::FAILURE;
        }
    };
    note_panics();
    let voice = Voice(Arc::new(Mutex::new(output)));
    let cancelled = Arc::new(AtomicBool::new(false));
    let (orders, inbox) = mpsc::channel();
    let started = thread::Builder::new().name("orders".into()).spawn({
        let cancelled = Arc::clone(&cancelled);
        move || listen(input, &cancelled, &orders)
    });
    let beating = thread::Builder::new().name("beat".into()).spawn({
        let voice = voice.clone();
        move || beat(&voice)
    });
    if let Err(error) = started.and(beating) {
        eprintln!("failed to start the worker: {error}");
        return ExitCode::FAILURE;
    }
    while let Ok(work) = inbox.recv() {
        let trace = work.trace;
        let mut bench = Bench::new(work, voice.clone(), Arc::clone(&cancelled), media);
        let told = voice.say(&Word::Begun).and_then(|()| {
            let from_ms = clock::wall_ms();
            let word = compute(kinds, &mut bench);
            if let Some(trace) = trace.filter(|trace| trace.sampled) {
                voice.say(&Word::Did(did(trace, &bench, from_ms, &word)))?;
            }
            voice.say(&word).map(|()| matches!(word, Word::Failed { last: true, .. }))
        });
        if !matches!(told, Ok(false)) {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn listen(input: File, cancelled: &AtomicBool, orders: &mpsc::Sender<Work>) {
    for line in BufReader::new(input).split(b'\n') {
        let Ok(line) = line else { break };
        match serde_json::from_slice(&line) {
            Ok(Order::Run(work)) => {
                cancelled.store(false, Ordering::Relaxed);
                if orders.send(*work).is_err() {
                    break;
                }
            }
            Ok(Order::Cancel) => cancelled.store(true, Ordering::Relaxed),
            Err(error) => eprintln!("failed to understand an order: {error}"),
        }
    }
    // The agent is gone.
    guard::end_group();
}

fn beat(voice: &Voice) {
    loop {
        thread::sleep(BEAT);
        if voice.say(&Word::Beat).is_err() {
            guard::end_group();
        }
    }
}

/// The span of what a worker has computed.
fn did(attempt: TraceContext, bench: &Bench<'_>, from_ms: u64, word: &Word) -> Span {
    let said = |name: &str, value: String| (name.to_owned(), value);
    let mut attributes = vec![
        said("klieg.kind", bench.kind().to_owned()),
        said("klieg.step", bench.task().step.clone()),
        said("process.pid", std::process::id().to_string()),
    ];
    let failure = match word {
        Word::Succeeded { peak_bytes, .. } => {
            attributes.extend(peak_bytes.map(|bytes| said("klieg.peak_bytes", bytes.to_string())));
            None
        }
        Word::Split { failure, .. } | Word::Failed { failure, .. } => Some(failure.message.clone()),
        _ => None,
    };
    let (context, name) = (attempt.child("worker"), format!("worker {}", bench.task().step));
    Span { context, parent: attempt.span, name, kind: SpanKind::Internal, from_ms, to_ms: clock::wall_ms(), attributes, failure }
}

/// Runs one task.
fn compute(kinds: &[&dyn Kind], bench: &mut Bench<'_>) -> Word {
    let Some(kind) = kinds.iter().find(|kind| kind.name() == bench.kind()) else {
        let message = format!("failed to find the job kind {:?}: this klieg does not have it", bench.kind());
        let failure = TaskFailure { fault: Fault::Node, message };
        return Word::Failed { failure, damaged: Vec::new(), last: false, peak_bytes: None };
    };
    let task = bench.task().clone();
    let measured = guard::forget_peak();
    let peak = || measured.then(guard::peak_bytes).flatten();
    match catch_unwind(AssertUnwindSafe(|| bench.open().and_then(|()| kind.run(&task, bench)))) {
        Ok(Ok(result)) => Word::Succeeded { result, files: bench.files(), peak_bytes: peak() },
        Ok(Err(failure)) if failure.fault == Fault::Memory => match kind.split(&task) {
            Some(split) => Word::Split { failure, split },
            None => Word::Failed { failure, damaged: bench.damaged(), last: true, peak_bytes: peak() },
        },
        // What the node is at fault for may be this process's state, such as a lost device: the next attempt gets a fresh one.
        Ok(Err(failure)) => {
            Word::Failed { last: failure.fault == Fault::Node, failure, damaged: bench.damaged(), peak_bytes: peak() }
        }
        Err(panic) => Word::Failed { failure: panicked(&*panic), damaged: bench.damaged(), last: true, peak_bytes: None },
    }
}

/// Where the latest panic was.
static PANICKED_AT: Mutex<String> = Mutex::new(String::new());

/// Notes where panics happen, for the failure's message, before they are told as usual.
fn note_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let at = panic.location().map(|at| format!(" (at {at})")).unwrap_or_default();
        *PANICKED_AT.lock().unwrap_or_else(PoisonError::into_inner) = at;
        usual(panic);
    }));
}

fn panicked(panic: &(dyn Any + Send)) -> TaskFailure {
    let at = std::mem::take(&mut *PANICKED_AT.lock().unwrap_or_else(PoisonError::into_inner));
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    TaskFailure { fault: Fault::Task, message: format!("a fault of klieg itself: {}{at}", text.unwrap_or("it panicked")) }
}
