//! Everything that a worker has started, and making certain that none of it lives any more.

use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};
use std::{fs, path::Path, thread, time::Duration};

/// Environment variable that all processes of a worker carry: which worker it is.
pub const MARK: &str = "KLIEG_WORKER";

/// How often it is looked whether a group has ended: soon, then twice as long each time, at most so long. A look reads all of `/proc`.
const LOOK: Duration = Duration::from_millis(2);
const LOOK_MAX: Duration = Duration::from_millis(50);

/// The processes of a worker: its process group, and those that left the group but carry its mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub leader: Pid,
    /// The value of `MARK`, unlike that of any other worker.
    pub mark: String,
}

/// A process, as `/proc` tells.
struct Entry {
    pid: Pid,
    group: Pid,
    /// It has ended, and only its status is left.
    over: bool,
}

impl Group {
    /// Its processes that live, the unkillable ones too. The leader must not have been reaped, or its number may be another's.
    pub fn living(&self) -> Vec<Pid> {
        let sign = format!("{MARK}={}", self.mark);
        let of_us = |entry: &Entry| entry.group == self.leader || carries(entry.pid, |value| value == sign.as_bytes());
        processes().filter(|entry| !entry.over && of_us(entry)).map(|entry| entry.pid).collect()
    }

    /// Asks all of it to end, and kills what is left after `grace`. Gives what still lives `limit` after that: processes that the
    /// kernel cannot end, because they wait in it for a device or a file server.
    pub fn end(&self, grace: Duration, limit: Duration) -> Vec<Pid> {
        // A group that is not there any more has nothing to end.
        let _ = killpg(self.leader, Signal::SIGTERM);
        if self.gone_within(grace) {
            return Vec::new();
        }
        kill_all(limit, || {
            let _ = killpg(self.leader, Signal::SIGKILL);
            self.living()
        })
    }

    fn gone_within(&self, time: Duration) -> bool {
        looked(time, || self.living().is_empty().then_some(())).is_some()
    }
}

/// Looks until there is an answer, or the time is over.
fn looked<T>(time: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = crate::clock::now() + time;
    let mut pause = LOOK;
    loop {
        let answer = look();
        let left = deadline.saturating_duration_since(crate::clock::now());
        if answer.is_some() || left.is_zero() {
            return answer;
        }
        thread::sleep(pause.min(left));
        pause = (pause * 2).min(LOOK_MAX);
    }
}

/// Kills what is found until nothing is. Gives what lives on after `limit`.
fn kill_all(limit: Duration, mut find: impl FnMut() -> Vec<Pid>) -> Vec<Pid> {
    let mut living = Vec::new();
    looked(limit, || {
        living = find();
        // What these start in the meantime is found the next time.
        for pid in &living {
            let _ = kill(*pid, Signal::SIGKILL);
        }
        living.is_empty().then_some(())
    });
    living
}

/// Kills every process that carries a mark of an agent whose folder is in `within`, unless that agent lives. Gives what lives on
/// after `limit`.
pub fn end_survivors(within: &Path, lives: impl Fn(&Path) -> bool, limit: Duration) -> Vec<Pid> {
    let sign = format!("{MARK}={}/", within.display());
    let orphan = |value: &[u8]| {
        let rest = value.strip_prefix(sign.as_bytes()).and_then(|rest| std::str::from_utf8(rest).ok());
        rest.and_then(|rest| rest.split_once(':')).is_some_and(|(folder, _)| !lives(&within.join(folder)))
    };
    kill_all(limit, || processes().filter(|entry| !entry.over && carries(entry.pid, orphan)).map(|entry| entry.pid).collect())
}

/// The mark of a worker of the agent whose folder this is.
pub fn mark(folder: &Path, slot: usize, generation: u64) -> String {
    format!("{}:{slot}-{generation}", folder.display())
}

fn processes() -> impl Iterator<Item = Entry> {
    let numbers = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    numbers.filter_map(|pid| entry(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?))
}

/// Parses `/proc/PID/stat` (proc_pid_stat(5)): number, (name), state, parent, group. The name may hold anything.
fn entry(pid: i32, stat: &str) -> Option<Entry> {
    let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_ascii_whitespace();
    let over = matches!(fields.next()?, "Z" | "X");
    let group = fields.nth(1)?.parse().ok()?;
    Some(Entry { pid: Pid::from_raw(pid), group: Pid::from_raw(group), over })
}

/// Whether a process's environment, as it was at its start, has such an entry. False where that cannot be read.
fn carries(pid: Pid, so: impl Fn(&[u8]) -> bool) -> bool {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(so)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        os::unix::process::CommandExt,
        process::{Child, Command, Stdio},
    };

    const LONG: Duration = Duration::from_secs(10);

    fn shell(script: &str, mark: &str) -> (Child, Group) {
        let mut command = Command::new("sh");
        command.args(["-c", script]).env(MARK, mark).process_group(0).stdout(Stdio::piped());
        let child = command.spawn().unwrap();
        let leader = Pid::from_raw(child.id() as i32);
        (child, Group { leader, mark: mark.into() })
    }

    fn until(so: impl Fn() -> bool) {
        looked(LONG, || so().then_some(())).expect("it happens in the end");
    }

    fn unique(name: &str) -> String {
        format!("/test/{name}-{}:0-1", std::process::id())
    }

    #[test]
    fn a_name_with_brackets_is_no_trouble() {
        let entry = entry(7, "7 (a) R (b) ) S 1 42 42 0 -1").unwrap();
        assert_eq!((entry.group, entry.over), (Pid::from_raw(42), false));
        assert!(super::entry(7, "7 (a) Z 1 42").unwrap().over);
        assert!(super::entry(7, "7 (a").is_none());
    }

    #[test]
    fn what_ends_when_asked_is_asked() {
        let (mut child, group) = shell("trap 'exit 3' TERM; while :; do sleep 0.01; done", &unique("asked"));
        until(|| group.living().len() > 1);
        assert_eq!(group.end(LONG, LONG), []);
        assert_eq!(child.wait().unwrap().code(), Some(3));
    }

    #[test]
    fn what_does_not_is_killed_with_its_children_and_those_that_left_the_group() {
        let (mut child, group) = shell("trap '' TERM; setsid sleep 60 & sleep 60 & wait", &unique("killed"));
        until(|| group.living().len() == 3);
        assert_eq!(group.end(Duration::from_millis(30), LONG), []);
        assert_eq!(group.living(), []);
        child.wait().unwrap();
    }

    #[test]
    fn what_cannot_be_killed_is_told_after_the_limit() {
        let mut looks = 0;
        // The number is larger than the kernel gives to processes.
        let stuck = kill_all(Duration::from_millis(20), || {
            looks += 1;
            vec![Pid::from_raw(i32::MAX)]
        });
        assert_eq!(stuck, [Pid::from_raw(i32::MAX)]);
        assert!(looks > 1);
    }

    #[test]
    fn survivors_of_a_dead_agent_are_found_by_their_mark() {
        let folder = format!("/test/survivors-{}", std::process::id());
        let (mut child, group) = shell("setsid sleep 60 & wait", &format!("{folder}:0-1"));
        let (mut other, others) = shell("exec sleep 60", &unique("other"));
        until(|| (group.living().len(), others.living().len()) == (2, 1));
        let within = Path::new("/test");
        assert_eq!(end_survivors(within, |_| true, LONG), []);
        assert_eq!((group.living().len(), others.living().len()), (2, 1), "their agents live");
        assert_eq!(end_survivors(within, |agent| agent != Path::new(&folder), LONG), []);
        assert_eq!((group.living().len(), others.living().len()), (0, 1));
        assert_eq!(others.end(Duration::ZERO, LONG), []);
        child.wait().unwrap();
        other.wait().unwrap();
    }
}
