//! What the reference's `openjd check` says of a file, in its words.

use crate::template::{decode, decode_environment, kind_of, limits, words};
use openjd_model::TemplateSpecificationVersion;
use std::path::Path;

/// Whether the template in a file is right: the sentence that says so, or the one that says what is wrong.
pub fn check(path: &Path, extensions: &[&str]) -> Result<String, String> {
    let (shown, document) = (path.display(), kind_of(path));
    let text = read(path).map_err(|error| format!("ERROR: {error}"))?;
    let object = openjd_model::template::parse::document_string_to_object(&text, document, &limits());
    let object = object.map_err(|error| format!("ERROR: '{shown}' failed checks: {}", words(&error)))?;
    let Some(version) = object.get("specificationVersion") else {
        return Err("ERROR: Missing field 'specificationVersion'".into());
    };
    let named = version.as_str().map_or_else(|| version.to_string(), str::to_owned);
    let checked = match named.parse::<TemplateSpecificationVersion>() {
        Ok(version) if version.is_job_template() => decode(&text, document, extensions).map(drop),
        Ok(version) if version.is_environment_template() => decode_environment(&text, document, extensions).map(drop),
        _ => return Err(format!("Unknown template 'specificationVersion' ({named}).")),
    };
    checked.map_err(|error| format!("ERROR: '{shown}' failed checks: {}", words(&error)))?;
    Ok(format!("Template at '{shown}' passes validation checks."))
}

/// A template's text, or why it cannot be read.
pub fn read(path: &Path) -> Result<String, String> {
    let shown = path.display();
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(format!("'{shown}' does not exist.")),
        Ok(facts) if !facts.is_file() => return Err(format!("'{shown}' is not a file.")),
        _ => {}
    }
    std::fs::read_to_string(path).map_err(|error| format!("Could not open file '{shown}': {error}"))
}
