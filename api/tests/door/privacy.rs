//! What the farm knows of somebody, for them; and forgetting it.

use crate::{
    house::{TOKEN, anywhere, farm, options, part, serve},
    roles::{ask, ready},
};
use klieg_api::{People, Server, ServerOptions};
use serde_json::{Value, json};
use std::{collections::BTreeMap, io::Read, time::Duration};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

async fn get(server: &Server, path: &str, token: &str) -> (u16, Vec<u8>) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n");
    let mut stream = tokio::net::TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut bytes)).await.expect("in time").unwrap();
    let at = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8_lossy(&bytes[..at]).into_owned();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), bytes.split_off(at + 4))
}

fn unpacked(bytes: Vec<u8>) -> BTreeMap<String, String> {
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).expect("a ZIP");
    let names: Vec<String> = zip.file_names().map(|name| name.unwrap().into_owned()).collect();
    let read = |name: &String| {
        let mut text = String::new();
        zip.by_name(name).unwrap().read_to_string(&mut text).unwrap();
        (name.clone(), text)
    };
    names.iter().map(read).collect()
}

/// An account: its id and a token of a login.
async fn member(server: &Server, name: &str, role: &str) -> (String, String) {
    let new = json!({"name": name, "password": "correct horse battery", "role": role});
    let (_, account) = ask(server, "POST", "/api/v1/auth/register", TOKEN, Some(&new)).await;
    let login = json!({"name": name, "password": "correct horse battery"});
    let (status, pair) = ask(server, "POST", "/api/v1/auth/login", "", Some(&login)).await;
    assert_eq!(status, 200, "{pair}");
    (account["id"].as_str().unwrap().to_owned(), pair["access_token"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_about_somebody_and_then_nothing() {
    let root = tempfile::tempdir().unwrap();
    let server = serve(&part(&root, "farm"), anywhere()).await;
    ready(&server).await;
    let (ada, token) = member(&server, "ada@studio", "creator").await;
    let (bob, other) = member(&server, "bob@studio", "creator").await;
    let text = farm(&server).await.put(b"good".to_vec()).await.unwrap().hex();
    for (who, label) in [(&token, "=ada's film"), (&other, "bob's film")] {
        // Of other priority, or it would be the same job.
        let job = json!({"kind": "copy", "params": label.len(), "label": label, "inputs": {"text": text}});
        assert_eq!(ask(&server, "POST", "/api/v1/jobs", who, Some(&job)).await.0, 201);
    }
    let (_, issued) =
        ask(&server, "POST", "/api/v1/tokens", &token, Some(&json!({"name": "web app", "scopes": ["read-jobs"]}))).await;
    let (_, hook) = ask(&server, "POST", "/api/v1/webhooks", &token, Some(&json!({"url": "https://app.example/x"}))).await;
    let asset = json!({"name": "plate of ada.txt", "bytes": 4, "digest": text});
    let (status, kept) = ask(&server, "POST", "/api/v1/assets/upload", &token, Some(&asset)).await;
    assert_eq!((status, kept["present"].as_bool()), (200, Some(true)), "{kept}");
    let path = format!("/api/v1/accounts/{ada}/export");
    assert_eq!(get(&server, &path, &other).await.0, 404, "it is nobody else's");
    assert_eq!(ask(&server, "POST", &format!("/api/v1/accounts/{ada}/erase"), &other, None).await.0, 404);
    let (status, bytes) = get(&server, &path, &token).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&bytes));
    let files = unpacked(bytes);
    let all: String = files.values().map(String::as_str).collect();
    for name in ["account", "sessions", "tokens", "webhooks", "jobs", "assets", "uploads", "requests", "audit"] {
        assert!(files.contains_key(&format!("{name}.csv")), "{:?}", files.keys());
        assert!(serde_json::from_str::<Vec<Value>>(&files[&format!("{name}.json")]).is_ok(), "{name}");
    }
    assert!(files["account.json"].contains("ada@studio") && files["jobs.csv"].contains("'=ada's film"), "{}", files["jobs.csv"]);
    assert!(files["tokens.json"].contains("web app") && files["webhooks.json"].contains("https://app.example/x"));
    assert!(files["assets.csv"].contains("plate of ada.txt"), "{}", files["assets.csv"]);
    assert!(files["audit.json"].contains("token-issued"));
    let secrets = [issued["token"].as_str().unwrap(), hook["secret"].as_str().unwrap(), "argon2", "bob"];
    assert!(secrets.iter().all(|secret| !all.contains(secret)), "{all}");
    // Admins see everybody's; and what they looked at is in the audit.
    assert_eq!(get(&server, &format!("/api/v1/accounts/{bob}/export"), TOKEN).await.0, 200);
    assert_eq!(get(&server, "/api/v1/accounts/nobody/export", TOKEN).await.0, 404);

    assert_eq!(ask(&server, "POST", &format!("/api/v1/accounts/{ada}/erase"), &token, None).await.0, 204);
    assert_eq!(ask(&server, "GET", "/api/v1/auth/me", &token, None).await.0, 401);
    assert_eq!(ask(&server, "GET", "/api/v1/jobs", issued["token"].as_str().unwrap(), None).await.0, 401);
    let files = unpacked(get(&server, &path, TOKEN).await.1);
    let all: String = files.values().map(String::as_str).collect();
    assert!(!all.contains("ada@studio") && !all.contains("app.example") && !all.contains("web app"), "{all}");
    assert!(files["audit.json"].contains("account-erased") && files["audit.json"].contains("account-exported"), "{all}");
    assert!(files["jobs.json"].contains("=ada's film"), "jobs stay");
    assert_eq!(ask(&server, "POST", &format!("/api/v1/accounts/{ada}/erase"), TOKEN, None).await.0, 404, "it is gone");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_is_kept_as_long_as_it_should() {
    let root = tempfile::tempdir().unwrap();
    let folder = part(&root, "farm");
    let server = serve(&folder, anywhere()).await;
    ready(&server).await;
    member(&server, "ada@studio", "creator").await;
    let file = format!("sqlite:{}", folder.join("accounts.sqlite").display());
    let database = klieg_database::Database::open(&file).await.unwrap();
    let age = "UPDATE account_audit SET at = at - 100 * 86400 WHERE action = 'login'";
    assert_eq!(database.run(klieg_database::sql!(age)).await.unwrap(), 1);
    server.stop().await;
    let actions = async |server: &Server| {
        let (_, audit) = ask(server, "GET", "/api/v1/audit", TOKEN, None).await;
        let entries = audit["entries"].as_array().unwrap().clone();
        entries.iter().map(|entry| entry["action"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for (days, wanted) in [(101, vec!["login", "account-made-creator"]), (99, vec!["audit-trimmed", "account-made-creator"])] {
        let people = People { keep_audit_s: days * 86_400, ..People::default() };
        let server = Server::start(ServerOptions { people, ..options(&folder, anywhere()) }).await.unwrap();
        ready(&server).await;
        let mut found = actions(&server).await;
        for _ in 0..40 {
            if found == wanted && days == 99 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            found = actions(&server).await;
        }
        assert_eq!(found, wanted, "{days} days");
        server.stop().await;
    }
}
