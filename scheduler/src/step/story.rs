use crate::state::{Job, Task};
use klieg_protocol::{Event, TaskState};

/// What a watcher who comes late has to know of a job: its tasks, and what of them is done.
pub fn story(job: &Job) -> Vec<Event> {
    let mut tasks: Vec<&Task> = job.tasks.values().collect();
    tasks.sort_by_key(|task| task.position);
    let added = |task: &&Task| {
        let spec = task.spec.open();
        Event::TaskAdded { task: spec.name, step: spec.step, label: spec.label, seconds: spec.ask.seconds }
    };
    let mut events: Vec<Event> = tasks.iter().map(added).collect();
    for task in tasks.iter().filter(|task| task.state == TaskState::Succeeded) {
        let (name, outputs) = (task.spec.name.to_string(), task.outputs.clone());
        events.push(Event::TaskSucceeded { task: name, outputs, reused: true, seconds: 0.0 });
    }
    if job.terminal() {
        events.push(Event::JobEnded { state: job.state, reason: job.reason.clone() });
    }
    events
}
