//! The farm as a picture of characters. Bars stand beside their numbers, so that nothing is told by colour alone.

use super::keys::{Over, Pane, Screen};
use super::look::Seen;
use crate::show::{clock, money};
use klieg_api::front::views::{Device, Job, Node, NodeState, State};
use ratatui::{
    Frame,
    layout::{Alignment, Constraint, Layout, Rect},
    style::{Color, Modifier, Style},
    text::Line,
    widgets::{Block, Borders, Cell, Clear, Paragraph, Row, Table, TableState, Wrap},
};

/// Characters of a bar.
const BAR: usize = 10;
/// From here on a GPU is hot.
const HOT_CELSIUS: u32 = 85;
/// What a list is never lower than, borders and names included.
const LIST_LINES_MIN: u16 = 4;

/// How high a picture has to be for everything to be seen.
pub fn height(screen: &Screen) -> u16 {
    let Some(seen) = &screen.seen else { return LIST_LINES_MIN };
    let devices: usize = seen.nodes.iter().map(|node| node.devices.len()).sum();
    let lines = 2 + classes(seen).count() + devices.max(1) + 3 + seen.jobs.len().max(1) + 3 + 1;
    u16::try_from(lines).unwrap_or(u16::MAX).min(1_000)
}

pub fn draw(frame: &mut Frame<'_>, screen: &Screen) {
    let Some(seen) = &screen.seen else {
        let said = screen.trouble.as_deref().unwrap_or("asking the farm …");
        return frame.render_widget(Paragraph::new(said).wrap(Wrap { trim: true }), frame.area());
    };
    let devices: usize = seen.nodes.iter().map(|node| node.devices.len()).sum();
    let class_lines = u16::try_from(classes(seen).count()).unwrap_or(1);
    let device_lines = u16::try_from(devices.max(1)).unwrap_or(u16::MAX).saturating_add(3);
    let room = frame.area().height.saturating_sub(3 + class_lines);
    let parts = Layout::vertical([
        Constraint::Length(2),
        Constraint::Length(class_lines),
        // Jobs get a third at least, if they need it.
        Constraint::Length(device_lines.min((room * 2 / 3).max(LIST_LINES_MIN))),
        Constraint::Min(LIST_LINES_MIN),
        Constraint::Length(1),
    ]);
    let [head, queue, devices, jobs, foot] = parts.areas(frame.area());
    frame.render_widget(Paragraph::new(summary(seen)), head);
    frame.render_widget(Paragraph::new(classes(seen).collect::<Vec<_>>()), queue);
    device_table(frame, screen, seen, devices);
    job_table(frame, screen, seen, jobs);
    let keys = " q quit   ↑↓ choose   Tab devices/jobs   Enter why   d drain/undrain";
    match &screen.trouble {
        Some(trouble) => frame.render_widget(Paragraph::new(trouble.as_str()).style(Style::new().fg(Color::Red)), foot),
        None => frame.render_widget(Paragraph::new(keys).style(Style::new().add_modifier(Modifier::DIM)), foot),
    }
    if let Some(over) = &screen.over {
        lay_over(frame, over);
    }
}

fn summary(seen: &Seen) -> Vec<Line<'static>> {
    let well = seen.nodes.iter().filter(|node| node.state == NodeState::Healthy).count();
    let faulty = seen.nodes.iter().flat_map(|node| &node.devices).filter(|device| device.state == NodeState::Faulty).count();
    let queue = &seen.queue;
    let ill = if faulty > 0 { format!("   {faulty} faulty") } else { String::new() };
    let first = format!(
        "klieg   {} jobs   {} tasks run on {} slots   {} wait   {well}/{} nodes healthy{ill}",
        queue.jobs,
        queue.running,
        queue.slots,
        queue.ready,
        seen.nodes.len(),
    );
    vec![Line::from(first).style(Style::new().add_modifier(Modifier::BOLD)), Line::default()]
}

/// A line for each class of device that is there or wanted.
fn classes(seen: &Seen) -> impl Iterator<Item = Line<'static>> + '_ {
    let used = seen.queue.classes.iter().filter(|(_, of)| of.ready + of.running + of.slots > 0);
    used.map(|(class, of)| {
        let share = if of.slots > 0 { of.running as f64 / of.slots as f64 } else { 0.0 };
        Line::from(format!("{class:<5} {} {:>5} run on {:>5} slots {:>7} wait", bar(share), of.running, of.slots, of.ready))
    })
}

/// Full blocks for what is used.
fn bar(share: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and BAR")]
    let full = (share.clamp(0.0, 1.0) * BAR as f64).round() as usize;
    format!("{}{}", "█".repeat(full), "░".repeat(BAR - full))
}

pub fn word(state: NodeState) -> &'static str {
    match state {
        NodeState::Healthy => "healthy",
        NodeState::Draining => "draining",
        NodeState::Faulty => "faulty",
        NodeState::Away => "away",
    }
}

fn shade(state: NodeState) -> Style {
    match state {
        NodeState::Healthy => Style::new(),
        NodeState::Draining => Style::new().fg(Color::Yellow),
        NodeState::Faulty => Style::new().fg(Color::Red),
        NodeState::Away => Style::new().add_modifier(Modifier::DIM),
    }
}

/// A list with a title; the chosen line stands out where its pane is the one that keys go to.
fn list<'a>(title: &'a str, names: &'a [&'a str], widths: Vec<Constraint>, rows: Vec<Row<'a>>, chosen: bool) -> Table<'a> {
    let edge = if chosen { Style::new().add_modifier(Modifier::BOLD) } else { Style::new().add_modifier(Modifier::DIM) };
    let block = Block::new().borders(Borders::TOP).border_style(edge).title(title).title_alignment(Alignment::Left);
    let here = if chosen { Style::new().add_modifier(Modifier::REVERSED) } else { Style::new() };
    let names = Row::new(names.iter().map(|name| Cell::from(*name))).style(Style::new().add_modifier(Modifier::DIM));
    Table::new(rows, widths).header(names).block(block).row_highlight_style(here).column_spacing(1)
}

fn device_table(frame: &mut Frame<'_>, screen: &Screen, seen: &Seen, area: Rect) {
    let rows: Vec<Row<'_>> =
        seen.nodes.iter().flat_map(|node| node.devices.iter().map(move |device| of_device(node, device))).collect();
    if rows.is_empty() {
        let said = "no node has joined; `klieg node --server URL` lets a machine work for the farm";
        let block = Block::new().borders(Borders::TOP).title(" Devices ");
        return frame.render_widget(Paragraph::new(said).block(block), area);
    }
    let names = ["node", "device", "state", "use", "", "memory", "", "temp", "slots", "does"];
    let widths = [12, 20, 8, 10, 5, 10, 12, 6, 5];
    let widths = widths.map(Constraint::Length).into_iter().chain([Constraint::Fill(1)]).collect();
    let mut state = TableState::new().with_selected(Some(screen.device));
    let table = list(" Devices ", &names, widths, rows, screen.pane == Pane::Devices);
    frame.render_stateful_widget(table, area, &mut state);
}

fn of_device<'a>(node: &'a Node, device: &'a Device) -> Row<'a> {
    let gpu = device.telemetry.as_ref();
    let of_host = node.host.as_ref().filter(|_| device.class == "cpu").map(|host| f64::from(host.cpu_permille) / 1000.0);
    let used = gpu.and_then(|gpu| gpu.used_percent).map(|percent| f64::from(percent) / 100.0).or(of_host);
    let whole = gpu.and_then(|gpu| gpu.memory_bytes).unwrap_or(device.memory_bytes);
    let taken = gpu.and_then(|gpu| gpu.memory_used_bytes).unwrap_or(device.memory_held_bytes);
    let share = if whole > 0 { taken as f64 / whole as f64 } else { 0.0 };
    let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
    let heat = gpu.and_then(|gpu| gpu.celsius);
    let hot = heat.is_some_and(|heat| heat >= HOT_CELSIUS);
    let does = match device.tasks.first() {
        Some(task) if device.tasks.len() > 1 => format!("{} {} and {} more", task.job, task.task, device.tasks.len() - 1),
        Some(task) => format!("{} {}", task.job, task.task),
        None => device.reason.clone().or_else(|| node.reason.clone()).unwrap_or_default(),
    };
    Row::new([
        Cell::from(node.id.as_str()),
        Cell::from(format!("{}:{} {}", device.class, device.index, device.name)),
        Cell::from(word(device.state)),
        Cell::from(used.map(bar).unwrap_or_default()),
        Cell::from(used.map(|used| format!("{:>3.0} %", used * 100.0)).unwrap_or_default()),
        Cell::from(bar(share)),
        Cell::from(format!("{:.1}/{:.0} GiB", gib(taken), gib(whole))),
        Cell::from(heat.map(|heat| format!("{heat} °C")).unwrap_or_default()).style(match hot {
            true => Style::new().fg(Color::Red).add_modifier(Modifier::BOLD),
            false => Style::new(),
        }),
        Cell::from(format!("{}/{}", device.slots_held, device.slots)),
        Cell::from(does),
    ])
    .style(shade(device.state))
}

fn job_table(frame: &mut Frame<'_>, screen: &Screen, seen: &Seen, area: Rect) {
    let rows: Vec<Row<'_>> = seen.jobs.iter().map(of_job).collect();
    if rows.is_empty() {
        let block = Block::new().borders(Borders::TOP).title(" Jobs ");
        return frame.render_widget(Paragraph::new("nothing is to be done").block(block), area);
    }
    let names = ["job", "state", "progress", "", "stage", "left", "cost", "what"];
    let widths = [11, 8, 10, 5, 16, 10, 9];
    let widths = widths.map(Constraint::Length).into_iter().chain([Constraint::Fill(1)]).collect();
    let mut state = TableState::new().with_selected(Some(screen.job));
    frame.render_stateful_widget(list(" Jobs ", &names, widths, rows, screen.pane == Pane::Jobs), area, &mut state);
}

fn of_job(job: &Job) -> Row<'_> {
    let what = if job.project.is_empty() { job.label.clone() } else { format!("{} ({})", job.label, job.project) };
    let dim = if job.state == State::Queued { Style::new().add_modifier(Modifier::DIM) } else { Style::new() };
    Row::new([
        Cell::from(job.id.as_str()),
        Cell::from(job.state.word()),
        Cell::from(bar(job.progress / 100.0)),
        Cell::from(format!("{:>3.0} %", job.progress)),
        Cell::from(job.stage.as_str()),
        Cell::from(job.eta_seconds.map(clock).unwrap_or_default()),
        Cell::from(money(job.cost)),
        Cell::from(what),
    ])
    .style(dim)
}

/// A box in the middle.
fn lay_over(frame: &mut Frame<'_>, over: &Over) {
    let (title, text) = match over {
        Over::Say(sentences) => (" any key closes this ", sentences.join("\n")),
        Over::Ask { node, drained: true } => {
            (" y: yes, any other key: no ", format!("Drain {node}? It gets no more tasks; what runs there comes to its end."))
        }
        Over::Ask { node, drained: false } => (" y: yes, any other key: no ", format!("Let {node} have tasks again?")),
    };
    let area = frame.area();
    let wide = area.width.saturating_sub(8).clamp(1, 90);
    let lines: usize = text.lines().map(|line| line.chars().count() / usize::from(wide.saturating_sub(4).max(1)) + 1).sum();
    let high = u16::try_from(lines).unwrap_or(u16::MAX).saturating_add(2).min(area.height);
    let place = Rect { x: (area.width - wide) / 2, y: area.height.saturating_sub(high) / 2, width: wide, height: high };
    frame.render_widget(Clear, place);
    let block = Block::bordered().title(title);
    frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: true }).block(block), place);
}

#[cfg(test)]
mod tests;
