//! A server that knows nothing but a backlog.

use klieg_fleet::Backlog;
use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

pub const TOKEN: &str = "a-token-of-the-test";

#[derive(Clone)]
pub struct Farm {
    address: String,
    backlog: Arc<Mutex<Backlog>>,
}

impl Farm {
    /// Answers until the test's process ends.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let farm = Self { address, backlog: Arc::default() };
        let answers = farm.clone();
        thread::spawn(move || listener.incoming().flatten().for_each(|stream| answers.answer(stream)));
        farm
    }

    pub fn address(&self) -> String {
        self.address.clone()
    }

    pub fn set(&self, ready: u64, running: u64) {
        *self.backlog.lock().unwrap() = Backlog { ready, running, nodes: 0, slots: 0 };
    }

    fn answer(&self, stream: TcpStream) {
        let mut lines = BufReader::new(&stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
        let asked = lines.next().unwrap_or_default();
        let may = lines.filter(|line| line.eq_ignore_ascii_case(&format!("authorization: Bearer {TOKEN}"))).count() == 1;
        let (status, body) = match (asked.as_str(), may) {
            (_, false) => ("401 Unauthorized", String::new()),
            ("GET /v1/backlog HTTP/1.1", true) => {
                // Work of another class is none of this fleet's.
                let cuda = *self.backlog.lock().unwrap();
                let cpu = Backlog { ready: 1000, ..Backlog::default() };
                let body = serde_json::json!({ "ready": 1000 + cuda.ready, "running": cuda.running, "nodes": 0, "slots": 0,
                    "classes": { "cpu": cpu, "cuda": cuda } });
                ("200 OK", body.to_string())
            }
            // A standby, which knows where the leader is.
            ("GET /standby/v1/backlog HTTP/1.1", true) => {
                let location = format!("307 Temporary Redirect\r\nLocation: {0}/v1/backlog\r\nklieg-leader: {0}", self.address);
                return say(stream, &location, "");
            }
            _ => ("503 Service Unavailable", r#"{"title":"Not ready","detail":"the store cannot be reached"}"#.to_owned()),
        };
        say(stream, status, &body);
    }
}

fn say(mut stream: TcpStream, status: &str, body: &str) {
    // One that went away needs no answer.
    let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
}
