//! CLIP and SigLIP, as transformers saves them (`modeling_clip.py`, `modeling_siglip.py`): both towers, or one of them. Strict.

use super::{
    config::Config,
    sheet::{Others, Sheet},
};
use crate::formats::table::Refusal;

/// The library's own numbers where a configuration has none.
struct Defaults {
    hidden: u64,
    inner: u64,
    heads: u64,
    patch: u64,
    vocabulary: u64,
    positions: u64,
}

const CLIP_TEXT: Defaults = Defaults { hidden: 512, inner: 2048, heads: 8, patch: 0, vocabulary: 49408, positions: 77 };
const CLIP_VISION: Defaults = Defaults { hidden: 768, inner: 3072, heads: 12, patch: 32, vocabulary: 0, positions: 0 };
const SIGLIP_TEXT: Defaults = Defaults { hidden: 768, inner: 3072, heads: 12, patch: 0, vocabulary: 32000, positions: 64 };
const SIGLIP_VISION: Defaults = Defaults { hidden: 768, inner: 3072, heads: 12, patch: 16, vocabulary: 0, positions: 0 };

const RELICS: [&str; 1] = ["position_ids"];

/// The transformer of a tower.
fn layers(c: &Config, sheet: &mut Sheet, tower: &str, of: &Defaults) -> Result<u64, Refusal> {
    let (hidden, inner) = (c.size("hidden_size", of.hidden)?, c.size("intermediate_size", of.inner)?);
    c.share("num_attention_heads", hidden, c.size("num_attention_heads", of.heads)?)?;
    for i in 0..c.layers("num_hidden_layers", 12)? {
        let layer = format!("{tower}.encoder.layers.{i}");
        for part in ["k_proj", "v_proj", "q_proj", "out_proj"] {
            sheet.linear(format!("{layer}.self_attn.{part}"), hidden, hidden);
        }
        sheet.norm(format!("{layer}.layer_norm1"), hidden);
        sheet.linear(format!("{layer}.mlp.fc1"), inner, hidden);
        sheet.linear(format!("{layer}.mlp.fc2"), hidden, inner);
        sheet.norm(format!("{layer}.layer_norm2"), hidden);
    }
    Ok(hidden)
}

fn text(c: &Config, sheet: &mut Sheet, of: &Defaults) -> Result<u64, Refusal> {
    let hidden = c.size("hidden_size", of.hidden)?;
    sheet.weight("text_model.embeddings.token_embedding", &[c.size("vocab_size", of.vocabulary)?, hidden]);
    sheet.weight("text_model.embeddings.position_embedding", &[c.size("max_position_embeddings", of.positions)?, hidden]);
    layers(c, sheet, "text_model", of)?;
    sheet.norm("text_model.final_layer_norm", hidden);
    Ok(hidden)
}

/// Patches of a picture.
fn patches(c: &Config, of: &Defaults) -> Result<(u64, u64), Refusal> {
    let (side, patch) = (c.size("image_size", 224)?, c.size("patch_size", of.patch)?);
    if patch > side {
        return Err(c.bad("patch_size", format!("it is {patch}, and a picture has {side}")));
    }
    Ok((patch, (side / patch).pow(2)))
}

fn clip_vision(c: &Config, sheet: &mut Sheet) -> Result<u64, Refusal> {
    let hidden = c.size("hidden_size", CLIP_VISION.hidden)?;
    let (patch, patches) = patches(c, &CLIP_VISION)?;
    sheet.tensor("vision_model.embeddings.class_embedding", &[hidden]);
    sheet.weight("vision_model.embeddings.patch_embedding", &[hidden, c.size("num_channels", 3)?, patch, patch]);
    sheet.weight("vision_model.embeddings.position_embedding", &[patches + 1, hidden]);
    // The library's own spelling.
    sheet.norm("vision_model.pre_layrnorm", hidden);
    layers(c, sheet, "vision_model", &CLIP_VISION)?;
    sheet.norm("vision_model.post_layernorm", hidden);
    Ok(hidden)
}

pub fn clip(c: &Config) -> Result<Sheet, Refusal> {
    let mut sheet = Sheet::new(Others::Refused).relics(&RELICS);
    let projection = c.size("projection_dim", 512)?;
    match c.word("model_type") {
        Some("clip_text_model") => {
            let hidden = text(c, &mut sheet, &CLIP_TEXT)?;
            if c.is_for("WithProjection") {
                sheet.weight("text_projection", &[projection, hidden]);
            }
            // A tower alone is saved without its name since transformers 5.
            sheet = sheet.stem("text_model.");
        }
        Some("clip_vision_model") => {
            let hidden = clip_vision(c, &mut sheet)?;
            if c.is_for("WithProjection") {
                sheet.weight("visual_projection", &[projection, hidden]);
            }
            sheet = sheet.stem("vision_model.");
        }
        _ => {
            let words = text(&c.part("text_config"), &mut sheet, &CLIP_TEXT)?;
            let pictures = clip_vision(&c.part("vision_config"), &mut sheet)?;
            sheet.weight("text_projection", &[projection, words]);
            sheet.weight("visual_projection", &[projection, pictures]);
            sheet.tensor("logit_scale", &[]);
        }
    }
    Ok(sheet)
}

pub fn siglip(c: &Config) -> Result<Sheet, Refusal> {
    let mut sheet = Sheet::new(Others::Refused).relics(&RELICS);
    let words = c.part("text_config");
    let hidden = text(&words, &mut sheet, &SIGLIP_TEXT)?;
    sheet.linear("text_model.head", words.size("projection_size", hidden)?, hidden);
    let pictures = c.part("vision_config");
    let hidden = pictures.size("hidden_size", SIGLIP_VISION.hidden)?;
    let (patch, patches) = patches(&pictures, &SIGLIP_VISION)?;
    sheet.conv("vision_model.embeddings.patch_embedding", hidden, pictures.size("num_channels", 3)?, patch);
    sheet.weight("vision_model.embeddings.position_embedding", &[patches, hidden]);
    layers(&pictures, &mut sheet, "vision_model", &SIGLIP_VISION)?;
    sheet.norm("vision_model.post_layernorm", hidden);
    if pictures.flag("vision_use_head", true) {
        let inner = pictures.size("intermediate_size", SIGLIP_VISION.inner)?;
        sheet.tensor("vision_model.head.probe", &[1, 1, hidden]);
        sheet.tensor("vision_model.head.attention.in_proj_weight", &[3 * hidden, hidden]);
        sheet.tensor("vision_model.head.attention.in_proj_bias", &[3 * hidden]);
        sheet.linear("vision_model.head.attention.out_proj", hidden, hidden);
        sheet.norm("vision_model.head.layernorm", hidden);
        sheet.linear("vision_model.head.mlp.fc1", inner, hidden);
        sheet.linear("vision_model.head.mlp.fc2", hidden, inner);
    }
    sheet.tensor("logit_scale", &[1]);
    sheet.tensor("logit_bias", &[1]);
    Ok(sheet)
}
