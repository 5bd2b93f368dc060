//! What every implementation of the port must do.

use super::{Bus, Page};
use klieg_protocol::{Event, JobId, JobState};
use std::{sync::Arc, time::Duration};

fn started(attempt: u32) -> Event {
    Event::TaskStarted { task: "t".into(), attempt, worker: 0 }
}

fn end() -> Event {
    Event::JobEnded { state: JobState::Succeeded, reason: None }
}

/// Panics where `bus`, which is empty, does not keep its word.
pub async fn check<B: Bus>(bus: Arc<B>) {
    let (one, two) = (JobId("one".into()), JobId("two".into()));
    assert!(!bus.knows(&one).await);
    bus.publish(&one, vec![started(1), started(2)]).await;
    bus.publish(&two, vec![started(9)]).await;
    assert!(bus.knows(&one).await);
    let page = bus.read(&one, 0).await;
    assert_eq!(page, Page { first: 0, events: vec![started(1), started(2)], ended: false });
    assert_eq!(bus.read(&one, 1).await.events, [started(2)], "replayed from an index");

    let waiting = tokio::spawn({
        let (bus, one) = (Arc::clone(&bus), one.clone());
        async move { bus.read(&one, 2).await }
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(!waiting.is_finished(), "there is nothing at 2 yet");
    bus.publish(&two, vec![started(10)]).await;
    bus.publish(&one, vec![end(), started(3)]).await;
    let page = waiting.await.expect("read");
    assert_eq!(page, Page { first: 2, events: vec![end()], ended: true }, "nothing follows the end");
    bus.publish(&one, vec![started(4)]).await;
    assert_eq!(bus.read(&one, 3).await, Page { first: 3, events: Vec::new(), ended: true });

    let waiting = tokio::spawn({
        let (bus, two) = (Arc::clone(&bus), two.clone());
        async move { bus.read(&two, 2).await }
    });
    bus.close().await;
    assert!(waiting.await.expect("read").ended, "closing ends every log");
    assert!(bus.read(&JobId("none".into()), 0).await.ended);
}
