//! One WebSocket from its first to its last message.

use super::{
    Known,
    feeds::Feeds,
    words::{self, All, EVERY, End, Said, Subscribed, Told, Welcome, Which, Wish},
};
use crate::{app::App, front::events, problem::Trouble};
use axum::extract::ws::{Message, WebSocket};
use futures_util::{SinkExt, StreamExt, stream::SplitSink};
use http::StatusCode;
use klieg_accounts::Permission::{ReadFarm, ReadJobs};
use klieg_protocol::{Event, JobId};
use klieg_scheduler::{Farm, Place};
use std::{collections::BTreeMap, pin::pin, time::Duration};
use tokio::{
    sync::{broadcast::error::RecvError, mpsc},
    task::{AbortHandle, JoinSet},
    time::{Instant, MissedTickBehavior, interval, timeout},
};

/// How long somebody has to say who they are.
const TOKEN_MAX: Duration = Duration::from_secs(10);
/// Events that wait to be sent.
const WAITING_MAX: usize = 64;
/// How often is looked whether the farm has changed.
const LOOK: Duration = Duration::from_secs(1);
/// How long somebody who is hung up on has to hear why.
const FAREWELL_MAX: Duration = Duration::from_secs(5);
/// Pings without an answer.
const SILENT_PINGS_MAX: u32 = 3;

type Sink = SplitSink<WebSocket, Message>;

/// An event of a job that is followed; `None`: there are no more. The number says by which subscription.
type News = (u64, JobId, Place, Option<Event>);

/// A job that is followed.
struct Followed {
    number: u64,
    task: AbortHandle,
    telling: Option<u64>,
}

pub struct Session {
    app: App,
    farm: Farm,
    known: Option<Known>,
    feeds: Feeds,
    jobs: BTreeMap<JobId, Followed>,
    tasks: JoinSet<()>,
    count: u64,
    news: mpsc::Sender<News>,
    inbox: Option<mpsc::Receiver<News>>,
}

impl Session {
    pub fn new(app: App, farm: Farm, known: Option<Known>) -> Self {
        let (news, inbox) = mpsc::channel(WAITING_MAX);
        let (feeds, jobs, tasks) = (Feeds::default(), BTreeMap::new(), JoinSet::new());
        Self { app, farm, known, feeds, jobs, tasks, count: 0, news, inbox: Some(inbox) }
    }

    pub async fn run(mut self, socket: WebSocket) {
        let (mut sink, stream) = socket.split();
        let end = self.talk(&mut sink, stream).await;
        self.tasks.abort_all();
        let _ = timeout(FAREWELL_MAX, async {
            if let Some(frame) = end.frame() {
                let _ = sink.send(Message::Close(Some(frame))).await;
            }
            let _ = sink.close().await;
        })
        .await;
    }

    async fn talk(&mut self, sink: &mut Sink, mut stream: impl StreamExt<Item = Result<Message, axum::Error>> + Unpin) -> End {
        let Some(mut inbox) = self.inbox.take() else { return End::Gone };
        let (farm, mut endings) = (self.farm.clone(), self.farm.endings());
        let mut ended = pin!(farm.ended());
        let (mut look, mut ping) = (interval(LOOK), interval(self.app.limits.socket_ping_every));
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ping.reset();
        let (begun, mut silent) = (Instant::now(), 0);
        let mut out = self.welcome();
        loop {
            for message in std::mem::take(&mut out) {
                match timeout(self.app.limits.socket_slow_max, sink.send(message)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return End::Gone,
                    Err(_) => return End::Slow,
                }
            }
            let done = tokio::select! {
                heard = stream.next() => {
                    silent = 0;
                    self.hear(heard).await
                }
                Some(news) = inbox.recv() => Ok(self.event(news)),
                ending = endings.recv() => self.ended(ending).await,
                _ = look.tick() => match self.known.is_none() && begun.elapsed() > TOKEN_MAX {
                    true => Err(End::Unknown),
                    false => self.look().await,
                },
                _ = ping.tick() => {
                    silent += 1;
                    match silent > SILENT_PINGS_MAX {
                        true => Err(End::Slow),
                        false => self.ping().await,
                    }
                }
                () = &mut ended => Err(End::Elsewhere),
            };
            match done {
                Ok(messages) => out = messages,
                Err(end) => return end,
            }
        }
    }

    fn welcome(&self) -> Vec<Message> {
        let known = self.known.iter();
        let welcome = |known: &Known| {
            let caller = &known.who.caller;
            Told::Welcome { welcome: Welcome { account: &caller.account.0, role: caller.role.to_string() } }.message()
        };
        known.map(welcome).collect()
    }

    /// A token may end while its bearer watches.
    async fn ping(&mut self) -> Result<Vec<Message>, End> {
        if let Some(known) = &self.known {
            match Known::of(&self.app, &known.token).await {
                Ok(known) => self.known = Some(known),
                Err(trouble) if trouble.status() == StatusCode::UNAUTHORIZED => return Err(End::Unknown),
                // The accounts are away: who is in stays in.
                Err(_) => {}
            }
        }
        while self.tasks.try_join_next().is_some() {}
        Ok(vec![Message::Ping(Default::default())])
    }

    async fn look(&mut self) -> Result<Vec<Message>, End> {
        // What cannot be looked at now is looked at in a second.
        Ok(self.feeds.look(&self.app, &self.farm).await.unwrap_or_default())
    }

    async fn ended(&mut self, ending: Result<JobId, RecvError>) -> Result<Vec<Message>, End> {
        match ending {
            Ok(job) => Ok(self.feeds.ended(&self.farm, &job).await.unwrap_or_default()),
            Err(RecvError::Lagged(_)) if self.feeds.jobs() => Ok(vec![Told::Reset { reset: EVERY }.message()]),
            Err(RecvError::Lagged(_)) => Ok(Vec::new()),
            Err(RecvError::Closed) => Err(End::Elsewhere),
        }
    }

    fn event(&mut self, (number, job, place, event): News) -> Vec<Message> {
        // What was on its way when somebody lost interest in it.
        let Some(followed) = self.jobs.get_mut(&job).filter(|followed| followed.number == number) else { return Vec::new() };
        let Some(event) = event else {
            self.jobs.remove(&job);
            return Vec::new();
        };
        let mut out = Vec::new();
        if followed.telling.replace(place.telling).is_some_and(|before| before != place.telling) {
            out.push(Told::Reset { reset: &job.0 }.message());
        }
        out.push(Told::Event { event: &event, job: &job.0, id: events::id(place) }.message());
        out
    }

    async fn hear(&mut self, heard: Option<Result<Message, axum::Error>>) -> Result<Vec<Message>, End> {
        let text = match heard {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(Vec::new()),
            Some(Ok(Message::Binary(_))) => {
                return Ok(vec![words::error(Trouble::new(StatusCode::BAD_REQUEST, "messages are JSON texts"))]);
            }
            Some(Ok(Message::Close(_))) | None => return Err(End::Gone),
            Some(Err(error)) => return Err(if too_long(&error) { End::TooLong } else { End::Gone }),
        };
        if let Some(known) = self.known.as_ref().filter(|known| !known.who.owns) {
            let left = self.app.rates.of_known(&known.who.caller.account.0, &self.app.limits);
            if !left.granted {
                let trouble = Trouble::new(StatusCode::TOO_MANY_REQUESTS, "too many messages; wait").coded("too-often");
                return Ok(vec![words::error(trouble)]);
            }
        }
        match serde_json::from_str::<Said>(&text) {
            Ok(said) => self.understand(said).await,
            Err(_) if self.known.is_none() => Err(End::Unknown),
            Err(error) => {
                let detail = format!("the message is not what is understood here: {error}");
                Ok(vec![words::error(Trouble::new(StatusCode::BAD_REQUEST, detail))])
            }
        }
    }

    async fn understand(&mut self, said: Said) -> Result<Vec<Message>, End> {
        let mut out = Vec::new();
        if let Some(token) = said.token {
            self.known = Some(Known::of(&self.app, &token).await.map_err(|_| End::Unknown)?);
            out.extend(self.welcome());
        }
        if self.known.is_none() {
            return Err(End::Unknown);
        }
        let wishes = said.unsubscribe.is_some() || said.subscribe.is_some();
        if let Some(wish) = said.unsubscribe {
            self.unsubscribe(wish);
        }
        let mut missed = Vec::new();
        if let Some(wish) = said.subscribe {
            match self.subscribe(wish).await {
                Ok(told) => missed = told,
                Err(trouble) => out.push(words::error(trouble)),
            }
        }
        if wishes {
            out.push(self.subscribed());
        }
        out.extend(missed);
        Ok(out)
    }

    fn subscribed(&self) -> Message {
        let Feeds { all, projects, nodes, queues, .. } = &self.feeds;
        let jobs = self.jobs.keys().map(|job| job.0.as_str()).collect();
        let projects = projects.iter().map(String::as_str).collect();
        Told::Subscribed { subscribed: Subscribed { jobs, all: *all, projects, nodes: *nodes, queues: *queues } }.message()
    }

    fn unsubscribe(&mut self, wish: Wish) {
        match wish.jobs {
            Some(Which::All(All::All)) => self.feeds.all = false,
            Some(Which::Some(jobs)) => jobs.into_iter().for_each(|job| self.drop_job(&JobId(job))),
            None => {}
        }
        self.feeds.projects.retain(|project| !wish.projects.contains(project));
        self.feeds.nodes &= !wish.nodes;
        self.feeds.queues &= !wish.queues;
    }

    fn drop_job(&mut self, job: &JobId) {
        if let Some(followed) = self.jobs.remove(job) {
            followed.task.abort();
        }
    }

    /// Whether who is spoken to may hear of all of it: what the routes would show.
    fn allowed(&self, wish: &Wish) -> Result<(), Trouble> {
        let may = |permission| self.known.as_ref().is_some_and(|known| known.who.may(permission));
        let wanted = match wish {
            Wish { jobs: Some(_), .. } if !may(ReadJobs) => "read-jobs",
            Wish { projects, .. } if !projects.is_empty() && !may(ReadJobs) => "read-jobs",
            Wish { nodes: true, .. } if !may(ReadFarm) => "read-farm",
            Wish { queues: true, .. } if !(may(ReadFarm) || may(ReadJobs)) => "read-farm or read-jobs",
            _ => return Ok(()),
        };
        let detail = format!("that wants the permission {wanted}; an admin can give it");
        Err(Trouble::new(StatusCode::FORBIDDEN, detail))
    }

    /// Gives what was missed of the jobs in general.
    async fn subscribe(&mut self, wish: Wish) -> Result<Vec<Message>, Trouble> {
        self.allowed(&wish)?;
        let jobs = match &wish.jobs {
            Some(Which::Some(jobs)) => jobs.as_slice(),
            _ => &[],
        };
        let most = self.app.limits.subscriptions_max;
        if self.jobs.len() + jobs.len() > most || self.feeds.projects.len() + wish.projects.len() > most {
            let detail = format!("one connection follows {most} jobs and {most} projects at most (subscriptions_max)");
            return Err(Trouble::new(StatusCode::TOO_MANY_REQUESTS, detail).coded("too-many-subscriptions"));
        }
        for job in jobs {
            let job = JobId(job.clone());
            self.farm.job(&job).await?;
            let after = wish.after.get(&job.0).and_then(|id| events::place(id));
            self.follow(job, after);
        }
        let all = matches!(wish.jobs, Some(Which::All(All::All)));
        self.feeds.forget();
        self.feeds.all |= all;
        self.feeds.nodes |= wish.nodes;
        self.feeds.queues |= wish.queues;
        let general = all || !wish.projects.is_empty();
        self.feeds.projects.extend(wish.projects);
        match wish.after.get(EVERY).filter(|_| general) {
            Some(since) => self.feeds.missed(&self.farm, since).await,
            None => Ok(Vec::new()),
        }
    }

    fn follow(&mut self, job: JobId, after: Option<Place>) {
        self.drop_job(&job);
        self.count += 1;
        let number = self.count;
        let mut watch = match after {
            Some(place) => self.farm.watch_after(&job, place),
            None => self.farm.watch(&job),
        };
        let (news, id) = (self.news.clone(), job.clone());
        let task = self.tasks.spawn(async move {
            loop {
                let event = watch.next().await;
                let over = event.is_none();
                // Waits as long as the client reads: nothing is left out.
                if news.send((number, id.clone(), watch.place(), event)).await.is_err() || over {
                    return;
                }
            }
        });
        self.jobs.insert(job, Followed { number, task, telling: after.map(|place| place.telling) });
    }
}

/// Whether reading failed because a message is longer than it may be.
fn too_long(error: &axum::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if error.to_string().contains("too long") || error.to_string().contains("Space limit exceeded") {
            return true;
        }
        cause = error.source();
    }
    false
}
