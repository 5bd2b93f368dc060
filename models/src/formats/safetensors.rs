//! The safetensors format (<https://github.com/huggingface/safetensors#format>): a length, a JSON header, the tensors' bytes.
//! Read here and not by the crate of that name because what does not fit has to be named: tensor, wanted, found.

use super::{
    dtype, pickle,
    reader::Reader,
    table::{DIMENSIONS_MAX, NAME_BYTES_MAX, Refusal, TENSORS_MAX, Table, Tensor, distinct, laid},
};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};
use std::{collections::BTreeMap, fmt, io::Read};

/// The longest header, as the format has it.
const HEADER_BYTES_MAX: u64 = 100_000_000;
/// Bytes before the header.
const LENGTH_BYTES: u64 = 8;
/// Looked at to tell a pickle.
const FIRST_BYTES: u64 = 512;
/// The longest text that is kept of the header's metadata, in bytes.
const ABOUT_BYTES_MAX: usize = 4096;

/// The header, names in the order of the text; a name may be there twice.
struct Header {
    tensors: Vec<(String, Entry)>,
    about: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: (u64, u64),
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Names)
    }
}

struct Names;

impl<'de> Visitor<'de> for Names {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tensors by their names")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
        let mut header = Header { tensors: Vec::new(), about: BTreeMap::new() };
        while let Some(name) = map.next_key::<String>()? {
            if name == "__metadata__" {
                header.about = map.next_value()?;
                continue;
            }
            if name.len() > NAME_BYTES_MAX || header.tensors.len() as u64 >= TENSORS_MAX {
                return Err(A::Error::custom(format!(
                    "more than {TENSORS_MAX} tensors, or a name of more than {NAME_BYTES_MAX} bytes"
                )));
            }
            let entry = map.next_value().map_err(|error| A::Error::custom(format!("tensor {name:?}: {error}")))?;
            header.tensors.push((name, entry));
        }
        Ok(header)
    }
}

/// The table of a file of `file_bytes` that `from` reads from its beginning. Every tensor's range is its shape's times its type's
/// length; the ranges follow one another without a gap to the end of the file.
pub fn read(from: impl Read, file_bytes: u64) -> Result<Table, Refusal> {
    let mut reader = Reader::new(from, file_bytes, LENGTH_BYTES + HEADER_BYTES_MAX);
    let mut first = reader.bytes(FIRST_BYTES.min(file_bytes))?;
    if pickle::begins(&first) {
        return Err(Refusal::Pickle);
    }
    let Some(length) = first.first_chunk::<8>().map(|length| u64::from_le_bytes(*length)) else {
        return Err(Refusal::Truncated { wanted: LENGTH_BYTES, found: file_bytes });
    };
    if length > HEADER_BYTES_MAX {
        return Err(Refusal::Header(format!(
            "it would have {length} bytes, and has at most {HEADER_BYTES_MAX}: is it safetensors?"
        )));
    }
    let begin = LENGTH_BYTES + length;
    if begin > first.len() as u64 {
        first.extend(reader.bytes(begin - first.len() as u64)?);
    }
    let text = &first[LENGTH_BYTES as usize..begin as usize];
    if text.first() != Some(&b'{') {
        return Err(Refusal::Header("it is no JSON object: is it safetensors?".into()));
    }
    let Header { tensors, mut about } = serde_json::from_slice(text).map_err(|error| Refusal::Header(error.to_string()))?;
    distinct(tensors.iter().map(|(name, _)| name.as_str()))?;
    about.retain(|_, text| text.len() <= ABOUT_BYTES_MAX);
    let tensors = tensors.into_iter().map(|(name, entry)| tensor(name, &entry, begin)).collect::<Result<_, _>>()?;
    let tensors = laid(tensors, begin, file_bytes)?;
    whole(&tensors, begin, file_bytes)?;
    Ok(Table { tensors, about })
}

fn tensor(name: String, entry: &Entry, begin: u64) -> Result<Tensor, Refusal> {
    let bad = |what: String| Refusal::Tensor { tensor: name.clone(), what };
    let dtype = dtype::of_safetensors(&entry.dtype).ok_or_else(|| bad(format!("its type {:?} is not known", entry.dtype)))?;
    if entry.shape.len() > DIMENSIONS_MAX {
        return Err(bad(format!("it has {} dimensions, and may have {DIMENSIONS_MAX}", entry.shape.len())));
    }
    let (from, to) = entry.data_offsets;
    let bytes = to.checked_sub(from).ok_or_else(|| bad(format!("its bytes end at {to}, before they begin at {from}")))?;
    if dtype.bytes_of(&entry.shape) != Some(bytes) {
        let (shape, word) = (&entry.shape, dtype.word);
        return Err(bad(format!("its range has {bytes} bytes, which is not what {shape:?} of {word} have")));
    }
    let start = begin.checked_add(from).ok_or_else(|| bad("its range cannot be counted".into()))?;
    Ok(Tensor { name, dtype, shape: entry.shape.clone(), start, bytes })
}

/// Sees that nothing lies between the tensors or behind them: the format has no gaps, in which anything could be hidden.
fn whole(tensors: &[Tensor], begin: u64, file_bytes: u64) -> Result<(), Refusal> {
    let mut at = begin;
    for tensor in tensors {
        if tensor.start != at {
            let what = format!("its bytes begin at {}, and the last ones before it end at {at}", tensor.start);
            return Err(Refusal::Tensor { tensor: tensor.name.clone(), what });
        }
        at += tensor.bytes;
    }
    match file_bytes - at {
        0 => Ok(()),
        more => Err(Refusal::Header(format!("{more} bytes of the file belong to no tensor"))),
    }
}
