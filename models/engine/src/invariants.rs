//! What always holds, as functions: called by the simulation after every event, and by the driver in debug builds.

use crate::{Engine, RequestId};

/// What is broken, in words; empty if nothing is.
pub fn broken(engine: &Engine) -> Vec<String> {
    [memory(engine), everyone_can_run(engine), blocks(engine), queues(engine)].into_iter().flatten().collect()
}

/// Parts, states and the working set never exceed the device, parked parts never the host.
pub fn memory(engine: &Engine) -> Option<String> {
    let (memory, rules) = (engine.memory(), &engine.rules);
    let over = memory.device_bytes() > rules.device_bytes || memory.parked_bytes > rules.host_bytes;
    over.then(|| format!("{memory:?} is reserved of {} bytes here and {} at the host", rules.device_bytes, rules.host_bytes))
}

/// States leave room for each request that has begun to run alone.
pub fn everyone_can_run(engine: &Engine) -> Option<String> {
    let (needed, device) = (engine.needed_by_begun(), engine.rules.device_bytes);
    (needed > device).then(|| format!("who has begun needs {needed} bytes, and there are {device}"))
}

/// Every block is free or had by those who say so; who has not begun has none.
pub fn blocks(engine: &Engine) -> Option<String> {
    let pools = engine.models.values().filter_map(|model| model.pool.as_ref());
    pools.clone().find_map(|pool| pool.broken()).or_else(|| {
        let idle = engine.live.values().filter(|live| !live.begun).map(|live| live.request.id);
        let has = |id: &RequestId| pools.clone().any(|pool| !pool.table(*id).is_empty());
        idle.into_iter().find(has).map(|id| format!("{id:?} has blocks and has not begun"))
    })
}

/// Flows stand in the ring exactly while they have requests, and owe no more than they may.
pub fn queues(engine: &Engine) -> Option<String> {
    let listed: usize = engine.flows.values().map(std::collections::BTreeSet::len).sum();
    if listed != engine.live.len() || engine.ring.riders().count() != engine.flows.len() {
        return Some(format!("{listed} requests are in {} flows, {} are there", engine.flows.len(), engine.live.len()));
    }
    engine.ring.broken()
}
