//! The tensors that a configuration asks for, and whether a file has them.

use crate::formats::table::{Refusal, Tensor};
use std::collections::{BTreeMap, BTreeSet};

/// What to make of tensors that are not asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// They show that weights and configuration belong to different models.
    Refused,
    /// Heads for training and the like: loaded by nobody.
    Ignored,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Want {
    name: String,
    shape: Vec<u64>,
    must: bool,
}

/// Tensors by name and shape.
#[derive(Clone, Debug)]
pub struct Sheet {
    wants: Vec<Want>,
    others: Others,
    /// Prefixes under which all of it may stand: models are saved with or without the head that they were trained with.
    prefixes: Vec<&'static str>,
    /// Endings of names that older versions of the libraries wrote, which nobody reads.
    relics: Vec<&'static str>,
    /// Words in names that older versions wrote otherwise: (then, now).
    renamed: Vec<(&'static str, &'static str)>,
    must: bool,
}

impl Sheet {
    pub fn new(others: Others) -> Self {
        Self { wants: Vec::new(), others, prefixes: vec![""], relics: Vec::new(), renamed: Vec::new(), must: true }
    }

    /// Names may all stand under one of these.
    pub fn under(mut self, prefixes: &[&'static str]) -> Self {
        self.prefixes = prefixes.to_vec();
        self
    }

    /// Names that stand under a prefix may stand without it as well.
    pub fn stem(mut self, prefix: &'static str) -> Self {
        for want in &mut self.wants {
            want.name = want.name.strip_prefix(prefix).unwrap_or(&want.name).to_owned();
        }
        self.prefixes = vec![prefix, ""];
        self
    }

    pub fn relics(mut self, endings: &[&'static str]) -> Self {
        self.relics = endings.to_vec();
        self
    }

    pub fn renamed(mut self, words: &[(&'static str, &'static str)]) -> Self {
        self.renamed = words.to_vec();
        self
    }

    /// What `write` writes need not be there; where it is, it has its shape.
    pub fn maybe(&mut self, write: impl FnOnce(&mut Self)) {
        let must = std::mem::replace(&mut self.must, false);
        write(self);
        self.must = must;
    }

    pub fn tensor(&mut self, name: impl Into<String>, shape: &[u64]) {
        self.wants.push(Want { name: name.into(), shape: shape.to_vec(), must: self.must });
    }

    pub fn weight(&mut self, name: impl AsRef<str>, shape: &[u64]) {
        self.tensor(format!("{}.weight", name.as_ref()), shape);
    }

    /// Weight `[out, in]` and bias `[out]`.
    pub fn linear(&mut self, name: impl AsRef<str>, into: u64, from: u64) {
        self.weight(name.as_ref(), &[into, from]);
        self.tensor(format!("{}.bias", name.as_ref()), &[into]);
    }

    /// Weight and bias of a layer or group norm.
    pub fn norm(&mut self, name: impl AsRef<str>, size: u64) {
        self.weight(name.as_ref(), &[size]);
        self.tensor(format!("{}.bias", name.as_ref()), &[size]);
    }

    /// Weight `[out, in, side, side]` and bias `[out]`.
    pub fn conv(&mut self, name: impl AsRef<str>, into: u64, from: u64, side: u64) {
        self.weight(name.as_ref(), &[into, from, side, side]);
        self.tensor(format!("{}.bias", name.as_ref()), &[into]);
    }

    /// All names with their shapes.
    #[cfg(test)]
    pub fn names(&self, all: bool) -> BTreeMap<String, Vec<u64>> {
        self.wants.iter().filter(|want| all || want.must).map(|want| (want.name.clone(), want.shape.clone())).collect()
    }

    /// Whether these tensors are what is asked for; `config` names who asks.
    pub fn check(&self, tensors: &[Tensor], config: &str) -> Result<(), Refusal> {
        let found: BTreeMap<String, &Tensor> = tensors.iter().map(|tensor| (self.today(&tensor.name), tensor)).collect();
        let prefix = self.prefix(&found);
        let mut seen = BTreeSet::new();
        for want in &self.wants {
            let name = format!("{prefix}{}", want.name);
            let Some(tensor) = found.get(&name).or_else(|| found.get(&want.name)) else {
                if want.must {
                    return Err(Refusal::Missing { tensor: name, wanted: want.shape.clone(), config: config.into() });
                }
                continue;
            };
            seen.insert(tensor.name.as_str());
            if !same(&want.shape, &tensor.shape) {
                let (wanted, found) = (want.shape.clone(), tensor.shape.clone());
                return Err(Refusal::Shape { tensor: tensor.name.clone(), wanted, found, config: config.into() });
            }
            if tensor.dtype.elements == 1 && !tensor.dtype.is_float() {
                return Err(Refusal::Elements { tensor: tensor.name.clone(), found: tensor.dtype.word });
            }
        }
        let other = |tensor: &&Tensor| {
            !seen.contains(tensor.name.as_str()) && !self.relics.iter().any(|ending| tensor.name.ends_with(ending))
        };
        match tensors.iter().find(other) {
            Some(tensor) if self.others == Others::Refused => {
                Err(Refusal::Surplus { tensor: tensor.name.clone(), config: config.into() })
            }
            _ => Ok(()),
        }
    }

    /// The prefix under which the first wanted tensor stands.
    fn prefix(&self, found: &BTreeMap<String, &Tensor>) -> &'static str {
        let first = self.wants.iter().find(|want| want.must).map_or("", |want| want.name.as_str());
        let under = |prefix: &&&'static str| found.contains_key(&format!("{prefix}{first}"));
        self.prefixes.iter().find(under).or(self.prefixes.first()).copied().unwrap_or_default()
    }

    /// A name as it is written today.
    fn today(&self, name: &str) -> String {
        self.renamed.iter().fold(name.to_owned(), |name, (then, now)| name.replace(then, now))
    }
}

/// Whether two shapes are one; a scalar may be written as one element, and a matrix as a convolution of one point.
fn same(wanted: &[u64], found: &[u64]) -> bool {
    let trimmed = |shape: &[u64]| {
        let ones = shape.iter().rev().take_while(|size| **size == 1).count();
        shape[..shape.len() - ones].to_vec()
    };
    wanted == found || trimmed(wanted) == trimmed(found)
}
