//! `klieg watch`, `klieg logs`, `klieg get`: a job of a server's farm as it goes on, and what it gives.

use super::{
    Common, LinkArgs, Stop, block_on,
    door::{self, Door},
    jobs::find,
    link_stop, print, print_json, render,
};
use crate::house::transfer_stop;
use crate::show::progress::Display;
use klieg_api::{
    client::Client,
    front::{
        events,
        views::{Job, Output, State},
    },
};
use klieg_protocol::{Digest, Event, JobId};
use serde_json::json;
use std::path::{Component, Path, PathBuf};
use tokio::task::JoinSet;

#[derive(clap::Args)]
pub struct WatchArgs {
    /// The job [default: the newest that hasn't ended].
    job: Option<String>,
    #[command(flatten)]
    link: LinkArgs,
}

#[derive(clap::Args)]
pub struct LogsArgs {
    /// The job [default: the newest].
    job: Option<String>,
    /// Go on until it has ended.
    #[arg(long, short)]
    follow: bool,
    #[command(flatten)]
    link: LinkArgs,
}

#[derive(clap::Args)]
pub struct GetArgs {
    /// The job [default: the newest that succeeded].
    job: Option<String>,
    /// Only these outputs, as `klieg get JOB --list` names them [default: all].
    names: Vec<String>,
    /// Where they go [default: out/ and the job's name].
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Only list what there is.
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    link: LinkArgs,
}

/// `klieg watch`.
pub fn watch(common: &Common, args: &WatchArgs) -> Result<(), Stop> {
    let client = door::server(common, &args.link)?;
    block_on(async {
        let job = find(&Door::Far(client.clone()), args.job.as_deref(), |job| !job.state.over()).await?;
        to_its_end(common, &client, &JobId(job.id)).await.map(drop)
    })?
}

/// Shows a job until it has ended, and gives it then. What did not succeed is an error.
pub async fn to_its_end(common: &Common, client: &Client, id: &JobId) -> Result<Job, Stop> {
    let slots = client.backlog().await.map_err(|e| link_stop(&e))?.slots;
    let mut display = Display::open(render::mode(common), usize::try_from(slots).unwrap_or(1).max(1), render::now());
    let mut events = client.watch(id);
    let mut interrupt = std::pin::pin!(render::interrupted());
    let ended = loop {
        let event = tokio::select! {
            event = events.next() => event.map_err(|e| link_stop(&e))?,
            () = &mut interrupt => break false,
        };
        let Some(event) = event else { break true };
        display.take(&event, render::now());
        if matches!(event, Event::JobEnded { .. }) {
            break true;
        }
    };
    display.close();
    if !ended {
        return Err(Stop::interrupted(format!(
            "interrupted; the farm goes on with {0}, and `klieg watch {0}` shows it again",
            id.0
        )));
    }
    let job = client.job(id).await.map_err(|e| link_stop(&e))?;
    match job.state {
        State::Succeeded => Ok(job),
        other => {
            let reason = job.reason.unwrap_or_else(|| "no reason given".into());
            Err(Stop::failed(format!("{} {}: {reason}\n  see `klieg why {0}`", id.0, other.word())))
        }
    }
}

/// `klieg logs`.
pub fn logs(common: &Common, args: &LogsArgs) -> Result<(), Stop> {
    let client = door::server(common, &args.link)?;
    block_on(async {
        let job = find(&Door::Far(client.clone()), args.job.as_deref(), |_| true).await?;
        let mut watch = client.watch(&JobId(job.id));
        loop {
            let next = watch.next();
            let event = match args.follow || job.state.over() {
                true => next.await,
                // What is there comes at once.
                false => match tokio::time::timeout(THERE, next).await {
                    Ok(event) => event,
                    Err(_) => return Ok(()),
                },
            };
            let Some(event) = event.map_err(|e| link_stop(&e))? else { return Ok(()) };
            match common.json {
                true => print(&format!("{}\n", serde_json::to_string(&event).unwrap_or_default())),
                false => print(&events::line(&event)),
            }
        }
    })?
}

/// How long the next line of what is there may take.
const THERE: std::time::Duration = std::time::Duration::from_millis(700);

/// `klieg get`.
pub fn get(common: &Common, args: &GetArgs) -> Result<(), Stop> {
    let client = door::server(common, &args.link)?;
    block_on(async {
        let job = find(&Door::Far(client.clone()), args.job.as_deref(), |job| job.state == State::Succeeded).await?;
        let outputs: Vec<Output> = client.get(&format!("/jobs/{}/outputs", job.id)).await.map_err(|e| link_stop(&e))?;
        if args.list {
            return list(common, &outputs);
        }
        let folder = args.out.clone().unwrap_or_else(|| PathBuf::from("out").join(&job.id));
        let wanted = chosen(outputs, &args.names, &job)?;
        let files = bring(&client, wanted, &folder).await?;
        if common.json {
            return print_json(&json!({"job": job.id, "folder": folder, "files": files}));
        }
        files.iter().for_each(|file| print(&format!("{}\n", file.display())));
        Ok(())
    })?
}

fn list(common: &Common, outputs: &[Output]) -> Result<(), Stop> {
    if common.json {
        return print_json(&outputs);
    }
    outputs.iter().for_each(|output| print(&format!("{:<28} {:>14} {}\n", output.name, output.bytes, output.media_type)));
    Ok(())
}

fn chosen(outputs: Vec<Output>, names: &[String], job: &Job) -> Result<Vec<Output>, Stop> {
    if outputs.is_empty() {
        return Err(Stop::failed(format!("{} has no outputs yet: it is {} ({:.0} %)", job.id, job.state.word(), job.progress)));
    }
    if names.is_empty() {
        return Ok(outputs);
    }
    let known = |name: &String| outputs.iter().find(|output| output.name == *name).cloned();
    let missing = |name: &String| {
        let there: Vec<&str> = outputs.iter().map(|output| output.name.as_str()).collect();
        Stop::bad(format!("{} has no output {name}; there is {}", job.id, there.join(", ")))
    };
    names.iter().map(|name| known(name).ok_or_else(|| missing(name))).collect()
}

/// Transfers at a time.
const TRANSFERS: usize = 4;

/// Brings outputs into a folder, several at a time, each whole or not at all. What broke off goes on when it is done again.
pub async fn bring(client: &Client, outputs: Vec<Output>, folder: &Path) -> Result<Vec<PathBuf>, Stop> {
    let mut waiting = Vec::new();
    for output in outputs {
        waiting.push((
            inside(folder, &output.name)?,
            output.digest.parse::<Digest>().map_err(|e| Stop::failed(format!("failed to {e}")))?,
        ));
    }
    let files: Vec<PathBuf> = waiting.iter().map(|(to, _)| to.clone()).collect();
    let (mut waiting, mut under_way) = (waiting.into_iter(), JoinSet::new());
    loop {
        while under_way.len() < TRANSFERS
            && let Some((to, digest)) = waiting.next()
        {
            let client = client.clone();
            under_way.spawn(async move {
                let from = client.file(digest).await.map_err(|e| transfer_stop(&e))?;
                crate::deliver::place(&from, &to)
            });
        }
        let Some(done) = under_way.join_next().await else { return Ok(files) };
        done.map_err(|e| Stop::failed(format!("bring a file: {e}")))??;
    }
}

/// A name is never a way out of the folder.
pub fn inside(folder: &Path, name: &str) -> Result<PathBuf, Stop> {
    let plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    match plain && !name.is_empty() {
        true => Ok(folder.join(name)),
        false => Err(Stop::failed(format!("the farm names an output {name:?}, which is no name of a file"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_their_folder() {
        let folder = Path::new("out");
        assert_eq!(inside(folder, "stems/mix.wav").unwrap(), Path::new("out/stems/mix.wav"));
        for wrong in ["", "..", "../x", "/etc/passwd", "a/../../x"] {
            assert!(inside(folder, wrong).is_err(), "{wrong}");
        }
    }
}
