//! The tables beside what transformers and diffusers save: `models/golden/names.py` wrote the names.

use super::*;
use serde_json::Value;
use std::{collections::BTreeMap, path::Path};

/// A configuration and the tensors that its library saved with it.
fn goldens() -> Vec<(String, Value, BTreeMap<String, Vec<u64>>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/names/names.json");
    let all: BTreeMap<String, Value> = serde_json::from_slice(&std::fs::read(path).expect("the goldens")).expect("JSON");
    let shapes = |value: &Value| serde_json::from_value(value.clone()).expect("shapes");
    all.iter().map(|(name, one)| (name.clone(), one["config"].clone(), shapes(&one["tensors"]))).collect()
}

#[test]
fn tables_have_the_names_and_shapes_that_the_libraries_save() {
    let goldens = goldens();
    assert!(goldens.len() >= 20, "{} goldens", goldens.len());
    for (name, config, saved) in goldens {
        let sheet = sheet(&Config::new(&*name, config)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let tensors: Vec<_> = saved.iter().map(|(name, shape)| tensor(name, shape)).collect();
        sheet.check(&tensors, &name).unwrap_or_else(|e| panic!("{name}: {e}"));
        // Each of those asked for is missed, and seen when its shape is another.
        for i in 0..tensors.len() {
            let (mut fewer, mut bent) = (tensors.clone(), tensors.clone());
            fewer.remove(i);
            let lost = sheet.check(&fewer, &name);
            bent[i].shape.push(3);
            let bent = sheet.check(&bent, &name);
            let asked = matches!(&lost, Err(Refusal::Missing { .. }));
            assert!(lost.is_ok() || asked, "{name}: {lost:?}");
            assert!(!asked || matches!(&bent, Err(Refusal::Shape { .. })), "{name}: {bent:?}");
        }
    }
}

/// Of strict families every tensor that the library saves is in the table; of others all but heads for training.
#[test]
fn tables_leave_out_nothing_that_a_forward_pass_needs() {
    for (name, config, saved) in goldens() {
        let sheet = sheet(&Config::new(&*name, config)).expect("a table");
        let names = sheet.names(true);
        let known = saved.iter().filter(|(name, _)| names.keys().any(|own| name.ends_with(own.as_str()))).count();
        let open = ["musicgen", "parler"].iter().any(|open| name.starts_with(open));
        assert!(open || known == saved.len(), "{name}: {known} of {} tensors are in the table", saved.len());
    }
}

fn tensor(name: &str, shape: &[u64]) -> crate::Tensor {
    let dtype = crate::formats::dtype::of_safetensors("F32").expect("a type");
    crate::Tensor { name: name.into(), dtype, shape: shape.to_vec(), start: 0, bytes: dtype.bytes_of(shape).expect("bytes") }
}

#[test]
fn what_does_not_fit_is_named() {
    let config = serde_json::json!({"model_type": "bert", "hidden_size": 8, "num_attention_heads": 3});
    let error = sheet(&Config::new("config.json", config)).expect_err("8 by 3");
    assert_eq!(error.to_string(), "num_attention_heads in config.json is no good: 8 cannot be divided into 3");
    for (field, value) in
        [("hidden_size", serde_json::json!(-1)), ("vocab_size", (1_u64 << 40).into()), ("num_hidden_layers", 0.into())]
    {
        let mut config = serde_json::json!({"model_type": "bert"});
        config[field] = value;
        let error = sheet(&Config::new("config.json", config)).expect_err(field).to_string();
        assert!(error.starts_with(field), "{error}");
    }
    let error = sheet(&Config::new("config.json", serde_json::json!({"model_type": "gpt9"}))).expect_err("none such");
    assert!(error.to_string().contains("gpt9") && error.to_string().contains("xlm-roberta"), "{error}");
}

#[test]
fn single_files_are_recognised() {
    let table = |names: &[(&str, &[u64])]| crate::formats::table::Table {
        tensors: names.iter().map(|(name, shape)| tensor(name, shape)).collect(),
        about: BTreeMap::new(),
    };
    let kohya = table(&[
        ("lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight", &[4, 2048]),
        ("lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k.lora_up.weight", &[640, 4]),
        ("lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k.alpha", &[]),
    ]);
    let (family, about) = recognise(&kohya).expect("a LoRA");
    assert_eq!((family, about["base"].as_str(), about["layout"].as_str()), (Family::Lora, "stable-diffusion-xl", "kohya"));
    let half = table(&[("unet.a.attn2.to_k.lora_A.weight", &[4, 768])]);
    assert!(recognise(&half).expect_err("half a LoRA").to_string().contains("lora_B.weight"));
    let uneven = table(&[("a.lora_A.weight", &[4, 768]), ("a.lora_B.weight", &[320, 8])]);
    assert!(recognise(&uneven).expect_err("ranks differ").to_string().contains("rank"));
    let adapter = table(&[
        ("image_proj.proj.weight", &[3072, 1024]),
        ("image_proj.norm.weight", &[768]),
        ("ip_adapter.1.to_k_ip.weight", &[320, 768]),
        ("ip_adapter.1.to_v_ip.weight", &[320, 768]),
    ]);
    assert_eq!(recognise(&adapter).expect("an adapter").0, Family::IpAdapter);
    assert!(recognise(&table(&[("bert.x", &[1])])).expect_err("no single file").to_string().contains("bert.x"));
}
