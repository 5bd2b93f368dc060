//! From a template's text and the values of its parameters to a job.

use openjd_expr::ExprValue;
use openjd_model::{
    CallerLimits, JobParameterInputValues, JobParameterValues, ModelError, ModelExtension, ModelProfile, PathParameterOptions,
    job::Job,
    template::{EnvironmentTemplate, JobTemplate},
};
use std::{collections::BTreeMap, path::Path};

pub use openjd_model::DocumentType;

/// The largest template that is read.
pub const TEMPLATE_BYTES_MAX: usize = 16 << 20;
/// The most tasks that a job may come to.
pub const TASKS_MAX: u64 = 1_000_000;

/// How a document is to be read: `.json` strictly, everything else as YAML.
pub fn kind_of(path: &Path) -> DocumentType {
    let json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    if json { DocumentType::Json } else { DocumentType::Yaml }
}

/// What klieg bounds beside the specification.
pub fn limits() -> CallerLimits {
    CallerLimits { max_task_count: Some(TASKS_MAX), max_template_size: Some(TEMPLATE_BYTES_MAX), ..CallerLimits::default() }
}

/// The names of all extensions that klieg takes.
pub fn all_extensions() -> Vec<&'static str> {
    ModelExtension::ALL.iter().map(ModelExtension::as_str).collect()
}

/// Where relative paths in parameters start.
#[derive(Clone, Copy, Debug)]
pub struct Places<'a> {
    /// The template's folder: of defaults.
    pub template: &'a str,
    /// The submitter's working folder: of values that were given.
    pub working: &'a str,
}

/// A job with everything that a session needs to know.
pub struct Prepared {
    pub job: Job,
    pub template: JobTemplate,
    pub values: JobParameterValues,
    pub profile: ModelProfile,
    /// Environments from beside the template, in order.
    pub environments: Vec<EnvironmentTemplate>,
}

/// What is wrong, in the reference's words.
pub fn words(error: &ModelError) -> String {
    match error {
        ModelError::DecodeValidation(words) => words.clone(),
        ModelError::ModelValidation(errors) => errors.to_string(),
        other => other.to_string(),
    }
}

/// Parses and checks a job template.
pub fn decode(text: &str, document: DocumentType, extensions: &[&str]) -> Result<JobTemplate, ModelError> {
    let object = openjd_model::template::parse::document_string_to_object(text, document, &limits())?;
    openjd_model::decode_job_template(object, Some(extensions), &limits())
}

/// Parses and checks an environment template.
pub fn decode_environment(text: &str, document: DocumentType, extensions: &[&str]) -> Result<EnvironmentTemplate, ModelError> {
    let object = openjd_model::template::parse::document_string_to_object(text, document, &limits())?;
    openjd_model::decode_environment_template(object, Some(extensions))
}

/// Makes the job of a template.
pub fn prepare(
    template: JobTemplate,
    environments: Vec<EnvironmentTemplate>,
    values: &BTreeMap<String, String>,
    places: Places<'_>,
) -> Result<Prepared, ModelError> {
    let given: JobParameterInputValues =
        values.iter().map(|(name, value)| (name.clone(), ExprValue::String(value.clone()))).collect();
    let options =
        PathParameterOptions { allow_uri_path_values: true, ..PathParameterOptions::new(places.template, places.working) };
    let values = openjd_model::preprocess_job_parameters(&template, &given, &environments, &options)?;
    let context = template.default_validation_context().with_caller_limits(limits());
    let job = openjd_model::create_job(&template, &values, &context)?;
    // What is declared is in force, by the template or by one of the environments beside it.
    let mut extensions = template.profile().extensions().clone();
    let beside = environments.iter().flat_map(|environment| environment.extensions.iter().flatten());
    extensions.extend(beside.filter_map(|name| name.as_str().parse::<ModelExtension>().ok()));
    let profile = template.profile().with_extensions(extensions);
    Ok(Prepared { job, template, values, profile, environments })
}
