//! Tensors by name, and where in them a layer looks for its own.

use crate::{
    adapters::Adapters,
    error::{Error, Result},
};
use candle_core::{DType, Device, Shape, Tensor, safetensors::MmapedSafetensors};
use std::{collections::HashMap, path::PathBuf};

/// The weights of one part of a model, on its device and of its type.
#[derive(Clone)]
pub struct Weights {
    part: String,
    tensors: HashMap<String, Tensor>,
    dtype: DType,
    device: Device,
    made_up: bool,
}

impl Weights {
    /// Reads safetensors files.
    pub fn open(part: &str, files: &[PathBuf], dtype: DType, device: &Device) -> Result<Self> {
        // SAFETY: models lie in the registry, which replaces files by rename and never writes into one.
        let files = unsafe { MmapedSafetensors::multi(files) }?;
        let mut tensors = HashMap::new();
        for (name, _) in files.tensors() {
            tensors.insert(name.clone(), files.load(&name, device)?);
        }
        Self::new(part, tensors, dtype, device)
    }

    /// Takes tensors as they are; those of floating point become `dtype` on `device`.
    pub fn new(part: &str, tensors: HashMap<String, Tensor>, dtype: DType, device: &Device) -> Result<Self> {
        let placed = tensors.into_iter().map(|(name, tensor)| {
            let tensor = if tensor.dtype().is_float() { tensor.to_dtype(dtype)? } else { tensor };
            Ok((modern(name), tensor.to_device(device)?))
        });
        Ok(Self { part: part.to_owned(), tensors: placed.collect::<Result<_>>()?, dtype, device: device.clone(), made_up: false })
    }

    /// Weights that are made up as layers ask for them, of the size that layers have by default: for timing a model without its file.
    pub fn made_up(part: &str, dtype: DType, device: &Device) -> Self {
        Self { part: part.to_owned(), tensors: HashMap::new(), dtype, device: device.clone(), made_up: true }
    }

    pub fn part(&self) -> &str {
        &self.part
    }

    pub fn dtype(&self) -> DType {
        self.dtype
    }

    pub fn device(&self) -> &Device {
        &self.device
    }

    pub fn tensors(&self) -> &HashMap<String, Tensor> {
        &self.tensors
    }

    pub fn bytes(&self) -> u64 {
        self.tensors.values().map(|tensor| (tensor.elem_count() * tensor.dtype().size_in_bytes()) as u64).sum()
    }

    pub(crate) fn scope<'a>(&'a self, adapters: &'a Adapters) -> Scope<'a> {
        Scope { weights: self, adapters, path: String::new() }
    }
}

/// A place among the weights: `down_blocks.0.resnets.1`.
#[derive(Clone)]
pub(crate) struct Scope<'a> {
    weights: &'a Weights,
    pub adapters: &'a Adapters,
    path: String,
}

impl Scope<'_> {
    pub fn at(&self, name: impl std::fmt::Display) -> Self {
        let path = if self.path.is_empty() { name.to_string() } else { format!("{}.{name}", self.path) };
        Self { path, ..self.clone() }
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    pub fn dtype(&self) -> DType {
        self.weights.dtype
    }

    pub fn device(&self) -> &Device {
        &self.weights.device
    }

    pub fn has(&self, name: &str) -> bool {
        self.weights.tensors.contains_key(&self.at(name).path)
    }

    pub fn get(&self, shape: impl Into<Shape>, name: &str) -> Result<Tensor> {
        let (shape, path) = (shape.into(), self.at(name).path);
        if self.weights.made_up {
            return made_up(&shape, name, self.dtype(), self.device());
        }
        let tensor = self.any(name)?;
        if *tensor.shape() != shape {
            return Err(Error::weights(
                &self.weights.part,
                path,
                format!("has the shape {:?}; expected {shape:?}", tensor.shape()),
            ));
        }
        Ok(tensor)
    }

    /// A matrix, which may also be stored as a 1×1 convolution.
    pub fn matrix(&self, out: usize, inside: usize, name: &str) -> Result<Tensor> {
        if self.weights.made_up {
            return self.get((out, inside), name);
        }
        let tensor = self.any(name)?;
        match *tensor.dims() {
            [_, _, 1, 1] => {
                self.get((out, inside, 1, 1), name)?;
                Ok(tensor.reshape((out, inside))?)
            }
            _ => self.get((out, inside), name),
        }
    }

    fn any(&self, name: &str) -> Result<Tensor> {
        let path = self.at(name).path;
        self.weights.tensors.get(&path).cloned().ok_or_else(|| Error::weights(&self.weights.part, path, "is not there"))
    }
}

/// Attention layers of the first VAEs were named otherwise.
fn modern(name: String) -> String {
    let old = [(".query.", ".to_q."), (".key.", ".to_k."), (".value.", ".to_v."), (".proj_attn.", ".to_out.0.")];
    match name.contains(".attentions.0.") {
        true => old.iter().fold(name, |name, (from, to)| name.replace(from, to)),
        false => name,
    }
}

/// Norms as they begin, and for the rest evenly distributed numbers within ±1/√inputs (a Weyl sequence).
fn made_up(shape: &Shape, name: &str, dtype: DType, device: &Device) -> Result<Tensor> {
    let (count, dims) = (shape.elem_count(), shape.dims());
    if dims.len() < 2 {
        let value = if name == "weight" { 1f32 } else { 0.0 };
        return Ok(Tensor::full(value, shape, device)?.to_dtype(dtype)?);
    }
    let bound = 1.0 / (dims[1..].iter().product::<usize>() as f32).sqrt();
    let number = |i: usize| ((i as u32).wrapping_mul(0x9E37_79B9) as f32 / u32::MAX as f32 * 2.0 - 1.0) * bound;
    Ok(Tensor::from_vec((0..count).map(number).collect::<Vec<f32>>(), shape, device)?.to_dtype(dtype)?)
}
