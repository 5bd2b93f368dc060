//! Devices that break: the CUDA driver that stands in for a GPU's (`kernels/tests/stand_in`) loses its device on purpose.

#[expect(dead_code, reason = "the kernels' own tests open it in their process")]
#[path = "../../kernels/tests/stand_in/mod.rs"]
mod stand_in;
#[path = "../../kernels/tests/toolkit/mod.rs"]
mod toolkit;

use crate::support::{SMALL, Studio, result};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Stdio},
    time::Duration,
};

/// Whose driver the workers find is the stand-in.
fn with_stand_in(studio: &Studio, args: &[&str]) -> std::process::Command {
    let folder = studio.path("driver");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::copy(stand_in::built(), folder.join("libcuda.so")).unwrap();
    let mut command = studio.klieg(args);
    command.env("LD_LIBRARY_PATH", folder);
    command
}

#[test]
fn a_device_lost_in_a_shot_costs_a_worker_and_no_film() {
    let studio = Studio::new();
    studio.script("small.fountain", SMALL);
    let args = [
        "render",
        "small.fountain",
        "--size",
        "96x54",
        "--spp",
        "1",
        "--shots",
        "sc010_sh010",
        "--device",
        "cuda:0",
        "--workers",
        "1",
        "--json",
    ];
    let mut command = with_stand_in(&studio, &args);
    command.env("STAND_IN_FAILS", "klieg_denoise_pass").env("STAND_IN_ONCE", studio.path("lost"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(studio.path("lost").exists(), "the device was lost once");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("ILLEGAL_ADDRESS"), "the reason is told");
    let film = result(&text)["film"].as_str().unwrap().to_owned();
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(studio.path("out/small/manifest.json")).unwrap()).unwrap();
    let attempts = manifest["tasks"].as_array().unwrap().iter().map(|t| t["attempts"].as_u64().unwrap()).max();
    assert_eq!(attempts, Some(2), "one attempt was lost with the device");
    assert!(studio.path(&film).metadata().unwrap().len() > 0);
}

#[test]
fn a_node_offers_what_its_machine_has() {
    let studio = Studio::new();
    let listed = |args: &[&str]| -> serde_json::Value {
        let output = with_stand_in(&studio, &[&["node", "--list", "--json"], args].concat()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let all = listed(&["--name", "n1", "--cpu-slots", "3", "--gpu-slots", "2"]);
    assert_eq!(all["node"], "n1");
    let (cpu, gpu) = (&all["devices"][0], &all["devices"][1]);
    assert_eq!((cpu["class"].as_str(), cpu["slots"].as_u64()), (Some("cpu"), Some(3)));
    assert_eq!((gpu["class"].as_str(), gpu["slots"].as_u64()), (Some("cuda"), Some(2)), "{all}");
    assert!(gpu["memory_bytes"].as_u64().unwrap() > 0);
    assert!(all["tools"]["encoders"].as_array().unwrap().contains(&"mp4".into()), "{all}");
    assert!(all["tools"]["voices"].as_array().unwrap().contains(&"flite".into()), "{all}");
    assert_eq!(listed(&["--no-gpus"])["devices"].as_array().unwrap().len(), 1);
    assert_eq!(listed(&["--gpus", "0"])["devices"], listed(&[])["devices"]);
    let output = with_stand_in(&studio, &["node", "--list", "--gpus", "7"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && said.contains("offer cuda:7") && said.contains("only cuda:0"), "{said}");
    let people = with_stand_in(&studio, &["node", "--list"]).output().unwrap();
    let text = String::from_utf8(people.stdout).unwrap();
    assert!(text.contains("  cuda  ") && text.contains("1 slot,") && text.contains("voices: flite"), "{text}");
}

/// A process that ends with the test.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const TOKEN: &str = "a-token-for-tests-only";

/// Starts a server; gives its URL.
fn serve(studio: &Studio) -> (Daemon, String) {
    let mut server = studio.klieg(&["--json", "serve", "--listen", "127.0.0.1:0", "--device", "cuda"]);
    let mut server = Daemon(server.env("KLIEG_TOKEN", TOKEN).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let said: serde_json::Value = serde_json::from_str(&line).unwrap();
    (server, said["url"].as_str().unwrap().to_owned())
}

/// What the farm has to do for a class: tasks ready and running.
fn demand(url: &str, class: &str) -> Option<(u64, u64)> {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).ok()?;
    write!(stream, "GET /v1/backlog HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    let backlog: serde_json::Value = serde_json::from_str(text.split("\r\n\r\n").nth(1)?).ok()?;
    let of = |what: &str| backlog["classes"][class][what].as_u64();
    Some((of("ready")?, of("running")?))
}

fn until(what: &str, mut so: impl FnMut() -> bool) {
    for _ in 0..1_200 {
        if so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("it never happened: {what}");
}

#[test]
fn a_film_for_gpus_gets_no_picture_from_a_processor() {
    let studio = Studio::new();
    studio.script("small.fountain", SMALL);
    let (_server, url) = serve(&studio);
    let node = |name: &str, more: &[&str]| {
        let cache = format!("cache-{name}");
        let args = ["node", "--name", name, "--cpu-slots", "1", "--disk-free-min", "0", "--cache", &cache, "--server", &url];
        let mut command = with_stand_in(&studio, &[&args, more].concat());
        Daemon(command.env("KLIEG_TOKEN", TOKEN).stderr(Stdio::null()).spawn().unwrap())
    };
    let _processor = node("processor", &["--no-gpus"]);
    let args = ["render", "small.fountain", "--size", "96x54", "--spp", "1", "--shots", "sc010_sh010", "--quiet", "--server", &url];
    let mut render = studio.klieg(&args);
    let mut render = Daemon(render.env("KLIEG_TOKEN", TOKEN).stdout(Stdio::null()).spawn().unwrap());
    until("everything but the pictures is done", || {
        demand(&url, "cuda").is_some_and(|(ready, _)| ready > 0) && demand(&url, "cpu") == Some((0, 0))
    });
    std::thread::sleep(Duration::from_secs(1));
    assert!(demand(&url, "cuda").is_some_and(|(ready, running)| ready > 0 && running == 0), "its pictures wait for a GPU");
    let _gpu = node("gpu", &[]);
    assert!(render.0.wait().unwrap().success());
    assert!(studio.path("out/small/film.mp4").metadata().unwrap().len() > 0);
}
