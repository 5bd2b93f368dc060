//! What the active scheduler knows: tasks, jobs, projects, and how they fared.

use super::text::{Kind, Text};
use klieg_protocol::{
    Class,
    wire::{Backlog, Demand},
};
use klieg_scheduler::{Farm, FarmError, records::ProjectRecord, signals};

/// Projects that are told by name: those that have cost the most. The sums are of all.
const PROJECTS_MAX: usize = 100;

/// Everything that only a leader can tell.
pub async fn tell(text: &mut Text, farm: &Farm) -> Result<(), FarmError> {
    let backlog = farm.backlog().await?;
    let seen = farm.look(|state, _| signals::signals(state)).await?;
    classes(text, &backlog);
    let mut oldest = text.family(
        "klieg_oldest_ready_seconds",
        Kind::Gauge,
        "For how long the task that has waited longest for a device could have run.",
    );
    for (class, ms) in &seen.oldest_ready_ms {
        oldest.sample(&[("class", &class.to_string())], *ms as f64 / 1000.0);
    }
    let waiting = seen.open_tasks.saturating_sub(seen.ready_tasks + seen.running_tasks);
    let mut tasks =
        text.family("klieg_tasks", Kind::Gauge, "Tasks that have not ended; waiting: for others, or before another try.");
    for (state, count) in [("waiting", waiting), ("ready", seen.ready_tasks), ("running", seen.running_tasks)] {
        tasks.sample(&[("state", state)], count);
    }
    let mut jobs = text.family("klieg_jobs", Kind::Gauge, "Jobs that have not ended.");
    jobs.sample(&[("state", "queued")], seen.queued_jobs).sample(&[("state", "running")], seen.running_jobs);
    text.gauge("klieg_epoch", "The number of this leader: higher than every earlier one's.", farm.epoch());
    counted(text, farm);
    projects(text, seen.projects);
    super::nodes::tell(text, &seen.nodes, &farm.telemetry());
    Ok(())
}

fn classes(text: &mut Text, backlog: &Backlog) {
    let of = |class: Class| backlog.classes.get(&class.to_string()).copied().unwrap_or_default();
    let mut by_class = |name: &str, help: &str, pick: &dyn Fn(Demand) -> u64| {
        let mut family = text.family(name, Kind::Gauge, help);
        for class in [Class::Cpu, Class::Cuda, Class::Wgpu] {
            family.sample(&[("class", &class.to_string())], pick(of(class)));
        }
    };
    by_class("klieg_backlog_tasks", "Tasks that could run now or are running.", &|d| d.ready + d.running);
    by_class("klieg_tasks_ready", "Tasks that could run now.", &|d| d.ready);
    by_class("klieg_tasks_running", "Tasks that are running.", &|d| d.running);
    by_class("klieg_nodes", "Nodes that may be given tasks.", &|d| d.nodes);
    by_class("klieg_slots", "Slots of nodes that may be given tasks.", &|d| d.slots);
}

/// Every word is there from the beginning, so that a rate can be told from it.
fn counted(text: &mut Text, farm: &Farm) {
    let tally = farm.tally();
    let counted = tally.counted();
    let mut by_word = |name: &str, label: &str, help: &str, words: &[&str], counts: &klieg_scheduler::tally::Counts| {
        let mut family = text.family(name, Kind::Counter, help);
        for word in words {
            family.sample(&[(label, word)], counts.get(word).copied().unwrap_or(0));
        }
    };
    let tasks = "Tasks that have ended since this server leads; reused: the result cache had them.";
    by_word("klieg_tasks_ended_total", "outcome", tasks, &["succeeded", "reused", "failed"], &counted.tasks);
    let jobs = "Jobs that have ended since this server leads.";
    by_word("klieg_jobs_ended_total", "outcome", jobs, &["succeeded", "failed", "cancelled"], &counted.jobs);
    let failures = "Attempts that failed, by whose fault it was; nobody: lost or stopped.";
    by_word("klieg_attempts_failed_total", "fault", failures, &["task", "node", "input", "memory", "nobody"], &counted.failures);
    let cache = "Questions to the result cache.";
    by_word("klieg_result_cache_lookups_total", "result", cache, &["hit", "miss"], &counted.cache);
    text.counter("klieg_frames_total", "Frames that were made, also by attempts that came to nothing.", counted.frames);
    text.counter("klieg_reports_refused_total", "Reports of fenced attempts.", counted.refused);
    text.counter(
        "klieg_promises_broken_total",
        "Promises of the farm that were found broken: a fault of klieg itself.",
        counted.broken,
    );
    let mut dispatch =
        text.family("klieg_dispatch_seconds", Kind::Histogram, "From the time that a task could run until it was started.");
    for (class, histogram) in tally.dispatch() {
        dispatch.histogram(&[("class", &class.to_string())], histogram);
    }
    text.family("klieg_store_commit_seconds", Kind::Histogram, "Group commits to the store.").histogram(&[], &tally.commit);
    text.family("klieg_event_publish_seconds", Kind::Histogram, "Events told to the bus.").histogram(&[], &tally.publish);
}

fn projects(text: &mut Text, mut projects: Vec<ProjectRecord>) {
    let (cost, seconds) = projects.iter().fold((0.0, 0.0), |(cost, seconds), one| (cost + one.cost, seconds + one.seconds));
    text.counter("klieg_cost_total", "What all projects have cost, in the currency of the farm's price.", cost);
    text.counter("klieg_slot_seconds_total", "Slot-seconds of all attempts.", seconds);
    text.gauge("klieg_projects", "Projects; those that cost the most are told by name.", projects.len());
    projects.sort_by(|a, b| b.cost.total_cmp(&a.cost).then_with(|| a.name.cmp(&b.name)));
    projects.truncate(PROJECTS_MAX);
    let name = |project: &ProjectRecord| if project.name.is_empty() { "default".to_owned() } else { project.name.clone() };
    let mut of = |family: &str, kind: Kind, help: &str, pick: &dyn Fn(&ProjectRecord) -> f64| {
        let mut family = text.family(family, kind, help);
        for project in &projects {
            family.sample(&[("project", &name(project))], pick(project));
        }
    };
    of("klieg_project_cost_total", Kind::Counter, "What a project has cost.", &|project| project.cost);
    of("klieg_project_slot_seconds_total", Kind::Counter, "Slot-seconds of a project's attempts.", &|project| project.seconds);
    of("klieg_project_slots", Kind::Gauge, "Slots that a project holds.", &|project| f64::from(project.slots_held));
    of("klieg_project_open_tasks", Kind::Gauge, "A project's tasks that have not ended.", &|project| project.open_tasks as f64);
}
