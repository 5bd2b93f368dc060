//! `klieg doctor`: what this machine has and lacks; and the check before a render that nothing it needs is missing.

use super::{Common, Stop, print, print_json};
use klieg_film_speech::Engine;
use klieg_kernels::Device;
use klieg_nodes::telemetry::{
    Nvml,
    driver::{Driver, Gpu},
};
use klieg_pipelines::film::{Preparation, fonts_found};
use klieg_pipelines::kind::Format;
use serde::Serialize;

/// One thing a machine may have.
#[derive(Serialize)]
struct Finding {
    what: String,
    has: bool,
    /// What was found, or what is missing without it.
    detail: String,
    /// The command that would install it.
    #[serde(skip_serializing_if = "Option::is_none")]
    install: Option<String>,
}

fn finding(what: impl Into<String>, has: bool, detail: impl Into<String>, install: Option<&str>) -> Finding {
    Finding { what: what.into(), has, detail: detail.into(), install: install.filter(|_| !has).map(str::to_owned) }
}

pub fn run(common: &Common) -> Result<(), Stop> {
    let findings = findings();
    if common.json {
        return print_json(&findings);
    }
    for f in findings {
        print(&format!("{} {:<22} {}\n", if f.has { "✓" } else { "✗" }, f.what, f.detail));
        if let Some(command) = f.install {
            print(&format!("  {:<22} → {command}\n", ""));
        }
    }
    Ok(())
}

fn findings() -> Vec<Finding> {
    let mut all = machine();
    all.extend(encoders());
    all.extend(voices());
    let font = klieg_film_score::font_path();
    let detail = font.as_ref().map_or("the score plays on the built-in synth".to_owned(), |path| path.display().to_string());
    all.push(finding("sound font", font.is_some(), detail, Some("apt-get install fluid-soundfont-gm")));
    let fonts = fonts_found();
    all.push(finding(
        "title fonts",
        fonts > 0,
        format!("{fonts} Noto faces"),
        Some("apt-get install fonts-noto-core fonts-noto-cjk"),
    ));
    all
}

fn machine() -> Vec<Finding> {
    let found = klieg_nodes::discover::machine();
    let gib = found.memory_bytes as f64 / f64::from(1 << 30);
    let mut all = vec![finding("processor", true, format!("{}, {} threads, {gib:.0} GiB", found.cpu, found.threads), None)];
    match Nvml::open() {
        Ok(mut nvml) => all.extend(nvml.gpus().iter().map(nvidia)),
        Err(why) => {
            let listed = found.gpus.iter().map(|gpu| format!("{}, driver {}, {}", gpu.model, gpu.driver, gpu.bus));
            all.extend(listed.map(|gpu| finding("NVIDIA GPU", true, gpu, None)));
            if !found.gpus.is_empty() {
                all.push(finding("GPU telemetry", false, format!("failed to {why}"), None));
            }
        }
    }
    all.extend(devices());
    all
}

/// A GPU as an agent offers it.
fn nvidia(gpu: &Gpu) -> Finding {
    let facts = &gpu.facts;
    let compute = facts.compute.map_or(String::new(), |(major, minor)| format!(", compute capability {major}.{minor}"));
    let gib = gpu.memory_bytes as f64 / f64::from(1 << 30);
    let detail = format!("{}, {gib:.0} GiB{compute}, driver {}, {}, {}", gpu.name, facts.driver, facts.bus, facts.uuid);
    finding("NVIDIA GPU", true, detail, None)
}

/// What pictures can be made on, by the words that `--device` takes.
fn devices() -> Vec<Finding> {
    let devices = Device::list();
    let here = devices.found.into_iter().map(|info| {
        let memory = info.memory_bytes.map_or(String::new(), |bytes| format!(", {:.0} GiB", bytes as f64 / f64::from(1 << 30)));
        finding(format!("device {}", info.choice), true, format!("{}, {}{memory}", info.name, info.driver), None)
    });
    let missing = devices.missing.into_iter().map(|why| finding("device", false, why.to_string(), None));
    here.chain(missing).collect()
}

fn encoders() -> Vec<Finding> {
    let one = |format: Format, word: &str| {
        let missing = klieg_nodes::encode::missing(format);
        let detail = missing.as_ref().map_or("ready".to_owned(), |names| format!("lacks {}", names.join(", ")));
        finding(word, missing.is_none(), detail, Some("apt-get install libavcodec-extra"))
    };
    vec![one(Format::Mp4, "mp4 (H.264, AAC)"), one(Format::Webm, "webm (VP9, Opus)"), one(Format::Mov, "mov (ProRes, PCM)")]
}

fn voices() -> Vec<Finding> {
    klieg_film_speech::available()
        .into_iter()
        .map(|a| {
            let languages = a.languages.len();
            let detail = match (&a.trouble, languages) {
                (Some(trouble), _) => trouble.clone(),
                (None, 0) => "not found".into(),
                (None, n) => format!("{n} language{}, {}", if n == 1 { "" } else { "s" }, a.path.unwrap_or_default().display()),
            };
            finding(format!("voices: {}", a.program), languages > 0, detail, a.install)
        })
        .collect()
}

/// Refuses a render whose voices or encoders this machine lacks, before anything is computed.
pub fn require(preparation: &Preparation, format: Format) -> Result<(), Stop> {
    if let Some(names) = klieg_nodes::encode::missing(format) {
        return Err(Stop::bad(format!(
            "FFmpeg's libraries here lack {}; install them with `apt-get install libavcodec-extra`, or choose another --format",
            names.join(", ")
        )));
    }
    if fonts_found() == 0 {
        return Err(Stop::bad("no Noto fonts for the titles; install them with `apt-get install fonts-noto-core fonts-noto-cjk`"));
    }
    let available = klieg_film_speech::available();
    let needed = |program: &str| {
        preparation.lines().iter().any(|line| match preparation.voices[line.speaker].engine {
            Engine::Flite { .. } => program == "flite",
            Engine::Espeak { .. } => program != "flite",
        })
    };
    match available.into_iter().find(|a| a.languages.is_empty() && needed(a.program)) {
        Some(a) => Err(Stop::bad(format!(
            "the script's lines need {}, which is missing: {}",
            a.program,
            a.install.unwrap_or("install it")
        ))),
        None => Ok(()),
    }
}
