//! The look-up table that a film may be given, in Adobe's `.cube` form. It takes and gives sRGB.

use crate::kind::BadInput;
use klieg_kernels::cube::Lut;
use klieg_protocol::Digest;
use serde::{Deserialize, Serialize};

/// Which table a film is graded with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LutFile {
    /// Its file name, for messages.
    pub file: String,
    pub digest: Digest,
}

/// Reads a `.cube` file of that name, or says what is wrong with it and where.
pub fn read_lut(file: &str, bytes: &[u8]) -> Result<Lut, BadInput> {
    let wrong = |line, column, message| BadInput { file: file.to_owned(), line, column, message };
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let line = bytes[..e.valid_up_to()].iter().filter(|b| **b == b'\n').count() as u32 + 1;
        wrong(line, 1, "isn't text in UTF-8, as a .cube file is".into())
    })?;
    Lut::parse(text).map_err(|e| wrong(e.line as u32, e.columns.start as u32, e.kind.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let message = |bytes: &[u8]| read_lut("look.cube", bytes).unwrap_err().to_string();
        assert_eq!(message(b"LUT_3D_SIZE 2\n0 0 nought\n"), "look.cube:2:5: \"nought\" isn't a finite number");
        assert_eq!(message(b"LUT_3D_SIZE 2\n\xff"), "look.cube:2:1: isn't text in UTF-8, as a .cube file is");
        assert!(message(b"").starts_with("look.cube:1:1: "));
    }
}
