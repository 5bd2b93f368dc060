//! LLaMA, Mistral, Qwen2 and T5 as transformers saves them, and the first three as GGUF has them. Strict.

use super::{
    config::Config,
    sheet::{Others, Sheet},
};
use crate::{
    Family,
    formats::table::{Refusal, Table},
};

/// Sizes of a decoder.
struct Decoder {
    width: u64,
    /// All heads together: of queries, of keys.
    queries: u64,
    keys: u64,
    inner: u64,
    layers: u64,
    vocabulary: u64,
}

/// `modeling_llama.py`, `modeling_mistral.py`, `modeling_qwen2.py`.
pub fn decoder(c: &Config) -> Result<Sheet, Refusal> {
    let width = c.size("hidden_size", 4096)?;
    let heads = c.size("num_attention_heads", 32)?;
    let each = match c.count("head_dim")? {
        Some(each) if each > 0 => each,
        _ => c.share("num_attention_heads", width, heads)?,
    };
    let grouped = c.size("num_key_value_heads", heads)?;
    c.share("num_key_value_heads", heads, grouped)?;
    let sizes = Decoder {
        width,
        queries: heads * each,
        keys: grouped * each,
        inner: c.size("intermediate_size", 11008)?,
        layers: c.layers("num_hidden_layers", 32)?,
        vocabulary: c.size("vocab_size", 32000)?,
    };
    let qwen = c.word("model_type") == Some("qwen2");
    let (biased, inner_biased) = (qwen || c.flag("attention_bias", false), c.flag("mlp_bias", false));
    let mut sheet = Sheet::new(Others::Refused).relics(&["rotary_emb.inv_freq"]);
    sheet.weight("model.embed_tokens", &[sizes.vocabulary, width]);
    sheet.weight("model.norm", &[width]);
    for i in 0..sizes.layers {
        decoder_layer(&mut sheet, &format!("model.layers.{i}"), &sizes, (biased, biased && !qwen, inner_biased));
    }
    let head = |sheet: &mut Sheet| sheet.weight("lm_head", &[sizes.vocabulary, width]);
    if c.flag("tie_word_embeddings", false) {
        sheet.maybe(head)
    } else {
        head(&mut sheet)
    }
    Ok(sheet)
}

/// `biased`: queries, keys and values; what leaves attention; the feed-forward network.
fn decoder_layer(sheet: &mut Sheet, layer: &str, sizes: &Decoder, biased: (bool, bool, bool)) {
    let Decoder { width, queries, keys, inner, .. } = *sizes;
    let parts = [
        ("self_attn.q_proj", queries, width, biased.0),
        ("self_attn.k_proj", keys, width, biased.0),
        ("self_attn.v_proj", keys, width, biased.0),
        ("self_attn.o_proj", width, queries, biased.1),
        ("mlp.gate_proj", inner, width, biased.2),
        ("mlp.up_proj", inner, width, biased.2),
        ("mlp.down_proj", width, inner, biased.2),
    ];
    for (part, into, from, bias) in parts {
        let name = format!("{layer}.{part}");
        if bias { sheet.linear(name, into, from) } else { sheet.weight(name, &[into, from]) }
    }
    sheet.weight(format!("{layer}.input_layernorm"), &[width]);
    sheet.weight(format!("{layer}.post_attention_layernorm"), &[width]);
}

/// `modeling_t5.py`: encoder and decoder, or `T5EncoderModel`.
pub fn t5(c: &Config) -> Result<Sheet, Refusal> {
    let (width, inner) = (c.size("d_model", 512)?, c.size("d_ff", 2048)?);
    let heads = c.size("num_heads", 8)?;
    let all = heads * c.size("d_kv", 64)?;
    let vocabulary = c.size("vocab_size", 32128)?;
    let layers = c.layers("num_layers", 6)?;
    let gated = c.word("feed_forward_proj").unwrap_or("relu").starts_with("gated-");
    let buckets = c.size("relative_attention_num_buckets", 32)?;
    let mut sheet = Sheet::new(Others::Refused).relics(&["EncDecAttention.relative_attention_bias.weight"]);
    sheet.weight("shared", &[vocabulary, width]);
    let mut stacks = vec![("encoder", layers)];
    if !c.is_for("EncoderModel") {
        stacks.push(("decoder", c.layers("num_decoder_layers", layers)?));
    }
    for (stack, layers) in &stacks {
        for i in 0..*layers {
            let block = format!("{stack}.block.{i}.layer");
            t5_attention(&mut sheet, &format!("{block}.0.SelfAttention"), width, all);
            if i == 0 {
                sheet.weight(format!("{block}.0.SelfAttention.relative_attention_bias"), &[buckets, heads]);
            }
            sheet.weight(format!("{block}.0.layer_norm"), &[width]);
            if *stack == "decoder" {
                t5_attention(&mut sheet, &format!("{block}.1.EncDecAttention"), width, all);
                sheet.weight(format!("{block}.1.layer_norm"), &[width]);
            }
            let last = if *stack == "decoder" { 2 } else { 1 };
            let rows: &[&str] = if gated { &["wi_0", "wi_1"] } else { &["wi"] };
            for row in rows {
                sheet.weight(format!("{block}.{last}.DenseReluDense.{row}"), &[inner, width]);
            }
            sheet.weight(format!("{block}.{last}.DenseReluDense.wo"), &[width, inner]);
            sheet.weight(format!("{block}.{last}.layer_norm"), &[width]);
        }
        sheet.weight(format!("{stack}.final_layer_norm"), &[width]);
    }
    let generates = stacks.len() > 1 && !c.is_for("T5Model");
    let head = |sheet: &mut Sheet| sheet.weight("lm_head", &[vocabulary, width]);
    if generates && !c.flag("tie_word_embeddings", true) {
        head(&mut sheet)
    } else {
        sheet.maybe(head)
    }
    sheet.maybe(|sheet| {
        sheet.weight("encoder.embed_tokens", &[vocabulary, width]);
        sheet.weight("decoder.embed_tokens", &[vocabulary, width]);
    });
    Ok(sheet)
}

fn t5_attention(sheet: &mut Sheet, name: &str, width: u64, all: u64) {
    for part in ["q", "k", "v"] {
        sheet.weight(format!("{name}.{part}"), &[all, width]);
    }
    sheet.weight(format!("{name}.o"), &[width, all]);
}

/// What a GGUF's own metadata asks for, and of which family it is. Architectures `llama` (which Mistral's files say, too) and `qwen2`.
pub fn gguf(table: &Table, path: &str) -> Result<(Family, Sheet), Refusal> {
    let architecture = table.about.get("general.architecture").map(String::as_str).unwrap_or_default();
    let family = match architecture {
        "llama" => Family::Llama,
        "qwen2" => Family::Qwen2,
        other => {
            return Err(Refusal::Family {
                what: format!("{path} says general.architecture {other:?}; of GGUF llama and qwen2 are read"),
            });
        }
    };
    let fields = table.about.iter().filter_map(|(key, text)| {
        let number: u64 = text.parse().ok()?;
        Some((key.strip_prefix(architecture)?.strip_prefix('.')?.to_owned(), number.into()))
    });
    let c = Config::new(format!("the metadata of {path}, {architecture}."), serde_json::Value::Object(fields.collect()));
    if c.count("expert_count")?.unwrap_or(0) > 0 {
        return Err(c.bad("expert_count", "klieg has no code for mixtures of experts"));
    }
    let needed = |field: &str| c.count(field)?.ok_or_else(|| c.bad(field, "it is missing")).and_then(|_| c.size(field, 0));
    let (width, heads) = (needed("embedding_length")?, needed("attention.head_count")?);
    let each = match c.count("attention.key_length")? {
        Some(each) => each,
        None => c.share("attention.head_count", width, heads)?,
    };
    let grouped = c.size("attention.head_count_kv", heads)?;
    let vocabulary = table.about.get("tokenizer.ggml.tokens.len").and_then(|text| text.parse().ok());
    let vocabulary = vocabulary.ok_or_else(|| c.bad("tokenizer.ggml.tokens", "it is missing"))?;
    let (layers, inner) = (needed("block_count").and_then(|_| c.layers("block_count", 0))?, needed("feed_forward_length")?);
    let sizes = Decoder { width, queries: heads * each, keys: grouped * each, inner, layers, vocabulary };
    Ok((family, gguf_sheet(&sizes, family)))
}

fn gguf_sheet(sizes: &Decoder, family: Family) -> Sheet {
    let Decoder { width, queries, keys, inner, layers, vocabulary } = *sizes;
    let mut sheet = Sheet::new(Others::Refused).relics(&["rope_freqs.weight"]);
    sheet.weight("token_embd", &[vocabulary, width]);
    sheet.weight("output_norm", &[width]);
    sheet.maybe(|sheet| sheet.weight("output", &[vocabulary, width]));
    for i in 0..layers {
        let parts = [
            ("attn_q", queries, width),
            ("attn_k", keys, width),
            ("attn_v", keys, width),
            ("attn_output", width, queries),
            ("ffn_gate", inner, width),
            ("ffn_up", inner, width),
            ("ffn_down", width, inner),
        ];
        for (part, into, from) in parts {
            sheet.weight(format!("blk.{i}.{part}"), &[into, from]);
        }
        for (part, into) in [("attn_q", queries), ("attn_k", keys), ("attn_v", keys)] {
            let bias = |sheet: &mut Sheet| sheet.tensor(format!("blk.{i}.{part}.bias"), &[into]);
            if family == Family::Qwen2 { bias(&mut sheet) } else { sheet.maybe(bias) }
        }
        sheet.weight(format!("blk.{i}.attn_norm"), &[width]);
        sheet.weight(format!("blk.{i}.ffn_norm"), &[width]);
    }
    sheet
}
