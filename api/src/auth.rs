//! Who may ask, in which version, and whom: before any route of `/v1`.

use crate::{
    app::{App, Counts},
    problem::Trouble,
    stand::Stand,
};
use axum::{
    body::Body,
    extract::State,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri, header};
use klieg_protocol::wire::{LEADER_HEADER, PROTOCOL, PROTOCOL_HEADER};

/// Lets through who has the token and speaks this version.
pub async fn check(State(app): State<App>, request: Request<Body>, next: Next) -> Response {
    let checked = permitted(&app, request.headers()).and_then(|()| version(&request)).and_then(|()| app.requests.enter());
    Counts::add(&app.counts.requests, 1);
    let _permit = match checked {
        Ok(permit) => permit,
        Err(trouble) => {
            Counts::add(&app.counts.refused, 1);
            return trouble.into_response();
        }
    };
    next.run(request).await
}

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

fn permitted(app: &App, headers: &HeaderMap) -> Result<(), Trouble> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|text| text.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let refuse = |detail: &str| Err(Trouble::new(StatusCode::UNAUTHORIZED, detail));
    match given {
        // Comparing hashes of the blake3 crate takes the same time whatever they are.
        Some((_, token)) if blake3::hash(token.trim().as_bytes()) == app.token => Ok(()),
        Some(_) => refuse("the token is not this farm's; give the one in the server's token file with --token-file or KLIEG_TOKEN"),
        None => refuse("this farm wants a token; give it with --token-file or KLIEG_TOKEN (HTTP: Authorization: Bearer …)"),
    }
}

/// Agents must name the version that they speak; people with curl need not.
fn version(request: &Request<Body>) -> Result<(), Trouble> {
    let named = request.headers().get(PROTOCOL_HEADER);
    if named.is_none() && !request.uri().path().starts_with("/v1/nodes") {
        return Ok(());
    }
    let named = named.and_then(|value| value.to_str().ok()).unwrap_or("none");
    if named == PROTOCOL.to_string() {
        return Ok(());
    }
    let detail = format!(
        "this server speaks version {PROTOCOL} of the farm's protocol and the caller {named}; install the same klieg on both"
    );
    Err(Trouble::new(StatusCode::UPGRADE_REQUIRED, detail))
}
