//! Who runs where: a pure function of the farm's state.
//!
//! Higher priority first, then the older job, then the lower rank. The first task that fits nowhere gets a reservation on the
//! node where it can begin earliest by the estimates, and smaller ones may only go ahead where they do not delay it
//! (EASY backfill: Lifka, "The ANL/IBM SP Scheduling System", 1995).

use crate::state::{Job, Millis, Node, State, Task};
use klieg_protocol::{NodeId, TaskId};
use std::collections::{BTreeMap, BTreeSet};

/// A task's slot for its next attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    pub id: TaskId,
    pub node: NodeId,
    pub slot: u32,
}

/// What is free of a node, while a round of placements goes on.
struct Room {
    slots: BTreeSet<u32>,
    memory: u64,
    /// What ends when: (estimated end, memory it gives back), unsorted.
    ends: Vec<(Millis, u64)>,
    /// Room that the reserved task leaves at the time it begins: (time, slots, memory).
    kept: Option<(Millis, usize, u64)>,
}

impl Room {
    fn of(node: &Node) -> Self {
        let taken: BTreeSet<u32> = node.held.values().map(|h| h.slot).collect();
        Self {
            slots: (0..node.offer.slots).filter(|s| !taken.contains(s)).collect(),
            memory: node.memory_free(),
            ends: node.held.values().map(|h| (ends_at(h.since, h.seconds), h.memory_bytes)).collect(),
            kept: None,
        }
    }

    fn fits(&self, task: &Task, now: Millis) -> bool {
        let memory = task.spec.ask.memory_bytes;
        let fits_now = !self.slots.is_empty() && memory <= self.memory;
        fits_now
            && self.kept.is_none_or(|(at, slots, left)| ends_at(now, task.spec.ask.seconds) <= at || (slots > 0 && memory <= left))
    }

    fn take(&mut self, task: &Task, now: Millis) -> Option<u32> {
        let slot = self.slots.pop_first()?;
        let memory = task.spec.ask.memory_bytes;
        let end = ends_at(now, task.spec.ask.seconds);
        self.memory = self.memory.saturating_sub(memory);
        self.ends.push((end, memory));
        if let Some((at, slots, left)) = &mut self.kept
            && end > *at
        {
            *slots = slots.saturating_sub(1);
            *left = left.saturating_sub(memory);
        }
        Some(slot)
    }

    /// When `memory` and a slot will be free, and what else is then.
    fn opens(&self, memory: u64, now: Millis) -> Option<(Millis, usize, u64)> {
        let (mut slots, mut free) = (self.slots.len(), self.memory);
        let mut ends = self.ends.clone();
        ends.sort_unstable();
        let mut at = now;
        let mut ends = ends.into_iter();
        loop {
            if slots > 0 && memory <= free {
                return Some((at, slots - 1, free - memory));
            }
            let (end, back) = ends.next()?;
            at = end.max(now);
            slots += 1;
            free += back;
        }
    }
}

fn ends_at(since: Millis, seconds: f64) -> Millis {
    since.saturating_add((seconds.max(0.0) * 1000.0) as Millis)
}

/// Jobs that may run, in the order in which they are served.
pub fn queue(state: &State) -> Vec<&Job> {
    let mut jobs: Vec<&Job> = state.jobs.values().filter(|job| !job.terminal() && !job.parked).collect();
    jobs.sort_by_key(|job| (std::cmp::Reverse(job.priority), job.submitted_at, &job.id));
    jobs
}

/// The placements to make now. Never exceeds a node's slots or memory.
pub fn plan(state: &State, now: Millis) -> Vec<Placement> {
    let mut rooms: BTreeMap<&NodeId, Room> = state.nodes.iter().map(|(id, node)| (id, Room::of(node))).collect();
    let mut placements = Vec::new();
    let mut reserved = false;
    for job in queue(state) {
        for (_, _, name) in &job.ready {
            if rooms.values().all(|room| room.slots.is_empty()) {
                return placements;
            }
            let Some(task) = job.tasks.get(name) else { continue };
            let best = rooms.iter_mut().filter(|(_, room)| room.fits(task, now)).max_by_key(|(_, room)| room.memory);
            if let Some((node, room)) = best {
                let Some(slot) = room.take(task, now) else { continue };
                let id = TaskId { job: job.id.clone(), task: name.clone() };
                placements.push(Placement { id, node: (*node).clone(), slot });
            } else if !reserved {
                reserved = reserve(&mut rooms, state, task, now);
            }
        }
    }
    placements
}

/// Keeps room for a task that fits nowhere now, on the node where it can begin first.
fn reserve(rooms: &mut BTreeMap<&NodeId, Room>, state: &State, task: &Task, now: Millis) -> bool {
    let memory = task.spec.ask.memory_bytes;
    let first = rooms
        .iter_mut()
        .filter(|(id, _)| state.nodes.get(**id).is_some_and(|node| memory <= node.offer.memory_bytes))
        .filter_map(|(_, room)| room.opens(memory, now).map(|open| (open, room)))
        .min_by_key(|((at, _, _), _)| *at);
    match first {
        Some((open, room)) => {
            room.kept = Some(open);
            true
        }
        None => false,
    }
}

/// Whether some node could ever run the task. True while no node has joined.
pub fn placeable(state: &State, task: &Task) -> bool {
    state.nodes.is_empty()
        || state.nodes.values().any(|node| node.offer.slots > 0 && task.spec.ask.memory_bytes <= node.offer.memory_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::{Effect, Happened, NewJob, step};
    use klieg_protocol::{Ask, Digest, Dispatch, JobId, JobSpec, Offer, Plan, TaskSpec};

    /// (name, memory, seconds, rank)
    type Ask4<'a> = (&'a str, u64, f64, u32);

    fn submit(state: &mut State, id: &str, priority: i32, now: Millis, tasks: &[Ask4<'_>]) {
        let task = |&(name, memory_bytes, seconds, rank): &Ask4<'_>| TaskSpec {
            name: name.into(),
            step: "s".into(),
            params: name.into(),
            inputs: BTreeMap::new(),
            ask: Ask { memory_bytes, seconds },
            rank,
            label: String::new(),
        };
        let spec = JobSpec { kind: "k".into(), label: id.into(), params: id.into(), inputs: BTreeMap::new() };
        let plan = Plan { tasks: tasks.iter().map(task).collect() };
        let id = JobId(id.into());
        let job = NewJob { id, identity: Digest::of(b"j"), build: "b".into(), spec, plan, priority, price: 0.0 };
        for effect in step(state, Happened::Submitted(Box::new(job)), now) {
            if let Effect::LookUp { id, identity } = effect {
                step(state, Happened::CacheAnswered { id, identity, hit: None }, now);
            }
        }
    }

    fn farm(slots: u32, memory_bytes: u64) -> State {
        let mut state = State::default();
        step(&mut state, Happened::NodeJoined(Offer { node: NodeId("n".into()), slots, memory_bytes }), 0);
        state
    }

    fn names(state: &State, now: Millis) -> Vec<String> {
        plan(state, now).into_iter().map(|placement| placement.id.task).collect()
    }

    fn tick(state: &mut State, now: Millis) -> Vec<Dispatch> {
        let effects = step(state, Happened::Tick, now);
        effects.into_iter().filter_map(|e| if let Effect::Run { dispatch, .. } = e { Some(*dispatch) } else { None }).collect()
    }

    #[test]
    fn priority_then_age_then_rank() {
        let mut state = farm(6, 100);
        submit(&mut state, "young", 0, 20, &[("y", 1, 1.0, 0)]);
        submit(&mut state, "old", 0, 10, &[("o2", 1, 1.0, 2), ("o0", 1, 1.0, 0), ("o1a", 1, 1.0, 1), ("o1b", 1, 1.0, 1)]);
        submit(&mut state, "urgent", 5, 30, &[("u", 1, 1.0, 9)]);
        assert_eq!(names(&state, 40), ["u", "o0", "o1a", "o1b", "o2", "y"]);
    }

    #[test]
    fn memory_bounds_what_runs_together() {
        let mut state = farm(4, 10);
        submit(&mut state, "j", 0, 0, &[("a", 4, 1.0, 0), ("b", 4, 1.0, 1), ("c", 4, 1.0, 2), ("d", 2, 1.0, 3)]);
        assert_eq!(names(&state, 0), ["a", "b", "d"], "c does not fit, d fills the rest");
    }

    #[test]
    fn a_large_task_is_not_starved() {
        let mut state = farm(2, 10);
        submit(&mut state, "first", 0, 0, &[("half", 6, 10.0, 0)]);
        assert_eq!(tick(&mut state, 0).len(), 1);
        submit(&mut state, "large", 0, 1, &[("whole", 10, 5.0, 0)]);
        submit(&mut state, "small", 0, 2, &[("long", 1, 60.0, 0), ("short", 1, 3.0, 1)]);
        assert_eq!(names(&state, 1_000), ["short"], "only what ends before the large task can begin goes ahead");
        assert_eq!(names(&state, 8_000), [""; 0]);
    }

    #[test]
    fn what_fits_no_node_fails_its_job_and_says_so() {
        let mut state = farm(1, 10);
        submit(&mut state, "huge", 0, 0, &[("a", 11_000_000, 1.0, 0)]);
        let reason = state.jobs[&JobId("huge".into())].reason.clone().unwrap_or_default();
        assert!(reason.contains("asks for 11 MB of memory"), "{reason}");
    }

    #[test]
    fn why_says_what_is_in_the_way() {
        let mut state = farm(1, 10);
        submit(&mut state, "j", 0, 0, &[("a", 4, 30.0, 0), ("b", 4, 600.0, 1), ("c", 4, 1.0, 2)]);
        tick(&mut state, 0);
        let why = crate::why::why(&state, &JobId("j".into()), None, 10_000);
        assert_eq!(
            why,
            [
                "j runs: 0 of 3 tasks are done, 1 run, 2 wait; about 11 min are left.",
                "a runs on n since 10 s (attempt 1), about 20 s are left.",
                "b waits because every slot is taken; it is expected to begin in about 20 s.",
                "c waits because every slot is taken; it is expected to begin in about 11 min.",
            ]
        );
        assert_eq!(crate::why::why(&state, &JobId("j".into()), Some("x"), 0), ["j has no task x."]);
        let empty = State { nodes: BTreeMap::new(), ..state };
        let why = crate::why::why(&empty, &JobId("j".into()), Some("b"), 0);
        assert_eq!(why, ["b waits because no node has joined the farm; when it begins is not known."]);
    }
}
