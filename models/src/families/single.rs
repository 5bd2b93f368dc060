//! Files that come without a configuration: checkpoints of Stable Diffusion in their original layout, LoRA, ControlNet and
//! IP-Adapter, recognised by their tensors. At least the tensors named here are asked for.

use crate::{
    Family,
    formats::table::{Refusal, Table, Tensor},
};
use std::collections::BTreeMap;

/// The largest rank of a LoRA.
const RANK_MAX: u64 = 4096;

/// What a file is, and what else is worth to know of it: `base` (which models it goes with), `layout`, `rank`.
pub fn recognise(table: &Table) -> Result<(Family, BTreeMap<&'static str, String>), Refusal> {
    let tensors: BTreeMap<&str, &Tensor> = table.tensors.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
    let begins = |prefix: &str| tensors.range(prefix..).next().is_some_and(|(name, _)| name.starts_with(prefix));
    if begins("model.diffusion_model.") {
        return checkpoint(&tensors);
    }
    if tensors.keys().any(|name| half_of(name).is_some()) {
        return lora(&tensors);
    }
    if begins("ip_adapter.") || begins("image_proj.") {
        return ip_adapter(&tensors);
    }
    if begins("controlnet_cond_embedding.") || begins("control_model.") || begins("input_hint_block.") {
        return controlnet(&tensors);
    }
    let names = tensors.keys().take(3).copied().collect::<Vec<_>>().join(", ");
    let what = format!(
        "a single file is a Stable Diffusion checkpoint, a LoRA, a ControlNet or an IP-Adapter, and its tensors are called {names}; \
         of any other model give the folder, with its config.json"
    );
    Err(Refusal::Family { what })
}

type Tensors<'a> = BTreeMap<&'a str, &'a Tensor>;
type Found = (Family, BTreeMap<&'static str, String>);

/// A tensor of that many dimensions.
fn need<'a>(tensors: &Tensors<'a>, name: &str, dimensions: usize, whose: &str) -> Result<&'a Tensor, Refusal> {
    let missing = || Refusal::Missing { tensor: name.into(), wanted: Vec::new(), config: whose.into() };
    let tensor = tensors.get(name).copied().ok_or_else(missing)?;
    if tensor.shape.len() == dimensions {
        return Ok(tensor);
    }
    let what = format!("its shape is {:?}, and {whose} has {dimensions} dimensions there", tensor.shape);
    Err(Refusal::Tensor { tensor: name.into(), what })
}

/// Which Stable Diffusion has text of that width.
fn base(text: u64) -> Option<(Family, &'static str)> {
    match text {
        768 => Some((Family::StableDiffusion, "stable-diffusion 1")),
        1024 => Some((Family::StableDiffusion, "stable-diffusion 2")),
        2048 => Some((Family::StableDiffusionXl, "stable-diffusion-xl")),
        _ => None,
    }
}

/// The CompVis and Stability layout: UNet, VAE and text encoders in one file.
fn checkpoint(tensors: &Tensors) -> Result<Found, Refusal> {
    let whose = "a Stable Diffusion checkpoint";
    let unet = "model.diffusion_model";
    let cross = tensors.iter().find(|(name, _)| name.starts_with(unet) && name.ends_with("transformer_blocks.0.attn2.to_k.weight"));
    let Some((cross, _)) = cross else {
        let config = whose.into();
        let tensor = format!("{unet}.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight");
        return Err(Refusal::Missing { tensor, wanted: Vec::new(), config });
    };
    let text = need(tensors, cross, 2, whose)?.shape[1];
    let labelled = tensors.contains_key("model.diffusion_model.label_emb.0.0.weight");
    let (family, base) = match base(text) {
        Some(known) => known,
        // Not of a published size, as in tests: the second text encoder tells them apart.
        None if labelled => (Family::StableDiffusionXl, "stable-diffusion-xl"),
        None => (Family::StableDiffusion, "stable-diffusion"),
    };
    if labelled != (family == Family::StableDiffusionXl) {
        let what = format!("text of width {text} is that of {family}, and label_emb says otherwise");
        return Err(Refusal::Tensor { tensor: (*cross).into(), what });
    }
    for (name, dimensions) in [
        ("model.diffusion_model.time_embed.0.weight", 2),
        ("model.diffusion_model.input_blocks.0.0.weight", 4),
        ("model.diffusion_model.middle_block.0.in_layers.2.weight", 4),
        ("model.diffusion_model.out.2.weight", 4),
        ("first_stage_model.encoder.conv_in.weight", 4),
        ("first_stage_model.decoder.conv_out.weight", 4),
        ("first_stage_model.post_quant_conv.weight", 4),
    ] {
        need(tensors, name, dimensions, whose)?;
    }
    let encoders: &[&str] = match family {
        Family::StableDiffusionXl => &["conditioner.embedders.0.", "conditioner.embedders.1."],
        _ => &["cond_stage_model."],
    };
    for encoder in encoders {
        if !tensors.range(*encoder..).next().is_some_and(|(name, _)| name.starts_with(encoder)) {
            let tensor = format!("{encoder}…");
            return Err(Refusal::Missing { tensor, wanted: Vec::new(), config: whose.into() });
        }
    }
    Ok((family, BTreeMap::from([("base", base.into()), ("layout", "original".into())])))
}

/// Endings of the two halves of a LoRA: kohya's, PEFT's, diffusers' old ones.
const HALVES: [(&str, &str); 3] =
    [(".lora_down.weight", ".lora_up.weight"), (".lora_A.weight", ".lora_B.weight"), (".lora.down.weight", ".lora.up.weight")];

/// (what it is for, whether it is the lower half, the other half's name)
fn half_of(name: &str) -> Option<(&str, bool, String)> {
    HALVES.iter().find_map(|(down, up)| {
        let lower = name.strip_suffix(down).map(|stem| (stem, true, format!("{stem}{up}")));
        lower.or_else(|| name.strip_suffix(up).map(|stem| (stem, false, format!("{stem}{down}"))))
    })
}

fn lora(tensors: &Tensors) -> Result<Found, Refusal> {
    let whose = "a LoRA";
    let (mut ranks, mut widths) = (std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
    for (name, tensor) in tensors {
        let Some((stem, lower, other)) = half_of(name) else { continue };
        let bad = |what: String| Refusal::Tensor { tensor: (*name).into(), what };
        let Some(other) = tensors.get(other.as_str()) else {
            return Err(Refusal::Missing { tensor: other, wanted: Vec::new(), config: format!("{name} of {whose}") });
        };
        if !lower {
            continue;
        }
        // Down: [rank, in, …]; up: [out, rank, …].
        let (Some(rank), Some(across)) = (tensor.shape.first(), other.shape.get(1)) else {
            return Err(bad(format!("its shape is {:?}, and that of a half is [rank, in]", tensor.shape)));
        };
        if rank != across || !(1..=RANK_MAX).contains(rank) {
            return Err(bad(format!("its rank is {rank}, its other half's {across}; ranks are alike and up to {RANK_MAX}")));
        }
        ranks.insert(*rank);
        if stem.ends_with("attn2_to_k") || stem.ends_with("attn2.to_k") {
            widths.extend(tensor.shape.get(1));
        }
    }
    let layout = if tensors.keys().any(|name| name.starts_with("lora_")) { "kohya" } else { "diffusers" };
    let ranks = ranks.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    let mut about = BTreeMap::from([("layout", layout.to_owned()), ("rank", ranks)]);
    // One that leaves the text attention alone says nothing of its base.
    if let Some((_, base)) = widths.first().filter(|_| widths.len() == 1).and_then(|width| base(*width)) {
        about.insert("base", base.into());
    }
    Ok((Family::Lora, about))
}

fn ip_adapter(tensors: &Tensors) -> Result<Found, Refusal> {
    let whose = "an IP-Adapter";
    let first = "ip_adapter.1.to_k_ip.weight";
    let text = need(tensors, first, 2, whose)?.shape[1];
    need(tensors, "ip_adapter.1.to_v_ip.weight", 2, whose)?;
    let plus = tensors.contains_key("image_proj.latents");
    if plus {
        need(tensors, "image_proj.proj_in.weight", 2, whose)?;
    } else {
        need(tensors, "image_proj.proj.weight", 2, whose)?;
        need(tensors, "image_proj.norm.weight", 1, whose)?;
    }
    let mut about = BTreeMap::from([("layout", if plus { "plus" } else { "base" }.to_owned())]);
    if let Some((_, base)) = base(text) {
        about.insert("base", base.into());
    }
    Ok((Family::IpAdapter, about))
}

fn controlnet(tensors: &Tensors) -> Result<Found, Refusal> {
    let whose = "a ControlNet";
    if tensors.contains_key("controlnet_cond_embedding.conv_in.weight") {
        for (name, dimensions) in
            [("controlnet_down_blocks.0.weight", 4), ("controlnet_mid_block.weight", 4), ("conv_in.weight", 4)]
        {
            need(tensors, name, dimensions, whose)?;
        }
        return Ok((Family::ControlNet, BTreeMap::from([("layout", "diffusers".into())])));
    }
    let under = if tensors.contains_key("control_model.input_blocks.0.0.weight") { "control_model." } else { "" };
    for name in ["input_blocks.0.0.weight", "input_hint_block.0.weight", "zero_convs.0.0.weight", "middle_block_out.0.weight"] {
        need(tensors, &format!("{under}{name}"), 4, whose)?;
    }
    Ok((Family::ControlNet, BTreeMap::from([("layout", "original".into())])))
}
