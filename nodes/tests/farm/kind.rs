//! A job kind that does what tests need: sums, grows, crashes, hangs.

use klieg_kind::{BadInput, Conform, Desk, Kind, Media, SegmentEncoder, VideoSpec};
use klieg_protocol::{Ask, Class, Digest, Fault, Input, JobSpec, Plan, Progress, Source, TaskFailure, TaskResult, TaskSpec};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, io::Write, path::Path, thread, time::Duration};

pub struct Toy;

/// A task that takes nothing.
pub fn task(name: &str, step: &str, params: Value) -> TaskSpec {
    let ask = Ask { memory_bytes: 1_000_000, seconds: 0.1, ..Ask::default() };
    TaskSpec { name: name.into(), step: step.into(), params, inputs: BTreeMap::new(), ask, rank: 0, label: String::new() }
}

/// A task that joins the texts of others.
pub fn join(name: &str, of: &[&str]) -> TaskSpec {
    let input = |task: &&str| {
        let from = Source::Output { task: task.to_string(), name: "text".into() };
        (task.to_string(), Input { from })
    };
    TaskSpec { inputs: of.iter().map(input).collect(), ..task(name, "join", json!({})) }
}

fn fail(fault: Fault, message: &str) -> TaskFailure {
    TaskFailure { fault, message: message.into() }
}

/// Writes down that it ran, and says how often it has.
fn count(params: &Value) -> usize {
    let path = params["log"].as_str().expect("a log");
    let mut log = fs::OpenOptions::new().create(true).append(true).open(path).expect("log");
    log.write_all(b"x").expect("log");
    fs::read(path).expect("log").len()
}

impl Toy {
    fn text(task: &TaskSpec, desk: &mut dyn Desk) -> Result<String, TaskFailure> {
        let params = &task.params;
        let text = params["text"].as_str().unwrap_or_default().to_string();
        match task.step.as_str() {
            "text" => {
                if !params["log"].is_null() {
                    count(params);
                }
                Ok(text)
            }
            "join" => {
                let mut all = String::new();
                for name in desk.inputs() {
                    all += &String::from_utf8_lossy(&desk.input(&name)?);
                }
                Ok(all)
            }
            "slow" => {
                for i in 0..params["steps"].as_u64().unwrap_or(1) {
                    desk.progress(Progress { fraction: i as f32 / 10.0, done: i, note: String::new() })?;
                    thread::sleep(Duration::from_millis(10));
                }
                Ok(text)
            }
            "repeat" => Ok(text.repeat(params["times"].as_u64().unwrap_or(1) as usize)),
            "print" => {
                println!("a library prints");
                Ok(text)
            }
            "crash" => {
                if count(params) <= params["times"].as_u64().unwrap_or(0) as usize {
                    eprintln!("it hurts");
                    std::process::abort();
                }
                Ok(text)
            }
            "panic" => panic!("no such luck"),
            "hang" => {
                if count(params) == 1 {
                    let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGSTOP);
                }
                Ok(text)
            }
            "env" => Ok(std::env::var(&text).unwrap_or_default()),
            // What it starts leaves its process group.
            "leaver" => {
                let mut child = std::process::Command::new("setsid").args(["sleep", "60"]).spawn().expect("setsid");
                let pid = nix::unistd::Pid::from_raw(child.id() as i32);
                while nix::unistd::getpgid(Some(pid)) != Ok(pid) {
                    thread::sleep(Duration::from_millis(1));
                }
                fs::write(params["pids"].as_str().expect("pids"), format!("{} {}", std::process::id(), child.id())).expect("pids");
                let _ = child.wait();
                Ok(text)
            }
            // The second time it is quick.
            "idle once" if Path::new(params["pids"].as_str().expect("pids")).exists() => Ok(text),
            "idle" | "idle once" => {
                let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("sleep");
                fs::write(params["pids"].as_str().expect("pids"), format!("{} {}", std::process::id(), child.id())).expect("pids");
                let _ = child.wait();
                Ok(text)
            }
            "fail" => {
                count(params);
                let fault = serde_json::from_value(params["fault"].clone()).expect("a fault");
                Err(fail(fault, "it would not"))
            }
            other => Err(fail(Fault::Input, &format!("no step {other}"))),
        }
    }
}

impl Kind for Toy {
    fn name(&self) -> &'static str {
        "toy"
    }

    fn plan(&self, _: &JobSpec, _: Class, _: &dyn Fn(&Digest) -> std::io::Result<Vec<u8>>) -> Result<Plan, BadInput> {
        Ok(Plan::default())
    }

    fn run(&self, spec: &TaskSpec, desk: &mut dyn Desk) -> Result<TaskResult, TaskFailure> {
        let mut result = TaskResult::default();
        match spec.step.as_str() {
            "ghost" => drop(result.outputs.insert("text".into(), Digest::of(b"never stored"))),
            "grow" => {
                let texts: Vec<&str> = spec.params["texts"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                let names: Vec<String> = (0..texts.len()).map(|i| format!("part/{i}")).collect();
                result.adds = names.iter().zip(&texts).map(|(name, text)| task(name, "text", json!({"text": text}))).collect();
                result.adds.push(join("whole", &names.iter().map(String::as_str).collect::<Vec<_>>()));
            }
            "file" => {
                let path = desk.scratch().join("made");
                fs::write(&path, spec.params["text"].as_str().unwrap_or_default()).expect("scratch");
                let digest = desk.store_file(&path)?;
                result.outputs.insert("text".into(), digest);
            }
            _ => {
                let text = Self::text(spec, desk)?;
                let digest = desk.store(text.as_bytes())?;
                result.outputs.insert("text".into(), digest);
            }
        }
        Ok(result)
    }
}

/// The toy makes no films.
pub struct NoMedia;

impl Media for NoMedia {
    fn probe(&self, _: &Path) -> Result<klieg_kind::Probe, TaskFailure> {
        Err(fail(Fault::Node, "no decoder"))
    }
    fn frames(
        &self,
        _: &Path,
        _: &klieg_kind::Bounds,
        _: &mut dyn FnMut(klieg_kind::Shown) -> Result<(), TaskFailure>,
    ) -> Result<(), TaskFailure> {
        Err(fail(Fault::Node, "no decoder"))
    }
    fn samples(&self, _: &Path, _: u32, _: f64, _: &mut dyn FnMut(&[f32]) -> Result<(), TaskFailure>) -> Result<bool, TaskFailure> {
        Err(fail(Fault::Node, "no decoder"))
    }
    fn encode(&self, _: &Path, _: &VideoSpec) -> Result<Box<dyn SegmentEncoder>, TaskFailure> {
        Err(fail(Fault::Node, "no encoder"))
    }
    fn conform(&self, _: &Path, _: &Conform<'_>) -> Result<(), TaskFailure> {
        Err(fail(Fault::Node, "no encoder"))
    }
}
