//! The agent's talk with the scheduler: commands in, heartbeats out, and what is done when nobody answers.

use crate::{
    agent::{
        charges::Charges,
        slot::{Note, Shared},
    },
    clock,
};
use klieg_protocol::{
    Beat, Beaten, Closed, Command, Commands, Dispatch, Dispatcher, Fault, Offer, Outcome, Report, TaskFailure, TaskId, Telemetry,
    Token, wire::Heard,
};
use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// How often the scheduler hears of the agent, or four times in a lease if that is more often.
const BEAT: Duration = Duration::from_secs(2);
/// However short the lease.
const BEAT_MIN: Duration = Duration::from_millis(1);

/// Why an agent takes part no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The farm has been closed, or does not talk to this agent.
    Closed,
    /// Another agent has taken the node's place.
    Replaced,
}

/// The slots of all devices: where notes for them go.
#[derive(Clone, Default)]
pub struct Slots(pub BTreeMap<(u32, u32), mpsc::Sender<Note>>);

impl Slots {
    /// Tells all of them. One that has ended needs no word.
    pub fn tell(&self, note: impl Fn() -> Note) {
        self.0.values().for_each(|slot| drop(slot.send(note())));
    }

    /// Tells all slots of a device.
    pub fn tell_device(&self, device: u32, note: impl Fn() -> Note) {
        self.0.range((device, 0)..=(device, u32::MAX)).for_each(|(_, slot)| drop(slot.send(note())));
    }
}

/// Something that was asked of the scheduler, and when.
type Asked = Pin<Box<dyn Future<Output = (Instant, Answer)> + Send>>;

enum Answer {
    Beat(Result<Heard, Closed>),
    Joined(Result<Box<dyn Commands>, Closed>),
    /// It took too long.
    None,
}

/// One agent's part of the talk.
pub struct Stay<D> {
    pub shared: Arc<Shared<D>>,
    pub offer: Offer,
    pub slots: Slots,
    pub draining: watch::Receiver<bool>,
    pub telemetry: watch::Receiver<Option<Telemetry>>,
    pub silence: Silence,
    pub terms: Terms,
    /// Nobody has answered for so long that nothing runs any more.
    pub alone: bool,
}

/// How long the farm believes in a node that it does not hear of. The farm tells with every heartbeat, so that both go by the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// That it lives.
    pub lease: Duration,
    /// That its attempts run on, after that.
    pub grace: Duration,
}

impl Default for Terms {
    /// Until the farm has told: short, as nothing runs yet.
    fn default() -> Self {
        Self { lease: Duration::from_secs(8), grace: Duration::from_secs(8) }
    }
}

impl Terms {
    fn of(heard: &Heard) -> Self {
        Self { lease: Duration::from_millis(heard.lease_ms), grace: Duration::from_millis(heard.grace_ms) }
    }

    fn pulse(&self) -> tokio::time::Interval {
        let mut pulse = tokio::time::interval(BEAT.min(self.lease / 4).max(BEAT_MIN));
        pulse.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        pulse
    }
}

/// The most that one look may add to a silence. An agent that was paused for longer did not ask either: it asks before it gives up.
const STRIDE_MAX: Duration = Duration::from_secs(2);
/// How often the silence is looked at, at least.
const LOOK: Duration = Duration::from_secs(1);

/// For how long the scheduler has not answered, as far as the agent was awake to hear it.
pub struct Silence {
    lasted: Duration,
    looked: Instant,
}

impl Silence {
    /// Since what was answered last was asked.
    pub fn since(asked: Instant) -> Self {
        Self { lasted: Duration::ZERO, looked: asked }
    }

    fn look(&mut self, now: Instant) -> Duration {
        self.lasted += now.saturating_duration_since(std::mem::replace(&mut self.looked, now)).min(STRIDE_MAX);
        self.lasted
    }

    /// Something was answered that was asked then.
    fn end(&mut self, asked: Instant, now: Instant) {
        self.lasted = self.look(now).min(now.saturating_duration_since(asked));
    }
}

impl<D: Dispatcher> Stay<D> {
    /// Carries out commands and lets the scheduler hear of the agent, until one of them ends. Joins again if the scheduler has
    /// forgotten the node. At most one question is under way.
    pub async fn run(mut self, first: Box<dyn Commands>) -> Ended {
        let mut commands = Some(first);
        let mut asked: Option<Asked> = None;
        let mut pulse = self.terms.pulse();
        let health = self.shared.health.clone();
        let ended = loop {
            let left = self.alone_after().saturating_sub(self.silence.look(clock::now()));
            if left.is_zero() && !self.alone {
                self.end_alone();
            }
            let news = self.draining.has_changed().is_ok();
            tokio::select! {
                command = next(&mut commands), if commands.is_some() => match command {
                    Some(command) => self.hand(command),
                    None => break Ended::Closed,
                },
                _ = pulse.tick(), if asked.is_none() => asked = Some(self.beat()),
                (when, answer) = answer(&mut asked), if asked.is_some() => {
                    asked = None;
                    if let Answer::Beat(Ok(heard)) = &answer
                        && self.agrees(heard)
                    {
                        pulse = self.terms.pulse();
                        pulse.reset();
                    }
                    match self.heard(when, answer, &mut commands) {
                        Next::Wait => {}
                        Next::BeatNow => pulse.reset_immediately(),
                        Next::Join => asked = Some(self.join()),
                        Next::End(ended) => break ended,
                    }
                }
                _ = tokio::time::sleep(left.min(LOOK)), if !self.alone => {}
                () = health.news() => pulse.reset_immediately(),
                _ = self.draining.changed(), if news => pulse.reset_immediately(),
            }
        };
        self.slots.tell(|| Note::Quit);
        ended
    }

    /// Goes by what the farm says from now on; true when that is another than before. A scheduler that another has followed has no say.
    fn agrees(&mut self, heard: &Heard) -> bool {
        let terms = if self.charges().obeys(heard.session) { Terms::of(heard) } else { self.terms };
        std::mem::replace(&mut self.terms, terms) != terms
    }

    fn charges(&self) -> &Charges {
        &self.shared.charges
    }

    /// How long the scheduler may stay silent before the attempts are ended. The scheduler gives them up after its lease and
    /// gives what they hold away after its grace: half of that is left for ending them.
    fn alone_after(&self) -> Duration {
        self.terms.lease + self.terms.grace / 2
    }

    /// Nobody can believe any more that the attempts run: they end. What has finished is kept and handed in when somebody hears.
    fn end_alone(&mut self) {
        tracing::error!(node = self.offer.node.0, "the farm has not answered for too long; what runs here is ended");
        self.alone = true;
        self.slots.tell(|| Note::Abandon("its node could not reach the farm"));
    }

    fn beat(&mut self) -> Asked {
        let (session, attempts) = self.charges().list();
        let telemetry = self.telemetry.has_changed().unwrap_or(false).then(|| self.telemetry.borrow_and_update().clone());
        let beat = Beat {
            node: self.offer.node.clone(),
            incarnation: self.offer.incarnation,
            draining: *self.draining.borrow_and_update(),
            devices: self.shared.health.beats(self.offer.devices.len()),
            session,
            attempts,
            telemetry: telemetry.flatten().map(Box::new),
        };
        let shared = Arc::clone(&self.shared);
        self.ask(async move { Answer::Beat(shared.farm.beat(beat).await) })
    }

    fn join(&self) -> Asked {
        let (shared, offer) = (Arc::clone(&self.shared), self.offer.clone());
        self.ask(async move { Answer::Joined(shared.farm.join(offer).await) })
    }

    /// An answer that takes longer than the lease is given up, and asked for again.
    fn ask(&self, what: impl Future<Output = Answer> + Send + 'static) -> Asked {
        let (now, lease) = (clock::now(), self.terms.lease);
        Box::pin(async move { (now, tokio::time::timeout(lease, what).await.unwrap_or(Answer::None)) })
    }

    fn heard(&mut self, when: Instant, answer: Answer, commands: &mut Option<Box<dyn Commands>>) -> Next {
        let next = match answer {
            Answer::None if commands.is_none() => return Next::Join,
            Answer::None => return Next::BeatNow,
            Answer::Beat(Err(Closed)) | Answer::Joined(Err(Closed)) => return Next::End(Ended::Closed),
            Answer::Joined(Ok(anew)) => {
                *commands = Some(anew);
                Next::BeatNow
            }
            Answer::Beat(Ok(Heard { answer, session, .. })) => {
                let news = self.charges().follow(session);
                match answer {
                    // A scheduler that another has replaced has nothing to say.
                    _ if !self.charges().obeys(session) => return Next::Wait,
                    Beaten::Known if news => Next::BeatNow,
                    Beaten::Known => Next::Wait,
                    Beaten::Unknown => {
                        *commands = None;
                        Next::Join
                    }
                    Beaten::Replaced => {
                        tracing::error!(node = self.offer.node.0, "another agent has taken this node's place");
                        Next::End(Ended::Replaced)
                    }
                }
            }
        };
        self.silence.end(when, clock::now());
        self.alone = false;
        next
    }

    fn hand(&self, command: Command) {
        match command {
            Command::Run(dispatch) => self.run_attempt(dispatch),
            Command::Stop { id, token, session } => {
                if !self.charges().obeys(session) {
                    return;
                }
                self.charges().see(token);
                if self.charges().has(token) {
                    return self.slots.tell(|| Note::Stop(token));
                }
                // It has not come, and must not begin any more: what is reserved for it is free.
                self.give_back(id, token, "it was stopped before it began");
            }
        }
    }

    fn run_attempt(&self, dispatch: Box<Dispatch>) {
        // While nobody answers nothing begins; what is still wanted is sent again.
        if dispatch.incarnation != self.offer.incarnation || self.alone {
            return;
        }
        if *self.draining.borrow() && !self.charges().has(dispatch.token) && self.charges().obeys(dispatch.session) {
            return self.give_back(dispatch.id, dispatch.token, "its node is about to leave");
        }
        if !self.charges().take(&dispatch) {
            return;
        }
        let slot = dispatch.slots.first().and_then(|slot| self.slots.0.get(&(dispatch.device, *slot)));
        match slot {
            Some(slot) => drop(slot.send(Note::Run(dispatch))),
            // The scheduler only knows the slots that were offered.
            None => tracing::error!(task = dispatch.id.task, "an attempt came for a slot that was not offered"),
        }
    }

    /// Reports an attempt that has not begun and will not.
    fn give_back(&self, id: TaskId, token: Token, why: &str) {
        let failure = TaskFailure { fault: Fault::Nobody, message: why.into() };
        let (node, outcome, damaged) = (self.offer.node.clone(), Outcome::Failed(failure), Vec::new());
        let report = Report { node, id, attempt: 0, token, outcome, seconds: 0.0, damaged, peak_bytes: None, killed: false };
        let shared = Arc::clone(&self.shared);
        tokio::spawn(async move {
            // It is told or sent again if this does not arrive.
            let _ = shared.farm.report(report).await;
        });
    }
}

enum Next {
    Wait,
    BeatNow,
    Join,
    End(Ended),
}

async fn next(commands: &mut Option<Box<dyn Commands>>) -> Option<Command> {
    match commands {
        Some(commands) => commands.next().await,
        None => std::future::pending().await,
    }
}

async fn answer(asked: &mut Option<Asked>) -> (Instant, Answer) {
    match asked {
        Some(asked) => asked.await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_of_the_agent_is_no_silence_of_the_farm() {
        let start = clock::now();
        let at = |seconds: f32| start + Duration::from_secs_f32(seconds);
        let mut silence = Silence::since(start);
        assert_eq!(silence.look(at(1.5)), Duration::from_secs_f32(1.5));
        assert_eq!(silence.look(at(1000.0)), Duration::from_secs_f32(3.5), "it slept");
        silence.end(at(999.5), at(1000.5));
        assert_eq!(silence.look(at(1001.5)), Duration::from_secs(2), "from when it asked");
        assert_eq!(silence.look(at(1000.0)), Duration::from_secs(2), "it never goes back");
    }
}
