//! The same on both databases.

use klieg_database::Database;
use klieg_ledger::{Answer, Begun, CLAIM_S, KEPT_S, Ledger, Quota, Room, UploadInfo};
use klieg_servers::{Postgres, Sync};

const NOW: i64 = 1_796_000_000;

fn answer() -> Answer {
    Answer { status: 201, location: Some("/api/v1/jobs/job-000001".into()), body: r#"{"id":"job-000001"}"#.into() }
}

async fn requests(ledger: &Ledger) {
    let Begun::Mine(mine) = ledger.begin("ada", "k", "body", NOW).await.unwrap() else { panic!("nobody had it") };
    assert_eq!(mine.begun_before, None);
    assert_eq!(ledger.begin("ada", "k", "body", NOW + 1).await.unwrap(), Begun::Busy);
    assert_eq!(ledger.begin("ada", "k", "another", NOW + 1).await.unwrap(), Begun::Other);
    assert!(matches!(ledger.begin("bob", "k", "another", NOW).await.unwrap(), Begun::Mine(_)), "keys are an account's own");
    assert!(ledger.answer(&mine, &answer()).await.unwrap());
    assert!(!ledger.answer(&mine, &answer()).await.unwrap(), "it is answered once");
    assert_eq!(ledger.begin("ada", "k", "body", NOW + KEPT_S - 1).await.unwrap(), Begun::Answered(answer()));
    assert!(matches!(ledger.begin("ada", "k", "another", NOW + KEPT_S).await.unwrap(), Begun::Mine(_)), "a day later it is free");
    // Whoever was at it has died: the next does it, and learns that it may have been done.
    let Begun::Mine(dead) = ledger.begin("ada", "l", "body", NOW).await.unwrap() else { panic!("nobody had it") };
    let Begun::Mine(next) = ledger.begin("ada", "l", "body", NOW + CLAIM_S).await.unwrap() else { panic!("it was left") };
    assert_eq!(next.begun_before, Some(NOW));
    assert!(!ledger.answer(&dead, &answer()).await.unwrap(), "it is not the dead one's any more");
    ledger.release(&dead).await.unwrap();
    assert_eq!(ledger.begin("ada", "l", "body", NOW + CLAIM_S).await.unwrap(), Begun::Busy);
    ledger.leave(&next).await.unwrap();
    let Begun::Mine(next) = ledger.begin("ada", "l", "body", NOW + CLAIM_S).await.unwrap() else { panic!("it was left again") };
    assert_eq!(next.begun_before, Some(NOW));
    ledger.release(&next).await.unwrap();
    assert!(matches!(ledger.begin("ada", "l", "another", NOW + CLAIM_S).await.unwrap(), Begun::Mine(_)), "it was let go");
    assert!(!ledger.requests("ada").await.unwrap().is_empty());
    ledger.forget_account("ada").await.unwrap();
    assert!(ledger.requests("ada").await.unwrap().is_empty());
    assert_eq!(ledger.forget_old_requests(NOW + KEPT_S).await.unwrap(), 1, "bob's");
}

/// Many at once: one does it.
async fn race(ledger: &Ledger) {
    let tries: Vec<_> = (0..16)
        .map(|_| {
            let ledger = ledger.clone();
            tokio::spawn(async move { ledger.begin("ada", "race", "body", NOW).await.unwrap() })
        })
        .collect();
    let mut mine = 0;
    for one in tries {
        mine += usize::from(matches!(one.await.unwrap(), Begun::Mine(_)));
    }
    assert_eq!(mine, 1);
}

async fn quotas(ledger: &Ledger) {
    assert_eq!(ledger.quota("p").await.unwrap(), Quota::default());
    let quota = Quota { jobs_open_max: Some(2), upload_bytes_max: Some(100), ..Quota::default() };
    ledger.set_quota("p", Quota { jobs_open_max: Some(9), ..Quota::default() }).await.unwrap();
    ledger.set_quota("p", quota).await.unwrap();
    assert_eq!((ledger.quota("p").await.unwrap(), ledger.quotas().await.unwrap().len()), (quota, 1));
    // What was spent before the month began is not this month's.
    assert_eq!(ledger.spent_this_month("p", 5_000, NOW).await.unwrap(), 0);
    assert_eq!(ledger.spent_this_month("p", 7_500, NOW + 60).await.unwrap(), 2_500);
    let later = NOW + 40 * 86_400;
    assert_eq!(ledger.spent_this_month("p", 7_500, later).await.unwrap(), 0);
    assert_eq!(ledger.begun_this_month(later).await.unwrap()["p"], 7_500);
    assert_eq!(ledger.forget_old_months(later + 400 * 86_400).await.unwrap(), 1);
    let upload = |digest: &str, bytes| UploadInfo { project: "p".into(), digest: digest.into(), bytes, uploaded_at: NOW };
    let take =
        |digest: &'static str, bytes| async move { ledger.take_room(&upload(digest, bytes), "ada", Some(100)).await.unwrap() };
    assert_eq!((take("a", 60).await, take("a", 60).await), (Room::Taken, Room::Counted));
    assert_eq!(take("b", 41).await, Room::Full { used: 60 });
    assert_eq!((take("c", 40).await, ledger.uploaded("p").await.unwrap()), (Room::Taken, 100));
    assert_eq!(ledger.uploads_of("p", NOW + 1, "").await.unwrap(), ["a", "c"]);
    assert_eq!(ledger.uploads_of("p", NOW + 1, "a").await.unwrap(), ["c"]);
    assert_eq!(ledger.all_uploaded().await.unwrap()["p"], 100);
    assert_eq!(ledger.uploads_by("ada").await.unwrap().len(), 2);
    ledger.give_room_back("p", "a").await.unwrap();
    assert_eq!(take("b", 60).await, Room::Taken);
}

async fn play(database: Database) {
    let ledger = Ledger::open(database.clone()).await.unwrap();
    requests(&ledger).await;
    race(&ledger).await;
    quotas(&ledger).await;
    let again = Ledger::open(database).await.unwrap();
    assert_eq!(again.quota("p").await.unwrap().jobs_open_max, Some(2), "it outlives whoever had it open");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    play(Database::open(&format!("sqlite:{}", folder.path().join("api.sqlite").display())).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_in_postgres() {
    let server = Postgres::start(Sync::Off);
    play(Database::open(&server.url()).await.unwrap()).await;
}
