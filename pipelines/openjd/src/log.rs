//! The lines of a session, out of the records that `openjd-sessions` writes with the crate `log`.

use log::{Level, Log, Metadata, Record, kv};
use openjd_sessions::LogContent;

pub use log::LevelFilter;

/// Takes a line.
pub type Ear = Box<dyn Fn(String) + Send + Sync>;

struct Listener {
    ear: Ear,
    all: bool,
}

/// What a record is about, as the crate classifies it.
struct Content(u64);

impl<'kvs> kv::VisitSource<'kvs> for Content {
    fn visit_pair(&mut self, key: kv::Key<'kvs>, value: kv::Value<'kvs>) -> Result<(), kv::Error> {
        if key.as_str() == "openjd_log_content" {
            self.0 = value.to_u64().unwrap_or(0);
        }
        Ok(())
    }
}

impl Log for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "openjd.sessions"
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let mut content = Content(0);
        let _ = record.key_values().visit(&mut content);
        let content = LogContent::from_bits_truncate(u32::try_from(content.0).unwrap_or(0));
        // Where a command starts and how it ends is of interest too; which host and which folder is not.
        let told = LogContent::COMMAND_OUTPUT | LogContent::EXCEPTION_INFO | LogContent::PROCESS_CONTROL;
        if self.all || content.intersects(told) || record.level() <= Level::Warn {
            (self.ear)(record.args().to_string());
        }
    }

    fn flush(&self) {}
}

/// Lets the lines of this process's session go to `ear`: `all` of them, or what the job's commands print and how they start and end.
/// Once a process: a second call changes nothing.
pub fn listen(ear: Ear, all: bool, level: LevelFilter) {
    if log::set_boxed_logger(Box::new(Listener { ear, all })).is_ok() {
        log::set_max_level(level);
    }
}
