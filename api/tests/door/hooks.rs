//! Webhooks from a job's end to a receiver that checks them, and what they may not reach.

use crate::{
    house::{Hand, TOKEN, anywhere, farm, link, options, part, serve},
    roles::{ask, ready},
};
use base64::Engine;
use klieg_api::{Allow, Server, ServerOptions, client::Client};
use klieg_nodes::remote::Cache;
use klieg_protocol::Dispatcher;
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// The next request of a receiver, answered with a status: headers and body.
async fn received(listener: &TcpListener, status: u16) -> (BTreeMap<String, String>, String) {
    let taken = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (mut text, mut buffer) = (String::new(), [0; 4096]);
        let (head, length) = loop {
            let count = stream.read(&mut buffer).await.unwrap();
            text.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse::<usize>().unwrap();
            if body.len() >= length {
                break (head.to_owned(), length);
            }
        };
        stream
            .write_all(format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").as_bytes())
            .await
            .unwrap();
        let headers =
            head.lines().filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        (headers.collect(), text[text.len() - length..].to_owned())
    };
    tokio::time::timeout(Duration::from_secs(30), taken).await.expect("a delivery in time")
}

/// Whether a delivery is what the secret signs (Standard Webhooks).
fn signed(secret: &str, headers: &BTreeMap<String, String>, body: &str) -> bool {
    let key = base64::engine::general_purpose::STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key);
    let text = format!("{}.{}.{body}", headers["webhook-id"], headers["webhook-timestamp"]);
    let tag = base64::engine::general_purpose::STANDARD.encode(ring::hmac::sign(&key, text.as_bytes()));
    headers["webhook-signature"].split(' ').any(|one| one == format!("v1,{tag}"))
}

async fn open(root: &tempfile::TempDir) -> Server {
    let webhooks = Allow::default().network("127.0.0.0/8").unwrap().ports(1..=u16::MAX);
    let server = Server::start(ServerOptions { webhooks, ..options(&part(root, "farm"), anywhere()) }).await.unwrap();
    ready(&server).await;
    server
}

async fn copied(server: &Server, root: &tempfile::TempDir) -> String {
    let client = Client::new(&link(server), Cache::open(&part(root, "client"), 1 << 30).unwrap()).unwrap();
    let text = client.put(b"good").await.unwrap();
    let (status, job) =
        ask(server, "POST", "/api/v1/jobs", TOKEN, Some(&json!({"kind": "copy", "inputs": {"text": text.hex()}}))).await;
    assert_eq!(status, 201, "{job}");
    let mut hand = Hand::join(Hand::remote(link(server), &part(root, "node")), 1).await;
    let dispatch = hand.next().await;
    let report = hand.compute(&dispatch).await;
    assert!(hand.remote.report(report).await.unwrap());
    job["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_jobs_end_is_told_signed_and_again_when_it_was_not_taken() {
    let root = tempfile::tempdir().unwrap();
    let server = open(&root).await;
    let receiver = TcpListener::bind(anywhere()).await.unwrap();
    let url = format!("http://{}/klieg", receiver.local_addr().unwrap());
    let (status, hook) = ask(&server, "POST", "/api/v1/webhooks", TOKEN, Some(&json!({"url": url, "events": ["job.*"]}))).await;
    assert_eq!(status, 201, "{hook}");
    let (secret, id) = (hook["secret"].as_str().unwrap(), hook["id"].as_str().unwrap());
    let job = copied(&server, &root).await;
    let (headers, body) = received(&receiver, 503).await;
    assert!(signed(secret, &headers, &body) && !signed(secret, &headers, &format!("{body} ")), "{headers:?} {body}");
    let told: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&told["type"], &told["data"]["job"]["id"]), (&json!("job.succeeded"), &json!(job)), "{told}");
    // It was not taken: the same comes again, under the same id, also from the next server.
    server.stop().await;
    let server = open(&root).await;
    let (again, _) = received(&receiver, 200).await;
    assert_eq!(again["webhook-id"], headers["webhook-id"]);
    let state = |page: &Value| page["deliveries"][0]["state"].as_str().unwrap_or_default().to_owned();
    let path = format!("/api/v1/webhooks/{id}/deliveries");
    let mut page = Value::Null;
    for _ in 0..100 {
        page = ask(&server, "GET", &path, TOKEN, None).await.1;
        if state(&page) == "delivered" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!((state(&page).as_str(), page["deliveries"].as_array().unwrap().len()), ("delivered", 1), "{page}");
    let delivery = page["deliveries"][0]["id"].as_str().unwrap();
    assert_eq!(ask(&server, "POST", &format!("{path}/{delivery}/replay"), TOKEN, None).await.0, 202);
    let (replayed, _) = received(&receiver, 200).await;
    assert_eq!(replayed["webhook-id"], headers["webhook-id"]);
    assert_eq!(ask(&server, "DELETE", &format!("/api/v1/webhooks/{id}"), TOKEN, None).await.0, 204);
    assert_eq!(ask(&server, "GET", &format!("/api/v1/webhooks/{id}"), TOKEN, None).await.0, 404);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_everybodys_is_not_reached() {
    let root = tempfile::tempdir().unwrap();
    let server = serve(&part(&root, "farm"), anywhere()).await;
    farm(&server).await;
    ready(&server).await;
    for url in [
        "http://127.0.0.1:8000/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "file:///etc/passwd",
        "http://user:secret@example.com/",
        "nonsense",
    ] {
        let (status, refused) = ask(&server, "POST", "/api/v1/webhooks", TOKEN, Some(&json!({"url": url}))).await;
        assert_eq!(status, 422, "{url}: {refused}");
    }
    server.stop().await;
}
