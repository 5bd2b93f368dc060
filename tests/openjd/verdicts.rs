//! What klieg says of templates, compared with what the reference said of them (`verdicts.json`, which the script `reference` makes).

use serde_json::Value;
use std::{path::Path, process::Command};

fn table() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openjd/verdicts.json");
    serde_json::from_slice(&std::fs::read(path).expect("the table")).expect("JSON")
}

/// `klieg openjd VERB TEMPLATE` in the templates' folder: exit code and standard output.
fn klieg(verb: &str, template: &str) -> (i64, String) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openjd/templates");
    let mut command = Command::new(env!("CARGO_BIN_EXE_klieg"));
    let output = command.args(["openjd", verb, template]).current_dir(&folder).output().expect("start klieg");
    let text = String::from_utf8(output.stdout).expect("UTF-8").replace(&folder.display().to_string(), "TEMPLATES");
    (output.status.code().map_or(-1, i64::from), text)
}

fn verdicts() -> Vec<(String, Value)> {
    let Value::Object(verdicts) = table()["verdicts"].take() else { panic!("no verdicts") };
    verdicts.into_iter().collect()
}

/// Templates that the reference's `check` lets through and refuses when it makes the job. `openjd-model` refuses them at once.
const REFUSED_SOONER: [&str; 1] = ["late-combination.yaml"];

#[test]
fn check_agrees_with_the_reference() {
    let verdicts = verdicts();
    let (mut right, mut wrong) = (0, Vec::new());
    for (template, said) in &verdicts {
        let (code, text) = klieg("check", template);
        let (theirs, words) = (said["check"]["exit"].as_i64().unwrap(), said["check"]["output"].as_str().unwrap());
        right += usize::from(theirs == 0);
        // What is wrong stands in each one's own words; which file it is, and that it is wrong, in the same ones.
        let begins = words.split_inclusive("failed checks: ").next().filter(|_| theirs != 0).unwrap_or(words);
        let sooner = REFUSED_SOONER.contains(&template.as_str());
        let agrees = if sooner {
            (code, said["summary"]["exit"].as_i64()) == (1, Some(1))
        } else {
            code == theirs && text.starts_with(begins)
        };
        if !agrees {
            wrong.push(format!("{template}: {code} {text:?}\n  the reference: {theirs} {words:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), verdicts.len(), wrong.join("\n"));
    assert!(
        verdicts.len() >= 40 && right >= 10 && verdicts.len() - right >= 10,
        "{} templates, {right} of them right",
        verdicts.len()
    );
}

#[test]
fn every_template_has_a_verdict() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openjd/templates");
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let known: Vec<String> = verdicts().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, known, "run tests/openjd/reference");
}

#[test]
fn summary_says_what_the_reference_says() {
    let mut wrong = Vec::new();
    for (template, said) in verdicts() {
        let (code, text) = klieg("summary", &template);
        let (theirs, words) = (said["summary"]["exit"].as_i64().unwrap(), said["summary"]["output"].as_str().unwrap());
        if code != theirs || (theirs == 0 && text != words) {
            wrong.push(format!("{template}: {code} {text:?}\n  the reference: {theirs} {words:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
