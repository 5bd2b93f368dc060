//! A slow line to a server: so that there is a middle in which it can be killed.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// What passes at a time, and how long that takes at least.
const PIECE: usize = 16 << 10;
const PAUSE: Duration = Duration::from_millis(3);

/// A line that is there as long as the process.
pub struct Line {
    pub url: String,
    up: Arc<AtomicU64>,
    down: Arc<AtomicU64>,
}

impl Line {
    /// To the server at an address, whichever life it is in.
    pub fn to(address: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (up, down) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let (address, counts) = (address.to_owned(), (Arc::clone(&up), Arc::clone(&down)));
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let Ok(far) = TcpStream::connect(&address) else { continue };
                let (near_again, far_again) = (near.try_clone().expect("a handle"), far.try_clone().expect("a handle"));
                let (up, down) = (Arc::clone(&counts.0), Arc::clone(&counts.1));
                std::thread::spawn(move || pass(near, far, &up));
                std::thread::spawn(move || pass(far_again, near_again, &down));
            }
        });
        Self { url, up, down }
    }

    /// Bytes that went to the server.
    pub fn up(&self) -> u64 {
        self.up.load(Ordering::SeqCst)
    }

    /// Bytes that came from it.
    pub fn down(&self) -> u64 {
        self.down.load(Ordering::SeqCst)
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, count: &AtomicU64) {
    let mut piece = vec![0; PIECE];
    while let Ok(bytes) = from.read(&mut piece) {
        if bytes == 0 || to.write_all(&piece[..bytes]).is_err() {
            break;
        }
        count.fetch_add(bytes as u64, Ordering::SeqCst);
        std::thread::sleep(PAUSE);
    }
    let _ = from.shutdown(std::net::Shutdown::Both);
    let _ = to.shutdown(std::net::Shutdown::Both);
}
