//! What every verb that reads a film's script takes, and how the file is read.

use super::Stop;
use klieg_pipelines::film::{FilmParams, Loudness, LutFile, Preparation, Quality, default_seed, read_lut, select};
use klieg_pipelines::kind::Format;
use klieg_protocol::Digest;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Scripts of this size or more are refused before they are read.
const SCRIPT_BYTES_MAX: u64 = 50_000_000;

#[derive(clap::Args, Clone)]
pub struct FilmArgs {
    /// A Fountain (.fountain, .txt) or Final Draft (.fdx) screenplay; - reads standard input.
    pub script: PathBuf,
    /// Fineness: draft 640×360 and 4 samples a pixel, standard 1280×720 and 4, final 1920×1080 and 16.
    #[arg(long, value_enum, default_value = "draft")]
    pub quality: QualityArg,
    /// Width and height in pixels instead of the quality's own.
    #[arg(long, value_name = "WxH", value_parser = size)]
    pub size: Option<(u32, u32)>,
    /// Samples a pixel instead of the quality's own; a film's noise halves with four times as many.
    #[arg(long, value_name = "N")]
    pub spp: Option<u32>,
    /// Another number makes other choices (shots, sets, faces, music); the same number makes the same film.
    #[arg(long, default_value_t = default_seed())]
    pub seed: u64,
    /// Only these scenes (sc020,sc030).
    #[arg(long, value_delimiter = ',', value_name = "SCENE")]
    pub only: Vec<String>,
    /// Only these shots (sc020_sh010).
    #[arg(long, value_delimiter = ',', value_name = "SHOT")]
    pub shots: Vec<String>,
    /// Animate on ones (24 poses a second) or on twos (12, each held for two frames).
    #[arg(long, value_enum, default_value = "twos")]
    pub on: OnArg,
    /// Delivery: mp4 (H.264 + AAC), webm (VP9 + Opus), mov (ProRes 422 HQ + PCM).
    #[arg(long, value_enum, default_value = "mp4")]
    pub format: FormatArg,
    /// Loudness: web −14 LUFS, ebu −23, netflix −27 dialogue-gated.
    #[arg(long, value_enum, default_value = "web")]
    pub loudness: LoudnessArg,
}

#[derive(clap::ValueEnum, Clone, Copy)]
pub enum QualityArg {
    Draft,
    Standard,
    Final,
}

#[derive(clap::ValueEnum, Clone, Copy)]
pub enum OnArg {
    Ones,
    Twos,
}

#[derive(clap::ValueEnum, Clone, Copy)]
pub enum FormatArg {
    Mp4,
    Webm,
    Mov,
}

#[derive(clap::ValueEnum, Clone, Copy)]
pub enum LoudnessArg {
    Web,
    Ebu,
    Netflix,
}

impl FilmArgs {
    /// The film job's parameters.
    pub fn params(&self) -> FilmParams {
        FilmParams {
            file: self.script.file_name().unwrap_or(self.script.as_os_str()).to_string_lossy().into_owned(),
            quality: match self.quality {
                QualityArg::Draft => Quality::Draft,
                QualityArg::Standard => Quality::Standard,
                QualityArg::Final => Quality::Final,
            },
            size: self.size,
            samples: self.spp,
            seed: self.seed,
            on: match self.on {
                OnArg::Ones => klieg_film_animate::On::Ones,
                OnArg::Twos => klieg_film_animate::On::Twos,
            },
            only: self.only.clone(),
            shots: self.shots.clone(),
            format: match self.format {
                FormatArg::Mp4 => Format::Mp4,
                FormatArg::Webm => Format::Webm,
                FormatArg::Mov => Format::Mov,
            },
            loudness: match self.loudness {
                LoudnessArg::Web => Loudness::Web,
                LoudnessArg::Ebu => Loudness::Ebu,
                LoudnessArg::Netflix => Loudness::Netflix,
            },
            device: None,
            lut: None,
        }
    }

    /// The script's bytes, its preparation, and the cut as far as it can be known before the lines are spoken.
    pub fn prepare(&self) -> Result<(Vec<u8>, Preparation, klieg_film_words::shot::Cut), Stop> {
        let bytes = read_script(&self.script)?;
        let params = self.params();
        let preparation = Preparation::of(&bytes, &params)?;
        let cut = select(preparation.direct(&preparation.estimates()), &preparation.story, &params)?;
        Ok((bytes, preparation, cut))
    }
}

/// `1280x720`, as it is asked for on the command line.
pub fn size(text: &str) -> Result<(u32, u32), String> {
    let sides = text.split_once(['x', '×']).and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    sides.ok_or_else(|| "a size is width x height in pixels, such as 1280x720".to_owned())
}

/// Tables of this size or more are refused before they are read: the largest that there can be has 256³ lines of three numbers.
const LUT_BYTES_MAX: u64 = 1_000_000_000;

/// Reads a `.cube` file: its name and its bytes, which are a table.
pub fn read_table(path: &Path) -> Result<(LutFile, Vec<u8>), Stop> {
    let shown = path.display();
    let facts = std::fs::metadata(path).map_err(|e| Stop::bad(format!("--lut {shown}: {e}; name a .cube file")))?;
    if !facts.is_file() || facts.len() >= LUT_BYTES_MAX {
        return Err(Stop::bad(format!("--lut {shown}: is no .cube file of less than 1 GB")));
    }
    let bytes = std::fs::read(path).map_err(|e| Stop::bad(format!("--lut {shown}: {e}")))?;
    let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    read_lut(&file, &bytes)?;
    Ok((LutFile { file, digest: Digest::of(&bytes) }, bytes))
}

/// Reads a script, or says what is the matter with the path.
pub fn read_script(path: &Path) -> Result<Vec<u8>, Stop> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        let read = std::io::stdin().take(SCRIPT_BYTES_MAX + 1).read_to_end(&mut bytes);
        return read.map(|_| bytes).map_err(|e| Stop::bad(format!("read standard input: {e}")));
    }
    let shown = path.display();
    let facts = std::fs::metadata(path).map_err(|e| match e.kind() {
        ErrorKind::NotFound => Stop::bad(format!("{shown}: no such file; name a .fountain or .fdx screenplay")),
        _ => Stop::bad(format!("{shown}: {e}")),
    })?;
    if facts.is_dir() {
        return Err(Stop::bad(format!("{shown}: is a folder; name a .fountain or .fdx screenplay in it")));
    }
    if facts.len() >= SCRIPT_BYTES_MAX {
        let size = facts.len() / 1_000_000;
        return Err(Stop::bad(format!("{shown}: is {size} MB; scripts are limited to 50 MB (a feature's script has 0.2 MB)")));
    }
    std::fs::read(path).map_err(|e| Stop::bad(format!("{shown}: {e}")))
}
