//! Colour conversion's launches.

use wgpu::Buffer;

use super::gpu::Gpu;
use super::kernel::{CONVERT, MATH, Source};
use super::records::Convert;
use super::{Held, film};
use crate::convert::{Format, Frame, Transfer};
use crate::error::KernelError;
use crate::pixels::{Pixels, Rgb};

const KERNEL: Source = Source { name: "convert", modules: &[MATH, CONVERT], bindings: &[0, 1, 2] };

/// Converts a picture of the host's.
pub fn run(gpu: &Gpu, held: &mut Held, pixels: &Pixels<'_>, transfer: Transfer, format: Format) -> Result<Frame, KernelError> {
    pixels.check()?;
    let size = (pixels.width, pixels.height);
    match pixels.rgb {
        Rgb::Bytes(rgb) => {
            let words: Vec<u32> = rgb.as_chunks::<3>().0.iter().map(|&[r, g, b]| u32::from_le_bytes([r, g, b, 0])).collect();
            convert(gpu, held, &upload(gpu, bytemuck::cast_slice(&words))?, size, None, format)
        }
        Rgb::Floats(rgb) => convert(gpu, held, &upload(gpu, bytemuck::cast_slice(rgb))?, size, Some(transfer), format),
    }
}

/// Converts the developed canvas.
pub fn canvas(gpu: &Gpu, held: &mut Held, format: Format) -> Result<Frame, KernelError> {
    let (size, finished) = film::finished(gpu, held)?;
    convert(gpu, held, &finished, size, None, format)
}

fn upload(gpu: &Gpu, bytes: &[u8]) -> Result<Buffer, KernelError> {
    let buffer = gpu.storage(bytes.len() as u64)?;
    gpu.queue.write_buffer(&buffer, 0, bytes);
    Ok(buffer)
}

fn convert(
    gpu: &Gpu,
    held: &mut Held,
    input: &Buffer,
    (width, height): (u32, u32),
    floats: Option<Transfer>,
    format: Format,
) -> Result<Frame, KernelError> {
    let kernel = held.kernel(gpu, &KERNEL)?;
    let sizes: Vec<usize> = format.planes(width, height).into_iter().map(|(row, rows)| row * rows).collect();
    let words = sizes.iter().sum::<usize>().div_ceil(4) as u32;
    let arguments = gpu.arguments(&Convert {
        width,
        height,
        words,
        format: match format {
            Format::Nv12 => 0,
            Format::P010 => 1,
            Format::Yuv422p10 => 2,
        },
        floats: floats.is_some().into(),
        transfer: floats.map_or(0, |transfer| transfer as u32),
        spare: [0; 2],
    })?;
    let output = gpu.storage(u64::from(words) * 4)?;
    let groups = words.div_ceil(64);
    let across = groups.min(1024);
    kernel.launch(gpu, &[&arguments, input, &output], [across, groups.div_ceil(across)])?;
    let back = gpu.read(KERNEL.name, &output, words.into())?;
    let mut bytes = back.iter().flat_map(|w| w.to_le_bytes());
    let planes = sizes.into_iter().map(|size| bytes.by_ref().take(size).collect()).collect();
    Ok(Frame { format, width, height, planes })
}
