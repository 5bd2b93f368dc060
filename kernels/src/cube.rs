//! 3D look-up tables in Adobe's `.cube` form (Cube LUT Specification 1.0).

use std::ops::Range;

use thiserror::Error;

/// A 3D look-up table.
#[derive(Clone, Debug, PartialEq)]
pub struct Lut {
    title: String,
    size: u32,
    low: [f32; 3],
    high: [f32; 3],
    colors: Vec<[f32; 3]>,
}

/// What is wrong with a `.cube` file and where: the line, and the bytes of it (both from 1).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}, columns {}–{}: {kind}", columns.start, columns.end.saturating_sub(1).max(columns.start))]
pub struct CubeError {
    pub line: usize,
    pub columns: Range<usize>,
    pub kind: CubeErrorKind,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CubeErrorKind {
    #[error("{0:?} isn't a finite number")]
    Number(String),
    #[error("{found} values where {wanted} are needed")]
    Values { found: usize, wanted: usize },
    #[error("{0:?} isn't a keyword of a .cube file")]
    Keyword(String),
    #[error("{0} was there before")]
    Twice(&'static str),
    #[error("a 1D table; only 3D ones can be used")]
    OneDimension,
    #[error("a table's side has {0:?} entries: 2–{SIDE_MAX} are possible")]
    Side(String),
    #[error("colours before LUT_3D_SIZE")]
    NoSize,
    #[error("a keyword after the colours")]
    Late,
    #[error("the domain's end isn't above its start")]
    Domain,
    #[error("the title has no closing quote")]
    Title,
    #[error("{found} colours where {wanted} are needed")]
    Colors { found: usize, wanted: usize },
    #[error("the file ends without LUT_3D_SIZE")]
    Empty,
}

/// The longest side of a table, as the specification has it.
pub const SIDE_MAX: u32 = 256;

impl Lut {
    /// A table of `size`³ colours, red fastest, over 0–1; nothing where those aren't as many, or the size isn't 2–256.
    pub fn new(size: u32, colors: Vec<[f32; 3]>) -> Option<Self> {
        let fits = (2..=SIDE_MAX).contains(&size) && colors.len() == (size as usize).pow(3);
        fits.then_some(Self { title: String::new(), size, low: [0.0; 3], high: [1.0; 3], colors })
    }

    pub fn title(&self) -> &str {
        &self.title
    }

    /// Entries of each side.
    pub fn size(&self) -> u32 {
        self.size
    }

    /// The colours that the first and the last entry stand for.
    pub fn domain(&self) -> ([f32; 3], [f32; 3]) {
        (self.low, self.high)
    }

    pub fn colors(&self) -> &[[f32; 3]] {
        &self.colors
    }

    /// Entries by unit of each component.
    pub(crate) fn scale(&self) -> [f32; 3] {
        std::array::from_fn(|i| (self.size - 1) as f32 / (self.high[i] - self.low[i]))
    }

    /// Reads the text of a `.cube` file. Lines may end as any system has it; `#` begins a comment.
    pub fn parse(text: &str) -> Result<Self, CubeError> {
        let mut reading = Reading::default();
        for (at, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            reading.line(line).map_err(|(columns, kind)| CubeError { line: at + 1, columns, kind })?;
        }
        reading.finish().map_err(|kind| CubeError { line: text.lines().count().max(1), columns: 1..1, kind })
    }
}

#[derive(Default)]
struct Reading {
    title: Option<String>,
    size: Option<u32>,
    low: Option<[f32; 3]>,
    high: Option<[f32; 3]>,
    colors: Vec<[f32; 3]>,
}

type Wrong = (Range<usize>, CubeErrorKind);

impl Reading {
    fn line(&mut self, line: &str) -> Result<(), Wrong> {
        let words = words(line);
        let Some((first, rest)) = words.split_first() else { return Ok(()) };
        if first.text.starts_with('#') {
            return Ok(());
        }
        if !first.text.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return self.color(&words);
        }
        if !self.colors.is_empty() {
            return Err((first.columns(), CubeErrorKind::Late));
        }
        match first.text {
            "TITLE" => once(&mut self.title, first, "TITLE", || title(line, first)),
            "LUT_3D_SIZE" => once(&mut self.size, first, "LUT_3D_SIZE", || side(first, rest)),
            "DOMAIN_MIN" => once(&mut self.low, first, "DOMAIN_MIN", || numbers(first, rest)),
            "DOMAIN_MAX" => once(&mut self.high, first, "DOMAIN_MAX", || numbers(first, rest)),
            "LUT_3D_INPUT_RANGE" => {
                let [low, high] = numbers(first, rest)?;
                once(&mut self.low, first, "LUT_3D_INPUT_RANGE", || Ok([low; 3]))?;
                once(&mut self.high, first, "LUT_3D_INPUT_RANGE", || Ok([high; 3]))
            }
            "LUT_1D_SIZE" | "LUT_1D_INPUT_RANGE" => Err((first.columns(), CubeErrorKind::OneDimension)),
            other => Err((first.columns(), CubeErrorKind::Keyword(other.to_owned()))),
        }
    }

    fn color(&mut self, words: &[Word<'_>]) -> Result<(), Wrong> {
        let size = self.size.ok_or_else(|| (words[0].columns(), CubeErrorKind::NoSize))?;
        let wanted = (size as usize).pow(3);
        if self.colors.len() == wanted {
            return Err((words[0].columns(), CubeErrorKind::Colors { found: wanted + 1, wanted }));
        }
        self.colors.push(numbers(&words[0], words)?);
        Ok(())
    }

    fn finish(self) -> Result<Lut, CubeErrorKind> {
        let size = self.size.ok_or(CubeErrorKind::Empty)?;
        let wanted = (size as usize).pow(3);
        if self.colors.len() != wanted {
            return Err(CubeErrorKind::Colors { found: self.colors.len(), wanted });
        }
        let (low, high) = (self.low.unwrap_or([0.0; 3]), self.high.unwrap_or([1.0; 3]));
        if low.iter().zip(high).any(|(a, b)| *a >= b || !(b - a).is_normal()) {
            return Err(CubeErrorKind::Domain);
        }
        Ok(Lut { title: self.title.unwrap_or_default(), size, low, high, colors: self.colors })
    }
}

/// A word and where it begins in its line.
struct Word<'a> {
    text: &'a str,
    from: usize,
}

impl Word<'_> {
    fn columns(&self) -> Range<usize> {
        self.from + 1..self.from + 1 + self.text.len()
    }
}

fn words(line: &str) -> Vec<Word<'_>> {
    let at = |text: &str| text.as_ptr() as usize - line.as_ptr() as usize;
    line.split_ascii_whitespace().map(|text| Word { text, from: at(text) }).collect()
}

fn once<T>(
    slot: &mut Option<T>,
    word: &Word<'_>,
    name: &'static str,
    read: impl FnOnce() -> Result<T, Wrong>,
) -> Result<(), Wrong> {
    if slot.is_some() {
        return Err((word.columns(), CubeErrorKind::Twice(name)));
    }
    *slot = Some(read()?);
    Ok(())
}

/// Exactly `N` numbers; `line` is the word to blame where there are fewer.
fn numbers<const N: usize>(line: &Word<'_>, words: &[Word<'_>]) -> Result<[f32; N], Wrong> {
    if words.len() != N {
        let blamed = words.get(N).unwrap_or(line);
        return Err((blamed.columns(), CubeErrorKind::Values { found: words.len(), wanted: N }));
    }
    let mut values = [0.0; N];
    for (value, word) in values.iter_mut().zip(words) {
        let number = word.text.parse().ok().filter(|x: &f32| x.is_finite());
        *value = number.ok_or_else(|| (word.columns(), CubeErrorKind::Number(word.text.to_owned())))?;
    }
    Ok(values)
}

fn side(keyword: &Word<'_>, words: &[Word<'_>]) -> Result<u32, Wrong> {
    let [word] = words else {
        return Err((keyword.columns(), CubeErrorKind::Values { found: words.len(), wanted: 1 }));
    };
    let size = word.text.parse().ok().filter(|n| (2..=SIDE_MAX).contains(n));
    size.ok_or_else(|| (word.columns(), CubeErrorKind::Side(word.text.to_owned())))
}

fn title(line: &str, keyword: &Word<'_>) -> Result<String, Wrong> {
    let rest = line[keyword.from + keyword.text.len()..].trim();
    let inner = rest.strip_prefix('"').and_then(|r| r.strip_suffix('"'));
    inner.map(str::to_owned).ok_or_else(|| (keyword.columns(), CubeErrorKind::Title))
}
