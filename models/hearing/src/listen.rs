//! Long sound by windows, one after the other: each begins where the last one's words ended, and is heard again at a higher
//! temperature when what came out repeats itself or is improbable (Radford et al., 2022, section 4.5), as transformers'
//! `generation_whisper.py` does it.

use crate::{
    Config, Error, Generation, Whisper, Word,
    config::{FRAME_SECONDS, POSITION_SECONDS, STRIDE},
    pauses, rules, words,
};
use candle_core::Tensor;
use flate2::{Compression, write::ZlibEncoder};
use klieg_generation::sample::{Sampling, argmax, log_total, softmax};
use klieg_kernels::Cpu;
use serde::{Deserialize, Serialize};
use std::io::Write;
use tokenizers::Tokenizer;

/// Samples of one spectrogram frame.
const HOP: usize = 160;

/// How a sound is heard.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// ISO 639-1, as the model's tokens name it; `None`: heard from the first window.
    pub language: Option<String>,
    /// Into English instead of as it is said.
    pub translate: bool,
    /// With times of words.
    pub words: bool,
    /// One after the other, until what comes out passes.
    pub temperatures: Vec<f32>,
    /// How far tokens may be compressible: what repeats itself is.
    pub compression_max: f64,
    /// The least mean logarithm of the tokens' probabilities.
    pub logprob_min: f64,
    /// From which probability of silence on an improbable window is one.
    pub no_speech: f64,
    pub seed: u64,
    /// Whether silence is passed over without the model.
    pub skip_pauses: bool,
    /// Threads that compute.
    pub threads: usize,
}

impl Default for Options {
    fn default() -> Self {
        let temperatures = vec![0.0, 0.2, 0.4, 0.6, 0.8, 1.0];
        let (language, translate, words, seed, skip_pauses, threads) = (None, false, false, 0, false, 1);
        Self {
            language,
            translate,
            words,
            temperatures,
            compression_max: 1.35,
            logprob_min: -1.0,
            no_speech: 0.6,
            seed,
            skip_pauses,
            threads,
        }
    }
}

/// What was said between two times, in seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    pub start: f64,
    pub end: f64,
    pub text: String,
    pub tokens: Vec<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<Word>,
    pub temperature: f32,
    pub mean_logprob: f64,
    pub compression: f64,
    pub no_speech: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Transcript {
    pub language: String,
    /// Seconds of the sound.
    pub seconds: f64,
    pub segments: Vec<Segment>,
}

/// A model with its tokens' meanings.
pub struct Listener {
    model: Whisper,
    rules: Generation,
    tokenizer: Tokenizer,
}

/// What one window gave.
struct Heard {
    tokens: Vec<u32>,
    /// Where each token begins, in encoder positions; empty unless asked for.
    places: Vec<usize>,
    temperature: f32,
    mean_logprob: f64,
    compression: f64,
    no_speech: f64,
}

/// A window of the sound.
struct Window {
    /// Frames before it, and its own.
    seek: usize,
    frames: usize,
    /// Encoder positions that are sound and not padding.
    positions: usize,
}

impl Listener {
    /// `tokenizer`: the bytes of `tokenizer.json`.
    pub fn new(model: Whisper, rules: Generation, tokenizer: &[u8]) -> Result<Self, Error> {
        let tokenizer = Tokenizer::from_bytes(tokenizer).map_err(|error| Error::Tokenizer(error.to_string()))?;
        Ok(Self { model, rules, tokenizer })
    }

    fn config(&self) -> &Config {
        self.model.config()
    }

    /// Languages that the model knows, by their codes.
    pub fn languages(&self) -> Vec<String> {
        languages(&self.rules)
    }

    /// Samples at 16 kHz to text. `go_on` hears which share is done, and may end it.
    pub fn hear(&self, samples: &[f32], options: &Options, mut go_on: impl FnMut(f64) -> bool) -> Result<Transcript, Error> {
        let seconds = samples.len() as f64 / f64::from(crate::sound::RATE);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(options.threads.max(1))
            .build()
            .map_err(|error| Error::Threads(error.to_string()))?;
        let (mel, total, real) = self.spectrogram(samples, options.threads)?;
        let (prompt, language) = pool.install(|| self.prompt(&mel, options))?;
        let speech = pauses::speech(samples);
        let mut transcript = Transcript { language, seconds, segments: Vec::new() };
        let mut seek = 0;
        while seek < total {
            if !go_on(seek as f64 / total as f64) {
                return Err(Error::Stopped);
            }
            if options.skip_pauses {
                match speech.iter().find(|stretch| stretch.end > seek * HOP) {
                    None => break,
                    Some(stretch) => seek = seek.max(stretch.start / HOP),
                }
            }
            let frames = (total - seek).min(self.config().window());
            let positions = (real.saturating_sub(seek) / STRIDE).min(self.config().max_source_positions);
            let window = Window { seek, frames, positions };
            let Some(heard) = pool.install(|| self.window(&mel, &window, &prompt, options))? else {
                seek += frames;
                continue;
            };
            let (segments, moved) = self.segments(&heard, &window, &transcript.language);
            transcript.segments.extend(segments);
            // A pair of times at the window's begin would stay there for ever.
            seek += if moved == 0 { frames } else { moved };
        }
        Ok(transcript)
    }

    /// The spectrogram (mels, frames), its frames, and those of them that are sound. Short sounds are padded to a window.
    fn spectrogram(&self, samples: &[f32], threads: usize) -> Result<(Tensor, usize, usize), Error> {
        let whole = self.config().window() * HOP;
        let real = samples.len() / HOP;
        let mut padded = samples.to_vec();
        padded.resize(samples.len().max(whole), 0.0);
        let mel = Cpu::new(threads).mel(&padded, self.config().num_mel_bins as u32)?;
        let (mels, frames) = (mel.mels as usize, mel.frames as usize);
        Ok((Tensor::from_vec(mel.levels, (mels, frames), self.model.device())?, frames, real))
    }

    fn encode(&self, mel: &Tensor, seek: usize, frames: usize) -> Result<Tensor, Error> {
        let part = mel.narrow(1, seek, frames)?;
        self.model.encode(&part.pad_with_zeros(1, 0, self.config().window() - frames)?.contiguous()?, |_, _| {})
    }

    /// The tokens before the text: language and task, if the model knows several.
    fn prompt(&self, mel: &Tensor, options: &Options) -> Result<(Vec<u32>, String), Error> {
        let mut prompt = vec![self.rules.decoder_start_token_id];
        if !self.rules.is_multilingual {
            let english = options.language.as_deref().is_none_or(|language| language == "en");
            return match english && !options.translate {
                true => Ok((prompt, "en".into())),
                false => Err(Error::Request { field: "language", message: "this model hears English only".into() }),
            };
        }
        let token = match &options.language {
            Some(language) => language_token(&self.rules, language)?,
            None => self.detect(mel)?,
        };
        let known = self.rules.lang_to_id.iter().find(|(_, id)| **id == token);
        let language = known.map(|(name, _)| name.trim_matches(['<', '|', '>']).to_owned()).unwrap_or_default();
        let task = if options.translate { "translate" } else { "transcribe" };
        let task =
            self.rules.task_to_id.get(task).ok_or_else(|| Error::Config(format!("generation_config.json has no task `{task}`")))?;
        prompt.extend([token, *task]);
        Ok((prompt, language))
    }

    /// The language that is likeliest after the first window.
    fn detect(&self, mel: &Tensor) -> Result<u32, Error> {
        let encoded = self.encode(mel, 0, mel.dim(1)?.min(self.config().window()))?;
        let mut state = self.model.begin(&encoded, &[])?;
        let mut logits = self.model.step(&mut state, &[self.rules.decoder_start_token_id])?.flatten_all()?.to_vec1::<f32>()?;
        let languages: Vec<u32> = self.rules.lang_to_id.values().copied().collect();
        logits
            .iter_mut()
            .enumerate()
            .filter(|(at, _)| !languages.contains(&(*at as u32)))
            .for_each(|(_, logit)| *logit = f32::NEG_INFINITY);
        match languages.is_empty() {
            true => Err(Error::Config("generation_config.json names no languages".into())),
            false => Ok(argmax(&logits)),
        }
    }

    /// One window at rising temperatures; `None` when nobody speaks.
    fn window(&self, mel: &Tensor, window: &Window, prompt: &[u32], options: &Options) -> Result<Option<Heard>, Error> {
        let encoded = self.encode(mel, window.seek, window.frames)?;
        let mut heard = None;
        for (turn, temperature) in options.temperatures.iter().enumerate() {
            let stream = (window.seek as u64) << 8 | turn as u64;
            let found = self.decode(&encoded, window, prompt, *temperature, options, stream)?;
            let improbable = found.mean_logprob < options.logprob_min;
            if improbable && found.no_speech > options.no_speech {
                return Ok(None);
            }
            let passes = !improbable && found.compression <= options.compression_max;
            heard = Some(found);
            if passes {
                break;
            }
        }
        Ok(heard)
    }

    fn decode(
        &self,
        encoded: &Tensor,
        window: &Window,
        prompt: &[u32],
        temperature: f32,
        options: &Options,
        stream: u64,
    ) -> Result<Heard, Error> {
        let watched = self.rules.alignment_heads.as_deref().filter(|_| options.words).unwrap_or_default();
        let mut state = self.model.begin(encoded, watched)?;
        let sampling = Sampling { temperature, ..Sampling::default() };
        let mut rows = self.model.step(&mut state, prompt)?.to_vec2::<f32>()?;
        let no_speech = softmax(&rows[0]).get(self.rules.no_speech() as usize).map_or(0.0, |share| f64::from(*share));
        let (mut tokens, mut sum) = (Vec::new(), 0.0);
        while let Some(mut logits) = rows.pop() {
            rules::apply(&mut logits, &tokens, &self.rules);
            let total = log_total(&logits);
            let mut tempered = logits.clone();
            sampling.filter(&mut tempered);
            let token = sampling.draw(&tempered, options.seed, stream, tokens.len() as u64);
            sum += f64::from(logits[token as usize] - total);
            tokens.push(token);
            if token == self.rules.eos_token_id || prompt.len() + tokens.len() >= self.config().max_target_positions {
                break;
            }
            rows = self.model.step(&mut state, &[token])?.to_vec2::<f32>()?;
        }
        let mean_logprob = sum / tokens.len().max(1) as f64;
        let compression = compression(&tokens, self.config().vocab_size)?;
        let looks: Vec<Vec<Vec<f32>>> = state.looks.iter().map(|rows| rows[prompt.len()..].to_vec()).collect();
        let mut places = words::places(&looks, window.positions, self.config().median_filter_width);
        // The last token was never looked at: it ends where the one before it began.
        places.resize(if options.words { tokens.len() } else { 0 }, places.last().copied().unwrap_or(0));
        if tokens.last() == Some(&self.rules.eos_token_id) {
            tokens.pop();
        }
        Ok(Heard { tokens, places, temperature, mean_logprob, compression, no_speech })
    }

    /// Segments of a window, and by how many frames the next one begins later (`_retrieve_segment`).
    fn segments(&self, heard: &Heard, window: &Window, language: &str) -> (Vec<Segment>, usize) {
        let (begin, tokens) = (self.rules.times_begin(), &heard.tokens);
        let time = |token: u32| token.saturating_sub(begin);
        let is_time: Vec<bool> = tokens.iter().map(|token| *token >= begin).collect();
        let mut cuts: Vec<usize> = (1..tokens.len()).filter(|at| is_time[at - 1] && is_time[*at]).collect();
        let single_end = is_time.ends_with(&[false, true]);
        if cuts.is_empty() {
            let last = tokens.iter().rfind(|token| **token >= begin).filter(|token| **token != begin);
            let end = last.map_or((window.frames as f64 * FRAME_SECONDS / POSITION_SECONDS) as u32, |token| time(*token));
            return (vec![self.segment(heard, window, 0..tokens.len(), (0, end), language)], window.frames);
        }
        match (single_end, cuts.last_mut()) {
            (false, Some(last)) => *last += 1,
            _ => cuts.push(tokens.len()),
        }
        let (mut from, mut out) = (0, Vec::new());
        for (at, &to) in cuts.iter().enumerate() {
            let back = if at + 1 < cuts.len() || single_end { 1 } else { 2 };
            let ends = (time(tokens[from]), time(tokens[to.saturating_sub(back).max(from)]));
            out.push(self.segment(heard, window, from..to, ends, language));
            from = to;
        }
        let moved = if single_end { window.frames } else { time(tokens[from - 2]) as usize * STRIDE };
        (out, moved)
    }

    fn segment(
        &self,
        heard: &Heard,
        window: &Window,
        range: std::ops::Range<usize>,
        (start, end): (u32, u32),
        language: &str,
    ) -> Segment {
        let offset = window.seek as f64 * FRAME_SECONDS;
        let at = |place: f64| hundredths(offset + place * POSITION_SECONDS);
        let tokens = heard.tokens[range.clone()].to_vec();
        let said: Vec<u32> = tokens.iter().copied().filter(|token| *token < self.rules.eos_token_id).collect();
        let place = |token: usize| heard.places[token] as f64;
        let timed: Vec<(u32, f64, f64)> = range
            .filter(|token| !heard.places.is_empty() && heard.tokens[*token] < self.rules.eos_token_id)
            .map(|token| (heard.tokens[token], at(if token == 0 { 0.0 } else { place(token - 1) }), at(place(token))))
            .collect();
        let words = words::joined(&timed, language, |tokens| self.text(tokens));
        let (temperature, mean_logprob, compression, no_speech) =
            (heard.temperature, heard.mean_logprob, heard.compression, heard.no_speech);
        let (start, end, text) = (at(f64::from(start)), at(f64::from(end)), self.text(&said));
        Segment { start, end, text, tokens, words, temperature, mean_logprob, compression, no_speech }
    }

    /// A piece that is no text decodes to nothing.
    fn text(&self, tokens: &[u32]) -> String {
        self.tokenizer.decode(tokens, true).unwrap_or_default()
    }
}

fn languages(rules: &Generation) -> Vec<String> {
    rules.lang_to_id.keys().map(|name| name.trim_matches(['<', '|', '>']).to_owned()).collect()
}

/// The token of a language, or what would be one.
pub fn language_token(rules: &Generation, language: &str) -> Result<u32, Error> {
    let token = rules.lang_to_id.get(&format!("<|{language}|>")).copied();
    token.ok_or_else(|| {
        let message = format!("`{language}` is unknown to the model; it knows {}", languages(rules).join(", "));
        Error::Request { field: "language", message }
    })
}

fn hundredths(seconds: f64) -> f64 {
    (seconds * 100.0).round() / 100.0
}

/// How many times smaller the tokens' bytes become by zlib.
fn compression(tokens: &[u32], vocabulary: usize) -> Result<f64, Error> {
    let each = ((vocabulary as f64).log2() / 8.0) as usize + 1;
    let bytes: Vec<u8> = tokens.iter().flat_map(|token| token.to_le_bytes().into_iter().take(each)).collect();
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    let packed = encoder.write_all(&bytes).and_then(|()| encoder.finish()).map_err(|error| Error::Sound(error.to_string()))?;
    Ok(bytes.len() as f64 / packed.len() as f64)
}
