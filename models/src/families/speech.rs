//! Whisper, strict, as transformers saves it (`modeling_whisper.py`); of MusicGen and Parler-TTS, whose parts have configurations of
//! their own kinds, at least the tensors that show their decoder's size.

use super::{
    config::Config,
    sheet::{Others, Sheet},
};
use crate::formats::table::Refusal;

pub fn whisper(c: &Config) -> Result<Sheet, Refusal> {
    let mut sheet = Sheet::new(Others::Refused).under(&["model.", ""]);
    let width = c.size("d_model", 384)?;
    let mels = c.size("num_mel_bins", 80)?;
    sheet.weight("encoder.conv1", &[width, mels, 3]);
    sheet.tensor("encoder.conv1.bias", &[width]);
    sheet.weight("encoder.conv2", &[width, width, 3]);
    sheet.tensor("encoder.conv2.bias", &[width]);
    sheet.weight("encoder.embed_positions", &[c.size("max_source_positions", 1500)?, width]);
    let vocabulary = c.size("vocab_size", 51865)?;
    sheet.weight("decoder.embed_tokens", &[vocabulary, width]);
    sheet.weight("decoder.embed_positions", &[c.size("max_target_positions", 448)?, width]);
    for (stack, crossed) in [("encoder", false), ("decoder", true)] {
        c.share(&format!("{stack}_attention_heads"), width, c.size(&format!("{stack}_attention_heads"), 6)?)?;
        let inner = c.size(&format!("{stack}_ffn_dim"), 1536)?;
        for i in 0..c.layers(&format!("{stack}_layers"), 4)? {
            let layer = format!("{stack}.layers.{i}");
            attention(&mut sheet, &format!("{layer}.self_attn"), width);
            if crossed {
                attention(&mut sheet, &format!("{layer}.encoder_attn"), width);
            }
            sheet.linear(format!("{layer}.fc1"), inner, width);
            sheet.linear(format!("{layer}.fc2"), width, inner);
            sheet.norm(format!("{layer}.final_layer_norm"), width);
        }
        sheet.norm(format!("{stack}.layer_norm"), width);
    }
    // Tied to the embedding; some conversions write it out.
    sheet.maybe(|sheet| sheet.weight("proj_out", &[vocabulary, width]));
    Ok(sheet)
}

/// Attention without a bias for its keys, and the norm before it.
fn attention(sheet: &mut Sheet, name: &str, width: u64) {
    for part in ["q_proj", "v_proj", "out_proj"] {
        sheet.linear(format!("{name}.{part}"), width, width);
    }
    sheet.weight(format!("{name}.k_proj"), &[width, width]);
    sheet.norm(format!("{name}_layer_norm"), width);
}

/// The decoder over codebooks that both have.
fn codebooks(c: &Config, sheet: &mut Sheet, books: u64) -> Result<(u64, u64), Refusal> {
    let width = c.size("hidden_size", 1024)?;
    c.share("num_attention_heads", width, c.size("num_attention_heads", 16)?)?;
    for i in 0..c.layers("num_hidden_layers", 24)? {
        let layer = format!("decoder.model.decoder.layers.{i}");
        sheet.weight(format!("{layer}.fc1"), &[c.size("ffn_dim", 4096)?, width]);
        sheet.weight(format!("{layer}.fc2"), &[width, c.size("ffn_dim", 4096)?]);
        sheet.norm(format!("{layer}.final_layer_norm"), width);
    }
    sheet.norm("decoder.model.decoder.layer_norm", width);
    Ok((width, c.layers("num_codebooks", books)?))
}

pub fn musicgen(c: &Config) -> Result<Sheet, Refusal> {
    let mut sheet = Sheet::new(Others::Ignored);
    let decoder = c.part("decoder");
    let vocabulary = decoder.size("vocab_size", 2048)?;
    let (width, books) = codebooks(&decoder, &mut sheet, 4)?;
    for book in 0..books {
        sheet.weight(format!("decoder.model.decoder.embed_tokens.{book}"), &[vocabulary + 1, width]);
        sheet.weight(format!("decoder.lm_heads.{book}"), &[vocabulary, width]);
    }
    Ok(sheet)
}

pub fn parler(c: &Config) -> Result<Sheet, Refusal> {
    let mut sheet = Sheet::new(Others::Ignored);
    let decoder = c.part("decoder");
    let vocabulary = decoder.size("vocab_size", 2049)?;
    let (width, books) = codebooks(&decoder, &mut sheet, 9)?;
    for book in 0..books {
        sheet.weight(format!("decoder.model.decoder.embed_tokens.{book}"), &[vocabulary + 1, width]);
        sheet.weight(format!("decoder.lm_heads.{book}"), &[vocabulary, width]);
    }
    Ok(sheet)
}
