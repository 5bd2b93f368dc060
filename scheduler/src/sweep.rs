//! The result cache's bound.

use crate::{
    blobs::Blobs,
    farm::FarmError,
    state::{Job, State},
    store::Store,
};
use klieg_protocol::{Digest, Source, TaskResult, TaskSpec};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that an unfinished job may still read.
fn used_by(job: &Job) -> impl Iterator<Item = Digest> + '_ {
    let inputs = job.tasks.values().flat_map(|task| named(&task.spec.open()).collect::<Vec<_>>());
    let outputs = job.tasks.values().flat_map(|task| task.outputs.values().copied());
    job.spec.inputs.values().copied().chain(inputs).chain(outputs)
}

fn named(task: &TaskSpec) -> impl Iterator<Item = Digest> + '_ {
    task.inputs.values().filter_map(|input| match &input.from {
        Source::Blob(digest) => Some(*digest),
        Source::Output { .. } => None,
    })
}

/// Every artifact that a result names.
pub(crate) fn held_by(result: &TaskResult) -> impl Iterator<Item = Digest> + '_ {
    result.outputs.values().copied().chain(result.adds.iter().flat_map(named))
}

/// Frees artifacts until they take at most `bytes_max`: first what nothing refers to, then what the least recently used
/// results hold. What is pinned stays, and does not count. Gives the bytes freed; none while attempts run, whose artifacts
/// nothing refers to yet.
pub(crate) async fn sweep(store: &impl Store, blobs: &impl Blobs, state: &State, bytes_max: u64) -> Result<u64, FarmError> {
    if state.nodes.values().any(|node| !node.held.is_empty()) {
        return Ok(0);
    }
    let mut sizes: BTreeMap<Digest, u64> = blobs.list().await?.into_iter().collect();
    for pinned in store.pins().await? {
        sizes.remove(&pinned);
    }
    let before: u64 = sizes.values().sum();
    let mut total = before;
    if total <= bytes_max {
        return Ok(0);
    }
    let pinned: BTreeSet<Digest> = state.jobs.values().flat_map(used_by).collect();
    let results = store.all_results().await?;
    let mut holders: BTreeMap<Digest, usize> = BTreeMap::new();
    for digest in results.iter().flat_map(|cached| held_by(&cached.result)).collect::<Vec<_>>() {
        *holders.entry(digest).or_default() += 1;
    }
    let mut gone: Vec<Digest> =
        sizes.keys().filter(|digest| !pinned.contains(digest) && !holders.contains_key(digest)).copied().collect();
    total -= gone.iter().filter_map(|digest| sizes.remove(digest)).sum::<u64>();
    let mut forgotten = Vec::new();
    for cached in &results {
        if total <= bytes_max {
            break;
        }
        forgotten.push(cached.identity);
        for digest in held_by(&cached.result) {
            let left = holders.entry(digest).or_default();
            *left = left.saturating_sub(1);
            if *left == 0
                && !pinned.contains(&digest)
                && let Some(size) = sizes.remove(&digest)
            {
                total -= size;
                gone.push(digest);
            }
        }
    }
    // Rows first: a row without its artifact is a miss, an artifact without its row is swept next time.
    store.forget(&forgotten).await?;
    for digest in gone {
        blobs.remove(digest).await?;
    }
    Ok(before - total)
}
