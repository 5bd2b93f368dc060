//! A small farm under everything that may happen in any order: lost nodes, late and repeated reports, stale tokens, cancels,
//! new leaders. After each step the invariants hold; in the end every accepted job has ended, and what it gave depends on its
//! tasks alone.

use crate::{
    identity,
    invariants::Watchman,
    recover,
    state::{Job, Millis, Rules, State},
    step::{Effect, Happened, NewJob, step},
    store::Batch,
};
use klieg_protocol::{
    Ask, Digest, Dispatch, Fault, Input, JobId, JobSpec, JobState, NodeId, Offer, Outcome, Plan, Progress, Report, Source,
    TaskFailure, TaskId, TaskName, TaskResult, TaskSpec, TaskState,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// One thing that happens.
#[derive(Clone, Debug)]
enum Act {
    /// A job of so many tasks, whose dependencies are drawn from the bits.
    Submit(usize, u64),
    Cancel(usize),
    Resume(usize),
    Join(u8),
    Leave(u8),
    /// An attempt that a node holds ends.
    End(usize, How),
    /// A report comes a second time, perhaps long after.
    Repeat(usize),
    Progress(usize, f32),
    Pass(Millis),
    /// The leader dies and another loads what was saved.
    NewLeader,
}

#[derive(Clone, Copy, Debug)]
enum How {
    Good,
    Fault(Fault),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let how = prop_oneof![
        6 => Just(How::Good),
        1 => Just(How::Fault(Fault::Task)),
        1 => Just(How::Fault(Fault::Node)),
        1 => Just(How::Fault(Fault::Nobody)),
    ];
    let act = prop_oneof![
        2 => (1..7usize, any::<u64>()).prop_map(|(n, bits)| Act::Submit(n, bits)),
        1 => any::<usize>().prop_map(Act::Cancel),
        1 => any::<usize>().prop_map(Act::Resume),
        2 => (0..3u8).prop_map(Act::Join),
        1 => (0..3u8).prop_map(Act::Leave),
        12 => (any::<usize>(), how).prop_map(|(i, how)| Act::End(i, how)),
        3 => any::<usize>().prop_map(Act::Repeat),
        3 => (any::<usize>(), prop_oneof![Just(f32::NAN), -1.0f32..2.0]).prop_map(|(i, f)| Act::Progress(i, f)),
        2 => (0..10_000u64).prop_map(Act::Pass),
        1 => Just(Act::NewLeader),
    ];
    prop::collection::vec(act, 1..120)
}

/// What is saved of a job: what a store would give back.
#[derive(Clone, Default)]
struct Saved {
    jobs: BTreeMap<JobId, Job>,
}

#[derive(Default)]
struct Farm {
    state: State,
    saved: Saved,
    watchman: Watchman,
    /// What each node believes to run, by the scheduler's word.
    running: Vec<(NodeId, Dispatch)>,
    reported: Vec<Report>,
    cache: BTreeMap<Digest, TaskResult>,
    now: Millis,
    submitted: u64,
    ended: BTreeMap<JobId, JobState>,
}

/// What a computation gives: a function of its identity.
fn outcome(dispatch: &Dispatch) -> TaskResult {
    let digest = identity::of_task("b", &dispatch.kind, &dispatch.task, &dispatch.inputs);
    let outputs = BTreeMap::from([("o".to_string(), digest)]);
    let mut adds = Vec::new();
    // Growth is the task's, not the attempt's: here the tasks that may grow are those whose names say so.
    if dispatch.task.name.starts_with('g') {
        adds.push(task(&format!("x{}", dispatch.task.name), 1, &[&dispatch.task.name]));
    }
    TaskResult { outputs, adds }
}

fn task(name: &str, memory_bytes: u64, needs: &[&str]) -> TaskSpec {
    let input = |need: &&str| {
        let from = Source::Output { task: need.to_string(), name: "o".into() };
        (need.to_string(), Input { from })
    };
    TaskSpec {
        name: name.into(),
        step: "s".into(),
        params: serde_json::json!(name),
        inputs: needs.iter().map(input).collect(),
        ask: Ask { memory_bytes, seconds: memory_bytes as f64 },
        rank: u32::try_from(memory_bytes % 3).unwrap_or(0),
        label: String::new(),
    }
}

fn plan(tasks: usize, mut bits: u64) -> Plan {
    let names: Vec<String> = (0..tasks).map(|i| if i % 3 == 0 { format!("g{i}") } else { format!("t{i}") }).collect();
    let mut plan = Plan::default();
    for (i, name) in names.iter().enumerate() {
        let needs: Vec<&str> = names[..i]
            .iter()
            .filter(|_| {
                bits = bits.rotate_left(1);
                bits & 1 == 1
            })
            .map(String::as_str)
            .collect();
        plan.tasks.push(task(name, 1 + bits % 4, &needs));
    }
    plan
}

impl Farm {
    fn step(&mut self, happened: Happened) -> Vec<Effect> {
        let mut all = step(&mut self.state, happened, self.now);
        self.saw(&all);
        let mut fresh = all.clone();
        while let Some((id, identity)) = fresh.iter().find_map(|effect| match effect {
            Effect::LookUp { id, identity } => Some((id.clone(), *identity)),
            _ => None,
        }) {
            fresh.retain(|effect| !matches!(effect, Effect::LookUp { id: other, .. } if *other == id));
            let hit = self.cache.get(&identity).cloned();
            let more = step(&mut self.state, Happened::CacheAnswered { id, identity, hit }, self.now);
            self.saw(&more);
            fresh.extend(more.iter().cloned());
            all.extend(more);
        }
        all
    }

    /// Checks the invariants, and does what the effects say.
    fn saw(&mut self, effects: &[Effect]) {
        let wrong = self.watchman.saw(&self.state, effects);
        assert!(wrong.is_empty(), "{wrong:#?}");
        for effect in effects {
            match effect {
                Effect::SaveJob(id) => self.saved.job(&self.state, id),
                Effect::SaveTask(id) => self.saved.task(&self.state, id),
                Effect::Remember { identity, result, .. } => drop(self.cache.insert(*identity, result.clone())),
                Effect::Run { node, dispatch } => self.running.push((node.clone(), (**dispatch).clone())),
                _ => {}
            }
        }
        for job in self.state.jobs.values().filter(|job| job.terminal()) {
            self.ended.insert(job.id.clone(), job.state);
        }
    }

    fn tick(&mut self) {
        self.step(Happened::Tick);
        self.state.jobs.retain(|_, job| !job.terminal());
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Submit(tasks, bits) => self.submit(plan(tasks, bits)),
            Act::Cancel(i) => drop(self.pick(i).map(|id| self.step(Happened::CancelAsked(id)))),
            Act::Resume(i) => drop(self.pick(i).map(|id| self.step(Happened::Resumed(id)))),
            Act::Join(n) => self.join(n),
            Act::Leave(n) => self.leave(n),
            Act::End(i, how) => self.end(i, how),
            Act::Repeat(i) => {
                if !self.reported.is_empty() {
                    let report = self.reported[i % self.reported.len()].clone();
                    let effects = self.step(Happened::Reported(report));
                    assert!(matches!(effects[..], [Effect::Refused { .. }]), "a repeated report is refused: {effects:?}");
                }
            }
            Act::Progress(i, fraction) => {
                if !self.running.is_empty() {
                    let (_, dispatch) = &self.running[i % self.running.len()];
                    let progress = Progress { fraction, done: 0, note: String::new() };
                    let (id, token) = (dispatch.id.clone(), dispatch.token);
                    self.step(Happened::Progressed { id, token, progress });
                }
            }
            Act::Pass(millis) => self.now += millis,
            Act::NewLeader => self.new_leader(),
        }
        self.tick();
    }

    fn submit(&mut self, plan: Plan) {
        self.submitted += 1;
        let id = JobId(format!("job-{:06}", self.submitted));
        let spec = JobSpec { kind: "k".into(), label: String::new(), params: serde_json::Value::Null, inputs: BTreeMap::new() };
        let identity = identity::of_job("b", &spec, &plan);
        let priority = i32::try_from(self.submitted % 2).unwrap_or(0);
        let job = NewJob { id, identity, build: "b".into(), spec, plan, priority, price: 1.0 };
        self.step(Happened::Submitted(Box::new(job)));
    }

    fn pick(&self, i: usize) -> Option<JobId> {
        self.state.jobs.keys().nth(i % self.state.jobs.len().max(1)).cloned()
    }

    fn join(&mut self, n: u8) {
        let node = NodeId(format!("n{n}"));
        // An agent that joins anew has ended what it ran.
        self.running.retain(|(other, _)| *other != node);
        self.step(Happened::NodeJoined(Offer { node, slots: 1 + u32::from(n), memory_bytes: 4 + u64::from(n) }));
    }

    fn leave(&mut self, n: u8) {
        // It may go on computing, unheard; what it reports later is stale.
        self.step(Happened::NodeLeft(NodeId(format!("n{n}"))));
    }

    fn end(&mut self, i: usize, how: How) {
        if self.running.is_empty() {
            return;
        }
        let (node, dispatch) = self.running.remove(i % self.running.len());
        let outcome = match how {
            How::Fault(fault) => Outcome::Failed(TaskFailure { fault, message: "m".into() }),
            How::Good => Outcome::Succeeded(outcome(&dispatch)),
        };
        let (id, attempt, token) = (dispatch.id, dispatch.attempt, dispatch.token);
        let report = Report { node, id, attempt, token, outcome, seconds: 1.0, damaged: Vec::new() };
        self.reported.push(report.clone());
        self.step(Happened::Reported(report));
    }

    /// Whatever was not saved is gone; whatever was is as it was.
    fn new_leader(&mut self) {
        let mut state = State { rules: self.state.rules, ..State::default() };
        for (id, live) in &self.state.jobs {
            assert_eq!(self.saved.jobs.get(id).map(essence), Some(essence(live)), "everything was saved");
        }
        state.next_token = 1 + self.saved.jobs.values().flat_map(|j| j.tasks.values()).map(|t| t.token.0).max().unwrap_or(0);
        for job in self.saved.jobs.values_mut().filter(|job| !job.terminal()) {
            recover::restore(job, &|_| true, self.now, &mut Batch::default());
            state.jobs.insert(job.id.clone(), job.clone());
        }
        self.state = state;
        // Only the attempts' own processes are gone with it, not what they may still say.
        self.saw(&[]);
    }

    /// Lets everything come to its end.
    fn drain(&mut self) {
        self.running.clear();
        for n in 0..3 {
            self.join(n);
        }
        let parked: Vec<JobId> = self.state.jobs.keys().cloned().collect();
        for id in parked {
            self.step(Happened::Resumed(id));
        }
        self.tick();
        for _ in 0..2_000 {
            if self.running.is_empty() {
                break;
            }
            self.now += 1_000;
            self.end(0, How::Good);
            self.tick();
        }
    }
}

impl Saved {
    fn job(&mut self, state: &State, id: &JobId) {
        let Some(live) = state.jobs.get(id) else { return };
        let tasks = self.jobs.remove(id).map(|job| job.tasks).unwrap_or_default();
        self.jobs.insert(id.clone(), Job { tasks, ..live.bare() });
    }
    fn task(&mut self, state: &State, id: &TaskId) {
        let Some(live) = state.jobs.get(&id.job).and_then(|job| job.tasks.get(&id.task)) else { return };
        if let Some(job) = self.jobs.get_mut(&id.job) {
            job.tasks.insert(id.task.clone(), live.clone());
        }
    }
}

/// What a store keeps of a job.
fn essence(job: &Job) -> impl PartialEq + std::fmt::Debug + use<> {
    let tasks: BTreeMap<TaskName, _> = job
        .tasks
        .iter()
        .map(|(name, t)| {
            (
                name.clone(),
                (t.state, t.attempts, t.faults, t.node_faults, t.token, t.reused, t.outputs.clone(), t.run.clone(), t.furthest),
            )
        })
        .collect();
    (job.state, job.reason.clone(), job.ended_at, tasks)
}

fn run(acts: Vec<Act>) {
    let mut farm = Farm::default();
    for act in acts {
        farm.act(act);
    }
    farm.drain();
    let accepted: BTreeSet<JobId> = (1..=farm.submitted).map(|n| JobId(format!("job-{n:06}"))).collect();
    assert_eq!(farm.ended.keys().cloned().collect::<BTreeSet<_>>(), accepted, "every accepted job has ended");
    for (id, state) in &farm.ended {
        let job = &farm.saved.jobs[id];
        assert_eq!(job.state, *state);
        if *state != JobState::Succeeded {
            continue;
        }
        for (name, task) in &job.tasks {
            assert_eq!(task.state, TaskState::Succeeded, "{name}");
            let inputs = task.spec.inputs.iter().map(|(name, input)| match &input.from {
                Source::Output { task, name: output } => (name.clone(), job.tasks[task].outputs[output]),
                Source::Blob(digest) => (name.clone(), *digest),
            });
            let wanted = identity::of_task("b", "k", &task.spec, &inputs.collect());
            assert_eq!(task.outputs["o"], wanted, "an output depends on the task alone");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2 * ProptestConfig::default().cases, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_holds_whatever_happens(acts in acts()) {
        run(acts);
    }
}

#[test]
fn a_task_that_loses_every_attempt_is_given_up() {
    let mut farm =
        Farm { state: State { rules: Rules { losses_max: 5, ..Rules::default() }, ..State::default() }, ..Farm::default() };
    farm.submit(plan(1, 0));
    for _ in 0..5 {
        farm.join(0);
        farm.tick();
        farm.leave(0);
        farm.tick();
    }
    assert_eq!(farm.ended[&JobId("job-000001".into())], JobState::Failed);
}
