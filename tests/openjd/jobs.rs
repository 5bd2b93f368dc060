//! Templates on a farm of a server and two nodes, and at the command line.

use crate::{
    farm::{Cluster, Daemon},
    support::Studio,
};
use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
    path::Path,
    process::{Output, Stdio},
};

/// A studio with a template of `examples/openjd`.
fn studio(template: &str) -> Studio {
    let studio = Studio::new();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/openjd").join(template);
    studio.script(template, std::fs::read(path).expect("the example"));
    studio
}

/// A node of two slots that lets openjd jobs run.
fn node(cluster: &Cluster<'_>, studio: &Studio, name: &str) -> Daemon {
    let cache = format!("cache-{name}");
    let environment = cluster.environment();
    let environment: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let args = ["node", "--name", name, "--slots", "2", "--no-gpus", "--cache", &cache, "--allow", "openjd"];
    Daemon::start(studio, name, &args, &environment)
}

/// Submits a template to a server with two nodes, and waits.
fn farmed(studio: &Studio, args: &[&str]) -> Output {
    let cluster = Cluster::new(studio);
    let _nodes = [node(&cluster, studio, "one"), node(&cluster, studio, "two")];
    cluster.wait("both have joined", |backlog| backlog["nodes"] == 2);
    let mut submit = studio.klieg(&[&["openjd", "submit"], args].concat());
    submit.envs(cluster.environment()).output().expect("start klieg")
}

fn right(output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    out.into_owned()
}

fn names(folder: &Path) -> BTreeSet<String> {
    std::fs::read_dir(folder).expect("the folder").map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn set<T: ToString>(names: impl IntoIterator<Item = T>) -> BTreeSet<String> {
    names.into_iter().map(|name| name.to_string()).collect()
}

#[test]
fn chunks_cover_every_frame_once() {
    let studio = studio("chunks.yaml");
    right(&farmed(&studio, &["chunks.yaml", "--sessions", "3"]));
    let out = studio.path("chunks");
    assert_eq!(names(&out), set((1..=40).map(|frame| format!("{frame}.txt"))));
    let chunks: BTreeSet<String> = (1..=40)
        .map(|frame| {
            let text = std::fs::read_to_string(out.join(format!("{frame}.txt"))).unwrap();
            text.trim().rsplit(' ').next().unwrap().to_owned()
        })
        .collect();
    let count = |chunk: &String| {
        let (first, last) = chunk.split_once('-').expect("contiguous");
        last.parse::<usize>().unwrap() + 1 - first.parse::<usize>().unwrap()
    };
    assert_eq!(chunks.iter().map(count).sum::<usize>(), 40, "{chunks:?}");
    // Three sessions begin with five frames each, and what is so quick is done in larger chunks after that.
    assert!(chunks.len() >= 3 && chunks.iter().any(|chunk| count(chunk) > 5), "{chunks:?}");
}

#[test]
fn combinations_run_each_once() {
    let studio = studio("combination.yaml");
    right(&farmed(&studio, &["combination.yaml"]));
    let wanted = [1, 3, 5].iter().flat_map(|frame| [format!("left-35-{frame}"), format!("right-50-{frame}")]);
    assert_eq!(names(&studio.path("combination")), set(wanted));
}

#[test]
fn environments_are_entered_once_a_session_and_commands_run_as_nobody_without_tokens() {
    let studio = studio("environments.yaml");
    let told = right(&farmed(&studio, &["environments.yaml", "--sessions", "2", "--logs"]));
    let lines = |what: &str| told.lines().filter(|line| line.trim() == what || line.starts_with(what)).count();
    assert_eq!((lines("taking a licence"), lines("giving l-")), (2, 2), "{told}");
    let out = studio.path("environments");
    assert_eq!(names(&out), set(1..=6));
    let mut licences = BTreeSet::new();
    for number in 1..=6 {
        let text = std::fs::read_to_string(out.join(number.to_string())).unwrap();
        let words: Vec<&str> = text.split_whitespace().collect();
        licences.insert(words[0].to_owned());
        let root = nix::unistd::Uid::effective().is_root();
        assert_eq!((words[1], words[2] == "0", words[3]), ("/studio/aces.ocio", false, "none"), "root: {root}: {text}");
    }
    assert_eq!(licences.len(), 2, "{licences:?}");
}

#[test]
fn a_failure_says_why() {
    let studio = studio("failure.yaml");
    let output = farmed(&studio, &["failure.yaml"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("Work N=2: the texture wood.exr is missing") && told.contains("looking for the texture"), "{told}");
}

#[test]
fn a_gpu_is_waited_for() {
    if Path::new("/proc/driver/nvidia/version").exists() {
        return;
    }
    let studio = studio("gpu.yaml");
    let cluster = Cluster::new(&studio);
    let _node = node(&cluster, &studio, "one");
    cluster.wait("it has joined", |backlog| backlog["nodes"] == 1);
    let submitted = studio.klieg(&["openjd", "submit", "gpu.yaml", "--no-wait"]).envs(cluster.environment()).output().unwrap();
    right(&submitted);
    cluster.wait("it waits for a GPU", |backlog| backlog["classes"]["cuda"]["ready"] == 1 && backlog["running"] == 0);
    // A farm that no node can join says so at once.
    let output = studio.run(&["--farm", "alone", "openjd", "submit", "gpu.yaml"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("needs a device of class cuda, and no node has one"), "{told}");
}

#[test]
fn ffmpeg_draws_frames_and_makes_a_film_of_them() {
    let studio = studio("frames-to-film.yaml");
    right(&farmed(&studio, &["frames-to-film.yaml"]));
    assert_eq!(names(&studio.path("film")), set(["film.mp4", "frames"]));
    assert_eq!(names(&studio.path("film/frames")).len(), 24);
    let mut probe = std::process::Command::new("ffprobe");
    probe.args(["-v", "error", "-count_packets", "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0"]);
    let output = probe.arg(studio.path("film/film.mp4")).output().expect("scripts/setup installs ffmpeg");
    assert_eq!(right(&output).trim(), "24");
}

#[test]
fn a_node_that_does_not_allow_it_is_given_nothing() {
    let studio = studio("combination.yaml");
    let cluster = Cluster::new(&studio);
    let _closed = cluster.node("closed");
    cluster.wait("it has joined", |backlog| backlog["nodes"] == 1);
    let mut submit = studio.klieg(&["openjd", "submit", "combination.yaml"]);
    submit.envs(cluster.environment()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut submit = submit.spawn().expect("start klieg");
    cluster.wait("its tasks are ready", |backlog| backlog["ready"] == 6);
    // Long enough for many rounds of placing.
    std::thread::sleep(std::time::Duration::from_millis(500));
    cluster.wait("none of them runs", |backlog| backlog["ready"] == 6 && backlog["running"] == 0);
    let _open = node(&cluster, &studio, "open");
    assert!(submit.wait().expect("reap").success());
    assert_eq!(names(&studio.path("combination")).len(), 6);
}

#[test]
fn what_is_attached_travels_by_digest_and_the_same_job_runs_again() {
    let studio = Studio::new();
    studio.script("in.txt", "words");
    let template = "specificationVersion: jobtemplate-2023-09\nname: Attached\nparameterDefinitions:\n- {name: In, type: PATH, objectType: FILE, dataFlow: IN, default: in.txt}\n- {name: Log, type: PATH, objectType: DIRECTORY, dataFlow: INOUT, default: log}\nsteps:\n- name: S\n  script: {actions: {onRun: {command: bash, args: [-c, 'cat \"{{Param.In}}\" >> \"{{Param.Log}}/all\"; echo \"$(readlink -f \"{{Param.In}}\")\" > \"{{Param.Log}}/where\"']}}}\n";
    studio.script("job.yaml", template);
    for times in 1..=2 {
        studio.ok(&["openjd", "submit", "job.yaml", "--workers", "1"]);
        let text = std::fs::read_to_string(studio.path("log/all")).unwrap();
        assert_eq!(text, "words".repeat(times), "commands run again, whatever ran before");
    }
    let place = std::fs::read_to_string(studio.path("log/where")).unwrap();
    assert!(!Path::new(place.trim()).starts_with(studio.path("")), "{place}: the session had a copy of its own");
}

#[test]
fn run_is_the_references() {
    let studio = studio("combination.yaml");
    std::fs::create_dir(studio.path("combination")).unwrap();
    let told = studio.ok(&["openjd", "run", "combination.yaml", "-tp", "Camera=left", "-tp", "Lens=35", "-tp", "Frame=3"]);
    assert!(
        told.contains("Session ended successfully") && told.contains("Step: Shoot") && told.contains("Chunks run: 1"),
        "{told}"
    );
    assert_eq!(names(&studio.path("combination")), set(["left-35-3"]));
    let output = studio.run(&["openjd", "run", "combination.yaml", "-tp", "Camera=left", "-tp", "Lens=50", "-tp", "Frame=3"]);
    assert_eq!(output.status.code(), Some(1), "not in the parameter space");
    let output = studio.run(&["openjd", "run", "combination.yaml", "--step", "Nothing"]);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.code() == Some(1) && told.contains("No Step with name 'Nothing' is defined"), "{told}");
    let told = studio.ok(&["openjd", "run", "combination.yaml", "--output", "json", "--maximum-tasks", "2"]);
    let result: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!((&result["status"], &result["chunks_run"]), (&"success".into(), &2.into()));
}

#[test]
fn a_run_that_is_stopped_tells_its_command_first_and_exits_its_environments() {
    let studio = Studio::new();
    let template = "specificationVersion: jobtemplate-2023-09\nname: Stopped\njobEnvironments:\n- {name: E, script: {actions: {onExit: {command: echo, args: [left]}}}}\nsteps:\n- name: S\n  script: {actions: {onRun: {command: bash, args: [-c, 'trap \"echo told; exit 0\" TERM; echo begun; while :; do sleep 0.05; done'], cancelation: {mode: NOTIFY_THEN_TERMINATE, notifyPeriodInSeconds: 5}}}}\n";
    studio.script("job.yaml", template);
    let mut run = studio.klieg(&["openjd", "run", "job.yaml"]);
    let mut run = run.stdout(Stdio::piped()).spawn().expect("start klieg");
    let mut lines = BufReader::new(run.stdout.take().expect("output")).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.ends_with("\tbegun")));
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(run.id() as i32), nix::sys::signal::Signal::SIGTERM).unwrap();
    let rest: Vec<String> = lines.collect();
    let at = |what: &str| rest.iter().position(|line| line.ends_with(what));
    assert!(at("\ttold").is_some() && at("\ttold") < at("\tleft"), "{rest:?}");
    assert_eq!(run.wait().expect("reap").code(), Some(1));
}
