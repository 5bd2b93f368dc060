use klieg_protocol::{JobId, JobState};
use klieg_scheduler::bus::{
    Bus, Cursor, Nats,
    conformance::{self, collect, stamp, started},
};
use std::{sync::Arc, time::Duration};

#[tokio::test]
async fn nats_conforms() {
    let server = klieg_servers::Nats::start();
    conformance::check(Arc::new(Nats::open(&server.url()).await.unwrap())).await;
}

#[tokio::test]
async fn another_process_reads_asks_and_hears() {
    let server = klieg_servers::Nats::start();
    let (leader, replica) = (Nats::open(&server.url()).await.unwrap(), Nats::open(&server.url()).await.unwrap());
    let elsewhere = Nats::open(&format!("{}/studio-2", server.url())).await.unwrap();
    let job = JobId("job-000001".into());
    leader.begin(&job, stamp(1, 1), vec![started(1)]).await;
    let page = collect(&replica, &job, Cursor::default(), 1).await;
    assert_eq!((page.first, page.events), (0, vec![started(1)]));
    assert!(replica.knows(&job).await && !elsewhere.knows(&job).await, "farms are apart");

    // The next leader goes on; what the deposed one still says is dropped.
    replica.publish(&job, stamp(2, 1), vec![started(2)]).await;
    assert!(replica.knows(&job).await);
    leader.publish(&job, stamp(1, 2), vec![started(99)]).await;
    assert!(leader.knows(&job).await);
    replica.publish(&job, stamp(2, 2), vec![klieg_protocol::Event::JobEnded { state: JobState::Failed, reason: None }]).await;
    let all = collect(&leader, &job, Cursor::default(), 9).await;
    assert_eq!((all.events.len(), &all.events[..2], all.ended), (3, &[started(1), started(2)][..], true));

    let mut requests = leader.serve("commands").await.unwrap();
    let answering = async {
        let request = requests.recv().await.unwrap();
        request.reply.send([request.body, b"!".to_vec()].concat()).unwrap();
    };
    let (answer, ()) = tokio::join!(replica.ask("commands", b"hello".to_vec(), Duration::from_secs(5)), answering);
    assert_eq!(answer.unwrap(), b"hello!");
}

#[tokio::test]
async fn a_wiped_server_loses_logs_and_nothing_else() {
    let mut server = klieg_servers::Nats::start();
    let (leader, watcher) = (Nats::open(&server.url()).await.unwrap(), Nats::open(&server.url()).await.unwrap());
    let job = JobId("job-000001".into());
    leader.begin(&job, stamp(1, 1), vec![started(1), started(2)]).await;
    let read = collect(&watcher, &job, Cursor::default(), 2).await;
    server.wipe();
    leader.publish(&job, stamp(1, 2), vec![started(3)]).await;
    assert!(!leader.knows(&job).await, "its beginning is gone");
    let page = collect(&watcher, &job, read.next, 1).await;
    assert_eq!((page.first, &page.events), (2, &vec![started(3)]), "who has read the beginning misses nothing");
    assert!(!watcher.knows(&job).await);
    // Whoever describes the job begins its log with what the store tells.
    leader.begin(&job, stamp(1, 3), vec![started(1), started(2), started(3)]).await;
    assert!(leader.knows(&job).await && watcher.knows(&job).await);
    let page = collect(&watcher, &job, page.next, 3).await;
    assert_eq!((page.first, page.events), (0, vec![started(1), started(2), started(3)]), "and it is told so");
}

#[tokio::test]
async fn a_server_that_comes_back_gets_what_waited() {
    let mut server = klieg_servers::Nats::start();
    let bus = Nats::open(&server.url()).await.unwrap();
    let job = JobId("job-000001".into());
    bus.begin(&job, stamp(1, 1), vec![started(1)]).await;
    assert!(bus.knows(&job).await);
    server.crash();
    let handed_over = tokio::time::timeout(Duration::from_secs(1), async {
        for n in 2..200 {
            bus.publish(&job, stamp(1, u64::from(n)), vec![started(n)]).await;
        }
    });
    handed_over.await.expect("telling never waits");
    server.restart();
    let page = collect(&bus, &job, Cursor::default(), 199).await;
    assert_eq!(page.events, (1..200).map(started).collect::<Vec<_>>());
    assert!(bus.knows(&job).await);
}
