//! What one session runs of a step.

use openjd_expr::{ExprValue, RangeExpr};
use openjd_model::{
    ModelError, StepParameterSpaceIterator, TaskParameterSet, TaskParameterType, TaskParameterValue,
    job::{ResolvedChunks, Step, StepParameterSpace, TaskParameter},
    template::RangeConstraint,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Into so many sessions a step with environments is cut at most, unless the submitter says otherwise.
pub const SESSIONS_WITH_ENVIRONMENTS: u64 = 16;
/// Into so many sessions a step is cut at most.
pub const SESSIONS_MAX: u64 = 10_000;

/// A part of a step's tasks. Deterministic: the same step is cut in the same way everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Share {
    /// Tasks, or chunks of a fixed size, by their place in the parameter space.
    Tasks { from: usize, to: usize },
    /// Values of a chunked parameter, to be run in chunks that take the time that the step wants. The other parameters are those
    /// of the task at `like` in the space of single tasks.
    Chunked { like: usize, values: String },
}

impl Share {
    /// Tasks in it, or single values of a chunked parameter.
    pub fn tasks(&self) -> u64 {
        match self {
            Self::Tasks { from, to } => (to - from) as u64,
            Self::Chunked { values, .. } => values.parse::<RangeExpr>().map_or(1, |values| values.len() as u64),
        }
    }
}

/// Cuts a step into what its sessions run. `sessions`: how many the submitter wants. A step without environments gets a session
/// for each task.
pub fn shares(step: &Step, environments: bool, sessions: Option<u32>) -> Result<Vec<Share>, ModelError> {
    let most = match sessions {
        Some(sessions) => u64::from(sessions.max(1)),
        None if environments => SESSIONS_WITH_ENVIRONMENTS,
        None => SESSIONS_MAX,
    };
    let size = |count: usize| (count as u64).div_ceil(most.min(SESSIONS_MAX)).max(1) as usize;
    let Some(space) = &step.parameter_space else { return Ok(vec![Share::Tasks { from: 0, to: 1 }]) };
    let iterator = StepParameterSpaceIterator::new(space)?;
    if iterator.chunks_adaptive() {
        return chunked(space, size);
    }
    let (count, size) = (iterator.len(), size(iterator.len()));
    Ok((0..count).step_by(size).map(|from| Share::Tasks { from, to: count.min(from + size) }).collect())
}

/// Shares of a space whose chunks have no fixed size: runs of values of the chunked parameter where the others are equal.
fn chunked(space: &StepParameterSpace, size: impl Fn(usize) -> usize) -> Result<Vec<Share>, ModelError> {
    let single = StepParameterSpaceIterator::new_with_chunk_override(space, Some(1))?;
    let Some((name, chunks)) = chunks_of(space) else { return Ok(Vec::new()) };
    let mut groups: Vec<(usize, Vec<i64>)> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let count = single.len();
    for (at, set) in (0..count).filter_map(|at| Some((at, single.get(at)?))) {
        let others = set.iter().filter(|(other, _)| *other != name).map(|(_, value)| value.value.to_display_string());
        let key = others.collect::<Vec<_>>().join("\u{0}");
        let place = *places.entry(key).or_insert_with(|| {
            groups.push((at, Vec::new()));
            groups.len() - 1
        });
        if let Some(TaskParameterValue { value: ExprValue::RangeExpr(values), .. }) = set.get(name) {
            groups[place].1.extend(values.iter());
        }
    }
    // No share is smaller than the chunk that the step begins with.
    let size = size(count).max(chunks.default_task_count);
    let cut = |(like, values): (usize, Vec<i64>)| {
        let parts = values.chunks(size).map(|part| RangeExpr::from_values(part.to_vec()));
        let parts = parts.map(|part| part.map(|values| Share::Chunked { like, values: values.to_string() }));
        parts.collect::<Result<Vec<_>, _>>()
    };
    let cut: Result<Vec<Vec<Share>>, _> = groups.into_iter().map(cut).collect();
    Ok(cut.map_err(ModelError::Expression)?.into_iter().flatten().collect())
}

/// The chunked parameter of a space.
fn chunks_of(space: &StepParameterSpace) -> Option<(&str, &ResolvedChunks)> {
    space.task_parameter_definitions.iter().find_map(|(name, parameter)| match parameter {
        TaskParameter::ChunkInt { chunks, .. } => Some((name.as_str(), chunks)),
        _ => None,
    })
}

/// The tasks of a share, one after the other. What they take decides how large the next chunk is.
pub enum Tasks {
    Fixed { space: Option<StepParameterSpaceIterator>, next: usize, end: usize },
    Chunked { like: TaskParameterSet, name: String, chunker: Chunker },
}

impl Tasks {
    /// Of a share of a step.
    pub fn of(step: &Step, share: &Share) -> Result<Self, ModelError> {
        let space = step.parameter_space.as_ref();
        match share {
            Share::Tasks { from, to } => {
                let space = space.map(StepParameterSpaceIterator::new).transpose()?;
                Ok(Self::Fixed { space, next: *from, end: *to })
            }
            Share::Chunked { like, values } => {
                let missing = || ModelError::DecodeValidation("the step has no chunks of that kind".into());
                let space = space.ok_or_else(missing)?;
                let (name, chunks) = chunks_of(space).ok_or_else(missing)?;
                let single = StepParameterSpaceIterator::new_with_chunk_override(space, Some(1))?;
                let like = single.get(*like).ok_or_else(missing)?;
                let values: RangeExpr = values.parse().map_err(ModelError::Expression)?;
                Ok(Self::Chunked { like, name: name.to_owned(), chunker: Chunker::new(values.to_vec(), chunks) })
            }
        }
    }

    /// The next task's parameters; the inner `None` when the step has none. With how many tasks they stand for.
    pub fn draw(&mut self) -> Option<(Option<TaskParameterSet>, usize)> {
        match self {
            Self::Fixed { space, next, end } => {
                if *next >= *end {
                    return None;
                }
                *next += 1;
                let set = match space {
                    Some(space) => Some(space.get(*next - 1)?),
                    None => None,
                };
                Some((set, 1))
            }
            Self::Chunked { like, name, chunker } => {
                let values = chunker.next()?;
                let count = values.len();
                let values = RangeExpr::from_values(values).ok()?.with_contiguous(chunker.contiguous);
                let value = TaskParameterValue { param_type: TaskParameterType::ChunkInt, value: ExprValue::RangeExpr(values) };
                let mut set = like.clone();
                set.insert(name.clone(), value);
                Some((Some(set), count))
            }
        }
    }

    /// So many tasks took so long.
    pub fn took(&mut self, tasks: usize, seconds: f64) {
        if let Self::Chunked { chunker, .. } = self {
            chunker.took(tasks, seconds);
        }
    }
}

/// Cuts values into chunks that take about the time that a step wants.
pub struct Chunker {
    rest: VecDeque<i64>,
    size: usize,
    contiguous: bool,
    target_seconds: f64,
    done: usize,
    seconds: f64,
}

impl Chunker {
    fn new(mut values: Vec<i64>, chunks: &ResolvedChunks) -> Self {
        values.sort_unstable();
        Self {
            rest: values.into(),
            size: chunks.default_task_count.max(1),
            contiguous: chunks.range_constraint == RangeConstraint::Contiguous,
            target_seconds: chunks.target_runtime_seconds.unwrap_or(0) as f64,
            done: 0,
            seconds: 0.0,
        }
    }

    fn next(&mut self) -> Option<Vec<i64>> {
        let mut chunk = vec![self.rest.pop_front()?];
        while chunk.len() < self.size
            && let (Some(last), Some(next)) = (chunk.last(), self.rest.front())
            && (!self.contiguous || *next == last + 1)
        {
            chunk.push(*next);
            self.rest.pop_front();
        }
        Some(chunk)
    }

    /// The reference's rule: what a task took on average gives the size; until ten have run, growth is taken by a quarter.
    fn took(&mut self, tasks: usize, seconds: f64) {
        (self.done, self.seconds) = (self.done + tasks, self.seconds + seconds);
        if self.target_seconds <= 0.0 || self.done == 0 || !self.seconds.is_finite() || self.seconds <= 0.0 {
            return;
        }
        let mut size = self.target_seconds / (self.seconds / self.done as f64);
        let now = self.size as f64;
        if self.done < 10 && size > now {
            size = 0.75 * now + 0.25 * size;
        }
        self.size = (size as usize).max(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::{DocumentType, Places, all_extensions, decode, prepare};

    fn step(space: &str) -> Step {
        let text = format!(
            "specificationVersion: jobtemplate-2023-09\nextensions: [TASK_CHUNKING]\nname: J\nsteps:\n- name: S\n  script: {{actions: {{onRun: {{command: x}}}}}}\n  parameterSpace:\n{space}"
        );
        let template = decode(&text, DocumentType::Yaml, &all_extensions()).unwrap();
        let places = Places { template: "/t", working: "/w" };
        prepare(template, Vec::new(), &BTreeMap::new(), places).unwrap().job.steps.remove(0)
    }

    fn all(step: &Step, share: &Share) -> Vec<String> {
        let mut tasks = Tasks::of(step, share).unwrap();
        std::iter::from_fn(|| tasks.draw())
            .map(|(set, _)| {
                let mut words: Vec<String> =
                    set.unwrap().iter().map(|(name, value)| format!("{name}={}", value.value.to_display_string())).collect();
                words.sort();
                words.join(" ")
            })
            .collect()
    }

    #[test]
    fn shares_hold_each_task_once() {
        let step =
            step("    taskParameterDefinitions: [{name: A, type: INT, range: 1-3}, {name: B, type: STRING, range: [x, y]}]\n");
        for sessions in [None, Some(1), Some(4), Some(100)] {
            let shares = shares(&step, true, sessions).unwrap();
            let mut seen: Vec<String> = shares.iter().flat_map(|share| all(&step, share)).collect();
            seen.sort();
            assert_eq!(seen, ["A=1 B=x", "A=1 B=y", "A=2 B=x", "A=2 B=y", "A=3 B=x", "A=3 B=y"]);
            assert!(shares.len() as u64 <= u64::from(sessions.unwrap_or(16)));
        }
        assert_eq!(shares(&step, false, None).unwrap().len(), 6);
    }

    const ADAPTIVE: &str = "    taskParameterDefinitions:\n    - {name: F, type: \"CHUNK[INT]\", range: 1-40, chunks: {defaultTaskCount: 2, targetRuntimeSeconds: 8, rangeConstraint: CONTIGUOUS}}\n    - {name: Q, type: STRING, range: [lo, hi]}\n    combination: F * Q\n";

    #[test]
    fn adaptive_chunks_are_shared_by_their_values_whatever_the_combination() {
        let step = step(ADAPTIVE);
        let shares = shares(&step, true, Some(4)).unwrap();
        let values: Vec<u64> = shares.iter().map(Share::tasks).collect();
        assert_eq!(values, [20; 4]);
        let first = all(&step, &shares[0]);
        assert_eq!((first.len(), first[0].as_str()), (10, "F=1-2 Q=lo"));
    }

    #[test]
    fn chunks_grow_towards_the_time_that_is_wanted() {
        let step = step(ADAPTIVE);
        let mut tasks = Tasks::of(&step, &shares(&step, true, Some(2)).unwrap()[0]).unwrap();
        let mut sizes = Vec::new();
        while let Some((_, count)) = tasks.draw() {
            sizes.push(count);
            tasks.took(count, count as f64 * 0.5);
        }
        // A second holds two: sixteen fill eight seconds.
        assert_eq!(sizes.iter().sum::<usize>(), 40);
        assert_eq!(sizes[..3], [2, 5, 7]);
        assert_eq!(sizes[3], 16);
    }
}
