//! Logs: JSON lines with what belongs in them, and no secret whatever is logged.

use crate::{ask, farm::Daemon, support::Studio, until, url};
use serde_json::{Value, json};

const TOKEN: &str = "the-farms-own-token-of-this-test";

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} in {value}"))
}

#[test]
fn json_lines_say_whose_request_it_was_and_no_secret() {
    let studio = Studio::new();
    let listen = ["serve", "--json", "--listen", "127.0.0.1:0"];
    // As much as there is, of every library.
    let environment = [("KLIEG_LOG", "trace"), ("KLIEG_LOG_FORMAT", "json"), ("KLIEG_TOKEN", TOKEN)];
    let server = Daemon::start(&studio, "server", &listen, &environment);
    let url = url(&server);
    until("it leads", || ask(&url, "GET", "/ready", "", "").1["status"] == "leading");
    let bearer = |token: &str| format!("Authorization: Bearer {token}\r\n");
    let own = bearer(TOKEN);

    let password = "correct-horse-battery-staple-9";
    let account = json!({"name": "ada@studio", "password": password, "role": "creator"}).to_string();
    until("the accounts are there", || {
        let status = ask(&url, "POST", "/api/v1/auth/register", &own, &account).0;
        status == 201 || status == 409
    });
    let login = json!({"name": "ada@studio", "password": password}).to_string();
    let (status, pair) = ask(&url, "POST", "/api/v1/auth/login", "", &login);
    assert_eq!(status, 200, "{pair}");
    let (access, refresh) = (text(&pair, "access_token").to_owned(), text(&pair, "refresh_token").to_owned());
    let token = json!({"name": "program", "scopes": ["read-jobs"]}).to_string();
    let (status, made) = ask(&url, "POST", "/api/v1/tokens", &bearer(&access), &token);
    assert!(status < 300, "{made}");
    let api_token = text(&made, "token").to_owned();
    let hook = json!({"url": "https://example.com/hook", "events": ["job.*"]}).to_string();
    let (status, hook) = ask(&url, "POST", "/api/v1/webhooks", &bearer(&access), &hook);
    assert!(status < 300, "{hook}");
    let secret = text(&hook, "secret").to_owned();
    for token in [&access, &api_token] {
        assert_eq!(ask(&url, "GET", "/api/v1/jobs", &bearer(token), "").0, 200);
    }
    // A token in an address is not taken, but it stands in the path that is logged.
    ask(&url, "GET", &format!("/api/v1/jobs/{api_token}?token={secret}"), &own, "");
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let given = format!("{own}traceparent: 00-{trace}-00f067aa0ba902b7-00\r\nklieg-protocol: 1\r\n");
    let leave = json!({"node": "nobody", "incarnation": 1}).to_string();
    assert_eq!(ask(&url, "POST", "/v1/nodes/leave", &given, &leave).0, 204);

    let log = server.log();
    let wrong = [TOKEN, password, &access, &refresh, &api_token, &secret, access.rsplit('.').next().unwrap()];
    for secret in wrong {
        assert!(!log.contains(secret), "{secret} stands in the log");
    }
    assert!(log.contains("klieg_[redacted]"), "what was in a path was logged, and hidden");
    let lines: Vec<Value> =
        log.lines().skip(1).map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect();
    assert!(lines.len() > 100, "{} lines", lines.len());
    for line in &lines {
        assert!(["time", "level", "target"].iter().all(|key| line[key].is_string()), "{line}");
    }
    let traced: Vec<&Value> = lines.iter().filter(|line| line["trace"] == trace).collect();
    assert!(!traced.is_empty() && traced.iter().all(|line| !text(line, "request").is_empty()), "{traced:?}");
}

#[test]
fn passwords_of_servers_behind_it_are_not_told() {
    let studio = Studio::new();
    for (name, format) in [("json", "json"), ("text", "text")] {
        let args = ["serve", "--json", "--listen", "127.0.0.1:0", "--log-format", format];
        let environment = [
            ("KLIEG_LOG", "trace"),
            ("KLIEG_TOKEN", TOKEN),
            // Nobody listens there.
            ("KLIEG_STORE", "postgres://ada:pg-s3same-0pen@127.0.0.1:9/farm"),
            ("KLIEG_BUS", "nats://ada:n4ts-s3same-0pen@127.0.0.1:9"),
            ("KLIEG_BLOBS", "s3://bucket/farm"),
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
            ("AWS_REGION", "nowhere"),
            ("AWS_ACCESS_KEY_ID", "ada"),
            ("AWS_SECRET_ACCESS_KEY", "aws-s3same-0pen"),
        ];
        let server = Daemon::start(&studio, name, &args, &environment);
        let url = url(&server);
        until("it says what it lacks", || {
            let (status, ready) = ask(&url, "GET", "/ready", "", "");
            status == 503 && ready["detail"].as_str().is_some_and(|detail| detail.contains("failed to"))
        });
        let log = server.log();
        assert!(log.contains("trying again until it goes well"), "{log}");
        for secret in ["s3same", TOKEN] {
            assert!(!log.contains(secret), "{secret} stands in the log: {log}");
        }
        let first = log.lines().nth(1).expect("a line");
        assert_eq!(serde_json::from_str::<Value>(first).is_ok(), format == "json", "{first}");
    }
}
