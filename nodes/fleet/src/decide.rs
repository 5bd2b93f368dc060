//! How many agents there should be. Pure: what is seen goes in, what to do comes out.
//!
//! Growing is quick and shrinking is slow, as in Kubernetes' horizontal autoscaler (its stabilisation window): an agent
//! that is missing costs waiting, and one that comes and goes costs loading models each time.

use crate::backlog::Backlog;
use serde::Serialize;
use std::time::Duration;

/// What the fleet may do.
#[derive(Clone, Debug)]
pub struct Rules {
    /// So many agents stay, work or none.
    pub agents_min: u32,
    /// So many jobs at the engine at most, those included that wait for a machine or are ending.
    pub agents_max: u32,
    /// Tasks that one agent runs at a time.
    pub slots: u32,
    /// For so long there must have been too many agents before any is stopped.
    pub idle: Duration,
    /// So many are started in one round at most.
    pub starts_max: u32,
    /// So many are stopped in one round at most.
    pub stops_max: u32,
    /// An agent that fails sooner than this could not start.
    pub early: Duration,
    /// After agents that could not start, none is started for between so long …
    pub hold_min: Duration,
    /// … and so long: the bound doubles from `hold_min` with each round of failures.
    pub hold_max: Duration,
}

impl Rules {
    /// Between `min` and `max` agents of `slots` slots each; the rest as by default.
    pub fn new(agents_min: u32, agents_max: u32, slots: u32) -> Self {
        Self {
            agents_min,
            agents_max,
            slots,
            idle: Duration::from_secs(300),
            starts_max: 8,
            stops_max: 8,
            early: Duration::from_secs(60),
            hold_min: Duration::from_secs(10),
            hold_max: Duration::from_secs(600),
        }
    }
}

/// An agent's job, as the engine shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Agent {
    /// The engine's number of the job. Later jobs have higher ones.
    pub id: u64,
    pub stage: Stage,
    /// What the engine says about it: the machine, or why it waits.
    pub note: String,
}

/// Where an agent's job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum Stage {
    /// Waits for a machine.
    Queued,
    Running {
        ran: Duration,
    },
    /// Was told to drain, or ends.
    Leaving,
    /// Has ended; the engine remembers it for a while.
    Ended {
        ran: Duration,
        failed: bool,
    },
}

/// What one round leaves to the next. Nothing is lost but time if it is thrown away.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    surplus: Option<Surplus>,
    /// The latest job whose failure has been counted.
    failure: u64,
    /// Rounds of failures since an agent last ran.
    failures: u32,
    held_until: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Surplus {
    since: Duration,
    /// The fewest that were too many at any time since then.
    least: u32,
}

/// What to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Agents that the work asks for, within the bounds.
    pub wanted: u32,
    pub start: u32,
    /// Jobs to take back that wait for a machine.
    pub cancel: Vec<u64>,
    /// Agents to drain: they finish what they run.
    pub drain: Vec<u64>,
    /// For so long nothing is started, because agents could not start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<Duration>,
    /// Jobs that failed early and are news.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<u64>,
}

/// What to do about this backlog with these agents. `now` counts from any fixed moment; `chance` is random in 0..1.
pub fn decide(
    backlog: &Backlog,
    agents: &[Agent],
    rules: &Rules,
    memory: &Memory,
    now: Duration,
    chance: f64,
) -> (Decision, Memory) {
    let mut memory = memory.clone();
    let failed = memory.learn(agents, rules, now, chance);
    let fleet = Fleet::of(agents);
    let wanted = wanted(backlog, &fleet, rules);
    let mut decision = Decision { wanted, failed, ..Decision::default() };
    let live = fleet.live();
    if wanted > live {
        memory.surplus = None;
        decision.held = memory.held_until.checked_sub(now).filter(|left| !left.is_zero());
        if decision.held.is_none() {
            let room = rules.agents_max.saturating_sub(live + fleet.leaving);
            decision.start = (wanted - live).min(room).min(rules.starts_max);
        }
    } else if let Some(stops) = memory.surplus(live - wanted, rules, now) {
        // The latest first: they have the least in their caches.
        let mut queued = fleet.queued.iter().rev();
        let mut running = fleet.running.iter().rev();
        for _ in 0..stops {
            match queued.next() {
                Some(id) => decision.cancel.push(*id),
                None => decision.drain.extend(running.next()),
            }
        }
    }
    (decision, memory)
}

/// The agents by stage, in the order of their numbers.
struct Fleet {
    queued: Vec<u64>,
    running: Vec<u64>,
    leaving: u32,
}

impl Fleet {
    fn of(agents: &[Agent]) -> Self {
        let mut fleet = Self { queued: Vec::new(), running: Vec::new(), leaving: 0 };
        for agent in agents {
            match agent.stage {
                Stage::Queued => fleet.queued.push(agent.id),
                Stage::Running { .. } => fleet.running.push(agent.id),
                Stage::Leaving => fleet.leaving += 1,
                Stage::Ended { .. } => {}
            }
        }
        fleet.queued.sort_unstable();
        fleet.running.sort_unstable();
        fleet
    }

    /// Those that take tasks, now or soon.
    fn live(&self) -> u32 {
        count(self.queued.len() + self.running.len())
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Agents that the work asks for. Whose tasks run where is not known here, so those that run are taken for the fleet's as
/// far as its running agents have slots for them: rather an agent too many than a task that waits for ever.
fn wanted(backlog: &Backlog, fleet: &Fleet, rules: &Rules) -> u32 {
    let slots = u64::from(rules.slots.max(1));
    let busy = backlog.running.min(slots.saturating_mul(fleet.running.len() as u64));
    let agents = backlog.ready.saturating_add(busy).div_ceil(slots);
    u32::try_from(agents).unwrap_or(u32::MAX).max(rules.agents_min).min(rules.agents_max)
}

impl Memory {
    /// Counts agents that could not start; returns those that are news.
    fn learn(&mut self, agents: &[Agent], rules: &Rules, now: Duration, chance: f64) -> Vec<u64> {
        let early = |agent: &&Agent| matches!(agent.stage, Stage::Ended { ran, failed: true } if ran < rules.early);
        let mut news: Vec<u64> = agents.iter().filter(early).map(|agent| agent.id).filter(|id| *id > self.failure).collect();
        news.sort_unstable();
        if let Some(last) = news.last() {
            self.failure = *last;
            self.failures = self.failures.saturating_add(1);
            self.held_until = now + pause(self.failures, rules, chance);
        }
        let stayed = |agent: &Agent| matches!(agent.stage, Stage::Running { ran } if ran >= rules.early && agent.id > self.failure);
        if agents.iter().any(stayed) {
            self.failures = 0;
        }
        news
    }

    /// How many agents may be stopped now, if `excess` of them are too many.
    fn surplus(&mut self, excess: u32, rules: &Rules, now: Duration) -> Option<u32> {
        if excess == 0 {
            self.surplus = None;
            return None;
        }
        let seen = self.surplus.unwrap_or(Surplus { since: now, least: excess });
        let least = seen.least.min(excess);
        if now.saturating_sub(seen.since) < rules.idle {
            self.surplus = Some(Surplus { since: seen.since, least });
            return None;
        }
        let stops = least.min(rules.stops_max);
        // What is left of it goes next round; more than that has to last as long first.
        let rest = if least > stops {
            Surplus { since: seen.since, least: least - stops }
        } else {
            Surplus { since: now, least: excess - stops }
        };
        self.surplus = Some(rest).filter(|rest| rest.least > 0);
        Some(stops)
    }
}

/// How long nothing is started after so many rounds of failures: drawn evenly up to a bound that doubles.
pub fn pause(failures: u32, rules: &Rules, chance: f64) -> Duration {
    let bound = rules.hold_min.saturating_mul(1_u32.checked_shl(failures).unwrap_or(u32::MAX)).min(rules.hold_max);
    rules.hold_min + bound.saturating_sub(rules.hold_min).mul_f64(chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests;
