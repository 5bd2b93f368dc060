//! A picture as a file of its format, with what it was made of inside it. The same picture gives the same bytes.

use crate::exr;
use crate::metadata::Metadata;
use crate::params::Container;
use crate::picture::Made;
use klieg_kernels::Picture;
use klieg_kind::{Media, StillFormat};
use klieg_protocol::{Fault, TaskFailure};
use std::path::Path;

pub(crate) fn failed(what: &str, why: impl std::fmt::Display) -> TaskFailure {
    TaskFailure { fault: Fault::Task, message: format!("failed to {what}: {why}") }
}

/// The bytes of a picture's file. `scratch`: a folder for what an encoder of the node's writes.
pub fn encode(
    made: &Made,
    format: Container,
    metadata: &Metadata,
    media: &dyn Media,
    scratch: &Path,
) -> Result<Vec<u8>, TaskFailure> {
    match format {
        Container::Png => png(&made.picture, metadata).map_err(|e| failed("write a PNG", e)),
        Container::Webp => webp(&made.picture, metadata).map_err(|e| failed("write a WebP", e)),
        Container::Exr => {
            let layers = made.layers.as_ref().ok_or_else(|| failed("write an EXR", "the picture has no layers"))?;
            exr::write(layers, made.exposure_ev, metadata).map_err(|e| failed("write an EXR", e))
        }
        Container::Avif => {
            let path = scratch.join("picture.avif");
            let Picture { width, height, rgb } = &made.picture;
            media.still(&path, StillFormat::Avif, (*width, *height), rgb)?;
            let bytes = std::fs::read(&path).map_err(|e| failed("read the AVIF", e))?;
            let _ = std::fs::remove_file(&path);
            Ok(bytes)
        }
    }
}

fn png(picture: &Picture, metadata: &Metadata) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, picture.width, picture.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
    encoder.add_itxt_chunk("Software".into(), Metadata::software())?;
    encoder.add_itxt_chunk("Description".into(), metadata.prompt.clone())?;
    encoder.add_itxt_chunk("klieg".into(), metadata.parameters.to_string())?;
    encoder.add_itxt_chunk("XML:com.adobe.xmp".into(), metadata.xmp())?;
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&picture.rgb)?;
    writer.finish()?;
    Ok(bytes)
}

fn webp(picture: &Picture, metadata: &Metadata) -> Result<Vec<u8>, image_webp::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = image_webp::WebPEncoder::new(&mut bytes);
    encoder.set_xmp_metadata(metadata.xmp().into_bytes());
    encoder.encode(&picture.rgb, picture.width, picture.height, image_webp::ColorType::Rgb8)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn picture() -> Picture {
        let rgb = (0..32 * 16 * 3).map(|i| (i % 251) as u8).collect();
        Picture { width: 32, height: 16, rgb }
    }

    fn metadata() -> Metadata {
        Metadata { prompt: "a temple, பொழுது".into(), parameters: json!({"seed": 7}) }
    }

    #[test]
    fn a_png_holds_pixels_and_words() {
        let bytes = png(&picture(), &metadata()).unwrap();
        assert_eq!(bytes, png(&picture(), &metadata()).unwrap());
        let mut reader = png::Decoder::new(std::io::Cursor::new(&bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        assert_eq!(pixels, picture().rgb);
        let text = &reader.info().utf8_text;
        let of = |key: &str| text.iter().find(|chunk| chunk.keyword == key).unwrap().get_text().unwrap();
        assert_eq!((of("klieg"), of("Description")), ("{\"seed\":7}".into(), "a temple, பொழுது".into()));
        assert!(of("XML:com.adobe.xmp").contains("algorithmicMedia"));
    }

    #[test]
    fn a_webp_holds_pixels_and_words() {
        let bytes = webp(&picture(), &metadata()).unwrap();
        let mut decoder = image_webp::WebPDecoder::new(std::io::Cursor::new(&bytes)).unwrap();
        let mut pixels = vec![0; decoder.output_buffer_size().unwrap()];
        decoder.read_image(&mut pixels).unwrap();
        assert_eq!(pixels, picture().rgb);
        let xmp = decoder.xmp_metadata().unwrap().unwrap();
        assert!(String::from_utf8(xmp).unwrap().contains("a temple, பொழுது"));
    }
}
