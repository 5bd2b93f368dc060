//! Connections from the first to the last: how many at a time, and how long one may take to say what it wants.

use crate::{app::App, limits::Limits, problem::Trouble};
use axum::{Router, response::IntoResponse, serve::Listener};
use http::Request;
use hyper::{
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};

/// File descriptors that are left for everything but connections.
const DESCRIPTORS_KEPT: u64 = 512;
/// Callers that are told at a time that there is no room; more of them are only hung up on.
const REFUSALS_MAX: usize = 64;
/// How long a caller has to hear that there is no room.
const REFUSAL_MAX: Duration = Duration::from_secs(2);

/// Where a request comes from.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// Answers those who come until `stopped`, then waits for the requests that are under way.
pub async fn serve<L: Listener<Addr = SocketAddr>>(
    mut listener: L,
    app: App,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) -> io::Result<()> {
    let limits = app.limits.clone();
    let most = limits.connections_max.min(room()).clamp(1, Semaphore::MAX_PERMITS);
    let (open, refusals) = (Arc::new(Semaphore::new(most)), Arc::new(Semaphore::new(REFUSALS_MAX)));
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => accepted,
            () = async { drop(stopped.wait_for(|stopped| *stopped).await) } => break,
        };
        match Arc::clone(&open).try_acquire_owned() {
            Ok(permit) => {
                drop(tokio::spawn(attend(stream, Peer(peer.ip()), permit, router.clone(), limits.clone(), stopped.clone())))
            }
            Err(_) => {
                if let Ok(permit) = Arc::clone(&refusals).try_acquire_owned() {
                    tokio::spawn(async move {
                        let _permit = permit;
                        let _ = tokio::time::timeout(REFUSAL_MAX, refuse(stream)).await;
                    });
                }
            }
        }
    }
    drop(listener);
    // All are there again when the last connection has ended.
    let all = u32::try_from(most).unwrap_or(u32::MAX);
    open.acquire_many(all).await.map(drop).map_err(io::Error::other)
}

/// As many as the system lets this process have, once it was asked for all that it may give.
fn room() -> usize {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return usize::MAX };
    let raised = soft < hard && setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_ok();
    let most = if raised { hard } else { soft };
    usize::try_from(most.saturating_sub(DESCRIPTORS_KEPT).max(most / 2)).unwrap_or(usize::MAX)
}

/// One connection: a caller that is silent, or slow to say what it wants, is hung up on.
async fn attend<S>(
    stream: S,
    peer: Peer,
    permit: OwnedSemaphorePermit,
    router: Router,
    limits: Limits,
    mut stopped: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let _permit = permit;
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.header_read_max).max_buf_size(limits.header_bytes_max);
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        router.call(request)
    });
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service).with_upgrades());
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = async { drop(stopped.wait_for(|stopped| *stopped).await) } => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke off");
    }
}

/// Tells a caller that there is no room, as HTTP does, and waits a moment for it to have heard.
async fn refuse(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    let (head, body) = Trouble::full("connections at a time (connections_max)").into_response().into_parts();
    let body = axum::body::to_bytes(body, 1 << 16).await.map_err(io::Error::other)?;
    let mut text = format!("HTTP/1.1 {}\r\nconnection: close\r\ncontent-length: {}\r\n", head.status, body.len()).into_bytes();
    for (name, value) in &head.headers {
        text.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    text.extend([b"\r\n", &body[..]].concat());
    stream.write_all(&text).await?;
    stream.shutdown().await?;
    // What it says is read: closing before that would take our words back.
    let mut rest = [0; 4096];
    while stream.read(&mut rest).await? > 0 {}
    Ok(())
}
