//! Conversations as prompts, by a model's own Jinja template: blocks trimmed and stripped, loop controls, Python's methods, and the
//! functions that transformers gives (`utils/chat_template_utils.py`): `raise_exception`, `strftime_now`, `tojson`.

use crate::Error;
use chrono::NaiveDate;
use minijinja::{
    Environment, ErrorKind, Value,
    syntax::SyntaxConfig,
    value::{Kwargs, Serde},
};
use serde::{Deserialize, Serialize};

/// Bytes of a template, steps that it may take, and bytes that it may write.
const TEMPLATE_BYTES_MAX: usize = 256 << 10;
const TEMPLATE_STEPS_MAX: u64 = 20_000_000;
const INDENT_MAX: usize = 16;

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// `system`, `user`, `assistant`, or what the template knows beside them.
    pub role: String,
    pub content: String,
}

/// A model's chat template.
pub struct Template {
    environment: Environment<'static>,
}

/// What a template is given beside the messages.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Context {
    pub messages: Vec<Message>,
    pub bos_token: String,
    pub eos_token: String,
    pub add_generation_prompt: bool,
}

const NAME: &str = "chat";

impl Template {
    /// `today`: what `strftime_now` tells, as it is handed in; a template that asks for it without one fails.
    pub fn parse(source: &str, today: Option<NaiveDate>) -> Result<Self, Error> {
        if source.len() > TEMPLATE_BYTES_MAX {
            return Err(Error::Template(format!("it has {} bytes; the limit is {TEMPLATE_BYTES_MAX}", source.len())));
        }
        let mut environment = Environment::new();
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(|error| Error::Template(explained(&error)))?);
        environment.set_fuel(Some(TEMPLATE_STEPS_MAX));
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", |message: String| -> Result<Value, minijinja::Error> {
            Err(minijinja::Error::new(ErrorKind::InvalidOperation, message))
        });
        environment.add_function("strftime_now", move |format: String| strftime(today, &format));
        environment.add_filter("tojson", tojson);
        environment.add_template_owned(NAME, without_generation(source)).map_err(|error| Error::Template(explained(&error)))?;
        Ok(Self { environment })
    }

    /// The prompt of a conversation.
    pub fn render(&self, context: &Context) -> Result<String, Error> {
        let template = self.environment.get_template(NAME).map_err(|error| Error::Template(explained(&error)))?;
        template.render(Serde(context)).map_err(|error| Error::Template(explained(&error)))
    }
}

/// `{% generation %}` marks for training what an assistant wrote; it changes no prompt.
fn without_generation(source: &str) -> String {
    let mut out = source.to_owned();
    for word in ["generation", "endgeneration"] {
        for (open, close) in [("{%", "%}"), ("{%-", "%}"), ("{%", "-%}"), ("{%-", "-%}")] {
            let marked = format!("{open} {word} {close}");
            out = out.replace(&marked, &format!("{open} if true {close}{open} endif {close}"));
        }
    }
    out
}

fn strftime(today: Option<NaiveDate>, format: &str) -> Result<String, minijinja::Error> {
    let fail = |message: &str| minijinja::Error::new(ErrorKind::InvalidOperation, message.to_owned());
    let today = today.ok_or_else(|| fail("the template asks for the date: give `date`, as 2026-11-22"))?;
    let mut text = String::new();
    use std::fmt::Write as _;
    let time = today.and_time(chrono::NaiveTime::MIN);
    write!(text, "{}", time.format(format)).map_err(|_| fail("the template asks for a date in a form that is unknown"))?;
    Ok(text)
}

/// As Python's `json.dumps(…, ensure_ascii=False)`: blanks after commas and colons, or an indent.
fn tojson(value: &Value, options: Kwargs) -> Result<String, minijinja::Error> {
    let fail = |error: &dyn std::fmt::Display| minijinja::Error::new(ErrorKind::InvalidOperation, error.to_string());
    let indent: Option<usize> = options.get("indent")?;
    for ignored in ["ensure_ascii", "sort_keys", "separators"] {
        let _: Option<Value> = options.get(ignored)?;
    }
    options.assert_all_used()?;
    let value = serde_json::to_value(value).map_err(|error| fail(&error))?;
    let indent = indent.map(|indent| indent.min(INDENT_MAX));
    let mut out = String::new();
    dump(&value, indent, 0, &mut out).map_err(|error| fail(&error))?;
    Ok(out)
}

fn dump(value: &serde_json::Value, indent: Option<usize>, depth: usize, out: &mut String) -> Result<(), serde_json::Error> {
    use serde_json::Value::{Array, Object};
    let (open, close, count) = match value {
        Array(items) => ('[', ']', items.len()),
        Object(map) => ('{', '}', map.len()),
        scalar => {
            out.push_str(&serde_json::to_string(scalar)?);
            return Ok(());
        }
    };
    out.push(open);
    let line = |out: &mut String, depth: usize| {
        if let Some(indent) = indent {
            out.push('\n');
            out.push_str(&" ".repeat(indent * depth));
        }
    };
    let between = |out: &mut String, at: usize| {
        if at > 0 {
            out.push_str(if indent.is_some() { "," } else { ", " });
        }
        line(out, depth + 1);
    };
    match value {
        Array(items) => {
            for (at, item) in items.iter().enumerate() {
                between(out, at);
                dump(item, indent, depth + 1, out)?;
            }
        }
        Object(map) => {
            for (at, (key, item)) in map.iter().enumerate() {
                between(out, at);
                out.push_str(&serde_json::to_string(key)?);
                out.push_str(": ");
                dump(item, indent, depth + 1, out)?;
            }
        }
        _ => {}
    }
    if count > 0 {
        line(out, depth);
    }
    out.push(close);
    Ok(())
}

/// An error and what caused it, on one line.
fn explained(error: &minijinja::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text.replace('\n', " ")
}
