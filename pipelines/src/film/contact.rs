//! The contact sheet: one still of every shot, labelled by its place in the grid, in film order.

use image::{ImageBuffer, Rgb, RgbImage, imageops};

const COLUMNS: u32 = 4;
const GAP: u32 = 6;
/// Width of a still on the sheet, pixels.
const STILL_WIDTH: u32 = 320;

/// The largest still that is read, pixels a side, and what decoding it may take: a picture of a few bytes may say that it is vast.
const STILL_SIDE_MAX: u32 = 16_384;
const STILL_BYTES_MAX: u64 = 1 << 30;

fn decoded(png: &[u8]) -> image::ImageResult<RgbImage> {
    let mut limits = image::Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(STILL_SIDE_MAX), Some(STILL_SIDE_MAX));
    limits.max_alloc = Some(STILL_BYTES_MAX);
    let mut reader = image::ImageReader::new(std::io::Cursor::new(png)).with_guessed_format()?;
    reader.limits(limits);
    Ok(reader.decode()?.to_rgb8())
}

/// Lays stills (PNG bytes, all of one size) on a sheet; PNG bytes. Errors name the still that doesn't decode.
pub fn sheet(stills: &[Vec<u8>]) -> Result<Vec<u8>, String> {
    let stills: Vec<RgbImage> = stills
        .iter()
        .enumerate()
        .map(|(i, png)| decoded(png).map_err(|e| format!("decode still {i}: {e}")))
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

    #[test]
    fn a_picture_that_says_it_is_vast_is_not_made_room_for() {
        let side = 60_000_u32.to_be_bytes();
        let header = [b"IHDR".as_slice(), &side, &side, &[16, 6, 0, 0, 0]].concat();
        let vast = [b"\x89PNG\r\n\x1a\n\0\0\0\x0d".as_slice(), &header, &crc(&header)].concat();
        let error = sheet(&[vast]).unwrap_err();
        assert!(error.contains("still 0") && error.to_lowercase().contains("limit"), "{error}");
    }

    /// As PNG checks its chunks (ISO 3309).
    fn crc(bytes: &[u8]) -> [u8; 4] {
        let turn = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        let sum = bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| turn(crc)));
        (!sum).to_be_bytes()
    }
}
