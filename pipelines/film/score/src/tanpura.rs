//! The tanpura: a long string over a curved bridge with a thread, so that its partials bloom one after another (jawari). Additive:
//! the n-th partial swells about n · 25 ms after the pluck and dies the sooner the higher it is.

use klieg_film_dsp::RATE;

const PARTIALS: usize = 22;

/// A string of `hz` plucked once and left alone for `seconds`, mono.
pub fn pluck(hz: f32, seconds: f32) -> Vec<f32> {
    let length = klieg_film_dsp::samples(seconds);
    let mut out = vec![0.0f32; length];
    for n in 1..=PARTIALS {
        let f = hz * n as f32 * (1.0 + 0.00004 * (n * n) as f32);
        if f > 9000.0 {
            break;
        }
        partial(n as f32, f, &mut out);
    }
    out
}

fn partial(n: f32, hz: f32, out: &mut [f32]) {
    let gain = 0.22 / n.powf(0.55);
    let (bloom, decay) = (0.012 + 0.025 * (n - 1.0), 2.6 / (1.0 + 0.09 * n));
    let (sin, cos) = (std::f32::consts::TAU * hz / RATE).sin_cos();
    let (mut x, mut y) = (0.0f32, 1.0f32);
    for (block, part) in out.chunks_mut(32).enumerate() {
        let t = block as f32 * 32.0 / RATE;
        let level = gain * (1.0 - (-t / bloom).exp()) * (-t / decay).exp();
        for s in part {
            *s += x * level;
            (x, y) = (x * cos + y * sin, y * cos - x * sin);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_string_blooms_and_dies() {
        let sound = pluck(130.0, 4.0);
        let power = |a: usize, b: usize| sound[a..b].iter().map(|s| s * s).sum::<f32>() / (b - a) as f32;
        assert!(power(4800, 14_400) > power(168_000, 190_000) * 10.0);
        assert!(sound.iter().all(|s| s.abs() < 2.0));
    }
}
