use crate::house::{Hand, anywhere, farm, link, part, serve};
use klieg_api::client::Client;
use klieg_nodes::remote::{Ask, Cache, Link};
use klieg_protocol::{Dispatcher, Event, Incarnation, JobId, JobState, NodeId, Offer, TaskState, wire::Submission};
use std::{collections::BTreeMap, path::Path, time::Duration};

async fn submit(client: &Client, text: &[u8], tasks: u64) -> JobId {
    let digest = client.put(text).await.expect("uploaded");
    let inputs = BTreeMap::from([("text".to_owned(), digest)]);
    let (kind, label) = ("copy".to_owned(), "a copy".to_owned());
    let job = Submission { kind, label, params: tasks.into(), inputs, project: String::new(), priority: 0 };
    client.submit(&job).await.expect("accepted")
}

fn client(link: klieg_nodes::remote::LinkOptions, folder: &Path) -> Client {
    Client::new(&link, Cache::open(folder, 1 << 30).expect("a cache")).expect("a client")
}

async fn end(client: &Client, job: &JobId) -> (JobState, Vec<Event>) {
    let mut watch = client.watch(job);
    let mut all = Vec::new();
    while let Some(event) = tokio::time::timeout(Duration::from_secs(30), watch.next()).await.expect("in time").expect("watched") {
        if let Event::JobEnded { state, .. } = &event {
            return (*state, all);
        }
        all.push(event);
    }
    panic!("no end in {all:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_goes_through_the_door_and_back() {
    let root = tempfile::tempdir().unwrap();
    let server = serve(&part(&root, "farm"), anywhere()).await;
    let client = client(link(&server), &part(&root, "client"));
    let job = submit(&client, b"hello ", 2).await;
    let mut hand = Hand::join(Hand::remote(link(&server), &part(&root, "node")), 1).await;
    for _ in 0..2 {
        let dispatch = hand.next().await;
        hand.remote.progress(
            &dispatch.id,
            dispatch.token,
            klieg_protocol::Progress { fraction: 0.5, done: 1, note: "half".into() },
        );
        tokio::time::sleep(Duration::from_millis(600)).await;
        let report = hand.compute(&dispatch).await;
        assert!(hand.remote.report(report.clone()).await.unwrap(), "taken");
        hand.attempts.clear();
        assert!(!hand.remote.report(report).await.unwrap(), "the same again is refused, not counted");
    }
    let (state, events) = end(&client, &job).await;
    assert_eq!(state, JobState::Succeeded);
    let progress = events.iter().filter(|event| matches!(event, Event::TaskProgress { .. })).count();
    assert!(progress >= 2, "{events:?}");
    let tasks = client.tasks(&job).await.unwrap();
    let file = client.file(tasks[1].outputs["out"]).await.unwrap();
    assert_eq!(std::fs::read(file).unwrap(), b"hello copy/1");
    assert_eq!(client.jobs().await.unwrap()[0].state, JobState::Succeeded.into());
    server.stop().await;
}

/// The node finishes while there is no server, dies, and comes back: its result is taken as it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_outlives_the_server_and_the_node() {
    let root = tempfile::tempdir().unwrap();
    let (farm_folder, node_folder) = (part(&root, "farm"), part(&root, "node"));
    let server = serve(&farm_folder, anywhere()).await;
    let (address, way) = (server.address(), link(&server));
    let client = client(way.clone(), &part(&root, "client"));
    let job = submit(&client, b"kept ", 1).await;
    let mut hand = Hand::join(Hand::remote(way.clone(), &node_folder), 1).await;
    let dispatch = hand.next().await;
    let report = hand.compute(&dispatch).await;
    server.stop().await;
    let handed = tokio::time::timeout(Duration::from_millis(700), hand.remote.report(report)).await;
    assert!(handed.is_err(), "there is nobody to take it");
    drop(hand);
    tokio::time::sleep(Duration::from_millis(100)).await;
    // Both begin a new life.
    let server = serve(&farm_folder, address).await;
    let remote = retry(|| {
        klieg_nodes::remote::Remote::open(&klieg_nodes::remote::RemoteOptions {
            link: way.clone(),
            cache: node_folder.clone(),
            cache_bytes_max: 1 << 30,
        })
    })
    .await;
    let hand = Hand::join(remote, 2).await;
    let (state, _) = end(&client, &job).await;
    assert_eq!(state, JobState::Succeeded);
    let task = &client.tasks(&job).await.unwrap()[0];
    assert_eq!((task.attempts, task.state), (1, TaskState::Succeeded), "nothing was computed again");
    assert_eq!(std::fs::read_dir(node_folder.join("outbox")).unwrap().count(), 0, "the outbox is empty");
    assert_eq!(std::fs::read(client.file(task.outputs["out"]).await.unwrap()).unwrap(), b"kept copy/0");
    drop(hand);
    server.stop().await;
}

/// The cache's lock goes with the last task that holds it.
async fn retry<T, E: std::fmt::Debug>(mut open: impl FnMut() -> Result<T, E>) -> T {
    for _ in 0..100 {
        if let Ok(open) = open() {
            return open;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    open().expect("opened")
}

/// The server goes and comes back while an attempt runs: the attempt goes on and counts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_goes_on_while_there_is_no_server() {
    let root = tempfile::tempdir().unwrap();
    let farm_folder = part(&root, "farm");
    let server = serve(&farm_folder, anywhere()).await;
    let (address, way) = (server.address(), link(&server));
    let client = client(way.clone(), &part(&root, "client"));
    let job = submit(&client, b"on ", 2).await;
    let mut hand = Hand::join(Hand::remote(way, &part(&root, "node")), 1).await;
    let (one, two) = (hand.next().await, hand.next().await);
    let watching = tokio::spawn({
        let (client, job) = (client.clone(), job.clone());
        async move { end(&client, &job).await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    server.stop().await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let server = serve(&farm_folder, address).await;
    farm(&server).await;
    hand.settle().await;
    for dispatch in [one, two] {
        let report = hand.compute(&dispatch).await;
        assert!(hand.remote.report(report).await.unwrap(), "the attempt of the earlier leader counts");
    }
    let (state, events) = watching.await.unwrap();
    assert_eq!(state, JobState::Succeeded);
    let added = events.iter().filter(|event| matches!(event, Event::TaskAdded { .. })).count();
    assert_eq!(added, 2, "each once, though two leaders told: {events:?}");
    assert!(client.tasks(&job).await.unwrap().iter().all(|task| task.attempts == 1));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fenced_result_is_refused_and_leaves_the_outbox() {
    let root = tempfile::tempdir().unwrap();
    let node_folder = part(&root, "node");
    let server = serve(&part(&root, "farm"), anywhere()).await;
    let client = client(link(&server), &part(&root, "client"));
    let job = submit(&client, b"late ", 1).await;
    let mut hand = Hand::join(Hand::remote(link(&server), &node_folder), 1).await;
    let dispatch = hand.next().await;
    client.cancel(&job).await.unwrap();
    assert_eq!(end(&client, &job).await.0, JobState::Cancelled);
    let report = hand.compute(&dispatch).await;
    assert!(!hand.remote.report(report).await.unwrap(), "nobody wants it");
    assert_eq!(std::fs::read_dir(node_folder.join("outbox")).unwrap().count(), 0);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_brings_too_much_is_told_so() {
    let root = tempfile::tempdir().unwrap();
    let server = serve(&part(&root, "farm"), anywhere()).await;
    farm(&server).await;
    let remote = Hand::remote(link(&server), &part(&root, "node"));
    for (name, slots, wanted) in [
        ("hand", u32::MAX, "the limit is 4096 (slots_per_device_max)"),
        (&*"n".repeat(300), 1, "its name has 300 bytes"),
        ("", 1, "node_name_max"),
    ] {
        let offer = Offer::of_cpu(NodeId(name.into()), Incarnation(1), slots, 1 << 30);
        let error = Link::new(&link(&server)).unwrap().call(&Ask::post("/v1/nodes/join", &offer)).await.unwrap_err();
        assert_eq!(error.status(), Some(422), "{error}");
        assert!(error.to_string().contains(wanted), "{error}");
    }
    // The agent hears it and ends, instead of coming again and again.
    let offer = Offer::of_cpu(NodeId("hand".into()), Incarnation(1), u32::MAX, 1 << 30);
    assert!(remote.join(offer).await.is_err());
    assert!(remote.fate().await.contains("slots_per_device_max"));
    server.stop().await;
}
