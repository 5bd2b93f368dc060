//! Does what the engine decides, on one thread that owns the models: a device's stream belongs to nobody else.

use crate::{
    engine::{Effect, End, Engine, Event},
    residency::{Move, PartId},
    words::{Batch, Flow, Like, ModelId, ModelSpec, Outcome, Refused, Request, RequestId, Rules, Sequence, Stage},
};
use crossbeam::channel::{self, Receiver, RecvTimeoutError, Sender};
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
    thread::JoinHandle,
    time::Duration,
};

/// Orders that wait for the thread; past it, who submits waits.
const ORDERS_MAX: usize = 1024;
/// How often time passes for an engine that does nothing.
const TICK: Duration = Duration::from_secs(1);

/// What an executor does for one model. All calls come from one thread, and `run` only when all parts of its phase are loaded.
pub trait Model {
    type Input;
    type Output;
    type Preview;

    /// Takes what a request brings. Nothing is on the device yet.
    fn take(&mut self, request: &Request, input: Self::Input) -> Result<(), String>;
    /// Brings a part's weights to the device: from host memory if they are parked, else from the disk.
    fn load(&mut self, part: usize) -> Result<(), String>;
    /// Moves a part's weights to host memory.
    fn park(&mut self, part: usize);
    /// Frees a part's weights on the device.
    fn unload(&mut self, part: usize);
    /// Frees a part's weights in host memory, if there are any.
    fn forget(&mut self, part: usize);
    /// Makes the pool of blocks for keys and values.
    fn open_pool(&mut self) -> Result<(), String> {
        Ok(())
    }
    fn close_pool(&mut self) {}
    /// Runs one step for each entry. What comes out of a step depends on its request alone, never on who else is in the batch.
    fn run(&mut self, batch: &Batch) -> Result<Vec<Stepped<Self::Preview>>, Stopped>;
    /// Forgets a request's state, but not its input: it begins anew.
    fn reset(&mut self, request: RequestId);
    /// Frees everything of a request; what it made, if its last step is done.
    fn end(&mut self, request: RequestId) -> Option<Self::Output>;
}

/// How one step of a batch ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stepped<P> {
    pub outcome: Outcome,
    /// If the entry asked for one.
    pub preview: Option<P>,
}

/// Why a batch did none of its steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// It is tried again smaller.
    OutOfMemory,
    /// All of its requests fail so.
    Failed(String),
}

/// How a request ended without an output.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("go on: it was cancelled")]
    Cancelled,
    #[error("run the model: {0}")]
    Failed(String),
}

/// What whoever asked hears, in this order; `Ended` comes once and last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News<O, P> {
    Progress { done: u64, of: u64 },
    Preview(P),
    Ended(Result<O, Ended>),
}

enum Order<M: Model + ?Sized> {
    Submit(Box<Request>, M::Input, Sender<News<M::Output, M::Preview>>),
    Cancel(RequestId),
    Preempt(RequestId),
    Close,
}

/// A thread with models. Dropping it cancels what is there and waits for the thread.
pub struct Driver<M: Model + ?Sized> {
    orders: Option<Sender<Order<M>>>,
    thread: Option<JoinHandle<()>>,
    next: AtomicU64,
}

/// A request that was handed in. Dropping it cancels the request.
pub struct Handle<M: Model + ?Sized> {
    pub id: RequestId,
    pub news: Receiver<News<M::Output, M::Preview>>,
    orders: Sender<Order<M>>,
}

/// What a request is, without a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    pub flow: Flow,
    pub model: ModelId,
    pub like: Like,
    pub stages: Vec<Stage>,
    pub state_bytes: u64,
    pub sequence: Option<Sequence>,
    pub preview_every: u32,
}

/// A model with its number and its sizes.
pub type Placed<M> = (ModelId, ModelSpec, Box<M>);

impl<M> Driver<M>
where
    M: Model + ?Sized + 'static,
    M::Input: Send + 'static,
    M::Output: Send + 'static,
    M::Preview: Send + 'static,
{
    /// Starts the thread, on which `make` makes the models. `clock`: milliseconds since any moment.
    ///
    /// # Errors
    /// If the thread cannot be started, or a model is none.
    pub fn start(
        rules: Rules,
        make: impl FnOnce() -> Vec<Placed<M>> + Send + 'static,
        clock: impl Fn() -> u64 + Send + 'static,
    ) -> Result<Self, Ended> {
        let (orders, inbox) = channel::bounded(ORDERS_MAX);
        let (ready, started) = channel::bounded(1);
        let body = move || {
            let mut work =
                Work { engine: Engine::new(rules), models: BTreeMap::new(), asked: BTreeMap::new(), clock, closing: false };
            let made = make().into_iter().try_for_each(|(id, spec, model)| {
                work.models.insert(id, model);
                work.engine.add(id, spec)
            });
            let ok = made.is_ok();
            let _ = ready.send(made);
            if ok {
                work.serve(&inbox);
            }
        };
        let thread = std::thread::Builder::new().name("engine".into()).spawn(body).map_err(|e| Ended::Failed(e.to_string()))?;
        started.recv().map_err(|_| Ended::Failed("its thread ended".into()))??;
        Ok(Self { orders: Some(orders), thread: Some(thread), next: AtomicU64::new(1) })
    }

    /// Hands a request in. Whether it is taken is heard as its end.
    pub fn submit(&self, wish: Wish, input: M::Input) -> Handle<M> {
        let id = RequestId(self.next.fetch_add(1, Ordering::Relaxed));
        let Wish { flow, model, like, stages, state_bytes, sequence, preview_every } = wish;
        let request = Request { id, flow, model, like, stages, state_bytes, sequence, preview_every };
        let (news, heard) = channel::unbounded();
        // The sender is there until the driver is dropped.
        let orders = self.orders.clone().unwrap_or_else(|| channel::bounded(0).0);
        if let Err(unsent) = orders.send(Order::Submit(Box::new(request), input, news))
            && let Order::Submit(_, _, news) = unsent.0
        {
            let _ = news.send(News::Ended(Err(Ended::Failed("its thread ended".into()))));
        }
        Handle { id, news: heard, orders }
    }

    /// Lets a request begin anew when there is room: others have its memory until then.
    pub fn preempt(&self, id: RequestId) {
        if let Some(orders) = &self.orders {
            let _ = orders.send(Order::Preempt(id));
        }
    }
}

impl<M: Model + ?Sized> Drop for Driver<M> {
    fn drop(&mut self) {
        if let Some(orders) = self.orders.take() {
            let _ = orders.send(Order::Close);
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl<M: Model + ?Sized> Handle<M> {
    pub fn cancel(&self) {
        let _ = self.orders.send(Order::Cancel(self.id));
    }

    /// Waits for the end.
    pub fn wait(self) -> Result<M::Output, Ended> {
        loop {
            match self.news.recv() {
                Ok(News::Ended(end)) => return end,
                Ok(_) => {}
                Err(_) => return Err(Ended::Failed("its thread ended".into())),
            }
        }
    }
}

impl<M: Model + ?Sized> Drop for Handle<M> {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// Who wants a request, and of which model.
type Asked<M> = (ModelId, Sender<News<<M as Model>::Output, <M as Model>::Preview>>);

/// What the thread has.
struct Work<M: Model + ?Sized, C> {
    engine: Engine,
    models: BTreeMap<ModelId, Box<M>>,
    asked: BTreeMap<RequestId, Asked<M>>,
    clock: C,
    closing: bool,
}

impl<M: Model + ?Sized, C: Fn() -> u64> Work<M, C> {
    /// Until the driver is dropped.
    fn serve(&mut self, inbox: &Receiver<Order<M>>) {
        // What runs has been done when its effect is done: the engine waits for nothing but orders.
        while !self.closing {
            match inbox.recv_timeout(TICK) {
                Ok(order) => self.order(order, inbox),
                Err(RecvTimeoutError::Timeout) => {
                    let effects = self.engine.step(Event::Tick, (self.clock)());
                    self.perform(effects, inbox);
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn order(&mut self, order: Order<M>, inbox: &Receiver<Order<M>>) {
        let effects = self.ordered(order);
        self.perform(effects, inbox);
    }

    fn ordered(&mut self, order: Order<M>) -> Vec<Effect> {
        let now = (self.clock)();
        match order {
            Order::Cancel(id) => self.engine.step(Event::Cancel(id), now),
            Order::Preempt(id) => self.engine.step(Event::Preempt(id), now),
            Order::Close => {
                self.closing = true;
                let all: Vec<RequestId> = self.asked.keys().copied().collect();
                all.into_iter().flat_map(|id| self.engine.step(Event::Cancel(id), now)).collect()
            }
            Order::Submit(request, input, news) => {
                let taken = match self.models.get_mut(&request.model) {
                    None => Err(Ended::Refused(Refused::NoModel(request.model))),
                    Some(model) => model.take(&request, input).map_err(Ended::Failed),
                };
                let (id, of) = (request.id, request.model);
                match taken.and_then(|()| self.engine.submit(*request, now).map_err(Ended::Refused)) {
                    Ok(effects) => {
                        self.asked.insert(id, (of, news));
                        effects
                    }
                    Err(ended) => {
                        if let Some(model) = self.models.get_mut(&of) {
                            drop(model.end(id));
                        }
                        let _ = news.send(News::Ended(Err(ended)));
                        Vec::new()
                    }
                }
            }
        }
    }

    /// Does what is to be done, and what follows from it, until nothing runs. Orders are taken in between two batches.
    fn perform(&mut self, effects: Vec<Effect>, inbox: &Receiver<Order<M>>) {
        let mut todo = effects;
        while let Some(event) = self.perform_once(todo) {
            todo = Vec::new();
            // Before the engine decides what runs next.
            while let Ok(order) = inbox.try_recv() {
                todo.extend(self.ordered(order));
            }
            todo.extend(self.engine.step(event, (self.clock)()));
            debug_assert!(crate::invariants::broken(&self.engine).is_empty());
        }
    }

    /// What came of the batch, if there was one.
    fn perform_once(&mut self, effects: Vec<Effect>) -> Option<Event> {
        let mut outcome = None;
        let mut failed: Option<(PartId, String)> = None;
        for effect in effects {
            match effect {
                // Behind a part that did not come nothing comes.
                Effect::Move(Move::Load(id)) if failed.is_some() => self.with(id.model, |model| model.forget(id.part)),
                Effect::Move(one) => failed = self.moved(one).or(failed),
                Effect::OpenPool(id) => self.with(id, |model| {
                    // No part: everything that was to be loaded behind it is lost.
                    let part = PartId { model: id, part: usize::MAX };
                    failed = model.open_pool().err().map(|what| (part, what));
                }),
                Effect::ClosePool(id) => self.with(id, |model| model.close_pool()),
                Effect::Run(batch) => {
                    outcome = Some(match failed.take() {
                        Some((part, what)) => Event::NotLoaded { part, what },
                        None => self.ran(&batch),
                    });
                }
                Effect::Reset(id) => self.of(id, |model| model.reset(id)),
                Effect::Progress { request, done, of } => self.tell(request, News::Progress { done, of }),
                Effect::Ended { request, end } => self.ended(request, end),
            }
        }
        outcome
    }

    fn with(&mut self, id: ModelId, act: impl FnOnce(&mut M)) {
        if let Some(model) = self.models.get_mut(&id) {
            act(model);
        }
    }

    fn of(&mut self, id: RequestId, act: impl FnOnce(&mut M)) {
        if let Some((model, _)) = self.asked.get(&id) {
            let model = *model;
            self.with(model, act);
        }
    }

    fn moved(&mut self, one: Move) -> Option<(PartId, String)> {
        let (Move::Load(id) | Move::Park(id) | Move::Unload(id) | Move::Forget(id)) = one;
        let mut failed = None;
        self.with(id.model, |model| match one {
            Move::Load(_) => {
                failed = model.load(id.part).err().map(|what| (id, what));
                if failed.is_some() {
                    model.forget(id.part);
                }
            }
            Move::Park(_) => model.park(id.part),
            Move::Unload(_) => model.unload(id.part),
            Move::Forget(_) => model.forget(id.part),
        });
        failed
    }

    fn ran(&mut self, batch: &Batch) -> Event {
        let Some(model) = self.models.get_mut(&batch.model) else { return Event::Ran(Vec::new()) };
        let count = batch.entries.len();
        match model.run(batch) {
            Err(Stopped::OutOfMemory) => Event::OutOfMemory,
            Err(Stopped::Failed(what)) => Event::Ran(vec![Outcome::Failed(what); count]),
            Ok(steps) => {
                let mut outcomes = Vec::with_capacity(count);
                for (entry, Stepped { outcome, preview }) in batch.entries.iter().zip(steps) {
                    if let Some(preview) = preview {
                        self.tell(entry.request, News::Preview(preview));
                    }
                    outcomes.push(outcome);
                }
                Event::Ran(outcomes)
            }
        }
    }

    fn tell(&self, id: RequestId, news: News<M::Output, M::Preview>) {
        if let Some((_, asked)) = self.asked.get(&id) {
            // Whoever asked may not listen any more.
            let _ = asked.send(news);
        }
    }

    fn ended(&mut self, id: RequestId, end: End) {
        let Some((model, asked)) = self.asked.remove(&id) else { return };
        let output = self.models.get_mut(&model).and_then(|model| model.end(id));
        let ended = match (end, output) {
            (End::Done, Some(output)) => Ok(output),
            (End::Done, None) => Err(Ended::Failed("it made nothing".into())),
            (End::Cancelled, _) => Err(Ended::Cancelled),
            (End::Failed(what), _) => Err(Ended::Failed(what)),
        };
        let _ = asked.send(News::Ended(ended));
    }
}
