//! Plays a day in virtual time: the machinery that is the same for every planner.

use crate::day::{Day, Need};
use klieg_scheduler::state::Millis;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How many models a device keeps warm.
const WARM_MAX: usize = 2;

/// What a planner is told, and asked.
pub trait Policy {
    fn name(&self) -> &'static str;
    /// A job has come.
    fn comes(&mut self, _: &Day, _job: usize, _: Millis) {}
    /// A task may begin: all that it needs has ended, or its device has gone.
    fn ready(&mut self, day: &Day, task: usize);
    /// A task has ended, and took so many seconds.
    fn ended(&mut self, _: &Day, _task: usize, _seconds: f64, _: Millis) {}
    fn left(&mut self, _: &Day, _device: usize, _: Millis) {}
    fn joined(&mut self, _: &Day, _device: usize, _: Millis) {}
    /// (task, device) to begin now.
    fn choose(&mut self, day: &Day, farm: &Farm, now: Millis) -> Vec<(usize, usize)>;
}

/// What is free of the devices.
#[derive(Clone)]
pub struct Farm {
    pub slots: Vec<u32>,
    pub memory: Vec<u64>,
    /// The latest last.
    pub warm: Vec<VecDeque<usize>>,
    pub up: Vec<bool>,
}

impl Farm {
    fn new(day: &Day) -> Self {
        Self {
            slots: day.devices.iter().map(|device| device.slots).collect(),
            memory: day.devices.iter().map(|device| device.memory).collect(),
            warm: vec![VecDeque::new(); day.devices.len()],
            up: vec![true; day.devices.len()],
        }
    }

    fn fits(&self, day: &Day, device: usize, need: &Need) -> bool {
        let same = day.devices[device].class == need.class;
        same && self.up[device] && self.slots[device] >= need.slots && self.memory[device] >= need.memory
    }

    /// Where a task goes best, for planners that have no better idea: where its model is warm, then where least is left over.
    pub fn best(&self, day: &Day, need: &Need) -> Option<usize> {
        let fitting = (0..day.devices.len()).filter(|device| self.fits(day, *device, need));
        let cold = |device: usize| need.model.is_some_and(|model| !self.warm[device].contains(&model));
        fitting.min_by_key(|device| (cold(*device), day.devices[*device].memory, self.memory[*device]))
    }

    /// Takes room; gives the seconds that loading the model takes.
    pub fn take(&mut self, day: &Day, device: usize, need: &Need) -> f64 {
        assert!(self.fits(day, device, need), "a planner overbooks device {device}");
        self.slots[device] -= need.slots;
        self.memory[device] -= need.memory;
        let Some(model) = need.model else { return 0.0 };
        let warm = &mut self.warm[device];
        let known = warm.iter().position(|known| *known == model).and_then(|at| warm.remove(at));
        warm.push_back(model);
        if warm.len() > WARM_MAX {
            warm.pop_front();
        }
        if known.is_some() { 0.0 } else { day.models[model] }
    }

    fn give(&mut self, device: usize, need: &Need) {
        self.slots[device] += need.slots;
        self.memory[device] += need.memory;
    }
}

/// One attempt, ended or lost.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub task: usize,
    pub device: usize,
    pub from: Millis,
    pub to: Millis,
}

/// What came of a day.
pub struct Played {
    /// When each task could have begun, first began, and ended.
    pub ready: Vec<Millis>,
    pub began: Vec<Millis>,
    pub ended: Vec<Millis>,
    pub spans: Vec<Span>,
}

/// Something that happens by itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Ends { task: usize },
    Leaves(usize),
    Joins(usize),
    Comes(usize),
}

struct Play<'a> {
    day: &'a Day,
    farm: Farm,
    due: BTreeSet<(Millis, Due)>,
    /// Task → what it runs on since when, and until when.
    running: BTreeMap<usize, (usize, Millis, Millis)>,
    waits: Vec<usize>,
    frees: Vec<Vec<usize>>,
    played: Played,
}

/// Plays a day to its end.
pub fn play(day: &Day, policy: &mut dyn Policy) -> Played {
    let none = vec![Millis::MAX; day.tasks.len()];
    let played = Played { ready: none.clone(), began: none.clone(), ended: none, spans: Vec::new() };
    let (mut due, mut frees) = (BTreeSet::new(), vec![Vec::new(); day.tasks.len()]);
    due.extend((0..day.jobs.len()).map(|job| (day.jobs[job].comes, Due::Comes(job))));
    for absence in &day.absences {
        due.insert((absence.from, Due::Leaves(absence.device)));
        due.insert((absence.to, Due::Joins(absence.device)));
    }
    for (number, task) in day.tasks.iter().enumerate() {
        task.after.iter().for_each(|before| frees[*before].push(number));
    }
    let waits = day.tasks.iter().map(|task| task.after.len()).collect();
    let mut play = Play { day, farm: Farm::new(day), due, running: BTreeMap::new(), waits, frees, played };
    while let Some((now, _)) = play.due.first().copied() {
        while let Some((_, due)) = play.due.first().copied().filter(|(at, _)| *at == now) {
            play.due.pop_first();
            play.happens(due, policy, now);
        }
        for (task, device) in policy.choose(day, &play.farm, now) {
            play.begin(task, device, now);
        }
    }
    assert!(play.played.ended.iter().all(|at| *at < Millis::MAX), "{} left a task undone", policy.name());
    play.played
}

impl Play<'_> {
    fn happens(&mut self, due: Due, policy: &mut dyn Policy, now: Millis) {
        match due {
            Due::Comes(job) => {
                policy.comes(self.day, job, now);
                for task in self.day.jobs[job].tasks.clone() {
                    if self.waits[task] == 0 {
                        self.ready(task, policy, now);
                    }
                }
            }
            Due::Ends { task } => {
                let Some((_, since, _)) = self.running.get(&task).copied() else { return };
                self.stop(task, now);
                self.played.ended[task] = now;
                policy.ended(self.day, task, (now - since) as f64 / 1000.0, now);
                for next in self.frees[task].clone() {
                    self.waits[next] -= 1;
                    if self.waits[next] == 0 {
                        self.ready(next, policy, now);
                    }
                }
            }
            Due::Leaves(device) => {
                let lost: Vec<usize> = self.running.iter().filter(|(_, run)| run.0 == device).map(|(task, _)| *task).collect();
                self.farm.up[device] = false;
                self.farm.warm[device].clear();
                policy.left(self.day, device, now);
                for task in lost {
                    if let Some((_, _, end)) = self.running.get(&task).copied() {
                        self.due.remove(&(end, Due::Ends { task }));
                    }
                    self.stop(task, now);
                    policy.ready(self.day, task);
                }
            }
            Due::Joins(device) => {
                self.farm.up[device] = true;
                policy.joined(self.day, device, now);
            }
        }
    }

    fn ready(&mut self, task: usize, policy: &mut dyn Policy, now: Millis) {
        self.played.ready[task] = now;
        policy.ready(self.day, task);
    }

    fn begin(&mut self, task: usize, device: usize, now: Millis) {
        assert!(self.played.ready[task] <= now && !self.running.contains_key(&task), "task {task} cannot begin");
        assert_eq!(self.played.ended[task], Millis::MAX, "task {task} has ended");
        let load = self.farm.take(self.day, device, self.day.need(task));
        let seconds = load + self.day.tasks[task].seconds / self.day.devices[device].speed;
        let end = now + ((seconds * 1000.0) as Millis).max(1);
        self.played.began[task] = self.played.began[task].min(now);
        self.running.insert(task, (device, now, end));
        self.due.insert((end, Due::Ends { task }));
    }

    fn stop(&mut self, task: usize, now: Millis) {
        let Some((device, from, _)) = self.running.remove(&task) else { return };
        self.farm.give(device, self.day.need(task));
        self.played.spans.push(Span { task, device, from, to: now });
    }
}
