//! Every architecture beside transformers, on tiny seeded weights (`models/golden/generation.py`).

mod support;

use candle_core::{DType, Device};
use candle_nn::VarBuilder;
use klieg_generation::{
    Config, Decoder, Generator, Limits, Request, Source,
    cache::{HostPages, Pages},
    sample::Sampling,
    t5,
};
use support::*;

/// Single precision beside the reference: largest difference.
const GATE: f32 = 1e-4;
/// Weights in blocks of 8 bits: candle rounds activations to 8 bits, too.
const QUANTISED: f64 = 0.999;

fn greedy(model: &Decoder, prompt: &[u32], count: usize) -> Vec<u32> {
    let vocabulary = vocabulary();
    let pages: Box<dyn Pages> = Box::new(HostPages::new(model.pages(32)));
    let mut generator = Generator::new(model, &vocabulary, pages, 32, Limits::default());
    let sampling = Sampling { temperature: 0.0, ..Sampling::default() };
    let request = Request { prompt: prompt.to_vec(), sampling, tokens_max: count, ignore_eos: true, ..Request::default() };
    generator.submit(request).unwrap();
    generator.finish(|_| true).unwrap().unwrap().remove(0).tokens
}

#[test]
fn decoders_equal_transformers() {
    for name in ["llama", "qwen2", "mistral"] {
        let (golden, model) = (Golden::of(name), decoder(name));
        let prompt = golden.tokens("prompt");
        for pages in [&mut host(&model) as &mut dyn Pages, &mut tensors(&model)] {
            let (logits, blocks) = whole(&model, &prompt, pages);
            let mut worst = far(&logits, &golden.rows("logits"));
            for (at, block) in blocks.iter().enumerate() {
                worst = worst.max(far(block, &golden.rows(&format!("block.{at}"))));
            }
            println!("{name}: {worst:e}");
            assert!(worst <= GATE, "{name}: {worst:e}");
        }
        assert_eq!(greedy(&model, &prompt, 64), golden.tokens("greedy"), "{name}");
    }
}

#[test]
fn scaled_positions_equal_transformers() {
    for kind in ["default", "linear", "dynamic"] {
        let golden = Golden::of(&format!("llama-{kind}"));
        let model = llama_like("llama", Config::parse(&bytes(&format!("llama-{kind}.json"))).unwrap());
        let (logits, _) = whole(&model, &golden.tokens("prompt"), &mut host(&model));
        let worst = far(&logits[40..], &golden.rows("logits"));
        println!("{kind}: {worst:e}");
        assert!(worst <= GATE, "{kind}: {worst:e}");
    }
}

#[test]
fn gguf_equals_transformers() {
    for name in ["llama-f32", "llama-q8_0", "qwen2-q8_0"] {
        let (golden, file) = (Golden::of(name), bytes(&format!("{name}.gguf")));
        let gguf = klieg_generation::Gguf::open(&file, &Device::Cpu).unwrap();
        let config = gguf.config().unwrap();
        let model = Decoder::load(&Source::Gguf(gguf), config).unwrap();
        let (logits, _) = whole(&model, &golden.tokens("prompt"), &mut host(&model));
        let (worst, alike) = (far(&logits, &golden.rows("logits")), cosine(&logits, &golden.rows("logits")));
        println!("{name}: {worst:e}, cosine {alike}");
        assert!(if name == "llama-f32" { worst <= GATE } else { alike >= QUANTISED }, "{name}: {worst:e} {alike}");
    }
}

#[test]
fn damaged_gguf_is_refused() {
    let good = bytes("llama-q8_0.gguf");
    let open = |bytes: &[u8]| {
        let gguf = klieg_generation::Gguf::open(bytes, &Device::Cpu)?;
        let config = gguf.config()?;
        Decoder::load(&Source::Gguf(gguf), config).map(|_| ())
    };
    assert!(open(&good).is_ok());
    for length in (0..good.len()).step_by(997) {
        assert!(open(&good[..length]).is_err(), "cut at {length}");
    }
    // No byte of the directory may make it panic.
    let mut random = fastrand::Rng::with_seed(11);
    for _ in 0..400 {
        let mut bytes = good.clone();
        let at = random.usize(0..2000);
        bytes[at] = random.u8(..);
        let _ = open(&bytes);
    }
}

#[test]
fn half_precision_stays_close() {
    for dtype in [DType::BF16, DType::F16] {
        let golden = Golden::of("qwen2");
        let vb = VarBuilder::from_buffered_safetensors(bytes("qwen2/model.safetensors"), dtype, &Device::Cpu).unwrap();
        let model = Decoder::load(&Source::Safetensors(vb), Config::parse(&bytes("qwen2/config.json")).unwrap()).unwrap();
        let mut pages = klieg_generation::cache::TensorPages::new(model.pages(64), dtype, &Device::Cpu).unwrap();
        let (logits, _) = whole(&model, &golden.tokens("prompt"), &mut pages);
        let alike = cosine(&logits, &golden.rows("logits"));
        println!("{dtype:?}: cosine {alike}");
        assert!(alike >= 0.999, "{dtype:?}: {alike}");
    }
}

#[test]
fn t5_equals_transformers() {
    for name in ["t5", "t5-v1_1"] {
        let golden = Golden::of(name);
        let vb =
            VarBuilder::from_buffered_safetensors(bytes(&format!("{name}/model.safetensors")), DType::F32, &Device::Cpu).unwrap();
        let config = t5::Config::parse(&bytes(&format!("{name}/config.json"))).unwrap();
        let model = t5::T5::load(&Source::Safetensors(vb), config).unwrap();
        let mut worst = 0f32;
        let input = golden.tokens("input");
        let encoded = model
            .encode(&input, |at, x| worst = worst.max(far(&x.to_vec2().unwrap(), &golden.rows(&format!("block.{at}")))))
            .unwrap();
        worst = worst.max(far(&encoded.to_vec2().unwrap(), &golden.rows("encoded")));
        let (written, logits) = (golden.tokens("decoder"), golden.rows("logits"));
        let at_once = model.step(&mut model.begin(&encoded).unwrap(), &written).unwrap().to_vec2::<f32>().unwrap();
        worst = worst.max(far(&at_once, &logits));
        let mut state = model.begin(&encoded).unwrap();
        for (token, expected) in written.iter().zip(&logits) {
            let row = model.step(&mut state, &[*token]).unwrap().to_vec2::<f32>().unwrap();
            worst = worst.max(far(&row, std::slice::from_ref(expected)));
        }
        println!("{name}: {worst:e}");
        assert!(worst <= GATE, "{name}: {worst:e}");
        assert_eq!(model.greedy(&input, 24).unwrap(), golden.tokens("greedy"), "{name}");
    }
}

#[test]
fn configurations_that_lie_are_refused() {
    let good: serde_json::Value = serde_json::from_slice(&bytes("llama/config.json")).unwrap();
    let zeros = [
        "vocab_size",
        "hidden_size",
        "num_hidden_layers",
        "num_attention_heads",
        "num_key_value_heads",
        "intermediate_size",
        "head_dim",
    ];
    for field in zeros {
        for value in [0u64, 3, 1 << 40] {
            let mut config = good.clone();
            config[field] = value.into();
            let Ok(config) = Config::parse(config.to_string().as_bytes()) else { continue };
            let vb = VarBuilder::from_buffered_safetensors(bytes("llama/model.safetensors"), DType::F32, &Device::Cpu).unwrap();
            assert!(Decoder::load(&Source::Safetensors(vb), config).is_err(), "{field} = {value}");
        }
    }
}
