//! What a new leader does with what an earlier one left.

use crate::{
    blobs::Blobs,
    farm::{FarmError, FarmOptions},
    service::now,
    state::{Job, Millis, Rules, State, Task},
    step::Attempt,
    store::{Batch, Epoch, Store},
};
use klieg_protocol::{Digest, Fault, TaskFailure, TaskId, TaskState};
use std::{fs, io, path::Path};

/// Makes an empty folder of what dead attempts have left. Only the leader may.
pub(crate) fn empty(folder: &Path) -> Result<(), FarmError> {
    let at = |source| FarmError::Folder { path: folder.into(), source };
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(error)),
        _ => {}
    }
    fs::create_dir_all(folder).map_err(at)
}

/// Loads the unfinished jobs: attempts that were running are lost, results whose artifacts are gone are computed again.
/// Gives the number of batches committed too.
pub(crate) async fn load(
    store: &impl Store,
    epoch: Epoch,
    blobs: &impl Blobs,
    options: &FarmOptions,
) -> Result<(State, u64), FarmError> {
    let (token, _) = store.highest().await?;
    let rules = Rules { attempts_max: options.attempts_max.max(1), ..Rules::default() };
    let mut state = State { next_token: token + 1, rules, ..State::default() };
    let mut batch = Batch::default();
    let jobs = store.unfinished().await?;
    let outputs = jobs.iter().flat_map(|job| job.tasks.values()).flat_map(|task| task.outputs.values().copied());
    let missing = blobs.missing(outputs.collect()).await?;
    for mut job in jobs {
        restore(&mut job, &|digest| !missing.contains(digest), now(), &mut batch);
        state.jobs.insert(job.id.clone(), job);
    }
    if batch.is_empty() {
        return Ok((state, 0));
    }
    store.commit(epoch, 1, &batch).await?;
    Ok((state, 1))
}

/// Makes a job that comes from the store live again, parked. `here`: whether an artifact is there.
pub(crate) fn restore(job: &mut Job, here: &dyn Fn(&Digest) -> bool, now: Millis, batch: &mut Batch) {
    job.parked = true;
    let id = job.id.clone();
    for (name, task) in &mut job.tasks {
        if task.state == TaskState::Running {
            batch.attempts.extend(lost(TaskId { job: id.clone(), task: name.clone() }, task, now));
        }
        let gone = task.outputs.values().any(|digest| !here(digest));
        if task.state == TaskState::Running || (task.state == TaskState::Succeeded && gone) {
            task.state = TaskState::Waiting;
            task.run = None;
            task.reused = false;
            task.outputs.clear();
            batch.tasks.push((id.clone(), name.clone(), task.clone()));
        }
    }
    job.relink();
}

fn lost(id: TaskId, task: &Task, now: Millis) -> Option<Attempt> {
    let run = task.run.clone()?;
    let failure = TaskFailure { fault: Fault::Nobody, message: "the farm's process ended".into() };
    Some(Attempt {
        id,
        attempt: task.attempts,
        token: task.token,
        node: run.node,
        slot: run.slot,
        started: run.since,
        ended: now,
        // How long it lived is not known.
        seconds: 0.0,
        failure: Some(failure),
    })
}
