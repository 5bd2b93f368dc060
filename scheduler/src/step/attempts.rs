//! Attempts: placed, told of, ended.

use super::{Attempt, Effect, Step};
use crate::{
    plan::{self, Placement},
    state::{Bug, Cache, Health, Held, Job, Millis, Run, SECONDS_MAX},
    store::Measured,
};
use klieg_protocol::{
    Dispatch, Event, Fault, JobState, NodeId, Outcome, Progress, Report, Split, TaskFailure, TaskId, TaskResult, TaskState, Token,
};

impl Step<'_> {
    pub(super) fn tick(&mut self) {
        self.lapse();
        self.try_again();
        self.wake();
        let plan = plan::plan(self.state, self.now);
        self.state.kept = plan.kept;
        for placement in plan.placements {
            self.place(placement);
        }
    }

    fn place(&mut self, placement: Placement) {
        let Placement { id, node, device, slots, memory_bytes, part } = placement;
        let Some(job) = self.state.jobs.get(&id.job) else { return };
        let Some(place) = job.tasks.place(&id.task) else { return };
        self.state.dequeue(&id.job, place);
        let token = Token(self.state.next_token.max(1));
        self.state.next_token = token.0 + 1;
        let steady = self.state.clock.steady();
        let Some(host) = self.state.nodes.get_mut(&node) else { return };
        let Some(job) = self.state.jobs.get_mut(&id.job) else { return };
        let Some(task) = job.tasks.at_mut(place) else { return };
        let limits = task.shape.as_ref().map(|shape| shape.limits.clone()).unwrap_or_default();
        let incarnation = host.offer.incarnation;
        let run = Run { node: node.clone(), incarnation, device, slots: slots.clone(), memory_bytes, since: self.now };
        task.state = TaskState::Running;
        task.attempts += 1;
        task.token = token;
        task.run = Some(Box::new(run));
        let (attempt, seconds, first) = (task.attempts, task.spec.seconds, job.state == JobState::Queued);
        let held = Held {
            id: id.clone(),
            project: job.project.clone(),
            device,
            slots,
            memory_bytes,
            limits,
            since: self.now,
            since_steady: steady,
            seconds,
            part,
        };
        if first {
            job.state = JobState::Running;
            self.state.stand(&id.job);
            self.effects.push(Effect::SaveJob(id.job.clone()));
        }
        for limit in &held.limits {
            self.state.limits.entry(limit.clone()).or_default().used += 1;
        }
        let worker = held.slots.first().copied().unwrap_or(0);
        let project = self.state.projects.entry(held.project.clone()).or_default();
        project.charge(part * seconds);
        project.slots_held += u32::try_from(held.slots.len()).unwrap_or(u32::MAX);
        if let Some(host) = self.state.nodes.get_mut(&node) {
            host.hold(token, held);
        }
        self.save(&id);
        self.tell(&id.job, Event::TaskStarted { task: id.task.clone(), attempt, worker });
        self.dispatch(&id);
    }

    /// Sends a running attempt to its node; again, if it must be thought that it did not get there.
    pub(super) fn dispatch(&mut self, id: &TaskId) {
        let Some(job) = self.state.jobs.get(&id.job) else { return };
        let Some(task) = job.tasks.get(&id.task) else { return };
        let Some(run) = &task.run else { return };
        let spec = task.spec.open();
        let Ok(inputs) = job.inputs_of(&spec) else { return };
        let dispatch = Dispatch {
            id: id.clone(),
            attempt: task.attempts,
            token: task.token,
            device: run.device,
            slots: run.slots.clone(),
            memory_bytes: run.memory_bytes,
            incarnation: run.incarnation,
            session: self.state.session_of(Some(&run.node)),
            kind: job.spec.kind.clone(),
            task: spec,
            inputs,
            trace: None,
        };
        self.effects.push(Effect::Run { node: run.node.clone(), dispatch: Box::new(dispatch) });
    }

    /// Tells a node that nobody wants an attempt.
    pub(super) fn stop(&mut self, node: NodeId, id: TaskId, token: Token) {
        let session = self.state.session_of(Some(&node));
        self.effects.push(Effect::Stop { node, id, token, session });
    }

    pub(super) fn progressed(&mut self, id: &TaskId, token: Token, mut progress: Progress) {
        let Some(task) = self.task(id) else { return };
        if task.token != token || task.run.is_none() {
            return;
        }
        // `max` also drops NaN.
        let furthest = progress.fraction.clamp(0.0, 1.0).max(task.furthest);
        let further = furthest > std::mem::replace(&mut task.furthest, furthest);
        progress.fraction = furthest;
        // Saved before it is told, so that the next leader does not tell less.
        if further {
            self.save(id);
        }
        self.tell(&id.job, Event::TaskProgress { task: id.task.clone(), progress });
    }

    pub(super) fn reported(&mut self, report: Report) {
        let seconds = if report.seconds.is_finite() { report.seconds.clamp(0.0, SECONDS_MAX) } else { 0.0 };
        if matches!(report.outcome, Outcome::Succeeded(_)) {
            self.time(&report.node, report.token, seconds);
        }
        self.release(&report.node, report.token, seconds);
        if !self.valid(&report) {
            if self.state.rules.has(Bug::CancelResurrects) {
                self.resurrect(&report);
            }
            return self.effects.push(Effect::Refused { id: report.id, token: report.token });
        }
        self.learn(&report);
        let fault = match &report.outcome {
            Outcome::Failed(failure) => Some(failure),
            _ => None,
        };
        let nobody = fault.is_some_and(|failure| failure.fault == Fault::Nobody);
        let device_fault = fault.filter(|failure| failure.fault == Fault::Node).map(|failure| failure.message.clone());
        let device = self.task(&report.id).and_then(|task| task.run.as_ref()).map(|run| run.device);
        if let Some(device) = device.filter(|_| !nobody) {
            self.shown(&report.node, device, device_fault);
        }
        match report.outcome {
            Outcome::Succeeded(result) => self.succeeded(&report.id, result, seconds),
            Outcome::Failed(failure) => self.failed(&report.id, failure, seconds, report.killed),
            Outcome::Split { failure, split } => self.too_large(&report.id, failure, split, seconds),
        }
    }

    /// Whether the report is of the attempt that the task waits for.
    fn valid(&self, report: &Report) -> bool {
        let Some(task) = self.state.task(&report.id) else { return false };
        let Some(run) = &task.run else { return false };
        let fits = task.token == report.token && [0, task.attempts].contains(&report.attempt) && run.node == report.node;
        fits || self.state.rules.has(Bug::AcceptFenced)
    }

    /// The deliberate bug `CancelResurrects`.
    fn resurrect(&mut self, report: &Report) {
        if let Outcome::Succeeded(result) = &report.outcome
            && let Some(job) = self.state.jobs.get_mut(&report.id.job).filter(|job| job.state == JobState::Cancelled)
            && let Some(task) = job.tasks.get_mut(&report.id.task)
        {
            (task.state, task.outputs, job.state) = (TaskState::Succeeded, result.outputs.clone(), JobState::Succeeded);
            self.effects.push(Effect::SaveJob(report.id.job.clone()));
        }
    }

    /// Learns how fast the device is.
    fn time(&mut self, node: &NodeId, token: Token, seconds: f64) {
        let Some(node) = self.state.nodes.get(node) else { return };
        let Some(held) = node.held.get(&token) else { return };
        let Some(offer) = node.offer.devices.get(held.device as usize) else { return };
        self.state.paces.learn(offer, held.seconds, seconds);
    }

    fn learn(&mut self, report: &Report) {
        let Some(bytes) = report.peak_bytes else { return };
        let Some(job) = self.state.jobs.get(&report.id.job) else { return };
        let Some(task) = job.tasks.get(&report.id.task) else { return };
        let (spec, kind) = (task.spec.open(), job.spec.kind.clone());
        if self.state.peaks.learn(&kind, &spec.step, &spec.ask.shape, bytes) {
            self.effects.push(Effect::SavePeak(Measured { kind, step: spec.step, shape: spec.ask.shape, bytes }));
        }
    }

    /// Gives back what an attempt held, and books what it took.
    pub(super) fn release(&mut self, node: &NodeId, token: Token, seconds: f64) {
        let Some(held) = self.state.nodes.get_mut(node).and_then(|node| node.release(token)) else { return };
        for limit in &held.limits {
            if let Some(limit) = self.state.limits.get_mut(limit) {
                limit.used = limit.used.saturating_sub(1);
            }
        }
        let waits = self.state.line.has_project(&held.project);
        let Some(project) = self.state.projects.get_mut(&held.project) else { return };
        let slots = u32::try_from(held.slots.len()).unwrap_or(u32::MAX);
        project.slots_held = project.slots_held.saturating_sub(slots);
        project.charge((seconds - held.seconds) * held.part);
        project.active = waits || project.slots_held > 0;
    }

    /// The bookkeeping of the deliberate bug `DoubleSlot`, after everything that stops attempts.
    pub(super) fn stopped(&mut self) {
        if !self.state.rules.has(Bug::DoubleSlot) {
            return;
        }
        let stops = self.effects.iter().filter_map(|effect| match effect {
            Effect::Stop { node, token, .. } => Some((node.clone(), *token)),
            _ => None,
        });
        for (node, token) in stops.collect::<Vec<_>>() {
            self.release(&node, token, 0.0);
        }
    }

    fn succeeded(&mut self, id: &TaskId, result: TaskResult, seconds: f64) {
        let looked_up = self.task(id).is_some_and(|task| task.cache == Cache::Missed);
        let identity = self.identity(id).filter(|_| looked_up);
        let attempt = self.attempt(id, seconds, None);
        match self.succeed(id, result.clone(), false, seconds) {
            Ok(()) => {
                self.effects.extend(attempt.map(|a| Effect::SaveAttempt(Box::new(a))));
                self.effects.extend(identity.map(|identity| Effect::Remember { identity, result, seconds }));
            }
            // `seconds` are already booked.
            Err(bad) => {
                let failure = TaskFailure { fault: Fault::Task, message: format!("failed to {bad}") };
                self.failed(id, failure, 0.0, false);
            }
        }
    }

    pub(super) fn failed(&mut self, id: &TaskId, mut failure: TaskFailure, seconds: f64, killed: bool) {
        let rules = self.state.rules;
        let attempt = self.attempt(id, seconds, Some(failure.clone()));
        self.effects.extend(attempt.map(|a| Effect::SaveAttempt(Box::new(a))));
        let Some(task) = self.task(id) else { return };
        let counts = u32::from(!rules.has(Bug::UncountedRetry));
        task.kills += u32::from(killed);
        let quarantined = killed && task.kills >= rules.kills_max;
        let tries = match failure.fault {
            Fault::Task => {
                task.faults += counts;
                (task.faults < rules.attempts_max && !quarantined).then_some(task.faults)
            }
            Fault::Node => {
                task.node_faults += counts;
                (task.node_faults < rules.node_faults_max).then_some(task.node_faults)
            }
            // Without a split, trying it again would only fail again.
            Fault::Input | Fault::Memory => {
                task.faults += 1;
                None
            }
            Fault::Nobody => {
                // One less is running, so that the loss counts.
                task.run = None;
                (task.losses() < rules.losses_max).then_some(0)
            }
        };
        if quarantined {
            failure.message += &format!("; it is quarantined because it ended its worker {} times", rules.kills_max);
        }
        let wait: Option<Millis> = tries.map(|tries| match tries {
            0 => 0,
            _ => self.dice.backoff(rules.retry_base_ms, rules.retry_cap_ms, tries),
        });
        self.fail(id, failure, wait);
    }

    /// The device had too little memory: the task becomes smaller ones, if it was not split too often.
    fn too_large(&mut self, id: &TaskId, failure: TaskFailure, split: Split, seconds: f64) {
        let splits_max = self.state.rules.splits_max;
        if self.task(id).is_none_or(|task| task.splits >= splits_max) {
            let message = format!("{}; it has been split {splits_max} times already", failure.message);
            return self.failed(id, TaskFailure { fault: Fault::Memory, message }, seconds, false);
        }
        let attempt = self.attempt(id, seconds, Some(failure.clone()));
        match self.split(id, split) {
            Ok(()) => {
                self.effects.extend(attempt.map(|a| Effect::SaveAttempt(Box::new(a))));
                let again = Event::TaskFailed { task: id.task.clone(), failure, again: true };
                self.tell(&id.job, again);
            }
            Err(bad) => {
                let message = format!("{}; failed to {bad}", failure.message);
                self.failed(id, TaskFailure { fault: Fault::Memory, message }, 0.0, false);
            }
        }
    }

    /// Books an attempt's seconds and writes it down.
    fn attempt(&mut self, id: &TaskId, seconds: f64, failure: Option<TaskFailure>) -> Option<Attempt> {
        let now = self.now;
        let job = self.state.jobs.get_mut(&id.job)?;
        let price = job.price;
        let task = job.tasks.get_mut(&id.task)?;
        let run = task.run.as_deref().cloned()?;
        let slot_seconds = seconds * run.slots.len() as f64;
        task.seconds += slot_seconds;
        let (attempt, token, project) = (task.attempts, task.token, job.project.clone());
        let account = self.state.project(&project);
        account.seconds += slot_seconds;
        account.cost += crate::cost::of_seconds(slot_seconds, price);
        if slot_seconds > 0.0 {
            self.effects.push(Effect::SaveProject(project));
        }
        let (node, device, slot, started) = (run.node, run.device, run.slots.first().copied().unwrap_or(0), run.since);
        Some(Attempt { id: id.clone(), attempt, token, node, device, slot, started, ended: now, seconds: slot_seconds, failure })
    }

    /// An attempt has shown how a device is: `fault` when it failed by the device's.
    fn shown(&mut self, node: &NodeId, device: u32, fault: Option<String>) {
        let rules = self.state.rules;
        let steady = self.state.clock.steady();
        let Some(node) = self.state.nodes.get_mut(node) else { return };
        let Some(device) = node.devices.get_mut(device as usize) else { return };
        let Some(message) = fault else {
            if !matches!(device.health, Health::Faulty { .. }) {
                (device.health, device.faults, device.tries) = (Health::Healthy, 0, 0);
            }
            return;
        };
        device.faults += 1;
        let trial = matches!(device.health, Health::Trial { .. });
        if trial || (device.health == Health::Healthy && device.faults >= rules.device_faults_max) {
            device.tries += 1;
            let wait = self.dice.backoff(rules.probe_base_ms, rules.probe_cap_ms, device.tries);
            let reason = format!("{} attempts failed by its fault, the last with: {message}", device.faults);
            device.health = Health::Faulty { reason, until: Some(steady + wait) };
        }
    }
}

impl Job {
    /// Where a task of it runs.
    pub fn run_of(&self, task: &str) -> Option<&Run> {
        self.tasks.get(task)?.run.as_deref()
    }
}
