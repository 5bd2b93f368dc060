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

/// The two ways in which a batch is written, and what goes over the wire when it is: as one statement, in which the job is named, or, for what
/// cannot be, as several in a transaction.
#[derive(Clone, Copy)]
enum Written {
    AsOne,
    InTransaction,
}

impl Written {
    fn batch(self, id: &str) -> Batch {
        match self {
            Self::AsOne => of(id),
            Self::InTransaction => Batch { cancels_done: vec![JobId(id.into())], ..of(id) },
        }
    }

    fn sent(self, id: &str) -> Vec<u8> {
        match self {
            Self::AsOne => id.as_bytes().to_vec(),
            Self::InTransaction => COMMIT.to_vec(),
        }
    }
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
    lose_answers(&server, &proxy, Written::AsOne, ["job-000001", "job-000002", "job-000003"]).await;
    lose_answers(&server, &proxy, Written::InTransaction, ["job-000011", "job-000012", "job-000013"]).await;
}

async fn lose_answers(server: &klieg_servers::Postgres, proxy: &Proxy, written: Written, [one, two, three]: [&str; 3]) {
    let behind = Postgres::open(&klieg_servers::Postgres::url_at(proxy.port())).await.unwrap();
    let store = Postgres::open(&server.url()).await.unwrap();

    let epoch = lead_now(&behind, "a").await.unwrap();
    proxy.on(&written.sent(one), Fault::CutAnswer);
    behind.commit(epoch, 1, &written.batch(one)).await.expect("it was written, and asking says so");
    assert!(proxy.happened() && there(&store, one).await);

    proxy.on(&written.sent(two), Fault::Cut);
    let cut = behind.commit(epoch, 2, &written.batch(two)).await;
    assert!(matches!(&cut, Err(error) if error.retryable()), "{cut:?}");
    assert!(proxy.happened() && !there(&store, two).await);
    behind.commit(epoch, 2, &written.batch(two)).await.expect("the same again");
    assert!(there(&store, two).await && store.committed(epoch).await.unwrap() == 2);

    // It does not come through, and before the leader can ask another has taken over: it learns what became of its batch.
    proxy.on(&written.sent(three), Fault::Cut);
    assert!(behind.commit(epoch, 3, &written.batch(three)).await.is_err());
    lead_now(&store, "b").await.unwrap();
    let late = behind.commit(epoch, 3, &written.batch(three)).await;
    assert!(matches!(late, Err(StoreError::Fenced)), "{late:?}");
    behind.commit(epoch, 2, &written.batch(two)).await.expect("what it wrote, it wrote");
    assert!(!there(&store, three).await);
}

#[tokio::test]
async fn a_leader_that_stops_in_a_commit_keeps_nobody_from_taking_over() {
    let server = klieg_servers::Postgres::start(Sync::Off);
    let proxy = Proxy::start(server.port()).await;
    let standby = Postgres::open(&server.url()).await.unwrap();
    for written in [Written::AsOne, Written::InTransaction] {
        let paused = Postgres::open(&klieg_servers::Postgres::url_at(proxy.port())).await.unwrap();
        let epoch = lead_now(&paused, "paused").await.unwrap();
        proxy.on(&written.sent("job-000001"), Fault::Stall);
        let stuck = tokio::spawn(async move { paused.commit(epoch, 1, &written.batch("job-000001")).await });
        while !proxy.happened() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // An open transaction holds the farm's row until the server ends it.
        let new = lead_when_free(&standby, "standby", Duration::from_millis(500), |_| {}).await.unwrap();
        assert!(new > epoch && !there(&standby, "job-000001").await);
        stuck.abort();
    }
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
