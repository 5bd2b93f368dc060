use super::Millis;

/// The limits that a farm sets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// How many failures of its own a task may have.
    pub attempts_max: u32,
    /// How many attempts of a task may fail by nodes' faults.
    pub node_faults_max: u32,
    /// How many attempts may be lost before the task is taken for what loses them.
    pub losses_max: u32,
    /// How often a task may end its worker before it is quarantined.
    pub kills_max: u32,
    /// How often a task, and each part of it, may be split.
    pub splits_max: u32,
    /// Whether a job is refused when one of its tasks asks for more than any device of its class has.
    pub refuse_unplaceable: bool,
    /// Whether a task that fits no node fails its job at once, instead of waiting for another node. Where nodes come and go they
    /// must wait: after a change of leader the first node to be back may be the smallest.
    pub fail_unplaceable: bool,
    /// How long a node is believed to live without a heartbeat.
    pub lease_ms: Millis,
    /// How long after that its attempts are believed to run on unheard, and to hold what they held.
    pub grace_ms: Millis,
    /// How long a command may be under way before a heartbeat that does not know of it means that it was lost.
    pub dispatch_grace_ms: Millis,
    /// The first retry of a task waits at most so long; each further one twice as long, up to the cap.
    pub retry_base_ms: Millis,
    pub retry_cap_ms: Millis,
    /// Failures by a device's fault, in a row, after which it is drained.
    pub device_faults_max: u32,
    /// A drained device is tried again after at most so long; twice as long each time that fails, up to the cap.
    pub probe_base_ms: Millis,
    pub probe_cap_ms: Millis,
    /// In an empty farm, a job is due so many times its own length after its submission; of a project's jobs, the one that is due first
    /// goes first.
    pub stretch: f64,
    /// So many seconds of work for the whole farm make that stretch greater by one.
    pub stretch_backlog_seconds: f64,
    /// A project may be ahead of the others by what the farm gives it in so many seconds, if its job is due before theirs.
    pub lead_seconds: f64,
    /// Unfinished jobs in the farm.
    pub jobs_max: usize,
    /// Tasks of one job.
    pub tasks_per_job_max: usize,
    /// Unfinished tasks in the farm.
    pub tasks_max: u64,
    pub nodes_max: usize,
    pub devices_per_node_max: usize,
    pub slots_per_device_max: u32,
    /// Of a node's name, in bytes.
    pub node_name_max: usize,
    /// Tasks that the planner looks at in one tick.
    pub looks_max: usize,
    /// A deliberate bug, for proving that the simulation finds it. Without the feature `simulation` it does nothing.
    pub bug: Option<Bug>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            attempts_max: 3,
            node_faults_max: 10,
            losses_max: 100,
            kills_max: 3,
            splits_max: 6,
            refuse_unplaceable: true,
            fail_unplaceable: true,
            lease_ms: 8_000,
            grace_ms: 30_000,
            dispatch_grace_ms: 5_000,
            retry_base_ms: 250,
            retry_cap_ms: 60_000,
            device_faults_max: 3,
            probe_base_ms: 2_000,
            probe_cap_ms: 600_000,
            stretch: 3.0,
            stretch_backlog_seconds: 200.0,
            lead_seconds: 4_800.0,
            jobs_max: 100_000,
            tasks_per_job_max: 200_000,
            tasks_max: 2_000_000,
            nodes_max: 10_000,
            devices_per_node_max: 64,
            slots_per_device_max: 4_096,
            node_name_max: 255,
            looks_max: 10_000,
            bug: None,
        }
    }
}

impl Rules {
    /// Whether the deliberate bug is on.
    pub fn has(&self, bug: Bug) -> bool {
        cfg!(feature = "simulation") && self.bug == Some(bug)
    }
}

/// Mistakes that a scheduler could make. The simulation must find each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bug {
    /// A report is taken whatever its token.
    AcceptFenced,
    /// What is known of a job's end is told before the job's outputs are saved.
    ManifestFirst,
    /// An attempt whose node is gone is taken out of the task, but the task is not queued again.
    ForgetLost,
    /// A submission is answered before it is committed.
    AckBeforeCommit,
    /// The store takes the writes of a leader that another has replaced.
    TwoLeaders,
    /// Progress is told before it is saved.
    ProgressFirst,
    /// An attempt's slot is given to another when it is told to stop, not when it has ended.
    DoubleSlot,
    /// A node that is not heard of any more keeps its attempts.
    EndlessLease,
    /// A failed attempt does not count.
    UncountedRetry,
    /// A report for a cancelled job brings it back.
    CancelResurrects,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::AcceptFenced,
        Self::ManifestFirst,
        Self::ForgetLost,
        Self::AckBeforeCommit,
        Self::TwoLeaders,
        Self::ProgressFirst,
        Self::DoubleSlot,
        Self::EndlessLease,
        Self::UncountedRetry,
        Self::CancelResurrects,
    ];
}
