//! `klieg webhooks`: other programs are told of what happens on a farm.

use super::{
    Common, LinkArgs, Stop, block_on, door,
    jobs::encoded,
    link_stop,
    people::{ask, shown, word, words},
};
use http::Method;
use klieg_api::client::Client;
use serde_json::{Value, json};
use std::time::Duration;

#[derive(clap::Subcommand)]
pub enum Verb {
    /// List one's own webhooks; an admin's are everybody's.
    List,
    /// Add a webhook; the secret with which its deliveries are signed is shown once.
    Add {
        /// Where it is told.
        url: String,
        /// What it is told of: job.succeeded, job.failed, job.cancelled, job.* or *.
        #[arg(long, value_delimiter = ',', default_value = "*")]
        events: Vec<String>,
    },
    /// Remove a webhook, and what waits for it.
    Remove { id: String },
    /// Deliver again to a webhook that had been given up.
    Enable { id: String },
    /// Show what became of a webhook's deliveries, the newest first.
    Deliveries {
        id: String,
        /// How many.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
        limit: u32,
    },
    /// Deliver again, under the same id.
    Replay {
        id: String,
        /// The delivery, as `klieg webhooks deliveries` shows it.
        delivery: String,
    },
    /// Send a webhook an event that is only a test, and say what became of it.
    Test { id: String },
}

pub fn run(common: &Common, link: &LinkArgs, verb: &Verb) -> Result<(), Stop> {
    let client = door::server(common, link)?;
    let of = |id: &str| format!("/webhooks/{}", encoded(id));
    let answer = block_on(async {
        match verb {
            Verb::List => client.get("/webhooks").await.map_err(|e| link_stop(&e)),
            Verb::Add { url, events } => {
                ask(&client, Method::POST, "/webhooks", Some(&json!({"url": url, "events": events}))).await
            }
            Verb::Remove { id } => ask(&client, Method::DELETE, &of(id), None).await,
            Verb::Enable { id } => ask(&client, Method::POST, &format!("{}/enable", of(id)), None).await,
            Verb::Deliveries { id, limit } => Ok(page(&client, &of(id), *limit).await?["deliveries"].clone()),
            Verb::Replay { id, delivery } => {
                ask(&client, Method::POST, &format!("{}/deliveries/{}/replay", of(id), encoded(delivery)), None).await
            }
            Verb::Test { id } => test(&client, &of(id)).await,
        }
    })??;
    shown(common, &answer, line)?;
    match verb {
        Verb::Test { .. } if answer["state"] != "delivered" => Err(Stop::failed("the webhook has not taken the test")),
        _ => Ok(()),
    }
}

async fn page(client: &Client, of: &str, limit: u32) -> Result<Value, Stop> {
    client.get(&format!("{of}/deliveries?limit={limit}")).await.map_err(|e| link_stop(&e))
}

/// How long, and how often, is looked whether the test has been tried.
const TRIED_MAX: Duration = Duration::from_secs(25);
const LOOK: Duration = Duration::from_millis(200);

/// Waits until the test has been tried once.
async fn test(client: &Client, of: &str) -> Result<Value, Stop> {
    let sent = ask(client, Method::POST, &format!("{of}/test"), None).await?;
    let delivery = word(&sent, "delivery").to_owned();
    let tried = async {
        loop {
            let page = page(client, of, 200).await?;
            let found = page["deliveries"].as_array().into_iter().flatten().find(|one| one["id"] == delivery.as_str()).cloned();
            if let Some(found) = found.filter(|found| !found["status"].is_null() || !found["trouble"].is_null()) {
                return Ok(found);
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    let late = || Stop::failed(format!("{delivery} has not been tried yet; `klieg webhooks deliveries` says what becomes of it"));
    tokio::time::timeout(TRIED_MAX, tried).await.map_err(|_| late())?
}

fn line(one: &Value) -> String {
    if let Some(secret) = one["secret"].as_str() {
        return format!("{} {secret}\n", word(one, "id"));
    }
    if let Some(state) = one["state"].as_str() {
        let answered = one["status"].as_i64().map(|status| format!(" answered {status}")).unwrap_or_default();
        let trouble = one["trouble"].as_str().map(|trouble| format!(": {trouble}")).unwrap_or_default();
        let (id, event) = (word(one, "id"), word(one, "event"));
        return format!("{id} {event:<16} {state:<10} {} tries{answered}{trouble}\n", one["attempts"]);
    }
    let disabled = one["disabled_why"].as_str().map(|why| format!(" (disabled: {why})")).unwrap_or_default();
    format!("{} {} {}{disabled}\n", word(one, "id"), word(one, "url"), words(&one["events"]))
}
