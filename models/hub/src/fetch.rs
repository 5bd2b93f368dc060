//! One file: fetched from where it broke off, whole and of the right digest, or not there.

use crate::{
    HubError,
    client::{Answer, Hub},
    digest::{self, Wanted},
};
use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use klieg_models::Progress;
use ring::digest::Context;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    fs::{self, File},
    io::{AsyncReadExt, AsyncWriteExt},
};

/// So long nothing may come before it counts as broken off.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// Tries in a row that bring nothing.
const TRIES_MAX: u32 = 5;
const BLOCK_BYTES: usize = 1 << 20;

/// A file at a commit, and where it goes.
pub struct Task<'a> {
    pub repo: &'a str,
    pub commit: &'a str,
    pub path: &'a str,
    pub folder: &'a Path,
    /// Whether its length has been counted as work to be done.
    pub expected: bool,
}

impl Task<'_> {
    fn target(&self) -> PathBuf {
        self.folder.join(self.path)
    }

    /// Where it grows: no name that a repository's file has.
    fn part(&self) -> PathBuf {
        let mut name = self.target().into_os_string();
        name.push(".klieg-part");
        name.into()
    }
}

/// Fetches a file, trying again while something comes.
pub async fn fetch(hub: &Hub, task: &Task<'_>, progress: &Progress) -> Result<(), HubError> {
    let (target, part) = (task.target(), task.part());
    if let Ok(about) = fs::metadata(&target).await {
        // An earlier pull has checked it.
        if !task.expected {
            progress.expect(about.len());
        }
        progress.add(about.len());
        return Ok(());
    }
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent).await.map_err(HubError::io(parent))?;
    }
    let (mut fruitless, mut counted) = (0, 0);
    loop {
        let before = length(&part).await;
        let error = match attempt(hub, task, progress, &mut counted).await {
            Ok(()) => return fs::rename(&part, &target).await.map_err(HubError::io(target)),
            Err(error) if !error.retryable() => return Err(error),
            Err(error) => error,
        };
        fruitless = if length(&part).await > before { 0 } else { fruitless + 1 };
        if fruitless >= TRIES_MAX {
            return Err(error);
        }
        tokio::time::sleep(hub.pause * 2_u32.pow(fruitless)).await;
    }
}

async fn length(path: &Path) -> u64 {
    fs::metadata(path).await.map_or(0, |about| about.len())
}

/// One request. What came stays for the next one, unless it is wrong.
async fn attempt(hub: &Hub, task: &Task<'_>, progress: &Progress, counted: &mut u64) -> Result<(), HubError> {
    let part = task.part();
    let have = length(&part).await;
    let address = hub.address(&[task.repo, "resolve", task.commit, task.path], "")?;
    let answer = hub.get(address, have, task.path).await?;
    if answer.response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
        return finished(hub, task, &answer, have, progress, counted).await;
    }
    let wanted = Wanted::of(&answer.hub).ok_or_else(|| HubError::NoDigest { file: task.path.into() })?;
    let (from, bytes) = extent(&answer, have)
        .ok_or_else(|| HubError::Garbled { at: hub.at(), what: format!("it names no length of {}", task.path) })?;
    let mut context = wanted.begin(bytes);
    let mut out = open(&part, from, &mut context).await?;
    if !task.expected && *counted == 0 {
        progress.expect(bytes);
    }
    advance(progress, counted, from);
    let body = answer.response.into_body();
    let taken = Taken { task, at: from, bytes, context, out: &mut out, progress, counted };
    let (taken, context) = taken.all(hub, body).await;
    // Whatever came: the next try begins behind it.
    out.flush().await.map_err(HubError::io(&part))?;
    let at = taken?;
    out.sync_all().await.map_err(HubError::io(&part))?;
    compare(task, &wanted, context, at, bytes).await
}

/// A body on its way into a file.
struct Taken<'a> {
    task: &'a Task<'a>,
    /// Where it has come to, of how many bytes.
    at: u64,
    bytes: u64,
    context: Context,
    out: &'a mut File,
    progress: &'a Progress,
    counted: &'a mut u64,
}

impl Taken<'_> {
    /// Where it ended, and the digest of everything up to there.
    async fn all(mut self, hub: &Hub, mut body: Incoming) -> (Result<u64, HubError>, Context) {
        while self.at < self.bytes {
            match self.next(hub, &mut body).await {
                Ok(()) => {}
                Err(error) => return (Err(error), self.context),
            }
        }
        (Ok(self.at), self.context)
    }

    async fn next(&mut self, hub: &Hub, body: &mut Incoming) -> Result<(), HubError> {
        let path = self.task.path;
        let away = |what: String| HubError::Away { at: hub.at(), what };
        let frame = tokio::time::timeout(SILENCE_MAX, body.frame()).await.map_err(|_| away(format!("{path} broke off")))?;
        let Some(frame) = frame else {
            return Err(HubError::Truncated { file: path.into(), wanted: self.bytes, found: self.at });
        };
        let Ok(data) = frame.map_err(|error| away(format!("{path} broke off: {error}")))?.into_data() else { return Ok(()) };
        self.at += data.len() as u64;
        self.context.update(&data);
        self.out.write_all(&data).await.map_err(HubError::io(self.task.part()))?;
        advance(self.progress, self.counted, self.at.min(self.bytes));
        Ok(self.progress.check()?)
    }
}

/// Counts what has come, once.
fn advance(progress: &Progress, counted: &mut u64, at: u64) {
    progress.add(at.saturating_sub(*counted));
    *counted = at.max(*counted);
}

/// What is there is as long as the file: only its digest is left to be seen.
async fn finished(
    hub: &Hub,
    task: &Task<'_>,
    answer: &Answer,
    have: u64,
    progress: &Progress,
    counted: &mut u64,
) -> Result<(), HubError> {
    let total: Option<u64> = answer
        .response
        .headers()
        .get(header::CONTENT_RANGE)
        .and_then(|range| range.to_str().ok()?.strip_prefix("bytes */")?.parse().ok());
    let wanted = Wanted::of(&answer.hub);
    match (wanted, total) {
        (Some(wanted), Some(total)) if total == have => {
            let mut context = wanted.begin(have);
            open(&task.part(), have, &mut context).await?;
            if !task.expected && *counted == 0 {
                progress.expect(have);
            }
            advance(progress, counted, have);
            compare(task, &wanted, context, have, have).await
        }
        _ => {
            // It is too long to be a part of it.
            fs::remove_file(task.part()).await.map_err(HubError::io(task.part()))?;
            Err(HubError::Away { at: hub.at(), what: format!("{} could not be gone on with", task.path) })
        }
    }
}

/// Throws away what has not the digest.
async fn compare(task: &Task<'_>, wanted: &Wanted, context: Context, at: u64, bytes: u64) -> Result<(), HubError> {
    let found = digest::end(context);
    if at == bytes && found == wanted.hex() {
        return Ok(());
    }
    fs::remove_file(task.part()).await.map_err(HubError::io(task.part()))?;
    Err(HubError::Digest { file: task.path.into(), wanted: wanted.hex().into(), found })
}

/// Where the answer begins in the file, and how long the file is.
fn extent(answer: &Answer, have: u64) -> Option<(u64, u64)> {
    let headers = answer.response.headers();
    let number =
        |headers: &HeaderMap, name: &str| headers.get(name).and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok());
    let linked = number(&answer.hub, "x-linked-size");
    let (from, bytes) = if answer.response.status() == StatusCode::PARTIAL_CONTENT {
        let range = headers.get(header::CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes ")?;
        let (range, bytes) = range.split_once('/')?;
        (range.split_once('-')?.0.parse().ok()?, bytes.parse().ok()?)
    } else {
        (0, number(headers, "content-length").or(linked)?)
    };
    (from <= have && linked.is_none_or(|linked| linked == bytes)).then_some((from, bytes))
}

/// The part, cut off at `from`, what stays of it counted in the digest.
async fn open(part: &Path, from: u64, context: &mut Context) -> Result<File, HubError> {
    let io = || HubError::io(part);
    let mut file = File::options().create(true).truncate(false).read(true).write(true).open(part).await.map_err(io())?;
    file.set_len(from).await.map_err(io())?;
    let (mut left, mut block) = (from, vec![0; BLOCK_BYTES]);
    while left > 0 {
        let count = file.read(&mut block).await.map_err(io())?;
        if count == 0 {
            break;
        }
        context.update(&block[..count]);
        left = left.saturating_sub(count as u64);
    }
    Ok(file)
}
