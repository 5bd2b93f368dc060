//! `/healthz`, `/ready`, `/metrics`, `/v1/backlog`, `/v1/farm`: for those who run the farm.

use crate::{
    app::{App, json},
    problem::Trouble,
    stand::Stand,
};
use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use klieg_protocol::{Class, wire::Welcome};
use klieg_scheduler::Farm;
use serde_json::json as value;
use std::{fmt::Write, sync::atomic::Ordering};

/// The process lives.
pub async fn healthz() -> Response {
    json(StatusCode::OK, &value!({ "status": "alive" }))
}

/// Whether requests are answered here, or by a leader that this server knows.
pub async fn ready(State(app): State<App>) -> Response {
    let stand = app.stand.borrow().clone();
    match stand {
        Stand::Leading(_) => json(StatusCode::OK, &value!({ "status": "leading" })),
        Stand::Standby { leader: Some(leader), .. } => json(StatusCode::OK, &value!({ "status": "standby", "leader": leader })),
        Stand::Standby { why, .. } | Stand::Starting { why } => Trouble::away(&why).into_response(),
        Stand::Ended => Trouble::away("this server ends").into_response(),
    }
}

pub async fn farm(State(app): State<App>) -> Response {
    json(StatusCode::OK, &Welcome { klieg: env!("CARGO_PKG_VERSION").into(), build: app.build.clone() })
}

pub async fn backlog(Extension(farm): Extension<Farm>) -> Result<Response, Trouble> {
    Ok(json(StatusCode::OK, &farm.backlog().await?))
}

/// Prometheus' text format, version 0.0.4. A standby tells only of itself.
pub async fn metrics(State(app): State<App>) -> Result<Response, Trouble> {
    let stand = app.stand.borrow().clone();
    let mut text = String::new();
    if let Stand::Leading(farm) = stand {
        let backlog = farm.backlog().await?;
        let of = |class: Class| backlog.classes.get(&class.to_string()).copied().unwrap_or_default();
        let mut by_class = |name: &str, help: &str, pick: &dyn Fn(klieg_protocol::wire::Demand) -> u64| {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
            for class in [Class::Cpu, Class::Cuda, Class::Wgpu] {
                let _ = writeln!(text, "{name}{{class=\"{class}\"}} {}", pick(of(class)));
            }
        };
        by_class("klieg_backlog_tasks", "Tasks that could run now or are running.", &|d| d.ready + d.running);
        by_class("klieg_tasks_ready", "Tasks that could run now.", &|d| d.ready);
        by_class("klieg_tasks_running", "Tasks that are running.", &|d| d.running);
        by_class("klieg_nodes", "Nodes that may be given tasks.", &|d| d.nodes);
        by_class("klieg_slots", "Slots of nodes that may be given tasks.", &|d| d.slots);
        gauge(&mut text, "klieg_leading", "gauge", "Whether this server's scheduler is the active one.", 1);
    } else {
        gauge(&mut text, "klieg_leading", "gauge", "Whether this server's scheduler is the active one.", 0);
    }
    let counts = &app.counts;
    for (name, help, count) in [
        ("klieg_requests_total", "Requests for /v1.", &counts.requests),
        ("klieg_requests_refused_total", "Requests with a wrong token or version, or too many.", &counts.refused),
        ("klieg_artifact_bytes_in_total", "Bytes of artifacts that came.", &counts.bytes_in),
        ("klieg_artifact_bytes_out_total", "Bytes of artifacts that went.", &counts.bytes_out),
    ] {
        gauge(&mut text, name, "counter", help, count.load(Ordering::Relaxed));
    }
    let mut response = text.into_response();
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}

fn gauge(text: &mut String, name: &str, kind: &str, help: &str, value: u64) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
}
