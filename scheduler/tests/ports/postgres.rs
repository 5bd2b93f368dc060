use klieg_protocol::JobId;
use klieg_scheduler::store::{
    Batch, Postgres, Store, StoreError,
    conformance::{self, Leader, job},
    lead_now, lead_when_free,
};
use klieg_servers::{Fault, Proxy, Sync};
use std::time::Duration;
use tokio::time::Instant;

/// As it goes over the wire: not part of another word.
const COMMIT: &[u8] = b"COMMIT\0";

fn of(id: &str) -> Batch {
    Batch { jobs: vec![job(id)], ..Batch::default() }
}

async fn there(store: &impl Store, id: &str) -> bool {
    store.job(&JobId(id.into())).await.unwrap().is_some()
}

#[tokio::test]
async fn postgres_conforms() {
    let server = klieg_servers::Postgres::start(Sync::Off);
    let store = Postgres::open(&server.url()).await.unwrap();
    conformance::check(&store).await;
    store.close().await;
}

/// One server for several questions: starting one takes longer than asking them.
#[tokio::test]
async fn commits_whose_answer_is_lost_are_found_out() {
    let server = klieg_servers::Postgres::start(Sync::Off);
    let proxy = Proxy::start(server.port()).await;
    let behind = Postgres::open(&klieg_servers::Postgres::url_at(proxy.port())).await.unwrap();
    let store = Postgres::open(&server.url()).await.unwrap();

    let epoch = lead_now(&behind, "a").await.unwrap();
    proxy.on(COMMIT, Fault::CutAnswer);
    behind.commit(epoch, 1, &of("job-000001")).await.expect("it was written, and asking says so");
    assert!(proxy.happened() && there(&store, "job-000001").await);

    proxy.on(COMMIT, Fault::Cut);
    let cut = behind.commit(epoch, 2, &of("job-000002")).await;
    assert!(matches!(&cut, Err(error) if error.retryable()), "{cut:?}");
    assert!(proxy.happened() && !there(&store, "job-000002").await);
    behind.commit(epoch, 2, &of("job-000002")).await.expect("the same again");
    assert!(there(&store, "job-000002").await && store.committed(epoch).await.unwrap() == 2);

    // It does not come through, and before the leader can ask another has taken over: it learns what became of its batch.
    proxy.on(COMMIT, Fault::Cut);
    assert!(behind.commit(epoch, 3, &of("job-000003")).await.is_err());
    lead_now(&store, "b").await.unwrap();
    let late = behind.commit(epoch, 3, &of("job-000003")).await;
    assert!(matches!(late, Err(StoreError::Fenced)), "{late:?}");
    behind.commit(epoch, 2, &of("job-000002")).await.expect("what it wrote, it wrote");
    assert!(!there(&store, "job-000003").await);
}

#[tokio::test]
async fn a_leader_that_stops_in_a_commit_keeps_nobody_from_taking_over() {
    let server = klieg_servers::Postgres::start(Sync::Off);
    let proxy = Proxy::start(server.port()).await;
    let paused = Postgres::open(&klieg_servers::Postgres::url_at(proxy.port())).await.unwrap();
    let standby = Postgres::open(&server.url()).await.unwrap();
    let epoch = lead_now(&paused, "paused").await.unwrap();
    proxy.on(COMMIT, Fault::Stall);
    let stuck = tokio::spawn(async move { paused.commit(epoch, 1, &of("job-000001")).await });
    while !proxy.happened() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // The open transaction holds the farm's row until the server ends it.
    let new = lead_when_free(&standby, "standby", Duration::from_millis(500), |_| {}).await.unwrap();
    assert!(new > epoch && !there(&standby, "job-000001").await);
    stuck.abort();
}

#[tokio::test]
async fn a_standby_takes_over_when_the_leader_is_silent_or_resigns() {
    let server = klieg_servers::Postgres::start(Sync::Off);
    let store = Postgres::open(&server.url()).await.unwrap();
    let standby = Postgres::open(&server.url()).await.unwrap();
    let lease = Duration::from_millis(1_000);
    let mut leader = Leader::new(&store).await;
    let waiting =
        tokio::spawn(async move { lead_when_free(&standby, "standby", lease, |_| {}).await.map(|epoch| (standby, epoch)) });
    for _ in 0..10 {
        tokio::time::sleep(lease / 5).await;
        store.beat(leader.epoch).await.expect("nobody takes over while the leader beats");
    }
    assert!(!waiting.is_finished());
    let (standby, epoch) = tokio::time::timeout(lease * 10, waiting).await.expect("soon").unwrap().unwrap();
    assert!(matches!(leader.commit(&of("job-000001")).await, Err(StoreError::Fenced)));

    standby.resign(epoch).await.unwrap();
    let asked = Instant::now();
    lead_when_free(&store, "again", Duration::from_secs(600), |_| {}).await.unwrap();
    assert!(asked.elapsed() < Duration::from_secs(60), "a free lead is taken at once");
}

#[tokio::test]
async fn a_server_that_comes_back_is_used_again() {
    let mut server = klieg_servers::Postgres::start(Sync::Off);
    let store = Postgres::open(&server.url()).await.unwrap();
    let epoch = lead_now(&store, "a").await.unwrap();
    store.commit(epoch, 1, &of("job-000001")).await.unwrap();
    server.crash();
    let away = store.commit(epoch, 2, &of("job-000002")).await;
    assert!(matches!(&away, Err(error) if error.retryable()), "{away:?}");
    let away = Postgres::open(&server.url()).await.err().unwrap().to_string();
    assert!(away.contains(&format!("127.0.0.1:{}", server.port())), "{away}");
    server.restart();
    store.commit(epoch, 2, &of("job-000002")).await.unwrap();
    assert!(there(&store, "job-000001").await && there(&store, "job-000002").await);
}
