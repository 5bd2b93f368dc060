//! Low-rank adapters (Hu et al. 2021) in kohya's and diffusers' names.

use crate::{
    error::{Error, Result},
    layers::plain_conv,
    single_file,
    weights::Weights,
};
use candle_core::{DType, Device, Tensor};
use std::collections::{BTreeMap, HashMap};

/// Which network a LoRA's tensor is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Unet,
    Text,
    Text2,
}

const RANK_MAX: usize = 4096;

/// One layer's share: ΔW = scale · up · down.
#[derive(Clone)]
pub(crate) struct Low {
    /// [rank, in] or [rank, in, k, k]
    down: Tensor,
    /// [out, rank] or [out, rank, 1, 1]
    up: Tensor,
    scale: f64,
}

impl Low {
    /// […, in] → […, out]
    pub fn linear(&self, x: &Tensor) -> Result<Tensor> {
        let mut dims = x.dims().to_vec();
        let inside = dims.pop().unwrap_or(1);
        dims.push(self.up.dim(0)?);
        let (down, up) = (self.down.flatten_from(1)?, self.up.flatten_from(1)?);
        let rows = x.reshape(((), inside))?.matmul(&down.t()?)?.matmul(&up.t()?)?;
        Ok((rows * self.scale)?.reshape(dims)?)
    }

    /// [batch, height, width, in] → [batch, height, width, out]
    pub fn conv(&self, x: &Tensor, padding: usize, stride: usize) -> Result<Tensor> {
        let down = plain_conv(x, &self.down, None, padding, stride)?;
        Ok((plain_conv(&down, &self.up, None, 0, 1)? * self.scale)?)
    }
}

pub(super) fn merged(weight: Tensor, low: &[Low]) -> Result<Tensor> {
    let mut sum = weight.to_dtype(DType::F32)?;
    for low in low {
        let (down, up) = (low.down.to_dtype(DType::F32)?.flatten_from(1)?, low.up.to_dtype(DType::F32)?.flatten_from(1)?);
        sum = (sum + (up.matmul(&down)? * low.scale)?.reshape(weight.shape())?)?;
    }
    Ok(sum.to_dtype(weight.dtype())?)
}

#[derive(Default)]
struct Found {
    down: Option<Tensor>,
    up: Option<Tensor>,
    alpha: Option<f64>,
}

/// What a name says: which part, the layer's name there (flat: dots are underscores), and which of its tensors.
struct Key<'a> {
    part: Part,
    layer: String,
    leaf: &'a str,
}

/// A LoRA file, its tensors paired.
pub struct Lora {
    name: String,
    /// By part and flat layer name; with the name of one of its tensors, for messages.
    layers: BTreeMap<(Part, String), (String, Tensor, Tensor, f64)>,
}

impl Lora {
    /// From a file's tensors. What is no low-rank pair (LoHa, LoKr, DoRA) is refused by name.
    pub fn new(name: &str, tensors: HashMap<String, Tensor>) -> Result<Self> {
        let mut found: BTreeMap<(Part, String), (String, Found)> = BTreeMap::new();
        for (tensor_name, tensor) in tensors {
            let key = key(&tensor_name).ok_or_else(|| Error::weights(name, &tensor_name, "is none of a LoRA's names"))?;
            let entry = found.entry((key.part, key.layer)).or_insert_with(|| (tensor_name.clone(), Found::default()));
            match key.leaf {
                "down" => entry.1.down = Some(tensor),
                "up" => entry.1.up = Some(tensor),
                _ => entry.1.alpha = Some(f64::from(tensor.to_dtype(DType::F32)?.flatten_all()?.get(0)?.to_scalar::<f32>()?)),
            }
        }
        let paired = found.into_iter().map(|(key, (tensor_name, found))| {
            let (Some(down), Some(up)) = (found.down, found.up) else {
                return Err(Error::weights(name, tensor_name, "has no counterpart: up and down come in pairs"));
            };
            let rank = down.dim(0)?;
            if rank == 0 || rank > RANK_MAX || down.rank() < 2 || up.rank() != down.rank() || up.dim(1)? != rank {
                let what =
                    format!("down {:?} and up {:?} do not multiply, or their rank exceeds {RANK_MAX}", down.dims(), up.dims());
                return Err(Error::weights(name, tensor_name, what));
            }
            let scale = found.alpha.unwrap_or(rank as f64) / rank as f64;
            Ok((key, (tensor_name, down, up, scale)))
        });
        Ok(Self { name: name.to_owned(), layers: paired.collect::<Result<_>>()? })
    }

    pub fn open(name: &str, file: &std::path::Path) -> Result<Self> {
        let weights = Weights::open(name, &[file.to_owned()], DType::F32, &Device::Cpu)?;
        Self::new(name, weights.tensors().clone())
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it has anything for a part.
    pub fn touches(&self, part: Part) -> bool {
        self.layers.keys().any(|(own, _)| *own == part)
    }

    /// Its layers by their paths in a base.
    pub(super) fn over(&self, base: &Weights, part: Part, weight: f64) -> Result<Vec<(String, Low)>> {
        let paths = flat_paths(base, part);
        let mine = self.layers.iter().filter(|((own, _), _)| *own == part);
        mine.map(|((_, layer), (name, down, up, scale))| {
            let refuse = |what: String| Error::weights(&self.name, name, format!("{what}: it was made for another base"));
            let path = paths.get(layer).ok_or_else(|| refuse(format!("{} has no layer for it", base.part())))?;
            let there = base.tensors()[&format!("{path}.weight")].dims();
            let (down, up) =
                fit(down, up, there).ok_or_else(|| refuse(format!("{:?} by {:?} is not {there:?}", up.dims(), down.dims())))?;
            let place = |x: &Tensor| x.to_device(base.device())?.to_dtype(base.dtype())?.contiguous();
            Ok((path.clone(), Low { down: place(&down)?, up: place(&up)?, scale: scale * weight }))
        })
        .collect()
    }
}

/// The pair in the form of the layer's weight, if it fits: pointwise convolutions and matrices are the same.
fn fit(down: &Tensor, up: &Tensor, there: &[usize]) -> Option<(Tensor, Tensor)> {
    let (out, inside) = (*there.first()?, there.get(1)?);
    let kernel: usize = there[2..].iter().product();
    if up.dims()[0] != out || down.dims()[1] != *inside || down.dims()[2..].iter().product::<usize>() != kernel {
        return None;
    }
    if up.dims()[2..].iter().product::<usize>() != 1 {
        return None;
    }
    let rank = down.dims()[0];
    let down = down.reshape([&[rank][..], &there[1..]].concat()).ok()?;
    let up = up.reshape([&[out, rank][..], &vec![1; there.len() - 2][..]].concat()).ok()?;
    Some((down, up))
}

/// Flat names, diffusers' and the original layout's, to layers' paths.
fn flat_paths(base: &Weights, part: Part) -> HashMap<String, String> {
    let mut paths = HashMap::new();
    for (name, tensor) in base.tensors() {
        let Some(path) = name.strip_suffix(".weight").filter(|_| tensor.rank() >= 2) else { continue };
        paths.insert(path.replace('.', "_"), path.to_owned());
        if part == Part::Unet {
            paths.extend(single_file::unet_original(base, path).map(|original| (original.replace('.', "_"), path.to_owned())));
        } else {
            // With and without the name of the encoder's one part.
            let bare = path.strip_prefix("text_model.").unwrap_or(path);
            paths.insert(bare.replace('.', "_"), path.to_owned());
            paths.insert(format!("text_model_{}", bare.replace('.', "_")), path.to_owned());
        }
    }
    paths
}

const LEAVES: [(&str, &str); 11] = [
    (".lora_down.weight", "down"),
    (".lora_up.weight", "up"),
    (".lora_A.weight", "down"),
    (".lora_B.weight", "up"),
    (".lora.down.weight", "down"),
    (".lora.up.weight", "up"),
    (".lora_linear_layer.down.weight", "down"),
    (".lora_linear_layer.up.weight", "up"),
    ("_lora.down.weight", "down"),
    ("_lora.up.weight", "up"),
    (".alpha", "alpha"),
];

const PREFIXES: [(&str, Part); 7] = [
    ("lora_unet_", Part::Unet),
    ("lora_te1_", Part::Text),
    ("lora_te2_", Part::Text2),
    ("lora_te_", Part::Text),
    ("unet.", Part::Unet),
    ("text_encoder.", Part::Text),
    ("text_encoder_2.", Part::Text2),
];

fn key(name: &str) -> Option<Key<'_>> {
    let name = name.strip_prefix("base_model.model.").unwrap_or(name);
    let (prefix, part) = PREFIXES.iter().find(|(prefix, _)| name.starts_with(prefix))?;
    let rest = &name[prefix.len()..];
    let (suffix, leaf) = LEAVES.iter().find(|(suffix, _)| rest.ends_with(suffix))?;
    let layer = rest[..rest.len() - suffix.len()].replace(".processor.", ".").replace(".processor", "");
    let flat = layer.replace('.', "_");
    // Attention processors are named without the list that their output layer is in.
    let flat = if flat.ends_with("_to_out") { format!("{flat}_0") } else { flat };
    Some(Key { part: *part, layer: flat, leaf })
}
