use crate::house::{Hand, TOKEN, anywhere, farm, link, options, part, serve};
use http::{HeaderMap, Method};
use klieg_api::{Limits, Server};
use klieg_nodes::remote::{Ask, Link, LinkError, LinkOptions};
use klieg_protocol::wire::{Backlog, Welcome};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What a plain request gets: status and everything that came.
async fn raw(server: &Server, request: &str) -> (u16, String) {
    let mut stream = tokio::net::TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    tokio::time::timeout(Duration::from_secs(10), stream.read_to_string(&mut text)).await.expect("in time").unwrap();
    (text.split(' ').nth(1).unwrap().parse().unwrap(), text)
}

async fn get(server: &Server, path: &str, headers: &str) -> (u16, String) {
    raw(server, &format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_token_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let server = serve(&part(&root, "farm"), anywhere()).await;
    let wrong = LinkOptions { token: "another-token-of-tests".into(), ..link(&server) };
    let error = Hand::remote(wrong, &part(&root, "node")).greet().await.unwrap_err();
    assert!(error.outcast() && error.to_string().contains("the token is not this farm's"), "{error}");
    for headers in ["", "Authorization: Bearer \r\n", "Authorization: Basic eDp5\r\n"] {
        let (status, text) = get(&server, "/v1/backlog", headers).await;
        assert_eq!(status, 401, "{text}");
        assert!(text.contains("application/problem+json"), "{text}");
    }
    assert_eq!(get(&server, "/metrics", "").await.0, 401);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_version_is_refused_with_both_named() {
    let root = tempfile::tempdir().unwrap();
    let server = serve(&part(&root, "farm"), anywhere()).await;
    let auth = format!("Authorization: Bearer {TOKEN}\r\n");
    let (status, text) = get(&server, "/v1/farm", &format!("{auth}klieg-protocol: 99\r\n")).await;
    assert_eq!(status, 426, "{text}");
    assert!(text.contains("version 1 of the farm's protocol and the caller 99"), "{text}");
    let (status, text) =
        raw(&server, &format!("POST /v1/nodes/beat HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{auth}Content-Length: 0\r\n\r\n"))
            .await;
    assert_eq!((status, text.contains("the caller none")), (426, true), "{text}");
    // Not agents, but people with curl: they need not name it.
    farm(&server).await;
    assert_eq!(get(&server, "/v1/backlog", &auth).await.0, 200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_metrics_and_backlog() {
    let root = tempfile::tempdir().unwrap();
    let server = serve(&part(&root, "farm"), anywhere()).await;
    assert_eq!(get(&server, "/healthz", "").await.0, 200);
    farm(&server).await;
    let (status, text) = get(&server, "/ready", "").await;
    assert!(status == 200 && text.contains("leading"), "{text}");
    let _hand = Hand::join(Hand::remote(link(&server), &part(&root, "node")), 1).await;
    let way = Link::new(&link(&server)).unwrap();
    let backlog: Backlog = way.get(&Ask::new(Method::GET, "/v1/backlog")).await.unwrap();
    assert_eq!((backlog.ready, backlog.running, backlog.nodes, backlog.slots), (0, 0, 1, 2));
    assert_eq!(backlog.classes["cpu"].slots, 2);
    assert_eq!(backlog.classes.keys().collect::<Vec<_>>(), ["cpu", "cuda", "wgpu"], "autoscalers ask for each");
    let (_, text) = get(&server, "/metrics", &format!("Authorization: Bearer {TOKEN}\r\n")).await;
    for line in ["klieg_backlog_tasks{class=\"cpu\"} 0", "klieg_slots{class=\"cpu\"} 2", "klieg_leading 1"] {
        assert!(text.contains(line), "{text}");
    }
    assert!(!text.contains(TOKEN));
    let welcome: Welcome = way.get(&Ask::new(Method::GET, "/v1/farm")).await.unwrap();
    assert_eq!(welcome.build, "test");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_error_is_a_problem() {
    let root = tempfile::tempdir().unwrap();
    let server = serve(&part(&root, "farm"), anywhere()).await;
    farm(&server).await;
    let way = Link::new(&link(&server)).unwrap();
    let digest = "0".repeat(64);
    let json = |path: &str, text: &'static str| Ask {
        load: klieg_nodes::remote::Load::Json(text.as_bytes().into()),
        headers: HeaderMap::new(),
        method: Method::POST,
        path: path.into(),
    };
    for (ask, status, wanted) in [
        (Ask::new(Method::GET, "/v1/nothing"), 404, "no such route"),
        (Ask::new(Method::DELETE, "/api/v1/jobs"), 405, "does not know that method"),
        (Ask::new(Method::GET, "/api/v1/jobs/job-000009"), 404, "job-000009"),
        (Ask::new(Method::GET, "/api/v1/jobs/job-000009/events"), 404, "job-000009"),
        (Ask::new(Method::POST, "/api/v1/jobs/job-000009/cancel"), 404, "job-000009"),
        (Ask::new(Method::GET, format!("/v1/artifacts/{digest}")), 404, "it is not there"),
        (Ask::new(Method::GET, "/v1/artifacts/abc"), 400, "64 hex digits"),
        (json("/api/v1/jobs", "{"), 400, "EOF"),
        (Ask::new(Method::GET, "/api/v1/jobs/%ff"), 400, "the path or the query"),
        (Ask::new(Method::GET, "/api/v1/jobs/job-000009/why?task=a&task=b"), 400, "the path or the query"),
        (json("/api/v1/generate/opera", "{}"), 404, "does not generate \"opera\": it has the kinds copy"),
        (Ask::new(Method::GET, "/api/v1/audit?limit=many"), 400, "invalid digit"),
        (json("/v1/nodes/beat", "[]"), 422, "the body is not what this route takes"),
        (json("/api/v1/jobs", r#"{"kind":"dance","label":"","params":null}"#), 422, "no job kind \"dance\" here; there is copy"),
    ] {
        let error = way.call(&ask).await.expect_err(&ask.path);
        assert!(matches!(error, LinkError::Refused { .. }), "{error:?}");
        assert_eq!(error.status(), Some(status), "{} {error}", ask.path);
        assert!(error.to_string().contains(wanted), "{} {error}", ask.path);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn past_a_bound_there_is_429() {
    let root = tempfile::tempdir().unwrap();
    let limits = Limits { transfers_max: 0, plans_waiting_max: 0, json_bytes_max: 2_000, ..Limits::default() };
    let server = Server::start(klieg_api::ServerOptions { limits, ..options(&part(&root, "farm"), anywhere()) }).await.unwrap();
    farm(&server).await;
    let way = Link::new(&link(&server)).unwrap();
    let job = serde_json::json!({"kind": "copy", "label": "", "params": null});
    for ask in [Ask::new(Method::GET, format!("/v1/artifacts/{}", "0".repeat(64))), Ask::post("/api/v1/jobs", &job)] {
        let error = way.call(&ask).await.expect_err(&ask.path);
        assert_eq!(error.status(), Some(429), "{error}");
        assert!(error.retryable() && error.after() >= Duration::from_secs(1), "{error:?}");
    }
    let error = way.call(&Ask::post("/api/v1/jobs", &"x".repeat(3_000))).await.unwrap_err();
    assert_eq!(error.status(), Some(413), "{error}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_too_often_waits() {
    let root = tempfile::tempdir().unwrap();
    let limits = Limits { stranger_rate_burst: 3, stranger_rate_per_second: 0.01, ..Limits::default() };
    let server = Server::start(klieg_api::ServerOptions { limits, ..options(&part(&root, "farm"), anywhere()) }).await.unwrap();
    farm(&server).await;
    let guess = |number: u32| format!("Authorization: Bearer guess-{number}\r\n");
    for number in 0..3 {
        let (status, text) = get(&server, "/api/v1/jobs", &guess(number)).await;
        assert!(status == 401 && text.contains(&format!("ratelimit-remaining: {}", 2 - number)), "{text}");
    }
    let (status, text) = get(&server, "/api/v1/jobs", &guess(3)).await;
    assert!(status == 429 && text.contains("retry-after: ") && text.contains("ratelimit-limit: 3"), "{text}");
    let owner = format!("Authorization: Bearer {TOKEN}\r\n");
    let (status, text) = get(&server, "/api/v1/jobs", &owner).await;
    assert!(status == 200 && !text.contains("ratelimit"), "the farm's own token is not counted: {text}");
    server.stop().await;
}

/// A server of few and quick connections.
async fn strict(folder: &std::path::Path) -> Server {
    let limits = Limits { connections_max: 3, header_read_max: Duration::from_millis(400), ..Limits::default() };
    Server::start(klieg_api::ServerOptions { limits, ..options(folder, anywhere()) }).await.unwrap()
}

/// What comes until the server hangs up.
async fn rest(stream: &mut tokio::net::TcpStream) -> String {
    let mut bytes = Vec::new();
    // A connection that is reset has ended too.
    let _ = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut bytes)).await.expect("it hangs up");
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_connection_too_many_is_told_so_and_idle_ones_make_room() {
    let root = tempfile::tempdir().unwrap();
    let server = strict(&part(&root, "farm")).await;
    let connect = || tokio::net::TcpStream::connect(server.address());
    let mut idle = Vec::new();
    for _ in 0..3 {
        idle.push(connect().await.unwrap());
    }
    let text = rest(&mut connect().await.unwrap()).await;
    assert!(text.starts_with("HTTP/1.1 429 ") && text.contains("connections_max") && text.contains("retry-after"), "{text:?}");
    let begun = tokio::time::Instant::now();
    for stream in &mut idle {
        assert_eq!(rest(stream).await, "", "who says nothing is hung up on");
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(get(&server, "/healthz", "").await.0, 200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_drips_is_not_waited_for() {
    let root = tempfile::tempdir().unwrap();
    let server = strict(&part(&root, "farm")).await;
    let mut stream = tokio::net::TcpStream::connect(server.address()).await.unwrap();
    let begun = tokio::time::Instant::now();
    // Each byte alone is quick enough.
    let dripping = async {
        for byte in b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ".iter().chain(std::iter::repeat(&b'a')) {
            if stream.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(8), dripping).await.expect("it hangs up");
    assert!(begun.elapsed() >= Duration::from_millis(400), "{:?}", begun.elapsed());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let root = tempfile::tempdir().unwrap();
    let limits = Limits { body_read_max: Duration::from_millis(300), ..Limits::default() };
    let server = Server::start(klieg_api::ServerOptions { limits, ..options(&part(&root, "farm"), anywhere()) }).await.unwrap();
    farm(&server).await;
    let head = format!("POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 100\r\n\r\n{{");
    let (status, text) = raw(&server, &head).await;
    assert!(status == 408 && text.contains("body_read_max"), "{text}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_go_by_the_farms_lease() {
    let root = tempfile::tempdir().unwrap();
    let server = serve(&part(&root, "farm"), anywhere()).await;
    farm(&server).await;
    let hand = Hand::join(Hand::remote(link(&server), &part(&root, "node")), 1).await;
    let rules = klieg_scheduler::state::Rules::default();
    let heard = hand.beat().await;
    assert_eq!((heard.lease_ms, heard.grace_ms), (rules.lease_ms, rules.grace_ms));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_sends_on_and_takes_over() {
    let root = tempfile::tempdir().unwrap();
    let folder = part(&root, "farm");
    let first = serve(&folder, anywhere()).await;
    farm(&first).await;
    let second = serve(&folder, anywhere()).await;
    let mut stand = second.stand();
    stand.wait_for(|stand| matches!(stand, klieg_api::Stand::Standby { leader: Some(_), .. })).await.unwrap();
    let (status, text) = get(&second, "/ready", "").await;
    assert!(status == 200 && text.contains("standby") && text.contains(first.url()), "{text}");
    assert_eq!(get(&second, "/healthz", "").await.0, 200);
    // An autoscaler does not follow with its token: the standby asks the leader. One that was asked by another does not.
    let auth = format!("Authorization: Bearer {TOKEN}\r\n");
    let (status, text) = get(&second, "/v1/backlog", &auth).await;
    assert!(status == 200 && text.contains(r#""classes":{"cpu":"#), "{text}");
    assert_eq!(get(&second, "/v1/backlog", "").await.0, 401);
    let (status, text) = get(&second, "/v1/backlog", &format!("{auth}klieg-passed-on: 1\r\n")).await;
    assert!(status == 307 && text.contains(first.url()), "{text}");
    // A caller that only knows the standby finds the leader.
    let way = Link::new(&link(&second)).unwrap();
    let backlog: Backlog = way.get(&Ask::new(Method::GET, "/v1/backlog")).await.unwrap();
    assert_eq!((backlog.ready, backlog.nodes), (0, 0));
    let begun = tokio::time::Instant::now();
    first.stop().await;
    farm(&second).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let both = LinkOptions { servers: vec![first_url(&root), second.url().into()], ..link(&second) };
    let backlog: Backlog = Link::new(&both).unwrap().get(&Ask::new(Method::GET, "/v1/backlog")).await.unwrap();
    assert_eq!((backlog.ready, backlog.nodes), (0, 0));
    second.stop().await;
}

/// A server that is not there.
fn first_url(_: &tempfile::TempDir) -> String {
    "http://127.0.0.1:9".into()
}
