//! Who answers: the server whose scheduler leads.

use crate::{app::App, problem::Trouble, stand::Stand};
use axum::{
    body::Body,
    extract::State,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, Request, StatusCode, Uri, header};
use klieg_protocol::wire::LEADER_HEADER;

/// Gives the route its farm, or sends the caller to whoever has it.
pub async fn find_farm(State(app): State<App>, mut request: Request<Body>, next: Next) -> Response {
    let stand = app.stand.borrow().clone();
    match stand {
        Stand::Leading(farm) => {
            request.extensions_mut().insert(farm);
            next.run(request).await
        }
        elsewhere => send_on(&elsewhere, request.uri()),
    }
}

/// Sends a caller to the leader, if this server knows it and is not it.
pub fn send_on(stand: &Stand, asked: &Uri) -> Response {
    match stand {
        Stand::Standby { leader: Some(leader), .. } => {
            let path = asked.path_and_query().map_or("/", |path| path.as_str());
            let mut response = StatusCode::TEMPORARY_REDIRECT.into_response();
            if let (Ok(place), Ok(leader)) = (HeaderValue::try_from(format!("{leader}{path}")), HeaderValue::try_from(leader)) {
                response.headers_mut().insert(header::LOCATION, place);
                response.headers_mut().insert(LEADER_HEADER, leader);
            }
            response
        }
        Stand::Standby { why, .. } | Stand::Starting { why } => Trouble::away(why).into_response(),
        Stand::Leading(_) => Trouble::away("it has just begun to lead").into_response(),
        Stand::Ended => Trouble::away("this server ends").into_response(),
    }
}
