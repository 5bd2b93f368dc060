//! Reads a file once, from one end to the other: its digest, and whether its weights are numbers.

use super::{
    dtype::{Dtype, Floats},
    table::{Refusal, Table, Tensor},
};
use crate::{Error, Progress};
use half::{bf16, f16};
use klieg_protocol::Digest;
use std::{fs::File, io::Read, path::Path};

/// Read between two looks at whether to stop, in bytes. A multiple of no block's length: tensors are read in whole blocks.
const READ_BYTES: u64 = 4 << 20;

/// The digest of a file; if it has a table, every weight is looked at. Plain reads and no memory map, so that a file that somebody
/// cuts off meanwhile is an error and ends no program.
pub fn read(path: &Path, bytes: u64, table: Option<&Table>, progress: &Progress) -> Result<Digest, Error> {
    let mut file = Hashed { file: File::open(path).map_err(Error::io(path))?, hasher: blake3::Hasher::new(), path, progress };
    let (mut buffer, mut at) = (Vec::new(), 0);
    for tensor in table.map_or(&[][..], |table| &table.tensors) {
        file.pass(tensor.start - at, &mut buffer)?;
        file.tensor(tensor, &mut buffer)?;
        at = tensor.start + tensor.bytes;
    }
    file.pass(bytes - at, &mut buffer)?;
    Ok(Digest(*file.hasher.finalize().as_bytes()))
}

struct Hashed<'a> {
    file: File,
    hasher: blake3::Hasher,
    path: &'a Path,
    progress: &'a Progress,
}

impl Hashed<'_> {
    fn next(&mut self, count: u64, buffer: &mut Vec<u8>) -> Result<(), Error> {
        self.progress.check()?;
        // At most a little more than READ_BYTES.
        buffer.resize(count as usize, 0);
        self.file.read_exact(buffer).map_err(Error::io(self.path))?;
        self.hasher.update(buffer);
        self.progress.add(count);
        Ok(())
    }

    /// Bytes that are no weights.
    fn pass(&mut self, mut left: u64, buffer: &mut Vec<u8>) -> Result<(), Error> {
        while left > 0 {
            let count = left.min(READ_BYTES);
            self.next(count, buffer)?;
            left -= count;
        }
        Ok(())
    }

    fn tensor(&mut self, tensor: &Tensor, buffer: &mut Vec<u8>) -> Result<(), Error> {
        let step = (READ_BYTES / tensor.dtype.bytes).max(1) * tensor.dtype.bytes;
        let mut done = 0;
        while done < tensor.bytes {
            let count = step.min(tensor.bytes - done);
            self.next(count, buffer)?;
            if let Some((block, value)) = not_finite(tensor.dtype, buffer) {
                let index = (done / tensor.dtype.bytes + block as u64) * tensor.dtype.elements;
                let refusal = Refusal::NotFinite { tensor: tensor.name.clone(), index, value: value.to_string() };
                return Err(Error::refused(self.path, refusal));
            }
            done += count;
        }
        Ok(())
    }
}

/// The first block that has NaN or an infinity in it, and which.
fn not_finite(dtype: Dtype, bytes: &[u8]) -> Option<(usize, f64)> {
    if !suspicious(dtype, bytes) {
        return None;
    }
    let blocks = || bytes.chunks_exact(dtype.bytes as usize).enumerate();
    let found = |block: usize, value: f64| (!value.is_finite()).then_some((block, value));
    match dtype.floats {
        Floats::None => None,
        Floats::E4m3 => blocks().find(|(_, byte)| byte[0] & 0x7f == 0x7f).map(|(block, _)| (block, f64::NAN)),
        Floats::E5m2 => blocks().find_map(|(block, byte)| match byte[0] & 0x7f {
            0x7c => Some((block, f64::INFINITY)),
            0x7d.. => Some((block, f64::NAN)),
            _ => None,
        }),
        Floats::Bf16 => blocks().find_map(|(block, bytes)| found(block, bf16::from_le_bytes(chunk(bytes, 0)).to_f64())),
        Floats::F16(places) => blocks()
            .find_map(|(block, bytes)| places.iter().find_map(|at| found(block, f16::from_le_bytes(chunk(bytes, *at)).to_f64()))),
        Floats::F32(places) => blocks()
            .find_map(|(block, bytes)| places.iter().find_map(|at| found(block, f32::from_le_bytes(chunk(bytes, *at)).into()))),
        Floats::F64 => blocks().find_map(|(block, bytes)| found(block, f64::from_le_bytes(chunk(bytes, 0)))),
    }
}

/// Whether to look closely: of the types that most weights have, all exponents are looked at in a loop that a compiler can do many
/// of at a time.
fn suspicious(dtype: Dtype, bytes: &[u8]) -> bool {
    let halves =
        |mask: u16| bytes.as_chunks::<2>().0.iter().fold(false, |any, half| any | (u16::from_le_bytes(*half) & mask == mask));
    let words =
        |mask: u32| bytes.as_chunks::<4>().0.iter().fold(false, |any, word| any | (u32::from_le_bytes(*word) & mask == mask));
    match (dtype.elements, dtype.floats) {
        (1, Floats::F16(_)) => halves(0x7c00),
        (1, Floats::Bf16) => halves(0x7f80),
        (1, Floats::F32(_)) => words(0x7f80_0000),
        _ => true,
    }
}

/// Bytes of a block, which is as long as its type's table says.
fn chunk<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..].first_chunk().copied().unwrap_or([0; N])
}
