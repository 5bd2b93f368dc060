//! A piece as sound. Programs and kits go to the sound font through rustysynth; klieg's own instruments, and everything when
//! there is no font, are rendered note by note and put into a hall.

use crate::font::SoundFont;
use crate::piece::{Instrument, Note, Part, Piece};
use crate::{plain, tanpura};
use klieg_film_dsp::room::{Room, answer};
use klieg_film_dsp::{RATE, pan_gains, samples};
use klieg_film_words::sound::{SAMPLE_RATE, Stereo};
use rustysynth::{Synthesizer, SynthesizerSettings};
use std::collections::BTreeMap;

const HALL: Room = Room { decay_seconds: 1.7, size_m: 16.0, brightness: 0.5 };
/// Root mean square of the finished cue, so that every style comes to the mix equally loud.
const LEVEL: f32 = 0.1;
const PEAK: f32 = 0.89;
/// Bend messages span this many semitones either way.
const BEND_RANGE: f32 = 12.0;
/// How often a bend is followed, in samples.
const BEND_STEP: usize = 256;

/// Plays `piece`: exactly its length, at one loudness for all styles. The same piece and font give the same samples.
pub fn play(piece: &Piece, font: Option<&SoundFont>) -> Stereo {
    let length = samples(piece.seconds);
    let mut dry = vec![[0.0f32; 2]; length];
    let mut send = vec![[0.0f32; 2]; length];
    let on_font = |p: &&Part| matches!(p.instrument, Instrument::Program(_) | Instrument::Kit(_));
    if let Some(font) = font {
        let parts: Vec<&Part> = piece.parts.iter().filter(on_font).collect();
        sampled(&parts, font, &mut dry);
    }
    for part in piece.parts.iter().filter(|p| font.is_none() || !on_font(p)) {
        own(part, tonic(piece), &mut dry, &mut send);
    }
    for (out, wet) in dry.iter_mut().zip(answer(&send, &HALL)) {
        *out = [out[0] + wet[0], out[1] + wet[1]];
    }
    finish(&mut dry, piece.fade_seconds);
    Stereo { samples: dry }
}

/// Tuned drums are tuned to the drone; without one to C.
fn tonic(piece: &Piece) -> f32 {
    let drone = piece
        .parts
        .iter()
        .filter(|p| p.instrument == Instrument::Tanpura)
        .flat_map(|p| &p.notes)
        .map(|n| n.key)
        .fold(f32::MAX, f32::min);
    hertz(if drone == f32::MAX { 48.0 } else { drone + 12.0 })
}

fn hertz(key: f32) -> f32 {
    440.0 * 2f32.powf((key - 69.0) / 12.0)
}

fn own(part: &Part, tonic: f32, dry: &mut [[f32; 2]], send: &mut [[f32; 2]]) {
    let side = pan_gains(part.pan);
    // Three takes of every stroke and string, so that repeated ones differ as a player's do.
    let mut takes: BTreeMap<(i32, usize), Vec<f32>> = BTreeMap::new();
    for (i, note) in part.notes.iter().enumerate() {
        let take = ((note.key * 100.0).round() as i32, i % 3);
        let fresh;
        let sound: &[f32] = match part.instrument {
            Instrument::Drum(drum) => {
                takes.entry(take).or_insert_with(|| drum.blow(note.key as i32, tonic).sound(take.0 as u64 * 7 + take.1 as u64))
            }
            Instrument::Tanpura => takes.entry((take.0, 0)).or_insert_with(|| tanpura::pluck(hertz(note.key), 5.0)),
            Instrument::Kit(_) => takes.entry(take).or_insert_with(|| plain::kit(note.key as i32, take.1 as u64)),
            Instrument::Program(program) => {
                fresh = plain::sound(program, note);
                &fresh
            }
        };
        let level = if let Instrument::Drum(drum) = part.instrument { drum.level() } else { 0.5 };
        let gain = part.gain * note.velocity * note.velocity.sqrt() * level;
        let first = samples(note.at);
        for (k, s) in sound.iter().enumerate().take(dry.len().saturating_sub(first)) {
            for c in 0..2 {
                dry[first + k][c] += s * gain * side[c];
                send[first + k][c] += s * gain * side[c] * part.hall;
            }
        }
    }
}

/// One message to the synthesiser.
struct Message {
    at: usize,
    /// Offs come before bends, bends before ons.
    order: u8,
    channel: i32,
    command: i32,
    data: (i32, i32),
}

fn sampled(parts: &[&Part], font: &SoundFont, out: &mut [[f32; 2]]) {
    let mut settings = SynthesizerSettings::new(SAMPLE_RATE as i32);
    settings.maximum_polyphony = 128;
    let Ok(mut synth) = Synthesizer::new(&font.samples, &settings) else { return };
    let mut messages = Vec::new();
    let mut melodic = (0..16).filter(|&c| c != Synthesizer::PERCUSSION_CHANNEL as i32).cycle();
    for part in parts {
        let channel = match part.instrument {
            Instrument::Kit(_) => Synthesizer::PERCUSSION_CHANNEL as i32,
            _ => melodic.next().unwrap_or(0),
        };
        seat(&mut synth, channel, part);
        messages.extend(part.notes.iter().flat_map(|n| note_messages(channel, n)));
    }
    messages.sort_by_key(|m| (m.at, m.order));
    render(&mut synth, &messages, out);
}

fn seat(synth: &mut Synthesizer, channel: i32, part: &Part) {
    let program = match part.instrument {
        Instrument::Program(p) | Instrument::Kit(p) => i32::from(p),
        Instrument::Tanpura | Instrument::Drum(_) => 0,
    };
    let seven = |x: f32| (x.clamp(0.0, 1.0) * 127.0).round() as i32;
    // Volume is a square law in General MIDI; the root makes `gain` linear.
    let controls = [
        (7, seven(part.gain.sqrt())),
        (10, seven((part.pan + 1.0) / 2.0)),
        (91, seven(part.hall)),
        (93, 0),
        (101, 0),
        (100, 0),
        (6, BEND_RANGE as i32),
    ];
    synth.process_midi_message(channel, 0xC0, program, 0);
    for (control, value) in controls {
        synth.process_midi_message(channel, 0xB0, control, value);
    }
}

fn note_messages(channel: i32, note: &Note) -> Vec<Message> {
    let key = note.key.round();
    let (on, off) = (samples(note.at), samples(note.at + note.seconds).max(samples(note.at) + 1));
    let bend = |at: usize| {
        let semitones = note.key - key + plain::bend_at(&note.bends, (at - on) as f32 / RATE);
        let value = (8192.0 + semitones / BEND_RANGE * 8192.0).round().clamp(0.0, 16_383.0) as i32;
        Message { at, order: 1, channel, command: 0xE0, data: (value & 0x7f, value >> 7) }
    };
    let steps = if note.bends.is_empty() { 1 } else { (off - on) / BEND_STEP + 1 };
    let velocity = (note.velocity * 127.0).round().clamp(1.0, 127.0) as i32;
    let mut messages: Vec<Message> = (0..steps).map(|i| bend(on + i * BEND_STEP)).collect();
    messages.push(Message { at: on, order: 2, channel, command: 0x90, data: (key as i32, velocity) });
    messages.push(Message { at: off, order: 0, channel, command: 0x80, data: (key as i32, 0) });
    messages
}

fn render(synth: &mut Synthesizer, messages: &[Message], out: &mut [[f32; 2]]) {
    let (mut left, mut right) = (vec![0.0f32; out.len()], vec![0.0f32; out.len()]);
    let mut at = 0;
    for m in messages.iter().filter(|m| m.at < out.len()) {
        synth.render(&mut left[at..m.at], &mut right[at..m.at]);
        at = m.at;
        synth.process_midi_message(m.channel, m.command, m.data.0, m.data.1);
    }
    synth.render(&mut left[at..], &mut right[at..]);
    for (o, (l, r)) in out.iter_mut().zip(left.iter().zip(&right)) {
        *o = [o[0] + l, o[1] + r];
    }
}

fn finish(out: &mut [[f32; 2]], fade_seconds: f32) {
    let length = out.len();
    let fade = samples(fade_seconds).min(length);
    for (i, s) in out[length - fade..].iter_mut().enumerate() {
        let x = 1.0 - i as f32 / fade.max(1) as f32;
        let gain = x * x * (3.0 - 2.0 * x);
        *s = [s[0] * gain, s[1] * gain];
    }
    let peak = out.iter().flatten().fold(0.0f32, |p, s| p.max(s.abs()));
    let sounding: f64 = out.iter().flatten().map(|&s| f64::from(s) * f64::from(s)).sum();
    let rms = (sounding / (2 * length.max(1)) as f64).sqrt() as f32;
    if rms > 1e-6 {
        let gain = (LEVEL / rms).min(PEAK / peak);
        for s in out {
            *s = [s[0] * gain, s[1] * gain];
        }
    }
}
