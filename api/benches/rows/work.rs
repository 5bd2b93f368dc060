//! Jobs as films are: render tasks of ranges of frames, a thousand a job.

use klieg_protocol::{Ask, Class, Digest, Input, JobId, JobSpec, Plan, Source, TaskSpec};
use klieg_scheduler::{
    state::{Dice, State},
    step::{Effect, Happened, NewJob, step},
};
use std::collections::BTreeMap;

/// So many jobs of so many tasks.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    pub jobs: usize,
    pub tasks_a_job: usize,
}

impl Load {
    pub fn tasks(self) -> usize {
        self.jobs * self.tasks_a_job
    }

    fn task(self, job: usize, n: usize) -> TaskSpec {
        let brief = Input { from: Source::Blob(Digest::of(&(job * self.tasks_a_job + n).to_le_bytes())) };
        let class = if n.is_multiple_of(3) { Class::Cpu } else { Class::Cuda };
        let ask = Ask { memory_bytes: (1 + n as u64 % 7) << 30, seconds: 10.0 + (n % 50) as f64, class, ..Ask::default() };
        TaskSpec {
            name: format!("render/sc{:03}_sh{:03}/0", n / 50, n % 50),
            step: "render".into(),
            params: serde_json::json!({"width": 1280, "height": 720, "first": n, "frames": 48}),
            inputs: BTreeMap::from([("brief".into(), brief)]),
            ask,
            rank: u32::try_from(n).expect("few tasks"),
            label: format!("sc{:03}_sh{:03}, 48 frames", n / 50, n % 50),
        }
    }

    /// A job of one of twenty projects.
    pub fn job(self, job: usize) -> NewJob {
        let spec = JobSpec { kind: "film".into(), label: format!("{job}"), params: job.into(), inputs: BTreeMap::new() };
        NewJob {
            id: JobId(format!("job-{:06}", job + 1)),
            identity: Digest::of(&job.to_le_bytes()),
            build: "b".into(),
            spec,
            plan: Plan { tasks: (0..self.tasks_a_job).map(|n| self.task(job, n)).collect() },
            project: format!("project {}", job % 20),
            owner: String::new(),
            priority: i32::try_from(job % 3).unwrap_or(0),
            price: 1.0,
        }
    }

    /// Lets the scheduler's core take the job; no result of its tasks is known. Gives all effects but the questions to the cache.
    pub fn submit(self, state: &mut State, job: usize, dice: &mut Dice) -> Vec<Effect> {
        let now = job as u64;
        let told = step(state, Happened::Submitted(Box::new(self.job(job))), now, dice);
        let mut effects = Vec::with_capacity(told.len());
        for effect in told {
            match effect {
                Effect::LookUp { id, identity } => {
                    effects.extend(step(state, Happened::CacheAnswered { id, identity, hit: None }, now, dice));
                }
                other => effects.push(other),
            }
        }
        effects
    }
}
