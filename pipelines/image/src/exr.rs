//! OpenEXR (openexr.com, "OpenEXR File Layout", version 2): the traced light before exposure, grade and tone curve, with what the renderer
//! knows of every pixel beside it. One part of scan lines, ZIP-compressed sixteen at a time.

use crate::metadata::{ALGORITHMIC, Metadata};
use flate2::{Compression, write::ZlibEncoder};
use half::f16;
use klieg_kernels::Layers;
use serde_json::json;
use std::io::{self, Write};

/// The attribute that says what the picture was made of, as JSON.
const PARAMETERS: &str = "kliegParameters";
/// Scan lines of a block.
const LINES: usize = 16;
const ZIP: u8 = 3;
const HALF: i32 = 1;
const FLOAT: i32 = 2;

/// A channel: its name, and the value of a pixel.
struct Channel<'a> {
    name: &'static str,
    kind: i32,
    value: Box<dyn Fn(usize) -> f32 + 'a>,
}

/// Channels: `R` `G` `B` (linear BT.709 light, half floats), `Z` (metres along the camera's axis, 32 bits; infinite at the sky), and the
/// layers `albedo` and `N` (shading normal, world space).
pub fn write(layers: &Layers, exposure_ev: f32, metadata: &Metadata) -> io::Result<Vec<u8>> {
    let channels = channels(layers);
    let (width, height) = (layers.width as usize, layers.height as usize);
    let mut out = vec![0x76, 0x2f, 0x31, 0x01];
    out.extend(2_u32.to_le_bytes());
    header(&mut out, layers, &channels, exposure_ev, metadata);
    let blocks = height.div_ceil(LINES);
    let table = out.len();
    out.resize(table + blocks * 8, 0);
    for block in 0..blocks {
        let at = (out.len() as u64).to_le_bytes();
        out[table + block * 8..table + block * 8 + 8].copy_from_slice(&at);
        let lines = block * LINES..((block + 1) * LINES).min(height);
        out.extend((lines.start as i32).to_le_bytes());
        let raw = raw(&channels, width, lines);
        let packed = packed(&raw)?;
        // What doesn't get smaller stands as it is.
        let body = if packed.len() < raw.len() { packed } else { raw };
        out.extend((body.len() as i32).to_le_bytes());
        out.extend(body);
    }
    Ok(out)
}

/// In the order of their names, as the format wants it.
fn channels(layers: &Layers) -> Vec<Channel<'_>> {
    let of = |name, plane: &'static str, channel: usize| {
        let plane = match plane {
            "color" => &layers.color,
            "albedo" => &layers.albedo,
            _ => &layers.normal,
        };
        Channel { name, kind: HALF, value: Box::new(move |at| plane[at][channel]) }
    };
    vec![
        of("B", "color", 2),
        of("G", "color", 1),
        of("N.X", "normal", 0),
        of("N.Y", "normal", 1),
        of("N.Z", "normal", 2),
        of("R", "color", 0),
        Channel { name: "Z", kind: FLOAT, value: Box::new(|at| layers.depth[at]) },
        of("albedo.B", "albedo", 2),
        of("albedo.G", "albedo", 1),
        of("albedo.R", "albedo", 0),
    ]
}

fn header(out: &mut Vec<u8>, layers: &Layers, channels: &[Channel<'_>], exposure_ev: f32, metadata: &Metadata) {
    let mut list = Vec::new();
    for channel in channels {
        list.extend(channel.name.bytes().chain([0]));
        list.extend(channel.kind.to_le_bytes());
        // Not perceptually linear, three reserved bytes, every pixel of every line.
        list.extend([0; 4]);
        list.extend([1_i32, 1].map(i32::to_le_bytes).as_flattened());
    }
    list.push(0);
    let window: Vec<u8> = [0, 0, layers.width as i32 - 1, layers.height as i32 - 1].map(i32::to_le_bytes).as_flattened().to_vec();
    let parameters = json!({"parameters": metadata.parameters, "exposure_ev": exposure_ev, "digital_source_type": ALGORITHMIC});
    let (parameters, software, one) = (parameters.to_string(), Metadata::software(), 1_f32.to_le_bytes());
    let attributes: [(&str, &str, &[u8]); 11] = [
        ("channels", "chlist", &list),
        ("comments", "string", metadata.prompt.as_bytes()),
        ("compression", "compression", &[ZIP]),
        ("dataWindow", "box2i", &window),
        ("displayWindow", "box2i", &window),
        (PARAMETERS, "string", parameters.as_bytes()),
        ("lineOrder", "lineOrder", &[0]),
        ("pixelAspectRatio", "float", &one),
        ("screenWindowCenter", "v2f", &[0; 8]),
        ("screenWindowWidth", "float", &one),
        ("software", "string", software.as_bytes()),
    ];
    for (name, kind, value) in attributes {
        out.extend(name.bytes().chain([0]).chain(kind.bytes()).chain([0]));
        out.extend((value.len() as i32).to_le_bytes());
        out.extend(value);
    }
    out.push(0);
}

/// Lines one after the other, in each the rows of all channels.
fn raw(channels: &[Channel<'_>], width: usize, lines: std::ops::Range<usize>) -> Vec<u8> {
    let mut out = Vec::new();
    for line in lines {
        for channel in channels {
            for value in (line * width..(line + 1) * width).map(&channel.value) {
                match channel.kind {
                    HALF => out.extend(f16::from_f32(value).to_le_bytes()),
                    _ => out.extend(value.to_le_bytes()),
                }
            }
        }
    }
    out
}

/// Low and high bytes apart, each as its difference to the one before, then zlib.
fn packed(raw: &[u8]) -> io::Result<Vec<u8>> {
    let apart: Vec<u8> = raw.iter().step_by(2).chain(raw.iter().skip(1).step_by(2)).copied().collect();
    let first = apart.first().copied();
    let steps = apart.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]).wrapping_add(128));
    let steps: Vec<u8> = first.into_iter().chain(steps).collect();
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    zlib.write_all(&steps)?;
    zlib.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn light_is_kept_as_it_was_traced() {
        let (width, height) = (8, 37);
        let pixels = width * height;
        let color: Vec<[f32; 3]> = (0..pixels).map(|at| [at as f32 * 0.5, 2.0, 0.25]).collect();
        let layers = Layers {
            width: width as u32,
            height: height as u32,
            color: color.clone(),
            clear: vec![[0.0; 3]; pixels],
            albedo: vec![[0.5; 3]; pixels],
            normal: vec![[0.0, 1.0, 0.0]; pixels],
            depth: vec![f32::INFINITY; pixels],
            variance: vec![0.0; pixels],
        };
        let metadata = Metadata { prompt: "பொழுது".into(), parameters: json!({"seed": 7}) };
        let bytes = write(&layers, 1.5, &metadata).unwrap();
        assert_eq!(bytes, write(&layers, 1.5, &metadata).unwrap());
        let says = |words: &str| bytes.windows(words.len()).any(|part| part == words.as_bytes());
        assert!(says("பொழுது") && says("\"exposure_ev\":1.5") && says("{\"seed\":7}"));
        // FFmpeg's decoder reads the planes as G, B, R.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("light.exr");
        std::fs::write(&path, &bytes).unwrap();
        let output = std::process::Command::new("ffmpeg")
            .args(["-v", "error", "-i"])
            .arg(&path)
            .args(["-f", "rawvideo", "-pix_fmt", "gbrpf32le", "-"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let planes: Vec<f32> = output.stdout.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        assert_eq!(planes.len(), 3 * pixels);
        let red: Vec<f32> = color.iter().map(|c| c[0]).collect();
        assert_eq!(planes[2 * pixels..], red);
        assert!(planes[..pixels].iter().all(|green| *green == 2.0));
    }
}
