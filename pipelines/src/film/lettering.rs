//! Title card and end credits: what they say, and their lettering over the picture, in any script (Noto fonts).

use super::blur::blur;
use cosmic_text::{Align, Attrs, Buffer, Color, Family, FontSystem, Metrics, Shaping, SwashCache, Weight, fontdb};
use klieg_kernels::render::Picture;
use klieg_protocol::{Fault, TaskFailure};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What a card says, top to bottom.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// In large letters; empty for none.
    pub title: String,
    /// Smaller rows under it.
    pub rows: Vec<Row>,
    /// Frames that the letters take to appear and to go.
    pub fade_frames: u32,
}

/// A row of a card.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Row {
    /// Centred.
    Line(String),
    /// Centred, bold, with air above it.
    Heading(String),
    /// Two columns that meet in the middle: a role and who plays it.
    Pair(String, String),
}

impl Row {
    /// Height in units of the text size, air included.
    fn tall(&self) -> f32 {
        match self {
            Row::Line(_) | Row::Pair(..) => 1.5,
            Row::Heading(_) => 2.5,
        }
    }
}

/// Half the gutter between the columns, in text sizes.
const GUTTER: f32 = 0.8;

/// A card set in type at a picture's size: coverage of the letters and of their soft shadow, 0–1, a value a pixel.
pub struct Lettering {
    letters: Vec<f32>,
    shadow: Vec<f32>,
    fade_frames: u32,
}

/// Warm white of the letters, display-referred.
const INK: [f32; 3] = [0.98, 0.94, 0.86];
/// How much of the picture the shadow takes away.
const SHADOW_DEPTH: f32 = 0.72;

impl Lettering {
    /// Sets `card` for a picture of `width` × `height` pixels.
    pub fn set(card: &Card, width: u32, height: u32) -> Result<Self, TaskFailure> {
        let mut fonts = fonts()?;
        let mut page = Page { width, height, letters: vec![0.0; (width * height) as usize], cache: SwashCache::new() };
        let unit = height as f32 / 360.0;
        let title_size = if card.title.is_empty() { 0.0 } else { fitting(&card.title, 46.0) * unit };
        let room = height as f32 * 0.86 - title_size * 1.6;
        // The first heading needs no air above it.
        let lead = if matches!(card.rows.first(), Some(Row::Heading(_))) { 1.0 } else { 0.0 };
        let rows = card.rows.iter().map(Row::tall).sum::<f32>() - lead;
        let size = (room / rows.max(1.5)).min(16.5 * unit);
        let mut y = (height as f32 - title_size * 1.6 - size * rows) * 0.5;
        if title_size > 0.0 {
            y += page.write(&mut fonts, &card.title, (title_size, Weight::BOLD), Column::Middle, y);
        }
        y -= lead * size;
        for row in &card.rows {
            y += page.row(&mut fonts, row, size, y);
        }
        let mut shadow = page.letters.clone();
        for _ in 0..3 {
            shadow = blur(&shadow, width as usize, height as usize, (2.5 * unit).ceil() as usize);
        }
        for s in &mut shadow {
            *s = (*s * 2.2).min(1.0);
        }
        Ok(Self { letters: page.letters, shadow, fade_frames: card.fade_frames })
    }

    /// Lays the letters over `picture`, `frame` frames into a shot of `frames`.
    pub fn lay(&self, picture: &mut Picture, frame: u32, frames: u32) {
        let fade = self.fade_frames.max(1) as f32;
        let ease = |t: f32| t.clamp(0.0, 1.0).powi(2) * (3.0 - 2.0 * t.clamp(0.0, 1.0));
        let strength = ease(frame as f32 / fade) * ease((frames - frame) as f32 / fade);
        for (pixel, (ink, shadow)) in picture.rgb.chunks_exact_mut(3).zip(self.letters.iter().zip(&self.shadow)) {
            for (value, warm) in pixel.iter_mut().zip(INK) {
                let under = f32::from(*value) / 255.0 * (1.0 - SHADOW_DEPTH * shadow * strength);
                *value = ((under + (warm - under) * ink * strength) * 255.0).round() as u8;
            }
        }
    }
}

/// Long titles are set smaller, so that they stay on two lines. Points at 360 lines.
fn fitting(title: &str, size: f32) -> f32 {
    let length = title.chars().count() as f32;
    size * (22.0 / length.max(22.0)).max(0.5)
}

/// Where on the page a text stands.
#[derive(Clone, Copy)]
enum Column {
    Middle,
    /// Right-aligned, up to the gutter.
    Left,
    /// Left-aligned, from the gutter on.
    Right,
}

struct Page {
    width: u32,
    height: u32,
    letters: Vec<f32>,
    cache: SwashCache,
}

impl Page {
    /// Writes a row at `top`; returns the height it took.
    fn row(&mut self, fonts: &mut FontSystem, row: &Row, size: f32, top: f32) -> f32 {
        let normal = (size, Weight::NORMAL);
        match row {
            Row::Line(text) => self.write(fonts, text, normal, Column::Middle, top),
            Row::Heading(text) => size + self.write(fonts, text, (size, Weight::BOLD), Column::Middle, top + size),
            Row::Pair(role, who) => {
                let left = self.write(fonts, role, (size, Weight::BOLD), Column::Left, top);
                left.max(self.write(fonts, who, normal, Column::Right, top))
            }
        }
    }

    /// Writes text into a column at `top`; returns the height it took, leading included.
    fn write(&mut self, fonts: &mut FontSystem, text: &str, (size, weight): (f32, Weight), column: Column, top: f32) -> f32 {
        let mut buffer = Buffer::new(fonts, Metrics::new(size, size * 1.3));
        let (whole, half) = (self.width as f32 * 0.88, self.width as f32 * 0.44 - GUTTER * size);
        let (left, room, align) = match column {
            Column::Middle => (self.width as f32 * 0.06, whole, Align::Center),
            Column::Left => (self.width as f32 * 0.06, half, Align::Right),
            Column::Right => (self.width as f32 * 0.5 + GUTTER * size, half, Align::Left),
        };
        buffer.set_size(Some(room), None);
        buffer.set_text(text, &Attrs::new().family(Family::Name("Noto Serif")).weight(weight), Shaping::Advanced, Some(align));
        let left = left.round() as i32;
        let (width, height, letters) = (self.width as i32, self.height as i32, &mut self.letters);
        let first = top.round() as i32;
        buffer.draw(fonts, &mut self.cache, Color::rgb(255, 255, 255), |x, y, w, h, color| {
            for (px, py) in (0..h as i32).flat_map(|j| (0..w as i32).map(move |i| (x + i + left, y + j + first))) {
                if (0..width).contains(&px) && (0..height).contains(&py) {
                    let at = &mut letters[(py * width + px) as usize];
                    *at = at.max(f32::from(color.a()) / 255.0);
                }
            }
        });
        let lines = buffer.layout_runs().count().max(1) as f32;
        lines * size * 1.3 + size * 0.2
    }
}

/// How many font files for titles this machine has.
pub fn fonts_found() -> usize {
    font_files().len()
}

/// In order of their paths, so that the choice among them never depends on the folder's.
fn font_files() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = ["/usr/share/fonts/truetype/noto", "/usr/share/fonts/opentype/noto"]
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flat_map(|entries| entries.flatten().map(|e| e.path()))
        .filter(|path| is_upright_text_face(path))
        .collect();
    files.sort();
    files
}

fn fonts() -> Result<FontSystem, TaskFailure> {
    let mut db = fontdb::Database::new();
    for file in font_files() {
        // A font file that doesn't parse is left out; the check below notices when none is left.
        let _ = db.load_font_file(file);
    }
    if db.faces().next().is_none() {
        return Err(TaskFailure {
            fault: Fault::Node,
            message: "set the titles: no Noto fonts found; install them with `apt-get install fonts-noto-core fonts-noto-cjk`"
                .into(),
        });
    }
    db.set_serif_family("Noto Serif");
    db.set_sans_serif_family("Noto Sans");
    Ok(FontSystem::new_with_locale_and_db("en-US".into(), db))
}

fn is_upright_text_face(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    (name.starts_with("NotoSerif") || name.starts_with("NotoSans") || name.starts_with("NotoNaskh"))
        && (name.contains("-Regular") || name.contains("-Bold."))
        && !name.contains("Display")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32) -> Picture {
        Picture { width, height, rgb: vec![40; (width * height * 3) as usize] }
    }

    fn brightest(title: &str) -> u8 {
        let card = Card { title: title.into(), rows: vec![Row::Line("written by nobody".into())], fade_frames: 6 };
        let lettering = Lettering::set(&card, 320, 180).expect("fonts-noto-core is installed by the project's setup");
        let mut picture = picture(320, 180);
        lettering.lay(&mut picture, 30, 60);
        picture.rgb.into_iter().max().unwrap_or_default()
    }

    #[test]
    fn letters_of_many_scripts_appear() {
        for title in ["The Wedding", "திருமணம்", "शादी", "春の庭", "결혼식", "عرس"] {
            assert!(brightest(title) > 200, "{title} left no bright pixel");
        }
    }

    #[test]
    fn letters_fade_in_from_nothing() {
        let card = Card { title: "Rain".into(), rows: vec![], fade_frames: 6 };
        let lettering = Lettering::set(&card, 160, 90).unwrap();
        let mut first = picture(160, 90);
        lettering.lay(&mut first, 0, 48);
        assert_eq!(first.rgb, picture(160, 90).rgb);
    }

    #[test]
    fn two_columns_meet_in_the_middle() {
        let rows = vec![Row::Heading("Cast".into()), Row::Pair("Frank Delaney".into(), "voice: flite rms".into())];
        let card = Card { title: String::new(), rows, fade_frames: 6 };
        let (w, h) = (320, 180);
        let letters = Lettering::set(&card, w, h).unwrap().letters;
        let inked = |x: std::ops::Range<usize>| {
            (h as usize / 2..h as usize).flat_map(|y| x.clone().map(move |x| y * w as usize + x)).any(|i| letters[i] > 0.3)
        };
        assert!(inked(60..150) && inked(170..260) && !inked(155..165));
    }
}
