//! The contact sheet: one still of every shot, labelled by its place in the grid, in film order.

use image::{ImageBuffer, Rgb, RgbImage, imageops};

const COLUMNS: u32 = 4;
const GAP: u32 = 6;
/// Width of a still on the sheet, pixels.
const STILL_WIDTH: u32 = 320;

/// Lays stills (PNG bytes, all of one size) on a sheet; PNG bytes. Errors name the still that doesn't decode.
pub fn sheet(stills: &[Vec<u8>]) -> Result<Vec<u8>, String> {
    let stills: Vec<RgbImage> = stills
        .iter()
        .enumerate()
        .map(|(i, png)| image::load_from_memory(png).map(|image| image.to_rgb8()).map_err(|e| format!("decode still {i}: {e}")))
        .collect::<Result<_, _>>()?;
    let Some(first) = stills.first() else {
        return png(&RgbImage::new(1, 1));
    };
    let height = (STILL_WIDTH * first.height()).div_ceil(first.width());
    let (columns, rows) = (COLUMNS.min(stills.len() as u32), (stills.len() as u32).div_ceil(COLUMNS));
    let mut sheet: RgbImage =
        ImageBuffer::from_pixel(columns * (STILL_WIDTH + GAP) + GAP, rows * (height + GAP) + GAP, Rgb([24, 22, 20]));
    for (i, still) in stills.iter().enumerate() {
        let small = imageops::resize(still, STILL_WIDTH, height, imageops::FilterType::Lanczos3);
        let (column, row) = (i as u32 % COLUMNS, i as u32 / COLUMNS);
        imageops::replace(&mut sheet, &small, i64::from(GAP + column * (STILL_WIDTH + GAP)), i64::from(GAP + row * (height + GAP)));
    }
    png(&sheet)
}

/// An image as PNG bytes.
pub fn png(image: &RgbImage) -> Result<Vec<u8>, String> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).map_err(|e| format!("encode PNG: {e}"))?;
    Ok(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_holds_every_still_in_order() {
        let stills: Vec<Vec<u8>> = (0..5u8).map(|i| png(&RgbImage::from_pixel(64, 36, Rgb([i * 50, 0, 0]))).unwrap()).collect();
        let sheet = image::load_from_memory(&sheet(&stills).unwrap()).unwrap().to_rgb8();
        assert_eq!(sheet.dimensions(), (4 * 326 + 6, 2 * (180 + 6) + 6));
        assert_eq!(sheet.get_pixel(6 + 326 + 10, 20).0[0], 50);
        assert_eq!(sheet.get_pixel(16, 6 + 186 + 10).0[0], 200);
    }

    #[test]
    fn a_broken_still_is_named() {
        assert!(sheet(&[vec![1, 2, 3]]).unwrap_err().contains("still 0"));
    }
}
