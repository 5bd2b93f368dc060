//! Element types of safetensors and GGML, as tables: how long a block of elements is, and where floats stand in it.

use serde::{Serialize, Serializer};

/// How floats lie in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Floats {
    /// None that could be anything but a number.
    None,
    /// OCP 8-bit floats: E4M3 has NaN and no infinity, E5M2 has both.
    E4m3,
    E5m2,
    Bf16,
    /// At these offsets in bytes; quantised blocks have their scales there.
    F16(&'static [usize]),
    F32(&'static [usize]),
    F64,
}

/// An element type.
#[derive(Debug, PartialEq, Eq)]
pub struct Form {
    pub word: &'static str,
    /// Elements of a block, which is what the last dimension is divided into.
    pub elements: u64,
    /// Bytes of a block.
    pub bytes: u64,
    pub floats: Floats,
}

/// One of the tables' forms.
pub type Dtype = &'static Form;

impl Serialize for Form {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.word)
    }
}

impl Form {
    /// Whether it holds numbers with a fraction, one by one.
    pub fn is_float(&self) -> bool {
        self.elements == 1 && self.floats != Floats::None
    }

    /// Bytes of a tensor of that shape; `None` if they are no whole number of blocks or too many to count.
    pub fn bytes_of(&self, shape: &[u64]) -> Option<u64> {
        let elements = shape.iter().try_fold(1_u64, |product, dimension| product.checked_mul(*dimension))?;
        let whole = shape.last().is_none_or(|last| last.is_multiple_of(self.elements)) && elements.is_multiple_of(self.elements);
        whole.then(|| (elements / self.elements).checked_mul(self.bytes)).flatten()
    }
}

const fn one(word: &'static str, bytes: u64, floats: Floats) -> Form {
    Form { word, elements: 1, bytes, floats }
}

const fn many(word: &'static str, elements: u64, bytes: u64, floats: Floats) -> Form {
    Form { word, elements, bytes, floats }
}

/// Safetensors' types by their words there (<https://github.com/huggingface/safetensors>).
static SAFETENSORS: [Form; 15] = [
    one("BOOL", 1, Floats::None),
    one("U8", 1, Floats::None),
    one("I8", 1, Floats::None),
    one("F8_E5M2", 1, Floats::E5m2),
    one("F8_E4M3", 1, Floats::E4m3),
    one("I16", 2, Floats::None),
    one("U16", 2, Floats::None),
    one("F16", 2, Floats::F16(&[0])),
    one("BF16", 2, Floats::Bf16),
    one("I32", 4, Floats::None),
    one("U32", 4, Floats::None),
    one("F32", 4, Floats::F32(&[0])),
    one("F64", 8, Floats::F64),
    one("I64", 8, Floats::None),
    one("U64", 8, Floats::None),
];

/// GGML's types by their numbers in GGUF; block layouts as in ggml's `ggml-common.h`.
static GGML: [(u32, Form); 31] = [
    (0, one("F32", 4, Floats::F32(&[0]))),
    (1, one("F16", 2, Floats::F16(&[0]))),
    (2, many("Q4_0", 32, 18, Floats::F16(&[0]))),
    (3, many("Q4_1", 32, 20, Floats::F16(&[0, 2]))),
    (6, many("Q5_0", 32, 22, Floats::F16(&[0]))),
    (7, many("Q5_1", 32, 24, Floats::F16(&[0, 2]))),
    (8, many("Q8_0", 32, 34, Floats::F16(&[0]))),
    (9, many("Q8_1", 32, 36, Floats::F16(&[0, 2]))),
    (10, many("Q2_K", 256, 84, Floats::F16(&[80, 82]))),
    (11, many("Q3_K", 256, 110, Floats::F16(&[108]))),
    (12, many("Q4_K", 256, 144, Floats::F16(&[0, 2]))),
    (13, many("Q5_K", 256, 176, Floats::F16(&[0, 2]))),
    (14, many("Q6_K", 256, 210, Floats::F16(&[208]))),
    (15, many("Q8_K", 256, 292, Floats::F32(&[0]))),
    (16, many("IQ2_XXS", 256, 66, Floats::F16(&[0]))),
    (17, many("IQ2_XS", 256, 74, Floats::F16(&[0]))),
    (18, many("IQ3_XXS", 256, 98, Floats::F16(&[0]))),
    (19, many("IQ1_S", 256, 50, Floats::F16(&[0]))),
    (20, many("IQ4_NL", 32, 18, Floats::F16(&[0]))),
    (21, many("IQ3_S", 256, 110, Floats::F16(&[0]))),
    (22, many("IQ2_S", 256, 82, Floats::F16(&[0]))),
    (23, many("IQ4_XS", 256, 136, Floats::F16(&[0]))),
    (24, one("I8", 1, Floats::None)),
    (25, one("I16", 2, Floats::None)),
    (26, one("I32", 4, Floats::None)),
    (27, one("I64", 8, Floats::None)),
    (28, one("F64", 8, Floats::F64)),
    // Its scale is put together from bits of four words.
    (29, many("IQ1_M", 256, 56, Floats::None)),
    (30, one("BF16", 2, Floats::Bf16)),
    (34, many("TQ1_0", 256, 54, Floats::F16(&[52]))),
    (35, many("TQ2_0", 256, 66, Floats::F16(&[64]))),
];

/// The type that a safetensors header names.
pub fn of_safetensors(word: &str) -> Option<Dtype> {
    SAFETENSORS.iter().find(|form| form.word == word)
}

/// The type that a GGUF tensor table names.
pub fn of_ggml(number: u32) -> Option<Dtype> {
    GGML.iter().find(|(own, _)| *own == number).map(|(_, form)| form)
}
