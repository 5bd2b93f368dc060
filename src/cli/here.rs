//! A job of any kind on this machine's own farm, without a server: from submission to the delivered files.

use super::render::{self, FarmArgs, build_id, farm_stop};
use super::{Common, Stop, block_on, resume, submit, watch};
use crate::deliver;
use crate::house::Events;
use crate::seal::seal;
use crate::show::progress::Display;
use klieg_api::front::views::{Estimate, Job};
use klieg_kernels::{Choice, device::Info};
use klieg_kind::{Kind, class_of};
use klieg_protocol::{Class, Digest, Event, JobId, JobSpec, JobState};
use klieg_scheduler::Farm;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A job with everything known that is needed to run it.
pub struct Order {
    pub kind: Arc<dyn Kind>,
    pub label: String,
    pub params: Value,
    /// The input that it takes: its name and bytes.
    pub file: Option<(&'static str, Vec<u8>)>,
    pub out: Option<PathBuf>,
    pub farm: FarmArgs,
}

impl Order {
    fn spec(&self) -> JobSpec {
        let inputs = self.file.iter().map(|(name, bytes)| ((*name).to_owned(), Digest::of(bytes))).collect::<BTreeMap<_, _>>();
        JobSpec { kind: self.kind.name().into(), label: self.label.clone(), params: self.params.clone(), inputs }
    }

    fn read(&self, wanted: &Digest) -> std::io::Result<Vec<u8>> {
        let found = self.file.iter().map(|(_, bytes)| bytes).find(|bytes| Digest::of(bytes) == *wanted);
        found.cloned().ok_or_else(|| std::io::Error::other("not an input of this job"))
    }

    /// What it would come to on this machine.
    pub fn estimate(&self) -> Result<Estimate, Stop> {
        let class = class(&render::device(self.farm.device.unwrap_or_default())?);
        let forecast = self.kind.forecast(&self.spec(), class, &|digest| self.read(digest))?;
        Ok(Estimate {
            tasks: forecast.tasks,
            seconds: forecast.seconds,
            cost: klieg_scheduler::cost::of_seconds(forecast.seconds, self.farm.price),
            eta_seconds: Some(forecast.seconds / workers(&self.farm) as f64),
            plan: forecast.about,
        })
    }
}

fn workers(farm: &FarmArgs) -> usize {
    farm.workers.unwrap_or_else(render::cores).max(1)
}

fn class(device: &Info) -> Class {
    class_of(device.choice).unwrap_or_default()
}

/// Runs a job to its end and delivers what it gives.
pub fn run(common: &Common, order: &Order) -> Result<(), Stop> {
    render::check_workers(&order.farm)?;
    order.farm.seal.identity()?;
    let device = render::device(order.farm.device.unwrap_or(Choice::Auto))?;
    // Planned before anything is made: what is refused leaves nothing behind.
    let plan = order.kind.plan(&order.spec(), class(&device), &|digest| order.read(digest))?;
    if let Some(out) = &order.out {
        deliver::check_folder(out)?;
    }
    block_on(async {
        let farm = render::open_farm(common, &order.farm).await?;
        if let Some((_, bytes)) = &order.file {
            farm.put(bytes.clone()).await.map_err(|e| farm_stop(&e))?;
        }
        let job = farm.submit(order.spec(), plan, &build_id()?).await.map_err(|e| farm_stop(&e))?;
        let out = order.out.clone().unwrap_or_else(|| PathBuf::from("out").join(&job.0));
        let note = Note { out: std::path::absolute(&out).unwrap_or(out), device: device.choice.to_string() };
        resume::remember_job(&common.farm_folder()?, &job, &note)?;
        finish(common, farm, &job, &order.farm, &device, &note.out).await
    })?
}

/// What the command line must know to go on with a job: the farm knows the rest.
#[derive(Serialize, Deserialize)]
pub struct Note {
    pub out: PathBuf,
    /// As `--device` names it.
    pub device: String,
}

/// Goes on with a job that was interrupted.
pub fn go_on(common: &Common, job: &JobId, note: &Note, farm_args: &FarmArgs) -> Result<(), Stop> {
    render::check_workers(farm_args)?;
    farm_args.seal.identity()?;
    let noted = super::device_of(&note.device).map_err(|e| Stop::failed(format!("read the note of {}: {e}", job.0)))?;
    let device = render::device(farm_args.device.unwrap_or(noted))?;
    deliver::check_folder(&note.out)?;
    block_on(async {
        let farm = render::open_farm(common, farm_args).await?;
        let state = farm.job(job).await.map_err(|e| farm_stop(&e))?.state;
        // One that has ended since only waits to be delivered.
        if !klieg_api::front::views::State::from(state).over() {
            farm.resume(job).await.map_err(|e| farm_stop(&e))?;
        }
        finish(common, farm, job, farm_args, &device, &note.out).await
    })?
}

/// Works until the job has ended, and delivers what it gives.
async fn finish(common: &Common, farm: Farm, job: &JobId, args: &FarmArgs, device: &Info, folder: &Path) -> Result<(), Stop> {
    let workers = workers(args);
    let agent = render::start_agent(common, &farm, device, workers).await?;
    let mut display = Display::open(render::mode(common), workers, render::now());
    let ended = to_its_end(&farm, job, &mut display).await;
    display.close();
    agent.stop().await;
    let delivered = match ended {
        Ok(()) => bring(common, &farm, job, folder).await.and_then(|mut files| {
            seal(&mut files, folder, args.seal.identity()?.as_ref())?;
            Ok(files)
        }),
        Err(stop) => {
            // It goes only if nothing is in it.
            let _ = std::fs::remove_dir(folder);
            Err(stop)
        }
    };
    let record = farm.job(job).await.map_err(|e| farm_stop(&e));
    farm.close().await;
    let record = record?;
    if klieg_api::front::views::State::from(record.state).over() {
        resume::forget(&common.farm_folder()?, job);
    }
    let files = delivered?;
    submit::given(common, &Job::new(record, None), folder, &files)
}

async fn to_its_end(farm: &Farm, job: &JobId, display: &mut Display) -> Result<(), Stop> {
    let mut events = farm.watch(job);
    let mut interrupt = std::pin::pin!(render::interrupted());
    loop {
        let event = tokio::select! {
            event = Events::next(&mut events) => event?,
            () = &mut interrupt => {
                return Err(Stop::interrupted("interrupted; the same command, or `klieg resume`, goes on where it stopped"));
            }
        };
        let Some(event) = event else { return Err(Stop::failed("the farm closed before the job ended")) };
        display.take(&event, render::now());
        match event {
            Event::JobEnded { state: JobState::Succeeded, .. } => return Ok(()),
            Event::JobEnded { state, reason } => {
                let reason = reason.unwrap_or_else(|| "no reason given".into());
                let word = if state == JobState::Cancelled { "was cancelled" } else { "failed" };
                return Err(Stop::failed(format!("{} {word}: {reason}\n  see `klieg why {0}`", job.0)));
            }
            _ => {}
        }
    }
}

/// Copies what the job gives into the folder, each file whole or not at all.
async fn bring(common: &Common, farm: &Farm, job: &JobId, folder: &Path) -> Result<Vec<PathBuf>, Stop> {
    let (spec, outputs) = (farm.spec(job).await.map_err(|e| farm_stop(&e))?, farm.outputs(job).await.map_err(|e| farm_stop(&e))?);
    let kind = submit::kind_of(common, &spec.kind)?.ok_or_else(|| submit::unknown(common, &spec.kind))?;
    let mut files = Vec::new();
    for file in kind.files(&spec, &outputs) {
        let to = watch::inside(folder, &file.name)?;
        deliver::place(&farm.blob_file(&file.digest).await.map_err(|e| farm_stop(&e))?, &to)?;
        files.push(to);
    }
    Ok(files)
}
