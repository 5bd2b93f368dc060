//! What projects may have.

use crate::{
    house::{Hand, TOKEN, anywhere, farm, link, part, serve},
    roles::{ask, ready},
};
use klieg_api::Server;
use klieg_protocol::{Digest, Dispatcher};
use serde_json::{Value, json};
use std::{path::Path, time::Duration};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

async fn open(folder: &Path) -> Server {
    let server = serve(folder, anywhere()).await;
    ready(&server).await;
    server
}

async fn set(server: &Server, quota: Value) {
    let (status, project) = ask(server, "PUT", "/api/v1/projects/p", TOKEN, Some(&json!({"quota": quota}))).await;
    assert_eq!(status, 200, "{project}");
}

async fn put(server: &Server, project: &str, bytes: &[u8]) -> (u16, Value) {
    let path = format!("/api/v1/assets/{}?project={project}", Digest::of(bytes).hex());
    let head = format!(
        "PUT {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {}\r\n\r\n",
        bytes.len()
    );
    let mut stream = tokio::net::TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(&[head.as_bytes(), bytes].concat()).await.unwrap();
    let mut text = String::new();
    let _ = tokio::time::timeout(Duration::from_secs(20), stream.read_to_string(&mut text)).await.expect("in time");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap_or_default())
}

/// A job of so many tasks of one slot-second each.
async fn submit(server: &Server, project: &str, tasks: u64) -> (u16, Value) {
    let text = Digest::of(b"good").hex();
    let job = json!({"kind": "copy", "params": tasks, "inputs": {"text": text}, "project": project});
    ask(server, "POST", "/api/v1/jobs", TOKEN, Some(&job)).await
}

async fn used(server: &Server) -> Value {
    let (_, projects) = ask(server, "GET", "/api/v1/projects", TOKEN, None).await;
    projects.as_array().unwrap().iter().find(|project| project["name"] == "p").cloned().unwrap_or_default()["used"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_that_are_open_are_bounded() {
    let root = tempfile::tempdir().unwrap();
    let server = open(&part(&root, "farm")).await;
    farm(&server).await.put(b"good".to_vec()).await.unwrap();
    set(&server, json!({"jobs_open_max": 2})).await;
    // Many at once: exactly two come in.
    let tries = futures_util::future::join_all((1..=6).map(|tasks| submit(&server, "p", tasks))).await;
    let taken: Vec<&Value> = tries.iter().filter(|(status, _)| *status == 201).map(|(_, job)| job).collect();
    assert_eq!(taken.len(), 2, "{tries:?}");
    let refused = &tries.iter().find(|(status, _)| *status == 429).expect("one too many").1;
    assert_eq!(refused["code"], json!("quota-exceeded"), "{refused}");
    assert_eq!(refused["quota"], json!({"project": "p", "name": "jobs_open_max", "used": 2.0, "limit": 2.0}));
    assert!(refused["detail"].as_str().unwrap().contains("klieg projects"), "it says what to do: {refused}");
    assert_eq!(submit(&server, "other", 7).await.0, 201, "another project is not held to it");
    let film = json!({"kind": "copy", "project": "p", "inputs": {"text": Digest::of(b"good").hex()}});
    assert_eq!(ask(&server, "POST", "/api/v1/jobs/estimate", TOKEN, Some(&film)).await.0, 200, "asking costs nothing");
    // Another server knows it too.
    let id = taken[0]["id"].as_str().unwrap().to_owned();
    server.stop().await;
    let server = open(&part(&root, "farm")).await;
    assert_eq!(submit(&server, "p", 8).await.0, 429);
    assert_eq!(used(&server).await["jobs_open"], json!(2));
    assert_eq!(ask(&server, "POST", &format!("/api/v1/jobs/{id}/cancel"), TOKEN, None).await.0, 202);
    assert_eq!(submit(&server, "p", 8).await.0, 201, "there is room again");
    // Shares are set without a word on quotas, and quotas taken away.
    let (_, project) = ask(&server, "PUT", "/api/v1/projects/p", TOKEN, Some(&json!({"weight": 2.0}))).await;
    assert_eq!((&project["weight"], &project["quota"]["jobs_open_max"]), (&json!(2.0), &json!(2)), "{project}");
    set(&server, json!({})).await;
    assert_eq!(submit(&server, "p", 9).await.0, 201);
    let odd = json!({"quota": {"device_hours_per_month_max": -1}});
    let (status, refused) = ask(&server, "PUT", "/api/v1/projects/p", TOKEN, Some(&odd)).await;
    assert_eq!((status, &refused["pointer"]), (422, &json!("/quota/device_hours_per_month_max")), "{refused}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn device_hours_of_a_month_are_bounded() {
    let root = tempfile::tempdir().unwrap();
    let server = open(&part(&root, "farm")).await;
    farm(&server).await.put(b"good".to_vec()).await.unwrap();
    // Five slot-seconds: a job of six tasks is estimated at six.
    set(&server, json!({"device_hours_per_month_max": 5.0 / 3600.0})).await;
    let (status, refused) = submit(&server, "p", 6).await;
    assert_eq!((status, &refused["quota"]["name"]), (403, &json!("device_hours_per_month_max")), "{refused}");
    assert_eq!(submit(&server, "p", 1).await.0, 201);
    let mut hand = Hand::join(Hand::remote(link(&server), &part(&root, "node")), 1).await;
    let dispatch = hand.next().await;
    // What it took is what the node says, as long as that can be.
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    let mut report = hand.compute(&dispatch).await;
    report.seconds = 1.1;
    assert!(hand.remote.report(report).await.unwrap());
    let mut spent = 0.0;
    for _ in 0..100 {
        spent = used(&server).await["device_hours_this_month"].as_f64().unwrap() * 3600.0;
        if spent > 0.0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!((1.0..5.0).contains(&spent), "{spent} s were spent");
    let (status, refused) = submit(&server, "p", 4).await;
    assert_eq!((status, &refused["code"]), (403, &json!("quota-exceeded")), "1.1 and 4 are more than 5: {refused}");
    assert!(refused["quota"]["used"].as_f64().unwrap() > 0.0, "{refused}");
    assert_eq!(submit(&server, "p", 2).await.0, 201);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_are_bounded() {
    let root = tempfile::tempdir().unwrap();
    let server = open(&part(&root, "farm")).await;
    set(&server, json!({"upload_bytes_max": 1_000, "upload_bytes_each_max": 700})).await;
    let (status, refused) = put(&server, "p", &[1; 701]).await;
    assert_eq!((status, &refused["quota"]["name"]), (413, &json!("upload_bytes_each_max")), "{refused}");
    assert_eq!(put(&server, "p", &[1; 700]).await.0, 201);
    assert_eq!(put(&server, "p", &[1; 700]).await.0, 201, "the same counts once");
    let (status, refused) = put(&server, "p", &[2; 301]).await;
    assert_eq!((status, &refused["code"]), (403, &json!("quota-exceeded")), "{refused}");
    assert_eq!(refused["quota"], json!({"project": "p", "name": "upload_bytes_max", "used": 700.0, "limit": 1000.0}));
    assert_eq!(put(&server, "other", &[2; 301]).await.0, 201, "another project's");
    let film = json!({"script": "x".repeat(400), "project": "p"});
    let (status, refused) = ask(&server, "POST", "/api/v1/generate/film", TOKEN, Some(&film)).await;
    assert_eq!((status, &refused["code"]), (403, &json!("quota-exceeded")), "a script is an upload: {refused}");
    // Bytes that do not have their digest do not count.
    let wrong = format!(
        "PUT /api/v1/assets/{}?project=p HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 5\r\n\r\nwrong",
        "0".repeat(64)
    );
    let mut stream = tokio::net::TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(wrong.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 422"), "{text}");
    for _ in 0..100 {
        if used(&server).await["upload_bytes"] == json!(700) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(used(&server).await["upload_bytes"], json!(700));
    server.stop().await;
    let server = open(&part(&root, "farm")).await;
    assert_eq!(put(&server, "p", &[3; 301]).await.0, 403, "the next server knows");
    assert_eq!(put(&server, "p", &[3; 300]).await.0, 201);
    let (_, place) = ask(
        &server,
        "POST",
        "/api/v1/assets/upload",
        TOKEN,
        Some(&json!({"bytes": 1, "digest": "1".repeat(64), "project": "a b&c"})),
    )
    .await;
    assert_eq!(place["url"], json!(format!("/api/v1/assets/{}?project=a%20b%26c", "1".repeat(64))));
    server.stop().await;
}
