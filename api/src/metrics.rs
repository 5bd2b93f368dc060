//! `/metrics`: what Prometheus scrapes. The text is made when it is asked for; a standby tells only of itself. Labels are bounded: routes,
//! words, nodes, GPUs and the projects that cost the most, never jobs or tasks.

mod farm;
mod nodes;
mod process;
pub mod requests;
mod text;

use crate::{access::now, app::App, problem::Trouble, stand::Stand};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};
use std::{sync::atomic::Ordering, time::Duration};
use text::{Kind, Text};

/// How long the webhooks' database has to tell what waits there, before it is left out.
const OUTBOX_MAX: Duration = Duration::from_secs(2);

/// Prometheus' text format, version 0.0.4.
pub async fn metrics(State(app): State<App>) -> Result<Response, Trouble> {
    let stand = app.stand.borrow().clone();
    let mut text = Text::default();
    let labels = [("version", env!("CARGO_PKG_VERSION")), ("build", app.build.as_str())];
    text.family("klieg_build_info", Kind::Gauge, "The klieg that answers.").sample(&labels, 1);
    let leads = u8::from(matches!(stand, Stand::Leading(_)));
    text.gauge("klieg_leading", "Whether this server's scheduler is the active one.", leads);
    if let Stand::Leading(farm) = &stand {
        farm::tell(&mut text, farm).await?;
    }
    server(&mut text, &app);
    outbox(&mut text, &app).await;
    process::tell(&mut text, &app.folder, app.started_at);
    let mut response = text.finish().into_response();
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}

fn server(text: &mut Text, app: &App) {
    let counts = &app.counts;
    for (name, help, count) in [
        ("klieg_requests_total", "Requests for /v1 and /api/v1.", &counts.requests),
        ("klieg_requests_refused_total", "Requests with a wrong token or version, or too many.", &counts.refused),
        ("klieg_artifact_bytes_in_total", "Bytes of artifacts that came.", &counts.bytes_in),
        ("klieg_artifact_bytes_out_total", "Bytes of artifacts that went.", &counts.bytes_out),
    ] {
        text.counter(name, help, count.load(Ordering::Relaxed));
    }
    let gates = [
        ("requests", &app.requests),
        ("transfers", &app.transfers),
        ("plans", &app.plans),
        ("plans_waiting", &app.plans_waiting),
        ("watchers", &app.watchers),
    ];
    let mut used =
        text.family("klieg_gate_used", Kind::Gauge, "Places of the server's bounds that are taken; past them callers get 429.");
    for (name, gate) in gates {
        used.sample(&[("gate", name)], gate.used());
    }
    let mut size = text.family("klieg_gate_size", Kind::Gauge, "Places of the server's bounds.");
    for (name, gate) in gates {
        size.sample(&[("gate", name)], gate.most());
    }
    app.answered.tell(text);
}

/// What waits to be told to webhooks, of all servers of the farm.
async fn outbox(text: &mut Text, app: &App) {
    let Ok(webhooks) = app.webhooks() else { return };
    let Ok(Ok(waiting)) = tokio::time::timeout(OUTBOX_MAX, webhooks.waiting()).await else { return };
    text.gauge(
        "klieg_webhook_deliveries_waiting",
        "Deliveries in the webhooks' outbox, those that are tried again too.",
        waiting.count,
    );
    let age = waiting.oldest_at.map_or(0, |at| (now() - at).max(0));
    text.gauge("klieg_webhook_oldest_waiting_seconds", "How long ago the oldest of them happened.", age);
    text.gauge("klieg_webhooks_disabled", "Webhooks that are not told any more because they took nothing.", waiting.disabled);
}
