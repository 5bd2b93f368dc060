use crate::{GATE, carried, checkpoint, cosine, farthest, golden, model, tensors};
use klieg_diffusion::{
    pipeline::Overlay,
    prompt,
    text::{Encoders, TOKENS_MAX, Tokenizer},
};

fn prompts() -> Vec<String> {
    serde_json::from_value(carried("texts.safetensors", "prompts")).unwrap()
}

#[test]
fn tokens_are_transformers() {
    let prompts = prompts();
    let ids: Vec<Vec<Vec<u32>>> = serde_json::from_value(carried("texts.safetensors", "ids")).unwrap();
    for (folder, ids) in ["sd/tokenizer", "sdxl/tokenizer_2"].iter().zip(ids) {
        let tokenizer = Tokenizer::open(&golden(folder)).unwrap();
        for (prompt, theirs) in prompts.iter().zip(ids) {
            let pieces = [prompt::Piece { text: prompt.clone(), weight: 1.0, span: 0..prompt.len() }];
            let ours = &tokenizer.chunks(&pieces).unwrap()[0].ids;
            // The reference cuts a long prompt after its first window, as our first window does.
            assert_eq!(*ours, theirs, "{folder}: {prompt}");
        }
    }
}

#[test]
fn states_are_transformers() {
    let golden = tensors("texts.safetensors");
    for name in ["sd", "sdxl"] {
        let model = model(name, Overlay::default());
        for (i, prompt) in prompts().iter().enumerate() {
            let encoded = model.texts().encode(prompt, 1).unwrap();
            let theirs = &golden[&format!("{name}.{i}")];
            let far = farthest(&encoded.states, theirs);
            println!("{name}, prompt {i}, {} tokens: max-abs {far:.1e}", theirs.dim(0).unwrap());
            assert!(far <= GATE && cosine(&encoded.states, theirs) > 0.99999, "{name}: {prompt}: {far}");
            if let Some(pooled) = encoded.pooled {
                assert!(farthest(&pooled, &golden[&format!("{name}.{i}.pooled")]) <= GATE, "{name}: {prompt}: pooled");
            }
        }
    }
    let skipping = model("sd", Overlay { clip_skip: 1, ..Overlay::default() });
    crate::close("clip skip", &skipping.texts().encode("a temple at dusk", 1).unwrap().states, &golden["sd.skip"]);
}

#[test]
fn weights_move_their_words_only() {
    let model = model("sd", Overlay::default());
    let texts: &Encoders = model.texts();
    let plain = texts.encode("a temple at dusk", 1).unwrap().states;
    assert_eq!(farthest(&plain, &texts.encode("a (temple:1.0) at dusk", 1).unwrap().states), 0.0);
    let more = texts.encode("a temple at (dusk:1.4)", 1).unwrap().states;
    let row = |i: usize| farthest(&plain.get(i).unwrap(), &more.get(i).unwrap());
    let moved: Vec<usize> = (0..77).filter(|&i| row(i) > 0.0).collect();
    let count = texts.encoders[0].tokenizer.ids("dusk").unwrap().len();
    let first = 1 + texts.encoders[0].tokenizer.ids("a temple at ").unwrap().len();
    assert_eq!(moved, (first..first + count).collect::<Vec<_>>());
}

#[test]
fn prompts_have_limits() {
    let model = model("sd", Overlay::default());
    let long = "temple ".repeat(TOKENS_MAX + 1);
    let error = model.texts().chunks(&long).unwrap_err().to_string();
    assert!(error.contains("tokens") && error.contains(&TOKENS_MAX.to_string()), "{error}");
    assert!(model.texts().chunks(&"a".repeat(100_000)).unwrap_err().to_string().contains("20000"));
    assert_eq!(model.texts().chunks("").unwrap(), 1);
    assert!(checkpoint("sd").bytes() > 100_000);
}
