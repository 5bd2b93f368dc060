//! The tasks of an image job: pictures in equal parts, small previews of the first of them ahead, and the sheet that ends it.

use crate::params::ImageParams;
use klieg_protocol::{Ask, Class, Input, Source, TaskSpec};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;

/// What a task of pictures should take, in seconds of one slot.
const PART_SECONDS: f64 = 30.0;
/// Pictures of a task at most, and tasks of pictures at most.
const PART_MAX: u64 = 64;
const PARTS_MAX: u64 = 4096;
/// Parts that have a preview, where a picture takes at least so long.
const PREVIEWS: u64 = 8;
const PREVIEW_FROM_SECONDS: f64 = 3.0;
/// Longest side of a preview, and its samples a pixel.
pub const PREVIEW_SIDE: u32 = 320;
pub const PREVIEW_SAMPLES: u32 = 2;
/// Pictures on the contact sheet at most; of more every n-th.
pub const SHEET_MAX: u64 = 100;

const MIB: u64 = 1 << 20;
const STAGE_BYTES: u64 = 500 * MIB;
const PIXEL_BYTES: u64 = 256;

/// Parameters of a `picture` or `preview` task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Of the whole job, without its count: the same pictures have the same digest in another job.
    pub image: ImageParams,
    /// Numbers in the job, from 0: the first, and one past the last.
    pub first: u64,
    pub end: u64,
}

impl Part {
    /// The seed of the job's picture of that number.
    pub fn seed(&self, number: u64) -> u64 {
        self.image.seed + number
    }
}

/// Everything that a job does.
pub fn tasks(params: &ImageParams, class: Class) -> Vec<TaskSpec> {
    let parts = parts(params, class);
    let seconds = picture_seconds(params, class);
    let mut tasks = Vec::new();
    if seconds >= PREVIEW_FROM_SECONDS {
        tasks.extend(parts.iter().take(PREVIEWS as usize).map(|range| preview(params, *range, class)));
    }
    tasks.extend(parts.iter().enumerate().map(|(n, range)| pictures(params, *range, class, seconds, n)));
    tasks.push(sheet(params, &parts));
    tasks
}

/// First and end of every part.
fn parts(params: &ImageParams, class: Class) -> Vec<(u64, u64)> {
    let by_time = (PART_SECONDS / picture_seconds(params, class)) as u64;
    let length = by_time.clamp(1, PART_MAX).max(params.count.div_ceil(PARTS_MAX));
    (0..params.count).step_by(length as usize).map(|first| (first, (first + length).min(params.count))).collect()
}

/// Estimated seconds of a slot for one picture: the set with its tree, the puppets, and the paths. Measured on 2 cores of an AMD EPYC
/// (Zen 4); on GPUs about a twentieth of the paths' time. Used for estimates and parts only.
pub fn picture_seconds(params: &ImageParams, class: Class) -> f64 {
    let (width, height) = params.size;
    let paths = f64::from(width) * f64::from(height) * f64::from(params.samples) * 0.7e-6;
    1.0 + if class == Class::Cpu { paths } else { paths / 20.0 }
}

fn task(name: String, step: &str, part: &Part, ask: Ask, rank: u32, label: String) -> TaskSpec {
    TaskSpec { name, step: step.into(), params: json!(part), inputs: BTreeMap::new(), ask, rank, label }
}

fn part(params: &ImageParams, (first, end): (u64, u64), class: Class) -> Part {
    // By its own first seed, so that neither the count nor the number in the job names the pixels.
    let image = ImageParams { count: end - first, device: Some(class), ..params.clone() };
    Part { image, first, end }
}

fn bytes((width, height): (u32, u32)) -> u64 {
    STAGE_BYTES + u64::from(width) * u64::from(height) * PIXEL_BYTES
}

fn preview(params: &ImageParams, range: (u64, u64), class: Class) -> TaskSpec {
    let part = part(params, range, class);
    let ask = Ask {
        memory_bytes: bytes((PREVIEW_SIDE, PREVIEW_SIDE)),
        seconds: 1.2 * (range.1 - range.0) as f64,
        class,
        ..Ask::default()
    };
    task(format!("preview/{:06}", range.0), "preview", &part, ask, 0, format!("previews of {}", numbers(range)))
}

fn pictures(params: &ImageParams, range: (u64, u64), class: Class, seconds: f64, n: usize) -> TaskSpec {
    let part = part(params, range, class);
    let (width, height) = params.size;
    let shape = format!("{width}x{height}");
    let ask =
        Ask { memory_bytes: bytes(params.size), seconds: seconds * (range.1 - range.0) as f64, class, shape, ..Ask::default() };
    task(format!("picture/{:06}", range.0), "picture", &part, ask, 10 + n as u32, numbers(range))
}

fn numbers((first, end): (u64, u64)) -> String {
    if end - first == 1 { format!("picture {end}") } else { format!("pictures {}–{end}", first + 1) }
}

fn sheet(params: &ImageParams, parts: &[(u64, u64)]) -> TaskSpec {
    let input = |task: String, name: &str| Input { from: Source::Output { task, name: name.to_owned() } };
    let every = params.count.div_ceil(SHEET_MAX);
    let mut inputs = BTreeMap::new();
    for (first, end) in parts {
        let name = format!("picture/{first:06}");
        inputs.insert(format!("record/{first:06}"), input(name.clone(), "record"));
        for number in (*first..*end).filter(|number| number % every == 0) {
            inputs.insert(format!("thumb/{number:06}"), input(name.clone(), &thumb_name(number)));
        }
    }
    // No pixels are made here: of no class.
    let part = Part { image: ImageParams { device: None, ..params.clone() }, first: 0, end: params.count };
    let seconds = 0.3 + 0.02 * params.count.min(SHEET_MAX) as f64;
    let ask = Ask { memory_bytes: 200 * MIB, seconds, ..Ask::default() };
    TaskSpec { inputs, ..task("sheet".into(), "sheet", &part, ask, 1_000_000, "contact sheet and manifest".into()) }
}

/// Outputs of a `picture` task.
pub fn image_name(number: u64) -> String {
    format!("image/{number:06}")
}

pub fn thumb_name(number: u64) -> String {
    format!("thumb/{number:06}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(count: u64, size: (u32, u32), samples: u32) -> ImageParams {
        ImageParams::of(&json!({"prompt": "a temple", "count": count, "size": size, "samples": samples})).unwrap()
    }

    fn covered(tasks: &[TaskSpec]) -> Vec<(u64, u64)> {
        let part = |task: &TaskSpec| serde_json::from_value::<Part>(task.params.clone()).unwrap();
        tasks.iter().filter(|task| task.step == "picture").map(part).map(|part| (part.first, part.end)).collect()
    }

    #[test]
    fn every_picture_is_in_one_task() {
        for (count, size, samples) in
            [(1, (320, 184), 4), (100, (320, 184), 4), (100_000, (64, 64), 1), (100_000, (4096, 4096), 4096)]
        {
            let params = ImageParams { size, ..params(count, (320, 184), samples) };
            for class in [Class::Cpu, Class::Cuda] {
                let parts = covered(&tasks(&params, class));
                assert_eq!((parts[0].0, parts[parts.len() - 1].1), (0, count));
                assert!(parts.windows(2).all(|pair| pair[0].1 == pair[1].0), "{count} {size:?}");
                assert!(parts.len() as u64 <= PARTS_MAX);
            }
        }
    }

    #[test]
    fn faster_devices_have_longer_parts() {
        let params = params(64, (1024, 1024), 16);
        let (cpu, cuda) = (covered(&tasks(&params, Class::Cpu)), covered(&tasks(&params, Class::Cuda)));
        assert!(cpu.len() > 3 * cuda.len(), "{} and {}", cpu.len(), cuda.len());
    }

    #[test]
    fn slow_pictures_have_previews_first() {
        let slow = tasks(&params(4, (1024, 1024), 16), Class::Cpu);
        assert!(slow[0].step == "preview" && slow[0].rank < slow.iter().find(|task| task.step == "picture").unwrap().rank);
        assert!(tasks(&params(4, (320, 184), 4), Class::Cpu).iter().all(|task| task.step != "preview"));
    }
}
