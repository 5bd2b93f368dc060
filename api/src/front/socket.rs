//! One connection for all that is to be watched: a WebSocket.

mod feeds;
mod session;
mod words;

use super::Problems;
use crate::{
    access::{Who, of_token},
    app::App,
    problem::Trouble,
};
use axum::{
    Extension,
    extract::{
        State,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    response::Response,
};
use http::{HeaderMap, header};
use klieg_scheduler::Farm;
use session::Session;
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(open))
}

/// The subprotocol that is spoken, and how a token is given beside it.
const SPOKEN: &str = "klieg.v1";
const BEARER: &str = "bearer.";

/// Read ahead, and gathered before it is written: there may be thousands of sockets.
const BUFFER_BYTES: usize = 8 << 10;

/// Whom a WebSocket speaks to, and by which token.
#[derive(Clone)]
struct Known {
    who: Who,
    token: String,
}

impl Known {
    async fn of(app: &App, token: &str) -> Result<Self, Trouble> {
        Ok(Self { who: of_token(app, token).await?, token: token.to_owned() })
    }
}

/// A WebSocket for all that is to be watched
///
/// The token comes as a subprotocol (`klieg.v1, bearer.TOKEN`) or in the first message (`{"token": "…"}`), never in the address.
/// `docs/api.md` has the messages.
#[utoipa::path(get, path = "/ws", tag = "farm", responses((status = 101, description = "It is a WebSocket from here on."), Problems))]
async fn open(
    State(app): State<App>,
    Extension(farm): Extension<Farm>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Trouble> {
    let upgrade = upgrade.map_err(|rejection| Trouble::new(rejection.status(), rejection.body_text()))?;
    let permit = app.sockets.enter()?;
    let known = match token(&upgrade, &headers) {
        Some(token) => Some(Known::of(&app, &token).await?),
        None => None,
    };
    let most = app.limits.socket_message_bytes_max;
    let upgrade = upgrade.protocols([SPOKEN]).max_message_size(most).max_frame_size(most);
    let upgrade = upgrade.read_buffer_size(BUFFER_BYTES).write_buffer_size(BUFFER_BYTES);
    Ok(upgrade.on_upgrade(move |socket| async move {
        let _permit = permit;
        Session::new(app, farm, known).run(socket).await;
    }))
}

/// What a subprotocol or, from programs, the usual header says.
fn token(upgrade: &WebSocketUpgrade, headers: &HeaderMap) -> Option<String> {
    let protocols = upgrade.requested_protocols().filter_map(|one| one.to_str().ok()?.strip_prefix(BEARER));
    let header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.split_once(' '));
    let header = header.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
    protocols.last().or(header).map(str::to_owned)
}
