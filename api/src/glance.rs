//! What everybody who watches the whole farm sees: looked at once a second, however many watch.

use crate::{
    front::{queues, views},
    problem::Trouble,
};
use klieg_protocol::{JobId, JobState};
use klieg_scheduler::{Farm, records};
use std::{collections::BTreeSet, future::Future, sync::Arc, time::Duration};
use tokio::{sync::Mutex, time::Instant};

/// How old a look may be.
const FRESH: Duration = Duration::from_millis(900);
/// Running jobs whose stage and time left are looked for.
const WAYS_MAX: usize = 200;

/// The last look at each.
#[derive(Default)]
pub struct Glance {
    jobs: Last<Vec<views::Job>>,
    nodes: Last<Vec<views::Node>>,
    queues: Last<Vec<views::ClassQueue>>,
}

struct Last<T>(Mutex<Option<(Instant, Arc<T>)>>);

impl<T> Default for Last<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> Last<T> {
    async fn get(&self, look: impl Future<Output = Result<T, Trouble>>) -> Result<Arc<T>, Trouble> {
        let mut last = self.0.lock().await;
        if let Some((at, seen)) = &*last
            && at.elapsed() < FRESH
        {
            return Ok(Arc::clone(seen));
        }
        let seen = Arc::new(look.await?);
        *last = Some((Instant::now(), Arc::clone(&seen)));
        Ok(seen)
    }
}

impl Glance {
    /// All jobs that have not ended.
    pub async fn jobs(&self, farm: &Farm) -> Result<Arc<Vec<views::Job>>, Trouble> {
        self.jobs.get(jobs(farm)).await
    }

    /// All nodes.
    pub async fn nodes(&self, farm: &Farm) -> Result<Arc<Vec<views::Node>>, Trouble> {
        self.nodes.get(crate::front::nodes_of(farm)).await
    }

    /// All queues.
    pub async fn queues(&self, farm: &Farm) -> Result<Arc<Vec<views::ClassQueue>>, Trouble> {
        self.queues.get(queues::all(farm)).await
    }
}

async fn jobs(farm: &Farm) -> Result<Vec<views::Job>, Trouble> {
    let look = farm.look(|state, now| {
        let jobs = records::open_jobs(state);
        let running = jobs.iter().filter(|job| job.state == JobState::Running).map(|job| job.id.clone());
        let running: BTreeSet<JobId> = running.take(WAYS_MAX).collect();
        let ways = records::ways(state, &running, now);
        (jobs, ways)
    });
    let (jobs, ways) = look.await?;
    let job = |record: klieg_scheduler::JobRecord| {
        let way = ways.get(&record.id);
        views::Job::new(record, way)
    };
    Ok(jobs.into_iter().map(job).collect())
}
