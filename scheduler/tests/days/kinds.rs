//! The kinds of days. Each is drawn by a seed; none knows which planner will play it.

use crate::day::{Absence, Day, Device, GB, HOUR_MS, Job, Need, Task};
use klieg_protocol::Class;
use klieg_scheduler::state::{Dice, Millis};

pub const KINDS: [&str; 8] = ["small", "huge", "shares", "films", "models", "spot", "deadline", "stragglers"];

/// How long jobs come, in hours.
#[derive(Clone, Copy, Debug)]
pub struct Length(pub u64);

/// Draws the day of that kind and seed. `fate`: which of the ways in which it may turn out. Jobs, estimates and devices are those of
/// the seed; how long tasks take, and which devices go when, nobody can know before.
pub fn draw(kind: &str, seed: u64, fate: u64, length: Length) -> Day {
    let mut maker = Maker::new(kind, seed, fate, length);
    match kind {
        "small" => maker.small(),
        "huge" => maker.huge(),
        "shares" => maker.shares(),
        "films" => maker.films(),
        "models" => maker.models(),
        "spot" => maker.spot(),
        "deadline" => maker.deadline(),
        _ => maker.stragglers(),
    }
    maker.done()
}

struct Maker {
    dice: Dice,
    /// For what no planner can know.
    fate: Dice,
    day: Day,
    length: Length,
    /// Estimates are wrong by a factor whose logarithm has this deviation.
    doubt: f64,
    /// One of so many tasks takes three to eight times its estimate. 0: none.
    straggles: u64,
}

impl Maker {
    fn new(kind: &str, seed: u64, fate: u64, length: Length) -> Self {
        let salt = kind.bytes().fold(0, |salt: u64, byte| salt * 31 + u64::from(byte));
        let gpu = |gigabytes, slots, speed| Device { class: Class::Cuda, memory: gigabytes * GB, slots, speed };
        let mut devices = vec![gpu(24, 2, 1.0); 4];
        devices.extend(vec![gpu(48, 3, 1.4); 2]);
        devices.extend(vec![gpu(80, 4, 2.0); 2]);
        devices.push(gpu(141, 4, 2.6));
        devices.extend(vec![Device { class: Class::Cpu, memory: 128 * GB, slots: 8, speed: 1.0 }; 2]);
        let day = Day { devices, weights: vec![1.0; 4], ..Day::default() };
        let seed = seed.wrapping_mul(0x9e37_79b9) ^ salt;
        let fate = Dice(seed.rotate_left(32) ^ fate.wrapping_mul(0xd1b5_4a32_d192_ed03) ^ 0x5bd1_e995);
        Self { dice: Dice(seed), fate, day, length, doubt: 0.25, straggles: 0 }
    }

    /// Draws something that no planner can know.
    fn hidden<T>(&mut self, draw: impl FnOnce(&mut Self) -> T) -> T {
        std::mem::swap(&mut self.dice, &mut self.fate);
        let drawn = draw(self);
        std::mem::swap(&mut self.dice, &mut self.fate);
        drawn
    }

    /// A number in a range.
    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.dice.below(1 << 30) as f64 / f64::from(1 << 30)
    }

    /// A number about 1 whose logarithm has that deviation: twelve uniform numbers make a normal one.
    fn about(&mut self, deviation: f64) -> f64 {
        let normal: f64 = (0..12).map(|_| self.between(0.0, 1.0)).sum::<f64>() - 6.0;
        (normal * deviation).exp()
    }

    /// Some time of the day.
    fn any_time(&mut self) -> Millis {
        self.dice.below(self.length.0 * HOUR_MS)
    }

    /// An eighth of the day in, within five minutes: when people come to work.
    fn nine(&mut self) -> Millis {
        self.length.0 * HOUR_MS / 8 + self.dice.below(300_000)
    }

    fn job(&mut self, project: usize, priority: i32, comes: Millis) {
        let tasks = self.day.tasks.len()..self.day.tasks.len();
        self.day.jobs.push(Job { project, priority, comes, tasks });
    }

    /// Adds a task to the latest job.
    fn task(&mut self, need: Need, estimate: f64, after: Vec<usize>) -> usize {
        let known = self.day.needs.iter().position(|known| *known == need);
        let need = known.unwrap_or_else(|| {
            self.day.needs.push(need);
            self.day.needs.len() - 1
        });
        let seconds = self.hidden(|it| {
            let straggles = it.straggles > 0 && it.dice.below(it.straggles) == 0;
            estimate * it.about(it.doubt) * if straggles { it.between(3.0, 8.0) } else { 1.0 }
        });
        let (number, job) = (self.day.tasks.len(), self.day.jobs.len() - 1);
        self.day.tasks.push(Task { job, need, estimate, seconds: seconds.max(0.1), after });
        self.day.jobs[job].tasks.end = number + 1;
        number
    }

    /// A job of equal tasks.
    fn batch(&mut self, project: usize, comes: Millis, count: u64, gigabytes: u64, seconds: f64) {
        self.job(project, 0, comes);
        for _ in 0..count {
            let estimate = seconds * self.about(0.3);
            self.task(gpu(gigabytes, 1), estimate, Vec::new());
        }
    }

    /// A film: analysed, spoken, directed, rendered in ranges of frames, put together.
    fn film(&mut self, project: usize, priority: i32, comes: Millis, ranges: u64) {
        self.job(project, priority, comes);
        let analysed = self.task(cpu(2), 5.0, Vec::new());
        let spoken: Vec<usize> = (0..ranges / 4 + 1).map(|_| self.task(cpu(1), 4.0, vec![analysed])).collect();
        let directed = self.task(cpu(2), 3.0, spoken);
        let gigabytes = [6, 10, 18][self.dice.below(3) as usize];
        let mut parts = Vec::new();
        for _ in 0..ranges {
            let estimate = self.between(30.0, 90.0);
            parts.push(self.task(gpu(gigabytes, 1), estimate, vec![directed]));
        }
        self.task(cpu(4), 15.0, parts);
    }

    /// Small jobs all day, many at nine; now and then a large batch.
    fn small(&mut self) {
        for n in 0..self.length.0 * 130 {
            let comes = if n % 3 == 0 { self.nine() } else { self.any_time() };
            let (project, count) = (self.dice.below(4) as usize, 1 + self.dice.below(5));
            let gigabytes = [4, 8, 12][self.dice.below(3) as usize];
            self.batch(project, comes, count, gigabytes, 60.0);
        }
        for _ in 0..self.length.0 {
            let (project, comes) = (self.dice.below(4) as usize, self.any_time());
            self.batch(project, comes, 350, 10, 120.0);
        }
    }

    /// Many small jobs, and some that need a whole large device.
    fn huge(&mut self) {
        for _ in 0..self.length.0 * 150 {
            let (project, comes, count) = (self.dice.below(3) as usize, self.any_time(), 1 + self.dice.below(12));
            let gigabytes = [8, 12, 20][self.dice.below(3) as usize];
            self.batch(project, comes, count, gigabytes, 110.0);
        }
        for _ in 0..self.length.0 * 4 {
            let (comes, large) = (self.any_time(), self.dice.below(2) == 0);
            self.job(3, 0, comes);
            let estimate = self.between(300.0, 900.0);
            self.task(if large { gpu(130, 4) } else { gpu(78, 4) }, estimate, Vec::new());
        }
    }

    /// One project hands in its week at nine; the others work all day, one with twice the weight.
    fn shares(&mut self) {
        self.day.weights = vec![1.0, 2.0, 1.0];
        for _ in 0..self.length.0 {
            let comes = self.nine();
            self.batch(0, comes, 500, 10, 120.0);
        }
        for n in 0..self.length.0 * 60 {
            let (comes, count) = (self.any_time(), 1 + self.dice.below(12));
            self.batch(1 + n as usize % 2, comes, count, 10, 90.0);
        }
    }

    /// A studio's day: films of every length, half of them at nine.
    fn films(&mut self) {
        self.day.weights = vec![3.0, 2.0, 1.0, 1.0];
        for n in 0..self.length.0 * 28 {
            let comes = if n % 2 == 0 { self.nine() } else { self.any_time() };
            let (project, size) = (self.dice.below(4) as usize, self.dice.below(10));
            let ranges = match size {
                0..6 => 5 + self.dice.below(25),
                6..9 => 40 + self.dice.below(80),
                _ => 200 + self.dice.below(200),
            };
            self.film(project, 0, comes, ranges);
        }
    }

    /// Pictures by models that have to be loaded, in bursts, beside renders.
    fn models(&mut self) {
        self.day.models = vec![25.0, 40.0, 60.0, 30.0, 90.0, 20.0];
        let sizes = [7, 12, 16, 10, 40, 5];
        for burst in 0..self.length.0 * 12 {
            let (comes, project) = (if burst % 4 == 0 { self.nine() } else { self.any_time() }, self.dice.below(4) as usize);
            for _ in 0..5 + self.dice.below(30) {
                let (later, model) = (comes + self.dice.below(120_000), self.dice.below(6) as usize);
                self.job(project, 0, later);
                for _ in 0..1 + self.dice.below(4) {
                    let estimate = self.between(20.0, 60.0);
                    self.task(Need { model: Some(model), ..gpu(sizes[model], 1) }, estimate, Vec::new());
                }
            }
        }
        for _ in 0..self.length.0 * 3 {
            let (project, comes) = (self.dice.below(4) as usize, self.any_time());
            self.batch(project, comes, 150, 12, 90.0);
        }
    }

    /// Half of the devices come and go: rented ones, taken back without a word.
    fn spot(&mut self) {
        self.small();
        self.hidden(|it| {
            for device in [1, 3, 4, 6, 9] {
                let mut at = it.dice.below(HOUR_MS);
                while at < it.length.0 * HOUR_MS {
                    let to = at + 120_000 + it.dice.below(HOUR_MS / 3);
                    it.day.absences.push(Absence { device, from: at, to });
                    at = to + HOUR_MS / 4 + it.dice.below(HOUR_MS);
                }
            }
        });
    }

    /// Films of three priorities, the urgent ones in the afternoon, above a large batch of the night.
    fn deadline(&mut self) {
        for _ in 0..self.length.0 * 2 {
            let project = self.dice.below(4) as usize;
            self.batch(project, 0, 250, 8, 100.0);
        }
        for n in 0..self.length.0 * 26 {
            let (project, ranges) = (self.dice.below(4) as usize, 5 + self.dice.below(40));
            let (any, span) = (self.any_time(), self.length.0 * HOUR_MS);
            match n % 6 {
                0 => self.film(project, 2, span / 2 + any / 2, ranges / 2 + 1),
                1 | 2 => self.film(project, 1, any, ranges),
                _ => self.film(project, 0, any, ranges),
            }
        }
    }

    /// As `films`, with estimates that are often wrong by twice, and tasks that take many times theirs.
    fn stragglers(&mut self) {
        (self.doubt, self.straggles) = (0.7, 40);
        self.films();
        for _ in 0..self.length.0 * 2 {
            let (comes, project) = (self.any_time(), self.dice.below(4) as usize);
            self.job(project, 0, comes);
            let estimate = self.between(200.0, 600.0);
            self.task(gpu(70, 4), estimate, Vec::new());
        }
    }

    /// The jobs by the time when they come, their tasks in that order too.
    fn done(mut self) -> Day {
        let mut order: Vec<usize> = (0..self.day.jobs.len()).collect();
        order.sort_by_key(|job| self.day.jobs[*job].comes);
        let (jobs, tasks) = (std::mem::take(&mut self.day.jobs), std::mem::take(&mut self.day.tasks));
        for old in order {
            let Job { tasks: range, .. } = jobs[old].clone();
            let (job, start) = (self.day.jobs.len(), self.day.tasks.len());
            self.day.jobs.push(Job { tasks: start..start + range.len(), ..jobs[old].clone() });
            for task in &tasks[range.clone()] {
                let after = task.after.iter().map(|before| before - range.start + start).collect();
                self.day.tasks.push(Task { job, after, ..task.clone() });
            }
        }
        self.day
    }
}

fn gpu(gigabytes: u64, slots: u32) -> Need {
    Need { class: Class::Cuda, memory: gigabytes * GB, slots, model: None }
}

fn cpu(slots: u32) -> Need {
    Need { class: Class::Cpu, memory: 2 * GB, slots, model: None }
}
