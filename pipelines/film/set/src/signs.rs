//! Lettering on signs: plain words in the place's own script. They are set in type beforehand, so that a set needs no fonts.

use crate::SetBrief;
use crate::kit::{Dice, Model, p};
use glam::Vec3;
use klieg_film_words::story::{Culture, Region};
use klieg_kernels::scene::{Material, Pattern, Texture};

/// Script, word, meaning; a row of the sheet each.
const WORDS: &str = include_str!("../signs/words.tsv");
/// White on black, [`ROW`] pixels a word.
const SHEET: &[u8] = include_bytes!("../signs/words.png");
const ROW: u32 = 64;

/// A word in type: coverage, 0–255, cut to its ink.
pub struct Word {
    width: u32,
    height: u32,
    ink: Vec<u8>,
}

/// The script in which signs of this culture are written; none where klieg has no words that it is sure of.
fn script(culture: Culture) -> Option<&'static str> {
    match culture {
        Culture::Tamil => Some("tamil"),
        Culture::Hindi => Some("devanagari"),
        Culture::Punjabi => Some("gurmukhi"),
        Culture::Japanese => Some("japanese"),
        Culture::Chinese => Some("chinese"),
        Culture::Korean => Some("korean"),
        Culture::MiddleEastern => Some("arabic"),
        _ => matches!(culture.region(), Region::Western | Region::African).then_some("latin"),
    }
}

/// A word of the place's script that says `meaning`, or any of what shops say.
pub fn word(brief: &SetBrief, meaning: Option<&str>, dice: &mut Dice) -> Option<Word> {
    let script = script(brief.culture)?;
    let shop = |said: &str| !matches!(said, "temple" | "welcome");
    let rows: Vec<u32> = (0..)
        .zip(WORDS.lines().filter(|line| !line.starts_with('#')))
        .filter_map(|(i, line)| {
            let mut cells = line.split('\t');
            let (of, said) = (cells.next()?, cells.nth(1)?);
            (of == script && meaning.map_or_else(|| shop(said), |wanted| wanted == said)).then_some(i)
        })
        .collect();
    let row = rows.get(dice.below(rows.len()))?;
    cut(&image::load_from_memory(SHEET).ok()?.into_luma8(), row * ROW)
}

/// The inked part of a row of the sheet.
fn cut(sheet: &image::GrayImage, top: u32) -> Option<Word> {
    let inked = |x: u32, y: u32| sheet.get_pixel(x, top + y).0[0] > 24;
    let rows = ROW.min(sheet.height().saturating_sub(top));
    let columns: Vec<u32> = (0..sheet.width()).filter(|x| (0..rows).any(|y| inked(*x, y))).collect();
    let lines: Vec<u32> = (0..rows).filter(|y| (0..sheet.width()).any(|x| inked(x, *y))).collect();
    let ((x0, x1), (y0, y1)) = ((columns.first()?, columns.last()?), (lines.first()?, lines.last()?));
    let ink = (*y0..=*y1).flat_map(|y| (*x0..=*x1).map(move |x| sheet.get_pixel(x, top + y).0[0])).collect();
    Some(Word { width: x1 - x0 + 1, height: y1 - y0 + 1, ink })
}

/// A painted board in the plane z = 0 about `centre`, `size` metres wide and high, with the word as large as fits.
pub fn board(m: &mut Model, word: &Word, centre: Vec3, size: (f32, f32), ink: &str, ground: &str) {
    let texture = m.geometry.textures.len() as u32;
    m.geometry.textures.push(painted(word, size.0 / size.1, hex(ink), hex(ground)));
    let id = m.material(&Material {
        pattern: Pattern::Image,
        texture,
        base: [0.8; 3],
        roughness: 0.55,
        coat: 0.25,
        ..Material::default()
    });
    let corner =
        |m: &mut Model, x: f32, y: f32| m.vertex(centre + p((x - 0.5) * size.0, (y - 0.5) * size.1, 0.0), Vec3::Z, [x, y, 0.0]);
    let q = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)].map(|(x, y)| corner(m, x, y));
    m.geometry.triangle(q[0], q[1], q[2], id);
    m.geometry.triangle(q[0], q[2], q[3], id);
}

/// The word on its ground, within a thin painted line; `aspect` is width over height of the board.
fn painted(word: &Word, aspect: f32, ink: [u8; 3], ground: [u8; 3]) -> Texture {
    let (w, h) = (word.width as f32, word.height as f32);
    let tall = (h * 1.55).max(w * 1.16 / aspect);
    let (width, height) = ((tall * aspect).ceil() as u32, tall.ceil() as u32);
    let (left, top) = ((width - word.width.min(width)) / 2, (height - word.height.min(height)) / 2);
    let line = (height / 26).max(1);
    let cover = |x: u32, y: u32| {
        let (i, j) = (x.wrapping_sub(left), y.wrapping_sub(top));
        let edge = x.min(width - 1 - x).min(y.min(height - 1 - y));
        match (i < word.width && j < word.height, (line * 2..line * 3).contains(&edge)) {
            (true, _) => word.ink[(j * word.width + i) as usize],
            (_, true) => 170,
            _ => 0,
        }
    };
    let mixed = |a: u8, b: u8, t: u8| ((u32::from(a) * (255 - u32::from(t)) + u32::from(b) * u32::from(t)) / 255) as u8;
    let rgba = (0..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .flat_map(|(x, y)| {
            let t = cover(x, y);
            [mixed(ground[0], ink[0], t), mixed(ground[1], ink[1], t), mixed(ground[2], ink[2], t), 255]
        })
        .collect();
    Texture { width, height, rgba }
}

/// "#RRGGBB" as bytes.
fn hex(color: &str) -> [u8; 3] {
    let value = u32::from_str_radix(color.trim_start_matches('#'), 16).unwrap_or(0x80_80_80);
    [(value >> 16) as u8, (value >> 8) as u8, value as u8]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_ink_that_fits_its_row() {
        let sheet = image::load_from_memory(SHEET).unwrap().into_luma8();
        let words: Vec<&str> = WORDS.lines().filter(|l| !l.starts_with('#')).collect();
        assert_eq!(sheet.height(), ROW * words.len() as u32);
        for (i, line) in (0..).zip(&words) {
            assert_eq!(line.split('\t').count(), 3, "{line}");
            let word = cut(&sheet, i * ROW).unwrap_or_else(|| panic!("{line} has no ink"));
            assert!(
                word.height > 18 && word.height < ROW && word.width < sheet.width() - 6,
                "{line}: {} × {}",
                word.width,
                word.height
            );
        }
    }

    #[test]
    fn a_board_shows_the_word_in_its_colours() {
        let word = Word { width: 3, height: 2, ink: vec![255; 6] };
        let t = painted(&word, 2.0, [250, 240, 200], [10, 20, 30]);
        assert_eq!(t.rgba.len(), (t.width * t.height * 4) as usize);
        let pixels: Vec<&[u8]> = t.rgba.chunks_exact(4).collect();
        assert_eq!(pixels.iter().filter(|p| p[..3] == [250, 240, 200]).count(), 6);
        assert!(pixels.iter().any(|p| p[..3] == [10, 20, 30]));
    }
}
