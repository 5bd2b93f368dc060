//! Many requests at once give what each would give alone, to the bit, whatever the room and the order.

mod support;

use klieg_generation::{
    Answer, Decoder, Error, Finish, Generator, Grammars, Limits, Request,
    cache::{HostPages, Pages},
    sample::Sampling,
};
use serde_json::{Value, json};
use support::*;

fn generator<'a>(model: &'a Decoder, vocabulary: &'a klieg_generation::Vocabulary, blocks: usize, limits: Limits) -> Generator<'a> {
    let pages: Box<dyn Pages> = Box::new(HostPages::new(model.pages(blocks)));
    Generator::new(model, vocabulary, pages, blocks, limits)
}

fn request(seed: u64) -> Request {
    let mut random = fastrand::Rng::with_seed(seed);
    // Half of them begin alike.
    let shared = (0..40).map(|at| 3 + at * 7 % 300);
    let own = (0..random.usize(1..50)).map(|_| random.u32(3..320)).collect::<Vec<_>>();
    let prompt = if seed.is_multiple_of(2) { shared.chain(own).collect() } else { own };
    let sampling = Sampling { temperature: 0.8, top_k: 40, top_p: 0.95, repetition_penalty: 1.1, ..Sampling::default() };
    Request { prompt, sampling, tokens_max: random.usize(1..40), seed, ..Request::default() }
}

#[test]
fn batches_equal_singles_to_the_bit() {
    for name in ["llama", "qwen2", "mistral"] {
        let (model, vocabulary) = (decoder(name), vocabulary());
        let alone = |seed: u64| -> Answer {
            let mut generator = generator(&model, &vocabulary, 16, Limits::default());
            generator.submit(request(seed)).unwrap();
            generator.finish(|_| true).unwrap().unwrap().remove(0)
        };
        let singles: Vec<Answer> = (0..24).map(alone).collect();
        assert!(singles.iter().any(|answer| answer.tokens.len() > 10));
        // Much room; so little that sequences give theirs up and begin again; steps of few tokens.
        let rooms = [(200, 64, 512), (16, 64, 512), (20, 7, 33), (200, 3, 16)];
        for (blocks, sequences_max, step_tokens_max) in rooms {
            let mut generator =
                generator(&model, &vocabulary, blocks, Limits { sequences_max, step_tokens_max, ..Limits::default() });
            for seed in 0..24 {
                generator.submit(request(seed)).unwrap();
            }
            let together = generator.finish(|_| true).unwrap().unwrap();
            assert_eq!(together, singles, "{name}: {blocks} blocks, {sequences_max} sequences, {step_tokens_max} tokens a step");
        }
    }
}

#[test]
fn one_seed_gives_many_answers() {
    let (model, vocabulary) = (decoder("qwen2"), vocabulary());
    let mut generator = generator(&model, &vocabulary, 200, Limits::default());
    for stream in 0..6 {
        let request = Request { prompt: vec![5, 6, 7], tokens_max: 12, stream, ignore_eos: true, ..request(4) };
        generator.submit(request).unwrap();
    }
    let mut answers: Vec<String> =
        generator.finish(|_| true).unwrap().unwrap().into_iter().map(|answer| format!("{:?}", answer.tokens)).collect();
    answers.sort();
    answers.dedup();
    assert_eq!(answers.len(), 6);
}

#[test]
fn a_cancelled_request_leaves_no_trace() {
    let (model, vocabulary) = (decoder("qwen2"), vocabulary());
    let mut generator = generator(&model, &vocabulary, 16, Limits::default());
    let first = generator.submit(Request { tokens_max: 100, ignore_eos: true, ..request(1) }).unwrap();
    let second = generator.submit(request(2)).unwrap();
    generator.step().unwrap();
    generator.cancel(first);
    let answers = generator.finish(|piece| piece.id == second).unwrap().unwrap();
    assert_eq!(answers.len(), 1);
    assert!(generator.idle());
}

#[test]
fn requests_out_of_bounds_are_named() {
    let (model, vocabulary) = (decoder("qwen2"), vocabulary());
    let mut generator = generator(&model, &vocabulary, 4, Limits { waiting_max: 3, ..Limits::default() });
    let bad = [
        ("prompt", Request { prompt: vec![], ..request(1) }),
        ("max_tokens", Request { tokens_max: 0, ..request(1) }),
        ("max_tokens", Request { tokens_max: usize::MAX, ..request(1) }),
        ("stop", Request { stop: vec![String::new()], ..request(1) }),
        ("logprobs", Request { logprobs: 21, ..request(1) }),
        ("top_p", Request { sampling: Sampling { top_p: 2.0, ..Sampling::default() }, ..request(1) }),
    ];
    for (field, request) in bad {
        match generator.submit(request) {
            Err(Error::Request { field: found, .. }) => assert_eq!(found, field),
            other => panic!("{field}: {other:?}"),
        }
    }
    let small = || Request { prompt: vec![9], tokens_max: 2, ..Request::default() };
    for _ in 0..3 {
        generator.submit(small()).unwrap();
    }
    assert!(generator.submit(small()).is_err(), "the queue has a bound");
    let mut other = self::generator(&model, &vocabulary, 4, Limits::default());
    other.submit(Request { prompt: vec![100_000], tokens_max: 2, ..Request::default() }).unwrap();
    assert!(other.step().is_err(), "a token that the model has not");
}

fn schemas() -> Vec<Value> {
    vec![
        json!({"type": "object", "properties": {"name": {"type": "string", "maxLength": 12}, "age": {"type": "integer", "minimum": 0, "maximum": 150}}, "required": ["name", "age"], "additionalProperties": false}),
        json!({"type": "array", "items": {"enum": ["tea", "rain", "bell"]}, "minItems": 2, "maxItems": 5}),
        json!({"type": "object", "properties": {"scenes": {"type": "array", "minItems": 1, "items": {"type": "object", "properties": {"heading": {"type": "string"}, "night": {"type": "boolean"}}, "required": ["heading", "night"], "additionalProperties": false}}}, "required": ["scenes"], "additionalProperties": false}),
        json!({"anyOf": [{"type": "null"}, {"type": "number"}, {"type": "string", "pattern": "^[a-c]{3}-[0-9]{2}$"}]}),
        json!({"$defs": {"tree": {"type": "object", "properties": {"value": {"type": "integer"}, "left": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/tree"}]}}, "required": ["value", "left"], "additionalProperties": false}}, "$ref": "#/$defs/tree"}),
        json!({"type": "object"}),
    ]
}

/// Whether a value fits one of the schemas above: written by hand for each, so that no library judges itself.
fn fits(at: usize, value: &Value) -> bool {
    let keys = |value: &Value| value.as_object().map(|map| map.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
    match at {
        0 => {
            let (name, age) = (value["name"].as_str(), value["age"].as_i64());
            keys(value).len() == 2
                && name.is_some_and(|name| name.chars().count() <= 12)
                && age.is_some_and(|age| (0..=150).contains(&age))
        }
        1 => value.as_array().is_some_and(|items| {
            (2..=5).contains(&items.len()) && items.iter().all(|item| matches!(item.as_str(), Some("tea" | "rain" | "bell")))
        }),
        2 => {
            let scene = |scene: &Value| keys(scene).len() == 2 && scene["heading"].is_string() && scene["night"].is_boolean();
            keys(value) == ["scenes"]
                && value["scenes"].as_array().is_some_and(|scenes| !scenes.is_empty() && scenes.iter().all(scene))
        }
        3 => match value {
            Value::Null | Value::Number(_) => true,
            Value::String(text) => {
                let text = text.as_bytes();
                text.len() == 6
                    && text[..3].iter().all(|c| (b'a'..=b'c').contains(c))
                    && text[3] == b'-'
                    && text[4..].iter().all(u8::is_ascii_digit)
            }
            _ => false,
        },
        4 => {
            keys(value).len() == 2
                && value["value"].is_i64() | value["value"].is_u64() | value["value"].is_number()
                && (value["left"].is_null() || fits(4, &value["left"]))
        }
        _ => value.is_object(),
    }
}

#[test]
fn garbage_logits_still_give_json_that_fits() {
    let (model, vocabulary) = (decoder("qwen2"), vocabulary());
    let grammars = Grammars::new(&vocabulary, model.config().vocab_size, 0).unwrap();
    let mut generator = generator(&model, &vocabulary, 400, Limits::default()).with_grammars(&grammars);
    let mut asked = Vec::new();
    for seed in 0..60u64 {
        let at = seed as usize % schemas().len();
        let sampling = Sampling { temperature: [0.0, 1.0, 3.0][seed as usize % 3], ..Sampling::default() };
        let tokens_max = [60, 90, 140][(seed / 3) as usize % 3];
        let request = Request {
            prompt: vec![3, 40, 41],
            sampling,
            tokens_max,
            seed,
            schema: Some(schemas().remove(at)),
            ..Request::default()
        };
        match generator.submit(request) {
            Ok(_) => asked.push(at),
            Err(error) => assert!(error.to_string().contains("shortest"), "{error}"),
        }
    }
    assert!(asked.len() >= 50, "{}", asked.len());
    let answers = generator.finish(|_| true).unwrap().unwrap();
    for (answer, at) in answers.iter().zip(asked) {
        let value: Value =
            serde_json::from_str(&answer.text).unwrap_or_else(|error| panic!("schema {at}: {:?}: {error}", answer.text));
        assert!(fits(at, &value), "schema {at}: {}", answer.text);
        assert_eq!(answer.finish, Finish::Stop);
    }
}

#[test]
fn schemas_beyond_their_limits_are_refused() {
    let vocabulary = vocabulary();
    let grammars = Grammars::new(&vocabulary, 320, 0).unwrap();
    let mut deep = json!({"type": "null"});
    (0..40).for_each(|_| deep = json!({"type": "array", "items": deep}));
    let long = json!({"enum": (0..20_000).map(|at| format!("word {at}")).collect::<Vec<_>>()});
    for (schema, word) in [(deep, "deep"), (long, "bytes"), (json!([1]), "object"), (json!({"type": "thing"}), "schema")] {
        match grammars.schema(&schema, 100) {
            Err(error) => assert!(error.to_string().contains(word), "{error}"),
            Ok(_) => panic!("{word}"),
        }
    }
    let required = json!({"type": "string", "minLength": 50});
    assert!(grammars.schema(&required, 10).is_err_and(|error| error.to_string().contains("shortest")));
}

#[test]
fn stop_strings_end_a_text() {
    let (model, vocabulary) = (decoder("llama"), vocabulary());
    let free = |stop: Vec<String>| {
        let mut generator = generator(&model, &vocabulary, 32, Limits::default());
        let request = Request { prompt: vec![11, 12, 13], tokens_max: 60, seed: 3, ignore_eos: true, stop, ..Request::default() };
        generator.submit(request).unwrap();
        let mut streamed = String::new();
        let answer = generator
            .finish(|piece| {
                streamed.push_str(&piece.text);
                true
            })
            .unwrap()
            .unwrap()
            .remove(0);
        assert_eq!(answer.text, streamed);
        answer
    };
    let whole = free(vec![]);
    assert_eq!(whole.finish, Finish::Length);
    let letters: Vec<char> = whole.text.chars().filter(|c| *c != '\u{FFFD}').collect();
    let stop: String = whole.text.chars().skip(letters.len() / 2).take(3).collect();
    let cut = free(vec![stop.clone()]);
    assert_eq!(cut.finish, Finish::Stop);
    assert_eq!(cut.text, whole.text[..whole.text.find(&stop).unwrap()]);
}
