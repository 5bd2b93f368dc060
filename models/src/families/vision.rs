//! ViT, as transformers saves it (`modeling_vit.py`); the pooler may be missing, heads for training are ignored.

use super::{
    config::Config,
    sheet::{Others, Sheet},
};
use crate::formats::table::Refusal;

pub fn vit(c: &Config) -> Result<Sheet, Refusal> {
    let mut sheet = Sheet::new(Others::Ignored).under(&["", "vit."]);
    let (hidden, inner) = (c.size("hidden_size", 768)?, c.size("intermediate_size", 3072)?);
    c.share("num_attention_heads", hidden, c.size("num_attention_heads", 12)?)?;
    let (side, patch) = (c.size("image_size", 224)?, c.size("patch_size", 16)?);
    let patches = (side / patch).pow(2);
    sheet.tensor("embeddings.cls_token", &[1, 1, hidden]);
    sheet.tensor("embeddings.position_embeddings", &[1, patches + 1, hidden]);
    sheet.conv("embeddings.patch_embeddings.projection", hidden, c.size("num_channels", 3)?, patch);
    for i in 0..c.layers("num_hidden_layers", 12)? {
        let layer = format!("encoder.layer.{i}");
        for part in ["query", "key", "value"] {
            let name = format!("{layer}.attention.attention.{part}");
            if c.flag("qkv_bias", true) { sheet.linear(name, hidden, hidden) } else { sheet.weight(name, &[hidden, hidden]) }
        }
        sheet.linear(format!("{layer}.attention.output.dense"), hidden, hidden);
        sheet.linear(format!("{layer}.intermediate.dense"), inner, hidden);
        sheet.linear(format!("{layer}.output.dense"), hidden, inner);
        sheet.norm(format!("{layer}.layernorm_before"), hidden);
        sheet.norm(format!("{layer}.layernorm_after"), hidden);
    }
    sheet.norm("layernorm", hidden);
    if c.is_for("ForImageClassification") {
        sheet.linear("classifier", c.labels()?, hidden);
    } else {
        let pooled = c.size("pooler_output_size", hidden)?;
        sheet.maybe(|sheet| sheet.linear("pooler.dense", pooled, hidden));
    }
    Ok(sheet)
}
