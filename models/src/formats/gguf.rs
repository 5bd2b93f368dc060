//! GGUF, versions 2 and 3 (<https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>): metadata, a tensor table, the tensors.

use super::{
    dtype, pickle,
    reader::Reader,
    table::{DIMENSIONS_MAX, NAME_BYTES_MAX, Refusal, TENSORS_MAX, Table, Tensor, distinct, laid},
};
use std::{collections::BTreeMap, io::Read};

/// The longest metadata and tensor table: vocabularies of a million long words.
const HEADER_BYTES_MAX: u64 = 512 << 20;
const KEYS_MAX: u64 = 100_000;
/// The longest text that is kept, in bytes; others are read over.
const ABOUT_BYTES_MAX: u64 = 4096;
const ALIGNMENT: u64 = 32;
const ALIGNMENT_MAX: u64 = 1 << 20;
/// The metadata's type numbers for texts and lists.
const STRING: u32 = 8;
const LIST: u32 = 9;

/// The table of a file of `file_bytes` that `from` reads from its beginning. Shapes are turned into PyTorch's order.
pub fn read(from: impl Read, file_bytes: u64) -> Result<Table, Refusal> {
    let mut reader = Reader::new(from, file_bytes, HEADER_BYTES_MAX);
    let magic = reader.bytes(4)?;
    if pickle::begins(&magic) {
        return Err(Refusal::Pickle);
    }
    if magic != b"GGUF" {
        return Err(Refusal::Header("it does not begin with GGUF".into()));
    }
    match reader.u32()? {
        2 | 3 => {}
        version if version.swap_bytes() <= 3 => return Err(Refusal::Header("its numbers are big-endian".into())),
        version => return Err(Refusal::Header(format!("it is of version {version}, and versions 2 and 3 are read"))),
    }
    let (count, keys) = (reader.u64()?, reader.u64()?);
    if count > TENSORS_MAX || keys > KEYS_MAX {
        return Err(Refusal::Header(format!("it has {count} tensors and {keys} keys, and may have {TENSORS_MAX} and {KEYS_MAX}")));
    }
    let mut about = BTreeMap::new();
    for _ in 0..keys {
        let key = string(&mut reader, NAME_BYTES_MAX as u64)?;
        pair(&mut reader, key, &mut about)?;
    }
    let entries = (0..count).map(|_| entry(&mut reader)).collect::<Result<Vec<_>, _>>()?;
    distinct(entries.iter().map(|tensor| tensor.name.as_str()))?;
    let alignment = alignment(&about)?;
    let begin = reader.at.next_multiple_of(alignment);
    let tensors = entries.into_iter().map(|tensor| placed(tensor, begin, alignment)).collect::<Result<_, _>>()?;
    Ok(Table { tensors: laid(tensors, begin, file_bytes)?, about })
}

fn string(reader: &mut Reader<impl Read>, max: u64) -> Result<String, Refusal> {
    let length = reader.u64()?;
    if length > max {
        return Err(Refusal::Header(format!("a name has {length} bytes, and may have {max}")));
    }
    String::from_utf8(reader.bytes(length)?).map_err(|_| Refusal::Header("a name is no UTF-8".into()))
}

/// Reads a value; keeps it if it is short.
fn pair(reader: &mut Reader<impl Read>, key: String, about: &mut BTreeMap<String, String>) -> Result<(), Refusal> {
    let kind = reader.u32()?;
    let text = match kind {
        STRING => {
            let length = reader.u64()?;
            if length > ABOUT_BYTES_MAX {
                return reader.skip(length);
            }
            String::from_utf8_lossy(&reader.bytes(length)?).into_owned()
        }
        LIST => {
            let (kind, length) = (reader.u32()?, reader.u64()?);
            list(reader, kind, length)?;
            about.insert(format!("{key}.len"), length.to_string());
            return Ok(());
        }
        _ => number(reader, kind)?,
    };
    if about.insert(key.clone(), text).is_some() {
        return Err(Refusal::Header(format!("the key {key:?} is there twice")));
    }
    Ok(())
}

/// Reads over a list.
fn list(reader: &mut Reader<impl Read>, kind: u32, length: u64) -> Result<(), Refusal> {
    match kind {
        STRING => (0..length).try_for_each(|_| {
            let length = reader.u64()?;
            reader.skip(length)
        }),
        LIST => Err(Refusal::Header("lists of lists are not read".into())),
        _ => {
            let each = width(kind)?;
            reader.skip(length.checked_mul(each).ok_or_else(|| Refusal::Header("a list's length cannot be counted".into()))?)
        }
    }
}

/// Bytes of a number of that type.
fn width(kind: u32) -> Result<u64, Refusal> {
    match kind {
        0 | 1 | 7 => Ok(1),
        2 | 3 => Ok(2),
        4..=6 => Ok(4),
        10..=12 => Ok(8),
        _ => Err(Refusal::Header(format!("a value is of the type {kind}, which is not known"))),
    }
}

fn number(reader: &mut Reader<impl Read>, kind: u32) -> Result<String, Refusal> {
    Ok(match kind {
        0 => reader.u8()?.to_string(),
        1 => reader.u8()?.cast_signed().to_string(),
        2 => reader.u16()?.to_string(),
        3 => reader.u16()?.cast_signed().to_string(),
        4 => reader.u32()?.to_string(),
        5 => reader.u32()?.cast_signed().to_string(),
        6 => f32::from_bits(reader.u32()?).to_string(),
        7 => (reader.u8()? != 0).to_string(),
        10 => reader.u64()?.to_string(),
        11 => reader.u64()?.cast_signed().to_string(),
        12 => f64::from_bits(reader.u64()?).to_string(),
        other => return width(other).map(|_| String::new()),
    })
}

/// A tensor whose `start` counts from the first tensor's.
fn entry(reader: &mut Reader<impl Read>) -> Result<Tensor, Refusal> {
    let name = string(reader, NAME_BYTES_MAX as u64)?;
    let bad = |what: String| Refusal::Tensor { tensor: name.clone(), what };
    let dimensions = reader.u32()?;
    if dimensions as usize > DIMENSIONS_MAX {
        return Err(bad(format!("it has {dimensions} dimensions, and may have {DIMENSIONS_MAX}")));
    }
    let mut shape = (0..dimensions).map(|_| reader.u64()).collect::<Result<Vec<_>, _>>()?;
    shape.reverse();
    let (kind, start) = (reader.u32()?, reader.u64()?);
    let dtype = dtype::of_ggml(kind).ok_or_else(|| bad(format!("its type {kind} is not known")))?;
    let bytes = dtype.bytes_of(&shape).ok_or_else(|| bad(format!("{shape:?} are no whole blocks of {}", dtype.word)))?;
    Ok(Tensor { name, dtype, shape, start, bytes })
}

fn alignment(about: &BTreeMap<String, String>) -> Result<u64, Refusal> {
    let Some(text) = about.get("general.alignment") else { return Ok(ALIGNMENT) };
    match text.parse() {
        Ok(alignment) if (8..=ALIGNMENT_MAX).contains(&alignment) && u64::is_power_of_two(alignment) => Ok(alignment),
        _ => Err(Refusal::Header(format!("general.alignment is {text}, and is a power of two from 8 to {ALIGNMENT_MAX}"))),
    }
}

fn placed(mut tensor: Tensor, begin: u64, alignment: u64) -> Result<Tensor, Refusal> {
    let bad = |what: String| Refusal::Tensor { tensor: tensor.name.clone(), what };
    if !tensor.start.is_multiple_of(alignment) {
        return Err(bad(format!("it begins at {}, which is no multiple of {alignment}", tensor.start)));
    }
    tensor.start = begin.checked_add(tensor.start).ok_or_else(|| bad("its range cannot be counted".into()))?;
    Ok(tensor)
}
