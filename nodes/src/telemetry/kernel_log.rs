//! Xid errors in the kernel's log, for where the driver's library does not pass them on.

use nix::libc;
use std::{
    fs::File,
    io::{ErrorKind, Read, Seek, SeekFrom},
    os::unix::fs::OpenOptionsExt,
};

/// The longest message that the kernel gives (`PRINTKRB_RECORD_MAX`); a shorter buffer would be an error.
const MESSAGE_MAX_BYTES: usize = 8192;
/// Messages read at a time.
const MESSAGES_MAX: usize = 10_000;

/// The kernel's log from now on.
pub struct KernelLog(File);

impl KernelLog {
    /// `None` where it may not be read.
    pub fn open() -> Option<Self> {
        let mut file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open("/dev/kmsg").ok()?;
        file.seek(SeekFrom::End(0)).ok()?;
        Some(Self(file))
    }

    /// The errors since the last time: place on the bus, and number.
    pub fn xids(&mut self) -> Vec<(String, u64)> {
        let mut found = Vec::new();
        let mut message = vec![0; MESSAGE_MAX_BYTES];
        for _ in 0..MESSAGES_MAX {
            match self.0.read(&mut message) {
                Ok(0) => break,
                Ok(length) => found.extend(parse(&String::from_utf8_lossy(&message[..length]))),
                // Older messages were overwritten before they were read; the next one is there.
                Err(error) if error.kind() == ErrorKind::BrokenPipe || error.raw_os_error() == Some(libc::EPIPE) => {}
                Err(_) => break,
            }
        }
        found
    }
}

/// "… NVRM: Xid (PCI:0000:01:00): 79, pid=…": the place, as `place` gives it, and the number.
fn parse(message: &str) -> Option<(String, u64)> {
    let rest = message.split_once("NVRM: Xid (")?.1;
    let (bus, rest) = rest.split_once("):")?;
    let digits: String = rest.trim_start().chars().take_while(char::is_ascii_digit).collect();
    Some((place(bus.strip_prefix("PCI:").unwrap_or(bus))?, digits.parse().ok()?))
}

/// A place on the bus as the kernel's log writes it ("0000:01:00"), of "00000000:01:00.0", "0000:01:00.0" or "0000:01:00".
pub fn place(bus: &str) -> Option<String> {
    let bus = bus.split('.').next()?.to_ascii_lowercase();
    let (domain, rest) = bus.split_once(':')?;
    let domain = u32::from_str_radix(domain, 16).ok()?;
    Some(format!("{domain:04x}:{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drivers_messages_are_read() {
        let message =
            "4,1512,91233,-;NVRM: Xid (PCI:0000:3B:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.\n";
        assert_eq!(parse(message), Some(("0000:3b:00".into(), 79)));
        assert_eq!(parse("NVRM: Xid (0000:03:00): 14, Channel 00000001"), Some(("0000:03:00".into(), 14)));
        assert_eq!(parse("NVRM: GPU at PCI:0000:3b:00: GPU-b850f46d"), None);
        assert_eq!(parse("NVRM: Xid (PCI:0000:3b:00): many"), None);
        assert_eq!(place("00000000:3B:00.0"), Some("0000:3b:00".into()));
    }
}
