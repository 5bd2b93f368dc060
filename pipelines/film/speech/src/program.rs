//! Running a synthesiser: argument vector, bounded time and output, nothing through a shell.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A line takes a few hundredths of a second; a synthesiser still busy after this long hangs.
const RUN_SECONDS_MAX: u64 = 60;
/// Phone times of the longest line are a few hundred kilobytes.
const OUTPUT_BYTES_MAX: u64 = 4 << 20;
const POLL: Duration = Duration::from_millis(2);

/// Why a line could not be spoken. Reads on from "failed to speak: ".
#[derive(Debug, thiserror::Error)]
pub enum SpeechError {
    /// The machine lacks a synthesiser.
    #[error("`{program}`, which speaks {language}, is not installed; {install}")]
    Missing { program: &'static str, language: String, install: &'static str },
    #[error("`{program}` gave no answer within {RUN_SECONDS_MAX} s")]
    TimedOut { program: String },
    #[error("`{program}` failed: {message}")]
    Failed { program: String, message: String },
    #[error("a line of {bytes} bytes is longer than the {max} that can be spoken in one breath")]
    TooLong { bytes: usize, max: usize },
    #[error("cannot use the scratch folder {path}: {source}")]
    Scratch { path: PathBuf, source: std::io::Error },
    #[error("`{program}` wrote a sound file that cannot be read: {source}")]
    Sound { program: String, source: hound::Error },
}

impl SpeechError {
    /// Whether the same line might be spoken later or elsewhere.
    pub fn retryable(&self) -> bool {
        !matches!(self, SpeechError::TooLong { .. })
    }
}

/// Runs `program` with `input` on its standard input and answers its standard output.
pub(crate) fn run(program: &Path, arguments: &[String], input: &[u8]) -> Result<String, SpeechError> {
    let name = program.display().to_string();
    let failed = |message: String| SpeechError::Failed { program: name.clone(), message };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| failed(e.to_string()))?;
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(mut stdin), Some(stdout), Some(stderr)) = pipes else { return Err(failed("its pipes did not open".into())) };
    let (out, err, status) = std::thread::scope(|scope| {
        let out = scope.spawn(|| read_bounded(stdout));
        let err = scope.spawn(|| read_bounded(stderr));
        scope.spawn(move || {
            // A program that does not read its input closes the pipe: its status says what went wrong.
            stdin.write_all(input).ok();
        });
        let status = wait(&mut child);
        (out.join().unwrap_or_default(), err.join().unwrap_or_default(), status)
    });
    match status {
        Ok(Some(status)) if status.success() => Ok(out),
        Ok(Some(status)) => Err(failed(if err.trim().is_empty() { status.to_string() } else { err.trim().to_owned() })),
        Ok(None) => Err(SpeechError::TimedOut { program: name }),
        Err(e) => Err(failed(e.to_string())),
    }
}

fn read_bounded(pipe: impl Read) -> String {
    let mut bytes = Vec::new();
    // What arrived before an error is still worth showing.
    pipe.take(OUTPUT_BYTES_MAX).read_to_end(&mut bytes).ok();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The exit status, or `None` after the time is up and the child is killed and reaped.
fn wait(child: &mut Child) -> std::io::Result<Option<std::process::ExitStatus>> {
    for _ in 0..(RUN_SECONDS_MAX * 1000 / POLL.as_millis() as u64) {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        std::thread::sleep(POLL);
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}

/// `name` on the PATH.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(name)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_status_and_messages_come_back() {
        let cat = on_path("cat").expect("cat is on every machine");
        assert_eq!(run(&cat, &[], b"one line").unwrap(), "one line");
        let error = run(&cat, &["/no/such/file".into()], b"").unwrap_err();
        assert!(error.to_string().contains("/no/such/file"), "{error}");
        assert!(run(Path::new("/no/such/program"), &[], b"").is_err());
    }
}
