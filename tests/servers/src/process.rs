use nix::{
    sys::{prctl, signal::Signal, signal::kill},
    unistd::{Pid, User},
};
use std::{
    net::{TcpListener, TcpStream},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};

/// How often something is looked for.
const LOOK: Duration = Duration::from_millis(10);
/// How many looks a server has to come up or to end: 30 s.
const LOOKS_MAX: u32 = 3_000;

/// A server's process. Ends with this value, and with this process.
pub struct Process {
    child: Child,
    end: Signal,
}

impl Process {
    /// Starts it. `end` asks it to end at once and to clean up.
    pub fn start(command: &mut Command, end: Signal) -> Self {
        // SAFETY: prctl is one system call; nothing is allocated between fork and exec.
        unsafe {
            command.pre_exec(move || prctl::set_pdeathsig(end).map_err(Into::into));
        }
        let child = command.stdin(Stdio::null()).spawn().unwrap_or_else(|e| panic!("start {command:?}: {e}; run scripts/setup"));
        Self { child, end }
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let _ = kill(Pid::from_raw(self.child.id().cast_signed()), signal);
    }

    /// Waits until the server is up. `false`: the process has ended instead, or it takes too long.
    pub fn up(&mut self, up: impl Fn() -> bool) -> bool {
        for _ in 0..LOOKS_MAX {
            if up() {
                return true;
            }
            if !matches!(self.child.try_wait(), Ok(None)) {
                return false;
            }
            sleep(LOOK);
        }
        false
    }

    fn ended(&mut self, looks: u32) -> bool {
        (0..looks).any(|_| {
            let ended = !matches!(self.child.try_wait(), Ok(None));
            if !ended {
                sleep(LOOK);
            }
            ended
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that was stopped would not hear.
        self.signal(Signal::SIGCONT);
        self.signal(self.end);
        if !self.ended(LOOKS_MAX / 10) {
            self.signal(Signal::SIGKILL);
            self.ended(LOOKS_MAX);
        }
    }
}

/// Whether something listens on the port.
pub fn listens(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// A port that nothing listened on a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("bind to 127.0.0.1");
    listener.local_addr().expect("its address").port()
}

/// Lets a server that refuses to run as root run as the user that its package made, who then owns `folder`.
pub fn unprivileged(command: &mut Command, user: &str, folder: &Path) {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let user = User::from_name(user).ok().flatten().unwrap_or_else(|| panic!("there is no user {user}; run scripts/setup"));
    std::os::unix::fs::chown(folder, Some(user.uid.as_raw()), Some(user.gid.as_raw())).expect("chown a temporary folder");
    command.uid(user.uid.as_raw()).gid(user.gid.as_raw()).current_dir("/");
}
