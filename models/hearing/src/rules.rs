//! Which token may follow: `SuppressTokens…` and `WhisperTimeStampLogitsProcessor` of transformers' `generation/logits_process.py`.

use crate::Generation;

/// Makes −∞ of logits whose tokens may not follow what was `written` in this window.
pub fn apply(logits: &mut [f32], written: &[u32], rules: &Generation) {
    let mut forbid = |token: u32| {
        if let Some(logit) = logits.get_mut(token as usize) {
            *logit = f32::NEG_INFINITY;
        }
    };
    if written.is_empty() {
        rules.begin_suppress_tokens.iter().flatten().copied().for_each(&mut forbid);
    }
    rules.suppress_tokens.iter().flatten().copied().for_each(&mut forbid);
    forbid(rules.no_timestamps_token_id);
    let begin = rules.times_begin() as usize;
    let end = logits.len();
    pairs(logits, written, rules);
    // Times go forward; the one that closed a piece may open the next.
    let is_time = |token: &u32| *token as usize >= begin;
    if let Some(last) = written.iter().rfind(|token| is_time(token)) {
        let closes = written.last().is_some_and(is_time) && !before_last_is_time(written, begin);
        let least = *last as usize + usize::from(!closes);
        logits[begin..least.clamp(begin, end)].fill(f32::NEG_INFINITY);
    }
    if written.is_empty() {
        logits[..begin].fill(f32::NEG_INFINITY);
        if let Some(last) = rules.max_initial_timestamp_index {
            logits[(begin + last as usize + 1).min(end)..].fill(f32::NEG_INFINITY);
        }
    }
    // When all times together are likelier than any word, a time it is.
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let times = logits[begin..].iter().map(|logit| f64::from(logit - top).exp()).sum::<f64>().ln();
    let word = logits[..begin].iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if times > f64::from(word - top) {
        logits[..begin].fill(f32::NEG_INFINITY);
    }
}

fn before_last_is_time(written: &[u32], begin: usize) -> bool {
    written.len() < 2 || written[written.len() - 2] as usize >= begin
}

/// Times come in pairs, except right before the end.
fn pairs(logits: &mut [f32], written: &[u32], rules: &Generation) {
    let begin = rules.times_begin() as usize;
    if written.last().is_none_or(|token| (*token as usize) < begin) {
        return;
    }
    match before_last_is_time(written, begin) {
        true => logits[begin..].fill(f32::NEG_INFINITY),
        false => logits[..rules.eos_token_id as usize].fill(f32::NEG_INFINITY),
    }
}
