//! A server with a certificate of one's own making: openssl's own server answers with a file.

use klieg_fleet::Server;
use klieg_nodes::remote::{LinkError, LinkOptions};
use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

/// Ends with the test.
struct Answers(Child);

impl Drop for Answers {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A server on any free port; returns that too.
fn serve(folder: &Path) -> (Answers, String) {
    let mut server = Command::new("setpriv");
    server.args("--pdeathsig KILL openssl s_server -WWW -accept 127.0.0.1:0 -cert leaf.pem -key leaf.key".split(' '));
    let mut server = server.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines().map_while(Result::ok);
    let port = lines.find_map(|line| line.strip_prefix("ACCEPT 127.0.0.1:").map(str::to_owned)).unwrap();
    // It writes what it is asked, and must not find the pipe closed.
    std::thread::spawn(move || lines.for_each(drop));
    (Answers(server), format!("https://127.0.0.1:{port}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_trusted_by_its_authority_only() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let key = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2";
    openssl(folder.path(), &format!("{key} -keyout ca.key -out ca.pem -subj /CN=authority"));
    let leaf = "-addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE -CA ca.pem -CAkey ca.key";
    openssl(folder.path(), &format!("{key} -keyout leaf.key -out leaf.pem -subj /CN=server {leaf}"));
    fs::create_dir(at("v1")).unwrap();
    fs::write(at("v1/backlog"), r#"{"ready":5,"running":2,"nodes":1,"slots":2,"more":"of a later version"}"#).unwrap();
    let (_answers, address) = serve(folder.path());

    let of = |ca: Option<&str>| LinkOptions { servers: vec![address.clone()], token: "a-token-of-the-test".into(), ca: ca.map(at) };
    let backlog = Server::new(&of(Some("ca.pem"))).unwrap().look().await.unwrap();
    assert_eq!((backlog.ready, backlog.running), (5, 2));
    let refusal = Server::new(&of(None)).unwrap().look().await.unwrap_err();
    assert!(matches!(&refusal, LinkError::Away { what, .. } if what.contains("certificate")), "{refusal}");
    // A file without certificates is a mistake, not a reason to trust nobody.
    let bad = Server::new(&of(Some("leaf.key"))).map(drop).unwrap_err();
    assert!(matches!(bad, LinkError::BadCa { .. }) && bad.is_usage());
}

#[test]
fn what_cannot_be_used_is_said_at_once() {
    let of = |server: &str| {
        Server::new(&LinkOptions { servers: vec![server.into()], token: "a-token-of-the-test".into(), ca: None }).map(drop)
    };
    for bad in ["", "farm", "farm:7421", "ftp://farm", "http://", "http:// farm"] {
        let error = of(bad).unwrap_err();
        assert!(matches!(error, LinkError::BadServer { .. }) && error.is_usage(), "{bad:?}");
    }
    assert!(of("http://farm:7421/").is_ok());
}
