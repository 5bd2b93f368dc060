//! The scheduler's state machine: what happened goes in, what is to be done comes out. No IO, no clock, no randomness.

mod attempts;
mod jobs;
mod nodes;
mod story;
mod tasks;

pub use story::story;

use crate::{
    admit::Refusal,
    state::{Dice, Millis, Share, State, Task},
    store::Measured,
};
use klieg_protocol::{
    Beat, Beaten, Digest, Dispatch, Event, Incarnation, JobId, JobSpec, JobState, NodeId, Offer, Plan, Progress, Report,
    TaskFailure, TaskId, TaskResult, Token,
};

/// What the scheduler learns.
#[derive(Clone, Debug, PartialEq)]
pub enum Happened {
    Submitted(Box<NewJob>),
    CancelAsked(JobId),
    /// Another job took the place of one that was left over.
    Superseded(JobId),
    /// Somebody asks again for a job that an earlier run of the farm left over.
    Resumed(JobId),
    NodeJoined(Offer),
    NodeLeft(NodeId, Incarnation),
    Beat(Beat),
    /// An operator wants a node to get no more attempts, or to get them again.
    Drain(NodeId, bool),
    /// What a project may have from now on.
    ShareSet(String, Share),
    /// How many there are of a counted resource.
    LimitSet(String, u32),
    /// A job is served before those of lower priority, from now on.
    Prioritised(JobId, i32),
    /// The result cache has answered an `Effect::LookUp`.
    CacheAnswered {
        id: TaskId,
        identity: Digest,
        hit: Option<TaskResult>,
    },
    Progressed {
        id: TaskId,
        token: Token,
        progress: Progress,
    },
    Reported(Report),
    /// Time to place ready tasks.
    Tick,
}

/// A job to be accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct NewJob {
    pub id: JobId,
    pub identity: Digest,
    pub build: String,
    pub spec: JobSpec,
    pub plan: Plan,
    /// "": the default project.
    pub project: String,
    /// The account that submitted it; "": nobody in particular.
    pub owner: String,
    pub priority: i32,
    /// Of one slot for one hour.
    pub price: f64,
}

/// What the scheduler wants done. Everything but `LookUp` is carried out after the saves of the same batch are durable.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    SaveJob(JobId),
    SaveTask(TaskId),
    SaveAttempt(Box<Attempt>),
    /// What a project may have, or has had, is another.
    SaveProject(String),
    SaveLimit(String),
    SavePeak(Measured),
    /// The result cache takes the outcome of a computation.
    Remember {
        identity: Digest,
        result: TaskResult,
        seconds: f64,
    },
    /// The result cache has been useful.
    Used(Digest),
    LookUp {
        id: TaskId,
        identity: Digest,
    },
    Run {
        node: NodeId,
        dispatch: Box<Dispatch>,
    },
    Stop {
        node: NodeId,
        id: TaskId,
        token: Token,
        session: u64,
    },
    Tell {
        job: JobId,
        event: Event,
    },
    /// The report came from a fenced attempt.
    Refused {
        id: TaskId,
        token: Token,
    },
    /// The job was not accepted, and nothing of it kept.
    Declined {
        job: JobId,
        refusal: Refusal,
    },
    /// The node was not taken.
    TurnedAway {
        node: NodeId,
        reason: String,
    },
    /// What the node's heartbeat is answered with.
    Answer {
        node: NodeId,
        incarnation: Incarnation,
        answer: Beaten,
        session: u64,
    },
}

/// An attempt that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    pub id: TaskId,
    pub attempt: u32,
    pub token: Token,
    pub node: NodeId,
    pub device: u32,
    pub slot: u32,
    pub started: Millis,
    pub ended: Millis,
    pub seconds: f64,
    /// `None`: it succeeded.
    pub failure: Option<TaskFailure>,
}

/// Takes one event into the state. Equal states, events, times and dice give equal effects.
pub fn step(state: &mut State, happened: Happened, now: Millis, dice: &mut Dice) -> Vec<Effect> {
    state.clock.advance(now);
    let mut step = Step { state, now, dice, effects: Vec::new() };
    match happened {
        Happened::Submitted(job) => step.submitted(*job),
        Happened::CancelAsked(job) => step.end(&job, JobState::Cancelled, Some("cancelled by request".into())),
        Happened::Superseded(job) => step.end(&job, JobState::Cancelled, Some("another job took its place".into())),
        Happened::Resumed(job) => step.resumed(&job),
        Happened::NodeJoined(offer) => step.joined(offer),
        Happened::NodeLeft(node, incarnation) => step.left(&node, incarnation),
        Happened::Beat(beat) => step.beat(beat),
        Happened::Drain(node, drained) => step.drain(&node, drained),
        Happened::ShareSet(project, share) => {
            step.state.project(&project).share = share;
            step.effects.push(Effect::SaveProject(project));
        }
        Happened::LimitSet(name, most) => {
            step.state.limits.entry(name.clone()).or_default().most = most;
            step.effects.push(Effect::SaveLimit(name));
        }
        Happened::Prioritised(job, priority) => step.prioritised(&job, priority),
        Happened::CacheAnswered { id, identity, hit } => step.answered(&id, identity, hit),
        Happened::Progressed { id, token, progress } => step.progressed(&id, token, progress),
        Happened::Reported(report) => step.reported(report),
        Happened::Tick => step.tick(),
    }
    step.effects
}

struct Step<'a> {
    state: &'a mut State,
    now: Millis,
    dice: &'a mut Dice,
    effects: Vec<Effect>,
}

impl Step<'_> {
    fn tell(&mut self, job: &JobId, event: Event) {
        self.effects.push(Effect::Tell { job: job.clone(), event });
    }

    fn save(&mut self, id: &TaskId) {
        self.effects.push(Effect::SaveTask(id.clone()));
    }

    fn task(&mut self, id: &TaskId) -> Option<&mut Task> {
        self.state.jobs.get_mut(&id.job)?.tasks.get_mut(&id.task)
    }
}
