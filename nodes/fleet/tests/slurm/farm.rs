//! The long form: klieg's own server and agents.

use crate::{
    Running,
    cluster::{Cluster, wait},
    options, rules,
};
use klieg_fleet::{Rules, Server, Slurm, SlurmOptions};
use std::{
    ffi::OsString,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

const SCRIPT: &str = "Title: Two Shots

INT. KITCHEN - DAY

A small kitchen. ANNA pours tea.

ANNA
Where were you all night?

BEN
On the road. The bridge is closed.
";

/// A server that ends with the test.
struct Serve(Child);

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a server; returns its address and where its token lies.
fn serve(klieg: &OsString, folder: &Path) -> (Serve, String, PathBuf) {
    let mut server = Command::new("setpriv");
    server.args(["--pdeathsig", "KILL"]).arg(klieg).args(["--json", "serve", "--listen", "127.0.0.1:0"]);
    server.env("KLIEG_FARM", folder.join("farm")).stdout(Stdio::piped());
    let mut server = server.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let said: serde_json::Value = serde_json::from_str(&line).unwrap();
    let text = |name: &str| said[name].as_str().unwrap().to_owned();
    (Serve(server), text("url"), text("token_file").into())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "renders a film with the klieg program that the variable KLIEG names"]
async fn a_film_is_rendered_by_agents_that_come_and_go() {
    let klieg = std::env::var_os("KLIEG").expect("KLIEG names the klieg program");
    let cluster = Cluster::start();
    let (_serve, url, token) = serve(&klieg, cluster.folder());
    let words = [klieg.clone(), "node".into(), "--server".into(), url.clone().into(), "--token-file".into(), token.clone().into()];
    let agent = words.into_iter().chain(["--slots".into(), "1".into()]).collect();
    let slurm = Slurm::new(SlurmOptions { agent, ..options(&cluster) }).unwrap();
    let rules = Rules { idle: Duration::from_secs(2), ..rules() };
    let fleet = Running::start(
        Server::new(&crate::link(std::slice::from_ref(&url), std::fs::read_to_string(&token).unwrap().trim())).unwrap(),
        slurm,
        rules,
    );

    std::fs::write(cluster.folder().join("two-shots.fountain"), SCRIPT).unwrap();
    let begun = Instant::now();
    let mut render = Command::new(&klieg);
    render.args(["render", "two-shots.fountain", "--size", "160x90", "--spp", "1", "--out", "film", "--quiet", "--server", &url]);
    let done = render.arg("--token-file").arg(&token).current_dir(cluster.folder()).status().unwrap();
    let rendered = begun.elapsed();
    assert!(done.success() && cluster.folder().join("film/film.mp4").is_file());
    assert_eq!(fleet.most(), 3);
    let begun = Instant::now();
    assert!(wait(Duration::from_secs(60), || cluster.jobs().is_empty()), "{:?}", cluster.jobs());
    println!(
        "0 -> 3 agents, a film in {:.1} s, 3 -> 0 agents {:.1} s after it",
        rendered.as_secs_f64(),
        begun.elapsed().as_secs_f64()
    );
    fleet.end().await;
    let agents = cluster.run("squeue", &["--noheader", "--states=all", "--format=%T"]);
    assert!(agents.lines().count() >= 3 && agents.lines().all(|state| state == "COMPLETED"), "{agents}");
}
