//! The settings file: what `klieg serve` and `klieg node` are told by flags and the environment can stand in a TOML file too, under
//! the flags' names. The environment comes before the file, and flags before both.

use super::{Klieg, Stop};
use clap::{Arg, Command, CommandFactory, FromArgMatches, error::ErrorKind};
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::ExitCode,
};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// Verbs that have a table in the file.
const VERBS: [&str; 2] = ["node", "serve"];

/// The command line, with what it leaves open taken from the environment, then from the settings file.
pub fn parse() -> Result<Klieg, ExitCode> {
    let arguments: Vec<OsString> = std::env::args_os().map(super::openjd::long_form).collect();
    let command = with_file(Klieg::command(), &arguments).map_err(|stop| {
        eprintln!("klieg: {}", stop.message);
        ExitCode::from(stop.code)
    })?;
    let matches = command.get_matches_from(arguments);
    Klieg::from_arg_matches(&matches).map_err(|error| error.exit())
}

/// The command with the file's values as its defaults.
fn with_file(command: Command, arguments: &[OsString]) -> Result<Command, Stop> {
    let Ok(seen) = command.clone().ignore_errors(true).try_get_matches_from(arguments) else { return Ok(command) };
    let Some((verb, given)) = seen.subcommand().filter(|(verb, _)| VERBS.contains(verb)) else { return Ok(command) };
    let named = given.try_get_one::<PathBuf>("config").ok().flatten();
    let Some(path) = named.cloned().or_else(|| places().into_iter().find(|place| place.is_file())) else { return Ok(command) };
    let text = std::fs::read_to_string(&path).map_err(|e| Stop::bad(format!("{}: {e}", path.display())))?;
    apply(command, verb, &path, &text)
}

/// Where the file is looked for.
fn places() -> Vec<PathBuf> {
    let users = directories::ProjectDirs::from("", "", "klieg").map(|dirs| dirs.config_dir().join("klieg.toml"));
    [Some(PathBuf::from("klieg.toml")), users, Some(PathBuf::from("/etc/klieg/klieg.toml"))].into_iter().flatten().collect()
}

/// A place in the file, for messages.
struct At<'a>(&'a Path, &'a str);

impl At<'_> {
    fn stop(&self, at: usize, what: &str) -> Stop {
        let line = self.1.as_bytes()[..at.min(self.1.len())].iter().filter(|byte| **byte == b'\n').count() + 1;
        Stop::bad(format!("{}:{line}: {what}", self.0.display()))
    }
}

fn apply(mut command: Command, verb: &str, path: &Path, text: &str) -> Result<Command, Stop> {
    let at = At(path, text);
    let root = DeTable::parse(text).map_err(|e| at.stop(e.span().map_or(0, |span| span.start), e.message()))?;
    for (name, value) in root.get_ref() {
        if !VERBS.contains(&name.get_ref().as_ref()) {
            let what = format!("unknown table [{}]{}", name.get_ref(), nearest(name.get_ref(), VERBS.into_iter()));
            return Err(at.stop(name.span().start, &what));
        }
        let DeValue::Table(table) = value.get_ref() else {
            return Err(at.stop(name.span().start, &format!("{} is a table: [{}]", name.get_ref(), name.get_ref())));
        };
        // The other verb's table is looked at too: a mistake in it is told before that verb starts somewhere.
        for (key, value) in table {
            let (global, arg) = find(&command, name.get_ref(), key, &at)?;
            let values = values(value, &at)?;
            check(&command, name.get_ref(), &arg, &values).map_err(|what| at.stop(value.span().start, &what))?;
            if name.get_ref() == verb {
                let id = arg.get_id().clone();
                let set = move |arg: Arg| arg.default_values(values.clone());
                command = match global {
                    true => command.mut_arg(id, set),
                    false => command.mut_subcommand(verb, |sub| sub.mut_arg(id, set)),
                };
            }
        }
    }
    Ok(command)
}

/// The flag of that name, and whether all verbs have it.
fn find(command: &Command, verb: &str, key: &Spanned<toml::de::DeString<'_>>, at: &At<'_>) -> Result<(bool, Arg), Stop> {
    let wanted = key.get_ref().replace('_', "-");
    let takes = |arg: &&Arg| arg.get_action().takes_values() && arg.get_long().is_some_and(|long| long != "config");
    let own = command.find_subcommand(verb).into_iter().flat_map(|sub| sub.get_arguments()).map(|arg| (false, arg));
    let all = own.chain(command.get_arguments().filter(|arg| arg.is_global_set()).map(|arg| (true, arg)));
    let known: Vec<(bool, &Arg)> = all.filter(|(_, arg)| takes(arg)).collect();
    let names = |arg: &Arg| {
        let aliases = arg.get_visible_aliases().unwrap_or_default();
        arg.get_long().into_iter().chain(aliases).map(str::to_owned).collect::<Vec<String>>()
    };
    if let Some((global, arg)) = known.iter().find(|(_, arg)| names(arg).contains(&wanted)) {
        return Ok((*global, (*arg).clone()));
    }
    let all: Vec<String> = known.iter().flat_map(|(_, arg)| names(arg)).collect();
    let near = nearest(&wanted, all.iter().map(String::as_str));
    Err(at.stop(key.span().start, &format!("unknown setting {} in [{verb}]{near}", key.get_ref())))
}

/// "; did you mean …?", if one is near.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let scored = known.map(|candidate| (strsim::jaro_winkler(name, candidate), candidate));
    let best = scored.filter(|(score, _)| *score > 0.7).max_by(|a, b| a.0.total_cmp(&b.0));
    best.map(|(_, candidate)| format!("; did you mean {candidate}?")).unwrap_or_default()
}

/// A value as the command line would have it.
fn values(value: &Spanned<DeValue<'_>>, at: &At<'_>) -> Result<Vec<String>, Stop> {
    Ok(match value.get_ref() {
        DeValue::String(text) => vec![text.to_string()],
        DeValue::Integer(number) => vec![number.to_string().replace('_', "")],
        DeValue::Float(number) => vec![number.to_string().replace('_', "")],
        DeValue::Boolean(truth) => vec![truth.to_string()],
        DeValue::Array(all) => {
            let inner: Result<Vec<_>, _> = all.iter().map(|one| values(one, at)).collect();
            inner?.concat()
        }
        other => return Err(at.stop(value.span().start, &format!("a setting is no {}", other.type_str()))),
    })
}

/// Lets the flag's own parser judge the value.
fn check(command: &Command, verb: &str, arg: &Arg, values: &[String]) -> Result<(), String> {
    let long = arg.get_long().unwrap_or_default();
    let mut arguments = vec!["klieg".to_owned(), verb.to_owned()];
    arguments.extend(values.iter().map(|value| format!("--{long}={value}")));
    let Err(error) = command.clone().try_get_matches_from(arguments) else { return Ok(()) };
    let about_it = matches!(
        error.kind(),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation | ErrorKind::TooManyValues | ErrorKind::ArgumentConflict
    );
    if !about_it {
        return Ok(());
    }
    let text = error.render().to_string();
    let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    Err(first.replace("'--", "'").replace(&format!("{long} <"), &format!("{long}' <")).replace("' <", " <"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(verb: &str, text: &str) -> String {
        apply(Klieg::command(), verb, Path::new("klieg.toml"), text).expect_err(text).message
    }

    fn slots(text: &str, extra: &[&str]) -> u32 {
        let command = apply(Klieg::command(), "node", Path::new("klieg.toml"), text).unwrap();
        let matches = command.try_get_matches_from([&["klieg", "node"], extra].concat()).unwrap();
        *matches.subcommand().unwrap().1.get_one::<u32>("cpu_slots").unwrap()
    }

    #[test]
    fn a_flag_comes_before_the_file() {
        let text = "[node]\nslots = 3\nserver = [\"http://a:1\", \"http://b:1\"]\nfarm = \"/tmp/f\"\n[serve]\nprice = 0.1\n";
        assert_eq!(slots(text, &[]), 3);
        assert_eq!(slots(text, &["--slots", "5"]), 5);
        let command = apply(Klieg::command(), "node", Path::new("klieg.toml"), text).unwrap();
        let matches = command.try_get_matches_from(["klieg", "node"]).unwrap();
        let node = matches.subcommand().unwrap().1;
        assert_eq!(node.get_many::<String>("server").unwrap().collect::<Vec<_>>(), ["http://a:1", "http://b:1"]);
        assert_eq!(node.get_one::<PathBuf>("farm").unwrap(), Path::new("/tmp/f"));
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        assert_eq!(told("node", "[node]\n\nslot = 3\n"), "klieg.toml:3: unknown setting slot in [node]; did you mean slots?");
        assert_eq!(told("node", "[nodes]\n"), "klieg.toml:1: unknown table [nodes]; did you mean node?");
        assert_eq!(told("serve", "[node]\nfoo = 1\n"), "klieg.toml:2: unknown setting foo in [node]");
        let bad = told("node", "[node]\nslots = \"many\"\n");
        assert!(bad.starts_with("klieg.toml:2: ") && bad.contains("many") && bad.contains("slots"), "{bad}");
        let bad = told("node", "[node]\nslots = 0\n");
        assert!(bad.starts_with("klieg.toml:2: ") && bad.contains("1..=4096"), "{bad}");
        let bad = told("serve", "[serve]\nlisten = \"here\"\n");
        assert!(bad.starts_with("klieg.toml:2: ") && bad.contains("here"), "{bad}");
        let bad = told("serve", "[serve]\nlisten = \n");
        assert!(bad.starts_with("klieg.toml:2: "), "{bad}");
    }
}
