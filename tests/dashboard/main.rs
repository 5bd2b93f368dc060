//! The dashboard as people use it: in a real Chromium, on a real farm.
#![expect(clippy::disallowed_methods, reason = "processes are waited for")]

mod access;
mod browser;
mod modules;
mod people;
mod review;
mod webdriver;
mod work;

#[path = "../cluster/farm.rs"]
#[expect(dead_code, reason = "the cluster's tests need more of it")]
mod farm;
#[path = "../whole/support.rs"]
#[expect(dead_code, reason = "the films' tests need more of it")]
mod support;
