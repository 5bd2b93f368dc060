//! Who is taken, and who may begin.

use super::{Engine, Live, Model};
use crate::{
    residency::PartId,
    words::{Batch, Flow, Refused, Request, RequestId},
};
use std::collections::BTreeSet;

impl Engine {
    /// Whether a request could run if it were alone.
    pub(super) fn check(&self, request: &Request) -> Result<(), Refused> {
        let model = self.models.get(&request.model).ok_or(Refused::NoModel(request.model))?;
        if self.live.contains_key(&request.id) {
            return Err(Refused::Twice);
        }
        if self.live.len() >= self.rules.requests_max {
            return Err(Refused::Full { max: self.rules.requests_max });
        }
        if request.stages.is_empty() || request.stages.iter().any(|stage| stage.steps == 0) {
            return Err(Refused::NoSteps);
        }
        if let Some(stage) = request.stages.iter().find(|stage| stage.phase >= model.spec.phases.len()) {
            return Err(Refused::NoPhase(stage.phase));
        }
        if let Some((part, _)) = request.like.adapters.iter().find(|(part, _)| *part >= model.spec.parts.len()) {
            return Err(Refused::NoPart(*part));
        }
        if let Some(sequence) = &request.sequence {
            let pool = model.pool.as_ref();
            let tokens = u64::from(sequence.prompt_tokens) + u64::from(sequence.new_tokens_max);
            let room = pool.map_or(0, |pool| u64::from(pool.spec().blocks) * u64::from(pool.spec().block_tokens));
            if tokens > room || sequence.prompt_tokens == 0 {
                return Err(Refused::TooLong { tokens, room });
            }
        }
        let pool = request.sequence.as_ref().map_or(0, |_| pool_bytes(model));
        let (needed, device) =
            (peak(model, request).saturating_add(request.state_bytes).saturating_add(pool), self.rules.device_bytes);
        if needed > device { Err(Refused::TooLarge { needed, device }) } else { Ok(()) }
    }

    /// States of requests that have begun, and pools in use.
    pub(super) fn states_bytes(&self) -> u64 {
        let states: u64 = self.live.values().filter(|live| live.begun).map(|live| live.request.state_bytes).sum();
        let used = |model: &&Model| model.pool.as_ref().is_some_and(|pool| pool.is_used());
        states + self.models.values().filter(used).map(pool_bytes).sum::<u64>()
    }

    /// Whether a request may begin now: all that have begun, and it, could still run alone afterwards, and its prompt has room.
    pub(super) fn may_begin(&self, live: &Live) -> bool {
        if self.waiting.is_some_and(|waiting| waiting != live.request.id) {
            return false;
        }
        let Some(model) = self.models.get(&live.request.model) else { return false };
        let mut states = self.states_bytes() + live.request.state_bytes;
        if let (Some(sequence), Some(pool)) = (&live.request.sequence, &model.pool) {
            if !pool.is_used() {
                states += pool_bytes(model);
            }
            // One block for each that is there already, so that none has to go at once.
            let others = self.live.values().filter(|other| other.begun && other.request.model == live.request.model).count();
            if pool.wanted(sequence) + others > pool.free() {
                return false;
            }
        }
        let begun = self.live.values().filter(|other| other.begun);
        let peaks = begun.filter_map(|other| Some(peak(self.models.get(&other.request.model)?, &other.request)));
        let highest = peaks.max().unwrap_or(0).max(peak(model, &live.request));
        highest + states <= self.rules.device_bytes
    }

    /// What the most demanding of those that have begun needs to run alone, beside all states.
    pub(crate) fn needed_by_begun(&self) -> u64 {
        let begun = self.live.values().filter(|live| live.begun);
        let peaks = begun.filter_map(|live| Some(peak(self.models.get(&live.request.model)?, &live.request)));
        peaks.max().map_or(0, |highest| highest + self.states_bytes())
    }

    /// The request of a flow that would lead: its oldest that has begun or may begin. Behind one that has no room nobody of its flow
    /// begins.
    pub(super) fn head(&self, flow: &Flow) -> Option<RequestId> {
        let mut blocked = false;
        for live in self.flows.get(flow).into_iter().flatten().filter_map(|id| self.live.get(id)) {
            if live.begun || (!blocked && self.may_begin(live)) {
                return Some(live.request.id);
            }
            blocked = true;
        }
        None
    }

    /// Whether a flow has a request that may run now.
    pub fn may_run(&self, flow: &Flow) -> bool {
        self.head(flow).is_some()
    }

    /// Whether an older request of the same flow waits for room: it would wait longer if this one began.
    pub(super) fn is_before_another(&self, live: &Live) -> bool {
        let older = self.flows.get(&live.request.flow).into_iter().flatten().take_while(|id| **id < live.request.id);
        let mut waiting = older.filter_map(|id| self.live.get(id)).filter(|older| !older.begun);
        waiting.next().is_some_and(|older| !self.may_begin(older))
    }

    /// Keeps room for somebody who could not begin: of flows that have begun nothing, the one whose last beginning is longest ago.
    pub(super) fn keep_room(&mut self) {
        if self.waiting.is_some() {
            return;
        }
        let first = |all: &BTreeSet<RequestId>| {
            let mut lives = all.iter().filter_map(|id| self.live.get(id));
            let none = all.iter().filter_map(|id| self.live.get(id)).all(|live| !live.begun);
            lives.next().filter(|live| none && !self.may_begin(live)).map(|live| live.request.id)
        };
        let blocked = self.flows.iter().filter_map(|(flow, all)| Some((self.began.get(flow).copied().unwrap_or(0), first(all)?)));
        self.waiting = blocked.min().map(|(_, id)| id);
    }

    /// Parts that a batch runs.
    pub(super) fn parts_of(&self, batch: &Batch) -> BTreeSet<PartId> {
        let parts =
            self.models.get(&batch.model).and_then(|model| model.spec.phases.get(batch.phase)).map(|phase| phase.parts.as_slice());
        let adapters = batch.like.adapters.iter().map(|(part, _)| *part);
        let parts = parts.unwrap_or_default().iter().copied().chain(adapters);
        parts.map(|part| PartId { model: batch.model, part }).collect()
    }
}

fn pool_bytes(model: &Model) -> u64 {
    model.spec.pool.map_or(0, |pool| u64::from(pool.blocks) * pool.block_bytes)
}

/// What a request needs besides states in its largest phase, alone.
fn peak(model: &Model, request: &Request) -> u64 {
    let phase = |phase: usize| {
        let phase = &model.spec.phases[phase];
        let adapters = request.like.adapters.iter().map(|(part, _)| *part);
        let parts: BTreeSet<usize> = phase.parts.iter().copied().chain(adapters).collect();
        let weights = parts.iter().map(|part| model.spec.parts[*part]).fold(0, u64::saturating_add);
        weights.saturating_add(phase.working_bytes).saturating_add(phase.working_bytes_each)
    };
    request.stages.iter().map(|stage| phase(stage.phase)).max().unwrap_or(0)
}
