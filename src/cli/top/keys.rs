//! What is on the screen beside what was seen, and what a key does to it.

use super::look::Seen;
use crossterm::event::{KeyCode, KeyModifiers};
use klieg_api::front::views::NodeState;

/// The lists that can be walked through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pane {
    #[default]
    Devices,
    Jobs,
}

/// What stands over the lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Over {
    /// Sentences; any key takes them away.
    Say(Vec<String>),
    /// Whether a node is to be drained (or undrained).
    Ask { node: String, drained: bool },
}

/// What a key asks for that the screen cannot do by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    Nothing,
    Quit,
    Interrupt,
    Why(String),
    Drain(String, bool),
}

#[derive(Clone, Debug, Default)]
pub struct Screen {
    pub seen: Option<Seen>,
    /// Why the last look came to nothing.
    pub trouble: Option<String>,
    pub pane: Pane,
    /// By place in its list.
    pub device: usize,
    pub job: usize,
    pub over: Option<Over>,
}

impl Screen {
    pub fn of(seen: Seen) -> Self {
        Self { seen: Some(seen), ..Self::default() }
    }

    /// Takes a new look in.
    pub fn take(&mut self, seen: Seen) {
        let devices: usize = seen.nodes.iter().map(|node| node.devices.len()).sum();
        self.device = self.device.min(devices.saturating_sub(1));
        self.job = self.job.min(seen.jobs.len().saturating_sub(1));
        (self.seen, self.trouble) = (Some(seen), None);
    }

    /// Shows sentences until a key is typed.
    pub fn say(&mut self, sentences: Vec<String>) {
        self.over = Some(Over::Say(sentences));
    }

    pub fn key(&mut self, code: KeyCode, with: KeyModifiers) -> Wish {
        if code == KeyCode::Char('c') && with.contains(KeyModifiers::CONTROL) {
            return Wish::Interrupt;
        }
        match self.over.take() {
            Some(Over::Ask { node, drained }) => match code {
                KeyCode::Char('y') | KeyCode::Enter => return Wish::Drain(node, drained),
                _ => return Wish::Nothing,
            },
            Some(Over::Say(_)) => return Wish::Nothing,
            None => {}
        }
        match code {
            KeyCode::Char('q') | KeyCode::Esc => return Wish::Quit,
            KeyCode::Tab | KeyCode::BackTab | KeyCode::Left | KeyCode::Right => {
                self.pane = if self.pane == Pane::Devices { Pane::Jobs } else { Pane::Devices };
            }
            KeyCode::Down | KeyCode::Char('j') => self.step(1),
            KeyCode::Up | KeyCode::Char('k') => self.step(-1),
            KeyCode::Home => self.step(isize::MIN),
            KeyCode::End => self.step(isize::MAX),
            KeyCode::Enter => return self.enter(),
            KeyCode::Char('d') => self.ask(),
            _ => {}
        }
        Wish::Nothing
    }

    fn step(&mut self, by: isize) {
        let Some(seen) = &self.seen else { return };
        let (place, many) = match self.pane {
            Pane::Devices => (&mut self.device, seen.nodes.iter().map(|node| node.devices.len()).sum::<usize>()),
            Pane::Jobs => (&mut self.job, seen.jobs.len()),
        };
        *place = place.saturating_add_signed(by).min(many.saturating_sub(1));
    }

    /// The node and the device that are chosen, by their places.
    pub fn chosen(&self) -> Option<(usize, usize)> {
        let nodes = &self.seen.as_ref()?.nodes;
        let all = nodes.iter().enumerate().flat_map(|(node, of)| (0..of.devices.len()).map(move |device| (node, device)));
        all.into_iter().nth(self.device)
    }

    /// Why it stands as it does.
    fn enter(&mut self) -> Wish {
        let Some(seen) = &self.seen else { return Wish::Nothing };
        match self.pane {
            Pane::Jobs => seen.jobs.get(self.job).map_or(Wish::Nothing, |job| Wish::Why(job.id.clone())),
            Pane::Devices => {
                let Some((node, device)) = self.chosen() else { return Wish::Nothing };
                let node = &seen.nodes[node];
                let of = &node.devices[device];
                let mut told = vec![format!("{} {}: {}", node.id, of.name, super::view::word(of.state))];
                told.extend(of.reason.iter().chain(&node.reason).cloned());
                told.extend(of.tasks.iter().map(|task| format!("{} {}", task.job, task.task)));
                if of.tasks.is_empty() {
                    told.push("it runs nothing".into());
                }
                self.say(told);
                Wish::Nothing
            }
        }
    }

    /// Asks whether the chosen device's node is to be drained, or undrained.
    fn ask(&mut self) {
        let Some((node, _)) = self.chosen().filter(|_| self.pane == Pane::Devices) else { return };
        let Some(node) = self.seen.as_ref().and_then(|seen| seen.nodes.get(node)) else { return };
        let drained = node.state != NodeState::Draining;
        self.over = Some(Over::Ask { node: node.id.clone(), drained });
    }
}
