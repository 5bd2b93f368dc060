//! BERT, XLM-RoBERTa and DeBERTa v2, as transformers saves them: `modeling_bert.py`, `modeling_xlm_roberta.py`, `modeling_deberta_v2.py`.
//! Everything below the heads is asked for; the pooler may be missing, and heads for training are ignored.

use super::{
    config::Config,
    sheet::{Others, Sheet},
};
use crate::formats::table::Refusal;

/// Buffers that older versions saved.
const RELICS: [&str; 2] = ["position_ids", "token_type_ids"];

/// Embeddings and layers that BERT and RoBERTa have in common.
fn trunk(c: &Config, sheet: &mut Sheet, positions: u64, types: u64) -> Result<u64, Refusal> {
    let hidden = c.size("hidden_size", 768)?;
    c.share("num_attention_heads", hidden, c.size("num_attention_heads", 12)?)?;
    let inner = c.size("intermediate_size", 3072)?;
    sheet.weight("embeddings.word_embeddings", &[c.size("vocab_size", 30522)?, hidden]);
    sheet.weight("embeddings.position_embeddings", &[c.size("max_position_embeddings", positions)?, hidden]);
    sheet.weight("embeddings.token_type_embeddings", &[c.size("type_vocab_size", types)?, hidden]);
    sheet.norm("embeddings.LayerNorm", hidden);
    for i in 0..c.layers("num_hidden_layers", 12)? {
        let layer = format!("encoder.layer.{i}");
        for part in ["query", "key", "value"] {
            sheet.linear(format!("{layer}.attention.self.{part}"), hidden, hidden);
        }
        sheet.linear(format!("{layer}.attention.output.dense"), hidden, hidden);
        sheet.norm(format!("{layer}.attention.output.LayerNorm"), hidden);
        sheet.linear(format!("{layer}.intermediate.dense"), inner, hidden);
        sheet.linear(format!("{layer}.output.dense"), hidden, inner);
        sheet.norm(format!("{layer}.output.LayerNorm"), hidden);
    }
    Ok(hidden)
}

pub fn bert(c: &Config) -> Result<Sheet, Refusal> {
    let mut sheet = Sheet::new(Others::Ignored).under(&["", "bert."]).relics(&RELICS).renamed(&[
        // As TensorFlow's checkpoints have it.
        ("LayerNorm.gamma", "LayerNorm.weight"),
        ("LayerNorm.beta", "LayerNorm.bias"),
    ]);
    let hidden = trunk(c, &mut sheet, 512, 2)?;
    let classifies = c.is_for("ForSequenceClassification");
    if classifies {
        sheet.linear("pooler.dense", hidden, hidden);
    } else {
        sheet.maybe(|sheet| sheet.linear("pooler.dense", hidden, hidden));
    }
    if classifies || c.is_for("ForTokenClassification") {
        sheet.linear("classifier", c.labels()?, hidden);
    }
    Ok(sheet)
}

pub fn roberta(c: &Config) -> Result<Sheet, Refusal> {
    let mut sheet = Sheet::new(Others::Ignored).under(&["", "roberta."]).relics(&RELICS);
    let hidden = trunk(c, &mut sheet, 514, 1)?;
    sheet.maybe(|sheet| sheet.linear("pooler.dense", hidden, hidden));
    if c.is_for("ForSequenceClassification") {
        sheet.linear("classifier.dense", hidden, hidden);
        sheet.linear("classifier.out_proj", c.labels()?, hidden);
    } else if c.is_for("ForTokenClassification") {
        sheet.linear("classifier", c.labels()?, hidden);
    }
    Ok(sheet)
}

pub fn deberta(c: &Config) -> Result<Sheet, Refusal> {
    let mut sheet = Sheet::new(Others::Ignored).under(&["", "deberta."]).relics(&RELICS);
    let hidden = c.size("hidden_size", 1536)?;
    c.share("num_attention_heads", hidden, c.size("num_attention_heads", 24)?)?;
    let width = c.size("embedding_size", hidden)?;
    sheet.weight("embeddings.word_embeddings", &[c.size("vocab_size", 128_100)?, width]);
    let positions = c.size("max_position_embeddings", 512)?;
    if c.flag("position_biased_input", true) {
        sheet.weight("embeddings.position_embeddings", &[positions, width]);
    }
    if let Some(types) = c.count("type_vocab_size")?.filter(|types| *types > 0) {
        sheet.weight("embeddings.token_type_embeddings", &[types, width]);
    }
    if width != hidden {
        sheet.weight("embeddings.embed_proj", &[hidden, width]);
    }
    sheet.norm("embeddings.LayerNorm", hidden);
    for i in 0..c.layers("num_hidden_layers", 24)? {
        deberta_layer(c, &mut sheet, i, hidden)?;
    }
    relative(c, &mut sheet, positions, hidden)?;
    if let Some(kernel) = c.count("conv_kernel_size")?.filter(|kernel| *kernel > 0) {
        sheet.weight("encoder.conv.conv", &[hidden, hidden, kernel]);
        sheet.tensor("encoder.conv.conv.bias", &[hidden]);
        sheet.norm("encoder.conv.LayerNorm", hidden);
    }
    if c.is_for("ForSequenceClassification") {
        let pooled = c.size("pooler_hidden_size", hidden)?;
        sheet.linear("pooler.dense", pooled, pooled);
        sheet.linear("classifier", c.labels()?, pooled);
    } else if c.is_for("ForTokenClassification") {
        sheet.linear("classifier", c.labels()?, hidden);
    }
    Ok(sheet)
}

fn deberta_layer(c: &Config, sheet: &mut Sheet, i: u64, hidden: u64) -> Result<(), Refusal> {
    let layer = format!("encoder.layer.{i}");
    let inner = c.size("intermediate_size", 6144)?;
    for part in ["query_proj", "key_proj", "value_proj"] {
        sheet.linear(format!("{layer}.attention.self.{part}"), hidden, hidden);
    }
    if c.flag("relative_attention", false) && !c.flag("share_att_key", false) {
        for (kind, part) in [("c2p", "pos_key_proj"), ("p2c", "pos_query_proj")] {
            if position_kinds(c).any(|own| own == kind) {
                sheet.linear(format!("{layer}.attention.self.{part}"), hidden, hidden);
            }
        }
    }
    sheet.linear(format!("{layer}.attention.output.dense"), hidden, hidden);
    sheet.norm(format!("{layer}.attention.output.LayerNorm"), hidden);
    sheet.linear(format!("{layer}.intermediate.dense"), inner, hidden);
    sheet.linear(format!("{layer}.output.dense"), hidden, inner);
    sheet.norm(format!("{layer}.output.LayerNorm"), hidden);
    Ok(())
}

/// `pos_att_type`, which is written as a list or with bars between.
fn position_kinds(c: &Config) -> impl Iterator<Item = String> {
    let value = c.get("pos_att_type").cloned().unwrap_or_default();
    let list: Vec<String> = match value {
        serde_json::Value::String(text) => text.split('|').map(|word| word.trim().to_lowercase()).collect(),
        serde_json::Value::Array(items) => items.iter().filter_map(|item| item.as_str()).map(str::to_lowercase).collect(),
        _ => Vec::new(),
    };
    list.into_iter()
}

fn relative(c: &Config, sheet: &mut Sheet, positions: u64, hidden: u64) -> Result<(), Refusal> {
    if !c.flag("relative_attention", false) {
        return Ok(());
    }
    // Both may be -1, for: not set.
    let set = |field: &str| c.get(field).and_then(serde_json::Value::as_i64).filter(|number| *number > 0).map(i64::cast_unsigned);
    let span = set("position_buckets").or_else(|| set("max_relative_positions")).unwrap_or(positions);
    let rows = span.checked_mul(2).ok_or_else(|| c.bad("position_buckets", "it is too large"))?;
    sheet.weight("encoder.rel_embeddings", &[rows, hidden]);
    if c.word("norm_rel_ebd").unwrap_or("none").contains("layer_norm") {
        sheet.norm("encoder.LayerNorm", hidden);
    }
    Ok(())
}
