//! `/healthz` (`/health`), `/ready`, `/v1/backlog`, `/v1/farm`: for those who run the farm.

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
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use klieg_nodes::remote::Ask;
use klieg_protocol::wire::{Backlog, PASSED_HEADER, Welcome};
use serde_json::json as value;
use std::time::Duration;

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
