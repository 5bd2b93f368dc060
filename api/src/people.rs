//! The accounts, assets and webhooks: opened as soon as they can be reached, in the farm's own database.

use crate::{access::now, app::App, oidc::OidcOptions};
use klieg_accounts::{Accounts, Database};
use klieg_assets::Assets;
use klieg_ledger::Ledger;
use klieg_nodes::remote::Backoff;
use klieg_review::Reviews;
use klieg_scheduler::FarmOptions;
use klieg_webhooks::{Allow, Options, Webhooks};
use std::time::Duration;

/// Who may come in, and what is kept of them.
#[derive(Clone, Debug)]
pub struct People {
    pub registration: Registration,
    /// How long audit entries are kept, in seconds.
    pub keep_audit_s: i64,
    /// Another provider by which people log in.
    pub oidc: Option<OidcOptions>,
}

/// Whether people may make accounts for themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Registration {
    /// Only admins make accounts.
    #[default]
    Closed,
    /// Whoever comes may make a viewer's.
    Open,
}

impl Default for People {
    fn default() -> Self {
        Self { registration: Registration::Closed, keep_audit_s: 365 * 86_400, oidc: None }
    }
}

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

/// Opens them, however long that takes, and delivers webhooks from then on. Until then only the farm's own token is known.
pub async fn open(app: App, options: FarmOptions, allow: Allow) {
    let (place, mut backoff, mut told) = (place(&options), Backoff::default(), String::new());
    let webhooks = loop {
        match attempt(&place, &allow).await {
            Ok((accounts, assets, webhooks, ledger, reviews)) => {
                // Nobody else sets them.
                let _ = app.accounts.set(accounts);
                let _ = app.assets.set(assets);
                let _ = app.webhooks.set(webhooks.clone());
                let _ = app.ledger.set(ledger);
                let _ = app.reviews.set(reviews);
                break webhooks;
            }
            Err(why) => {
                // The same is told once, however often it happens.
                if why != told {
                    tracing::warn!("failed to {why}; only the farm's own token is known until it goes well");
                    told = why;
                }
                backoff.wait(AGAIN).await;
            }
        }
    };
    webhooks.run(now, std::future::pending()).await;
}

async fn attempt(place: &str, allow: &Allow) -> Result<(Accounts, Assets, Webhooks, Ledger, Reviews), String> {
    let database = Database::open(place).await.map_err(|e| e.to_string())?;
    let accounts = Accounts::open(database.clone(), ISSUER).await.map_err(|e| e.to_string())?;
    let assets = Assets::open(database.clone()).await.map_err(|e| e.to_string())?;
    let options = Options { allow: allow.clone(), ..Options::new().map_err(|e| e.to_string())? };
    let webhooks = Webhooks::open(database.clone(), options).await.map_err(|e| e.to_string())?;
    let ledger = Ledger::open(database.clone()).await.map_err(|e| e.to_string())?;
    let reviews = Reviews::open(database).await.map_err(|e| e.to_string())?;
    Ok((accounts, assets, webhooks, ledger, reviews))
}
