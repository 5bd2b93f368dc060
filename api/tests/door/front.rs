//! `/api/v1` as a web app uses it.

use crate::{
    house::{Hand, TOKEN, anywhere, farm, link, part, serve},
    roles::ask,
};
use klieg_api::{Server, access::TABLE, client::Client};
use klieg_nodes::remote::Cache;
use klieg_protocol::{Dispatcher, JobId};
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_has_the_routes_of_the_table_and_no_others() {
    let root = tempfile::tempdir().unwrap();
    let server = serve(&part(&root, "farm"), anywhere()).await;
    let (status, document) = ask(&server, "GET", "/api/v1/openapi.json", "", None).await;
    assert_eq!((status, &document["openapi"]), (200, &json!("3.1.0")));
    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, route) in item.as_object().unwrap().iter().filter(|(method, _)| *method != "parameters") {
            described.insert((method.to_uppercase(), path.clone()));
            assert!(route["summary"].is_string() && route["responses"]["401"].is_object(), "{method} {path}: {route}");
        }
    }
    let known: BTreeSet<(String, String)> = TABLE
        .iter()
        .filter(|(_, path, _)| path.starts_with("/api/v1/") && !path.ends_with("openapi.json"))
        .map(|(method, path, _)| ((*method).to_owned(), path.replace("{*", "{")))
        .collect();
    assert_eq!(described, known);
    server.stop().await;
}

/// A copied text, and its job.
async fn submitted(server: &Server, client: &Client, tasks: u64) -> Value {
    let text = client.put(b"good").await.unwrap();
    let job =
        json!({"kind": "copy", "label": "A copy", "params": tasks, "inputs": {"text": text.hex()}, "project": "p", "priority": 3});
    let (status, job) = ask(server, "POST", "/api/v1/jobs", TOKEN, Some(&job)).await;
    assert_eq!(status, 201, "{job}");
    job
}

fn client(server: &Server, root: &tempfile::TempDir) -> Client {
    Client::new(&link(server), Cache::open(&part(root, "client"), 1 << 30).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_from_its_estimate_to_its_outputs() {
    let root = tempfile::tempdir().unwrap();
    let server = serve(&part(&root, "farm"), anywhere()).await;
    farm(&server).await;
    let client = client(&server, &root);
    let text = client.put(b"good").await.unwrap();
    let new = json!({"kind": "copy", "params": 2, "inputs": {"text": text.hex()}});
    let (status, estimate) = ask(&server, "POST", "/api/v1/jobs/estimate", TOKEN, Some(&new)).await;
    assert_eq!((status, &estimate["tasks"], &estimate["seconds"]), (200, &json!(2), &json!(2.0)), "{estimate}");

    let job = submitted(&server, &client, 2).await;
    assert_eq!(
        (&job["state"], &job["project"], &job["priority"], &job["progress"]),
        (&json!("queued"), &json!("p"), &json!(3), &json!(0.0))
    );
    let id = job["id"].as_str().unwrap();
    let (_, why) = ask(&server, "GET", &format!("/api/v1/jobs/{id}/why"), TOKEN, None).await;
    assert!(why["sentences"][0].as_str().unwrap().contains("waits for a node"), "{why}");
    let mut hand = Hand::join(Hand::remote(link(&server), &part(&root, "node")), 1).await;
    let first = hand.next().await;
    let (_, nodes) = ask(&server, "GET", "/api/v1/nodes", TOKEN, None).await;
    let running: Vec<&Value> = nodes[0]["devices"][0]["tasks"].as_array().unwrap().iter().map(|task| &task["task"]).collect();
    assert!(running.contains(&&json!(first.id.task)), "{nodes}");
    assert_eq!((&nodes[0]["state"], &nodes[0]["devices"][0]["slots"]), (&json!("healthy"), &json!(2)));
    let (_, tasks) = ask(&server, "GET", &format!("/api/v1/jobs/{id}/tasks"), TOKEN, None).await;
    assert_eq!((&tasks[0]["state"], &tasks[0]["node"]), (&json!("running"), &json!("hand")), "{tasks}");
    let second = hand.next().await;
    for dispatch in [first, second] {
        let report = hand.compute(&dispatch).await;
        assert!(hand.remote.report(report).await.unwrap());
    }
    let status = loop {
        let (_, status) = ask(&server, "GET", &format!("/api/v1/jobs/{id}/status"), TOKEN, None).await;
        if status["status"] == "succeeded" {
            break status;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!((&status["progress"], &status["result"]["outputs"][0]["name"]), (&json!(100.0), &json!("copy/0/out")), "{status}");
    assert_eq!(status["result"]["outputs"][1]["bytes"], json!(4 + "copy/1".len()));
    let (_, tasks) = ask(&server, "GET", &format!("/api/v1/jobs/{id}/tasks"), TOKEN, None).await;
    let ended = |task: &Value| task["ended_at_ms"].as_u64() >= task["started_at_ms"].as_u64() && task["started_at_ms"].is_u64();
    assert!(tasks[1]["node"] == "hand" && tasks[1]["device"] == 0 && ended(&tasks[1]), "where it ran last: {tasks}");
    let (head, body) = raw(&server, "GET", &format!("/api/v1/jobs/{id}/outputs/copy/1/out"), "Range: bytes=2-5\r\n").await;
    assert!(head.starts_with("HTTP/1.1 206") && head.contains("content-range: bytes 2-5/10"), "{head}");
    assert_eq!(body, "odco");
    let tag = head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap();
    let (head, _) =
        raw(&server, "GET", &format!("/api/v1/jobs/{id}/outputs/copy/1/out"), &format!("If-None-Match: {tag}\r\n")).await;
    assert!(head.starts_with("HTTP/1.1 304"), "{head}");
    for wrong in ["copy/9/out", "../../etc/passwd", "..%2f..%2fetc%2fpasswd", "copy/1/out/"] {
        let (status, answer) = ask(&server, "GET", &format!("/api/v1/jobs/{id}/outputs/{wrong}"), TOKEN, None).await;
        assert_eq!(status, 404, "{wrong}: {answer}");
    }
    let (_, log) = raw(&server, "GET", &format!("/api/v1/jobs/{id}/logs"), "").await;
    assert!(log.contains("copy/0: begun (attempt 1)") && log.contains("the job succeeded"), "{log}");
    let (_, list) = ask(&server, "GET", "/api/v1/jobs?state=succeeded&label=COPY&limit=1", TOKEN, None).await;
    assert_eq!((&list["jobs"][0]["id"], &list["next"]), (&json!(id), &Value::Null));
    assert_eq!(ask(&server, "GET", "/api/v1/jobs?limit=0", TOKEN, None).await.0, 400);
    assert_eq!(ask(&server, "GET", "/api/v1/jobs?state=odd", TOKEN, None).await.0, 400);
    let (_, costs) = ask(&server, "GET", "/api/v1/costs", TOKEN, None).await;
    assert_eq!(costs["projects"].as_array().unwrap().iter().filter(|spent| spent["project"] == "p").count(), 1, "{costs}");
    assert_eq!(ask(&server, "DELETE", &format!("/api/v1/jobs/{id}"), TOKEN, None).await.0, 204);
    let (status, gone) = ask(&server, "GET", &format!("/api/v1/jobs/{id}"), TOKEN, None).await;
    assert_eq!((status, &gone["code"]), (404, &json!("no-such-job")), "{gone}");
    server.stop().await;
}

/// Head and body of a whole answer.
async fn raw(server: &Server, method: &str, path: &str, headers: &str) -> (String, String) {
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\n{headers}\r\n");
    let mut stream = tokio::net::TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    tokio::time::timeout(Duration::from_secs(20), stream.read_to_string(&mut text)).await.expect("in time").unwrap();
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    (head.to_owned(), body.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_steered() {
    let root = tempfile::tempdir().unwrap();
    let server = serve(&part(&root, "farm"), anywhere()).await;
    farm(&server).await;
    let client = client(&server, &root);
    let id = submitted(&server, &client, 3).await["id"].as_str().unwrap().to_owned();
    let (status, job) = ask(&server, "POST", &format!("/api/v1/jobs/{id}/priority"), TOKEN, Some(&json!({"priority": -7}))).await;
    assert_eq!((status, &job["priority"]), (200, &json!(-7)), "{job}");
    assert_eq!(ask(&server, "POST", &format!("/api/v1/jobs/{id}/retry"), TOKEN, None).await.0, 409, "it has not failed");
    assert_eq!(ask(&server, "DELETE", &format!("/api/v1/jobs/{id}"), TOKEN, None).await.0, 409, "it has not ended");
    assert_eq!(ask(&server, "POST", &format!("/api/v1/jobs/{id}/cancel"), TOKEN, None).await.0, 202);
    assert_eq!(ask(&server, "POST", &format!("/api/v1/jobs/{id}/priority"), TOKEN, Some(&json!({"priority": 1}))).await.0, 409);
    let (status, again) = ask(&server, "POST", &format!("/api/v1/jobs/{id}/retry"), TOKEN, None).await;
    assert_eq!((status, &again["priority"], &again["project"]), (202, &json!(-7), &json!("p")), "{again}");
    assert_ne!(again["id"], json!(id));

    let _hand = Hand::join(Hand::remote(link(&server), &part(&root, "node")), 1).await;
    assert_eq!(ask(&server, "POST", "/api/v1/nodes/hand/drain", TOKEN, None).await.0, 204);
    let (_, node) = ask(&server, "GET", "/api/v1/nodes/hand", TOKEN, None).await;
    assert_eq!((&node["state"], &node["reason"]), (&json!("draining"), &json!("an operator drains it")));
    assert_eq!(ask(&server, "POST", "/api/v1/nodes/hand/undrain", TOKEN, None).await.0, 204);
    let (_, node) = ask(&server, "GET", "/api/v1/nodes/hand", TOKEN, None).await;
    assert_eq!(node["state"], json!("healthy"));
    assert_eq!(ask(&server, "POST", "/api/v1/nodes/other/drain", TOKEN, None).await.0, 404);

    let share = json!({"weight": 2.5, "slots_max": 4});
    let (status, project) = ask(&server, "PUT", "/api/v1/projects/p", TOKEN, Some(&share)).await;
    assert_eq!((status, &project["weight"], &project["slots_max"]), (200, &json!(2.5), &json!(4)), "{project}");
    let (status, refused) = ask(&server, "PUT", "/api/v1/projects/p", TOKEN, Some(&json!({"weight": 0}))).await;
    assert_eq!((status, &refused["pointer"]), (422, &json!("/weight")), "{refused}");
    server.stop().await;
}

/// The events of a stream up to the one of that name: id, name and data of each.
async fn events(server: &Server, job: &str, last: Option<&str>, until: &str) -> Vec<(String, String, Value)> {
    let last = last.map(|last| format!("Last-Event-ID: {last}\r\n")).unwrap_or_default();
    let request = format!("GET /api/v1/jobs/{job}/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n{last}\r\n");
    let mut stream = tokio::net::TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    let read = async {
        loop {
            let count = stream.read(&mut buffer).await.unwrap();
            text.push_str(&String::from_utf8_lossy(&buffer[..count]));
            if count == 0
                || text.contains(&format!("event: {until}\n")) && ["\n\n\r\n", "0\r\n\r\n"].iter().any(|end| text.ends_with(end))
            {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), read).await.expect("events in time");
    let field =
        |part: &str, name: &str| part.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned();
    let told = |part: &&str| part.contains("event: ");
    text.split("\n\n")
        .filter(told)
        .map(|part| (field(part, "id:"), field(part, "event:"), serde_json::from_str(&field(part, "data:")).unwrap_or_default()))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_resume_without_a_gap() {
    let root = tempfile::tempdir().unwrap();
    let server = serve(&part(&root, "farm"), anywhere()).await;
    farm(&server).await;
    let client = client(&server, &root);
    let id = submitted(&server, &client, 2).await["id"].as_str().unwrap().to_owned();
    let mut hand = Hand::join(Hand::remote(link(&server), &part(&root, "node")), 1).await;
    let (first, second) = (hand.next().await, hand.next().await);
    let report = hand.compute(&first).await;
    assert!(hand.remote.report(report).await.unwrap());
    let before = events(&server, &id, None, "task_succeeded").await;
    let report = hand.compute(&second).await;
    assert!(hand.remote.report(report).await.unwrap());
    let all = events(&server, &id, None, "job_ended").await;
    assert_eq!(all[..before.len()], before[..]);
    assert_eq!(all.iter().map(|(id, ..)| id).collect::<BTreeSet<_>>().len(), all.len(), "every event has an id of its own");
    let last = &before.last().unwrap().0;
    let rest = events(&server, &id, Some(last), "job_ended").await;
    assert_eq!(rest, all[before.len()..]);
    let made_up = events(&server, &id, Some("ffff.3"), "job_ended").await;
    assert_eq!((made_up[0].1.as_str(), &made_up[1..]), ("reset", &all[..]), "another telling: from its beginning");
    // What our own client reads is the same.
    let mut watch = client.watch(&JobId(id));
    let mut told = 0;
    while watch.next().await.unwrap().is_some() {
        told += 1;
    }
    assert_eq!(told, all.len());
    server.stop().await;
}
