//! Checkpoints of one file, in the layout of the authors' own code: their names to diffusers'.

use crate::{
    error::{Error, Result},
    weights::Weights,
};
use candle_core::Tensor;
use std::collections::HashMap;

/// Original, diffusers: what is within a resnet of the UNet.
const RESNET: [(&str, &str); 6] = [
    ("in_layers.0", "norm1"),
    ("in_layers.2", "conv1"),
    ("emb_layers.1", "time_emb_proj"),
    ("out_layers.0", "norm2"),
    ("out_layers.3", "conv2"),
    ("skip_connection", "conv_shortcut"),
];

/// The UNet's layers outside its blocks.
const UNET: [(&str, &str); 7] = [
    ("time_embed.0", "time_embedding.linear_1"),
    ("time_embed.2", "time_embedding.linear_2"),
    ("label_emb.0.0", "add_embedding.linear_1"),
    ("label_emb.0.2", "add_embedding.linear_2"),
    ("input_blocks.0.0", "conv_in"),
    ("out.0", "conv_norm_out"),
    ("out.2", "conv_out"),
];

/// Within the VAE: its blocks' parts, then its attention's.
const VAE: [(&str, &str); 8] = [
    ("mid.block_1", "mid_block.resnets.0"),
    ("mid.block_2", "mid_block.resnets.1"),
    ("mid.attn_1", "mid_block.attentions.0"),
    ("norm_out", "conv_norm_out"),
    ("nin_shortcut", "conv_shortcut"),
    ("downsample.conv", "downsamplers.0.conv"),
    ("upsample.conv", "upsamplers.0.conv"),
    ("proj_out", "to_out.0"),
];

/// Within a layer of OpenCLIP.
const OPEN_CLIP: [(&str, &str); 5] = [
    ("ln_1", "layer_norm1"),
    ("ln_2", "layer_norm2"),
    ("attn.out_proj", "self_attn.out_proj"),
    ("mlp.c_fc", "mlp.fc1"),
    ("mlp.c_proj", "mlp.fc2"),
];

/// A checkpoint's parts by diffusers' names.
#[derive(Default)]
pub struct Parts {
    pub unet: HashMap<String, Tensor>,
    pub vae: HashMap<String, Tensor>,
    /// One of SD 1.5 and 2.1, two of SDXL.
    pub texts: Vec<HashMap<String, Tensor>>,
}

/// What a file's names say it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    Sd1,
    Sd2,
    Sdxl,
}

impl Layout {
    pub fn of<'a>(mut names: impl Iterator<Item = &'a str>) -> Option<Self> {
        names.find_map(|name| {
            let layouts = [
                ("conditioner.embedders.1.", Self::Sdxl),
                ("cond_stage_model.transformer.", Self::Sd1),
                ("cond_stage_model.model.", Self::Sd2),
            ];
            layouts.into_iter().find(|(start, _)| name.starts_with(start)).map(|(_, layout)| layout)
        })
    }
}

/// Takes a file's tensors apart. `layers`: the UNet's resnets a block (2); `vae_blocks`: the VAE's blocks (4).
pub fn convert(name: &str, tensors: HashMap<String, Tensor>, layers: usize, vae_blocks: usize) -> Result<(Layout, Parts)> {
    let layout = Layout::of(tensors.keys().map(String::as_str));
    let layout = layout.ok_or_else(|| Error::weights(name, "cond_stage_model or conditioner", "is not there: no known layout"))?;
    let mut parts = Parts { texts: vec![HashMap::new(); if layout == Layout::Sdxl { 2 } else { 1 }], ..Parts::default() };
    for (original, tensor) in tensors {
        let unknown = || Error::weights(name, &original, "has no counterpart in diffusers' layout");
        if let Some(rest) = original.strip_prefix("model.diffusion_model.") {
            parts.unet.insert(unet(rest, layers).ok_or_else(unknown)?, tensor);
        } else if let Some(rest) = original.strip_prefix("first_stage_model.") {
            if let Some(path) = vae(rest, vae_blocks) {
                parts.vae.insert(path, tensor);
            }
        } else if let Some(rest) = original.strip_prefix("cond_stage_model.transformer.") {
            parts.texts[0].insert(rest.to_owned(), tensor);
        } else if let Some(rest) = original.strip_prefix("conditioner.embedders.0.transformer.") {
            parts.texts[0].insert(rest.to_owned(), tensor);
        } else if let Some(rest) = original.strip_prefix("conditioner.embedders.1.model.") {
            open_clip(rest, tensor, &mut parts.texts[1])?;
        } else if let Some(rest) = original.strip_prefix("cond_stage_model.model.") {
            open_clip(rest, tensor, &mut parts.texts[0])?;
        }
        // What else such files carry (training schedules, moving averages) is not needed.
    }
    Ok((layout, parts))
}

/// `prefix` replaced at the front of a name, by a table.
fn renamed(name: &str, table: &[(&str, &str)]) -> Option<String> {
    table
        .iter()
        .find_map(|(from, to)| name.strip_prefix(from).filter(|rest| rest.starts_with('.')).map(|rest| format!("{to}{rest}")))
}

fn numbered<'a>(name: &'a str, start: &str) -> Option<(usize, &'a str)> {
    let (number, rest) = name.strip_prefix(start)?.split_once('.')?;
    Some((number.parse().ok()?, rest))
}

/// A UNet's original name, without its prefix, as diffusers has it.
fn unet(name: &str, layers: usize) -> Option<String> {
    if let Some(path) = renamed(name, &UNET) {
        return Some(path);
    }
    if let Some((part, rest)) = numbered(name, "middle_block.") {
        return Some(match part {
            1 => format!("mid_block.attentions.0.{rest}"),
            _ => format!("mid_block.resnets.{}.{}", part / 2, renamed(rest, &RESNET)?),
        });
    }
    let down = name.starts_with("input_blocks.");
    let (at, rest) = numbered(name, if down { "input_blocks." } else { "output_blocks." })?;
    let (part, rest) = numbered(rest, "")?;
    let at = if down { at.checked_sub(1)? } else { at };
    let (block, layer) = (at / (layers + 1), at % (layers + 1));
    let base = if down { format!("down_blocks.{block}") } else { format!("up_blocks.{block}") };
    Some(match (part, renamed(rest, &RESNET)) {
        (0, Some(inner)) => format!("{base}.resnets.{layer}.{inner}"),
        (0, None) if down => format!("{base}.downsamplers.0.conv.{}", rest.strip_prefix("op.")?),
        _ => match rest.strip_prefix("conv.") {
            Some(leaf) => format!("{base}.upsamplers.0.conv.{leaf}"),
            None => format!("{base}.attentions.{layer}.{rest}"),
        },
    })
}

/// The other way, of a layer's path: what kohya's names of SDXL adapters are made from.
pub(crate) fn unet_original(base: &Weights, path: &str) -> Option<String> {
    let dotted = format!("{path}.");
    let back = |name: &str, table: &[(&str, &str)]| {
        let found =
            table.iter().find_map(|(to, from)| name.strip_prefix(from).filter(|r| r.starts_with('.')).map(|r| format!("{to}{r}")));
        found.map(|found| found.trim_end_matches('.').to_owned())
    };
    if let Some(original) = back(&dotted, &UNET) {
        return Some(original);
    }
    if let Some(rest) = path.strip_prefix("mid_block.attentions.0.") {
        return Some(format!("middle_block.1.{rest}"));
    }
    if let Some((i, rest)) = numbered(&dotted, "mid_block.resnets.") {
        return Some(format!("middle_block.{}.{}", 2 * i, back(rest, &RESNET)?));
    }
    let has = |block: String| base.tensors().keys().any(|name| name.starts_with(&block));
    let layers = (1..).find(|j| !has(format!("down_blocks.0.resnets.{j}."))).unwrap_or(2);
    let down = path.starts_with("down_blocks.");
    let (block, rest) = numbered(&dotted, if down { "down_blocks." } else { "up_blocks." })?;
    let first = block * (layers + 1) + usize::from(down);
    let start = if down { "input_blocks" } else { "output_blocks" };
    if let Some((j, rest)) = numbered(rest, "resnets.") {
        return Some(format!("{start}.{}.0.{}", first + j, back(rest, &RESNET)?));
    }
    if let Some((j, rest)) = numbered(rest, "attentions.") {
        return Some(format!("{start}.{}.1.{}", first + j, rest.trim_end_matches('.')));
    }
    let attends = usize::from(has(format!("up_blocks.{block}.attentions.")));
    Some(match down {
        true => format!("{start}.{}.0.op", first + layers),
        false => format!("{start}.{}.{}.conv", first + layers, 1 + attends),
    })
}

/// A VAE's original name as diffusers has it; None of what only training needs.
fn vae(name: &str, blocks: usize) -> Option<String> {
    if name.starts_with("quant_conv.") || name.starts_with("post_quant_conv.") {
        return Some(name.to_owned());
    }
    let (coder, rest) = name.split_once('.').filter(|(coder, _)| matches!(*coder, "encoder" | "decoder"))?;
    let inner = |rest: &str| renamed(rest, &VAE).unwrap_or_else(|| rest.to_owned());
    let path = if let Some((i, rest)) = numbered(rest, "down.") {
        match numbered(rest, "block.") {
            Some((j, rest)) => format!("down_blocks.{i}.resnets.{j}.{}", inner(rest)),
            None => format!("down_blocks.{i}.{}", inner(rest)),
        }
    } else if let Some((i, rest)) = numbered(rest, "up.") {
        let i = (blocks - 1).checked_sub(i)?;
        match numbered(rest, "block.") {
            Some((j, rest)) => format!("up_blocks.{i}.resnets.{j}.{}", inner(rest)),
            None => format!("up_blocks.{i}.{}", inner(rest)),
        }
    } else {
        inner(rest)
    };
    let path = match path.strip_prefix("mid_block.attentions.0.") {
        Some(rest) => {
            let table = [("norm", "group_norm"), ("q", "to_q"), ("k", "to_k"), ("v", "to_v"), ("proj_out", "to_out.0")];
            format!("mid_block.attentions.0.{}", renamed(rest, &table)?)
        }
        None => path,
    };
    Some(format!("{coder}.{path}"))
}

/// OpenCLIP's text tower as transformers has it: queries, keys and values are one matrix there, and its projection lies on its side.
fn open_clip(name: &str, tensor: Tensor, into: &mut HashMap<String, Tensor>) -> Result<()> {
    let whole = [
        ("positional_embedding", "text_model.embeddings.position_embedding.weight"),
        ("token_embedding.weight", "text_model.embeddings.token_embedding.weight"),
        ("ln_final.weight", "text_model.final_layer_norm.weight"),
        ("ln_final.bias", "text_model.final_layer_norm.bias"),
    ];
    if let Some((_, path)) = whole.iter().find(|(original, _)| *original == name) {
        into.insert((*path).to_owned(), tensor);
    } else if name == "text_projection" {
        into.insert("text_projection.weight".into(), tensor.t()?.contiguous()?);
    } else if let Some((layer, rest)) = numbered(name, "transformer.resblocks.") {
        let base = format!("text_model.encoder.layers.{layer}");
        if let Some(leaf) = rest.strip_prefix("attn.in_proj_") {
            let width = tensor.dim(0)? / 3;
            for (i, part) in ["q_proj", "k_proj", "v_proj"].iter().enumerate() {
                into.insert(format!("{base}.self_attn.{part}.{leaf}"), tensor.narrow(0, i * width, width)?.contiguous()?);
            }
        } else if let Some(path) = renamed(rest, &OPEN_CLIP) {
            into.insert(format!("{base}.{path}"), tensor);
        }
    }
    Ok(())
}
