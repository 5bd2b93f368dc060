//! The next batch: who leads, who rides along, what has to be moved for it.

use super::{Effect, End, Engine, Live, Running};
use crate::{
    residency::Move,
    words::{Batch, Entry, Flow, Like, ModelId, PhaseSpec, RequestId, Tokens},
};
use std::collections::BTreeMap;

/// What a request's next step has in common with others'.
type Key = (ModelId, usize, Like);

/// A batch that is being formed.
struct Forming {
    entries: Vec<Entry>,
    effects: Vec<Effect>,
    /// Pools that are opened for it.
    pools: Vec<ModelId>,
    /// What each flow will pay.
    spent: BTreeMap<Flow, u64>,
}

impl Engine {
    /// Begins the next batch, unless one runs or nobody can run.
    pub(super) fn next(&mut self, now_ms: u64) -> Vec<Effect> {
        let mut effects = Vec::new();
        while self.running.is_none() {
            let costs: BTreeMap<Flow, (RequestId, u64)> = self
                .flows
                .keys()
                .filter_map(|flow| {
                    let id = self.head(flow)?;
                    Some((flow.clone(), (id, self.phase_of(self.live.get(&id)?)?.cost)))
                })
                .collect();
            let Some(flow) = self.ring.leader(|flow| costs.get(flow).map(|(_, cost)| *cost)) else { break };
            let Some((leader, _)) = costs.get(&flow) else { break };
            effects.extend(self.form(*leader, now_ms));
        }
        self.keep_room();
        effects
    }

    fn phase_of(&self, live: &Live) -> Option<&PhaseSpec> {
        self.models.get(&live.request.model)?.spec.phases.get(live.request.stages.get(live.stage)?.phase)
    }

    fn key_of(&self, live: &Live) -> Option<Key> {
        Some((live.request.model, live.request.stages.get(live.stage)?.phase, live.request.like.clone()))
    }

    /// A batch around a leader. Without one when the leader itself had to give way.
    fn form(&mut self, leader: RequestId, now_ms: u64) -> Vec<Effect> {
        let mut forming = Forming { entries: Vec::new(), effects: Vec::new(), pools: Vec::new(), spent: BTreeMap::new() };
        let Some((key, phase)) = self.live.get(&leader).and_then(|live| Some((self.key_of(live)?, self.phase_of(live)?.clone())))
        else {
            return Vec::new();
        };
        if !self.lead(leader, &phase, &mut forming) {
            return forming.effects;
        }
        let bound = self.learned.get(&key).copied().unwrap_or(usize::MAX).min(phase.batch_max);
        let riders: Vec<RequestId> =
            self.ring.riders().flat_map(|flow| self.flows.get(flow).into_iter().flatten()).copied().collect();
        for rider in riders {
            if forming.entries.len() >= bound || self.clearing {
                break;
            }
            if rider != leader && self.live.get(&rider).and_then(|live| self.key_of(live)).as_ref() == Some(&key) {
                self.ride(rider, &phase, &mut forming);
            }
        }
        forming.spent.iter().for_each(|(flow, cost)| self.ring.pay(flow, *cost));
        let (model, phase_index, like) = key;
        let batch = Batch { model, phase: phase_index, like, entries: forming.entries };
        let working = phase.working_bytes + phase.working_bytes_each * batch.entries.len() as u64;
        self.run(batch, working, forming.effects, &forming.pools, now_ms)
    }

    /// The leader's place. Younger sequences give way to its next token.
    fn lead(&mut self, id: RequestId, phase: &PhaseSpec, forming: &mut Forming) -> bool {
        if !self.begin(id, forming) {
            return false;
        }
        while !self.lengthen(id, phase, forming) {
            let model = self.live.get(&id).map(|live| live.request.model);
            let with_blocks = |live: &&Live| live.begun && live.request.sequence.is_some() && Some(live.request.model) == model;
            let youngest = self.live.values().filter(with_blocks).map(|live| live.request.id).max();
            let Some(youngest) = youngest else { return false };
            let reset = self.reset(youngest);
            forming.effects.extend(reset);
            if youngest == id {
                return false;
            }
        }
        self.seat(id, phase.cost, forming);
        true
    }

    /// A place for somebody of the same kind, if its flow can pay and there is room.
    fn ride(&mut self, id: RequestId, phase: &PhaseSpec, forming: &mut Forming) {
        let Some(live) = self.live.get(&id) else { return };
        let flow = &live.request.flow;
        if !self.ring.may_ride(flow, forming.spent.get(flow).copied().unwrap_or(0) + phase.cost) {
            return;
        }
        if !live.begun && (!self.may_begin(live) || self.is_before_another(live)) {
            return;
        }
        let (key, state) = (self.key_of(live), if live.begun { 0 } else { live.request.state_bytes });
        let Some((model, phase_index, like)) = key else { return };
        let parts = self.parts_of(&Batch { model, phase: phase_index, like, entries: Vec::new() });
        let weights: u64 = parts.iter().filter_map(|part| self.models.get(&part.model)?.spec.parts.get(part.part)).sum();
        let working = phase.working_bytes + phase.working_bytes_each * (forming.entries.len() as u64 + 1);
        if weights + working + self.states_bytes() + state > self.rules.device_bytes {
            return;
        }
        if self.begin(id, forming) && self.lengthen(id, phase, forming) {
            self.seat(id, phase.cost, forming);
        }
    }

    /// Gives a request its state, if it has none.
    fn begin(&mut self, id: RequestId, forming: &mut Forming) -> bool {
        let Some(live) = self.live.get_mut(&id) else { return false };
        if live.begun {
            return true;
        }
        let model = live.request.model;
        if let (Some(sequence), Some(pool)) =
            (&live.request.sequence, self.models.get_mut(&model).and_then(|model| model.pool.as_mut()))
        {
            let was = pool.is_used();
            if pool.begin(id, sequence).is_err() {
                return false;
            }
            if !was {
                forming.pools.push(model);
            }
        }
        live.begun = true;
        self.begins += 1;
        self.began.insert(live.request.flow.clone(), self.begins);
        self.waiting = self.waiting.filter(|waiting| *waiting != id);
        true
    }

    /// Room for the token that the step adds.
    fn lengthen(&mut self, id: RequestId, phase: &PhaseSpec, forming: &mut Forming) -> bool {
        let Some(live) = self.live.get_mut(&id) else { return false };
        let step = live.request.stages[live.stage];
        let preview = live.request.preview_every > 0
            && (live.step + 1).is_multiple_of(live.request.preview_every)
            && live.step + 1 < step.steps;
        let mut entry = Entry { request: id, step: live.step, preview, blocks: Vec::new(), copies: Vec::new() };
        if let Some(pool) = self.models.get_mut(&live.request.model).and_then(|model| model.pool.as_mut()) {
            if phase.tokens == Tokens::One && live.request.sequence.is_some() && !live.appended {
                match pool.append(id) {
                    Ok(copy) => live.copies.extend(copy),
                    Err(_) => return false,
                }
                live.appended = true;
            }
            entry.copies.clone_from(&live.copies);
            entry.blocks = pool.table(id).to_vec();
        }
        forming.entries.push(entry);
        true
    }

    fn seat(&mut self, id: RequestId, cost: u64, forming: &mut Forming) {
        if let Some(live) = self.live.get(&id) {
            *forming.spent.entry(live.request.flow.clone()).or_insert(0) += cost.max(1);
        }
    }

    /// Makes room and runs. What leaves the device leaves before anything comes.
    fn run(&mut self, batch: Batch, working: u64, mut effects: Vec<Effect>, pools: &[ModelId], now_ms: u64) -> Vec<Effect> {
        let parts = self.parts_of(&batch);
        let mut room = self.rules.device_bytes.saturating_sub(self.states_bytes() + working);
        if std::mem::take(&mut self.clearing) {
            let weights = parts.iter().filter_map(|part| self.models.get(&part.model)?.spec.parts.get(part.part)).sum::<u64>();
            room = room.min(weights);
        }
        let Some(moves) = self.residency.bring(&parts, room, now_ms) else {
            // `may_begin` and `ride` have seen that there is room.
            let failed = End::Failed(format!("there is no room for its parts: {room} bytes are left"));
            effects.extend(batch.entries.iter().flat_map(|entry| self.end(entry.request, failed.clone())));
            return effects;
        };
        let (loads, away): (Vec<Move>, Vec<Move>) = moves.into_iter().partition(|one| matches!(one, Move::Load(_)));
        effects.extend(away.into_iter().map(Effect::Move));
        effects.extend(pools.iter().copied().map(Effect::OpenPool));
        effects.extend(loads.iter().copied().map(Effect::Move));
        effects.push(Effect::Run(batch.clone()));
        let loads = loads.into_iter().filter_map(|load| if let Move::Load(part) = load { Some(part) } else { None }).collect();
        self.running = Some(Running { batch, working_bytes: working, loads });
        effects
    }
}
