//! Flashes that photosensitive people must not be shown, by Recommendation ITU-R BT.1702.
//!
//! A flash is a pair of opposing changes of luminance of 20 cd/m² or more, where the darker of the two is below 160 cd/m²; a red flash is
//! one into or out of saturated red. More than three flashes within a second, of a quarter of the picture or more together, fail.
//!
//! The picture is judged as on a display of 200 cd/m² with the transfer of BT.1886 (γ 2.4) and BT.709 primaries, in 32 × 18 cells of which
//! each is the mean of its pixels: flashes of patterns finer than a cell, and the recommendation's advice about regular patterns, are not
//! judged. Saturated red and its change are as WCAG 2.2 (technique G176, after Harding) has them: R ≥ 0.8 (R + G + B), and a change of
//! (R − G − B) × 320 of more than 20.

use klieg_kind::Shown;
use std::collections::VecDeque;

const COLUMNS: usize = 32;
const ROWS: usize = 18;
const CELLS: usize = COLUMNS * ROWS;
/// cd/m².
const PEAK: f32 = 200.0;
const CHANGE_MIN: f32 = 20.0;
const DARKER_MAX: f32 = 160.0;
const GAMMA: f32 = 2.4;
/// Cells of a quarter of the picture.
const AREA_MIN: usize = CELLS / 4;
/// Changes within a second that are three flashes; one more is more than three.
const CHANGES_MAX: usize = 6;
const WINDOW_SECONDS: f64 = 1.0;
/// Times are of decoders' clocks: what is a second but for rounding is a second.
const ROUNDING_SECONDS: f64 = 1e-4;
/// Share of red in saturated red, and what a change of it is multiplied with.
const SATURATED: f32 = 0.8;
const RED_SCALE: f32 = 320.0;
/// Failures that are told.
const FAILURES_MAX: usize = 100;

/// What flashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flash {
    General,
    Red,
}

/// A time in which there are too many flashes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Failure {
    pub flash: Flash,
    /// Seconds: from the first of the changes to the last.
    pub from: f64,
    pub to: f64,
    /// Left, top, right, bottom of what flashes, as shares.
    pub region: [f32; 4],
}

/// Reads frames one after the other.
pub struct Flashes {
    linear: [f32; 256],
    luminance: Vec<Cell>,
    red: Vec<Cell>,
    failures: Vec<Failure>,
    /// The most changes of a quarter of the picture within a second.
    worst: usize,
}

/// One cell's changes.
#[derive(Clone, Debug, Default)]
struct Cell {
    /// The last extreme, and whether it was saturated red.
    extreme: Option<(f32, bool)>,
    rising: Option<bool>,
    changes: VecDeque<f64>,
}

impl Cell {
    /// Follows a value; `counts`: whether a change between two counts.
    fn follow(&mut self, value: (f32, bool), seconds: f64, counts: impl Fn((f32, bool), (f32, bool)) -> bool) {
        let Some(extreme) = self.extreme else {
            self.extreme = Some(value);
            return;
        };
        let rising = value.0 > extreme.0;
        if self.rising == Some(rising) || value.0 == extreme.0 {
            // further the same way: the change goes on
            self.extreme = Some(value);
        } else if counts(extreme, value) {
            self.changes.push_back(seconds);
            if self.changes.len() > CHANGES_MAX + 1 {
                self.changes.pop_front();
            }
            (self.extreme, self.rising) = (Some(value), Some(rising));
        }
    }

    fn within(&self, seconds: f64) -> usize {
        self.changes.iter().filter(|at| seconds - **at < WINDOW_SECONDS - ROUNDING_SECONDS).count()
    }
}

impl Default for Flashes {
    fn default() -> Self {
        let linear = std::array::from_fn(|code| (code as f32 / 255.0).powf(GAMMA));
        let cells = vec![Cell::default(); CELLS];
        Self { linear, luminance: cells.clone(), red: cells, failures: Vec::new(), worst: 0 }
    }
}

impl Flashes {
    /// The next frame.
    pub fn push(&mut self, frame: &Shown) {
        let seconds = frame.seconds;
        for (at, [r, g, b]) in self.means(frame).into_iter().enumerate() {
            let luminance = PEAK * (0.2126 * r + 0.7152 * g + 0.0722 * b);
            let darkens = |a: (f32, bool), b: (f32, bool)| (a.0 - b.0).abs() >= CHANGE_MIN && a.0.min(b.0) < DARKER_MAX;
            self.luminance[at].follow((luminance, false), seconds, darkens);
            let saturated = r + g + b > 0.0 && r >= SATURATED * (r + g + b);
            let reddens = |a: (f32, bool), b: (f32, bool)| (a.1 || b.1) && (a.0 - b.0).abs() > CHANGE_MIN;
            self.red[at].follow(((r - g - b).max(0.0) * RED_SCALE, saturated), seconds, reddens);
        }
        for flash in [Flash::General, Flash::Red] {
            self.judge(flash, seconds);
        }
    }

    /// The failures, in the order of their beginnings, and the most changes of a quarter of the picture in any second.
    pub fn finish(self) -> (Vec<Failure>, usize) {
        (self.failures, self.worst)
    }

    fn judge(&mut self, flash: Flash, seconds: f64) {
        let cells = if flash == Flash::General { &self.luminance } else { &self.red };
        let mut counts: Vec<usize> = cells.iter().map(|cell| cell.within(seconds)).collect();
        let failing: Vec<usize> = (0..CELLS).filter(|at| counts[*at] > CHANGES_MAX).collect();
        counts.sort_unstable();
        self.worst = self.worst.max(counts[CELLS - AREA_MIN]);
        if failing.len() < AREA_MIN {
            return;
        }
        let from = failing.iter().filter_map(|at| cells[*at].changes.front()).fold(seconds, |least, at| least.min(*at));
        let (columns, rows) = (failing.iter().map(|at| at % COLUMNS), failing.iter().map(|at| at / COLUMNS));
        let share = |least: Option<usize>, all: usize| least.unwrap_or(0) as f32 / all as f32;
        let region = [
            share(columns.clone().min(), COLUMNS),
            share(rows.clone().min(), ROWS),
            share(columns.max().map(|last| last + 1), COLUMNS),
            share(rows.max().map(|last| last + 1), ROWS),
        ];
        let [left, top, right, bottom] = region;
        let same = self.failures.iter_mut().rev().find(|failure| failure.flash == flash && from <= failure.to);
        if let Some(same) = same {
            let [l, t, r, b] = same.region;
            (same.to, same.region) = (seconds, [left.min(l), top.min(t), right.max(r), bottom.max(b)]);
        } else if self.failures.len() < FAILURES_MAX {
            self.failures.push(Failure { flash, from, to: seconds, region });
        }
    }

    /// Mean linear red, green and blue of each cell, 0–1.
    fn means(&self, frame: &Shown) -> Vec<[f32; 3]> {
        let (width, height) = (frame.width as usize, frame.height as usize);
        let mut sums = vec![([0.0_f32; 3], 0.0_f32); CELLS];
        for (y, row) in frame.rgb.chunks_exact(width * 3).take(height).enumerate() {
            let line = y * ROWS / height * COLUMNS;
            for (x, pixel) in row.chunks_exact(3).enumerate() {
                let (sum, count) = &mut sums[line + x * COLUMNS / width];
                for (sum, code) in sum.iter_mut().zip(pixel) {
                    *sum += self.linear[usize::from(*code)];
                }
                *count += 1.0;
            }
        }
        // a picture smaller than the grid leaves cells without a pixel: they never change
        sums.into_iter().map(|(sum, count)| sum.map(|channel| if count > 0.0 { channel / count } else { 0.0 })).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FPS: u32 = 24;
    const SECONDS: u32 = 4;

    /// Whose luminance on the display is this.
    fn code(luminance: f32) -> u8 {
        ((luminance / PEAK).powf(1.0 / GAMMA) * 255.0).round() as u8
    }

    fn frame(number: u32, colour: [u8; 3], area: f32, rest: [u8; 3]) -> Shown {
        let (width, height) = (320, 180);
        let lit = |x: u32| (x as f32) < width as f32 * area;
        let rgb = (0..height).flat_map(|_| (0..width).flat_map(|x| if lit(x) { colour } else { rest })).collect();
        Shown { seconds: f64::from(number) / f64::from(FPS), width, height, rgb }
    }

    /// Two colours by turns over a share of the picture, in flashes a second: failures and the worst second.
    fn flashed(colours: [[u8; 3]; 2], area: f32, per_second: u32) -> (Vec<Failure>, usize) {
        let mut flashes = Flashes::default();
        for number in 0..FPS * SECONDS {
            let turn = number * per_second * 2 / FPS % 2;
            flashes.push(&frame(number, colours[turn as usize], area, [128; 3]));
        }
        flashes.finish()
    }

    fn greys(dark: f32, light: f32) -> [[u8; 3]; 2] {
        [[code(dark); 3], [code(light); 3]]
    }

    #[test]
    fn three_flashes_a_second_pass_and_four_fail() {
        assert_eq!(flashed(greys(10.0, 100.0), 1.0, 3), (vec![], 6));
        let (failures, worst) = flashed(greys(10.0, 100.0), 1.0, 4);
        assert_eq!((failures.len(), worst), (1, 7));
        let Failure { flash, from, to, region } = failures[0];
        assert_eq!((flash, region), (Flash::General, [0.0, 0.0, 1.0, 1.0]));
        assert!(from < 0.2 && to > f64::from(SECONDS) - 0.2, "{from} {to}");
    }

    #[test]
    fn a_change_of_19_passes_and_of_21_fails() {
        assert!(flashed(greys(30.0, 49.0), 1.0, 6).0.is_empty());
        assert_eq!(flashed(greys(30.0, 51.0), 1.0, 6).0.len(), 1);
    }

    #[test]
    fn a_darker_side_of_162_passes_and_of_158_fails() {
        assert!(flashed(greys(162.0, 198.0), 1.0, 6).0.is_empty());
        assert_eq!(flashed(greys(158.0, 198.0), 1.0, 6).0.len(), 1);
    }

    #[test]
    fn less_than_a_quarter_of_the_picture_passes() {
        assert!(flashed(greys(10.0, 100.0), 7.0 / 32.0, 6).0.is_empty());
        let (failures, _) = flashed(greys(10.0, 100.0), 8.0 / 32.0, 6);
        assert_eq!((failures.len(), failures[0].region), (1, [0.0, 0.0, 0.25, 1.0]));
    }

    #[test]
    fn saturated_red_fails_where_its_luminance_would_pass() {
        // 33 cd/m² of red against 30 of grey is a change of 3 only
        let red = [code(155.0), 0, 0];
        let luminance = |c: [u8; 3]| PEAK * 0.2126 * (f32::from(c[0]) / 255.0).powf(GAMMA);
        let grey = [code(luminance(red) - 3.0); 3];
        let (failures, _) = flashed([red, grey], 1.0, 6);
        assert_eq!(failures.iter().map(|f| f.flash).collect::<Vec<_>>(), [Flash::Red]);
        assert!(flashed([red, grey], 1.0, 3).0.is_empty());
        // the same change towards a red that is not saturated
        let pale = [code(155.0), code(60.0), code(60.0)];
        assert!(flashed([pale, [code(80.0); 3]], 1.0, 6).0.iter().all(|f| f.flash == Flash::General));
    }

    #[test]
    fn slow_fades_and_stills_are_no_flashes() {
        let mut flashes = Flashes::default();
        for number in 0..FPS * SECONDS {
            let level = 100.0 - 90.0 * (number as f32 / FPS as f32 * std::f32::consts::PI).cos();
            flashes.push(&frame(number, [code(level); 3], 1.0, [0; 3]));
        }
        let (failures, worst) = flashes.finish();
        assert!(failures.is_empty() && worst <= 2, "{failures:?} {worst}");
        assert_eq!(flashed(greys(50.0, 50.0), 1.0, 6), (vec![], 0));
    }
}
