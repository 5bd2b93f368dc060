//! `Idempotency-Key`: what is sent twice is done once.

use crate::{
    house::{Hand, TOKEN, anywhere, farm, link, part, serve},
    roles::ready,
};
use klieg_api::Server;
use klieg_protocol::{Dispatcher, JobId};
use klieg_scheduler::{Farm, JobRecord};
use serde_json::{Value, json};
use std::{path::Path, time::Duration};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Status, whether it was said before, and body.
async fn post(server: &Server, path: &str, key: &str, body: &Value) -> (u16, bool, Value) {
    let body = body.to_string();
    let request = format!(
        "POST /api/v1{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\nIdempotency-Key: {key}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = tokio::net::TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    tokio::time::timeout(Duration::from_secs(20), stream.read_to_string(&mut text)).await.expect("in time").unwrap();
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    assert!(status >= 300 || head.contains("location: /api/v1/jobs/"), "{head}");
    (status, head.contains("idempotent-replayed: true"), serde_json::from_str(body).unwrap_or_default())
}

async fn open(folder: &Path) -> (Server, Farm) {
    let server = serve(folder, anywhere()).await;
    ready(&server).await;
    let farm = farm(&server).await;
    (server, farm)
}

async fn jobs(farm: &Farm) -> Vec<JobRecord> {
    farm.jobs().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_under_the_same_key_is_one_job_also_after_its_end_and_a_restart() {
    let root = tempfile::tempdir().unwrap();
    let (server, led) = open(&part(&root, "farm")).await;
    let text = led.put(b"good".to_vec()).await.unwrap().hex();
    let job = json!({"kind": "copy", "inputs": {"text": text}});
    let (status, again, first) = post(&server, "/jobs", "one", &job).await;
    assert_eq!((status, again), (201, false), "{first}");
    let other = json!({"kind": "copy", "inputs": {"text": text}, "priority": 1});
    let (status, _, refused) = post(&server, "/jobs", "one", &other).await;
    assert_eq!((status, &refused["code"]), (422, &json!("idempotency-key-reused")), "{refused}");
    // Without a key the same job is another one as soon as the first has ended; with it, it is not.
    let mut hand = Hand::join(Hand::remote(link(&server), &part(&root, "node")), 1).await;
    let dispatch = hand.next().await;
    let report = hand.compute(&dispatch).await;
    assert!(hand.remote.report(report).await.unwrap());
    drop((hand, led));
    server.stop().await;
    let (server, led) = open(&part(&root, "farm")).await;
    let (status, again, second) = post(&server, "/jobs", "one", &job).await;
    assert_eq!((status, again, &second), (201, true, &first), "the same answer, word for word");
    assert_eq!(jobs(&led).await.len(), 1);
    let (_, again, third) = post(&server, "/jobs", "two", &job).await;
    assert!(!again && third["id"] != first["id"], "{third}");
    for bad in ["", "two words", &"k".repeat(256), "gr\u{fc}n"] {
        let (status, _, refused) = post(&server, "/jobs", bad, &job).await;
        assert_eq!((status, &refused["code"]), (400, &json!("bad-idempotency-key")), "{bad}: {refused}");
    }
    drop(led);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_are_one_job_and_what_is_refused_frees_its_key() {
    let root = tempfile::tempdir().unwrap();
    let (server, led) = open(&part(&root, "farm")).await;
    let missing = klieg_protocol::Digest::of(b"good").hex();
    let job = json!({"kind": "copy", "inputs": {"text": missing}});
    let (status, _, refused) = post(&server, "/jobs", "k", &job).await;
    assert_eq!((status, &refused["code"]), (422, &json!("missing-inputs")), "{refused}");
    led.put(b"good".to_vec()).await.unwrap();
    // Each would be a job of its own without the key: cancelled ones are not the same as one that runs.
    let tries: Vec<_> = (0..12).map(|_| post(&server, "/jobs", "k", &job)).collect();
    let answers = futures_util::future::join_all(tries).await;
    let ids: std::collections::BTreeSet<String> = answers.iter().map(|(_, _, job)| job["id"].to_string()).collect();
    assert!(ids.len() == 1 && answers.iter().all(|(status, ..)| *status == 201), "{answers:?}");
    assert_eq!(answers.iter().filter(|(_, again, _)| !again).count(), 1, "one was done: {answers:?}");
    let id = answers[0].2["id"].as_str().unwrap().to_owned();
    led.cancel(&JobId(id.clone())).await.unwrap();
    let retry = format!("/jobs/{id}/retry");
    let tries: Vec<_> = (0..6).map(|_| post(&server, &retry, "r", &Value::Null)).collect();
    let answers = futures_util::future::join_all(tries).await;
    assert!(answers.iter().all(|(status, _, job)| *status == 202 && job["id"] == answers[0].2["id"]), "{answers:?}");
    let again = answers[0].2["id"].as_str().unwrap().to_owned();
    led.cancel(&JobId(again)).await.unwrap();
    let (status, replayed, _) = post(&server, &retry, "r", &Value::Null).await;
    assert_eq!((status, replayed, jobs(&led).await.len()), (202, true, 2), "it was done again once");
    drop(led);
    server.stop().await;
}

/// The server was killed after the job was accepted and before it had noted the answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_whose_answer_was_lost_finds_its_job() {
    let root = tempfile::tempdir().unwrap();
    let (server, led) = open(&part(&root, "farm")).await;
    led.put(b"good".to_vec()).await.unwrap();
    let job = json!({"kind": "copy", "inputs": {"text": klieg_protocol::Digest::of(b"good").hex()}});
    let (_, _, first) = post(&server, "/jobs", "k", &job).await;
    led.cancel(&JobId(first["id"].as_str().unwrap().into())).await.unwrap();
    let file = format!("sqlite:{}", root.path().join("farm/accounts.sqlite").display());
    let database = klieg_database::Database::open(&file).await.unwrap();
    let lose = "UPDATE ledger_request SET status = NULL, answer = NULL, claimed_at = 0";
    assert_eq!(database.run(klieg_database::sql!(lose)).await.unwrap(), 1);
    let (status, again, second) = post(&server, "/jobs", "k", &job).await;
    assert_eq!((status, again, &second["id"]), (201, false, &first["id"]), "{second}");
    assert_eq!(jobs(&led).await.len(), 1, "it is not submitted twice, though it has ended");
    assert!(post(&server, "/jobs", "k", &job).await.1, "and noted this time");
    drop(led);
    server.stop().await;
}
