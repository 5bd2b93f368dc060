//! A program that is told: it keeps what it is sent and answers as a test wants.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
    sync::Notify,
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

/// What it does when it has read a request.
#[derive(Clone)]
pub enum Reply {
    /// Sends this and closes.
    Raw(String),
    /// Sends this when it is told to.
    When(Arc<Notify>, String),
    /// Sends the first, and then the second without an end.
    Endless(String, String),
    /// Nothing, and stays.
    Never,
}

pub fn status(line: &str) -> Reply {
    Reply::Raw(format!("HTTP/1.1 {line}\r\nContent-Length: 2\r\n\r\nok"))
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub line: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

pub struct Receiver {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    /// `reply`: what to answer to the request of that number, from 0.
    pub async fn start(reply: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::at(Ipv4Addr::LOCALHOST.into(), 0, None, reply).await.unwrap()
    }

    pub async fn at(
        address: IpAddr,
        port: u16,
        tls: Option<TlsAcceptor>,
        reply: impl Fn(usize) -> Reply + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind((address, port)).await?;
        let address = listener.local_addr()?;
        let (seen, connections): (Arc<Mutex<Vec<Seen>>>, Arc<AtomicUsize>) = Default::default();
        let (kept, counted, reply) = (Arc::clone(&seen), Arc::clone(&connections), Arc::new(reply));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let (kept, reply, tls) = (Arc::clone(&kept), Arc::clone(&reply), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, &kept, &*reply).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, &kept, &*reply).await;
                            }
                        }
                    }
                });
            }
        });
        Ok(Self { address, seen, connections, task })
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook?from=klieg", self.address)
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Waits until so many requests have come.
    pub async fn wait_for(&self, count: usize) {
        for _ in 0..1_000 {
            if self.seen().len() >= count {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("{} of {count} requests came", self.seen().len());
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    kept: &Mutex<Vec<Seen>>,
    reply: &(dyn Fn(usize) -> Reply + Send + Sync),
) {
    let Some(request) = read(&mut stream).await else { return };
    let number = {
        let mut kept = kept.lock().unwrap();
        kept.push(request);
        kept.len() - 1
    };
    let text = match reply(number) {
        Reply::Raw(text) => text,
        Reply::When(told, text) => {
            told.notified().await;
            text
        }
        Reply::Endless(first, again) => {
            let _ = stream.write_all(first.as_bytes()).await;
            while stream.write_all(again.as_bytes()).await.is_ok() {}
            return;
        }
        Reply::Never => std::future::pending().await,
    };
    let _ = stream.write_all(text.as_bytes()).await;
    let _ = stream.shutdown().await;
}

async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Option<Seen> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let mut lines = head.lines();
    let line = lines.next()?.to_owned();
    let header = |line: &str| line.split_once(':').map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()));
    let headers: BTreeMap<String, String> = lines.filter_map(header).collect();
    let length: usize = headers.get("content-length")?.parse().ok()?;
    while bytes.len() < end + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some(Seen { line, headers, body: String::from_utf8(bytes[end + 4..].to_vec()).ok()? })
}
