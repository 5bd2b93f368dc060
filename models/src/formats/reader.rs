//! Little-endian values from a file whose lengths lie.

use super::table::Refusal;
use std::io::{self, Read};

/// Reads on from the beginning of a file, and never past its end or a bound of the header's.
pub struct Reader<R> {
    from: R,
    /// Bytes read.
    pub at: u64,
    file_bytes: u64,
    header_bytes_max: u64,
}

impl<R: Read> Reader<R> {
    pub fn new(from: R, file_bytes: u64, header_bytes_max: u64) -> Self {
        Self { from, at: 0, file_bytes, header_bytes_max }
    }

    /// Bytes that may still be read.
    fn left(&self, count: u64) -> Result<(), Refusal> {
        let wanted = self.at.checked_add(count).ok_or_else(|| Refusal::Header("a length cannot be counted".into()))?;
        if wanted > self.file_bytes {
            return Err(Refusal::Truncated { wanted, found: self.file_bytes });
        }
        if wanted > self.header_bytes_max {
            return Err(Refusal::Header(format!("it is longer than {} bytes", self.header_bytes_max)));
        }
        Ok(())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Refusal> {
        self.left(N as u64)?;
        let mut bytes = [0; N];
        self.from.read_exact(&mut bytes).map_err(broken)?;
        self.at += N as u64;
        Ok(bytes)
    }

    /// So many bytes, which have to be in the file before room is made for them.
    pub fn bytes(&mut self, count: u64) -> Result<Vec<u8>, Refusal> {
        self.left(count)?;
        let count = usize::try_from(count).map_err(|_| Refusal::Header("a length cannot be counted".into()))?;
        let mut bytes = vec![0; count];
        self.from.read_exact(&mut bytes).map_err(broken)?;
        self.at += count as u64;
        Ok(bytes)
    }

    pub fn skip(&mut self, count: u64) -> Result<(), Refusal> {
        self.left(count)?;
        let skipped = io::copy(&mut (&mut self.from).take(count), &mut io::sink()).map_err(broken)?;
        self.at += skipped;
        if skipped == count { Ok(()) } else { Err(Refusal::Truncated { wanted: self.at + count - skipped, found: self.at }) }
    }

    pub fn u8(&mut self) -> Result<u8, Refusal> {
        Ok(self.array::<1>()?[0])
    }
    pub fn u16(&mut self) -> Result<u16, Refusal> {
        self.array().map(u16::from_le_bytes)
    }
    pub fn u32(&mut self) -> Result<u32, Refusal> {
        self.array().map(u32::from_le_bytes)
    }
    pub fn u64(&mut self) -> Result<u64, Refusal> {
        self.array().map(u64::from_le_bytes)
    }
}

fn broken(error: io::Error) -> Refusal {
    Refusal::Header(error.to_string())
}
