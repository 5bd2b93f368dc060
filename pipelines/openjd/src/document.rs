//! JSON and YAML beside templates: parameters, tasks, path mapping rules; and results as YAML.

use openjd_sessions::PathMappingRule;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The largest such file.
pub const BYTES_MAX: u64 = 10 << 20;

/// Reads a file: `.json` as JSON, any other as YAML.
pub fn read(path: &Path) -> Result<Value, String> {
    let bytes = std::fs::metadata(path).map_err(|e| e.to_string())?.len();
    if bytes > BYTES_MAX {
        return Err(format!("it has {bytes} bytes, and may have {BYTES_MAX}"));
    }
    let text = std::fs::read_to_string(path).map_err(|e| e.to_string())?;
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
        serde_json::from_str(&text).map_err(|e| e.to_string())
    } else {
        serde_saphyr::from_str(&text).map_err(|e| e.to_string())
    }
}

/// A value as YAML.
pub fn yaml(value: &Value) -> String {
    serde_saphyr::to_string(value).unwrap_or_else(|error| format!("# {error}\n"))
}

/// The file that an argument names as `file://PATH`.
pub fn named(argument: &str) -> Option<PathBuf> {
    let path = argument.strip_prefix("file://")?;
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => Some(PathBuf::from(home).join(rest)),
        _ => Some(PathBuf::from(path)),
    }
}

/// Path mapping rules (`pathmapping-1.0`), as JSON or in the file that `file://PATH` names.
pub fn path_rules(argument: &str) -> Result<Vec<PathMappingRule>, String> {
    let document = match named(argument) {
        Some(path) => read(&path).map_err(|e| format!("Path mapping rules file '{}': {e}", path.display()))?,
        None => serde_json::from_str(argument).map_err(|e| format!("Path mapping rules must be valid JSON: {e}"))?,
    };
    if !document.is_object() {
        return Err("Path mapping rules must be an object with 'version' and 'path_mapping_rules' fields".into());
    }
    if document["version"] != "pathmapping-1.0" {
        return Err("Path mapping rules must have a 'version' value of 'pathmapping-1.0'".into());
    }
    let rules = document["path_mapping_rules"].as_array();
    let rules = rules.ok_or("Path mapping rules must contain a list named 'path_mapping_rules'")?;
    rules.iter().map(|rule| serde_json::from_value(rule.clone()).map_err(|e| e.to_string())).collect()
}
