//! Open Job Description: klieg's verdicts beside the reference's, and templates on a farm of several processes.
#![expect(clippy::disallowed_methods, reason = "processes are waited for")]

#[path = "../cluster/farm.rs"]
#[expect(dead_code, reason = "the cluster's tests need more of it")]
mod farm;
mod jobs;
#[path = "../whole/support.rs"]
#[expect(dead_code, reason = "the films' tests need more of it")]
mod support;
mod verdicts;
