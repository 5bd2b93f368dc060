//! A Slurm of one node, for one test: munge, controller and node daemon in a temporary folder, on ports that were free.
//! Everything ends with the value; the daemons also end with the test's process, however that ends.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// More cores than the machine may have: agents of tests compute nothing.
const CORES: u32 = 8;
/// Another program may take a port between our finding it free and Slurm's using it.
const TRIES: usize = 3;
/// Slurm's daemons are on a machine's search path only for administrators.
const PROGRAMS: &str = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin";

pub struct Cluster {
    folder: TempDir,
    daemons: Vec<Child>,
}

impl Cluster {
    pub fn start() -> Self {
        for _ in 0..TRIES {
            // Sockets' names are short, and jobs look into the folder.
            let folder = tempfile::Builder::new().prefix("klieg-slurm-").tempdir_in("/tmp").unwrap();
            let mut cluster = Self { folder, daemons: Vec::new() };
            cluster.configure();
            cluster.daemons();
            if cluster.ready() {
                return cluster;
            }
            eprintln!("Slurm did not start:\n{}", cluster.logs());
        }
        panic!("Slurm did not start; scripts/setup installs slurmctld, slurmd, slurm-client and munge");
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What Slurm's commands need to find it.
    pub fn environment(&self) -> BTreeMap<String, OsString> {
        BTreeMap::from([("SLURM_CONF".into(), self.at("slurm.conf").into())])
    }

    /// Runs one of Slurm's commands; returns what it printed.
    pub fn run(&self, program: &str, arguments: &[&str]) -> String {
        let output = Command::new(program).args(arguments).envs(self.environment()).output().unwrap();
        assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The jobs that have not ended.
    pub fn jobs(&self) -> Vec<String> {
        self.run("squeue", &["--noheader", "--format=%A %T %k"]).lines().map(str::to_owned).collect()
    }

    pub fn logs(&self) -> String {
        ["munged.log", "slurmctld.log", "slurmd.log"]
            .map(|log| format!("{log}:\n{}", fs::read_to_string(self.at(log)).unwrap_or_default()))
            .join("\n")
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    fn configure(&self) {
        let (host, user) = (said("hostname", "-s"), said("id", "-un"));
        let [controller, node] =
            [0, 0].map(|any| TcpListener::bind(("127.0.0.1", any)).unwrap()).map(|l| l.local_addr().unwrap().port());
        for folder in ["state", "spool"] {
            fs::create_dir(self.at(folder)).unwrap();
        }
        let at = self.folder().display();
        let text = format!(
            "ClusterName=klieg\nSlurmctldHost={host}(127.0.0.1)\nSlurmctldPort={controller}\nSlurmdPort={node}\n\
             SlurmUser={user}\nSlurmdUser={user}\nAuthType=auth/munge\nAuthInfo=socket={at}/munge.socket\nCredType=cred/munge\n\
             StateSaveLocation={at}/state\nSlurmdSpoolDir={at}/spool\n\
             SlurmctldPidFile={at}/slurmctld.pid\nSlurmdPidFile={at}/slurmd.pid\n\
             SlurmctldLogFile={at}/slurmctld.log\nSlurmdLogFile={at}/slurmd.log\n\
             ProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\nJobAcctGatherType=jobacct_gather/none\n\
             AccountingStorageType=accounting_storage/none\nMpiDefault=none\nSwitchType=switch/none\n\
             ReturnToService=2\nKillWait=5\nSchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1\n\
             SelectType=select/cons_tres\nSelectTypeParameters=CR_Core\nSlurmdParameters=config_overrides\n\
             NodeName={host} NodeAddr=127.0.0.1 CPUs={CORES} Boards=1 SocketsPerBoard=1 CoresPerSocket={CORES} ThreadsPerCore=1 \
             RealMemory=500 State=UNKNOWN\nPartitionName=gpu Nodes={host} Default=YES MaxTime=INFINITE State=UP\n"
        );
        fs::write(self.at("slurm.conf"), text).unwrap();
        let key: Vec<u8> = (0..8).flat_map(|_| tempfile_name().into_bytes()).collect();
        fs::write(self.at("munge.key"), key).unwrap();
        fs::set_permissions(self.at("munge.key"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        // Jobs and daemons of other users look into it.
        fs::set_permissions(self.folder(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }

    fn daemons(&mut self) {
        let at = |name: &str| self.at(name).display().to_string();
        let munge = ["socket", "key", "pid", "log", "seed"].map(|what| match what {
            "socket" => format!("--socket={}", at("munge.socket")),
            what => format!("--{what}-file={}", at(&format!("munge{}.{what}", if what == "log" { "d" } else { "" }))),
        });
        let munge: Vec<&str> = ["--foreground", "--force"].into_iter().chain(munge.iter().map(String::as_str)).collect();
        let config = at("slurm.conf");
        for (program, arguments) in
            [("munged", munge), ("slurmctld", vec!["-D", "-i", "-f", &config]), ("slurmd", vec!["-D", "-f", &config])]
        {
            let mut command = Command::new("setpriv");
            command.args(["--pdeathsig", "KILL", program]).args(arguments).envs(self.environment()).env("PATH", PROGRAMS);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            self.daemons.push(command.spawn().unwrap());
            if program == "munged" {
                wait(Duration::from_secs(10), || self.at("munge.socket").exists());
            }
        }
    }

    fn ready(&mut self) -> bool {
        let environment = self.environment();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(30) {
            let state = Command::new("sinfo").args(["--noheader", "--format=%T"]).envs(&environment).output();
            if state.is_ok_and(|output| output.stdout.starts_with(b"idle")) {
                return true;
            }
            if self.daemons.iter_mut().any(|daemon| daemon.try_wait().unwrap().is_some()) {
                return false;
            }
            thread::sleep(Duration::from_millis(100));
        }
        false
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Jobs have processes of their own, which end before the daemons that would end them.
        let cancel = |signal: &[&str]| {
            let user = format!("--user={}", said("id", "-un"));
            drop(Command::new("scancel").args(signal).arg(user).envs(self.environment()).stderr(Stdio::null()).status());
        };
        if self.daemons.len() == 3 {
            cancel(&["--signal=KILL", "--full"]);
            cancel(&[]);
            let queue = || Command::new("squeue").args(["--noheader"]).envs(self.environment()).output();
            wait(Duration::from_secs(15), || queue().is_ok_and(|output| output.stdout.is_empty()));
        }
        for daemon in self.daemons.iter_mut().rev() {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
        let left = processes(self.folder());
        if !thread::panicking() {
            assert!(left.is_empty(), "left running: {left:?}");
        }
    }
}

/// Processes that were started in, or name, the folder.
fn processes(folder: &Path) -> Vec<String> {
    let folder = folder.display().to_string();
    let all = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    all.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).filter(|line| line.contains(&folder)).collect()
}

fn said(program: &str, argument: &str) -> String {
    let output = Command::new(program).arg(argument).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn tempfile_name() -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    file.path().display().to_string()
}

/// Waits until it holds; false if it does not in time.
pub fn wait(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < limit {
        if holds() {
            return true;
        }
        thread::sleep(Duration::from_millis(50));
    }
    holds()
}
