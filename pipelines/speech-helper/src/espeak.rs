//! The part of espeak-ng's C interface (`speak_lib.h`, 1.51) that speaking one line takes.

use serde::Serialize;
use std::ffi::{CStr, CString, c_char, c_int, c_short, c_uint, c_void};

const AUDIO_OUTPUT_SYNCHRONOUS: c_int = 2;
const INITIALIZE_PHONEME_EVENTS: c_int = 1;
const INITIALIZE_PHONEME_IPA: c_int = 2;
const INITIALIZE_DONT_EXIT: c_int = 0x8000;
const CHARS_UTF8: c_uint = 1;
const POS_CHARACTER: c_int = 1;
const RATE: c_int = 1;
const PITCH: c_int = 3;
const RANGE: c_int = 4;
const EVENT_LIST_TERMINATED: c_int = 0;
const EVENT_PHONEME: c_int = 7;

/// `espeak_EVENT`; the union at its end is read as the phoneme's name.
#[repr(C)]
struct Event {
    kind: c_int,
    unique_identifier: c_uint,
    text_position: c_int,
    length: c_int,
    audio_position: c_int,
    sample: c_int,
    user_data: *mut c_void,
    name: [u8; 8],
}

/// The head of `espeak_VOICE`.
#[repr(C)]
struct VoiceInfo {
    name: *const c_char,
    languages: *const c_char,
}

type Callback = extern "C" fn(*mut c_short, c_int, *mut Event) -> c_int;

unsafe extern "C" {
    fn espeak_Initialize(output: c_int, buffer_ms: c_int, path: *const c_char, options: c_int) -> c_int;
    fn espeak_SetSynthCallback(callback: Callback);
    fn espeak_SetVoiceByName(name: *const c_char) -> c_int;
    fn espeak_SetParameter(parameter: c_int, value: c_int, relative: c_int) -> c_int;
    fn espeak_ListVoices(spec: *mut c_void) -> *const *const VoiceInfo;
    fn espeak_Synth(
        text: *const c_void,
        size: usize,
        position: c_uint,
        position_type: c_int,
        end: c_uint,
        flags: c_uint,
        identifier: *mut c_uint,
        user_data: *mut c_void,
    ) -> c_int;
    fn espeak_Synchronize() -> c_int;
}

#[derive(Serialize)]
pub struct Phone {
    pub symbol: String,
    pub sample: usize,
}

#[derive(Default)]
pub struct Speech {
    pub samples: Vec<i16>,
    pub phones: Vec<Phone>,
}

/// The synthesiser, started. It is a global of the C library: one a process.
pub struct Espeak {
    sample_rate: u32,
}

impl Espeak {
    pub fn start() -> Result<Self, String> {
        let options = INITIALIZE_PHONEME_EVENTS | INITIALIZE_PHONEME_IPA | INITIALIZE_DONT_EXIT;
        // SAFETY: called once, before any other function of the library; a null path means the installed data.
        let rate = unsafe { espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 0, std::ptr::null(), options) };
        let sample_rate =
            u32::try_from(rate).map_err(|_| "espeak-ng's data files are missing (apt install espeak-ng-data)".to_owned())?;
        Ok(Self { sample_rate })
    }

    pub fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// Sets the voice (`ta+f3`), words a minute, pitch and its range (0–99).
    pub fn choose(&mut self, voice: &str, rate: i32, pitch: i32, range: i32) -> Result<(), String> {
        let name = CString::new(voice).map_err(|_| "the voice's name holds a zero byte".to_owned())?;
        // SAFETY: the library is initialised (`self` exists) and copies the name.
        if unsafe { espeak_SetVoiceByName(name.as_ptr()) } != 0 {
            return Err(format!("no such voice: {voice}"));
        }
        for (parameter, value) in [(RATE, rate), (PITCH, pitch), (RANGE, range)] {
            // SAFETY: the library is initialised; the parameters are its own.
            if unsafe { espeak_SetParameter(parameter, value, 0) } != 0 {
                return Err(format!("espeak-ng refused parameter {parameter} = {value}"));
            }
        }
        Ok(())
    }

    pub fn speak(&mut self, text: &str) -> Result<Speech, String> {
        let text = CString::new(text).map_err(|_| "the text holds a zero byte".to_owned())?;
        let mut speech = Speech::default();
        let into: *mut Speech = &raw mut speech;
        let size = text.as_bytes_with_nul().len();
        // SAFETY: synchronous output calls `collect` only within these calls, while `speech` lives and nothing else uses it;
        // `user_data` comes back in every event.
        let status = unsafe {
            espeak_SetSynthCallback(collect);
            let status =
                espeak_Synth(text.as_ptr().cast(), size, 0, POS_CHARACTER, 0, CHARS_UTF8, std::ptr::null_mut(), into.cast());
            espeak_Synchronize();
            status
        };
        if status == 0 { Ok(speech) } else { Err(format!("espeak-ng failed with status {status}")) }
    }

    /// Language codes of all voices, sorted.
    pub fn languages(&self) -> Vec<String> {
        let mut found = Vec::new();
        // SAFETY: the list ends with a null pointer; each `languages` is a priority byte followed by a zero-terminated code.
        unsafe {
            let mut at = espeak_ListVoices(std::ptr::null_mut());
            while !at.is_null() && !(*at).is_null() {
                let languages = (**at).languages;
                if !languages.is_null() && *languages != 0 {
                    found.push(CStr::from_ptr(languages.add(1)).to_string_lossy().into_owned());
                }
                at = at.add(1);
            }
        }
        found.sort();
        found.dedup();
        found
    }
}

/// Receives samples and events; a non-zero answer would stop the synthesis.
extern "C" fn collect(wave: *mut c_short, count: c_int, events: *mut Event) -> c_int {
    // SAFETY: `events` is terminated by EVENT_LIST_TERMINATED, every event carries the `Speech` given to espeak_Synth, and
    // `wave` holds `count` samples or is null at the end.
    unsafe {
        let Some(first) = events.as_ref() else { return 0 };
        let Some(speech) = first.user_data.cast::<Speech>().as_mut() else { return 0 };
        let mut at = events;
        while (*at).kind != EVENT_LIST_TERMINATED {
            if (*at).kind == EVENT_PHONEME {
                let name = &(*at).name;
                let end = name.iter().position(|&b| b == 0).unwrap_or(name.len());
                let sample = usize::try_from((*at).sample).unwrap_or(0);
                speech.phones.push(Phone { symbol: String::from_utf8_lossy(&name[..end]).into_owned(), sample });
            }
            at = at.add(1);
        }
        if !wave.is_null() && count > 0 {
            speech.samples.extend_from_slice(std::slice::from_raw_parts(wave, count as usize));
        }
    }
    0
}
