//! klieg-speech-helper: speaks one line with espeak-ng. The protocol is in README.md.
//! SPDX-License-Identifier: GPL-3.0-or-later

mod espeak;
mod readings;

use serde::{Deserialize, Serialize};
use std::io::Read;
use std::path::PathBuf;

/// Longer input than any line of dialogue.
const REQUEST_BYTES_MAX: u64 = 256 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    text: String,
    voice: String,
    rate: i32,
    pitch: i32,
    range: i32,
    wav: PathBuf,
}

#[derive(Serialize)]
struct Answer {
    sample_rate: u32,
    samples: usize,
    phones: Vec<espeak::Phone>,
}

fn main() {
    let listing = std::env::args().nth(1).is_some_and(|a| a == "--voices");
    let answer = if listing { list() } else { answer() };
    match answer {
        Ok(json) => println!("{json}"),
        Err(why) => {
            eprintln!("klieg-speech-helper: {why}");
            std::process::exit(1);
        }
    }
}

fn list() -> Result<String, String> {
    let languages = espeak::Espeak::start()?.languages();
    serde_json::to_string(&languages).map_err(|e| e.to_string())
}

fn answer() -> Result<String, String> {
    let mut input = String::new();
    std::io::stdin().take(REQUEST_BYTES_MAX).read_to_string(&mut input).map_err(|e| format!("failed to read the request: {e}"))?;
    let request: Request = serde_json::from_str(&input).map_err(|e| format!("bad request: {e}"))?;
    let (voice, text) = readings::pronounceable(&request.voice, &request.text);
    let mut espeak = espeak::Espeak::start()?;
    espeak.choose(&voice, request.rate.clamp(80, 450), request.pitch.clamp(0, 99), request.range.clamp(0, 99))?;
    let speech = espeak.speak(&text)?;
    write(&request.wav, &speech.samples, espeak.sample_rate())
        .map_err(|e| format!("failed to write {}: {e}", request.wav.display()))?;
    let answer = Answer { sample_rate: espeak.sample_rate(), samples: speech.samples.len(), phones: speech.phones };
    serde_json::to_string(&answer).map_err(|e| e.to_string())
}

fn write(path: &std::path::Path, samples: &[i16], sample_rate: u32) -> Result<(), hound::Error> {
    let spec = hound::WavSpec { channels: 1, sample_rate, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut wav = hound::WavWriter::create(path, spec)?;
    for &s in samples {
        wav.write_sample(s)?;
    }
    wav.finalize()
}
