//! At least once, under one id, signed, until the tries are used up.

use crate::{
    farm::{NOW, add, here, on_both, on_one, only, open, publish, state},
    receiver::{Receiver, Reply, Seen, status},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use klieg_database::sql;
use klieg_servers::{Postgres, Sync};
use klieg_webhooks::{Created, Database, DatabaseError, NewWebhook, Notice, Secret, State, WebhookError, Webhooks, Worked};
use ring::hmac;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::sync::{Notify, oneshot};

/// As a receiver checks it.
fn signed_with(secret: &Secret, seen: &Seen) -> bool {
    let secret = STANDARD.decode(secret.reveal().strip_prefix("whsec_").unwrap()).unwrap();
    let message = format!("{}.{}.{}", seen.headers["webhook-id"], seen.headers["webhook-timestamp"], seen.body);
    seen.headers["webhook-signature"].split(' ').any(|signature| {
        let tag = STANDARD.decode(signature.strip_prefix("v1,").unwrap()).unwrap();
        hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, &secret), message.as_bytes(), &tag).is_ok()
    })
}

fn signed(created: &Created, seen: &Seen) -> bool {
    signed_with(&created.secret, seen)
}

#[test]
fn a_new_secret_and_the_one_before_hold_for_a_day() {
    on_both(|database| async move {
        let (webhooks, receiver) = (open(&database, here()).await, Receiver::start(|_| status("200 OK")).await);
        let hook = add(&webhooks, &receiver.url(), &["*"]).await;
        assert!(webhooks.renew_secret(Some("eve"), &hook.webhook.id, NOW).await.is_err());
        let new = webhooks.renew_secret(Some("ada"), &hook.webhook.id, NOW).await.unwrap();
        for (number, now) in [(0, NOW + 86_399), (1, NOW + 86_400)] {
            publish(&webhooks, &format!("job-{number}")).await;
            webhooks.work(now).await.unwrap();
            let seen = &receiver.seen()[number];
            assert_eq!((signed_with(&new, seen), signed(&hook, seen)), (true, number == 0));
        }
    });
}

#[test]
fn an_event_reaches_whoever_listens_once_and_signed() {
    on_both(|database| async move {
        let (webhooks, receiver) = (open(&database, here()).await, Receiver::start(|_| status("204 No Content")).await);
        let (all, jobs) = (add(&webhooks, &receiver.url(), &["*"]).await, add(&webhooks, &receiver.url(), &["job.*"]).await);
        let nodes = add(&webhooks, &receiver.url(), &["node.*"]).await;
        assert_eq!(publish(&webhooks, "job-1").await, 2);
        assert_eq!(publish(&webhooks, "job-1").await, 0, "the same happening again");
        assert_eq!(webhooks.work(NOW + 3).await.unwrap(), Worked { delivered: 2, ..Worked::default() });
        assert_eq!(webhooks.work(NOW + 100_000).await.unwrap(), Worked::default());
        let seen = receiver.seen();
        assert_eq!(seen.len(), 2);
        assert_eq!(seen.iter().filter(|seen| signed(&all, seen)).count(), 1);
        assert_eq!(seen.iter().filter(|seen| signed(&jobs, seen)).count(), 1);
        assert_ne!(seen[0].headers["webhook-id"], seen[1].headers["webhook-id"]);
        let (first, body) = (&seen[0], serde_json::from_str::<Value>(&seen[0].body).unwrap());
        assert_eq!(first.line, "POST /hook?from=klieg HTTP/1.1");
        assert_eq!(first.headers["host"], receiver.address.to_string());
        assert_eq!(
            (first.headers["webhook-timestamp"].as_str(), first.headers["content-type"].as_str()),
            ("1800000003", "application/json")
        );
        assert_eq!(body, json!({ "type": "job.succeeded", "timestamp": "2027-01-15T08:00:00Z", "data": { "job": "job-1" } }));
        let delivery = only(&webhooks, &all).await;
        assert_eq!((delivery.state, delivery.status, delivery.attempts, delivery.due_at), (State::Delivered, Some(204), 1, None));
        assert!(webhooks.deliveries(&nodes.webhook.id, 10, None).await.unwrap().deliveries.is_empty());
        let told = serde_json::to_string(&webhooks.all(Some("ada")).await.unwrap()).unwrap();
        assert!(!told.contains("whsec_") && serde_json::to_string(&all).unwrap().contains("whsec_"), "the secret is shown once");
    });
}

#[test]
fn what_fails_is_tried_again_under_the_same_id_and_given_up_and_replayed() {
    on_both(|database| async move {
        let answers = |number| if number < 10 { status("500 Internal Server Error") } else { status("200 OK") };
        let (webhooks, receiver) = (open(&database, here()).await, Receiver::start(answers).await);
        let hook = add(&webhooks, &receiver.url(), &["*"]).await;
        publish(&webhooks, "job-1").await;
        let mut now = NOW;
        for attempts in 1..=9 {
            assert_eq!(webhooks.work(now).await.unwrap(), Worked { put_off: 1, ..Worked::default() });
            let delivery = only(&webhooks, &hook).await;
            assert_eq!((delivery.attempts, delivery.state, delivery.status), (attempts, State::Waiting, Some(500)));
            let due = delivery.due_at.unwrap();
            assert_eq!(webhooks.work(due - 1).await.unwrap(), Worked::default(), "not yet");
            now = due;
        }
        assert!((216_000..400_000).contains(&(now - NOW)), "some days: {}", now - NOW);
        assert_eq!(webhooks.work(now).await.unwrap(), Worked { failed: 1, ..Worked::default() });
        let given_up = only(&webhooks, &hook).await;
        assert_eq!((given_up.state, given_up.attempts, given_up.trouble.as_deref()), (State::Failed, 10, Some("it answered 500")));
        assert_eq!(webhooks.work(now + 1_000_000).await.unwrap(), Worked::default(), "given up");
        webhooks.replay(&hook.webhook.id, &given_up.id, now).await.unwrap();
        assert!(
            matches!(webhooks.replay(&hook.webhook.id, &given_up.id, now).await, Err(WebhookError::Missing(_))),
            "it waits already"
        );
        assert_eq!(webhooks.work(now).await.unwrap(), Worked { delivered: 1, ..Worked::default() });
        let seen = receiver.seen();
        assert_eq!(seen.len(), 11);
        assert!(seen.iter().all(|seen| seen.headers["webhook-id"] == given_up.id && signed(&hook, seen)));
        let at: Vec<&String> = seen.iter().map(|seen| &seen.headers["webhook-timestamp"]).collect();
        assert!(at[..10].windows(2).all(|two| two[0] < two[1]), "each try has a time of its own: {at:?}");
    });
}

#[test]
fn a_worker_that_dies_between_sending_and_writing_it_down_loses_nothing() {
    on_both(|database| async move {
        let answers = |number| if number == 0 { Reply::Never } else { status("200 OK") };
        let (webhooks, receiver) = (open(&database, here()).await, Receiver::start(answers).await);
        let hook = add(&webhooks, &receiver.url(), &["*"]).await;
        publish(&webhooks, "job-1").await;
        let dying = tokio::spawn({
            let webhooks = webhooks.clone();
            async move { webhooks.work(NOW).await.map(drop) }
        });
        receiver.wait_for(1).await;
        dying.abort();
        assert!(dying.await.unwrap_err().is_cancelled(), "it was in the middle");
        drop(webhooks);
        let next = open(&database, here()).await;
        assert_eq!(state(&next, &hook).await, State::Waiting);
        assert_eq!(next.work(NOW + 59).await.unwrap(), Worked::default(), "the dead one's claim holds");
        assert_eq!(next.work(NOW + 60).await.unwrap(), Worked { delivered: 1, ..Worked::default() });
        let ids: Vec<String> = receiver.seen().into_iter().map(|seen| seen.headers["webhook-id"].clone()).collect();
        assert_eq!((ids.len(), &ids[0], only(&next, &hook).await.attempts), (2, &ids[1], 2), "whoever keeps ids sees it once");
    });
}

#[test]
fn a_worker_that_comes_back_late_changes_nothing() {
    on_both(|database| async move {
        let late = Arc::new(Notify::new());
        let told = Arc::clone(&late);
        let answers = move |number| match number {
            0 => Reply::When(Arc::clone(&told), "HTTP/1.1 500 Late\r\nContent-Length: 0\r\n\r\n".into()),
            _ => status("200 OK"),
        };
        let receiver = Receiver::start(answers).await;
        let (one, other) = (open(&database, here()).await, open(&database, here()).await);
        let hook = add(&one, &receiver.url(), &["*"]).await;
        publish(&one, "job-1").await;
        let paused = tokio::spawn(async move { one.work(NOW).await.unwrap() });
        receiver.wait_for(1).await;
        assert_eq!(other.work(NOW + 60).await.unwrap(), Worked { delivered: 1, ..Worked::default() });
        late.notify_one();
        assert_eq!(paused.await.unwrap(), Worked { lost: 1, ..Worked::default() });
        assert_eq!((state(&other, &hook).await, only(&other, &hook).await.status), (State::Delivered, Some(200)));
    });
}

/// Runs a worker until told to stop, with a clock that stands.
fn running(webhooks: &Webhooks) -> (oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
    let (stop, stopped) = oneshot::channel::<()>();
    let webhooks = webhooks.clone();
    let run = async move {
        let stopped = async { drop(stopped.await) };
        webhooks.run(|| NOW, stopped).await;
    };
    (stop, tokio::spawn(run))
}

#[test]
fn servers_that_run_tell_each_once_and_a_receiver_that_hangs_holds_up_nobody_else() {
    on_both(|database| async move {
        let (good, bad) = (Receiver::start(|_| status("200 OK")).await, Receiver::start(|_| Reply::Never).await);
        let (one, other) = (open(&database, here()).await, open(&database, here()).await);
        let (hook, _) = (add(&one, &good.url(), &["*"]).await, add(&one, &bad.url(), &["*"]).await);
        let (workers, count) = ([running(&one), running(&other)], 30);
        for number in 0..count {
            assert_eq!(publish(&one, &format!("job-{number}")).await, 2);
        }
        good.wait_for(count).await;
        for _ in 0..500 {
            let page = one.deliveries(&hook.webhook.id, 100, None).await.unwrap();
            if page.deliveries.iter().all(|delivery| delivery.state == State::Delivered) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let page = one.deliveries(&hook.webhook.id, 100, None).await.unwrap();
        assert!(page.deliveries.iter().all(|delivery| delivery.state == State::Delivered), "{page:?}");
        let ids: std::collections::BTreeSet<String> =
            good.seen().into_iter().map(|seen| seen.headers["webhook-id"].clone()).collect();
        assert_eq!((ids.len(), good.seen().len()), (count, count), "two servers, and each event once");
        assert!(bad.connections() <= 4, "at most two at a time of each server: {}", bad.connections());
        for (stop, worker) in workers {
            stop.send(()).unwrap();
            tokio::time::timeout(Duration::from_secs(5), worker).await.unwrap().unwrap();
        }
    });
}

#[test]
fn while_the_database_is_away_webhooks_wait() {
    let mut server = Postgres::start(Sync::Off);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let receiver = Receiver::start(|_| status("200 OK")).await;
        let webhooks = open(&Database::open(&server.url()).await.unwrap(), here()).await;
        let hook = add(&webhooks, &receiver.url(), &["*"]).await;
        let (stop, worker) = running(&webhooks);
        publish(&webhooks, "job-1").await;
        receiver.wait_for(1).await;
        server.crash();
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        server.restart();
        publish(&webhooks, "job-2").await;
        receiver.wait_for(2).await;
        server.crash();
        stop.send(()).unwrap();
        tokio::time::timeout(Duration::from_secs(5), worker).await.expect("it stops without the database").unwrap();
        server.restart();
        assert_eq!(webhooks.deliveries(&hook.webhook.id, 10, None).await.unwrap().deliveries.len(), 2);
    });
}

#[test]
fn a_receiver_is_left_alone_as_long_as_it_asks_and_for_good_when_it_is_gone() {
    on_both(|database| async move {
        let answers = |number| match number {
            0 => Reply::Raw("HTTP/1.1 429 Slow\r\nRetry-After: 4000\r\nContent-Length: 0\r\n\r\n".into()),
            1 => status("410 Gone"),
            _ => status("200 OK"),
        };
        let (webhooks, receiver) = (open(&database, here()).await, Receiver::start(answers).await);
        let hook = add(&webhooks, &receiver.url(), &["*"]).await;
        publish(&webhooks, "job-1").await;
        webhooks.work(NOW).await.unwrap();
        assert_eq!(only(&webhooks, &hook).await.due_at, Some(NOW + 4_000));
        assert_eq!(webhooks.work(NOW + 4_000).await.unwrap(), Worked { failed: 1, ..Worked::default() });
        let told = webhooks.webhook(Some("ada"), &hook.webhook.id).await.unwrap();
        assert_eq!(told.disabled_at, Some(NOW + 4_000));
        assert!(told.disabled_why.unwrap().contains("410"));
        assert_eq!(publish(&webhooks, "job-2").await, 0, "nothing is kept for it");
        webhooks.enable(Some("ada"), &hook.webhook.id).await.unwrap();
        assert_eq!(publish(&webhooks, "job-2").await, 1);
        assert_eq!(webhooks.work(NOW + 4_000).await.unwrap(), Worked { delivered: 1, ..Worked::default() });
    });
}

#[test]
fn an_outbox_that_is_full_disables_its_webhook_and_says_so() {
    on_both(|database| async move {
        let (webhooks, receiver) = (open(&database, here()).await, Receiver::start(|_| status("200 OK")).await);
        let hook = add(&webhooks, &receiver.url(), &["*"]).await;
        let fill = "INSERT INTO webhook_delivery (id, webhook, event, body, created_at, attempts, claim, due_at)
            SELECT 'x' || n, $1, 'job.succeeded', '{}', $2, 0, 0, $2 FROM
            (WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 10000) SELECT n FROM c) t";
        assert_eq!(database.run(sql!(fill, &hook.webhook.id, NOW)).await.unwrap(), 10_000);
        assert_eq!(publish(&webhooks, "one-too-many").await, 0);
        let why = webhooks.webhook(None, &hook.webhook.id).await.unwrap().disabled_why.unwrap();
        assert!(why.contains("ten thousand"), "{why}");
        assert_eq!(webhooks.work(NOW).await.unwrap(), Worked::default());
    });
}

#[test]
fn deliveries_are_read_in_pages_and_old_ones_are_swept() {
    on_both(|database| async move {
        let (webhooks, receiver) = (open(&database, here()).await, Receiver::start(|_| status("200 OK")).await);
        let hook = add(&webhooks, &receiver.url(), &["*"]).await;
        for number in 0..5 {
            publish(&webhooks, &format!("job-{number}")).await;
        }
        webhooks.work(NOW).await.unwrap();
        publish(&webhooks, "job-5").await;
        let (mut count, mut before, mut pages) = (0, None, 0);
        loop {
            let page = webhooks.deliveries(&hook.webhook.id, 4, before).await.unwrap();
            (count, before, pages) = (count + page.deliveries.len(), page.next, pages + 1);
            if before.is_none() {
                break;
            }
        }
        assert_eq!((count, pages), (6, 2));
        assert_eq!(webhooks.sweep(NOW + 30 * 86_400).await.unwrap(), 0);
        assert_eq!(webhooks.sweep(NOW + 30 * 86_400 + 1).await.unwrap(), 5, "and not what waits");
        let data = json!({ "job": "job-0" });
        let again = Notice { key: "job-0-ended", event: "job.succeeded", data: &data, at: NOW };
        assert_eq!(webhooks.publish(&again, NOW + 30 * 86_400 + 1).await.unwrap(), 0, "what was swept is not told again");
        assert_eq!(only(&webhooks, &hook).await.state, State::Waiting);
    });
}

#[test]
fn a_webhook_is_its_owners() {
    on_both(|database| async move {
        let webhooks = open(&database, here()).await;
        let hook = add(&webhooks, "https://example.com/", &["job.*"]).await.webhook;
        assert!(matches!(webhooks.webhook(Some("eve"), &hook.id).await, Err(WebhookError::Missing(_))));
        assert!(matches!(webhooks.remove(Some("eve"), &hook.id).await, Err(WebhookError::Missing(_))));
        assert!(matches!(webhooks.enable(Some("eve"), &hook.id).await, Err(WebhookError::Missing(_))));
        assert!(webhooks.all(Some("eve")).await.unwrap().is_empty() && webhooks.all(Some("")).await.unwrap().is_empty());
        assert_eq!(webhooks.all(None).await.unwrap(), std::slice::from_ref(&hook));
        webhooks.remove(Some("ada"), &hook.id).await.unwrap();
        for number in 0..50 {
            add(&webhooks, &format!("https://example.com/{number}"), &["*"]).await;
        }
        let more = NewWebhook { url: "https://example.com/".into(), events: vec!["*".into()] };
        assert!(matches!(webhooks.add("ada", &more, NOW).await, Err(WebhookError::TooMany(50))));
        assert!(webhooks.add("eve", &more, NOW).await.is_ok());
        assert_eq!(webhooks.remove_all("ada").await.unwrap(), 50);
        assert_eq!(webhooks.all(None).await.unwrap().len(), 1);
    });
}

#[test]
fn what_happened_before_a_webhook_was_added_is_not_told() {
    on_one(|database| async move {
        let webhooks = open(&database, here()).await;
        add(&webhooks, "https://example.com/", &["*"]).await;
        let data = json!({});
        let at = |at| Notice { key: "k", event: "job.succeeded", data: &data, at };
        assert_eq!(webhooks.publish(&at(NOW - 1), NOW).await.unwrap(), 0);
        assert_eq!(webhooks.publish(&at(NOW), NOW).await.unwrap(), 1);
    });
}

#[test]
fn what_is_wrong_is_refused_at_once() {
    on_one(|database| async move {
        let webhooks = open(&database, here()).await;
        let no_events = NewWebhook { url: "https://example.com/".into(), events: vec![] };
        assert!(matches!(webhooks.add("ada", &no_events, NOW).await, Err(WebhookError::BadEvents { .. })));
        let data = json!({ "text": "x".repeat(64 << 10) });
        let notice = Notice { key: "k", event: "job.succeeded", data: &data, at: NOW };
        assert!(matches!(webhooks.publish(&notice, NOW).await, Err(WebhookError::TooLarge { .. })));
        assert_eq!(database.run(sql!("UPDATE _webhook_migrations SET version = 99")).await.unwrap(), 1);
        let error = Webhooks::open(database, crate::farm::options(here())).await.err().unwrap();
        let newer = matches!(error, WebhookError::Database(DatabaseError::Newer { whose: "webhooks", found: 99, .. }));
        assert!(newer && error.to_string().contains("open the webhooks in"), "{error}");
    });
}

/// Ends with the test.
struct Listener(std::process::Child);

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_example_in_python_believes_what_the_farm_signed_and_nothing_else() {
    on_one(|database| async move {
        let webhooks = open(&database, here()).await;
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let url = format!("http://127.0.0.1:{port}/");
        let (hook, forger) = (add(&webhooks, &url, &["*"]).await, add(&webhooks, &url, &["*"]).await);
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/webhook.py");
        let mut command = std::process::Command::new("python3");
        command.args([script, &port.to_string()]).env("SECRET", hook.secret.reveal());
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null());
        let mut listener = Listener(command.spawn().expect("run python3; is it there? run scripts/setup"));
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            assert!(listener.0.try_wait().unwrap().is_none(), "it has ended");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        publish(&webhooks, "job-1").await;
        #[expect(clippy::disallowed_methods, reason = "the example compares with its own clock")]
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs().cast_signed();
        // The outbox was written in the future of this clock; its deliveries are due when that comes.
        database.run(sql!("UPDATE webhook_delivery SET due_at = 0")).await.unwrap();
        assert_eq!(webhooks.work(now).await.unwrap(), Worked { delivered: 1, put_off: 1, ..Worked::default() });
        assert_eq!((only(&webhooks, &hook).await.status, only(&webhooks, &forger).await.status), (Some(204), Some(401)));
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(listener.0.stdout.take().unwrap()), &mut line).unwrap();
        assert_eq!(line, "2027-01-15T08:00:00Z job.succeeded {\"job\": \"job-1\"}\n");
    });
}
