//! Slurm as the engine: its own commands, its own answers. What the fleet has to remember stands with the jobs: they are
//! found by the user, the job's name and the comment, and an agent that was told to drain says so in its comment.

use crate::{
    decide::{Agent, Stage},
    script,
};
use std::{collections::BTreeMap, ffi::OsString, io, path::PathBuf, process::Stdio, time::Duration};
use tokio::{io::AsyncWriteExt, process::Command};

/// A command of Slurm has so long.
const COMMAND: Duration = Duration::from_secs(60);
/// Of what a command says about an error, so much is shown.
const DETAIL_CHARS_MAX: usize = 300;
/// Slurm takes a comma in a job's name for the start of another name, and names stand in names of logs.
const NAME_CHARS_MAX: usize = 64;
/// The comments of the fleet's jobs.
const STAYS: &str = "klieg fleet";
const DRAINS: &str = "klieg fleet: told to drain";

/// How agents are started.
#[derive(Clone, Debug)]
pub struct SlurmOptions {
    /// The jobs' name: fleets of one user that follow different work have different names.
    pub name: String,
    /// The command of an agent; `--name NODE --cache DIR` is added to it.
    pub agent: Vec<OsString>,
    /// Folder on the nodes for the agents' caches [default: one of the user's in the temporary folder].
    pub cache: Option<PathBuf>,
    pub partition: Option<String>,
    /// What each agent gets, as `sbatch --gres` takes it: `gpu:1`.
    pub gres: Option<String>,
    /// Processor cores for each agent.
    pub cores: Option<u32>,
    /// Time limit, as `sbatch --time` takes it.
    pub time: Option<String>,
    /// So long before the time limit the agent is told to drain.
    pub drain: Duration,
    /// Folder of the agents' logs; it must exist on the nodes.
    pub logs: PathBuf,
    /// More arguments for `sbatch`.
    pub sbatch: Vec<String>,
    /// Set for every command of Slurm, such as `SLURM_CONF`.
    pub environment: BTreeMap<String, OsString>,
}

/// Why Slurm did not do it.
#[derive(Debug, thiserror::Error)]
pub enum SlurmError {
    #[error("run {program}: {source}; klieg fleet slurm runs where Slurm's commands are, such as a login node")]
    Missing { program: &'static str, source: io::Error },
    #[error("hear from {program}: it took more than {} s", COMMAND.as_secs())]
    Slow { program: &'static str },
    #[error("run {program}: {said}")]
    Failed { program: &'static str, said: String },
    #[error("read the answer of {program}: {line:?}")]
    Unreadable { program: &'static str, line: String },
    #[error("write {0:?} into a batch script: it is not text")]
    Word(OsString),
    #[error("name the jobs {0:?}: a name has up to {NAME_CHARS_MAX} letters, digits, dots, dashes and underscores")]
    Name(String),
}

impl SlurmError {
    /// Whether asking again cannot help.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Missing { .. } | Self::Word(_) | Self::Name(_))
    }
}

/// A user's jobs of one name.
pub struct Slurm {
    options: SlurmOptions,
    script: String,
}

impl Slurm {
    pub fn new(options: SlurmOptions) -> Result<Self, SlurmError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if !(1..=NAME_CHARS_MAX).contains(&options.name.len()) || !options.name.chars().all(plain) {
            return Err(SlurmError::Name(options.name));
        }
        let script = script::batch(&options.agent, options.cache.as_deref())?;
        Ok(Self { options, script })
    }

    /// The fleet's jobs, those included that ended in the last minutes (Slurm's `MinJobAge`).
    pub async fn agents(&self) -> Result<Vec<Agent>, SlurmError> {
        let name = format!("--name={}", self.options.name);
        let format = "--format=%A|%T|%M|%r|%N|%k";
        let answer = self.run("squeue", &["--me", "--noheader", "--states=all", &name, format], "").await?;
        answer.lines().filter(|line| !line.trim().is_empty()).filter_map(|line| agent(line).transpose()).collect()
    }

    /// Queues an agent; returns the number of its job. After an error it may be queued or not: the next list tells.
    pub async fn start(&self) -> Result<u64, SlurmError> {
        let arguments = self.arguments();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let answer = self.run("sbatch", &arguments, &self.script).await?;
        // `--parsable` prints the number, and after a semicolon the cluster's name.
        let number = answer.trim().split(';').next().and_then(|number| number.parse().ok());
        number.ok_or_else(|| SlurmError::Unreadable { program: "sbatch", line: clip(&answer) })
    }

    /// What `sbatch` is called with.
    pub fn arguments(&self) -> Vec<String> {
        let o = &self.options;
        let mut all = vec![
            "--parsable".into(),
            format!("--job-name={}", o.name),
            format!("--comment={STAYS}"),
            "--no-requeue".into(),
            format!("--signal=B:TERM@{}", o.drain.as_secs()),
            format!("--output={}/{}-%j.log", o.logs.display(), o.name),
        ];
        all.extend(o.partition.iter().map(|partition| format!("--partition={partition}")));
        all.extend(o.gres.iter().map(|gres| format!("--gres={gres}")));
        all.extend(o.cores.iter().map(|cores| format!("--cpus-per-task={cores}")));
        all.extend(o.time.iter().map(|time| format!("--time={time}")));
        all.extend(o.sbatch.iter().cloned());
        all
    }

    /// The log of an agent.
    pub fn log(&self, id: u64) -> PathBuf {
        self.options.logs.join(format!("{}-{id}.log", self.options.name))
    }

    /// Takes a job back that waits; one that has been started meanwhile is left alone.
    pub async fn cancel(&self, id: u64) -> Result<(), SlurmError> {
        self.run("scancel", &["--state=PENDING", &id.to_string()], "").await.map(drop)
    }

    /// Tells an agent to drain: it finishes what it runs, takes nothing new, and ends. Saying it twice changes nothing.
    pub async fn drain(&self, id: u64) -> Result<(), SlurmError> {
        let id = id.to_string();
        self.run("scancel", &["--signal=TERM", "--batch", &id], "").await?;
        // Until this is done the agent counts as one that stays, and is told again.
        self.run("scontrol", &["update", &format!("JobId={id}"), &format!("Comment={DRAINS}")], "").await.map(drop)
    }

    async fn run(&self, program: &'static str, arguments: &[&str], input: &str) -> Result<String, SlurmError> {
        let mut command = Command::new(program);
        command.args(arguments).envs(&self.options.environment).kill_on_drop(true);
        // The agent reads its token from a file; what the environment says stays here.
        command.env_remove("KLIEG_TOKEN").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let missing = |source| SlurmError::Missing { program, source };
        let mut child = command.spawn().map_err(missing)?;
        let stdin = child.stdin.take();
        let work = async {
            if let Some(mut stdin) = stdin {
                // A command that ended without reading says why by itself.
                let _ = stdin.write_all(input.as_bytes()).await;
            }
            child.wait_with_output().await
        };
        let output = match tokio::time::timeout(COMMAND, work).await {
            Ok(output) => output.map_err(|e| SlurmError::Failed { program, said: e.to_string() })?,
            Err(_) => return Err(SlurmError::Slow { program }),
        };
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = clip(&String::from_utf8_lossy(&output.stderr));
        Err(SlurmError::Failed { program, said: if said.is_empty() { output.status.to_string() } else { said } })
    }
}

fn clip(text: &str) -> String {
    let line: Vec<&str> = text.split_whitespace().collect();
    line.join(" ").chars().take(DETAIL_CHARS_MAX).collect()
}

/// One line of squeue. A job of that name that is not the fleet's is none.
fn agent(line: &str) -> Result<Option<Agent>, SlurmError> {
    let unreadable = || SlurmError::Unreadable { program: "squeue", line: clip(line) };
    let mut fields = line.splitn(6, '|').map(str::trim);
    let mut field = || fields.next().ok_or_else(unreadable);
    let (id, state, ran, reason, machines, comment) = (field()?, field()?, field()?, field()?, field()?, field()?);
    if !comment.starts_with(STAYS) {
        return Ok(None);
    }
    let id = id.parse().map_err(|_| unreadable())?;
    let ran = elapsed(ran).ok_or_else(unreadable)?;
    let stage = stage(state, ran, comment == DRAINS);
    let note = if stage == Stage::Queued { reason } else { machines }.to_owned();
    Ok(Some(Agent { id, stage, note }))
}

/// What a job state (squeue(1), JOB STATE CODES) means for the fleet.
fn stage(state: &str, ran: Duration, drains: bool) -> Stage {
    match state {
        "PENDING" | "REQUEUED" | "REQUEUE_HOLD" | "REQUEUE_FED" | "RESV_DEL_HOLD" | "SPECIAL_EXIT" => Stage::Queued,
        "FAILED" | "BOOT_FAIL" | "OUT_OF_MEMORY" => Stage::Ended { ran, failed: true },
        // Time limit, lost node, preemption, somebody's wish: nothing of the agent's.
        "COMPLETED" | "CANCELLED" | "TIMEOUT" | "DEADLINE" | "NODE_FAIL" | "PREEMPTED" | "REVOKED" => {
            Stage::Ended { ran, failed: false }
        }
        "COMPLETING" | "STAGE_OUT" => Stage::Leaving,
        _ if drains => Stage::Leaving,
        // RUNNING, CONFIGURING, SUSPENDED, STOPPED, RESIZING, SIGNALING: it has its machine.
        _ => Stage::Running { ran },
    }
}

/// `days-hours:minutes:seconds`, without what is zero in front. Slurm writes INVALID for a job whose times make no sense,
/// as for one that was cancelled before it ran.
fn elapsed(text: &str) -> Option<Duration> {
    if text == "INVALID" {
        return Some(Duration::ZERO);
    }
    let (days, clock) = text.split_once('-').unwrap_or(("0", text));
    let parts = clock.split(':').map(str::parse).collect::<Result<Vec<u64>, _>>().ok().filter(|parts| parts.len() <= 3)?;
    let seconds = parts.iter().try_fold(0_u64, |sum, part| sum.checked_mul(60)?.checked_add(*part))?;
    let days: u64 = days.parse().ok()?;
    Some(Duration::from_secs(days.checked_mul(86_400)?.checked_add(seconds)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squeue_is_read() {
        let of = |line| agent(line).unwrap();
        let queued = Agent { id: 12, stage: Stage::Queued, note: "Resources".into() };
        assert_eq!(of("12|PENDING|0:00|Resources||klieg fleet"), Some(queued));
        let stage = |line| of(line).unwrap().stage;
        let ran = Duration::from_secs(26 * 3600 + 3 * 60 + 4);
        assert_eq!(stage("13|RUNNING|1-02:03:04|None|gpu07|klieg fleet"), Stage::Running { ran });
        assert_eq!(stage("13|RUNNING|9:09|None|gpu07|klieg fleet: told to drain"), Stage::Leaving);
        let ran = Duration::from_secs(549);
        assert_eq!(stage("13|FAILED|9:09|NonZeroExitCode|gpu07|klieg fleet"), Stage::Ended { ran, failed: true });
        assert_eq!(stage("13|TIMEOUT|9:09|TimeLimit|gpu07|klieg fleet: told to drain"), Stage::Ended { ran, failed: false });
        // One that was drained and put back into the queue by an administrator waits like any other.
        assert_eq!(stage("13|PENDING|0:00|BeginTime||klieg fleet: told to drain"), Stage::Queued);
        // A job of that name that somebody started by hand.
        assert_eq!(of("14|RUNNING|0:01|None|n1|mine | and only mine"), None);
        assert_eq!(of("14|RUNNING|0:01|None|n1|"), None);
    }

    #[test]
    fn what_squeue_does_not_say_is_not_guessed() {
        for line in [
            "",
            "12",
            "x|RUNNING|0:01|None|n1|klieg fleet",
            "1|RUNNING|soon|None|n1|klieg fleet",
            "1|RUNNING|1:2:3:4|||klieg fleet",
        ] {
            assert!(matches!(agent(line), Err(SlurmError::Unreadable { .. })), "{line}");
        }
    }
}
