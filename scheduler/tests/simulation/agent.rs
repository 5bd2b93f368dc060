//! One node: takes attempts, computes them by the clock of the world, reports until it is heard, and may fail in every way.

use crate::{
    fakes::{MemoryBlobs, now_or_never},
    work,
    world::Message,
};
use klieg_protocol::{
    Beat, Beaten, Charge, Class, Command, DeviceBeat, DeviceOffer, Dispatch, Fault, Incarnation, NodeId, Offer, Outcome, Progress,
    Report, TaskFailure, Token, Tools,
};
use klieg_scheduler::{
    blobs::Blobs,
    invariants::{Broken, Promise},
    state::{Dice, Millis},
};
use std::collections::{BTreeMap, BTreeSet};

pub struct Agent {
    pub offer: Offer,
    pub dead: bool,
    /// It will never come back.
    pub gone: bool,
    pub paused_until: Millis,
    /// No message reaches it or comes from it.
    pub cut_until: Millis,
    joined: bool,
    answered_at: Millis,
    beat_at: Millis,
    /// The latest session that it has heard of.
    session: u64,
    pub running: BTreeMap<Token, Attempt>,
    /// Survives the agent.
    pub outbox: BTreeMap<Token, Report>,
    seen: BTreeSet<Token>,
    /// Every attempt on that device fails until the agent starts anew.
    pub sticky: Option<u32>,
    /// The driver reports an Xid error of that device.
    pub xid: Option<(u32, Millis)>,
}

pub struct Attempt {
    dispatch: Dispatch,
    began: Millis,
    pub ends: Millis,
    outcome: Outcome,
    killed: bool,
    stopped: bool,
}

impl Agent {
    pub const LEASE_MS: Millis = 4_000;
    pub const GRACE_MS: Millis = 8_000;

    pub fn new(number: usize, dice: &mut Dice) -> Self {
        let device = |class, slots, memory_bytes| DeviceOffer { name: "d".into(), class, memory_bytes, slots, gpu: None };
        let mut devices = vec![device(Class::Cpu, 4, 12)];
        if number < 2 {
            devices.push(device(Class::Cuda, 2, 10));
        }
        let offer =
            Offer { node: NodeId(format!("n{number}")), incarnation: Incarnation(dice.roll()), devices, tools: Tools::default() };
        Self {
            offer,
            dead: false,
            gone: false,
            paused_until: 0,
            cut_until: 0,
            joined: false,
            answered_at: 0,
            beat_at: 0,
            session: 0,
            running: BTreeMap::new(),
            outbox: BTreeMap::new(),
            seen: BTreeSet::new(),
            sticky: None,
            xid: None,
        }
    }

    /// The process has died, with its workers.
    pub fn die(&mut self, dice: &mut Dice, now: Millis) {
        self.offer.incarnation = Incarnation(dice.roll());
        self.running.clear();
        (self.joined, self.sticky, self.answered_at) = (false, None, now);
    }

    /// What it does every half second; gives what it says.
    pub fn pulse(&mut self, dice: &mut Dice, now: Millis, blobs: &MemoryBlobs) -> Vec<Message> {
        // Nobody may believe any more that its attempts run: it ends them before others take their place.
        if now.saturating_sub(self.answered_at) > Self::LEASE_MS + Self::GRACE_MS / 2 {
            self.die(dice, now);
        }
        let mut says = Vec::new();
        if !self.joined && now >= self.beat_at {
            says.push(Message::Join(self.offer.clone()));
        }
        if now >= self.beat_at {
            self.beat_at = now + 1_000;
            says.push(Message::Beat(self.beat(now)));
        }
        self.end_attempts(now, blobs);
        for attempt in self.running.values() {
            let fraction = (now - attempt.began) as f32 / (attempt.ends - attempt.began).max(1) as f32;
            let progress = Progress { fraction: fraction.min(1.0), done: 0, note: String::new() };
            let (id, token) = (attempt.dispatch.id.clone(), attempt.dispatch.token);
            says.push(Message::Progress { id, token, progress });
        }
        says.extend(self.outbox.values().map(|report| Message::Report(Box::new(report.clone()))));
        says
    }

    fn beat(&self, now: Millis) -> Beat {
        let device = |number: usize| DeviceBeat {
            fault: self.xid.filter(|(device, until)| *device as usize == number && now < *until).map(|_| "Xid 79".into()),
            warm: if number == 1 { vec!["sdxl".into()] } else { Vec::new() },
        };
        let running = self.running.values().map(|attempt| Charge::of(&attempt.dispatch));
        // What has ended holds nothing.
        let nothing = |report: &Report| {
            let (id, token) = (report.id.clone(), report.token);
            Charge { id, token, device: 0, slots: Vec::new(), memory_bytes: 0 }
        };
        let kept = self.outbox.values().map(nothing);
        Beat {
            node: self.offer.node.clone(),
            incarnation: self.offer.incarnation,
            draining: false,
            devices: (0..self.offer.devices.len()).map(device).collect(),
            session: self.session,
            attempts: running.chain(kept).collect(),
            telemetry: None,
        }
    }

    fn end_attempts(&mut self, now: Millis, blobs: &MemoryBlobs) {
        let over: Vec<Token> = self.running.iter().filter(|(_, a)| a.ends <= now).map(|(token, _)| *token).collect();
        for token in over {
            let Some(attempt) = self.running.remove(&token) else { continue };
            let outcome = match attempt.outcome {
                _ if attempt.stopped => Outcome::Failed(TaskFailure { fault: Fault::Nobody, message: "stopped".into() }),
                outcome => outcome,
            };
            if let Outcome::Succeeded(_) = &outcome {
                let bytes = work::bytes(&attempt.dispatch.task);
                let put = now_or_never(blobs.put(bytes));
                assert!(put.is_ok(), "a disk of the simulation has room");
            }
            let Dispatch { id, attempt: number, .. } = attempt.dispatch;
            let seconds = (now - attempt.began) as f64 / 1000.0;
            let (node, damaged, killed) = (self.offer.node.clone(), Vec::new(), attempt.killed && !attempt.stopped);
            let report = Report { node, id, attempt: number, token, outcome, seconds, damaged, peak_bytes: None, killed };
            self.outbox.insert(token, report);
        }
    }

    /// Takes a message in. `chaos`: attempts may fail.
    pub fn hear(&mut self, message: Message, dice: &mut Dice, now: Millis, chaos: bool) -> Option<Broken> {
        match message {
            // It is an answer to this life's own heartbeat, and not from a leader that another has replaced.
            Message::Answer(life, answer, session) if life == self.offer.incarnation && session >= self.session => {
                self.answered_at = now;
                if session > self.session {
                    (self.session, self.beat_at) = (session, now);
                }
                match answer {
                    Beaten::Known => self.joined = true,
                    Beaten::Unknown => (self.joined, self.beat_at) = (false, now),
                    Beaten::Replaced => self.die(dice, now),
                }
                None
            }
            Message::Confirmed(token) => {
                self.outbox.remove(&token);
                None
            }
            Message::Command(Command::Stop { id, token, session }) if session >= self.session => {
                self.seen.insert(token);
                if !self.running.contains_key(&token) && !self.outbox.contains_key(&token) {
                    let outcome = Outcome::Failed(TaskFailure { fault: Fault::Nobody, message: "never began".into() });
                    let (node, damaged) = (self.offer.node.clone(), Vec::new());
                    let report =
                        Report { node, id, attempt: 0, token, outcome, seconds: 0.0, damaged, peak_bytes: None, killed: false };
                    self.outbox.insert(token, report);
                    return None;
                }
                if let Some(attempt) = self.running.get_mut(&token).filter(|attempt| !attempt.stopped) {
                    (attempt.stopped, attempt.ends) = (true, now + 200 + dice.below(2_500));
                }
                None
            }
            Message::Command(Command::Run(dispatch)) => {
                let mine = dispatch.session >= self.session && dispatch.incarnation == self.offer.incarnation;
                if !mine || !self.seen.insert(dispatch.token) {
                    return None;
                }
                let wrong = self.overbooked(&dispatch);
                let attempt = self.begin(*dispatch, dice, now, chaos);
                self.running.insert(attempt.dispatch.token, attempt);
                wrong
            }
            _ => None,
        }
    }

    /// What really runs together on a device must fit it.
    fn overbooked(&self, next: &Dispatch) -> Option<Broken> {
        let device = self.offer.devices.get(next.device as usize)?;
        let beside: Vec<&Dispatch> = self.running.values().map(|a| &a.dispatch).filter(|d| d.device == next.device).collect();
        let all = || beside.iter().copied().chain([next]);
        let slots: u32 = all().map(|d| d.task.ask.slots).sum();
        let memory: u64 = all().map(|d| d.task.ask.memory_bytes).sum();
        let twice = beside.iter().any(|d| d.slots.iter().any(|slot| next.slots.contains(slot)));
        let over = twice || slots > device.slots || memory > device.memory_bytes;
        let what = || format!("{} runs {slots} slots and {memory} bytes on device {}", self.offer.node.0, next.device);
        over.then(|| Broken { promise: Promise::Booked, what: what() })
    }

    fn begin(&self, dispatch: Dispatch, dice: &mut Dice, now: Millis, chaos: bool) -> Attempt {
        let spec = &dispatch.task;
        let mut took = (spec.ask.seconds * 500.0) as Millis + dice.below((spec.ask.seconds * 1_000.0) as Millis + 1);
        let failed = |fault, message: &str| Outcome::Failed(TaskFailure { fault, message: message.into() });
        let mut killed = false;
        let outcome = if self.sticky == Some(dispatch.device) {
            failed(Fault::Node, "a sticky error")
        } else {
            match dice.below(if chaos { 100 } else { u64::MAX }) {
                0..5 => failed(Fault::Task, "a wrong turn"),
                5..8 => {
                    killed = true;
                    failed(Fault::Task, "its worker died")
                }
                8..10 => {
                    (killed, took) = (true, 15_000);
                    failed(Fault::Task, "its worker hung")
                }
                10..14 => failed(Fault::Node, "the upload was torn"),
                14 => failed(Fault::Input, "the input is bad"),
                15..20 if spec.ask.class == Class::Cuda => {
                    let failure = TaskFailure { fault: Fault::Memory, message: "out of device memory".into() };
                    match work::split(spec) {
                        Some(split) => Outcome::Split { failure, split },
                        None => Outcome::Failed(failure),
                    }
                }
                _ => Outcome::Succeeded(work::result(spec)),
            }
        };
        Attempt { dispatch, began: now, ends: now + took, outcome, killed, stopped: false }
    }
}
