//! Sets the words of `film/set/signs/words.tsv` in type, a row of `words.png` each: `signs FOLDER`. Needs the Noto fonts; run it when
//! the words change.

use cosmic_text::{Attrs, Buffer, Color, Family, FontSystem, Metrics, Shaping, SwashCache, Weight};

/// Size of a row in pixels, and of the type in it.
const ROW: (u32, u32) = (384, 64);
const TYPE: f32 = 42.0;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("which folder?")?;
    let table = std::fs::read_to_string(format!("{folder}/words.tsv"))?;
    let words: Vec<(&str, &str)> = table
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('\t').and_then(|(script, rest)| Some((script, rest.split_once('\t')?.0))))
        .collect();
    let (mut fonts, mut cache) = (FontSystem::new(), SwashCache::new());
    let mut sheet = image::GrayImage::new(ROW.0, ROW.1 * words.len() as u32);
    for (i, (script, word)) in words.iter().enumerate() {
        let mut buffer = Buffer::new(&mut fonts, Metrics::new(TYPE, ROW.1 as f32));
        buffer.set_size(Some(ROW.0 as f32 - 8.0), None);
        let attrs = Attrs::new().family(Family::Name(family(script))).weight(Weight::BOLD);
        buffer.set_text(word, &attrs, Shaping::Advanced, None);
        let top = i as u32 * ROW.1;
        buffer.draw(&mut fonts, &mut cache, Color::rgb(255, 255, 255), |x, y, w, h, color| {
            for (px, py) in (0..h as i32).flat_map(|j| (0..w as i32).map(move |i| (x + i + 4, y + j))) {
                if (0..ROW.0 as i32).contains(&px) && (0..ROW.1 as i32).contains(&py) {
                    let at = sheet.get_pixel_mut(px as u32, top + py as u32);
                    at.0[0] = at.0[0].max(color.a());
                }
            }
        });
    }
    sheet.save(format!("{folder}/words.png"))?;
    println!("{} words", words.len());
    Ok(())
}

fn family(script: &str) -> &'static str {
    match script {
        "tamil" => "Noto Sans Tamil",
        "devanagari" => "Noto Sans Devanagari",
        "gurmukhi" => "Noto Sans Gurmukhi",
        "japanese" => "Noto Serif CJK JP",
        "chinese" => "Noto Sans CJK SC",
        "korean" => "Noto Sans CJK KR",
        "arabic" => "Noto Naskh Arabic",
        _ => "Noto Serif",
    }
}
