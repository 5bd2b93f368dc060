//! The WebSocket: who may come in, what is told, and that whoever comes back misses nothing.

use crate::{
    house::{Hand, TOKEN, anywhere, farm, link, options, part, serve},
    roles::{ask, member, ready},
};
use futures_util::{SinkExt, StreamExt};
use klieg_accounts::Role;
use klieg_api::{Limits, Server, ServerOptions, client::Client};
use klieg_nodes::remote::Cache;
use klieg_protocol::Dispatcher;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest, handshake::client::Request},
};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

fn request(server: &Server, protocols: &str) -> Request {
    let mut request = format!("ws://{}/api/v1/ws", server.address()).into_client_request().unwrap();
    if !protocols.is_empty() {
        request.headers_mut().insert("sec-websocket-protocol", protocols.parse().unwrap());
    }
    request
}

async fn connect(server: &Server, token: &str) -> Socket {
    let (socket, answer) = connect_async(request(server, &format!("klieg.v1, bearer.{token}"))).await.unwrap();
    assert_eq!(answer.headers()["sec-websocket-protocol"], "klieg.v1", "the token is not said back");
    let mut socket = socket;
    assert!(next(&mut socket).await["welcome"]["account"].is_string());
    socket
}

async fn say(socket: &mut Socket, said: Value) {
    socket.send(Message::text(said.to_string())).await.unwrap();
}

/// What comes next: a message, or the code with which the connection was closed.
async fn heard(socket: &mut Socket) -> Result<Value, u16> {
    loop {
        let next = tokio::time::timeout(Duration::from_secs(20), socket.next()).await.expect("a message in time");
        match next {
            Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
            Some(Ok(Message::Close(frame))) => return Err(frame.map_or(0, |frame| frame.code.into())),
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return Err(0),
        }
    }
}

async fn next(socket: &mut Socket) -> Value {
    heard(socket).await.expect("a message")
}

/// The next message that has this, past others.
async fn next_with(socket: &mut Socket, field: &str) -> Value {
    loop {
        let message = next(socket).await;
        if !message[field].is_null() {
            return message;
        }
    }
}

async fn submit(server: &Server, root: &tempfile::TempDir, tasks: u64, project: &str) -> String {
    let client = Client::new(&link(server), Cache::open(&part(root, "client"), 1 << 30).unwrap()).unwrap();
    let text = client.put(b"good").await.unwrap();
    let job = json!({"kind": "copy", "params": tasks, "inputs": {"text": text.hex()}, "project": project});
    let (status, job) = ask(server, "POST", "/api/v1/jobs", TOKEN, Some(&job)).await;
    assert_eq!(status, 201, "{job}");
    job["id"].as_str().unwrap().to_owned()
}

/// Does so many tasks.
async fn work(server: &Server, root: &tempfile::TempDir, tasks: u64) {
    let mut hand = Hand::join(Hand::remote(link(server), &part(root, "node")), 1).await;
    for _ in 0..tasks {
        let dispatch = hand.next().await;
        let report = hand.compute(&dispatch).await;
        assert!(hand.remote.report(report).await.unwrap());
        hand.attempts.clear();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_opens_it_in_either_way_and_nothing_else_does() {
    let root = tempfile::tempdir().unwrap();
    let server = serve(&part(&root, "farm"), anywhere()).await;
    ready(&server).await;
    let pair = member(&server, Role::Viewer).await;
    let viewer = pair["access_token"].as_str().unwrap();
    let mut socket = connect(&server, viewer).await;
    say(&mut socket, json!({"subscribe": {"queues": true, "nodes": true}})).await;
    assert_eq!(next(&mut socket).await["subscribed"]["queues"], true);
    assert_eq!(next_with(&mut socket, "queues").await["queues"].as_array().unwrap().len(), 3);

    let (mut socket, _) = connect_async(request(&server, "")).await.unwrap();
    say(&mut socket, json!({"token": viewer, "subscribe": {"jobs": "all"}})).await;
    assert_eq!(next(&mut socket).await["welcome"]["role"], "viewer");
    assert_eq!(next(&mut socket).await["subscribed"]["all"], true);
    // What is no message is said, and harms nobody.
    for wrong in ["{", r#"{"subscribe": {"job": []}}"#, r#"{"subscribe": {"jobs": ["job-000009"]}}"#] {
        socket.send(Message::text(wrong)).await.unwrap();
        let error = next_with(&mut socket, "error").await;
        assert!(error["error"]["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{error}");
    }
    // Who logs out hears no more.
    let (mut first, _) = connect_async(request(&server, "")).await.unwrap();
    say(&mut first, json!({"subscribe": {"jobs": "all"}})).await;
    assert_eq!(heard(&mut first).await, Err(4401), "without a token");
    let (mut wrong, _) = connect_async(request(&server, "klieg.v1")).await.unwrap();
    say(&mut wrong, json!({"token": "not-a-token"})).await;
    assert_eq!(heard(&mut wrong).await, Err(4401), "with a wrong one");
    match connect_async(request(&server, "klieg.v1, bearer.not-a-token")).await {
        Err(Error::Http(answer)) => assert_eq!(answer.status(), 401),
        other => panic!("{:?}", other.map(drop)),
    }
    // A node works, and looks at nothing.
    let pair = member(&server, Role::Node).await;
    let mut node = connect(&server, pair["access_token"].as_str().unwrap()).await;
    for wish in [json!({"jobs": "all"}), json!({"nodes": true}), json!({"queues": true}), json!({"projects": ["p"]})] {
        say(&mut node, json!({"subscribe": wish})).await;
        let error = next(&mut node).await;
        assert_eq!(error["error"]["code"], "forbidden", "{error}");
        let subscribed = next(&mut node).await["subscribed"].clone();
        assert_eq!((&subscribed["all"], &subscribed["nodes"]), (&json!(false), &json!(false)));
    }
    server.stop().await;
    assert!(matches!(heard_last(&mut node).await, 1012 | 0), "the server has ended");
}

/// The code with which a connection is closed, past messages.
async fn heard_last(socket: &mut Socket) -> u16 {
    loop {
        if let Err(code) = heard(socket).await {
            return code;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_comes_back_hears_each_event_once() {
    const TASKS: u64 = 30;
    let root = tempfile::tempdir().unwrap();
    let server = serve(&part(&root, "farm"), anywhere()).await;
    ready(&server).await;
    let job = submit(&server, &root, TASKS, "").await;
    let watching = async {
        let mut story: Vec<Value> = Vec::new();
        // Each connection is cut after a few events.
        for length in (3..).step_by(4) {
            let after = story.last().map(|last| json!({&job: last["id"]})).unwrap_or(json!({}));
            let mut socket = connect(&server, TOKEN).await;
            say(&mut socket, json!({"subscribe": {"jobs": [&job], "after": after}})).await;
            assert_eq!(next(&mut socket).await["subscribed"]["jobs"], json!([&job]));
            for _ in 0..length {
                let event = next(&mut socket).await;
                assert_eq!(event["job"], json!(job), "no reset, no error: {event}");
                story.push(event);
                if story.last().unwrap()["event"]["event"] == "job_ended" {
                    return story;
                }
            }
        }
        story
    };
    let (story, ()) = tokio::join!(watching, work(&server, &root, TASKS));
    let mut socket = connect(&server, TOKEN).await;
    say(&mut socket, json!({"subscribe": {"jobs": [&job]}})).await;
    next(&mut socket).await;
    let mut whole = Vec::new();
    while whole.last().is_none_or(|last: &Value| last["event"]["event"] != "job_ended") {
        whole.push(next(&mut socket).await);
    }
    assert!(whole.len() > 2 * TASKS as usize, "{}", whole.len());
    assert_eq!(story, whole, "in pieces as in one");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_are_told_as_they_stand() {
    let root = tempfile::tempdir().unwrap();
    let server = serve(&part(&root, "farm"), anywhere()).await;
    ready(&server).await;
    let mut all = connect(&server, TOKEN).await;
    say(&mut all, json!({"subscribe": {"jobs": "all"}})).await;
    let mut mine = connect(&server, TOKEN).await;
    say(&mut mine, json!({"subscribe": {"projects": ["p"]}})).await;
    let (other, job) = (submit(&server, &root, 1, "q").await, submit(&server, &root, 2, "p").await);
    let told = next_with(&mut mine, "job").await;
    assert_eq!((&told["job"]["id"], &told["job"]["state"]), (&json!(job), &json!("queued")), "{told}");
    let since = told["id"].as_str().unwrap().to_owned();
    work(&server, &root, 3).await;
    let ended = loop {
        let told = next_with(&mut mine, "job").await;
        assert_eq!(told["job"]["project"], "p");
        if told["job"]["state"] == "succeeded" {
            break told;
        }
    };
    assert_eq!(ended["job"]["id"], json!(job));
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let told = next_with(&mut all, "job").await;
        if told["job"]["state"] == "succeeded" {
            seen.push(told["job"]["id"].clone());
        }
    }
    seen.sort_by_key(Value::to_string);
    assert_eq!(seen, [json!(other), json!(job)]);
    // Whoever was away meanwhile is told what has ended.
    let mut back = connect(&server, TOKEN).await;
    say(&mut back, json!({"subscribe": {"projects": ["p"], "after": {"*": since}}})).await;
    assert_eq!(next_with(&mut back, "job").await["job"]["state"], "succeeded");
    server.stop().await;
}

async fn impatient(root: &tempfile::TempDir) -> Server {
    let limits = Limits {
        socket_slow_max: Duration::from_millis(300),
        socket_ping_every: Duration::from_millis(200),
        subscriptions_max: 2,
        ..options(root.path(), anywhere()).limits
    };
    let server = Server::start(ServerOptions { limits, ..options(&part(root, "farm"), anywhere()) }).await.unwrap();
    ready(&server).await;
    farm(&server).await;
    server
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_too_far_is_ended_with_the_reason() {
    let root = tempfile::tempdir().unwrap();
    let server = impatient(&root).await;
    let mut socket = connect(&server, TOKEN).await;
    say(&mut socket, json!({"subscribe": {"projects": ["a", "b", "c"]}})).await;
    assert_eq!(next_with(&mut socket, "error").await["error"]["code"], "too-many-subscriptions");
    let long = "x".repeat(17 << 10);
    let _ = socket.send(Message::text(json!({"token": long}).to_string())).await;
    assert_eq!(heard_last(&mut socket).await, 1009, "an oversized message");
    // A token that ends while its bearer watches.
    let pair = member(&server, Role::Viewer).await;
    let viewer = pair["access_token"].as_str().unwrap();
    let mut socket = connect(&server, viewer).await;
    assert_eq!(ask(&server, "POST", "/api/v1/auth/logout", viewer, None).await.0, 204);
    assert_eq!(heard_last(&mut socket).await, 4401);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_is_let_go_and_goes_on_later() {
    const TASKS: u64 = 40_000;
    let root = tempfile::tempdir().unwrap();
    let server = impatient(&root).await;
    let job = submit(&server, &root, TASKS, "").await;
    // More than the system keeps on the way.
    let mut socket = connect(&server, TOKEN).await;
    say(&mut socket, json!({"subscribe": {"jobs": [&job]}})).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (mut story, mut code) = (Vec::new(), 0);
    while code == 0 && story.len() < TASKS as usize {
        match heard(&mut socket).await {
            Ok(message) if !message["event"].is_null() => story.push(message["id"].clone()),
            Ok(_) => {}
            Err(closed) => {
                code = closed;
                break;
            }
        }
    }
    assert_eq!(code, 4408, "{} messages came", story.len());
    assert!(story.len() < TASKS as usize, "it was let go");
    let mut socket = connect(&server, TOKEN).await;
    say(&mut socket, json!({"subscribe": {"jobs": [&job], "after": {&job: story.last().unwrap()}}})).await;
    while story.len() < TASKS as usize {
        story.push(next_with(&mut socket, "event").await["id"].clone());
    }
    let index = |id: &Value| id.as_str().unwrap().split_once('.').unwrap().1.parse::<usize>().unwrap();
    assert!(story.iter().enumerate().all(|(at, id)| index(id) == at), "each once, in order");
    server.stop().await;
}
