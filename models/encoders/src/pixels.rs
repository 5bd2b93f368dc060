//! Pictures to tensors as transformers' processors do it: Pillow's resampling to the last bit, centre crop, mean and deviation.

use crate::{Error, Folder};
use candle_core::{Device, Tensor};
use image::{ImageReader, Limits, RgbImage};
use serde::Deserialize;
use serde_json::Value;
use std::io::Cursor;

/// The longest side of a picture, in pixels: as it comes, and resized.
const SIDE_MAX: u32 = 16_384;
/// Bytes that decoding may take.
const DECODE_BYTES_MAX: u64 = 1 << 30;

/// PNG or JPEG. Transparency is dropped, as Pillow's `convert("RGB")` does.
pub fn decode(bytes: &[u8]) -> Result<RgbImage, Error> {
    let mut reader =
        ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|error| Error::Picture(error.to_string()))?;
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height, limits.max_alloc) = (Some(SIDE_MAX), Some(SIDE_MAX), Some(DECODE_BYTES_MAX));
    reader.limits(limits);
    Ok(reader.decode().map_err(|error| Error::Picture(error.to_string()))?.into_rgb8())
}

/// How pixels are weighed: Pillow's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// 1
    Lanczos,
    /// 2
    Bilinear,
    /// 3
    Bicubic,
}

impl Filter {
    fn of(number: u64) -> Option<Self> {
        [None, Some(Self::Lanczos), Some(Self::Bilinear), Some(Self::Bicubic)].get(usize::try_from(number).ok()?).copied()?
    }

    /// Pixels on each side that count.
    fn support(self) -> f64 {
        match self {
            Self::Lanczos => 3.0,
            Self::Bilinear => 1.0,
            Self::Bicubic => 2.0,
        }
    }

    fn weight(self, x: f64) -> f64 {
        let x = x.abs();
        match self {
            _ if x >= self.support() => 0.0,
            Self::Lanczos if x == 0.0 => 1.0,
            Self::Lanczos => {
                let sinc = |x: f64| (x * std::f64::consts::PI).sin() / (x * std::f64::consts::PI);
                sinc(x) * sinc(x / 3.0)
            }
            Self::Bilinear => 1.0 - x,
            // Keys' cubic with a = -1/2.
            Self::Bicubic if x < 1.0 => (1.5 * x - 2.5) * x * x + 1.0,
            Self::Bicubic => ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0,
        }
    }
}

/// Bits behind the point of Pillow's weights for 8-bit pixels.
const BITS: u32 = 22;

/// Weights of the source pixels of each target pixel: (first, weights).
fn weights(from: u32, to: u32, filter: Filter) -> Vec<(usize, Vec<i64>)> {
    let scale = f64::from(from) / f64::from(to);
    let stretch = scale.max(1.0);
    let support = filter.support() * stretch;
    let one = |x: u32| {
        let centre = (f64::from(x) + 0.5) * scale;
        let first = ((centre - support + 0.5) as i64).max(0);
        let last = ((centre + support + 0.5) as i64).min(i64::from(from));
        let all: Vec<f64> = (first..last).map(|at| filter.weight((at as f64 - centre + 0.5) / stretch)).collect();
        let sum: f64 = all.iter().sum();
        let fixed = |w: &f64| {
            let w = if sum == 0.0 { *w } else { w / sum } * f64::from(1u32 << BITS);
            (if w < 0.0 { w - 0.5 } else { w + 0.5 }) as i64
        };
        (first as usize, all.iter().map(fixed).collect())
    };
    (0..to).map(one).collect()
}

/// `Image.resize` of Pillow 13 for 8-bit RGB: across and down, rounded to 8 bits between. Older ones always go across first, which
/// differs by a few units in some pixels of pictures that lose much of their height.
pub fn resize(picture: &RgbImage, width: u32, height: u32, filter: Filter) -> Result<RgbImage, Error> {
    let (from_width, from_height) = picture.dimensions();
    if [width, height, from_width, from_height].iter().any(|side| !(1..=SIDE_MAX).contains(side)) {
        return Err(Error::Picture(format!("from {from_width} × {from_height} to {width} × {height}: sides are 1 to {SIDE_MAX}")));
    }
    let round = |sum: i64| ((sum + (1 << (BITS - 1))) >> BITS).clamp(0, 255) as u8;
    let across = |picture: &RgbImage| {
        let weights = weights(from_width, width, filter);
        RgbImage::from_fn(width, picture.height(), |x, y| {
            let (first, weights) = &weights[x as usize];
            let pixel = |i: usize, c: usize| i64::from(picture.get_pixel((first + i) as u32, y)[c]);
            let channel = |c: usize| -> i64 { weights.iter().enumerate().map(|(i, w)| w * pixel(i, c)).sum() };
            image::Rgb([0, 1, 2].map(|c| round(channel(c))))
        })
    };
    let down = |picture: &RgbImage| {
        let weights = weights(from_height, height, filter);
        RgbImage::from_fn(picture.width(), height, |x, y| {
            let (first, weights) = &weights[y as usize];
            let pixel = |i: usize, c: usize| i64::from(picture.get_pixel(x, (first + i) as u32)[c]);
            let channel = |c: usize| -> i64 { weights.iter().enumerate().map(|(i, w)| w * pixel(i, c)).sum() };
            image::Rgb([0, 1, 2].map(|c| round(channel(c))))
        })
    };
    Ok(match (width == from_width, height == from_height) {
        (true, true) => picture.clone(),
        (true, false) => down(picture),
        (false, true) => across(picture),
        (false, false) if tall(picture.dimensions(), (width, height)) => across(&down(picture)),
        (false, false) => down(&across(picture)),
    })
}

/// Whether Pillow 13 goes down before it goes across: where the height loses more than twice what the width does (found by trying 960 sizes).
fn tall((from_width, from_height): (u32, u32), (width, height): (u32, u32)) -> bool {
    height < from_height && i64::from(from_height) - i64::from(height) > 2 * (i64::from(from_width) - i64::from(width))
}

/// What `size` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Size {
    /// The shorter side; the other keeps the shape.
    Shortest(u32),
    /// Height and width.
    Exact(u32, u32),
}

impl Size {
    /// Width and height of what comes of a picture.
    fn of(self, width: u32, height: u32) -> (u32, u32) {
        let long = |short: u32, a: u32, b: u32| (f64::from(short) * f64::from(b) / f64::from(a)) as u32;
        match self {
            Self::Exact(height, width) => (width, height),
            Self::Shortest(short) if width <= height => (short, long(short, width, height)),
            Self::Shortest(short) => (long(short, height, width), short),
        }
    }
}

/// What is done to a picture before a model sees it: `preprocessor_config.json`.
#[derive(Clone, Debug, PartialEq)]
pub struct Preprocess {
    resize: Option<(Size, Filter)>,
    /// Height and width.
    crop: Option<(u32, u32)>,
    factor: f64,
    mean: [f32; 3],
    deviation: [f32; 3],
}

#[derive(Deserialize)]
struct Raw {
    do_resize: Option<bool>,
    size: Option<Value>,
    resample: Option<u64>,
    do_center_crop: Option<bool>,
    crop_size: Option<Value>,
    do_rescale: Option<bool>,
    rescale_factor: Option<f64>,
    do_normalize: Option<bool>,
    image_mean: Option<[f32; 3]>,
    image_std: Option<[f32; 3]>,
}

impl Preprocess {
    /// The folder's own settings; what they leave out, and all without any, is as the model's processor has it by default
    /// (`model`: `clip`, `siglip` or `vit`).
    pub fn open(folder: &Folder, model: &str) -> Result<Self, Error> {
        const FILE: &str = "preprocessor_config.json";
        let raw: Raw =
            if folder.has(FILE) { folder.json(FILE)? } else { serde_json::from_str("{}").map_err(|e| Error::config(FILE, e))? };
        let clip = model == "clip";
        let number = |value: &Value, key: &str| value.get(key).and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
        let plain = |value: &Value| value.as_u64().and_then(|n| u32::try_from(n).ok());
        let bad = |what: &str, value: &Value| Error::config(FILE, format!("{what} {value} is not understood"));
        let size = match &raw.size {
            None if clip => Size::Shortest(224),
            None => Size::Exact(224, 224),
            Some(value) => match (number(value, "shortest_edge"), number(value, "height"), number(value, "width"), plain(value)) {
                (Some(short), ..) => Size::Shortest(short),
                (_, Some(height), Some(width), _) => Size::Exact(height, width),
                (.., Some(side)) if clip => Size::Shortest(side),
                (.., Some(side)) => Size::Exact(side, side),
                _ => return Err(bad("size", value)),
            },
        };
        let crop = match &raw.crop_size {
            None => (224, 224),
            Some(value) => match (number(value, "height"), number(value, "width"), plain(value)) {
                (Some(height), Some(width), _) => (height, width),
                (.., Some(side)) => (side, side),
                _ => return Err(bad("crop_size", value)),
            },
        };
        let number = raw.resample.unwrap_or(if model == "vit" { 2 } else { 3 });
        let filter =
            Filter::of(number).ok_or_else(|| Error::config(FILE, format!("resample {number} is not supported: 1, 2 and 3 are")))?;
        let normal = raw.do_normalize.unwrap_or(true);
        let or = |given: Option<[f32; 3]>, own: [f32; 3], none: f32| if normal { given.unwrap_or(own) } else { [none; 3] };
        let own = |clip_own: [f32; 3]| if clip { clip_own } else { [0.5; 3] };
        Ok(Self {
            resize: raw.do_resize.unwrap_or(true).then_some((size, filter)),
            crop: raw.do_center_crop.unwrap_or(clip).then_some(crop),
            factor: if raw.do_rescale.unwrap_or(true) { raw.rescale_factor.unwrap_or(1.0 / 255.0) } else { 1.0 },
            mean: or(raw.image_mean, own([0.481_454_66, 0.457_827_5, 0.408_210_73]), 0.0),
            deviation: or(raw.image_std, own([0.268_629_54, 0.261_302_6, 0.275_777_1]), 1.0),
        })
    }

    /// 3 × height × width.
    pub fn apply(&self, picture: &RgbImage, device: &Device) -> Result<Tensor, Error> {
        let owned;
        let resized = match self.resize {
            Some((size, filter)) => {
                let (width, height) = size.of(picture.width(), picture.height());
                owned = resize(picture, width, height, filter)?;
                &owned
            }
            None => picture,
        };
        let (height, width) = self.crop.unwrap_or((resized.height(), resized.width()));
        // Where the crop begins: outside of a picture that is smaller, and there it is black.
        let top = (i64::from(resized.height()) - i64::from(height)).div_euclid(2);
        let left = (i64::from(resized.width()) - i64::from(width)).div_euclid(2);
        let value = |c: usize, y: u32, x: u32| {
            let (y, x) = (u32::try_from(i64::from(y) + top).ok(), u32::try_from(i64::from(x) + left).ok());
            let pixel = x.zip(y).and_then(|(x, y)| resized.get_pixel_checked(x, y)).map_or(0, |pixel| pixel[c]);
            ((f64::from(pixel) * self.factor) as f32 - self.mean[c]) / self.deviation[c]
        };
        let plane = |c: usize| (0..height).flat_map(move |y| (0..width).map(move |x| (c, y, x)));
        let values: Vec<f32> = (0..3).flat_map(plane).map(|(c, y, x)| value(c, y, x)).collect();
        Ok(Tensor::from_vec(values, (3, height as usize, width as usize), device)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_of_each_pixel_are_one_together() {
        for (from, to) in [(10, 3), (3, 10), (224, 224), (1, 5), (1000, 7)] {
            for filter in [Filter::Lanczos, Filter::Bilinear, Filter::Bicubic] {
                for (first, all) in weights(from, to, filter) {
                    assert!(first + all.len() <= from as usize);
                    assert!((all.iter().sum::<i64>() - (1 << BITS)).abs() <= all.len() as i64, "{from} to {to}");
                }
            }
        }
    }

    #[test]
    fn sides_out_of_bounds_are_refused() {
        let picture = RgbImage::new(1, 300);
        assert!(matches!(resize(&picture, 0, 5, Filter::Bicubic), Err(Error::Picture(_))));
        assert!(matches!(resize(&picture, 224, 67_200, Filter::Bicubic), Err(Error::Picture(_))));
        assert!(matches!(decode(b"not a picture"), Err(Error::Picture(_))));
    }

    #[test]
    fn the_shorter_side_keeps_the_shape() {
        assert_eq!(Size::Shortest(224).of(640, 481), (298, 224));
        assert_eq!(Size::Shortest(224).of(100, 301), (224, 674));
        assert_eq!(Size::Exact(4, 5).of(100, 301), (5, 4));
    }
}
