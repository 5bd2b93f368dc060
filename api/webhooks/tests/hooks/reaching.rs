//! What a URL can make a farm connect to: nothing inside.

use crate::{
    farm::{NOW, Names, add, here, on_one, only, open, options, publish, state},
    receiver::{Receiver, Reply, status},
};
use klieg_webhooks::{Allow, Database, NewWebhook, Options, State, WebhookError, Webhooks, Worked};
use rustls::{ClientConfig, RootCertStore, ServerConfig, crypto::ring, pki_types::PrivateKeyDer};
use std::{net::IpAddr, sync::Arc, time::Duration};
use tokio_rustls::TlsAcceptor;

async fn refused(webhooks: &Webhooks, url: &str) -> String {
    let new = NewWebhook { url: url.into(), events: vec!["*".into()] };
    match webhooks.add("eve", &new, NOW).await {
        Err(WebhookError::BadUrl { what, .. }) => what,
        other => panic!("{url}: {other:?}"),
    }
}

#[test]
fn addresses_inside_are_refused_however_they_are_written() {
    on_one(|database| async move {
        let webhooks = open(&database, Allow::default()).await;
        for host in [
            "127.0.0.1",
            "127.1",
            "127.0.1",
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "0177.0.0.1",
            "017700000001",
            "0x7f.0.0.0x1",
            "127.0.0.1.",
            "%31%32%37.0.0.1",
            "①②⑦.⓪.⓪.①",
            "127。0。0。1",
            "0",
            "0.0.0.0",
            "[::]",
            "[::1]",
            "[0:0:0:0:0:0:0:1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[64:ff9b::10.0.0.1]",
            "[2002:7f00:1::]",
            "[fe80::1]",
            "[fd00::1]",
            "[ff02::1]",
            "10.0.0.1",
            "172.16.5.4",
            "192.168.1.1",
            "169.254.169.254",
            "2852039166",
            "0xa9fea9fe",
            "[::ffff:a9fe:a9fe]",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
        ] {
            for url in [format!("http://{host}/"), format!("https://{host}/x"), format!("http://{host}:8080/")] {
                let what = refused(&webhooks, &url).await;
                assert!(what.contains("where webhooks may not go"), "{url}: {what}");
            }
        }
    });
}

#[test]
fn urls_that_are_something_else_are_refused() {
    on_one(|database| async move {
        let webhooks = open(&database, Allow::default()).await;
        for url in [
            "",
            "/hook",
            "example.com",
            "file:///etc/passwd",
            "gopher://example.com/",
            "ftp://example.com/",
            "javascript:alert(1)",
            "http://",
            "http://[::1",
            "http://256.1.1.1/",
            "http://1.1.1.1.1/",
            "https://user@example.com/",
            "https://user:password@example.com/",
            "https://example.com/#x",
            "https://example.com:22/",
            "http://example.com:6379/",
            "http://example.com:7999/",
            "http://example.com:0/",
        ] {
            refused(&webhooks, url).await;
        }
        assert!(refused(&webhooks, &format!("https://example.com/{}", "x".repeat(2_048))).await.contains("2048"));
        for url in ["https://example.com/hook?a=b", "http://example.com:8080", "https://bücher.example/", "https://1.1.1.1/"] {
            add(&webhooks, url, &["*"]).await;
        }
    });
}

/// Receivers on 127.0.0.1, which is inside, and on 127.0.0.2, which stands for the internet; both on one port.
async fn inside_and_outside() -> (Receiver, Receiver) {
    for _ in 0..50 {
        let outside = Receiver::at(IpAddr::from([127, 0, 0, 2]), 0, None, |_| status("500 Again")).await.unwrap();
        let inside = Receiver::at(IpAddr::from([127, 0, 0, 1]), outside.address.port(), None, |_| status("200 OK")).await;
        if let Ok(inside) = inside {
            return (inside, outside);
        }
    }
    panic!("no port is free on both");
}

async fn with_names(database: &Database, names: &Arc<Names>) -> Webhooks {
    let allow = Allow::default().network("127.0.0.2").unwrap().ports(1..=u16::MAX);
    let options = Options { resolver: Arc::clone(names) as Arc<dyn klieg_webhooks::Resolve>, ..options(allow) };
    Webhooks::open(database.clone(), options).await.unwrap()
}

#[test]
fn a_name_that_changes_its_mind_leads_nowhere_inside() {
    on_one(|database| async move {
        let (inside, outside) = inside_and_outside().await;
        // Public when it is looked at, private when it is looked at again.
        let names = Names::new(&[&["127.0.0.2"], &["127.0.0.1"], &["::ffff:127.0.0.1"], &["127.0.0.1", "127.0.0.2"], &[]]);
        let webhooks = with_names(&database, &names).await;
        let hook = add(&webhooks, &format!("http://rebinding.example:{}/", inside.address.port()), &["*"]).await;
        assert_eq!(names.left(), 5, "names are looked up when they are needed");
        publish(&webhooks, "job-1").await;
        let mut troubles = Vec::new();
        for left in (0..5).rev() {
            let now = only(&webhooks, &hook).await.due_at.unwrap();
            assert_eq!(webhooks.work(now).await.unwrap(), Worked { put_off: 1, ..Worked::default() });
            assert_eq!(names.left(), left, "and once for each try: what was checked is what is connected to");
            troubles.push(only(&webhooks, &hook).await.trouble.unwrap());
        }
        let forbidden = "it leads to the farm's own machine, where webhooks may not go; the farm's owner can allow a network";
        assert_eq!(troubles, ["it answered 500", forbidden, forbidden, "it answered 500", "its name has no address"]);
        assert_eq!((inside.connections(), outside.connections()), (0, 2));
        assert_eq!(outside.seen()[0].headers["host"], format!("rebinding.example:{}", inside.address.port()));
    });
}

#[test]
fn redirects_are_not_followed() {
    on_one(|database| async move {
        let inside = Receiver::start(|_| status("200 OK")).await;
        let to = inside.url();
        let answers = move |number| {
            let status = ["301 A", "302 B", "303 C", "307 D", "308 E"][number % 5];
            Reply::Raw(format!("HTTP/1.1 {status}\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n"))
        };
        let (webhooks, receiver) = (open(&database, here()).await, Receiver::start(answers).await);
        let hook = add(&webhooks, &receiver.url(), &["*"]).await;
        publish(&webhooks, "job-1").await;
        for status in [301, 302, 303, 307, 308] {
            let now = only(&webhooks, &hook).await.due_at.unwrap();
            assert_eq!(webhooks.work(now).await.unwrap(), Worked { put_off: 1, ..Worked::default() });
            let delivery = only(&webhooks, &hook).await;
            assert_eq!(delivery.status, Some(status));
            assert!(delivery.trouble.unwrap().contains("redirects are not followed"));
        }
        assert_eq!((inside.connections(), receiver.connections()), (0, 5));
    });
}

#[test]
fn a_receiver_cannot_take_more_time_or_memory_than_it_is_given() {
    on_one(|database| async move {
        let answers = |number| match number {
            0 => Reply::Never,
            1 => Reply::Endless("HTTP/1.1 200 OK\r\n".into(), "X-More: and more\r\n".into()),
            2 => Reply::Endless(String::new(), "HTTP/1.1 100 Continue\r\n\r\n".into()),
            3 => Reply::Raw("SSH-2.0-OpenSSH_9.2\r\n".into()),
            4 => Reply::Raw(String::new()),
            _ => Reply::Endless("HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n".into(), "x".repeat(1 << 16)),
        };
        let receiver = Receiver::start(answers).await;
        let options = Options { patience: Duration::from_millis(500), ..options(here()) };
        let webhooks = Webhooks::open(database.clone(), options).await.unwrap();
        let hook = add(&webhooks, &receiver.url(), &["*"]).await;
        publish(&webhooks, "job-1").await;
        let mut troubles = Vec::new();
        for _ in 0..5 {
            let now = only(&webhooks, &hook).await.due_at.unwrap();
            assert_eq!(webhooks.work(now).await.unwrap(), Worked { put_off: 1, ..Worked::default() });
            troubles.push(only(&webhooks, &hook).await.trouble.unwrap());
        }
        assert!(troubles[0].contains("within 0.5 s"), "{troubles:?}");
        assert!(troubles.iter().all(|trouble| trouble.starts_with("it did not answer")), "{troubles:?}");
        let now = only(&webhooks, &hook).await.due_at.unwrap();
        assert_eq!(webhooks.work(now).await.unwrap(), Worked { delivered: 1, ..Worked::default() }, "its status is enough");
        assert_eq!(state(&webhooks, &hook).await, State::Delivered);
    });
}

/// A server with a certificate for `name`, and a client that trusts it.
fn certified(name: &str) -> (TlsAcceptor, Arc<ClientConfig>) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let (certificate, key) = (made.cert.der().clone(), PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap());
    let provider = Arc::new(ring::default_provider());
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().unwrap();
    let server = server.with_no_client_auth().with_single_cert(vec![certificate.clone()], key).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    (TlsAcceptor::from(Arc::new(server)), Arc::new(client.with_root_certificates(roots).with_no_client_auth()))
}

#[test]
fn over_tls_the_certificate_must_be_the_names() {
    on_one(|database| async move {
        let (acceptor, tls) = certified("hook.example");
        let receiver = Receiver::at(IpAddr::from([127, 0, 0, 1]), 0, Some(acceptor), |_| status("200 OK")).await.unwrap();
        let names = Names::new(&[&["127.0.0.1"], &["127.0.0.1"], &["127.0.0.1"]]);
        let with = |tls| Options { resolver: Arc::clone(&names) as Arc<dyn klieg_webhooks::Resolve>, tls, ..options(here()) };
        let webhooks = Webhooks::open(database.clone(), with(tls)).await.unwrap();
        let right = add(&webhooks, &format!("https://hook.example:{}/", receiver.address.port()), &["*"]).await;
        publish(&webhooks, "job-1").await;
        webhooks.work(NOW).await.unwrap();
        assert_eq!(state(&webhooks, &right).await, State::Delivered);
        webhooks.remove(None, &right.webhook.id).await.unwrap();
        let wrong = add(&webhooks, &format!("https://other.example:{}/", receiver.address.port()), &["*"]).await;
        publish(&webhooks, "job-2").await;
        webhooks.work(NOW).await.unwrap();
        let trouble = only(&webhooks, &wrong).await.trouble.unwrap();
        assert!(trouble.starts_with("it cannot be spoken to over TLS"), "{trouble}");
        let strangers = Webhooks::open(database.clone(), with(Options::new().unwrap().tls)).await.unwrap();
        strangers.remove(None, &wrong.webhook.id).await.unwrap();
        let untrusted = add(&strangers, &format!("https://hook.example:{}/", receiver.address.port()), &["*"]).await;
        publish(&strangers, "job-3").await;
        strangers.work(NOW).await.unwrap();
        assert_eq!(state(&strangers, &untrusted).await, State::Waiting, "nobody trusts that certificate");
        assert_eq!(receiver.seen().len(), 1);
    });
}
