//! UNet, VAE and ControlNet of Stable Diffusion 1, 2 and XL, as diffusers saves them (`unet_2d_condition.py`, `autoencoder_kl.py`,
//! `controlnet.py`). Strict: what is not asked for is refused, and so are block types that klieg has no code for.

use super::{
    config::Config,
    sheet::{Others, Sheet},
};
use crate::formats::table::Refusal;

/// Features of diffusers' UNet that change its tensors and that klieg has no code for.
const FOREIGN: [&str; 6] = [
    "class_embed_type",
    "encoder_hid_dim",
    "encoder_hid_dim_type",
    "num_class_embeds",
    "dual_cross_attention",
    "time_embedding_act_fn",
];

/// What the blocks of a UNet have in common.
struct Plan {
    channels: Vec<u64>,
    /// Whether each level attends to the text, on the way down.
    down: Vec<bool>,
    resnets: u64,
    transformers: Vec<u64>,
    text: Vec<u64>,
    time: u64,
    linear: bool,
}

impl Plan {
    fn of(c: &Config) -> Result<Self, Refusal> {
        if let Some(field) = FOREIGN.iter().find(|field| c.get(field).is_some_and(|value| *value != serde_json::Value::Bool(false)))
        {
            return Err(c.bad(field, "klieg has no code for UNets that set it"));
        }
        let channels = c.list("block_out_channels", &[320, 640, 1280, 1280])?;
        let kinds =
            c.words("down_block_types", &["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"])?;
        let down = attends(c, "down_block_types", &kinds, "Down", channels.len())?;
        let Some(first) = channels.first().copied() else { return Err(c.bad("block_out_channels", "it is empty")) };
        Ok(Self {
            resnets: c.layers("layers_per_block", 2)?,
            transformers: c.sizes("transformer_layers_per_block", channels.len(), 1)?,
            text: c.sizes("cross_attention_dim", channels.len(), 1280)?,
            linear: c.flag("use_linear_projection", false),
            time: first * 4,
            channels,
            down,
        })
    }

    fn last(&self) -> usize {
        self.channels.len() - 1
    }
}

/// Whether each block attends, by its type.
fn attends(c: &Config, field: &str, kinds: &[String], way: &str, levels: usize) -> Result<Vec<bool>, Refusal> {
    if kinds.len() != levels {
        return Err(c.bad(field, format!("it has {} items, and block_out_channels {levels}", kinds.len())));
    }
    let (plain, attending) = (format!("{way}Block2D"), format!("CrossAttn{way}Block2D"));
    let one = |kind: &String| match kind {
        kind if *kind == plain => Ok(false),
        kind if *kind == attending => Ok(true),
        other => Err(c.bad(field, format!("{other:?} is no block that klieg has code for: {plain} and {attending} are"))),
    };
    kinds.iter().map(one).collect()
}

/// Two convolutions with norms; `time`: what is projected in between, 0 for none.
fn resnet(sheet: &mut Sheet, name: &str, into: u64, from: u64, time: u64) {
    sheet.norm(format!("{name}.norm1"), from);
    sheet.conv(format!("{name}.conv1"), into, from, 3);
    if time > 0 {
        sheet.linear(format!("{name}.time_emb_proj"), into, time);
    }
    sheet.norm(format!("{name}.norm2"), into);
    sheet.conv(format!("{name}.conv2"), into, into, 3);
    if into != from {
        sheet.conv(format!("{name}.conv_shortcut"), into, from, 1);
    }
}

/// A stack of transformer blocks over pixels.
fn transformer(sheet: &mut Sheet, name: &str, width: u64, text: u64, depth: u64, linear: bool) {
    sheet.norm(format!("{name}.norm"), width);
    for end in ["proj_in", "proj_out"] {
        let end = format!("{name}.{end}");
        if linear { sheet.linear(end, width, width) } else { sheet.conv(end, width, width, 1) }
    }
    for i in 0..depth {
        let block = format!("{name}.transformer_blocks.{i}");
        for (attention, from) in [("attn1", width), ("attn2", text)] {
            sheet.weight(format!("{block}.{attention}.to_q"), &[width, width]);
            sheet.weight(format!("{block}.{attention}.to_k"), &[width, from]);
            sheet.weight(format!("{block}.{attention}.to_v"), &[width, from]);
            sheet.linear(format!("{block}.{attention}.to_out.0"), width, width);
        }
        for norm in ["norm1", "norm2", "norm3"] {
            sheet.norm(format!("{block}.{norm}"), width);
        }
        sheet.linear(format!("{block}.ff.net.0.proj"), 8 * width, width);
        sheet.linear(format!("{block}.ff.net.2"), width, 4 * width);
    }
}

/// Everything up to the middle, which a ControlNet has as well.
fn lower_half(c: &Config, sheet: &mut Sheet, plan: &Plan) -> Result<(), Refusal> {
    let (first, last) = (plan.channels[0], plan.last());
    sheet.conv("conv_in", first, c.size("in_channels", 4)?, 3);
    sheet.linear("time_embedding.linear_1", plan.time, first);
    sheet.linear("time_embedding.linear_2", plan.time, plan.time);
    if let Some(guidance) = c.count("time_cond_proj_dim")? {
        sheet.weight("time_embedding.cond_proj", &[first, guidance]);
    }
    match c.word("addition_embed_type") {
        None => {}
        Some("text_time") => {
            sheet.linear("add_embedding.linear_1", plan.time, c.size("projection_class_embeddings_input_dim", 2816)?);
            sheet.linear("add_embedding.linear_2", plan.time, plan.time);
        }
        Some(other) => return Err(c.bad("addition_embed_type", format!("{other:?} is none that klieg has code for: text_time is"))),
    }
    let mut from = first;
    for (i, into) in plan.channels.iter().copied().enumerate() {
        for j in 0..plan.resnets {
            resnet(sheet, &format!("down_blocks.{i}.resnets.{j}"), into, from, plan.time);
            if plan.down[i] {
                let name = format!("down_blocks.{i}.attentions.{j}");
                transformer(sheet, &name, into, plan.text[i], plan.transformers[i], plan.linear);
            }
            from = into;
        }
        if i < last {
            sheet.conv(format!("down_blocks.{i}.downsamplers.0.conv"), into, into, 3);
        }
    }
    for j in 0..2 {
        resnet(sheet, &format!("mid_block.resnets.{j}"), from, from, plan.time);
    }
    transformer(sheet, "mid_block.attentions.0", from, plan.text[last], plan.transformers[last], plan.linear);
    Ok(())
}

pub fn unet(c: &Config) -> Result<Sheet, Refusal> {
    let plan = Plan::of(c)?;
    let mut sheet = Sheet::new(Others::Refused);
    lower_half(c, &mut sheet, &plan)?;
    let kinds = c.words("up_block_types", &["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"])?;
    let up = attends(c, "up_block_types", &kinds, "Up", plan.channels.len())?;
    let (first, last) = (plan.channels[0], plan.last());
    let mut before = plan.channels[last];
    for (i, attending) in up.into_iter().enumerate() {
        let level = last - i;
        let into = plan.channels[level];
        for j in 0..=plan.resnets {
            // What comes from below, and beside it what was kept on the way down.
            let kept = if j < plan.resnets { into } else { plan.channels[level.saturating_sub(1)] };
            resnet(&mut sheet, &format!("up_blocks.{i}.resnets.{j}"), into, before + kept, plan.time);
            if attending {
                let name = format!("up_blocks.{i}.attentions.{j}");
                transformer(&mut sheet, &name, into, plan.text[level], plan.transformers[level], plan.linear);
            }
            before = into;
        }
        if i < last {
            sheet.conv(format!("up_blocks.{i}.upsamplers.0.conv"), into, into, 3);
        }
    }
    sheet.norm("conv_norm_out", first);
    sheet.conv("conv_out", c.size("out_channels", 4)?, first, 3);
    Ok(sheet)
}

pub fn controlnet(c: &Config) -> Result<Sheet, Refusal> {
    let plan = Plan::of(c)?;
    let mut sheet = Sheet::new(Others::Refused);
    lower_half(c, &mut sheet, &plan)?;
    let hint = c.list("conditioning_embedding_out_channels", &[16, 32, 96, 256])?;
    let ends = (hint.first().copied().unwrap_or(1), hint.last().copied().unwrap_or(1));
    sheet.conv("controlnet_cond_embedding.conv_in", ends.0, c.size("conditioning_channels", 3)?, 3);
    for (i, pair) in hint.windows(2).enumerate() {
        sheet.conv(format!("controlnet_cond_embedding.blocks.{}", 2 * i), pair[0], pair[0], 3);
        sheet.conv(format!("controlnet_cond_embedding.blocks.{}", 2 * i + 1), pair[1], pair[0], 3);
    }
    sheet.conv("controlnet_cond_embedding.conv_out", plan.channels[0], ends.1, 3);
    // One for the first convolution, each resnet and each step down.
    let mut widths = vec![plan.channels[0]];
    for (i, width) in plan.channels.iter().enumerate() {
        let steps = plan.resnets + u64::from(i < plan.last());
        widths.extend((0..steps).map(|_| *width));
    }
    for (i, width) in widths.iter().enumerate() {
        sheet.conv(format!("controlnet_down_blocks.{i}"), *width, *width, 1);
    }
    let widest = plan.channels[plan.last()];
    sheet.conv("controlnet_mid_block", widest, widest, 1);
    Ok(sheet)
}

pub fn vae(c: &Config) -> Result<Sheet, Refusal> {
    // Before diffusers 0.18 the one attention was written otherwise.
    let mut sheet = Sheet::new(Others::Refused).renamed(&[
        ("attentions.0.query.", "attentions.0.to_q."),
        ("attentions.0.key.", "attentions.0.to_k."),
        ("attentions.0.value.", "attentions.0.to_v."),
        ("attentions.0.proj_attn.", "attentions.0.to_out.0."),
    ]);
    let channels = c.list("block_out_channels", &[64])?;
    let (resnets, latent) = (c.layers("layers_per_block", 1)?, c.size("latent_channels", 4)?);
    let [Some(first), Some(last)] = [channels.first().copied(), channels.last().copied()] else {
        return Err(c.bad("block_out_channels", "it is empty"));
    };
    sheet.conv("encoder.conv_in", first, c.size("in_channels", 3)?, 3);
    let mut from = first;
    for (i, into) in channels.iter().copied().enumerate() {
        for j in 0..resnets {
            resnet(&mut sheet, &format!("encoder.down_blocks.{i}.resnets.{j}"), into, from, 0);
            from = into;
        }
        if i + 1 < channels.len() {
            sheet.conv(format!("encoder.down_blocks.{i}.downsamplers.0.conv"), into, into, 3);
        }
    }
    sheet.conv("decoder.conv_in", last, latent, 3);
    for (i, into) in channels.iter().rev().copied().enumerate() {
        for j in 0..=resnets {
            resnet(&mut sheet, &format!("decoder.up_blocks.{i}.resnets.{j}"), into, from, 0);
            from = into;
        }
        if i + 1 < channels.len() {
            sheet.conv(format!("decoder.up_blocks.{i}.upsamplers.0.conv"), into, into, 3);
        }
    }
    for (half, end) in [("encoder", last), ("decoder", first)] {
        middle(c, &mut sheet, half, last);
        sheet.norm(format!("{half}.conv_norm_out"), end);
    }
    sheet.conv("encoder.conv_out", 2 * latent, last, 3);
    sheet.conv("decoder.conv_out", c.size("out_channels", 3)?, first, 3);
    if c.flag("use_quant_conv", true) {
        sheet.conv("quant_conv", 2 * latent, 2 * latent, 1);
    }
    if c.flag("use_post_quant_conv", true) {
        sheet.conv("post_quant_conv", latent, latent, 1);
    }
    Ok(sheet)
}

fn middle(c: &Config, sheet: &mut Sheet, half: &str, width: u64) {
    for j in 0..2 {
        resnet(sheet, &format!("{half}.mid_block.resnets.{j}"), width, width, 0);
    }
    if c.flag("mid_block_add_attention", true) {
        let attention = format!("{half}.mid_block.attentions.0");
        sheet.norm(format!("{attention}.group_norm"), width);
        for part in ["to_q", "to_k", "to_v", "to_out.0"] {
            sheet.linear(format!("{attention}.{part}"), width, width);
        }
    }
}
