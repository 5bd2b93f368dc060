//! The accounts: opened as soon as they can be reached, in the farm's own database.

use crate::app::App;
use klieg_accounts::{Accounts, Database};
use klieg_nodes::remote::Backoff;
use klieg_scheduler::FarmOptions;
use std::time::Duration;

/// What access tokens say that they were issued by.
const ISSUER: &str = "klieg";
const AGAIN: Duration = Duration::from_millis(500);

/// Where they are: beside the jobs in a shared store, or in a file of their own in the farm's folder.
fn place(options: &FarmOptions) -> String {
    match options.store.as_deref() {
        Some(store) if store.starts_with("postgres") => store.into(),
        _ => format!("sqlite:{}", options.folder.join("accounts.sqlite").display()),
    }
}

/// Opens them, however long that takes. Until then only the farm's own token is known.
pub async fn open(app: App, options: FarmOptions) {
    let (place, mut backoff, mut told) = (place(&options), Backoff::default(), String::new());
    loop {
        let opened = match Database::open(&place).await {
            Ok(database) => Accounts::open(database, ISSUER).await,
            Err(error) => Err(error.into()),
        };
        match opened {
            Ok(accounts) => return drop(app.accounts.set(accounts)),
            Err(error) => {
                let why = error.to_string();
                // The same is told once, however often it happens.
                if why != told {
                    tracing::warn!("failed to {why}; only the farm's own token is known until it goes well");
                    told = why;
                }
                backoff.wait(AGAIN).await;
            }
        }
    }
}
