//! What is refused at submission, with the reason.

use crate::{
    cost,
    plan::{self, largest},
    state::{self, BadPlan, Shape, State, Tasks},
};
use klieg_protocol::{Class, Plan, TaskName};

/// Why a job is not accepted. Nothing of it was kept.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    #[error(transparent)]
    Plan(#[from] BadPlan),
    #[error("accept the job: the farm has {0} unfinished jobs, its limit (jobs_max); try again when some have ended")]
    Jobs(usize),
    #[error("accept the job: it has {tasks} tasks, and a job may have {limit} (tasks_per_job_max)")]
    TasksOfJob { tasks: usize, limit: usize },
    #[error(
        "accept the job: with its {tasks} tasks the farm would have more than {limit} unfinished ones (tasks_max); try again later"
    )]
    Tasks { tasks: usize, limit: u64 },
    #[error("accept the job: with its {tasks} tasks project {project:?} would have more than the {limit} that it may have")]
    ProjectTasks { project: String, tasks: usize, limit: u64 },
    #[error("accept the job: its estimated {asked:.0} slot-seconds are more than the {left:.0} that project {project:?} has left")]
    ProjectSeconds { project: String, asked: f64, left: f64 },
    #[error("accept the job: {task:?} needs a device of class {class}, and no node has one")]
    NoDevice { task: TaskName, class: Class },
    #[error(
        "accept the job: {task:?} asks for {asked_bytes} bytes and {asked_slots} slots of one {class}; the largest is {largest} with {bytes} bytes and {slots} slots"
    )]
    TooLarge { task: TaskName, class: Class, asked_bytes: u64, asked_slots: u32, largest: String, bytes: u64, slots: u32 },
    #[error("accept the job: {task:?} needs a node that gives {needs}, and none does")]
    NoNode { task: TaskName, needs: String },
    #[error("accept the job: {task:?} needs the limit {limit:?}, which the farm does not have")]
    NoLimit { task: TaskName, limit: String },
}

impl Refusal {
    /// Whether the same job may be accepted later as it is.
    pub fn retryable(&self) -> bool {
        matches!(self, Self::Jobs(_) | Self::Tasks { .. } | Self::ProjectTasks { .. })
    }
}

/// What a job is expected to take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// On all slots that it asks for.
    pub slot_seconds: f64,
    /// At the price of a slot for an hour.
    pub cost: f64,
}

/// Whether a job can be accepted now, and what it will take.
pub fn admit(state: &State, project: &str, plan: &Plan, price: f64) -> Result<Estimate, Refusal> {
    let rules = &state.rules;
    let tasks = plan.tasks.len();
    if tasks > rules.tasks_per_job_max {
        return Err(Refusal::TasksOfJob { tasks, limit: rules.tasks_per_job_max });
    }
    if state.jobs.len() >= rules.jobs_max && state.jobs.values().filter(|job| !job.terminal()).count() >= rules.jobs_max {
        return Err(Refusal::Jobs(rules.jobs_max));
    }
    if state.open_tasks + tasks as u64 > rules.tasks_max {
        return Err(Refusal::Tasks { tasks, limit: rules.tasks_max });
    }
    state::check(&plan.tasks, &Tasks::default())?;
    let slot_seconds = plan.tasks.iter().map(|task| task.ask.seconds * f64::from(task.ask.slots.max(1))).sum();
    quotas(state, project, tasks, slot_seconds)?;
    for task in &plan.tasks {
        let shape = Shape::of(&task.ask, None);
        limited(state, &task.name, &shape)?;
        if rules.refuse_unplaceable {
            fits(state, &task.name, &shape)?;
        }
    }
    Ok(Estimate { slot_seconds, cost: cost::of_seconds(slot_seconds, price) })
}

fn quotas(state: &State, name: &str, tasks: usize, slot_seconds: f64) -> Result<(), Refusal> {
    let Some(project) = state.projects.get(name) else { return Ok(()) };
    if let Some(limit) = project.share.tasks_max
        && project.open_tasks + tasks as u64 > limit
    {
        return Err(Refusal::ProjectTasks { project: name.into(), tasks, limit });
    }
    if let Some(limit) = project.share.seconds_max
        && project.seconds + slot_seconds > limit
    {
        return Err(Refusal::ProjectSeconds {
            project: name.into(),
            asked: slot_seconds,
            left: (limit - project.seconds).max(0.0),
        });
    }
    Ok(())
}

/// Whether the farm has the counted resources that a task needs.
fn limited(state: &State, task: &str, shape: &Shape) -> Result<(), Refusal> {
    if let Some(limit) = shape.limits.iter().find(|limit| state.limits.get(*limit).is_none_or(|known| known.most == 0)) {
        return Err(Refusal::NoLimit { task: task.into(), limit: limit.clone() });
    }
    Ok(())
}

/// Whether the farm can ever run a task of that shape: if it waits for nodes to come, unless larger ones would have to.
pub fn fits(state: &State, task: &str, shape: &Shape) -> Result<(), Refusal> {
    limited(state, task, shape)?;
    if plan::placeable(state, shape) {
        return Ok(());
    }
    let class = shape.class;
    if !state.nodes.values().any(|node| node.joined && node.offer.tools.meets(&shape.needs)) {
        let needs = shape.needs.join(" and ");
        // One may come.
        return if state.rules.fail_unplaceable { Err(Refusal::NoNode { task: task.into(), needs }) } else { Ok(()) };
    }
    Err(match largest(state, shape) {
        // One may come.
        None if !state.rules.fail_unplaceable => return Ok(()),
        None => Refusal::NoDevice { task: task.into(), class },
        Some((node, device)) => Refusal::TooLarge {
            task: task.into(),
            class,
            asked_bytes: shape.memory_bytes,
            asked_slots: shape.slots,
            largest: format!("{} on {}", device.name, node.0),
            bytes: device.memory_bytes,
            slots: device.slots,
        },
    })
}
