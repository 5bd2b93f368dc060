//! What a new leader does with what an earlier one left.

use crate::{
    state::{Held, Job, Millis, Node, State, Task},
    step::Attempt,
    store::{Account, Batch, Measured, Standing},
};
use klieg_protocol::{Digest, Fault, Offer, TaskFailure, TaskId, TaskState, Tools};

/// What a new leader finds.
#[derive(Clone, Copy, Debug)]
pub struct Left {
    /// Attempts run on: their nodes outlived the leader. Each node has a lease from now on to join anew.
    pub running: bool,
}

/// Makes a job that comes from the store live again, parked. Results whose artifacts are gone are computed anew. `here`: whether an
/// artifact is there. What has changed by that is to be saved before anything else is done.
pub fn restore(state: &mut State, mut job: Job, here: &dyn Fn(&Digest) -> bool, left: Left, now: Millis, batch: &mut Batch) {
    job.parked = true;
    let id = job.id.clone();
    for task in job.tasks.values_mut() {
        let name = task.spec.name.to_string();
        // What an older schema says of where it ran is not kept.
        let lost_one = task.state == TaskState::Running && (!left.running || task.run.is_none());
        if lost_one {
            batch.attempts.extend(lost(TaskId { job: id.clone(), task: name.clone() }, task, now));
        }
        let gone = task.outputs.values().any(|digest| !here(digest));
        if lost_one || (task.state == TaskState::Succeeded && gone) {
            task.state = TaskState::Waiting;
            task.run = None;
            task.reused = false;
            task.outputs.clear();
            batch.tasks.push((id.clone(), name, task.clone()));
        }
    }
    job.relink();
    for task in job.tasks.values().filter(|task| task.run.is_some()) {
        hold(state, &job, task);
    }
    state.count_open(&job.project, i64::try_from(job.unfinished).unwrap_or(i64::MAX));
    state.open_seconds += job.standing.left;
    state.jobs.insert(id.clone(), job);
    state.stand(&id);
}

/// Takes over what outlives leaders. Before any job is restored.
pub fn stand(state: &mut State, standing: Standing) {
    for Account { project, share, seconds, cost } in standing.projects {
        let known = state.project(&project);
        (known.share, known.seconds, known.cost) = (share, seconds, cost);
    }
    for (name, most) in standing.limits {
        state.limits.entry(name).or_default().most = most;
    }
    for Measured { kind, step, shape, bytes } in standing.peaks {
        state.peaks.learn(&kind, &step, &shape, bytes);
    }
}

/// Notes what an attempt that runs on holds of a node which has not joined this leader yet.
fn hold(state: &mut State, job: &Job, task: &Task) {
    let Some(run) = task.run.as_deref() else { return };
    let lease_until = state.clock.steady() + state.rules.lease_ms;
    let session = state.session_of(None);
    let node = state.nodes.entry(run.node.clone()).or_insert_with(|| {
        let offer = Offer { node: run.node.clone(), incarnation: run.incarnation, devices: Vec::new(), tools: Tools::default() };
        Node { joined: false, ..Node::new(offer, lease_until, session) }
    });
    let ask = task.spec.open().ask;
    let held = Held {
        id: TaskId { job: job.id.clone(), task: task.spec.name.to_string() },
        project: job.project.clone(),
        device: run.device,
        slots: run.slots.clone(),
        memory_bytes: run.memory_bytes,
        limits: crate::state::Shape::of(&ask, None).limits,
        since: run.since,
        since_steady: state.clock.steady(),
        seconds: ask.seconds,
        part: 0.0,
    };
    for limit in &held.limits {
        state.limits.entry(limit.clone()).or_default().used += 1;
    }
    let slots = u32::try_from(held.slots.len()).unwrap_or(u32::MAX);
    node.hold(task.token, held);
    let project = state.project(&job.project);
    project.slots_held += slots;
    project.active = true;
}

fn lost(id: TaskId, task: &Task, now: Millis) -> Option<Attempt> {
    let run = task.run.as_deref().cloned()?;
    let failure = TaskFailure { fault: Fault::Nobody, message: "the farm's process ended".into() };
    Some(Attempt {
        id,
        attempt: task.attempts,
        token: task.token,
        node: run.node,
        slot: run.slots.first().copied().unwrap_or(0),
        started: run.since,
        ended: now,
        // How long it lived is not known.
        seconds: 0.0,
        failure: Some(failure),
    })
}
