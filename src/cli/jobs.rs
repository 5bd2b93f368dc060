//! `klieg jobs`, `show`, `why`, `cost`, `cancel`: a farm's jobs, behind a server or in a folder, also while another klieg renders there.

use super::{
    Common, LinkArgs, Stop, block_on,
    door::{self, Door},
    farm_stop, link_stop, print, print_json,
};
use crate::show::{clock, money};
use http::Method;
use klieg_api::front::views::{Costs, Job, State, Task, Why};
use klieg_protocol::JobId;
use klieg_scheduler::{JobRecord, offline};
use serde_json::json;

#[derive(clap::Args)]
pub struct JobsArgs {
    /// Only jobs in this state: queued, running, succeeded, failed or cancelled.
    #[arg(long, value_parser = state)]
    state: Option<State>,
    /// Only jobs of this project.
    #[arg(long)]
    project: Option<String>,
    #[command(flatten)]
    link: LinkArgs,
}

fn state(text: &str) -> Result<State, String> {
    let all = [State::Queued, State::Running, State::Succeeded, State::Failed, State::Cancelled];
    all.into_iter().find(|state| state.word() == text).ok_or_else(|| "queued, running, succeeded, failed or cancelled".into())
}

#[derive(clap::Args)]
pub struct WhyArgs {
    /// The job [default: the newest].
    job: Option<String>,
    /// One of its tasks, as `klieg show` or a message names it.
    task: Option<String>,
    #[command(flatten)]
    link: LinkArgs,
}

#[derive(clap::Args)]
pub struct CancelArgs {
    /// The job [default: the newest that hasn't ended].
    job: Option<String>,
    #[command(flatten)]
    link: LinkArgs,
}

#[derive(clap::Args)]
pub struct ShowArgs {
    /// The job [default: the newest].
    job: Option<String>,
    #[command(flatten)]
    link: LinkArgs,
}

#[derive(clap::Args)]
pub struct CostArgs {
    /// One job's tasks, the dearest first, instead of all projects.
    job: Option<String>,
    #[command(flatten)]
    link: LinkArgs,
}

/// All jobs of a farm, the oldest first.
async fn all(door: &Door) -> Result<Vec<Job>, Stop> {
    match door {
        Door::Far(client) => {
            let mut jobs = client.jobs().await.map_err(|e| link_stop(&e))?;
            jobs.reverse();
            Ok(jobs)
        }
        Door::Near(folder) => {
            let jobs = offline::jobs(folder).await.map_err(|e| farm_stop(&e))?;
            Ok(jobs.into_iter().map(|record: JobRecord| Job::new(record, None)).collect())
        }
    }
}

pub fn list(common: &Common, args: &JobsArgs) -> Result<(), Stop> {
    let door = door::open(common, &args.link)?;
    let mut jobs = block_on(all(&door))??;
    jobs.retain(|job| args.state.is_none_or(|state| job.state == state));
    jobs.retain(|job| args.project.as_ref().is_none_or(|project| job.project == *project));
    if common.json {
        return print_json(&jobs);
    }
    if jobs.is_empty() && !common.quiet {
        print("no jobs yet; `klieg render SCRIPT` makes one, and `klieg submit` one of a farm with a server\n");
    }
    jobs.iter().for_each(|job| print(&line(job)));
    Ok(())
}

/// A job in a line, and why it ended badly in another.
pub fn line(job: &Job) -> String {
    let eta = job.eta_seconds.map(|left| format!(" · about {} left", clock(left))).unwrap_or_default();
    let way = if job.state.over() { String::new() } else { format!("  {:>3.0} % {}{eta}", job.progress, job.stage) };
    let reason = job.reason.as_ref().map(|reason| format!("\n    {reason}")).unwrap_or_default();
    format!(
        "{:<12} {:<7} {:<10} {:>5}/{:<5} tasks  cost {:<8} {}{way}{reason}\n",
        job.id,
        job.kind,
        job.state.word(),
        job.tasks.done,
        job.tasks.total,
        money(job.cost),
        job.label
    )
}

pub fn show(common: &Common, args: &ShowArgs) -> Result<(), Stop> {
    let door = door::open(common, &args.link)?;
    let (job, tasks) = block_on(async {
        let job = find(&door, args.job.as_deref(), |_| true).await?;
        let tasks = tasks(&door, &JobId(job.id.clone())).await?;
        Ok::<_, Stop>((job, tasks))
    })??;
    if common.json {
        return print_json(&json!({"job": job, "tasks": tasks}));
    }
    print(&line(&job));
    for task in &tasks {
        let place = task.node.as_ref().filter(|_| task.ended_at_ms.is_none()).map(|node| format!(" on {node}")).unwrap_or_default();
        let failure = task.failure.as_ref().map(|failure| format!("\n    {}", failure.message)).unwrap_or_default();
        let phase = format!("{:?}", task.state).to_lowercase();
        let part =
            if task.progress > 0.0 && task.progress < 1.0 { format!(" {:.0} %", task.progress * 100.0) } else { String::new() };
        print(&format!("  {:<28} {:<10} {:>8}{part}{place}  {}{failure}\n", task.name, phase, clock(task.seconds), task.label));
    }
    Ok(())
}

/// A job's tasks in the order of its plan.
async fn tasks(door: &Door, job: &JobId) -> Result<Vec<Task>, Stop> {
    match door {
        Door::Far(client) => client.get(&format!("/jobs/{}/tasks", job.0)).await.map_err(|e| link_stop(&e)),
        Door::Near(folder) => {
            let tasks = offline::tasks(folder, job).await.map_err(|e| farm_stop(&e))?;
            Ok(tasks.into_iter().map(Task::from).collect())
        }
    }
}

pub fn why(common: &Common, args: &WhyArgs) -> Result<(), Stop> {
    let door = door::open(common, &args.link)?;
    let reasons = block_on(async {
        let job = find(&door, args.job.as_deref(), |_| true).await?;
        match &door {
            Door::Far(client) => {
                let of = args.task.as_ref().map(|task| format!("?task={}", encoded(task))).unwrap_or_default();
                let why: Why = client.get(&format!("/jobs/{}/why{of}", job.id)).await.map_err(|e| link_stop(&e))?;
                Ok(why.sentences)
            }
            Door::Near(folder) => offline::why(folder, &JobId(job.id), args.task.as_deref()).await.map_err(|e| farm_stop(&e)),
        }
    })??;
    if common.json {
        return print_json(&reasons);
    }
    print(&(reasons.join("\n") + "\n"));
    Ok(())
}

/// A word as a URL's query has it.
pub fn encoded(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(byte);
    text.bytes().map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

pub fn cancel(common: &Common, args: &CancelArgs) -> Result<(), Stop> {
    let door = door::open(common, &args.link)?;
    let job = block_on(async {
        let job = JobId(find(&door, args.job.as_deref(), |job| !job.state.over()).await?.id);
        match &door {
            Door::Far(client) => client.cancel(&job).await.map_err(|e| link_stop(&e))?,
            Door::Near(folder) => offline::request_cancel(folder, &job).await.map_err(|e| farm_stop(&e))?,
        }
        Ok::<_, Stop>(job)
    })??;
    if let Door::Near(folder) = &door {
        super::resume::forget(folder, &job);
    }
    done(common, &job, "will be cancelled")
}

/// Says what was done to a job.
pub fn done(common: &Common, job: &JobId, what: &str) -> Result<(), Stop> {
    if common.json {
        return print_json(&json!({"job": job}));
    }
    if !common.quiet {
        print(&format!("{} {what}\n", job.0));
    }
    Ok(())
}

pub fn cost(common: &Common, args: &CostArgs) -> Result<(), Stop> {
    let door = door::open(common, &args.link)?;
    if let Some(name) = &args.job {
        let mut tasks = block_on(async {
            let job = find(&door, Some(name), |_| true).await?;
            tasks(&door, &JobId(job.id)).await
        })??;
        tasks.sort_by(|a, b| b.cost.total_cmp(&a.cost).then_with(|| a.name.cmp(&b.name)));
        if common.json {
            return print_json(
                &tasks.iter().map(|t| json!({"task": t.name, "seconds": t.seconds, "cost": t.cost})).collect::<Vec<_>>(),
            );
        }
        tasks.iter().for_each(|task| print(&format!("{:<28} {:>10} {:>10}\n", task.name, clock(task.seconds), money(task.cost))));
        let (seconds, total) = tasks.iter().fold((0.0, 0.0), |(s, c), task| (s + task.seconds, c + task.cost));
        print(&format!("{:<28} {:>10} {:>10}\n", "all", clock(seconds), money(total)));
        return Ok(());
    }
    let costs: Costs = match &door {
        Door::Far(client) => block_on(client.get("/costs"))?.map_err(|e| link_stop(&e))?,
        Door::Near(folder) => of_jobs(&block_on(offline::jobs(folder))?.map_err(|e| farm_stop(&e))?),
    };
    if common.json {
        return print_json(&costs);
    }
    let named = |project: &str| if project.is_empty() { "(default)".to_owned() } else { project.to_owned() };
    for spent in &costs.projects {
        print(&format!("{:<28} {:>10} {:>10}\n", named(&spent.project), clock(spent.seconds), money(spent.cost)));
    }
    print(&format!("{:<28} {:>10} {:>10}\n", "all", clock(costs.seconds), money(costs.total)));
    Ok(())
}

/// What the jobs that a folder remembers have cost.
fn of_jobs(jobs: &[JobRecord]) -> Costs {
    let mut projects = std::collections::BTreeMap::<String, (f64, f64)>::new();
    for job in jobs {
        let (seconds, cost) = projects.entry(job.project.clone()).or_default();
        (*seconds, *cost) = (*seconds + job.seconds, *cost + job.cost);
    }
    let (seconds, total) = projects.values().fold((0.0, 0.0), |(s, c), (seconds, cost)| (s + seconds, c + cost));
    let spent = |(project, (seconds, cost))| klieg_api::front::views::Spent { project, seconds, cost };
    Costs { projects: projects.into_iter().map(spent).collect(), seconds, total }
}

/// The job named, or the newest that fits.
pub async fn find(door: &Door, name: Option<&str>, fits: impl Fn(&Job) -> bool) -> Result<Job, Stop> {
    if let (Door::Far(client), Some(name)) = (door, name) {
        return client.job(&JobId(name.into())).await.map_err(|e| link_stop(&e));
    }
    let jobs = all(door).await?;
    let found = match name {
        Some(name) => jobs.into_iter().find(|job| job.id == name),
        None => jobs.into_iter().rfind(|job| fits(job)),
    };
    found.ok_or_else(|| match name {
        Some(name) => Stop::bad(format!("there is no job {name}; `klieg jobs` lists them")),
        None => Stop::bad("there is no such job; `klieg jobs` lists all"),
    })
}

#[derive(clap::Args)]
pub struct OneArgs {
    /// The job [default: the newest that fits].
    job: Option<String>,
    #[command(flatten)]
    link: LinkArgs,
}

#[derive(clap::Args)]
pub struct PriorityArgs {
    /// The job.
    job: String,
    /// Higher first; jobs begin with 0.
    #[arg(allow_hyphen_values = true)]
    priority: i32,
    #[command(flatten)]
    link: LinkArgs,
}

/// `klieg retry`.
pub fn retry(common: &Common, args: &OneArgs) -> Result<(), Stop> {
    let door = Door::Far(door::server(common, &args.link)?);
    let again = block_on(async {
        let job = find(&door, args.job.as_deref(), |job| matches!(job.state, State::Failed | State::Cancelled)).await?;
        send(&door, Method::POST, &format!("/jobs/{}/retry", job.id), None).await
    })??;
    done(common, &JobId(again["id"].as_str().unwrap_or_default().into()), "does it again")
}

/// `klieg priority`.
pub fn priority(common: &Common, args: &PriorityArgs) -> Result<(), Stop> {
    let door = Door::Far(door::server(common, &args.link)?);
    let body = json!({"priority": args.priority});
    block_on(send(&door, Method::POST, &format!("/jobs/{}/priority", args.job), Some(&body)))??;
    done(common, &JobId(args.job.clone()), &format!("has the priority {}", args.priority))
}

/// `klieg remove`.
pub fn remove(common: &Common, args: &OneArgs) -> Result<(), Stop> {
    let door = Door::Far(door::server(common, &args.link)?);
    let name = args.job.as_deref().ok_or_else(|| Stop::bad("name the job that is to be forgotten"))?;
    block_on(send(&door, Method::DELETE, &format!("/jobs/{name}"), None))??;
    done(common, &JobId(name.into()), "is forgotten")
}

/// Asks a server to do something.
pub async fn send(door: &Door, method: Method, path: &str, body: Option<&serde_json::Value>) -> Result<serde_json::Value, Stop> {
    let Door::Far(client) = door else { return Err(Stop::bad("only a server can do that")) };
    client.send(method, path, body).await.map(Option::unwrap_or_default).map_err(|e| link_stop(&e))
}
