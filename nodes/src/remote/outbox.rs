//! Finished attempts that the farm has not confirmed yet. They outlive this process.

use klieg_protocol::{Digest, Outcome, Report, Source, TaskResult, Token};
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// A folder with a file for each report.
pub struct Outbox(PathBuf);

impl Outbox {
    /// Opens or creates it. What an earlier process has not finished writing is thrown away: nobody was told of it.
    pub fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        for file in fs::read_dir(folder)? {
            let path = file?.path();
            if path.extension().is_some_and(|extension| extension == "partly") {
                fs::remove_file(&path)?;
            }
        }
        Ok(Self(folder.into()))
    }

    fn place(&self, token: Token) -> PathBuf {
        self.0.join(format!("{}.json", token.0))
    }

    /// Keeps a report; durable when done.
    pub fn put(&self, report: &Report) -> io::Result<()> {
        let temporary = self.0.join(format!(".{}.partly", report.token.0));
        let written = write(&temporary, report).and_then(|()| fs::rename(&temporary, self.place(report.token)));
        if written.is_err() {
            // It takes up what little space there is.
            let _ = fs::remove_file(&temporary);
        }
        written.and_then(|()| File::open(&self.0)?.sync_all())
    }

    /// The farm has it, or does not want it.
    pub fn remove(&self, token: Token) {
        // What stays is handed in again and refused.
        let _ = fs::remove_file(self.place(token));
    }

    /// Everything in it, by token. What cannot be read is told and left alone.
    pub fn list(&self) -> io::Result<Vec<Report>> {
        let mut found = Vec::new();
        for file in fs::read_dir(&self.0)? {
            let path = file?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            match fs::read(&path).and_then(|text| Ok(serde_json::from_slice::<Report>(&text)?)) {
                Ok(report) => found.push(report),
                Err(error) => tracing::error!(path = %path.display(), %error, "failed to read a finished result"),
            }
        }
        found.sort_by_key(|report| report.token);
        Ok(found)
    }
}

fn write(file: &Path, report: &Report) -> io::Result<()> {
    let mut file = File::create(file)?;
    file.write_all(&serde_json::to_vec(report)?)?;
    file.sync_all()
}

/// The artifacts that a report names and that its attempt may have made.
pub fn named(report: &Report) -> BTreeSet<Digest> {
    let of = |result: &TaskResult| {
        let inputs = result.adds.iter().flat_map(|task| task.inputs.values());
        let blobs = inputs.filter_map(|input| match &input.from {
            Source::Blob(digest) => Some(*digest),
            Source::Output { .. } => None,
        });
        result.outputs.values().copied().chain(blobs).collect()
    };
    match &report.outcome {
        Outcome::Succeeded(result) => of(result),
        Outcome::Failed(_) | Outcome::Split { .. } => BTreeSet::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use klieg_protocol::{JobId, NodeId, TaskId};
    use std::collections::BTreeMap;

    pub(crate) fn report(token: u64) -> Report {
        let outputs = BTreeMap::from([("out".to_owned(), Digest::of(b"bytes"))]);
        Report {
            node: NodeId("n".into()),
            id: TaskId { job: JobId("j".into()), task: "t".into() },
            attempt: 1,
            token: Token(token),
            outcome: Outcome::Succeeded(TaskResult { outputs, adds: Vec::new() }),
            seconds: 1.5,
            damaged: Vec::new(),
            peak_bytes: None,
            killed: false,
        }
    }

    #[test]
    fn what_is_put_in_is_found_by_the_next_process() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = Outbox::open(folder.path()).unwrap();
        outbox.put(&report(12)).unwrap();
        outbox.put(&report(7)).unwrap();
        fs::write(folder.path().join(".9.partly"), "{").unwrap();
        fs::write(folder.path().join("8.json"), "{").unwrap();
        let outbox = Outbox::open(folder.path()).unwrap();
        assert!(!folder.path().join(".9.partly").exists(), "what was not finished is gone");
        assert_eq!(outbox.list().unwrap(), [report(7), report(12)]);
        outbox.remove(Token(7));
        assert_eq!(outbox.list().unwrap(), [report(12)]);
        assert_eq!(named(&report(1)), BTreeSet::from([Digest::of(b"bytes")]));
    }
}
