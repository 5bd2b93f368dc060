//! Golden files and the rows of the table.

use candle_core::{DType, Device, Tensor};
use klieg_encoders::{Folder, Parcel};
use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;

/// What a measured figure must keep to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Gate {
    /// The largest difference of two values.
    Apart(f64),
    /// The least cosine of two rows.
    Cosine(f64),
    /// Differences counted: none may be there.
    Same,
}

/// A row of the table.
#[derive(Clone, Debug)]
pub struct Row {
    pub model: &'static str,
    pub what: &'static str,
    pub gate: Gate,
    pub measured: f64,
}

impl Row {
    pub fn holds(&self) -> bool {
        match self.gate {
            Gate::Apart(most) => self.measured <= most,
            Gate::Cosine(least) => self.measured >= least,
            Gate::Same => self.measured == 0.0,
        }
    }

    pub fn gate(&self) -> String {
        match self.gate {
            Gate::Apart(most) => format!("≤ {most:.0e}"),
            Gate::Cosine(least) => format!("cosine ≥ {least}"),
            Gate::Same => "the same".into(),
        }
    }

    pub fn figure(&self) -> String {
        match self.gate {
            Gate::Apart(_) => format!("{:.0e}", self.measured),
            Gate::Cosine(_) => format!("{:.5}", self.measured),
            Gate::Same => format!("{} differ", self.measured),
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "| {} | {} | {} | {} |", self.model, self.what, self.gate(), self.figure())
    }
}

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../golden/encoders")
}

/// A tiny model's folder and what the reference made with it.
pub struct Golden {
    pub folder: Folder,
    tensors: HashMap<String, Tensor>,
}

impl Golden {
    pub fn open(name: &str) -> Self {
        let folder = root().join(name);
        let tensors = candle_core::safetensors::load(folder.join("golden.tensors"), &Device::Cpu).expect("the golden file");
        Self { folder: Folder::new(folder), tensors }
    }

    pub fn get(&self, name: &str) -> &Tensor {
        self.tensors.get(name).unwrap_or_else(|| panic!("no tensor {name}"))
    }

    /// Texts and their tokens.
    pub fn texts(&self) -> (Vec<String>, Vec<Vec<u32>>) {
        #[derive(serde::Deserialize)]
        struct Texts {
            texts: Vec<String>,
            ids: Vec<Vec<u32>>,
        }
        let Texts { texts, ids } = self.folder.json("texts.json").expect("the golden texts");
        (texts, ids)
    }

    pub fn weights(&self, dtype: DType) -> candle_nn::VarBuilder<'static> {
        self.folder.weights(dtype, &Device::Cpu).expect("weights")
    }
}

pub fn parcel(ids: &[Vec<u32>]) -> Parcel {
    Parcel::of(ids)
}

/// The largest difference of two tensors of one shape.
pub fn apart(ours: &Tensor, theirs: &Tensor) -> f64 {
    assert_eq!(ours.dims(), theirs.dims(), "shapes");
    let values = |x: &Tensor| x.flatten_all().and_then(|x| x.to_dtype(DType::F64)?.to_vec1::<f64>()).expect("values");
    // NaN is no difference that any gate lets through.
    values(ours).iter().zip(values(theirs)).map(|(a, b)| (a - b).abs()).fold(0.0, |most, x| if x <= most { most } else { x })
}

/// The least cosine of their rows.
pub fn cosine(ours: &Tensor, theirs: &Tensor) -> f64 {
    let rows = |x: &Tensor| {
        let last = x.dims().last().copied().unwrap_or(1);
        x.reshape(((), last)).and_then(|x| x.to_dtype(DType::F64)?.to_vec2::<f64>()).expect("rows")
    };
    let one = |(a, b): (&Vec<f64>, &Vec<f64>)| {
        let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
        dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
    };
    rows(ours).iter().zip(&rows(theirs)).map(one).fold(1.0, |least, x| if x >= least { least } else { x })
}
