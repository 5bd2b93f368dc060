use super::Placement;
use crate::state::{Device, Health, Millis, Node, Shape, State};
use klieg_protocol::{Class, DeviceOffer, NodeId, TaskId};
use std::collections::{BTreeMap, BTreeSet};

/// What is free of a device, while a round of placements goes on.
struct Room<'a> {
    node: &'a Node,
    number: u32,
    device: &'a Device,
    offer: &'a DeviceOffer,
    slots: u32,
    memory: u64,
    /// The part of their estimates that tasks take here.
    pace: f64,
    /// Before which others tasks go here, whatever its size: 0, or the slower the later.
    slowness: u64,
    /// Taken in this round.
    taken: BTreeSet<u32>,
    /// What was placed in this round: (estimated end, slots, memory).
    placed: Vec<(Millis, u32, u64)>,
    /// What the reserved task leaves when it begins: (time, slots, memory).
    kept: Option<(Millis, u32, u64)>,
}

/// A farm in which more jobs wait is not calm.
const CALM_JOBS_MAX: usize = 1_000;

/// Where rooms stand in the index: the class; how slow, if that counts; how large; how full, in thousandths.
type Group = (Class, u64, u64, u64);

/// All devices with something free. Where all that waits can go at once, the fastest are taken first: nobody else needs them. Elsewhere small
/// ones before large ones, so that large ones stay free for large tasks. Of equal ones, the idle before the shared.
pub struct Rooms<'a> {
    rooms: Vec<Room<'a>>,
    /// Without those that are kept for somebody: (free memory, room).
    index: BTreeMap<Group, BTreeSet<(u64, usize)>>,
    kept: BTreeSet<usize>,
    warm: BTreeMap<&'a str, Vec<usize>>,
    slots_free: u64,
}

/// The classes of which all that waits can go at once.
fn calm(state: &State) -> BTreeSet<Class> {
    let mut free: BTreeMap<Class, u64> = BTreeMap::new();
    for node in state.nodes.values().filter(|node| node.open()) {
        for (_, device, offer) in node.devices() {
            *free.entry(offer.class).or_default() += u64::from(device.slots_free(offer));
        }
    }
    let jobs = state.line.levels().flat_map(BTreeMap::values).flatten();
    for (looked, (_, id)) in jobs.enumerate() {
        if free.is_empty() || looked >= CALM_JOBS_MAX {
            return BTreeSet::new();
        }
        for (shape, ready) in state.jobs.get(id).into_iter().flat_map(|job| &job.ready) {
            let asked = ready.len() as u64 * u64::from(shape.slots);
            match free.get_mut(&shape.class) {
                Some(free) if *free >= asked => *free -= asked,
                _ => drop(free.remove(&shape.class)),
            }
        }
    }
    free.into_keys().collect()
}

/// Where a task fits.
pub enum Found {
    Room(usize),
    /// Only where room is kept for another, which it would delay.
    OnlyKept,
    Nothing,
}

impl<'a> Rooms<'a> {
    pub fn of(state: &'a State) -> Self {
        let mut all =
            Self { rooms: Vec::new(), index: BTreeMap::new(), kept: BTreeSet::new(), warm: BTreeMap::new(), slots_free: 0 };
        let calm = calm(state);
        for node in state.nodes.values().filter(|node| node.open()) {
            for (number, device, offer) in node.devices() {
                let (slots, memory) = (device.slots_free(offer), device.memory_free(offer));
                if slots == 0 {
                    continue;
                }
                let at = all.rooms.len();
                let (taken, placed) = (BTreeSet::new(), Vec::new());
                let pace = state.paces.of(offer);
                let slowness = if calm.contains(&offer.class) { (pace * 1e6) as u64 } else { 0 };
                all.rooms.push(Room { node, number, device, offer, slots, memory, pace, slowness, taken, placed, kept: None });
                all.slots_free += u64::from(slots);
                all.list(at);
                for model in &device.warm {
                    all.warm.entry(model).or_default().push(at);
                }
            }
        }
        all
    }

    /// No device has a slot left.
    pub fn none_free(&self) -> bool {
        self.slots_free == 0
    }

    fn list(&mut self, at: usize) {
        let room = &self.rooms[at];
        if room.slots > 0 && room.kept.is_none() {
            self.index.entry(room.group()).or_default().insert((room.memory, at));
        }
    }

    fn unlist(&mut self, at: usize) {
        let (group, memory) = (self.rooms[at].group(), self.rooms[at].memory);
        if let Some(rooms) = self.index.get_mut(&group) {
            rooms.remove(&(memory, at));
            if rooms.is_empty() {
                self.index.remove(&group);
            }
        }
    }

    /// Where a task goes best: where its models are warm, then in the order of `Rooms`.
    pub fn find(&self, shape: &Shape, seconds: f64, now: Millis) -> Found {
        if let Some(warm) = self.find_warm(shape, seconds, now) {
            return Found::Room(warm);
        }
        for (_, rooms) in self.index.range((shape.class, 0, 0, 0)..=(shape.class, u64::MAX, u64::MAX, u64::MAX)) {
            let roomy = rooms.range((shape.memory_bytes, 0)..);
            if let Some((_, at)) = roomy.into_iter().find(|(_, at)| self.rooms[*at].holds(shape)) {
                return Found::Room(*at);
            }
        }
        let mut found = Found::Nothing;
        for at in &self.kept {
            if self.rooms[*at].holds(shape) {
                found = Found::OnlyKept;
                if self.rooms[*at].fits(shape, seconds, now) {
                    return Found::Room(*at);
                }
            }
        }
        found
    }

    fn find_warm(&self, shape: &Shape, seconds: f64, now: Millis) -> Option<usize> {
        let mut warmth: BTreeMap<usize, u32> = BTreeMap::new();
        for model in &shape.models {
            for at in self.warm.get(model.as_str()).into_iter().flatten() {
                *warmth.entry(*at).or_default() += 1;
            }
        }
        let fitting = warmth.into_iter().filter(|(at, _)| self.rooms[*at].fits(shape, seconds, now));
        fitting.max_by_key(|(at, models)| (*models, std::cmp::Reverse((self.rooms[*at].group(), *at)))).map(|(at, _)| at)
    }

    pub fn take(&mut self, at: usize, id: TaskId, shape: &Shape, seconds: f64, now: Millis) -> Placement {
        self.unlist(at);
        let room = &mut self.rooms[at];
        let before = room.slots;
        let slots = room.take(shape, seconds, now);
        self.slots_free -= u64::from(before - room.slots);
        let part = room.part(shape);
        let placement = Placement {
            id,
            node: room.node.offer.node.clone(),
            device: room.number,
            slots,
            memory_bytes: shape.memory_bytes,
            part,
        };
        self.list(at);
        placement
    }

    /// Goes on keeping room on a device, or on another that by now seems to open in less than half the time: what runs there may take
    /// far longer than was thought. Says where; nowhere when none could ever hold the task.
    pub fn keep(&mut self, state: &State, spot: &(NodeId, u32), shape: &Shape, seconds: f64, now: Millis) -> Option<(NodeId, u32)> {
        let place = self.rooms.iter().position(|room| room.node.offer.node == spot.0 && room.number == spot.1);
        let opening = match place {
            Some(at) => self.rooms[at].opens(shape, now),
            // It is full, and so keeps by itself for now.
            None => state.nodes.get(&spot.0).filter(|node| node.open()).and_then(|node| {
                let pace = node.offer.devices.get(spot.1 as usize).map_or(1.0, |offer| state.paces.of(offer));
                opens(node, spot.1, pace, &[], shape, now)
            }),
        };
        let Some(kept) = opening else { return self.keep_earliest(shape, seconds, now) };
        if let Some((sooner, at)) = self.earliest(shape, seconds, now)
            && sooner.0.saturating_sub(now) < kept.0.saturating_sub(now) / 2
        {
            return Some(self.set_kept(at, sooner));
        }
        match place {
            Some(at) => Some(self.set_kept(at, kept)),
            None => Some(spot.clone()),
        }
    }

    /// Keeps room where the task can end first, and says where.
    pub fn keep_earliest(&mut self, shape: &Shape, seconds: f64, now: Millis) -> Option<(NodeId, u32)> {
        let (kept, at) = self.earliest(shape, seconds, now)?;
        Some(self.set_kept(at, kept))
    }

    /// Where the task can end first, and what it leaves then. Looks only at devices that have something free: the others cannot be taken away.
    fn earliest(&self, shape: &Shape, seconds: f64, now: Millis) -> Option<((Millis, u32, u64), usize)> {
        let open = (0..).zip(&self.rooms).filter(|(_, room)| room.kept.is_none() && room.offer.class == shape.class);
        let opening = open.filter_map(|(at, room)| room.opens(shape, now).map(|kept| (kept, at)));
        opening.min_by_key(|((begin, _, _), at)| (ends_at(*begin, seconds * self.rooms[*at].pace), *at))
    }

    fn set_kept(&mut self, at: usize, kept: (Millis, u32, u64)) -> (NodeId, u32) {
        self.unlist(at);
        self.rooms[at].kept = Some(kept);
        self.kept.insert(at);
        (self.rooms[at].node.offer.node.clone(), self.rooms[at].number)
    }
}

impl Room<'_> {
    fn group(&self) -> Group {
        let used = self.offer.slots.saturating_sub(self.slots);
        let full = u64::from(used) * 1000 / u64::from(self.offer.slots.max(1));
        (self.offer.class, self.slowness, self.offer.memory_bytes, full)
    }

    fn holds(&self, shape: &Shape) -> bool {
        self.offer.class == shape.class
            && self.slots >= shape.slots
            && self.memory >= shape.memory_bytes
            && self.node.offer.tools.meets(&shape.needs)
    }

    fn fits(&self, shape: &Shape, seconds: f64, now: Millis) -> bool {
        let aside =
            |(at, slots, memory)| ends_at(now, seconds * self.pace) <= at || (slots >= shape.slots && memory >= shape.memory_bytes);
        self.holds(shape) && self.kept.is_none_or(aside)
    }

    fn take(&mut self, shape: &Shape, seconds: f64, now: Millis) -> Vec<u32> {
        let free = (0..self.offer.slots).filter(|slot| !self.device.taken.contains(slot) && !self.taken.contains(slot));
        let slots: Vec<u32> = free.take(shape.slots as usize).collect();
        self.taken.extend(&slots);
        let end = ends_at(now, seconds * self.pace);
        self.slots = self.slots.saturating_sub(shape.slots);
        if matches!(self.device.health, Health::Trial { .. }) {
            self.slots = 0;
        }
        self.memory = self.memory.saturating_sub(shape.memory_bytes);
        self.placed.push((end, shape.slots, shape.memory_bytes));
        if let Some((at, slots, memory)) = &mut self.kept
            && end > *at
        {
            *slots = slots.saturating_sub(shape.slots);
            *memory = memory.saturating_sub(shape.memory_bytes);
        }
        slots
    }

    /// The part of the device that a task takes, 0–1.
    fn part(&self, shape: &Shape) -> f64 {
        let memory = shape.memory_bytes as f64 / self.offer.memory_bytes.max(1) as f64;
        (f64::from(shape.slots) / f64::from(self.offer.slots.max(1))).max(memory).min(1.0)
    }

    /// When a task could begin here, and what it leaves free then.
    fn opens(&self, shape: &Shape, now: Millis) -> Option<(Millis, u32, u64)> {
        opens(self.node, self.number, self.pace, &self.placed, shape, now)
    }
}

/// When a task of that shape could begin on a device by the estimates, and the slots and memory that it leaves then. `pace`:
/// the part of their estimates that tasks take there. `more`: what is on it besides what it holds, as (estimated end, slots, memory). `None`: never.
fn opens(
    node: &Node,
    number: u32,
    pace: f64,
    more: &[(Millis, u32, u64)],
    shape: &Shape,
    now: Millis,
) -> Option<(Millis, u32, u64)> {
    let (device, offer) = (node.devices.get(number as usize)?, node.offer.devices.get(number as usize)?);
    if !node.offer.tools.meets(&shape.needs) {
        return None;
    }
    let held = node.held.values().filter(|held| held.device == number);
    let mut ends: Vec<(Millis, u32, u64)> = held
        .map(|h| (expected(h.since, h.seconds * pace, now), u32::try_from(h.slots.len()).unwrap_or(u32::MAX), h.memory_bytes))
        .collect();
    ends.extend(more);
    ends.sort_unstable();
    let taken = u32::try_from(device.taken.len()).unwrap_or(u32::MAX);
    let (later_slots, later_memory) = more.iter().fold((0, 0), |(slots, memory), (_, s, m)| (slots + s, memory + m));
    let mut slots = offer.slots.saturating_sub(taken).saturating_sub(later_slots);
    let mut memory = device.memory_free(offer).saturating_sub(later_memory);
    let mut at = now;
    let mut ends = ends.into_iter();
    loop {
        if offer.class == shape.class && slots >= shape.slots && memory >= shape.memory_bytes {
            return Some((at, slots - shape.slots, memory - shape.memory_bytes));
        }
        let (end, back_slots, back_memory) = ends.next()?;
        at = end.max(now);
        slots += back_slots;
        memory = memory.saturating_add(back_memory);
    }
}

/// When something that runs will end: by its estimate, or, if it has run for longer, after as much again as it is late.
fn expected(since: Millis, seconds: f64, now: Millis) -> Millis {
    let end = ends_at(since, seconds);
    end.max(now.saturating_add(now.saturating_sub(end)))
}

fn ends_at(since: Millis, seconds: f64) -> Millis {
    since.saturating_add((seconds.max(0.0) * 1000.0) as Millis)
}
