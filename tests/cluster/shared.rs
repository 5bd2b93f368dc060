//! Two servers that share PostgreSQL, NATS and S3.

use crate::{
    SMALL_FILM,
    farm::{Cluster, Daemon, status},
    support::{SMALL, Studio, film},
};
use klieg_servers::{Nats, Postgres, S3, Sync};
use std::time::{Duration, Instant};

const TOKEN: &str = "the-token-of-this-test";

#[test]
fn the_leader_dies_and_the_other_goes_on_with_the_same_film() {
    let (calm, far) = (Studio::new(), Studio::new());
    for studio in [&calm, &far] {
        studio.script("small.fountain", SMALL);
    }
    calm.ok(&[&SMALL_FILM[..], &["--quiet", "--workers", "2", "--out", "out"]].concat());

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let s3 = runtime.block_on(S3::start());
    let (postgres, nats) = (Postgres::start(Sync::Off), Nats::start());
    let blobs = format!("s3://{}/farm?endpoint={}&region=eu-central-1", S3::BUCKET, s3.endpoint());
    let serve = |name: &str| {
        let folder = far.path(name).display().to_string();
        let environment = [
            ("KLIEG_FARM", folder.as_str()),
            ("KLIEG_STORE", &postgres.url()),
            ("KLIEG_BUS", &nats.url()),
            ("KLIEG_BLOBS", &blobs),
            ("KLIEG_ARTIFACTS", "direct"),
            ("KLIEG_TOKEN", TOKEN),
            ("AWS_ACCESS_KEY_ID", S3::ACCESS_KEY),
            ("AWS_SECRET_ACCESS_KEY", S3::SECRET_KEY),
        ];
        let server = Daemon::start(&far, &format!("serve-{name}"), &["serve", "--json", "--listen", "127.0.0.1:0"], &environment);
        let url = server.said()["url"].as_str().unwrap().to_owned();
        (server, url)
    };
    let (first, url) = serve("first");
    let mut cluster = Cluster::of(&far, first, url.clone(), TOKEN);
    cluster.leads();
    let (second, other) = serve("second");
    wait("the second knows the first", || status(&other, "/ready").1.contains(&url));
    let _nodes = [cluster.node_of("one", &[&url, &other]), cluster.node_of("two", &[&other, &url])];
    let mut render = far.klieg(&SMALL_FILM);
    let servers = format!("{url},{other}");
    render.args(["--quiet", "--out", "out", "--server", &servers]).env("KLIEG_TOKEN", TOKEN);
    let render = std::thread::spawn(move || render.output().expect("start klieg"));
    cluster.wait("both nodes work", |backlog| backlog["running"].as_u64() > Some(1));
    cluster.server.kill();
    let begun = Instant::now();
    wait("the second leads", || status(&other, "/ready").1.contains("leading"));
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    let output = render.join().unwrap();
    assert!(output.status.success(), "{} {}", String::from_utf8_lossy(&output.stderr), second.log());
    assert_eq!(film(&calm.path("out")), film(&far.path("out")), "the same film, byte for byte");
}

fn wait(what: &str, so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(30));
    }
}
