//! What is made of logits and of conversations, beside transformers.

mod support;

use klieg_generation::{Message, Template, sample::Sampling, template::Context};
use serde::Deserialize;
use support::*;

#[derive(Deserialize)]
struct Filtered {
    sampling: serde_json::Value,
    tokens: Vec<u32>,
    logits: Vec<f32>,
    expected: Vec<Option<f32>>,
}

#[test]
fn filters_equal_transformers() {
    let cases: Vec<Filtered> = serde_json::from_slice(&bytes("filters.json")).unwrap();
    assert!(cases.len() >= 20);
    for case in cases {
        let sampling: Sampling = serde_json::from_value(case.sampling).unwrap();
        let mut logits = case.logits;
        sampling.penalise(&mut logits, &case.tokens, &[]);
        sampling.filter(&mut logits);
        for (at, (found, expected)) in logits.iter().zip(&case.expected).enumerate() {
            match expected {
                None => assert_eq!(*found, f32::NEG_INFINITY, "{sampling:?}: {at}"),
                Some(expected) => {
                    assert!((found - expected).abs() <= 1e-5 * expected.abs().max(1.0), "{sampling:?}: {at}: {found} {expected}")
                }
            }
        }
    }
}

#[derive(Deserialize)]
struct Rendered {
    name: String,
    template: String,
    messages: Vec<Message>,
    add_generation_prompt: bool,
    prompt: Option<String>,
    error: Option<String>,
}

#[test]
fn templates_equal_transformers() {
    let cases: Vec<Rendered> = serde_json::from_slice(&bytes("templates.json")).unwrap();
    let (mut rendered, mut refused) = (0, 0);
    for case in cases {
        let today = chrono::NaiveDate::from_ymd_opt(2026, 11, 22);
        let template = Template::parse(&case.template, today).unwrap();
        let (messages, add_generation_prompt) = (case.messages, case.add_generation_prompt);
        let found =
            template.render(&Context { messages, bos_token: "<s>".into(), eos_token: "</s>".into(), add_generation_prompt });
        match (case.prompt, case.error) {
            (Some(expected), _) => assert_eq!(found.unwrap(), expected, "{}", case.name),
            (None, Some(error)) => assert!(found.unwrap_err().to_string().contains(&error), "{}: {error}", case.name),
            (None, None) => panic!("{} has no answer", case.name),
        }
        rendered += 1;
        refused += usize::from(case.name == "refusing");
    }
    assert!(rendered >= 32 && refused > 0);
}

#[test]
fn a_template_cannot_run_for_ever_or_read_the_clock() {
    let endless =
        Template::parse("{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}", None).unwrap();
    assert!(endless.render(&Context::default()).is_err());
    let dated = Template::parse("{{ strftime_now('%Y') }}", None).unwrap();
    assert!(dated.render(&Context::default()).unwrap_err().to_string().contains("date"));
    assert!(
        Template::parse("{{ strftime_now('%Q') }}", chrono::NaiveDate::from_ymd_opt(2026, 1, 1))
            .unwrap()
            .render(&Context::default())
            .is_err()
    );
    assert!(Template::parse("{% for %}", None).is_err());
}

#[derive(Deserialize)]
struct Tokens {
    text: String,
    tokens: Vec<u32>,
    decoded: String,
}

#[test]
fn tokens_equal_the_reference() {
    let vocabulary = vocabulary();
    let cases: Vec<Tokens> = serde_json::from_slice(&bytes("tokens.json")).unwrap();
    for case in cases {
        assert_eq!(vocabulary.encode(&case.text, false).unwrap(), case.tokens);
        assert_eq!(vocabulary.decode(&case.tokens).unwrap(), case.decoded);
    }
    assert!(vocabulary.encode(&"x".repeat(5 << 20), false).is_err());
}
