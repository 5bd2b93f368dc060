//! `klieg openjd`: Open Job Description. `check`, `summary` and `run` take what the reference command line (`openjd`) takes, print
//! what it prints and end with its exit codes, so that what is written for it runs with `klieg openjd` in its place.

mod allow;
mod check;
mod parameters;
mod run;
mod submit;
mod summary;

pub use allow::{AllowArgs, Terms};
pub use parameters::JobArgs;
pub use submit::{Order, deliver};

use super::{Common, Stop, print};
use klieg_openjd::template::all_extensions;
use serde_json::Value;
use std::ffi::OsString;

#[derive(clap::Subcommand)]
pub enum Verb {
    /// Say whether a template is right.
    Check(check::Args),
    /// Show what a template comes to: steps, tasks, parameters, environments.
    Summary(summary::Args),
    /// Run a step's tasks, or all steps, here, in one session.
    Run(run::Args),
    /// Let a farm run a template.
    Submit(Box<submit::Args>),
}

pub fn run(common: &Common, verb: Verb) -> Result<(), Stop> {
    match verb {
        Verb::Check(args) => check::run(common, &args),
        Verb::Summary(args) => summary::run(common, &args),
        Verb::Run(args) => run::run(common, &args),
        Verb::Submit(args) => submit::run(common, &args),
    }
}

/// The reference's `-tp`, which is no short option here.
pub fn long_form(argument: OsString) -> OsString {
    if argument == "-tp" { "--task-param".into() } else { argument }
}

/// How a result is printed.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Form {
    HumanReadable,
    Json,
    Yaml,
}

/// What `check`, `summary` and `run` have in common.
#[derive(clap::Args)]
struct ReferenceArgs {
    /// How to print the result.
    #[arg(long, value_enum, default_value = "human-readable")]
    output: Form,
    /// Extensions that templates may use, with commas between [default: all that klieg knows].
    #[arg(long, value_name = "NAMES")]
    extensions: Option<String>,
}

impl ReferenceArgs {
    fn form(&self, common: &Common) -> Form {
        if common.json { Form::Json } else { self.output }
    }

    /// The extensions, or which of them there are not.
    fn extensions(&self) -> Result<Vec<String>, String> {
        let known = all_extensions();
        let Some(given) = &self.extensions else { return Ok(known.into_iter().map(str::to_owned).collect()) };
        let names = given.split(',').map(|name| name.trim().to_uppercase()).filter(|name| !name.is_empty());
        let names: Vec<String> = names.collect();
        let mut unknown: Vec<&str> = names.iter().map(String::as_str).filter(|name| !known.contains(name)).collect();
        unknown.sort_unstable();
        unknown.dedup();
        if unknown.is_empty() {
            return Ok(names);
        }
        Err(format!("Unsupported Open Job Description extension(s): {}", unknown.join(", ")))
    }
}

/// Prints a result as the reference does, its empty fields left out, and ends with 1 when it is an error.
fn tell(form: Form, right: bool, text: &str, mut fields: Vec<(&str, Value)>) -> Result<(), Stop> {
    fields.insert(0, ("status", if right { "success" } else { "error" }.into()));
    let empty = |value: &Value| match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Number(number) => number.as_f64() == Some(0.0),
        _ => false,
    };
    let fields = fields.into_iter().filter(|(_, value)| !empty(value)).map(|(name, value)| (name.to_owned(), value));
    let value = Value::Object(fields.collect());
    match form {
        Form::HumanReadable => print(&format!("{text}\n")),
        Form::Json => super::print_json(&value)?,
        Form::Yaml => print(&format!("{}\n", klieg_openjd::document::yaml(&value))),
    }
    if right { Ok(()) } else { Err(Stop::said()) }
}

/// Prints a message that stands for itself.
fn tell_message(form: Form, message: Result<String, String>) -> Result<(), Stop> {
    let right = message.is_ok();
    let text = message.unwrap_or_else(|message| message);
    tell(form, right, &text, vec![("message", text.clone().into())])
}
