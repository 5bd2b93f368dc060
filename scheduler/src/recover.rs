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
    let (id, mut changed) = (job.id.clone(), Vec::new());
    for (place, task) in (0..).zip(job.tasks.values_mut()) {
        // What an older schema says of where it ran is not kept.
        let lost_one = task.state == TaskState::Running && (!left.running || task.run.is_none());
        if lost_one {
            batch.attempts.extend(lost(TaskId { job: id.clone(), task: task.spec.name.to_string() }, task, now));
        }
        let gone = task.outputs.values().any(|digest| !here(digest));
        if lost_one || (task.state == TaskState::Succeeded && gone) {
            task.state = TaskState::Waiting;
            task.run = None;
            task.reused = false;
            task.outputs.clear();
            changed.push(place);
        }
    }
    job.relink();
    // As its links say that it stands: what is ready is not written again when the job goes on.
    let changed = changed.into_iter().filter_map(|place| job.tasks.at(place));
    batch.tasks.extend(changed.map(|task| (id.clone(), task.spec.name.to_string(), task.clone())));
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
        device: run.device,
        slot: run.slots.first().copied().unwrap_or(0),
        started: run.since,
        ended: now,
        // How long it lived is not known.
        seconds: 0.0,
        failure: Some(failure),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        invariants,
        state::{Dice, Rules},
        step::{Effect, Happened, NewJob, step},
    };
    use klieg_protocol::{
        Ask, Beat, DeviceBeat, Dispatch, Incarnation, Input, JobId, JobSpec, NodeId, Outcome, Plan, Report, Source, TaskResult,
        TaskSpec,
    };
    use std::collections::BTreeMap;

    fn task(name: &str, inputs: BTreeMap<String, Input>) -> TaskSpec {
        let ask = Ask { memory_bytes: 1, seconds: 1.0, ..Ask::default() };
        TaskSpec { name: name.into(), step: "s".into(), params: name.into(), inputs, ask, rank: 0, label: String::new() }
    }

    /// A step of a farm whose result cache knows nothing.
    fn happen(state: &mut State, happened: Happened) -> Vec<Effect> {
        let (mut all, mut dice) = (Vec::new(), Dice(1));
        for effect in step(state, happened, 1_000, &mut dice) {
            match effect {
                Effect::LookUp { id, identity } => all.extend(happen(state, Happened::CacheAnswered { id, identity, hit: None })),
                other => all.push(other),
            }
        }
        all
    }

    fn join(state: &mut State) {
        let offer = Offer::of_cpu(NodeId("n".into()), Incarnation(1), 2, 1 << 30);
        let (node, incarnation) = (offer.node.clone(), offer.incarnation);
        happen(state, Happened::NodeJoined(offer));
        let (session, devices) = (state.session_of(Some(&node)), vec![DeviceBeat::default()]);
        let beat = Beat { node, incarnation, draining: false, devices, session, attempts: Vec::new(), telemetry: None };
        happen(state, Happened::Beat(beat));
    }

    fn dispatched(effects: Vec<Effect>) -> Vec<Dispatch> {
        effects.into_iter().filter_map(|e| if let Effect::Run { dispatch, .. } = e { Some(*dispatch) } else { None }).collect()
    }

    /// Jobs go on one after the other after a takeover; their nodes do not wait for that with what they have to report.
    #[test]
    fn what_is_reported_before_a_job_goes_on_is_not_forgotten() {
        let mut before = State::new(Rules::default());
        join(&mut before);
        let from = Input { from: Source::Output { task: "a".into(), name: "o".into() } };
        let tasks = vec![task("a", BTreeMap::new()), task("b", BTreeMap::from([("in".into(), from)]))];
        let id = JobId("job-000001".into());
        let spec = JobSpec { kind: "k".into(), label: String::new(), params: 1.into(), inputs: BTreeMap::new() };
        let (identity, build, project) = (Digest::of(b"i"), String::new(), String::new());
        let new = NewJob {
            id: id.clone(),
            identity,
            build,
            spec,
            plan: Plan { tasks },
            project,
            owner: String::new(),
            priority: 0,
            price: 0.0,
        };
        happen(&mut before, Happened::Submitted(Box::new(new)));
        let a = dispatched(happen(&mut before, Happened::Tick)).remove(0);

        let mut after = State { next_token: before.next_token, ..State::new(Rules::default()) };
        let mut batch = Batch::default();
        restore(&mut after, before.jobs[&id].clone(), &|_| true, Left { running: true }, 1_000, &mut batch);
        assert!(batch.is_empty(), "nothing has changed");
        join(&mut after);
        let outcome =
            Outcome::Succeeded(TaskResult { outputs: BTreeMap::from([("o".into(), Digest::of(b"o"))]), adds: Vec::new() });
        let (node, damaged) = (NodeId("n".into()), Vec::new());
        let Dispatch { id: a, attempt, token, .. } = a;
        let report = Report { node, id: a, attempt, token, outcome, seconds: 1.0, damaged, peak_bytes: None, killed: false };
        happen(&mut after, Happened::Reported(report));
        assert_eq!(dispatched(happen(&mut after, Happened::Tick)), [], "the job has not been asked for yet");
        happen(&mut after, Happened::Resumed(id.clone()));
        assert_eq!(invariants::broken(&after), [], "it stands in line");
        let b = dispatched(happen(&mut after, Happened::Tick));
        assert_eq!(b.iter().map(|dispatch| dispatch.id.task.as_str()).collect::<Vec<_>>(), ["b"]);
    }
}
