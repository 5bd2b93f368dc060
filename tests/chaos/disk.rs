//! Disks of their own that can be filled: small file systems in memory, seen by this test's processes only.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    process::Command,
};

/// Set where file systems may be mounted.
const APART: &str = "KLIEG_CHAOS_APART";

/// Runs the test of that name in a process of its own; as root in a mount namespace of its own, so that what it mounts ends with it.
pub fn apart(test: &str) {
    let program = std::env::current_exe().expect("this program");
    let (mut command, mounts) = match nix::unistd::geteuid().is_root() {
        true => {
            let mut unshare = Command::new("unshare");
            unshare.args(["--mount", "--propagation", "private", "--"]).arg(program);
            (unshare, true)
        }
        false => (Command::new(program), false),
    };
    command.args(["--exact", test, "--ignored", "--nocapture"]);
    if mounts {
        command.env(APART, "1");
    } else {
        eprintln!("not root: disks are not filled");
    }
    let servers = [("AWS_ACCESS_KEY_ID", klieg_servers::S3::ACCESS_KEY), ("AWS_SECRET_ACCESS_KEY", klieg_servers::S3::SECRET_KEY)];
    let status = command.envs(servers).env("AWS_REGION", "us-east-1").status().expect("start the test's own process");
    assert!(status.success(), "the farm broke a promise: see above");
}

/// A folder on a disk that can be filled, if this process may mount one.
pub struct Disk {
    folder: PathBuf,
    mounted: bool,
}

impl Disk {
    pub fn mount(folder: &Path, bytes: u64) -> Self {
        fs::create_dir_all(folder).expect("a folder");
        let mounted = std::env::var_os(APART).is_some()
            && Command::new("mount")
                .args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "klieg-chaos"])
                .arg(folder)
                .status()
                .is_ok_and(|status| status.success());
        Self { folder: folder.into(), mounted }
    }

    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Whether it can be filled.
    pub fn small(&self) -> bool {
        self.mounted
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }

    /// Leaves no space on it.
    pub fn fill(&self) {
        let mut file = File::create(self.filler()).expect("a file to fill the disk with");
        let block = vec![0u8; 1 << 20];
        for size in [block.len(), 4096] {
            loop {
                match file.write_all(&block[..size]) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => panic!("fill {}: {error}", self.folder.display()),
                }
            }
        }
    }

    pub fn free(&self) {
        let _ = fs::remove_file(self.filler());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.mounted {
            let _ = Command::new("umount").arg("-l").arg(&self.folder).status();
        }
    }
}
