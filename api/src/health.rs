//! `/healthz` (`/health`), `/ready`, `/metrics`, `/v1/backlog`, `/v1/farm`: for those who run the farm.

use crate::{
    app::{App, json},
    leader::send_on,
    problem::Trouble,
    stand::Stand,
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use klieg_nodes::remote::Ask;
use klieg_protocol::{
    Class,
    wire::{Backlog, PASSED_HEADER, Welcome},
};
use serde_json::json as value;
use std::{fmt::Write, sync::atomic::Ordering, time::Duration};

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

/// A standby asks the leader, because autoscalers drop the token when they are sent on.
pub async fn backlog(State(app): State<App>, uri: Uri, headers: HeaderMap) -> Result<Response, Trouble> {
    let stand = app.stand.borrow().clone();
    let leader = match &stand {
        Stand::Leading(farm) => return Ok(json(StatusCode::OK, &farm.backlog().await?)),
        // One that another standby has asked knows no better than that.
        Stand::Standby { leader: Some(leader), .. } if !headers.contains_key(PASSED_HEADER) => leader,
        _ => return Ok(send_on(&stand, &uri)),
    };
    let mut ask = Ask::new(Method::GET, "/v1/backlog");
    ask.headers.insert(PASSED_HEADER, HeaderValue::from_static("1"));
    match tokio::time::timeout(PASS_ON_MAX, app.peers.get_at::<Backlog>(leader, &ask)).await {
        Ok(Ok(backlog)) => Ok(json(StatusCode::OK, &backlog)),
        Ok(Err(error)) => Err(Trouble::away(&format!("failed to {error}"))),
        Err(_) => Err(Trouble::away(&format!("the leader at {leader} has not answered for {} s", PASS_ON_MAX.as_secs()))),
    }
}

/// How long a leader has to answer a standby. Autoscalers wait about as long.
const PASS_ON_MAX: Duration = Duration::from_secs(3);

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
