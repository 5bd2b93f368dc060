use super::{Job, Millis};
use klieg_protocol::JobId;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

/// Jobs by when they are due.
pub type Aged = BTreeSet<(Millis, JobId)>;

/// The jobs that have tasks to place: by priority, then project, then when they are due. Kept up with every change, so that a tick walks
/// neither all jobs nor all tasks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line(BTreeMap<Reverse<i32>, BTreeMap<String, Aged>>);

impl Line {
    /// The job has a task to place.
    pub fn add(&mut self, job: &Job) {
        let projects = self.0.entry(Reverse(job.priority)).or_default();
        projects.entry(job.project.clone()).or_default().insert((job.standing.due, job.id.clone()));
    }

    /// The job has none any more.
    pub fn remove(&mut self, job: &Job) {
        let Some(projects) = self.0.get_mut(&Reverse(job.priority)) else { return };
        if let Some(jobs) = projects.get_mut(&job.project) {
            jobs.remove(&(job.standing.due, job.id.clone()));
            if jobs.is_empty() {
                projects.remove(&job.project);
            }
        }
        if projects.is_empty() {
            self.0.remove(&Reverse(job.priority));
        }
    }

    /// From the highest priority down: the projects that have jobs there.
    pub fn levels(&self) -> impl Iterator<Item = &BTreeMap<String, Aged>> {
        self.0.values()
    }

    /// Whether the job stands in it.
    pub fn has(&self, job: &Job) -> bool {
        let jobs = self.0.get(&Reverse(job.priority)).and_then(|projects| projects.get(&job.project));
        jobs.is_some_and(|jobs| jobs.contains(&(job.standing.due, job.id.clone())))
    }

    /// Whether the project has a job in it.
    pub fn has_project(&self, project: &str) -> bool {
        self.0.values().any(|projects| projects.contains_key(project))
    }

    /// How many jobs stand in it.
    pub fn len(&self) -> usize {
        self.levels().flat_map(BTreeMap::values).map(BTreeSet::len).sum()
    }
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
