//! Files that travel with a job. What goes in is named by digest, file by file; what comes out of a session is one archive.
//! A PATH parameter with a `dataFlow` is attached: on the node it points into the session's own folder, by a path mapping rule.

use crate::template::Prepared;
use klieg_kind::Desk;
use klieg_protocol::{Digest, Fault, TaskFailure};
use openjd_model::types::{DataFlow, ObjectType};
use openjd_sessions::{PathFormat, PathMappingRule};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Component, Path, PathBuf},
};

/// Files that a job may bring.
pub const FILES_IN_MAX: usize = 2_000;
/// Files that a session may leave.
pub const FILES_OUT_MAX: usize = 100_000;
/// Bytes that a session may leave.
pub const BYTES_OUT_MAX: u64 = 256 << 30;

/// Which way an attached path's files go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    In,
    Out,
    Inout,
}

/// A PATH parameter whose files travel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attachment {
    pub parameter: String,
    /// Its value where the job was submitted; absolute.
    pub path: String,
    /// One file, not a folder.
    pub file: bool,
    pub flow: Flow,
    /// What it brings.
    #[serde(default)]
    pub files: Vec<Entry>,
}

/// A file that is brought.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Within the attached folder; of an attached file its own name. Never leads out of it.
    pub path: String,
    pub digest: Digest,
    #[serde(default)]
    pub executable: bool,
}

impl Entry {
    /// What the input with its bytes is called.
    pub fn input(&self) -> String {
        format!("file-{}", self.digest.hex())
    }
}

/// What a job attaches, without its files yet.
pub fn attachments(prepared: &Prepared) -> Vec<Attachment> {
    let definitions = prepared.template.parameter_definitions_list().iter();
    let attached = definitions.filter_map(|definition| {
        let (object, flow) = definition.path_properties();
        let flow = match flow? {
            DataFlow::None => return None,
            DataFlow::In => Flow::In,
            DataFlow::Out => Flow::Out,
            DataFlow::Inout => Flow::Inout,
        };
        let path = prepared.values.get(definition.name())?.value.to_display_string();
        let file = object == Some(ObjectType::File);
        Path::new(&path).is_absolute().then(|| Attachment {
            parameter: definition.name().into(),
            path,
            file,
            flow,
            files: Vec::new(),
        })
    });
    attached.collect()
}

/// The files below a folder, or the file itself, by their names in an attachment. Links and special files are left out.
pub fn list(path: &Path, file: bool) -> io::Result<Vec<(String, PathBuf)>> {
    if file {
        let name = path.file_name().and_then(|name| name.to_str()).ok_or(io::ErrorKind::InvalidInput)?;
        return Ok(vec![(name.to_owned(), path.to_owned())]);
    }
    let (mut found, mut open) = (Vec::new(), vec![path.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let (kind, at) = (entry.file_type()?, entry.path());
            if kind.is_dir() {
                open.push(at);
            } else if kind.is_file() {
                let name = at.strip_prefix(path).ok().and_then(Path::to_str).map(str::to_owned);
                let name = name.ok_or_else(|| io::Error::other(format!("{}: the name is no UTF-8", at.display())))?;
                found.push((name, at));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Whether a file is a program.
pub fn executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|facts| facts.permissions().mode() & 0o111 != 0)
}

/// Where a session has an attachment's files.
fn place(root: &Path, attachment: &Attachment) -> PathBuf {
    root.join("attached").join(&attachment.parameter)
}

/// The rules that let paths point there.
pub fn rules(root: &Path, attachments: &[Attachment]) -> Vec<PathMappingRule> {
    let rule = |attachment: &Attachment| {
        let folder = place(root, attachment);
        let name = Path::new(&attachment.path).file_name().filter(|_| attachment.file);
        let to = name.map_or(folder.clone(), |name| folder.join(name));
        PathMappingRule {
            source_path_format: PathFormat::Posix,
            source_path: attachment.path.clone(),
            destination_path: to.display().to_string(),
        }
    };
    attachments.iter().map(rule).collect()
}

/// A name in an attachment or an archive as a path that stays where it belongs.
fn within(name: &str) -> io::Result<&Path> {
    let path = Path::new(name);
    let right = !name.is_empty() && path.components().all(|part| matches!(part, Component::Normal(_)));
    if right { Ok(path) } else { Err(io::Error::other(format!("{name:?} is no name within a folder"))) }
}

fn trouble(path: &Path, error: &io::Error) -> TaskFailure {
    TaskFailure { fault: Fault::Node, message: format!("failed to use {}: {error}", path.display()) }
}

/// Puts what a job brings, and what the steps before left, where the session will find it. `root` is this session's, and nothing
/// of anybody has run in it yet.
pub fn lay_out(desk: &mut dyn Desk, root: &Path, attachments: &[Attachment], before: &[String]) -> Result<(), TaskFailure> {
    for attachment in attachments {
        let folder = place(root, attachment);
        fs::create_dir_all(&folder).map_err(|error| trouble(&folder, &error))?;
        for entry in &attachment.files {
            let from = desk.input_path(&entry.input())?;
            let to = within(&entry.path).map(|name| folder.join(name)).map_err(|error| trouble(&folder, &error))?;
            let mode = if entry.executable { 0o755 } else { 0o644 };
            copy(&from, &to, mode).map_err(|error| trouble(&to, &error))?;
        }
    }
    let folders = attachments.iter().map(|attachment| (attachment.parameter.clone(), place(root, attachment))).collect();
    for name in before {
        let archive = desk.input_path(name)?;
        unpack(&archive, &folders).map_err(|error| trouble(&archive, &error))?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path, mode: u32) -> io::Result<()> {
    to.parent().map(fs::create_dir_all).transpose()?;
    fs::copy(from, to)?;
    fs::set_permissions(to, fs::Permissions::from_mode(mode))
}

/// Unpacks an archive's files into the folders of their parameters; what has none is left out. Each appears whole or not at all.
/// Returns the files written.
pub fn unpack(archive: &Path, folders: &BTreeMap<String, PathBuf>) -> io::Result<Vec<PathBuf>> {
    let mut written = Vec::new();
    let mut archive = tar::Archive::new(io::BufReader::new(File::open(archive)?));
    for entry in archive.entries()? {
        let mut entry = entry?;
        let name = entry.path()?.to_str().map(str::to_owned).ok_or_else(|| io::Error::other("a name is no UTF-8"))?;
        within(&name)?;
        if entry.header().entry_type() != tar::EntryType::Regular {
            return Err(io::Error::other(format!("{name:?} is no file")));
        }
        let Some((parameter, rest)) = name.split_once('/') else { continue };
        let Some(folder) = folders.get(parameter) else { continue };
        let to = folder.join(rest);
        let temporary = to.with_file_name(format!(".klieg-{}", written.len()));
        to.parent().map(fs::create_dir_all).transpose()?;
        let mode = if entry.header().mode()? & 0o111 != 0 { 0o755 } else { 0o644 };
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&temporary)?;
        io::copy(&mut entry, &mut file)?;
        fs::rename(&temporary, &to)?;
        written.push(to);
    }
    Ok(written)
}

/// How files were before a session: what is unchanged is not collected.
pub type Before = BTreeMap<PathBuf, (u64, i64, i64, u64)>;

fn print_of(path: &Path) -> io::Result<(u64, i64, i64, u64)> {
    let facts = fs::symlink_metadata(path)?;
    Ok((facts.len(), facts.mtime(), facts.mtime_nsec(), facts.ino()))
}

/// Looks at everything that is attached.
pub fn look(root: &Path) -> io::Result<Before> {
    let attached = root.join("attached");
    if !attached.exists() {
        return Ok(Before::new());
    }
    list(&attached, false)?.into_iter().map(|(_, path)| print_of(&path).map(|print| (path, print))).collect()
}

/// Writes an archive of the files that are new or changed in attachments that go out. The same files give the same bytes.
pub fn pack(root: &Path, attachments: &[Attachment], before: &Before, to: impl Write) -> io::Result<u64> {
    let mut archive = tar::Builder::new(to);
    let (mut files, mut bytes) = (0, 0);
    let outgoing: BTreeMap<&str, &Attachment> =
        attachments.iter().filter(|a| a.flow != Flow::In).map(|a| (a.parameter.as_str(), a)).collect();
    for (parameter, attachment) in outgoing {
        for (name, path) in list(&place(root, attachment), false)? {
            if before.get(&path) == print_of(&path).ok().as_ref() {
                continue;
            }
            // A link that somebody puts here in the meantime is not followed.
            let mut file = fs::OpenOptions::new().read(true).custom_flags(nix::libc::O_NOFOLLOW).open(&path)?;
            let facts = file.metadata()?;
            (files, bytes) = (files + 1, bytes + facts.len());
            if files > FILES_OUT_MAX || bytes > BYTES_OUT_MAX {
                let what = format!("the session left more than {FILES_OUT_MAX} files or {BYTES_OUT_MAX} bytes");
                return Err(io::Error::other(what));
            }
            let program = facts.permissions().mode() & 0o111 != 0;
            append(&mut archive, &format!("{parameter}/{name}"), facts.len(), program, &mut file)?;
        }
    }
    archive.into_inner()?.flush()?;
    Ok(bytes)
}

fn append(archive: &mut tar::Builder<impl Write>, name: &str, bytes: u64, program: bool, from: &mut impl Read) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_size(bytes);
    header.set_mode(if program { 0o755 } else { 0o644 });
    header.set_mtime(0);
    // A file that grows meanwhile is taken as long as it was; one that shrinks is an error.
    archive.append_data(&mut header, name, from.take(bytes))
}

/// Joins archives into one. Of files with one name the last archive's is taken.
pub fn merge(archives: &[PathBuf], to: impl Write) -> io::Result<()> {
    let mut joined = tar::Builder::new(to);
    let mut seen = BTreeSet::new();
    for path in archives.iter().rev() {
        let mut archive = tar::Archive::new(io::BufReader::new(File::open(path)?));
        for entry in archive.entries()? {
            let mut entry = entry?;
            let name = entry.path()?.to_str().map(str::to_owned).ok_or_else(|| io::Error::other("a name is no UTF-8"))?;
            if seen.insert(name.clone()) {
                let (bytes, program) = (entry.header().size()?, entry.header().mode()? & 0o111 != 0);
                append(&mut joined, &name, bytes, program, &mut entry)?;
            }
        }
    }
    joined.into_inner()?.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attachment(parameter: &str, flow: Flow) -> Attachment {
        Attachment { parameter: parameter.into(), path: format!("/far/{parameter}"), file: false, flow, files: Vec::new() }
    }

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn what_is_new_or_changed_comes_out_and_goes_in_again() {
        let (root, other) = (folder(), folder());
        let attachments = [attachment("Out", Flow::Out), attachment("Both", Flow::Inout), attachment("In", Flow::In)];
        for name in ["Out/deep", "Both", "In"] {
            fs::create_dir_all(root.path().join("attached").join(name)).unwrap();
        }
        let at = |name: &str| root.path().join("attached").join(name);
        fs::write(at("Both/old"), "old").unwrap();
        fs::write(at("Both/changed"), "old").unwrap();
        let before = look(root.path()).unwrap();
        for (name, text) in [("Both/changed", "new text"), ("Out/deep/a", "a"), ("In/mine", "x")] {
            fs::write(at(name), text).unwrap();
        }
        std::os::unix::fs::symlink("/etc/passwd", at("Out/link")).unwrap();
        let archive = other.path().join("archive");
        pack(root.path(), &attachments, &before, File::create(&archive).unwrap()).unwrap();
        let folders = BTreeMap::from([("Out".into(), other.path().join("o")), ("Both".into(), other.path().join("b"))]);
        let mut written = unpack(&archive, &folders).unwrap();
        written.sort();
        assert_eq!(written, [other.path().join("b/changed"), other.path().join("o/deep/a")]);
        assert_eq!(fs::read_to_string(other.path().join("b/changed")).unwrap(), "new text");
    }

    #[test]
    fn of_one_name_the_last_is_taken() {
        let at = folder();
        let archive = |name: &str, files: &[(&str, &str)]| {
            let path = at.path().join(name);
            let mut archive = tar::Builder::new(File::create(&path).unwrap());
            for (name, text) in files {
                append(&mut archive, name, text.len() as u64, false, &mut text.as_bytes()).unwrap();
            }
            archive.into_inner().unwrap();
            path
        };
        let archives = [archive("1", &[("P/a", "one"), ("P/b", "one")]), archive("2", &[("P/a", "two")])];
        let joined = at.path().join("joined");
        merge(&archives, File::create(&joined).unwrap()).unwrap();
        unpack(&joined, &BTreeMap::from([("P".into(), at.path().join("p"))])).unwrap();
        let text = |name: &str| fs::read_to_string(at.path().join("p").join(name)).unwrap();
        assert_eq!((text("a"), text("b")), ("two".into(), "one".into()));
    }

    #[test]
    fn an_archive_that_leads_elsewhere_is_refused() {
        let at = folder();
        let path = at.path().join("bad");
        let mut archive = tar::Builder::new(File::create(&path).unwrap());
        let mut header = tar::Header::new_gnu();
        header.set_size(1);
        header.set_entry_type(tar::EntryType::Regular);
        let name = b"P/../../evil";
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        header.set_cksum();
        archive.append(&header, &b"x"[..]).unwrap();
        archive.into_inner().unwrap();
        let folders = BTreeMap::from([("P".into(), at.path().join("p"))]);
        assert!(unpack(&path, &folders).unwrap_err().to_string().contains("no name within a folder"));
        assert!(within("/etc/passwd").is_err() && within("").is_err() && within("a/b").is_ok());
    }
}
