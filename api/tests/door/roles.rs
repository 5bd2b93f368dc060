//! Who may do what: every route as every role, as nobody, and with tokens that are none.

use crate::house::{TOKEN, anywhere, farm, link, part, serve};
use klieg_accounts::Role;
use klieg_api::{
    Server,
    access::{Access, TABLE},
    client::Client,
};
use klieg_nodes::remote::Cache;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Status and body of what is asked. A stream is given up once its head is there.
pub async fn ask(server: &Server, method: &str, path: &str, token: &str, body: Option<&Value>) -> (u16, Value) {
    let body = body.map(Value::to_string).unwrap_or_default();
    let auth = if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
    let version = if path.starts_with("/v1/") { "klieg-protocol: 1\r\n" } else { "" };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n{auth}{version}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = tokio::net::TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let all = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut bytes)).await;
    all.expect("an answer in time").unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

/// An account of a role, logged in: its access token.
pub async fn member(server: &Server, role: Role) -> Value {
    let (name, password) = (format!("{role}@studio"), "correct horse battery staple");
    let new = json!({"name": name, "password": password, "role": role.to_string()});
    let (status, made) = ask(server, "POST", "/api/v1/auth/register", TOKEN, Some(&new)).await;
    assert_eq!(status, 201, "{made}");
    let (status, pair) = ask(server, "POST", "/api/v1/auth/login", "", Some(&json!({"name": name, "password": password}))).await;
    assert_eq!((status, &pair["role"]), (200, &json!(role.to_string())), "{pair}");
    pair
}

/// Waits until the accounts are open.
pub async fn ready(server: &Server) {
    farm(server).await;
    for _ in 0..200 {
        if ask(server, "GET", "/api/v1/auth/keys", "", None).await.0 == 200 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the accounts do not open");
}

fn concrete(path: &str) -> String {
    path.replace("{id}", "nothing")
        .replace("{name}", "nothing")
        .replace("{*name}", "nothing")
        .replace("{digest}", &"0".repeat(64))
        .replace("{delivery}", "nothing")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_as_every_role_and_as_nobody() {
    let root = tempfile::tempdir().unwrap();
    let server = serve(&part(&root, "farm"), anywhere()).await;
    ready(&server).await;
    for (method, path, access) in TABLE {
        let (status, answer) = ask(&server, method, &concrete(path), "", None).await;
        assert_eq!(status == 401, *access != Access::Open, "nobody: {method} {path}: {status} {answer}");
    }
    for role in Role::ALL {
        let token = member(&server, role).await["access_token"].as_str().unwrap().to_owned();
        // The session that the rest needs is ended last.
        let mut routes: Vec<_> = TABLE.iter().collect();
        routes.sort_by_key(|(_, path, _)| path.ends_with("/logout"));
        for (method, path, access) in routes {
            let may = match access {
                Access::Open | Access::Known => true,
                Access::May(permission) => role.may(*permission),
                Access::Either(one, other) => role.may(*one) || role.may(*other),
            };
            let (status, answer) = ask(&server, method, &concrete(path), &token, None).await;
            assert_eq!(status != 403, may, "{role}: {method} {path}: {status} {answer}");
            assert!(status != 401 && status < 500, "{role}: {method} {path}: {status} {answer}");
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_end_and_tokens_do_no_more_than_they_may() {
    let root = tempfile::tempdir().unwrap();
    let server = serve(&part(&root, "farm"), anywhere()).await;
    ready(&server).await;
    let pair = member(&server, Role::Creator).await;
    let (access, refresh) = (pair["access_token"].as_str().unwrap(), pair["refresh_token"].as_str().unwrap());
    let (status, me) = ask(&server, "GET", "/api/v1/auth/me", access, None).await;
    assert_eq!((status, &me["name"], &me["role"]), (200, &json!("creator@studio"), &json!("creator")), "{me}");

    let wanted = json!({"name": "web app", "scopes": ["read-jobs"]});
    let (status, issued) = ask(&server, "POST", "/api/v1/tokens", access, Some(&wanted)).await;
    assert_eq!(status, 201, "{issued}");
    let token = issued["token"].as_str().unwrap();
    assert_eq!(ask(&server, "GET", "/api/v1/jobs", token, None).await.0, 200);
    let (status, refused) = ask(&server, "POST", "/api/v1/jobs", token, Some(&json!({"kind": "copy"}))).await;
    assert_eq!((status, &refused["code"]), (403, &json!("forbidden")), "{refused}");
    let too_much = json!({"name": "x", "scopes": ["manage-accounts"]});
    assert_eq!(ask(&server, "POST", "/api/v1/tokens", access, Some(&too_much)).await.0, 403);
    let unknown = json!({"name": "x", "scopes": ["read-jobs", "fly"]});
    let (status, refused) = ask(&server, "POST", "/api/v1/tokens", access, Some(&unknown)).await;
    assert_eq!((status, &refused["pointer"]), (422, &json!("/scopes/1")), "{refused}");
    let id = issued["id"].as_str().unwrap();
    assert_eq!(ask(&server, "DELETE", &format!("/api/v1/tokens/{id}"), access, None).await.0, 204);
    assert_eq!(ask(&server, "GET", "/api/v1/jobs", token, None).await.0, 401, "an ended token");

    let (status, next) = ask(&server, "POST", "/api/v1/auth/refresh", "", Some(&json!({"refresh_token": refresh}))).await;
    assert_eq!(status, 200, "{next}");
    let (status, _) = ask(&server, "POST", "/api/v1/auth/refresh", "", Some(&json!({"refresh_token": refresh}))).await;
    assert_eq!(status, 401, "a refresh token works once");
    let newest = next["access_token"].as_str().unwrap();
    assert_eq!(ask(&server, "GET", "/api/v1/auth/me", newest, None).await.0, 401, "showing it twice ended the session");

    let pair = member(&server, Role::Viewer).await;
    let access = pair["access_token"].as_str().unwrap();
    assert_eq!(ask(&server, "POST", "/api/v1/auth/logout", access, None).await.0, 204);
    assert_eq!(ask(&server, "GET", "/api/v1/auth/me", access, None).await.0, 401);
    let (status, audit) = ask(&server, "GET", "/api/v1/audit?limit=200", TOKEN, None).await;
    let actions: Vec<&str> = audit["entries"].as_array().unwrap().iter().filter_map(|entry| entry["action"].as_str()).collect();
    assert!(status == 200 && actions.contains(&"token-issued") && actions.contains(&"logout"), "{audit}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_are_their_submitters_and_the_managers() {
    let root = tempfile::tempdir().unwrap();
    let server = serve(&part(&root, "farm"), anywhere()).await;
    ready(&server).await;
    let client = Client::new(&link(&server), Cache::open(&part(&root, "client"), 1 << 30).unwrap()).unwrap();
    let text = client.put(b"good").await.unwrap().hex();
    let token = |pair: Value| pair["access_token"].as_str().unwrap().to_owned();
    let (creator, operator) = (token(member(&server, Role::Creator).await), token(member(&server, Role::Operator).await));
    // Of another number of tasks each, so that none is the same as another.
    let mut jobs = Vec::new();
    for (tasks, who) in [(1, TOKEN), (2, creator.as_str()), (3, creator.as_str())] {
        let new = json!({"kind": "copy", "params": tasks, "inputs": {"text": text}});
        let (status, job) = ask(&server, "POST", "/api/v1/jobs", who, Some(&new)).await;
        assert_eq!(status, 201, "{job}");
        jobs.push(job);
    }
    let (_, me) = ask(&server, "GET", "/api/v1/auth/me", &creator, None).await;
    assert_eq!((&jobs[0]["owner"], &jobs[1]["owner"]), (&json!(""), &me["account"]));
    let cancel = |job: &Value| format!("/api/v1/jobs/{}/cancel", job["id"].as_str().unwrap());
    let (status, refused) = ask(&server, "POST", &cancel(&jobs[0]), &creator, None).await;
    assert_eq!((status, &refused["code"]), (403, &json!("not-yours")), "{refused}");
    assert_eq!(ask(&server, "POST", &cancel(&jobs[1]), &creator, None).await.0, 202);
    for job in [&jobs[0], &jobs[2]] {
        assert_eq!(ask(&server, "POST", &cancel(job), &operator, None).await.0, 202);
    }
    let retry = |job: &Value| format!("/api/v1/jobs/{}/retry", job["id"].as_str().unwrap());
    assert_eq!(ask(&server, "POST", &retry(&jobs[0]), &creator, None).await.0, 403);
    assert_eq!(ask(&server, "POST", &retry(&jobs[1]), &creator, None).await.0, 202);
    server.stop().await;
}
