//! What an image job gives, as far as it is there: numbered pictures, the contact sheet, the manifest; and while it runs, what is seen of it.

use crate::params::ImageParams;
use crate::plan::{Part, tasks, thumb_name};
use klieg_kind::{File, Outputs, Piece};
use klieg_protocol::{Digest, JobSpec};

/// The name of a picture's file by its number from 0.
pub fn file_name(params: &ImageParams, number: u64) -> String {
    format!("image-{:06}.{}", number + 1, params.format.extension())
}

pub fn files(job: &JobSpec, outputs: &Outputs) -> Vec<File> {
    let Ok(params) = ImageParams::of(&job.params) else { return Vec::new() };
    let found = outputs.iter().filter_map(|((task, output), digest)| {
        let (name, media_type) = match (task.as_str(), output.strip_prefix("image/")) {
            (_, Some(number)) => (file_name(&params, number.parse().ok()?), params.format.media_type()),
            ("sheet", None) if output == "contact" => ("contact-sheet.png".to_owned(), "image/png"),
            ("sheet", None) if output == "manifest" => ("manifest.json".to_owned(), "application/json"),
            _ => return None,
        };
        Some(File { name, media_type, digest: *digest })
    });
    found.collect()
}

/// Pictures whose previews are told of at most.
const PIECES_MAX: u64 = 1_000;

/// A piece a picture: the finished one if it is there, else its preview.
pub fn pieces(job: &JobSpec, outputs: &Outputs) -> Vec<Piece> {
    let Ok(params) = ImageParams::of(&job.params) else { return Vec::new() };
    let class = params.device.unwrap_or_default();
    let mut pieces = Vec::new();
    // Parts are cut by the class that the plan chose, which is known by what it made; before that there is nothing to show.
    for (name, part) in parts_of(outputs, &params, class) {
        for number in (part.0..part.1).take_while(|number| *number < PIECES_MAX) {
            let output = |task: &str, name: String| outputs.get(&(task.to_owned(), name)).copied();
            let preview = || output(&format!("preview/{:06}", part.0), thumb_name(number));
            let picture: Option<Digest> = output(&name, thumb_name(number)).or_else(preview);
            pieces.push(Piece {
                name: file_name(&params, number),
                group: String::new(),
                first: u32::try_from(number).unwrap_or(u32::MAX),
                frames: 1,
                tasks: vec![name.clone()],
                picture,
            });
        }
    }
    pieces
}

/// Tasks of pictures and what each holds. Which class cut them is not in the job's parameters: the one whose tasks fit what is there.
fn parts_of(outputs: &Outputs, params: &ImageParams, class: klieg_protocol::Class) -> Vec<(String, (u64, u64))> {
    use klieg_protocol::Class;
    let of = |class: Class| -> Vec<(String, (u64, u64))> {
        let pictures = tasks(params, class).into_iter().filter(|task| task.step == "picture");
        let part = |task: klieg_protocol::TaskSpec| {
            let part: Part = serde_json::from_value(task.params).ok()?;
            Some((task.name, (part.first, part.end)))
        };
        pictures.filter_map(part).collect()
    };
    let fits = |parts: &[(String, (u64, u64))]| {
        let known = |task: &str| {
            let number = task.strip_prefix("picture/").or(task.strip_prefix("preview/"));
            number.is_none_or(|number| parts.iter().any(|(name, _)| name.ends_with(number)))
        };
        outputs.keys().all(|(task, _)| known(task))
    };
    let first = of(class);
    if fits(&first) { first } else { of(if class == Class::Cpu { Class::Cuda } else { Class::Cpu }) }
}
