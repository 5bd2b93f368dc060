//! Curves of motion in time.

/// 0 to 1 with soft ends.
pub fn smooth(t: f32) -> f32 {
    let t = t.clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// Pose-to-pose: three frames of anticipation against the move, the move, an overshoot, a settling. From 0 to 1 over `frames`.
pub fn snap(at: f32, frames: f32) -> f32 {
    let wind = 3.0f32.min(frames * 0.25);
    if at <= 0.0 {
        0.0
    } else if at < wind {
        -0.06 * smooth(at / wind)
    } else {
        let t = ((at - wind) / (frames - wind).max(1.0)).min(1.0);
        // A damped approach that passes the goal once.
        let reach = smooth((t / 0.7).min(1.0));
        let over = if t > 0.55 { 0.07 * ((t - 0.55) / 0.45 * std::f32::consts::PI).sin() } else { 0.0 };
        -0.06 * (1.0 - reach) + reach + over
    }
}

/// Up with [`snap`], held, and down again softly within `frames`.
pub fn hold(at: f32, frames: f32, up: f32, down: f32) -> f32 {
    if at <= 0.0 || at >= frames {
        return 0.0;
    }
    let scale = (frames / (up + down)).min(1.0);
    let (up, down) = (up * scale, down * scale);
    if at < frames - down { snap(at, up) } else { 1.0 - smooth((at - frames + down) / down) }
}

/// Smooth noise in −1..1 with one value a unit of `t`.
pub fn noise(seed: u64, t: f32) -> f32 {
    let cell = t.floor();
    let at = |c: f32| klieg_film_words::unit(seed, c as i64 as u64) * 2.0 - 1.0;
    let u = smooth(t - cell);
    at(cell) * (1.0 - u) + at(cell + 1.0) * u
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snaps_wind_up_pass_the_goal_and_arrive() {
        let curve: Vec<f32> = (0..=20).map(|f| snap(f as f32, 20.0)).collect();
        assert_eq!((curve[0], (curve[20] * 1e4).round()), (0.0, 1e4));
        assert!(curve.iter().any(|v| *v < -0.03) && curve.iter().any(|v| *v > 1.03));
        assert_eq!(hold(-1.0, 30.0, 8.0, 8.0), 0.0);
        assert!((hold(15.0, 30.0, 8.0, 8.0) - 1.0).abs() < 0.02 && hold(29.9, 30.0, 8.0, 8.0) < 0.02);
    }
}
