//! What one group commit carries, and in which order everything is done. The service and the simulation carry out the same acts.

use crate::{
    state::{Bug, Project, Rules, State},
    step::Effect,
    store::{Account, Batch, Cached},
};
use klieg_protocol::{Beaten, Command, Digest, Event, Incarnation, JobId, NodeId, TaskId, TaskName, TaskResult, Token};
use std::collections::{BTreeMap, BTreeSet};

/// One thing to do, in its turn.
#[derive(Clone, Debug)]
pub enum Act {
    /// Makes the batch durable. Nothing after it is done before it is.
    Commit(Box<Batch>),
    /// Begins a job's log with these events.
    Begin(JobId, Vec<Event>),
    /// Adds events to a job's log.
    Publish(JobId, Vec<Event>),
    /// Those who asked get their answers.
    Reply,
    Send(NodeId, Command),
    /// The report of a fenced attempt was refused.
    Refused(TaskId, Token),
    TurnedAway(NodeId, String),
    Answer(NodeId, Incarnation, Beaten, u64),
}

/// Gathers what the effects want saved. `bytes`: how long a result's outputs are.
pub fn gather(state: &State, effects: &[Effect], now: u64, bytes: &dyn Fn(&TaskResult) -> u64, batch: &mut Batch) {
    let (mut jobs, mut tasks) = (BTreeSet::<&JobId>::new(), BTreeSet::<(&JobId, &TaskName)>::new());
    let mut projects = BTreeSet::<&String>::new();
    for effect in effects {
        match effect {
            Effect::SaveJob(job) => drop(jobs.insert(job)),
            Effect::SaveTask(id) => drop(tasks.insert((&id.job, &id.task))),
            Effect::SaveAttempt(attempt) => batch.attempts.push((**attempt).clone()),
            Effect::Remember { identity, result, seconds } => batch.results.push(Cached {
                identity: *identity,
                bytes: bytes(result),
                result: result.clone(),
                seconds: *seconds,
                used_at: now,
            }),
            Effect::Used(identity) => batch.used.push((*identity, now)),
            Effect::SaveProject(name) => drop(projects.insert(name)),
            Effect::SaveLimit(name) => {
                let most = state.limits.get(name).map_or(0, |limit| limit.most);
                batch.standing.limits.push((name.clone(), most));
            }
            Effect::SavePeak(peak) => batch.standing.peaks.push(peak.clone()),
            _ => {}
        }
    }
    batch.standing.projects.extend(projects.into_iter().filter_map(|name| {
        let Project { share, seconds, cost, .. } = *state.projects.get(name)?;
        Some(Account { project: name.clone(), share, seconds, cost })
    }));
    batch.jobs.extend(jobs.into_iter().filter_map(|id| state.jobs.get(id)).map(|job| job.bare()));
    batch.tasks.extend(tasks.into_iter().filter_map(|(job, name)| {
        let task = state.jobs.get(job)?.tasks.get(name)?;
        Some((job.clone(), name.clone(), task.clone()))
    }));
}

/// Puts a round in order: saved first, then told, then answered, then commanded. `stories`: logs to begin, of old jobs with what the
/// store tells of them, of new ones (empty here) with what this round tells.
pub fn order(batch: Batch, effects: Vec<Effect>, stories: BTreeMap<JobId, Vec<Event>>, rules: &Rules) -> Vec<Act> {
    let mut told: BTreeMap<JobId, Vec<Event>> = BTreeMap::new();
    let mut last = Vec::new();
    for effect in effects {
        match effect {
            Effect::Tell { job, event } => told.entry(job).or_default().push(event),
            Effect::Run { node, dispatch } => last.push(Act::Send(node, Command::Run(dispatch))),
            Effect::Stop { node, id, token, session } => last.push(Act::Send(node, Command::Stop { id, token, session })),
            Effect::Refused { id, token } => last.push(Act::Refused(id, token)),
            Effect::TurnedAway { node, reason } => last.push(Act::TurnedAway(node, reason)),
            Effect::Answer { node, incarnation, answer, session } => last.push(Act::Answer(node, incarnation, answer, session)),
            _ => {}
        }
    }
    let mut acts = Vec::new();
    // Even with nothing to write: a refusal counts only from the leader, and only the store knows who that is.
    if !batch.is_empty() || last.iter().any(|act| matches!(act, Act::Refused(..))) {
        acts.push(Act::Commit(Box::new(batch)));
    }
    for (job, mut story) in stories {
        if story.is_empty() {
            story = told.remove(&job).unwrap_or_default();
        }
        acts.push(Act::Begin(job, story));
    }
    acts.extend(told.into_iter().map(|(job, events)| Act::Publish(job, events)));
    acts.push(Act::Reply);
    acts.extend(last);
    mistake(&mut acts, rules);
    acts
}

/// The deliberate bugs of order.
fn mistake(acts: &mut [Act], rules: &Rules) {
    let ends = |act: &Act| matches!(act, Act::Publish(_, events) if events.iter().any(|e| matches!(e, Event::JobEnded { .. })));
    let progress =
        |act: &Act| matches!(act, Act::Publish(_, events) if events.iter().any(|e| matches!(e, Event::TaskProgress { .. })));
    if rules.has(Bug::ManifestFirst) {
        acts.sort_by_key(|act| !ends(act));
    }
    if rules.has(Bug::ProgressFirst) {
        acts.sort_by_key(|act| !progress(act));
    }
    if rules.has(Bug::AckBeforeCommit) {
        acts.sort_by_key(|act| !matches!(act, Act::Reply));
    }
}

/// The digests that a result names.
pub fn named(result: &TaskResult) -> impl Iterator<Item = &Digest> {
    use klieg_protocol::Source;
    let added = result.adds.iter().flat_map(|task| task.inputs.values());
    let blobs = added.filter_map(|input| match &input.from {
        Source::Blob(digest) => Some(digest),
        Source::Output { .. } => None,
    });
    result.outputs.values().chain(blobs)
}
