//! A receiver of webhooks that does what the test wants, and remembers what came.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// What it does with what comes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Takes,
    /// Reads it, and says nothing.
    Silent,
}

/// A delivery: its headers, in lower case, and its body.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

pub struct Receiver {
    pub url: String,
    mood: Arc<Mutex<Mood>>,
    came: Arc<Mutex<Vec<Delivery>>>,
}

impl Receiver {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}/klieg", listener.local_addr().expect("an address"));
        let (mood, came) = (Arc::new(Mutex::new(Mood::Takes)), Arc::<Mutex<Vec<Delivery>>>::default());
        let (now, all) = (Arc::clone(&mood), Arc::clone(&came));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (now, all) = (Arc::clone(&now), Arc::clone(&all));
                std::thread::spawn(move || take(stream, &now, &all));
            }
        });
        Self { url, mood, came }
    }

    pub fn be(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    pub fn came(&self) -> Vec<Delivery> {
        self.came.lock().unwrap().clone()
    }

    /// Waits until so many deliveries have come.
    pub fn wait(&self, count: usize) -> Vec<Delivery> {
        let begun = Instant::now();
        while self.came().len() < count {
            assert!(begun.elapsed() < Duration::from_secs(60), "{} of {count} came", self.came().len());
            std::thread::sleep(Duration::from_millis(20));
        }
        self.came()
    }
}

fn take(stream: TcpStream, mood: &Mutex<Mood>, all: &Mutex<Vec<Delivery>>) {
    let mut reader = BufReader::new(stream);
    let (mut headers, mut line) = (BTreeMap::new(), String::new());
    while reader.read_line(&mut line).is_ok_and(|count| count > 2) {
        if let Some((name, value)) = line.trim_end().split_once(": ") {
            headers.insert(name.to_lowercase(), value.to_owned());
        }
        line.clear();
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_err() {
        return;
    }
    let mood = *mood.lock().unwrap();
    all.lock().unwrap().push(Delivery { headers, body: String::from_utf8(body).expect("UTF-8") });
    let mut stream = reader.into_inner();
    match mood {
        Mood::Takes => drop(stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")),
        // Until the other side has gone.
        Mood::Silent => drop(stream.read(&mut [0])),
    }
}
