//! The commands of a far scheduler: a long answer, one command a line. A line breaks off when the server goes, and is taken up
//! again with the next one that leads.

use super::{
    Inner,
    backoff::Backoff,
    link::{Answer, Ask, LinkError},
};
use bytes::{Buf, BytesMut};
use http_body_util::BodyExt;
use klieg_protocol::{Command, Commands, Offer};
use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::sync::mpsc;

/// Servers say every few seconds that they live.
const SILENCE_MAX: Duration = Duration::from_secs(15);
/// The longest line that is read.
const LINE_BYTES_MAX: usize = 64 << 20;

/// Lines of an answer.
pub struct Lines {
    body: hyper::body::Incoming,
    buffer: BytesMut,
    /// How much of the buffer has been looked through.
    seen: usize,
}

impl Lines {
    pub fn of(answer: Answer) -> Self {
        Self { body: answer.into_body(), buffer: BytesMut::new(), seen: 0 }
    }

    /// The next line that is not empty; `None` at the end. Fails when the other side is silent for too long.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, LinkError> {
        let away = |what: String| LinkError::Away { at: "its server".into(), what };
        loop {
            if let Some(length) = self.buffer[self.seen..].iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(self.seen + length).to_vec();
                self.buffer.advance(1);
                self.seen = 0;
                if line.is_empty() {
                    continue;
                }
                return Ok(Some(line));
            }
            self.seen = self.buffer.len();
            if self.seen > LINE_BYTES_MAX {
                return Err(away("it sends a line without an end".into()));
            }
            let frame = tokio::time::timeout(SILENCE_MAX, self.body.frame()).await;
            match frame.map_err(|_| away(format!("not a sign of life for {} s", SILENCE_MAX.as_secs())))? {
                None => return Ok(None),
                Some(frame) => {
                    if let Ok(bytes) = frame.map_err(|error| away(error.to_string()))?.into_data() {
                        self.buffer.extend_from_slice(&bytes);
                    }
                }
            }
        }
    }
}

/// What the agent reads.
pub struct Stream(mpsc::Receiver<Command>);

impl Commands for Stream {
    fn next(&mut self) -> Pin<Box<dyn Future<Output = Option<Command>> + Send + '_>> {
        Box::pin(self.0.recv())
    }
}

/// Joins, and keeps the commands coming until the agent drops the stream or no server wants it any more.
pub async fn open(inner: &Arc<Inner>, offer: Offer) -> Result<Stream, LinkError> {
    let turn = inner.next_turn();
    let Some(lines) = join(inner, &offer, turn).await? else {
        return Err(LinkError::Away { at: "the farm".into(), what: "the agent has joined again meanwhile".into() });
    };
    let (commands, stream) = mpsc::channel(1024);
    tokio::spawn(keep(Arc::downgrade(inner), offer, turn, lines, commands));
    Ok(Stream(stream))
}

/// Joins with the next server that leads. `None`: the agent has joined anew, and an older stream must not take its place.
async fn join(inner: &Arc<Inner>, offer: &Offer, turn: u64) -> Result<Option<Lines>, LinkError> {
    let ask = Ask::post("/v1/nodes/join", offer);
    let mut backoff = Backoff::default();
    loop {
        {
            let _one = inner.joining.lock().await;
            if !inner.is_turn(turn) {
                return Ok(None);
            }
            match inner.link.call(&ask).await {
                Ok(answer) => return Ok(Some(Lines::of(answer))),
                Err(error) if error.retryable() => tracing::debug!(%error, "failed to join; trying again"),
                Err(error) => return Err(error),
            }
        }
        backoff.wait(Duration::ZERO).await;
    }
}

async fn keep(inner: Weak<Inner>, offer: Offer, turn: u64, mut lines: Lines, commands: mpsc::Sender<Command>) {
    let mut backoff = Backoff::default();
    loop {
        let broken = tokio::select! {
            broken = read(&inner, &mut lines, &commands, &mut backoff) => broken,
            () = commands.closed() => return,
        };
        let Some(inner) = inner.upgrade() else { return };
        tracing::info!(why = broken.as_ref().map_or("it ended".into(), ToString::to_string), "the farm's commands broke off");
        let again = async {
            backoff.wait(Duration::ZERO).await;
            join(&inner, &offer, turn).await
        };
        lines = tokio::select! {
            again = again => match again {
                Ok(Some(lines)) => lines,
                Ok(None) => return,
                Err(error) => return inner.cast_out(&error.to_string()),
            },
            () = commands.closed() => return,
        };
        tracing::info!("the farm's commands come again");
    }
}

/// Passes commands on until the stream breaks.
async fn read(
    inner: &Weak<Inner>,
    lines: &mut Lines,
    commands: &mpsc::Sender<Command>,
    backoff: &mut Backoff,
) -> Option<LinkError> {
    loop {
        let line = match lines.next().await {
            Ok(Some(line)) => line,
            Ok(None) => return None,
            Err(error) => return Some(error),
        };
        backoff.reset();
        let command: Command = match serde_json::from_slice(&line) {
            Ok(command) => command,
            Err(error) => return Some(LinkError::Garbled { at: "its server".into(), what: error.to_string() }),
        };
        if let (Command::Run(dispatch), Some(inner)) = (&command, inner.upgrade()) {
            inner.pins.expect(dispatch);
        }
        if commands.send(command).await.is_err() {
            return None;
        }
    }
}
