//! Job parameters as the command line gives them, and the job that they make of a template.

use klieg_openjd::{
    check::read,
    document,
    template::{Places, Prepared, decode, decode_environment, kind_of, prepare, words},
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

#[derive(clap::Args)]
pub struct JobArgs {
    /// The template: JSON if its name ends with .json, YAML otherwise.
    pub path: PathBuf,
    /// A job parameter as NAME=VALUE, several as JSON ('{"NAME": "VALUE"}') or in a file (file://PATH). May be given more than once.
    #[arg(long = "job-param", short = 'p', value_name = "NAME=VALUE")]
    pub job_params: Vec<String>,
}

impl JobArgs {
    /// The parameters' values; what is given last counts.
    pub fn values(&self) -> Result<BTreeMap<String, String>, String> {
        let mut values = BTreeMap::new();
        for argument in &self.job_params {
            let argument = argument.trim();
            if let Some(path) = document::named(argument) {
                values.extend(of_file(argument, &path)?);
            } else if argument.starts_with('{') && argument.ends_with('}') {
                let object = serde_json::from_str(argument).map_err(|_| malformed(argument))?;
                values.extend(of_object(object).ok_or_else(|| malformed(argument))?);
            } else {
                let pair = argument.split_once('=').filter(|(name, _)| !name.is_empty());
                let (name, value) = pair.ok_or_else(|| malformed(argument))?;
                values.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(values)
    }

    /// The template's folder and the working folder, absolute.
    pub fn places(&self) -> Result<(String, String), String> {
        let here = std::env::current_dir().map_err(|e| e.to_string())?;
        let file = std::path::absolute(&self.path).map_err(|e| e.to_string())?;
        let folder = file.parent().unwrap_or(Path::new("/"));
        Ok((folder.display().to_string(), here.display().to_string()))
    }

    /// The job, with environments from beside it.
    pub fn prepare(&self, extensions: &[String], environments: &[PathBuf]) -> Result<Prepared, String> {
        let extensions: Vec<&str> = extensions.iter().map(String::as_str).collect();
        let text = read(&self.path).map_err(|e| format!("ERROR generating Job: {e}"))?;
        let template =
            decode(&text, kind_of(&self.path), &extensions).map_err(|e| format!("ERROR validating template: {}", words(&e)))?;
        let beside = environments.iter().map(|path| {
            let text = read(path)?;
            decode_environment(&text, kind_of(path), &extensions).map_err(|e| words(&e))
        });
        let beside = beside.collect::<Result<Vec<_>, String>>()?;
        let values = self.values().map_err(|e| format!("ERROR generating Job: {e}"))?;
        let (folder, here) = self.places()?;
        let places = Places { template: &folder, working: &here };
        prepare(template, beside, &values, places).map_err(|e| format!("ERROR generating Job: {}", words(&e)))
    }
}

fn of_file(argument: &str, path: &Path) -> Result<Vec<(String, String)>, String> {
    if !path.exists() {
        return Err(format!("Provided parameter file '{}' does not exist.", path.display()));
    }
    if !path.is_file() {
        return Err(format!("Provided parameter file '{}' is not a file.", path.display()));
    }
    let value = document::read(path).map_err(|e| format!("Parameter file '{}' is formatted incorrectly: {e}", path.display()))?;
    of_object(value).ok_or_else(|| format!("Job parameter file '{argument}' should contain a dictionary."))
}

fn of_object(value: Value) -> Option<Vec<(String, String)>> {
    let Value::Object(object) = value else { return None };
    let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Some(object.into_iter().map(|(name, value)| (name, text(value))).collect())
}

fn malformed(argument: &str) -> String {
    format!(
        "Job parameter string ('{argument}') not formatted correctly. It must be key=value pairs, inline JSON, or a path to a JSON or YAML document prefixed with 'file://'."
    )
}
