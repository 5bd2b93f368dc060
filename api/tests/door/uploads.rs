//! Assets: uploads that break off and go on, what is known of them, and when their bytes go.

use crate::{
    house::{TOKEN, anywhere, farm, link, options, part, serve},
    roles::{ask, member, ready},
};
use klieg_accounts::Role;
use klieg_api::{
    Limits, Server, ServerOptions,
    client::{Client, NewAsset},
};
use klieg_nodes::remote::Cache;
use klieg_protocol::Digest;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// What a picture begins with, and noise.
fn picture(bytes: usize) -> Vec<u8> {
    let noise = (0..bytes).map(|n| (n * n % 251) as u8);
    b"\x89PNG\r\n\x1a\n".iter().copied().chain(noise).take(bytes).collect()
}

/// Sends some of an upload, in a request that announces `announced` bytes. Gives status, head and body, if there is an answer.
async fn send(server: &Server, url: &str, token: &str, offset: u64, announced: usize, bytes: &[u8]) -> (u16, String, Value) {
    let head = format!(
        "PATCH {url} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\nUpload-Offset: {offset}\r\n\
         Content-Type: application/offset+octet-stream\r\nContent-Length: {announced}\r\n\r\n"
    );
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    // A server that refuses at once hangs up.
    let _ = stream.write_all(bytes).await;
    if announced > bytes.len() {
        stream.shutdown().await.unwrap();
    }
    let mut text = Vec::new();
    let all = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut text)).await;
    let _ = all.expect("an answer in time");
    let text = String::from_utf8_lossy(&text).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, head.to_lowercase(), serde_json::from_str(body).unwrap_or_default())
}

/// How much has come, once nobody writes any more.
async fn offset(server: &Server, url: &str) -> u64 {
    let (status, state) = ask(server, "GET", url, TOKEN, None).await;
    assert_eq!(status, 200, "{state}");
    state["offset"].as_u64().unwrap()
}

async fn begin(server: &Server, token: &str, new: Value) -> String {
    let (status, place) = ask(server, "POST", "/api/v1/assets/upload", token, Some(&new)).await;
    assert_eq!((status, &place["present"], &place["method"]), (200, &json!(false), &json!("PATCH")), "{place}");
    place["url"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_goes_on_where_it_broke_off() {
    let root = tempfile::tempdir().unwrap();
    let server = serve(&part(&root, "farm"), anywhere()).await;
    ready(&server).await;
    let bytes = picture(3_000_000);
    let (digest, hex) = (Digest::of(&bytes), Digest::of(&bytes).hex());
    let new = json!({"name": "plate.png", "bytes": bytes.len(), "digest": hex, "project": "p", "media_type": "image/png"});
    let url = begin(&server, TOKEN, new.clone()).await;
    assert_eq!(begin(&server, TOKEN, new.clone()).await, url, "the same again is the one that is under way");

    // It breaks off, and its server ends; what had come is there at the next.
    let (status, _, told) = send(&server, &url, TOKEN, 0, bytes.len(), &bytes[..1_200_000]).await;
    assert!(matches!((status, told["code"].as_str()), (400, Some("upload-broke-off")) | (0, None)), "{status} {told}");
    server.stop().await;
    let server = serve(&part(&root, "farm"), anywhere()).await;
    ready(&server).await;
    let there = offset(&server, &url).await;
    assert_eq!(there, 1_200_000);
    let content = format!("/api/v1/assets/{hex}");
    assert_eq!(ask(&server, "GET", &content, TOKEN, None).await.0, 404, "nothing of it is seen");
    assert_eq!(ask(&server, "GET", "/api/v1/assets", TOKEN, None).await.1["assets"], json!([]));
    let (status, head, told) = send(&server, &url, TOKEN, 5, 10, b"0123456789").await;
    assert!(
        (status, told["code"].as_str()) == (409, Some("another-offset")) && head.contains("upload-offset: 1200000"),
        "{head} {told}"
    );
    let (status, head, _) = send(&server, &url, TOKEN, there, 100_000, &bytes[1_200_000..1_300_000]).await;
    assert!(status == 204 && head.contains("upload-offset: 1300000"), "{head}");
    let (status, _, asset) = send(&server, &url, TOKEN, 1_300_000, 1_700_000, &bytes[1_300_000..]).await;
    assert_eq!(status, 201, "{asset}");
    let wanted =
        [("digest", json!(hex)), ("name", json!("plate.png")), ("media_type", json!("image/png")), ("bytes", json!(3_000_000))];
    for (field, value) in &wanted {
        assert_eq!(&asset[*field], value, "{asset}");
    }
    assert_eq!(std::fs::read_dir(root.path().join("farm/uploads")).unwrap().count(), 0, "no file stays");
    assert_eq!(ask(&server, "GET", &url, TOKEN, None).await.0, 404, "it is finished");
    let client = Client::new(&link(&server), Cache::open(&part(&root, "client"), 1 << 30).unwrap()).unwrap();
    assert_eq!(std::fs::read(client.file(digest).await.unwrap()).unwrap(), bytes);
    let (status, place) = ask(&server, "POST", "/api/v1/assets/upload", TOKEN, Some(&new)).await;
    assert_eq!((status, &place["present"], &place["asset"]), (200, &json!(true), &asset), "it is here");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_an_upload_is_said() {
    let root = tempfile::tempdir().unwrap();
    let limits = Limits { artifact_bytes_max: 1_000, ..options(root.path(), anywhere()).limits };
    let server = Server::start(ServerOptions { limits, ..options(&part(&root, "farm"), anywhere()) }).await.unwrap();
    ready(&server).await;
    for (new, status, pointer) in [
        (json!({"bytes": 3}), 422, "/name"),
        (json!({"bytes": 3, "name": ""}), 422, "/name"),
        (json!({"bytes": 3, "name": "a\nb"}), 422, "/name"),
        (json!({"bytes": 3, "name": "a", "project": "x".repeat(101)}), 422, "/project"),
        (json!({"bytes": 3, "name": "a", "digest": "zz"}), 422, "/digest"),
        (json!({"bytes": 3, "name": "a", "path": "/etc/passwd"}), 422, ""),
        (json!({"bytes": 1_001, "name": "a"}), 413, ""),
        (json!({"bytes": -1, "name": "a"}), 422, ""),
    ] {
        let (found, told) = ask(&server, "POST", "/api/v1/assets/upload", TOKEN, Some(&new)).await;
        assert_eq!((found, told["pointer"].as_str().unwrap_or_default()), (status, pointer), "{new}: {told}");
    }
    let code = |told: &Value| told["code"].as_str().unwrap_or_default().to_owned();
    let url = begin(&server, TOKEN, json!({"bytes": 5, "name": "a"})).await;
    let (status, _, told) = send(&server, &url, TOKEN, 0, 6, b"123456").await;
    assert_eq!((status, code(&told).as_str()), (413, "too-many-bytes"));
    assert_eq!(offset(&server, &url).await, 0);
    let url = begin(&server, TOKEN, json!({"bytes": 5, "name": "b", "digest": Digest::of(b"other").hex()})).await;
    let (status, _, told) = send(&server, &url, TOKEN, 0, 5, b"12345").await;
    assert_eq!((status, code(&told).as_str()), (422, "another-digest"), "{told}");
    let (status, _, asset) = send(&server, &url, TOKEN, 0, 5, b"other").await;
    assert_eq!((status, &asset["media_type"]), (201, &json!("text/plain; charset=utf-8")), "it is sent again: {asset}");
    let url = begin(&server, TOKEN, json!({"bytes": 5, "name": "c", "media_type": "video/mp4"})).await;
    let (status, _, told) = send(&server, &url, TOKEN, 0, 5, b"plain").await;
    assert_eq!((status, code(&told).as_str()), (415, "another-type"), "{told}");
    assert_eq!(ask(&server, "GET", &url, TOKEN, None).await.0, 404, "it is given up");
    // An empty file is one.
    let url = begin(&server, TOKEN, json!({"bytes": 0, "name": "d"})).await;
    assert_eq!(send(&server, &url, TOKEN, 0, 0, b"").await.0, 201);

    // Nobody goes on with somebody else's upload, or changes their asset.
    let token = |pair: Value| pair["access_token"].as_str().unwrap().to_owned();
    let creator = token(member(&server, Role::Creator).await);
    let url = begin(&server, TOKEN, json!({"bytes": 5, "name": "e"})).await;
    assert_eq!(send(&server, &url, &creator, 0, 5, b"12345").await.0, 403);
    assert_eq!(ask(&server, "DELETE", &url, &creator, None).await.0, 403);
    assert_eq!(ask(&server, "DELETE", &url, TOKEN, None).await.0, 204);
    let theirs = format!("/api/v1/assets/{}", Digest::of(b"other").hex());
    assert_eq!(ask(&server, "PATCH", &theirs, &creator, Some(&json!({"name": "mine"}))).await.0, 403);
    assert_eq!(ask(&server, "DELETE", &theirs, &creator, None).await.0, 403);
    let url = begin(&server, &creator, json!({"bytes": 4, "name": "f"})).await;
    assert_eq!(send(&server, &url, &creator, 0, 4, b"mine").await.0, 201);
    let own = format!("/api/v1/assets/{}", Digest::of(b"mine").hex());
    assert_eq!(ask(&server, "PATCH", &own, &creator, Some(&json!({"project": "x"}))).await.1["project"], "x");
    assert_eq!(ask(&server, "DELETE", &own, &creator, None).await.0, 204);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn assets_are_listed_named_and_stay_until_they_are_removed() {
    let root = tempfile::tempdir().unwrap();
    let server = serve(&part(&root, "farm"), anywhere()).await;
    ready(&server).await;
    let farm = farm(&server).await;
    let client = Client::new(&link(&server), Cache::open(&part(&root, "client"), 1 << 30).unwrap()).unwrap();
    let mut records = Vec::new();
    for (name, project, text) in [("one", "p", "one"), ("two", "", "two"), ("three", "p", "good")] {
        let path = root.path().join(name);
        std::fs::write(&path, text).unwrap();
        let new = NewAsset { path, name: name.into(), project: project.into(), media_type: None };
        records.push(client.bring(&new).await.unwrap());
        assert_eq!(client.bring(&new).await.unwrap(), records[records.len() - 1], "the same again");
    }
    let names = |page: &Value| page["assets"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect::<Vec<_>>();
    let (_, page) = ask(&server, "GET", "/api/v1/assets?limit=2", TOKEN, None).await;
    assert_eq!(names(&page), ["three", "two"]);
    let (_, rest) = ask(&server, "GET", &format!("/api/v1/assets?limit=2&cursor={}", page["next"]), TOKEN, None).await;
    assert_eq!((names(&rest), &rest["next"]), (vec![json!("one")], &Value::Null));
    let (_, page) = ask(&server, "GET", "/api/v1/assets?project=p", TOKEN, None).await;
    assert_eq!(names(&page), ["three", "one"]);
    assert_eq!(ask(&server, "GET", "/api/v1/assets?limit=0", TOKEN, None).await.0, 400);

    let url = |at: usize| records[at].url.clone();
    let (status, changed) = ask(&server, "PATCH", &url(0), TOKEN, Some(&json!({"name": "first", "project": "q"}))).await;
    assert_eq!((status, &changed["name"], &changed["project"]), (200, &json!("first"), &json!("q")));
    assert_eq!(ask(&server, "GET", &format!("{}/record", url(0)), TOKEN, None).await.1, changed);

    // What has no record goes when space is wanted; assets do not.
    let loose = client.put(b"loose").await.unwrap();
    assert_eq!(farm.sweep(0).await.unwrap(), 5);
    assert_eq!(farm.blob_size(loose).await.unwrap(), None);
    assert_eq!(ask(&server, "GET", &url(0), TOKEN, None).await.0, 200);

    // Bytes go with the asset, unless a job names them.
    let job = json!({"kind": "copy", "inputs": {"text": records[2].digest}});
    assert_eq!(ask(&server, "POST", "/api/v1/jobs", TOKEN, Some(&job)).await.0, 201);
    for (at, bytes_stay) in [(0, false), (2, true)] {
        assert_eq!(ask(&server, "DELETE", &url(at), TOKEN, None).await.0, 204);
        assert_eq!(ask(&server, "GET", &format!("{}/record", url(at)), TOKEN, None).await.0, 404);
        assert_eq!(ask(&server, "GET", &url(at), TOKEN, None).await.0 == 200, bytes_stay, "{at}");
    }
    assert_eq!(ask(&server, "DELETE", &url(0), TOKEN, None).await.0, 404);
    assert_eq!(farm.kept().await.unwrap().len(), 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_goes_on_with_is_removed() {
    let root = tempfile::tempdir().unwrap();
    let short = options(root.path(), anywhere()).limits;
    let limits = Limits { upload_kept: Duration::from_secs(1), uploads_tidied_every: Duration::from_millis(100), ..short };
    let server = Server::start(ServerOptions { limits, ..options(&part(&root, "farm"), anywhere()) }).await.unwrap();
    ready(&server).await;
    let farm = farm(&server).await;
    let url = begin(&server, TOKEN, json!({"bytes": 9, "name": "a"})).await;
    assert_eq!(send(&server, &url, TOKEN, 0, 3, b"123").await.0, 204);
    let file = root.path().join("farm/uploads").join(url.rsplit('/').next().unwrap());
    assert!(file.exists());
    // Of a record that did not come to be.
    let stray = farm.put(b"stray".to_vec()).await.unwrap();
    farm.keep(stray).await.unwrap();
    // The record goes last.
    for _ in 0..200 {
        if ask(&server, "GET", &url, TOKEN, None).await.0 == 404 && farm.kept().await.unwrap().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(ask(&server, "GET", &url, TOKEN, None).await.1["code"], "no-such-upload");
    assert!(!file.exists() && farm.kept().await.unwrap().is_empty());
    for _ in 0..200 {
        if farm.blob_size(stray).await.unwrap().is_none() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(farm.blob_size(stray).await.unwrap(), None);
    server.stop().await;
}
