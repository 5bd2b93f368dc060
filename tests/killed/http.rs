//! HTTP by hand: what a client of any language does, byte by byte.

use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpStream},
    time::Duration,
};

/// A farm's server, and the token for it.
#[derive(Clone)]
pub struct Door {
    pub address: String,
    pub token: String,
}

/// What came: status, head in lower case, body.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().filter_map(|line| line.split_once(": ")).find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

impl Door {
    pub fn new(environment: &[(String, String)]) -> Self {
        let of = |name: &str| environment.iter().find(|(known, _)| known == name).expect("it is set").1.clone();
        Self { address: of("KLIEG_SERVER").trim_start_matches("http://").into(), token: of("KLIEG_TOKEN") }
    }

    /// A request whose body of `length` bytes is still to be sent.
    pub fn open(&self, method: &str, path: &str, headers: &str, length: usize) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).expect("the server listens");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
        let token = &self.token;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\nContent-Length: {length}\r\n{headers}\r\n"
        );
        stream.write_all(head.as_bytes()).expect("a head");
        stream
    }

    pub fn ask(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
        let mut stream = self.open(method, path, headers, body.len());
        // A server that refuses hangs up early.
        let _ = stream.write_all(body);
        answer(stream)
    }

    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "", b"")
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask("POST", path, "Content-Type: application/json\r\n", body.to_string().as_bytes())
    }
}

/// All that comes.
pub fn answer(mut stream: TcpStream) -> Answer {
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    let _ = stream.shutdown(Shutdown::Both);
    let end = all.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(all.len());
    let head = String::from_utf8_lossy(&all[..end]).to_lowercase();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Answer { status, head, body: all.get(end + 4..).unwrap_or_default().to_vec() }
}

/// A server-sent event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub id: String,
    pub name: String,
    pub data: String,
}

/// Reads events after one, until `enough`, the end of the stream, or the end of the server.
pub fn events(door: &Door, path: &str, after: &str, mut enough: impl FnMut(&Told) -> bool) {
    let headers = if after.is_empty() { String::new() } else { format!("Last-Event-ID: {after}\r\n") };
    let Ok(mut stream) = TcpStream::connect(&door.address) else { return };
    let _ = stream.set_read_timeout(Some(Duration::from_secs(60)));
    let token = &door.token;
    let head =
        format!("GET {path} HTTP/1.0\r\nHost: x\r\nAuthorization: Bearer {token}\r\nAccept: text/event-stream\r\n{headers}\r\n");
    if stream.write_all(head.as_bytes()).is_err() {
        return;
    }
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    if lines.next().is_none_or(|first| !first.contains(" 200 ")) {
        return;
    }
    let mut told = Told { id: String::new(), name: String::new(), data: String::new() };
    for line in lines.skip_while(|line| !line.is_empty()).skip(1) {
        match line.split_once(": ") {
            Some(("id", id)) => told.id = id.into(),
            Some(("event", name)) => told.name = name.into(),
            Some(("data", data)) => told.data = data.into(),
            // Half an event is none.
            _ if line.is_empty() && !told.name.is_empty() => {
                if enough(&told) {
                    return;
                }
                told = Told { id: String::new(), name: String::new(), data: String::new() };
            }
            _ => {}
        }
    }
}
