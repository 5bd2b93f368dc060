//! A `config.json` whose numbers are not trusted.

use crate::formats::table::Refusal;
use serde_json::Value;

/// The largest number of anything in a configuration: vocabularies and widths are far below.
const SIZE_MAX: u64 = 1 << 24;
/// Layers of one stack.
const LAYERS_MAX: u64 = 1024;
/// Items of a list.
const ITEMS_MAX: usize = 64;

/// A configuration, and what it is called in messages.
#[derive(Clone, Debug)]
pub struct Config {
    path: String,
    value: Value,
}

impl Config {
    pub fn new(path: impl Into<String>, value: Value) -> Self {
        Self { path: path.into(), value }
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    pub fn bad(&self, field: &str, what: impl Into<String>) -> Refusal {
        Refusal::Config { config: self.path.clone(), field: field.into(), what: what.into() }
    }

    /// A field that is there and not null.
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.value.get(field).filter(|value| !value.is_null())
    }

    /// A part of it; an empty one if it is not there, so that the library's defaults hold.
    pub fn part(&self, field: &str) -> Config {
        let value = self.get(field).cloned().unwrap_or_else(|| Value::Object(serde_json::Map::new()));
        Config { path: format!("{}: {field}", self.path), value }
    }

    pub fn word(&self, field: &str) -> Option<&str> {
        self.get(field)?.as_str()
    }

    pub fn flag(&self, field: &str, default: bool) -> bool {
        self.get(field).and_then(Value::as_bool).unwrap_or(default)
    }

    /// Whether one of `architectures` ends so.
    pub fn is_for(&self, ending: &str) -> bool {
        let names = self.get("architectures").and_then(Value::as_array);
        names.is_some_and(|names| names.iter().filter_map(Value::as_str).any(|name| name.ends_with(ending)))
    }

    /// A whole number from 0, if the field is there.
    pub fn count(&self, field: &str) -> Result<Option<u64>, Refusal> {
        self.get(field).map(|value| self.number(field, value)).transpose()
    }

    fn number(&self, field: &str, value: &Value) -> Result<u64, Refusal> {
        let number = value.as_u64().filter(|number| *number <= SIZE_MAX);
        number.ok_or_else(|| self.bad(field, format!("it is {value}, and is a whole number up to {SIZE_MAX}")))
    }

    /// A whole number from 1; `default` if it is not there.
    pub fn size(&self, field: &str, default: u64) -> Result<u64, Refusal> {
        match self.count(field)?.unwrap_or(default) {
            0 => Err(self.bad(field, "it is 0, and is 1 at least")),
            size => Ok(size),
        }
    }

    /// A number of layers.
    pub fn layers(&self, field: &str, default: u64) -> Result<u64, Refusal> {
        let layers = self.size(field, default)?;
        if layers > LAYERS_MAX {
            return Err(self.bad(field, format!("it is {layers}, and is {LAYERS_MAX} at most")));
        }
        Ok(layers)
    }

    /// Numbers from 1: as many as `length` if one number stands for all. `default` if the field is not there.
    pub fn sizes(&self, field: &str, length: usize, default: u64) -> Result<Vec<u64>, Refusal> {
        match self.get(field) {
            Some(Value::Array(items)) if items.len() == length && length <= ITEMS_MAX => {
                items.iter().map(|item| self.number(field, item).and_then(|size| self.positive(field, size))).collect()
            }
            Some(Value::Array(items)) => Err(self.bad(field, format!("it has {} items, and has {length}", items.len()))),
            Some(_) | None => Ok(vec![self.size(field, default)?; length]),
        }
    }

    fn positive(&self, field: &str, size: u64) -> Result<u64, Refusal> {
        if size == 0 { Err(self.bad(field, "there is a 0 in it")) } else { Ok(size) }
    }

    /// A list of numbers from 1, which gives its own length.
    pub fn list(&self, field: &str, default: &[u64]) -> Result<Vec<u64>, Refusal> {
        match self.get(field) {
            None => Ok(default.to_vec()),
            Some(Value::Array(items)) if !items.is_empty() && items.len() <= ITEMS_MAX => self.sizes(field, items.len(), 0),
            Some(_) => Err(self.bad(field, format!("it is a list of 1 to {ITEMS_MAX} numbers"))),
        }
    }

    /// A list of words.
    pub fn words(&self, field: &str, default: &[&str]) -> Result<Vec<String>, Refusal> {
        let Some(value) = self.get(field) else { return Ok(default.iter().map(|word| (*word).into()).collect()) };
        let items = value.as_array().filter(|items| items.len() <= ITEMS_MAX);
        let words = items.and_then(|items| items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>());
        words.ok_or_else(|| self.bad(field, format!("it is a list of up to {ITEMS_MAX} words")))
    }

    /// How many labels a classifier has.
    pub fn labels(&self) -> Result<u64, Refusal> {
        match self.get("id2label").and_then(Value::as_object) {
            Some(labels) => Ok(labels.len() as u64),
            None => self.size("num_labels", 2),
        }
    }

    /// One number divided by another, which has to go.
    pub fn share(&self, field: &str, whole: u64, parts: u64) -> Result<u64, Refusal> {
        if parts > 0 && whole.is_multiple_of(parts) && whole > 0 {
            return Ok(whole / parts);
        }
        Err(self.bad(field, format!("{whole} cannot be divided into {parts}")))
    }
}
