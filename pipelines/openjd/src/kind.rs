use crate::{
    attach::{self, Attachment},
    confine::Guest,
    guest::Charge,
    host::{self, Root},
    plan::{self, FILES, LOG, MANIFEST, TEMPLATE, Work},
    share::Share,
};
use klieg_kind::{BadInput, Desk, Kind};
use klieg_protocol::{Class, Digest, Fault, JobSpec, Plan, TaskFailure, TaskResult, TaskSpec};
use openjd_sessions::PathMappingRule;
use std::{collections::BTreeMap, fs::File, path::Path};

/// The word that jobs of this kind are submitted by.
pub const KIND: &str = "openjd";
/// What a user must be allowed to submit them: they run any command on the farm's machines.
pub const PERMISSION: &str = "jobs:openjd";

/// Open Job Description.
#[derive(Clone, Debug, Default)]
pub struct OpenJd {
    /// Who runs the sessions; `None`: whoever runs the worker.
    guest: Option<Guest>,
    /// Where the node finds what submitters have elsewhere.
    rules: Vec<PathMappingRule>,
}

impl OpenJd {
    /// For planning; runs its sessions as whoever runs the worker.
    pub fn new() -> Self {
        Self::default()
    }

    /// For a worker. Removes what sessions of killed workers left.
    pub fn here(guest: Option<Guest>, rules: Vec<PathMappingRule>) -> Self {
        if guest.is_some() {
            host::sweep();
        }
        Self { guest, rules }
    }

    fn session(
        &self,
        task: &TaskSpec,
        desk: &mut dyn Desk,
        (step, share): (usize, Share),
        params: plan::Params,
    ) -> Result<TaskResult, TaskFailure> {
        let template = String::from_utf8(desk.input(TEMPLATE)?).map_err(|_| broken("the template is not UTF-8".into()))?;
        let attachments: Vec<Attachment> = match desk.inputs().iter().any(|name| name == MANIFEST) {
            true => serde_json::from_slice(&desk.input(MANIFEST)?).map_err(|error| broken(format!("the manifest: {error}")))?,
            // Nothing travels: paths stay as they are.
            false => Vec::new(),
        };
        let root = Root::make(desk.scratch(), self.guest.is_some()).map_err(|error| node("make the session's folder", &error))?;
        let before: Vec<String> = task.inputs.keys().filter(|name| name.starts_with("after-")).cloned().collect();
        attach::lay_out(desk, root.path(), &attachments, &before)?;
        if let Some(guest) = &self.guest {
            root.give(guest).map_err(|error| node("hand the session's folder over", &error))?;
        }
        let rules = attach::rules(root.path(), &attachments).into_iter().chain(self.rules.iter().cloned()).collect();
        let root_path = root.path().to_owned();
        let charge = Charge { template, params, step, share, root: root_path, rules, attachments, guest: self.guest.clone() };
        let archive = desk.scratch().join("files.tar");
        let file = File::create(&archive).map_err(|error| node("make the session's archive", &error))?;
        let ran = host::run(charge, file, desk)?;
        drop(root);
        let files = desk.store_file(&archive)?;
        let log = desk.store(&ran.log)?;
        Ok(TaskResult { outputs: BTreeMap::from([(FILES.into(), files), (LOG.into(), log)]), adds: Vec::new() })
    }

    fn gather(desk: &mut dyn Desk) -> Result<TaskResult, TaskFailure> {
        let names = desk.inputs();
        let archives = names.iter().map(|name| desk.input_path(name)).collect::<Result<Vec<_>, _>>()?;
        let joined = desk.scratch().join("files.tar");
        join(&archives, &joined).map_err(|error| node("join what the sessions left", &error))?;
        let files = desk.store_file(&joined)?;
        Ok(TaskResult { outputs: BTreeMap::from([(FILES.into(), files)]), adds: Vec::new() })
    }
}

fn join(archives: &[std::path::PathBuf], to: &Path) -> std::io::Result<()> {
    attach::merge(archives, std::io::BufWriter::new(File::create(to)?))
}

fn broken(message: String) -> TaskFailure {
    TaskFailure { fault: Fault::Input, message }
}

fn node(what: &str, error: &std::io::Error) -> TaskFailure {
    TaskFailure { fault: Fault::Node, message: format!("failed to {what}: {error}") }
}

impl Kind for OpenJd {
    fn name(&self) -> &'static str {
        KIND
    }

    fn permission(&self) -> Option<&'static str> {
        Some(PERMISSION)
    }

    fn plan(&self, job: &JobSpec, _: Class, read: &dyn Fn(&Digest) -> std::io::Result<Vec<u8>>) -> Result<Plan, BadInput> {
        plan::plan(job, read)
    }

    fn run(&self, task: &TaskSpec, desk: &mut dyn Desk) -> Result<TaskResult, TaskFailure> {
        match serde_json::from_value(task.params.clone()).map_err(|error| broken(format!("the task's parameters: {error}")))? {
            Work::Session { step, share, params } => self.session(task, desk, (step, share), params),
            Work::Gather { .. } => Self::gather(desk),
        }
    }
}
