use crate::house::{anywhere, farm, link, options, part, serve};
use http::Method;
use klieg_api::{Server, ServerError, ServerOptions};
use klieg_nodes::remote::{Ask, Link, LinkError, LinkOptions};
use klieg_protocol::wire::Backlog;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_ones_own() {
    let root = tempfile::tempdir().unwrap();
    let folder = part(&root, "tls");
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let broken =
        ServerOptions { tls: Some((certificate.clone(), certificate.clone())), ..options(&part(&root, "farm"), anywhere()) };
    let error = Server::start(broken).await.err().expect("a certificate is no key");
    assert!(matches!(&error, ServerError::Tls { path, .. } if *path == certificate), "{error}");
    let tls = ServerOptions { tls: Some((certificate.clone(), key)), ..options(&part(&root, "farm"), anywhere()) };
    let server = Server::start(tls).await.unwrap();
    farm(&server).await;
    assert!(server.url().starts_with("https://127.0.0.1:"));
    let there =
        |host: &str, ca| LinkOptions { servers: vec![format!("https://{host}:{}", server.address().port())], ca, ..link(&server) };
    let ask = Ask::new(Method::GET, "/v1/backlog");
    let trusted = Link::new(&there("localhost", Some(certificate.clone()))).unwrap();
    assert_eq!(trusted.get::<Backlog>(&ask).await.unwrap().slots, 0);
    let other_name = Link::new(&there("127.0.0.1", Some(certificate))).unwrap();
    let error = other_name.get::<Backlog>(&ask).await.unwrap_err();
    assert!(matches!(&error, LinkError::Away { what, .. } if what.contains("certificate")), "{error}");
    let stranger = Link::new(&there("localhost", None)).unwrap();
    let error = stranger.get::<Backlog>(&ask).await.unwrap_err();
    assert!(matches!(&error, LinkError::Away { what, .. } if what.contains("certificate")), "{error}");
    let nothing = Link::new(&there("localhost", Some(folder.join("nothing.pem"))));
    assert!(matches!(nothing, Err(LinkError::BadCa { .. })));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_came_by_tls_does_not_go_on_without_it() {
    let root = tempfile::tempdir().unwrap();
    let (folder, shared) = (part(&root, "tls"), part(&root, "farm"));
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let open = serve(&shared, anywhere()).await;
    farm(&open).await;
    let tls = ServerOptions { tls: Some((certificate.clone(), key)), ..options(&shared, anywhere()) };
    let standby = Server::start(tls).await.unwrap();
    let mut stand = standby.stand();
    stand.wait_for(|stand| matches!(stand, klieg_api::Stand::Standby { leader: Some(_), .. })).await.unwrap();
    let servers = vec![format!("https://localhost:{}", standby.address().port())];
    let way = Link::new(&LinkOptions { servers, ca: Some(certificate), ..link(&standby) }).unwrap();
    let error = way.call(&Ask::new(Method::GET, "/v1/farm")).await.unwrap_err();
    assert!(matches!(&error, LinkError::Garbled { what, .. } if what.contains("unencrypted")), "{error}");
    standby.stop().await;
    open.stop().await;
}
