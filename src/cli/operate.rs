//! `klieg nodes`, `drain`, `undrain`, `projects`, `queue`: for those who run a farm.

use super::{Common, LinkArgs, Stop, block_on, door, jobs::encoded, link_stop, print, print_json};
use crate::show::{clock, money};
use http::Method;
use klieg_api::front::views::{ClassQueue, Device, Node, NodeState, Project, Queue};
use serde_json::{Map, Value, json};

#[derive(clap::Args)]
pub struct FarmLink {
    #[command(flatten)]
    link: LinkArgs,
}

#[derive(clap::Args)]
pub struct DrainArgs {
    /// The node, as `klieg nodes` names it.
    node: String,
    #[command(flatten)]
    link: LinkArgs,
}

#[derive(clap::Args)]
pub struct ProjectsArgs {
    /// A project whose share is to be set, with the flags below; without it all are listed.
    name: Option<String>,
    /// Of two projects with work, one of twice the weight gets twice the device-seconds.
    #[arg(long, requires = "name")]
    weight: Option<f64>,
    /// Device-seconds that it may take ahead of its share after it was idle.
    #[arg(long, requires = "name", value_name = "SECONDS")]
    burst: Option<f64>,
    /// Slots that it may hold at a time.
    #[arg(long, requires = "name", value_name = "N")]
    slots_max: Option<u32>,
    /// Unfinished tasks that it may have.
    #[arg(long, requires = "name", value_name = "N")]
    tasks_max: Option<u64>,
    /// Slot-seconds that it may spend in all.
    #[arg(long, requires = "name", value_name = "SECONDS")]
    seconds_max: Option<f64>,
    /// Jobs that have not ended that it may have, or `none`: as many as it likes.
    #[arg(long, requires = "name", value_name = "N", value_parser = quota)]
    jobs_open_max: Option<Value>,
    /// Slot-hours that it may spend in a calendar month (UTC), or `none`.
    #[arg(long, requires = "name", value_name = "HOURS", value_parser = quota)]
    device_hours_max: Option<Value>,
    /// Bytes of uploads that are kept for it, or `none`.
    #[arg(long, requires = "name", value_name = "BYTES", value_parser = quota)]
    upload_bytes_max: Option<Value>,
    /// Bytes of one upload, or `none`.
    #[arg(long, requires = "name", value_name = "BYTES", value_parser = quota)]
    upload_bytes_each_max: Option<Value>,
    #[command(flatten)]
    link: LinkArgs,
}

pub fn nodes(common: &Common, args: &FarmLink) -> Result<(), Stop> {
    let client = door::server(common, &args.link)?;
    let nodes: Vec<Node> = block_on(client.get("/nodes"))?.map_err(|e| link_stop(&e))?;
    if common.json {
        return print_json(&nodes);
    }
    if nodes.is_empty() && !common.quiet {
        print("no node has joined; `klieg node --server URL` lets a machine work for the farm\n");
    }
    for node in &nodes {
        let reason = node.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        print(&format!("{}  {}{reason}\n", node.id, word(node.state)));
        node.devices.iter().for_each(|device| print(&of_device(device)));
    }
    Ok(())
}

fn word(state: NodeState) -> &'static str {
    match state {
        NodeState::Healthy => "healthy",
        NodeState::Draining => "draining",
        NodeState::Faulty => "faulty",
        NodeState::Away => "away",
    }
}

fn of_device(device: &Device) -> String {
    let used =
        device.telemetry.as_ref().and_then(|now| now.used_percent).map(|used| format!("  {used:>3} % used")).unwrap_or_default();
    let warm = device.telemetry.as_ref().and_then(|now| now.celsius).map(|celsius| format!("  {celsius} °C")).unwrap_or_default();
    let reason = device.reason.as_ref().map(|reason| format!("  {}: {reason}", word(device.state))).unwrap_or_default();
    let gigabytes = |bytes: u64| bytes as f64 / 1e9;
    let mut text = format!(
        "  {} {:<5} {:<28} {:>2}/{:<2} slots  {:>5.1}/{:<5.1} GB{used}{warm}{reason}\n",
        device.index,
        device.class,
        device.name,
        device.slots_held,
        device.slots,
        gigabytes(device.memory_held_bytes),
        gigabytes(device.memory_bytes),
    );
    for task in &device.tasks {
        text += &format!("      {} {}\n", task.job, task.task);
    }
    text
}

pub fn drain(common: &Common, args: &DrainArgs, drained: bool) -> Result<(), Stop> {
    let client = door::server(common, &args.link)?;
    let verb = if drained { "drain" } else { "undrain" };
    let path = format!("/nodes/{}/{verb}", encoded(&args.node));
    block_on(client.send(Method::POST, &path, None))?.map_err(|e| link_stop(&e))?;
    if common.json {
        return print_json(&json!({"node": args.node, "drained": drained}));
    }
    if !common.quiet {
        let what = if drained { "gets no more tasks; what runs there comes to its end" } else { "gets tasks again" };
        print(&format!("{} {what}\n", args.node));
    }
    Ok(())
}

pub fn projects(common: &Common, args: &ProjectsArgs) -> Result<(), Stop> {
    let client = door::server(common, &args.link)?;
    let mut projects: Vec<Project> = block_on(client.get("/projects"))?.map_err(|e| link_stop(&e))?;
    if let Some(name) = &args.name {
        let (set, quotas) = (set(args), quotas(args));
        if !set.is_empty() || !quotas.is_empty() {
            let before = projects.iter().find(|project| project.name == *name);
            let fields = |value: Option<Value>| value.and_then(|value| value.as_object().cloned()).unwrap_or_default();
            let mut share = fields(before.map(|project| json!(project.share)));
            share.extend(set);
            let mut quota = fields(before.map(|project| json!(project.quota)));
            quota.extend(quotas);
            share.insert("quota".into(), quota.into());
            block_on(client.send(Method::PUT, &format!("/projects/{}", encoded(name)), Some(&share.into())))?
                .map_err(|e| link_stop(&e))?;
            projects = block_on(client.get("/projects"))?.map_err(|e| link_stop(&e))?;
        }
        projects.retain(|project| project.name == *name);
        if projects.is_empty() {
            return Err(Stop::bad(format!("there is no project {name} yet; setting something of it makes it")));
        }
    }
    if common.json {
        return print_json(&projects);
    }
    for project in &projects {
        let name = if project.name.is_empty() { "(default)" } else { &project.name };
        let cap = project.share.slots_max.map(|most| format!(" of {most}")).unwrap_or_default();
        print(&format!(
            "{name:<20} weight {:<6} {:>4}{cap} slots {:>7} open tasks {:>10} cost {}\n",
            project.share.weight,
            project.slots_held,
            project.open_tasks,
            clock(project.seconds),
            money(project.cost)
        ));
        print(&held(project));
    }
    Ok(())
}

/// A number, or none.
fn quota(text: &str) -> Result<Value, String> {
    match (text, text.parse::<u64>(), text.parse::<f64>()) {
        ("none", ..) => Ok(Value::Null),
        (_, Ok(whole), _) => Ok(whole.into()),
        (_, _, Ok(number)) if number.is_finite() && number >= 0.0 => Ok(number.into()),
        _ => Err("a quota is a number, 0 or more, or none".into()),
    }
}

fn quotas(args: &ProjectsArgs) -> Map<String, Value> {
    let all = [
        ("jobs_open_max", &args.jobs_open_max),
        ("device_hours_per_month_max", &args.device_hours_max),
        ("upload_bytes_max", &args.upload_bytes_max),
        ("upload_bytes_each_max", &args.upload_bytes_each_max),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?))).collect()
}

/// What of its quotas a project has, where it has any.
fn held(project: &Project) -> String {
    let (quota, used) = (&project.quota, &project.used);
    let gb = |bytes: u64| bytes as f64 / 1e9;
    let all = [
        quota.jobs_open_max.map(|most| format!("{} of {most} open jobs", used.jobs_open)),
        quota
            .device_hours_per_month_max
            .map(|most| format!("{:.1} of {most:.1} device-hours this month", used.device_hours_this_month)),
        quota.upload_bytes_max.map(|most| format!("{:.2} of {:.2} GB of uploads", gb(used.upload_bytes), gb(most))),
        quota.upload_bytes_each_max.map(|most| format!("{:.2} GB an upload", gb(most))),
    ];
    let all: Vec<String> = all.into_iter().flatten().collect();
    if all.is_empty() { String::new() } else { format!("{:<20} {}\n", "", all.join(", ")) }
}

fn set(args: &ProjectsArgs) -> Map<String, Value> {
    let all: [(&str, Option<Value>); 5] = [
        ("weight", args.weight.map(Into::into)),
        ("burst_seconds", args.burst.map(Into::into)),
        ("slots_max", args.slots_max.map(Into::into)),
        ("tasks_max", args.tasks_max.map(Into::into)),
        ("seconds_max", args.seconds_max.map(Into::into)),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

pub fn queue(common: &Common, args: &FarmLink) -> Result<(), Stop> {
    let client = door::server(common, &args.link)?;
    let (queue, queues): (Queue, Vec<ClassQueue>) =
        block_on(async { Ok((client.get("/queue").await?, client.get("/queues").await?)) })?.map_err(|e| link_stop(&e))?;
    if common.json {
        let mut all = json!(queue);
        all["queues"] = json!(queues);
        return print_json(&all);
    }
    print(&format!(
        "{} jobs, {} tasks ready, {} running, {} slots on {} nodes\n",
        queue.jobs, queue.ready, queue.running, queue.slots, queue.nodes
    ));
    for of in queues.iter().filter(|of| of.ready + of.running + of.slots > 0) {
        print(&format!("  {:<5} {:>7} ready {:>5} running {:>5} slots\n", of.class, of.ready, of.running, of.slots));
        if let Some(why) = &of.why {
            print(&format!("        {why}\n"));
        }
    }
    Ok(())
}
