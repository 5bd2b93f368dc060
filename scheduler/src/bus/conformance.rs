//! What every implementation of the port must do; the simulation's too (feature `conformance`).

use super::{Bus, BusError, Cursor, Page, Stamp};
use crate::store::Epoch;
use klieg_protocol::{Event, JobId, JobState};
use std::{sync::Arc, time::Duration};

pub fn started(attempt: u32) -> Event {
    Event::TaskStarted { task: "t".into(), attempt, worker: 0 }
}

fn end() -> Event {
    Event::JobEnded { state: JobState::Succeeded, reason: None }
}

pub fn stamp(epoch: i64, number: u64) -> Stamp {
    Stamp { epoch: Epoch(epoch), number }
}

/// Reads from a cursor until so many events are there, or the end.
pub async fn collect(bus: &impl Bus, job: &JobId, from: Cursor, count: usize) -> Page {
    let mut all = bus.read(job, from).await;
    while all.events.len() < count && !all.ended {
        let more = bus.read(job, all.next).await;
        assert_eq!(more.first, all.next.index, "nothing is missing");
        (all.next, all.ended) = (more.next, more.ended);
        all.events.extend(more.events);
    }
    all
}

/// Panics where `bus`, which is empty, does not keep its word.
pub async fn check<B: Bus>(bus: Arc<B>) {
    logs(&bus).await;
    repeats(&*bus).await;
    anew(&*bus).await;
    messages(&*bus).await;
    closing(&bus).await;
}

async fn logs<B: Bus>(bus: &Arc<B>) {
    let (one, two) = (JobId("one".into()), JobId("two.b/ä".into()));
    assert!(!bus.knows(&one).await);
    bus.begin(&one, stamp(1, 1), vec![started(1)]).await;
    bus.publish(&one, stamp(1, 2), vec![started(2)]).await;
    bus.begin(&two, stamp(1, 2), vec![started(9)]).await;
    assert!(bus.knows(&one).await && bus.knows(&two).await);
    let page = collect(&**bus, &one, Cursor::default(), 2).await;
    assert_eq!((page.first, &page.events, page.ended), (0, &vec![started(1), started(2)], false));
    assert_eq!(page.next.index, 2);
    assert_eq!(collect(&**bus, &one, Cursor::default(), 2).await, page, "replayed from the beginning");

    let waiting = tokio::spawn({
        let (bus, one, next) = (Arc::clone(bus), one.clone(), page.next);
        async move { bus.read(&one, next).await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!waiting.is_finished(), "there is nothing yet");
    bus.publish(&two, stamp(1, 3), vec![started(10)]).await;
    bus.publish(&one, stamp(1, 4), vec![end(), started(3)]).await;
    let page = waiting.await.expect("read");
    assert_eq!((page.first, &page.events, page.ended), (2, &vec![end()], true), "nothing follows the end");
    bus.publish(&one, stamp(1, 5), vec![started(4)]).await;
    let after = bus.read(&one, page.next).await;
    assert_eq!((after.events, after.ended), (Vec::new(), true));
    let whole = collect(&**bus, &one, Cursor::default(), 9).await;
    assert_eq!((whole.events, whole.ended), (vec![started(1), started(2), end()], true));
    let page = collect(&**bus, &two, Cursor::default(), 2).await;
    assert_eq!(page.events, [started(9), started(10)], "logs are apart");
}

async fn repeats(bus: &impl Bus) {
    let job = JobId("repeats".into());
    bus.begin(&job, stamp(1, 1), vec![started(1)]).await;
    bus.begin(&job, stamp(1, 1), vec![started(1)]).await;
    bus.publish(&job, stamp(2, 1), vec![started(2)]).await;
    bus.publish(&job, stamp(1, 7), vec![started(77)]).await;
    bus.publish(&job, stamp(2, 2), (3..600).map(started).collect()).await;
    bus.publish(&job, stamp(2, 2), (3..600).map(started).collect()).await;
    bus.publish(&job, stamp(2, 3), vec![end()]).await;
    let page = collect(bus, &job, Cursor::default(), usize::MAX).await;
    let wanted: Vec<Event> = (1..600).map(started).chain([end()]).collect();
    assert_eq!(page.events.len(), wanted.len().min(page.events.len()), "nothing twice");
    assert_eq!(page.events, wanted[wanted.len() - page.events.len()..], "in order, without the deposed leader's");
}

async fn anew(bus: &impl Bus) {
    let job = JobId("anew".into());
    bus.begin(&job, stamp(3, 1), vec![started(1), started(2)]).await;
    let old = collect(bus, &job, Cursor::default(), 2).await;
    bus.begin(&job, stamp(3, 2), vec![started(5), end()]).await;
    let page = collect(bus, &job, old.next, 2).await;
    assert_eq!((page.first, &page.events, page.ended), (0, &vec![started(5), end()], true), "who has read on sees that it is anew");
    assert_eq!(collect(bus, &job, Cursor::default(), 2).await.events, [started(5), end()]);
    bus.begin(&job, stamp(4, 1), vec![started(6)]).await;
    assert!(bus.knows(&job).await);
    assert_eq!(collect(bus, &job, Cursor::default(), 1).await.events, [started(6)], "an ended one too");
    bus.publish(&job, stamp(4, 2), vec![started(7)]).await;
    let orphan = JobId("orphan".into());
    bus.publish(&orphan, stamp(4, 3), vec![started(8)]).await;
    let page = collect(bus, &orphan, Cursor::default(), 1).await;
    assert!(page.first > 0 && page.events == [started(8)], "what was before is missing");
    assert!(!bus.knows(&orphan).await, "a log without its beginning is not known");
    assert_eq!(collect(bus, &job, Cursor::default(), 2).await.events, [started(6), started(7)]);
}

async fn messages(bus: &impl Bus) {
    let patience = Duration::from_secs(5);
    let nobody = bus.ask("commands.submit", b"a".to_vec(), Duration::from_millis(200)).await;
    assert!(matches!(nobody, Err(BusError::NoAnswer { .. })), "{nobody:?}");
    let mut requests = bus.serve("commands.submit").await.expect("serve");
    let serving = async {
        let request = requests.recv().await.expect("a request");
        assert_eq!(request.body, b"a");
        request.reply.send(b"b".to_vec()).expect("the asker waits");
        drop(requests.recv().await.expect("another").reply);
    };
    let asking = async {
        assert_eq!(bus.ask("commands.submit", b"a".to_vec(), patience).await.expect("an answer"), b"b");
        let silent = bus.ask("commands.submit", b"c".to_vec(), Duration::from_millis(200)).await;
        assert!(matches!(silent, Err(BusError::NoAnswer { .. })), "{silent:?}");
    };
    tokio::join!(serving, asking);

    bus.tell("wake", b"lost".to_vec()).await;
    let (mut one, mut two) = (bus.listen("wake").await.expect("listen"), bus.listen("wake").await.expect("listen"));
    let mut other = bus.listen("telemetry.node-1").await.expect("listen");
    bus.tell("wake", b"up".to_vec()).await;
    assert_eq!(one.recv().await.expect("told"), b"up");
    assert_eq!(two.recv().await.expect("told"), b"up", "all who listen");
    bus.tell("telemetry.node-1", vec![0, 255]).await;
    assert_eq!(other.recv().await.expect("told"), [0, 255]);
}

async fn closing<B: Bus>(bus: &Arc<B>) {
    let job = JobId("open".into());
    bus.begin(&job, stamp(9, 1), vec![started(1)]).await;
    let page = collect(&**bus, &job, Cursor::default(), 1).await;
    let waiting = tokio::spawn({
        let (bus, job, next) = (Arc::clone(bus), job.clone(), page.next);
        async move { bus.read(&job, next).await }
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    bus.close().await;
    assert!(waiting.await.expect("read").ended, "closing ends every log");
    assert!(bus.read(&JobId("none".into()), Cursor::default()).await.ended);
}
