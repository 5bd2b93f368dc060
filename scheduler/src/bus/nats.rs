//! Logs as subjects of one JetStream stream; requests and words as plain NATS messages.

mod log;
mod teller;

use super::{Bus, BusError, Cursor, LISTEN_MAX, Page, READ_MAX, Request, Stamp};
use crate::backoff::full_jitter;
use async_nats::{Client, ConnectOptions, Event as Change, Subject, jetstream};
use futures_util::StreamExt;
use klieg_protocol::{Event, JobId};
use log::Logs;
use std::time::Duration;
use teller::Teller;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, timeout, timeout_at},
};

/// How long connecting, and a question to the server, may take.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// The first wait before connecting again, and the longest.
const RECONNECT: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(4));

/// A NATS server or cluster with JetStream. Cut off, it connects again by itself; while it is away, events wait within bounds.
pub struct Nats {
    client: Client,
    at: String,
    prefix: String,
    logs: Logs,
    teller: Teller,
    closed: watch::Sender<bool>,
}

impl Nats {
    /// Connects to `nats://host:port[/name]`, or `tls://…`; several hosts with commas between. `name` keeps farms on the same
    /// servers apart. Names and passwords in the URL, or a credentials file in `NATS_CREDS`.
    pub async fn open(url: &str) -> Result<Self, BusError> {
        let (servers, prefix) = split(url);
        let at = redacted(&servers);
        let client = connect(&servers).await.map_err(|what| BusError::Unreachable { at: at.clone(), what })?;
        let mut context = jetstream::new(client.clone());
        context.set_timeout(ANSWER_MAX);
        let logs = Logs::open(context, &prefix).await.map_err(|what| BusError::Unreachable { at: at.clone(), what })?;
        let teller = Teller::start(logs.clone());
        Ok(Self { client, at, prefix, logs, teller, closed: watch::channel(false).0 })
    }

    fn subject(&self, subject: &str) -> Subject {
        format!("{}.{subject}", self.prefix).into()
    }

    async fn subscribe(&self, subject: Subject, group: Option<String>) -> Result<async_nats::Subscriber, BusError> {
        let away = |what: String| BusError::Unreachable { at: self.at.clone(), what };
        let subscriber = match group {
            Some(group) => self.client.queue_subscribe(subject, group).await,
            None => self.client.subscribe(subject).await,
        };
        let subscriber = subscriber.map_err(|e| away(e.to_string()))?;
        // The server takes orders one by one: when a message comes back, it has heard of the subscription.
        match timeout(ANSWER_MAX, self.echo()).await {
            Ok(Ok(())) => Ok(subscriber),
            Ok(Err(what)) => Err(away(what)),
            Err(_) => Err(away("it does not answer".into())),
        }
    }

    async fn echo(&self) -> Result<(), String> {
        let inbox = self.client.new_inbox();
        let mut echo = self.client.subscribe(inbox.clone()).await.map_err(|e| e.to_string())?;
        self.client.publish(inbox, Vec::new().into()).await.map_err(|e| e.to_string())?;
        echo.next().await.map(drop).ok_or_else(|| "the connection is closed".into())
    }
}

async fn connect(servers: &[String]) -> Result<Client, String> {
    let mut options = ConnectOptions::new()
        .name("klieg")
        .connection_timeout(ANSWER_MAX)
        .request_timeout(Some(ANSWER_MAX))
        .reconnect_delay_callback(|attempt| full_jitter(attempt, RECONNECT.0, RECONNECT.1))
        .event_callback(|change| async move {
            match change {
                Change::Connected => tracing::info!("connected to the bus"),
                other => tracing::warn!(%other, "the bus"),
            }
        });
    if let Some(file) = std::env::var_os("NATS_CREDS") {
        options = options.credentials_file(file).await.map_err(|e| format!("the file in NATS_CREDS: {e}"))?;
    }
    match timeout(ANSWER_MAX, options.connect(servers)).await {
        Ok(connected) => connected.map_err(|e| e.to_string()),
        Err(_) => Err("it does not answer".into()),
    }
}

/// The servers, and the farm's name.
fn split(url: &str) -> (Vec<String>, String) {
    let (scheme, rest) = url.split_once("://").unwrap_or(("nats", url));
    let (hosts, name) = rest.split_once('/').unwrap_or((rest, ""));
    let name = if name.is_empty() { "klieg" } else { name };
    (hosts.split(',').map(|host| format!("{scheme}://{host}")).collect(), log::token(name))
}

/// Without names and passwords.
fn redacted(servers: &[String]) -> String {
    let host = |server: &String| match (server.split_once("://"), server.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{host}"),
        _ => server.clone(),
    };
    servers.iter().map(host).collect::<Vec<_>>().join(",")
}

impl Bus for Nats {
    async fn begin(&self, job: &JobId, stamp: Stamp, events: Vec<Event>) {
        self.teller.tell(job, stamp, events, true);
    }

    async fn publish(&self, job: &JobId, stamp: Stamp, events: Vec<Event>) {
        self.teller.tell(job, stamp, events, false);
    }

    async fn knows(&self, job: &JobId) -> bool {
        let Ok(told) = timeout(ANSWER_MAX, self.teller.told(job)).await else { return false };
        told && matches!(self.logs.first(job).await, Ok(Some(0)))
    }

    async fn read(&self, job: &JobId, from: Cursor) -> Page {
        let deadline = Instant::now() + READ_MAX;
        let mut closed = self.closed.subscribe();
        // Before looking, so that nothing slips through between the look and the wait.
        let mut news = self.client.subscribe(self.logs.subject(job)).await.ok();
        loop {
            let last = *closed.borrow_and_update();
            match self.logs.page(job, from).await {
                Ok(Some(page)) => return page,
                Ok(None) if last => return Page { first: from.index, events: Vec::new(), next: from, ended: true },
                Ok(None) => {}
                Err(error) if last => {
                    tracing::debug!(error, "the bus is away");
                    return Page { first: from.index, events: Vec::new(), next: from, ended: true };
                }
                Err(error) => {
                    tracing::debug!(error, "the bus is away");
                    news = None;
                }
            }
            let wait = async {
                match &mut news {
                    Some(news) => drop(news.next().await),
                    None => tokio::time::sleep(RECONNECT.1 / 8).await,
                }
            };
            let woken = async {
                tokio::select! { () = wait => {}, _ = closed.changed() => {} }
            };
            if timeout_at(deadline, woken).await.is_err() {
                return Page { first: from.index, events: Vec::new(), next: from, ended: false };
            }
        }
    }

    async fn ask(&self, subject: &str, body: Vec<u8>, patience: Duration) -> Result<Vec<u8>, BusError> {
        let request = async_nats::Request::new().payload(body.into()).timeout(Some(patience));
        match self.client.send_request(self.subject(subject), request).await {
            Ok(answer) => Ok(answer.payload.into()),
            Err(_) => Err(BusError::NoAnswer { subject: subject.into() }),
        }
    }

    async fn serve(&self, subject: &str) -> Result<mpsc::Receiver<Request>, BusError> {
        let mut subscriber = self.subscribe(self.subject(subject), Some(self.prefix.clone())).await?;
        let (server, requests) = mpsc::channel(LISTEN_MAX);
        let client = self.client.clone();
        tokio::spawn(async move {
            loop {
                let message = tokio::select! { message = subscriber.next() => message, () = server.closed() => None };
                let Some(message) = message else { return };
                let Some(to) = message.reply else { continue };
                let (reply, answer) = oneshot::channel();
                // Past the bound the asker gets no answer.
                if server.try_send(Request { body: message.payload.into(), reply }).is_ok() {
                    let client = client.clone();
                    tokio::spawn(async move {
                        if let Ok(answer) = answer.await {
                            // An asker that cannot be reached has no answer, which it is ready for.
                            let _ = client.publish(to, answer.into()).await;
                        }
                    });
                }
            }
        });
        Ok(requests)
    }

    async fn tell(&self, subject: &str, body: Vec<u8>) {
        // It may be lost.
        let _ = timeout(ANSWER_MAX, self.client.publish(self.subject(subject), body.into())).await;
    }

    async fn listen(&self, subject: &str) -> Result<mpsc::Receiver<Vec<u8>>, BusError> {
        let mut subscriber = self.subscribe(self.subject(subject), None).await?;
        let (listener, told) = mpsc::channel(LISTEN_MAX);
        tokio::spawn(async move {
            loop {
                let message = tokio::select! { message = subscriber.next() => message, () = listener.closed() => None };
                let Some(message) = message else { return };
                // A listener that is behind loses it.
                let _ = listener.try_send(message.payload.into());
            }
        });
        Ok(told)
    }

    async fn close(&self) {
        self.teller.finish().await;
        self.closed.send_replace(true);
    }
}
