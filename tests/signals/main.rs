//! What the program tells of itself: its log, spans of traces, and the farm in a terminal.
#![expect(clippy::disallowed_methods, reason = "processes are waited for")]

mod logs;
mod top;
mod traces;

#[path = "../cluster/farm.rs"]
#[expect(dead_code, reason = "the cluster's tests need more of it")]
mod farm;
#[path = "../whole/support.rs"]
#[expect(dead_code, reason = "the films' tests need more of it")]
mod support;

use farm::Daemon;
use serde_json::Value;
use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

/// Asks a server; status and body.
fn ask(url: &str, method: &str, path: &str, headers: &str, body: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).expect("a server");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
    let length = body.len();
    let json = "Content-Type: application/json";
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{json}\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("answered");
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

/// The address of a server that says it.
fn url(server: &Daemon) -> String {
    server.said()["url"].as_str().expect("a URL").to_owned()
}

/// Waits until it is so.
fn until(what: &str, mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "not within a minute: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
