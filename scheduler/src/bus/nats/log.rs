//! Jobs' logs in the stream: what is there, page by page, and how something is added.

use crate::{
    bus::{Cursor, Page, Stamp},
    store::Epoch,
};
use async_nats::{
    HeaderMap, Subject,
    jetstream::{
        self, Context,
        context::PublishErrorKind,
        message::{PublishMessage, StreamMessage},
        stream::{self, LastRawMessageErrorKind, Stream},
    },
};
use klieg_protocol::{Event, JobId};
use std::{fmt::Write, sync::Arc, time::Duration};

/// Most messages of a job's log; a message is what one commit told. Older ones go first.
const MESSAGES_PER_JOB_MAX: i64 = 50_000;
/// How long a log is kept.
const AGE_MAX: Duration = Duration::from_secs(7 * 24 * 3600);
/// The most that all logs take.
const BYTES_MAX: i64 = 4 << 30;
/// Most messages of a page.
const PAGE_MAX: usize = 256;

const INDEX: &str = "Klieg-Index";
const COUNT: &str = "Klieg-Count";
const STAMP: &str = "Klieg-Stamp";
const ENDED: &str = "Klieg-Ended";
const ROLLUP: &str = "Nats-Rollup";

/// The stream of all logs.
#[derive(Clone)]
pub struct Logs {
    context: Context,
    stream: Arc<Stream<()>>,
    config: Arc<stream::Config>,
    prefix: Arc<str>,
}

/// The end of a job's log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tail {
    /// Of its last message in the stream; 0: there is none.
    pub sequence: u64,
    /// Of the next event.
    pub index: u64,
    /// Of the last message: which telling, and which part of it.
    pub stamp: (Stamp, u32),
    pub ended: bool,
}

/// One message of a log.
pub struct Message {
    pub stamp: (Stamp, u32),
    pub index: u64,
    pub count: u64,
    pub ended: bool,
    /// What was there goes.
    pub anew: bool,
    /// A JSON array of events.
    pub body: String,
}

/// Why a message was not added.
pub enum Refused {
    /// The log's tail is another than was thought.
    Moved,
    /// It can never be.
    TooLarge,
    Away(String),
}

/// A word that can stand in a subject.
pub fn token(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let mut token = String::new();
    for c in text.chars() {
        if plain(c) {
            token.push(c);
        } else {
            // Writing to a string does not fail.
            let _ = write!(token, "_{:x}_", u32::from(c));
        }
    }
    token
}

impl Logs {
    pub async fn open(context: Context, prefix: &str) -> Result<Self, String> {
        let name = format!("{prefix}-events");
        let config = stream::Config {
            subjects: vec![format!("{prefix}.events.*")],
            max_messages_per_subject: MESSAGES_PER_JOB_MAX,
            max_age: AGE_MAX,
            max_bytes: BYTES_MAX,
            allow_rollup: true,
            name,
            ..stream::Config::default()
        };
        context.get_or_create_stream(config.clone()).await.map_err(|e| e.to_string())?;
        let stream = context.get_stream_no_info(&config.name).await.map_err(|e| e.to_string())?;
        Ok(Self { context, stream: Arc::new(stream), config: Arc::new(config), prefix: prefix.into() })
    }

    /// Makes the stream again if the server has lost it.
    pub async fn restore(&self) -> Result<(), String> {
        self.context.get_or_create_stream((*self.config).clone()).await.map(drop).map_err(|e| e.to_string())
    }

    pub fn subject(&self, job: &JobId) -> Subject {
        format!("{}.events.{}", self.prefix, token(&job.0)).into()
    }

    /// Tells this stream from one that a wiped server has made since.
    async fn incarnation(&self) -> Result<u64, String> {
        let info = self.stream.get_info().await.map_err(|e| e.to_string())?;
        Ok(info.created.unix_timestamp_nanos().unsigned_abs().try_into().unwrap_or(u64::MAX))
    }

    /// The first message at or after a place in the stream.
    async fn next(&self, job: &JobId, at: u64) -> Result<Option<StreamMessage>, String> {
        let found = self.stream.get_first_raw_message_by_subject(self.subject(job).as_str(), at.max(1)).await;
        present(found)
    }

    /// The index of the first event that is there.
    pub async fn first(&self, job: &JobId) -> Result<Option<u64>, String> {
        Ok(self.next(job, 1).await?.map(|message| number(&message.headers, INDEX)))
    }

    pub async fn tail(&self, job: &JobId) -> Result<Tail, String> {
        let found = self.stream.get_last_raw_message_by_subject(self.subject(job).as_str()).await;
        Ok(present(found)?.map_or_else(Tail::default, |message| Tail {
            sequence: message.sequence,
            index: number(&message.headers, INDEX) + number(&message.headers, COUNT),
            stamp: stamp(&message.headers),
            ended: message.headers.get(ENDED).is_some(),
        }))
    }

    /// What is there from a cursor on; `None`: nothing, and the log has not ended.
    pub async fn page(&self, job: &JobId, from: Cursor) -> Result<Option<Page>, String> {
        let log = self.incarnation().await?;
        let mut next = if from.log == log { from } else { Cursor { log, at: 0, index: from.index } };
        let (mut first, mut events, mut ended) = (from.index, Vec::new(), false);
        for _ in 0..PAGE_MAX {
            let Some(message) = self.next(job, next.at).await? else { break };
            let index = number(&message.headers, INDEX);
            if events.is_empty() {
                first = index;
            } else if index != next.index {
                // A gap begins a page, so that its reader sees it.
                break;
            }
            let told: Vec<Event> = serde_json::from_slice(&message.payload).map_err(|e| format!("a damaged log: {e}"))?;
            ended = message.headers.get(ENDED).is_some();
            next = Cursor { log, at: message.sequence + 1, index: index + told.len() as u64 };
            events.extend(told);
            if ended {
                break;
            }
        }
        if events.is_empty() {
            ended = self.tail(job).await?.ended;
        }
        Ok((ended || !events.is_empty()).then_some(Page { first, events, next, ended }))
    }

    /// Adds a message after `tail`.
    pub async fn append(&self, job: &JobId, tail: &Tail, message: &Message) -> Result<Tail, Refused> {
        let (Stamp { epoch: Epoch(epoch), number }, part) = message.stamp;
        let stamp = format!("{epoch}.{number}.{part}");
        let mut publish = PublishMessage::build()
            .payload(message.body.clone().into())
            .message_id(format!("{}.{stamp}", token(&job.0)))
            .expected_last_subject_sequence(tail.sequence)
            .header(STAMP, stamp.as_str())
            .header(INDEX, message.index.to_string())
            .header(COUNT, message.count.to_string());
        if message.ended {
            publish = publish.header(ENDED, "1");
        }
        if message.anew {
            publish = publish.header(ROLLUP, "sub");
        }
        let sent = self.context.send_publish(self.subject(job), publish).await;
        let done = match sent {
            Ok(ack) => ack.await,
            Err(error) => Err(error),
        };
        match done {
            // A duplicate is the message itself, whose first answer was lost.
            Ok(ack) => Ok(Tail {
                sequence: ack.sequence,
                index: message.index + message.count,
                stamp: message.stamp,
                ended: message.ended,
            }),
            Err(error) => Err(match error.kind() {
                PublishErrorKind::WrongLastSequence | PublishErrorKind::WrongLastMessageId => Refused::Moved,
                PublishErrorKind::MaxPayloadExceeded => Refused::TooLarge,
                _ => Refused::Away(error.to_string()),
            }),
        }
    }
}

fn present(
    found: Result<StreamMessage, async_nats::error::Error<LastRawMessageErrorKind>>,
) -> Result<Option<StreamMessage>, String> {
    match found {
        Ok(message) => Ok(Some(message)),
        Err(error) => match error.kind() {
            LastRawMessageErrorKind::NoMessageFound => Ok(None),
            LastRawMessageErrorKind::JetStream(error) if error.error_code() == jetstream::ErrorCode::STREAM_NOT_FOUND => Ok(None),
            other => Err(other.to_string()),
        },
    }
}

fn number(headers: &HeaderMap, name: &str) -> u64 {
    headers.get(name).and_then(|value| value.as_str().parse().ok()).unwrap_or(0)
}

fn stamp(headers: &HeaderMap) -> (Stamp, u32) {
    let text = headers.get(STAMP).map(|value| value.as_str()).unwrap_or_default();
    let mut parts = text.split('.');
    let mut next = || parts.next().unwrap_or_default();
    let (epoch, number, part) = (next(), next(), next());
    (Stamp { epoch: Epoch(epoch.parse().unwrap_or(0)), number: number.parse().unwrap_or(0) }, part.parse().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_plain_and_differ() {
        assert_eq!(token("job-000012"), "job-000012");
        assert_eq!(token("a.b/*>ä_"), "a_2e_b_2f__2a__3e__e4__5f_");
    }
}
