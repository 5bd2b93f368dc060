//! Pulls from a hub of the test's own, which answers as the public one does, and wrongly where it is told to.

use klieg_hub::{HubError, HubOptions, Order, PUBLIC, pull};
use klieg_models::{Error, Progress, Shelf};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use serde_json::json;
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    time::Duration,
};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A request as it came.
#[derive(Clone, Debug)]
struct Heard {
    path: String,
    token: Option<String>,
    from: u64,
}

/// What to do with a request before it is answered rightly.
type Trick = Box<dyn Fn(&Heard, usize) -> Option<Vec<u8>> + Send + Sync>;

struct World {
    files: BTreeMap<String, Vec<u8>>,
    heard: Mutex<Vec<Heard>>,
    trick: Trick,
    /// Where large files lie.
    store: Mutex<Option<SocketAddr>>,
    /// Of the listing: whether it says lengths.
    sizes: bool,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn head(status: &str, headers: &[(&str, String)], body: &[u8]) -> Vec<u8> {
    let mut out = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n", body.len());
    headers.iter().for_each(|(name, value)| out += &format!("{name}: {value}\r\n"));
    [out.as_bytes(), b"\r\n", body].concat()
}

impl World {
    /// As the public hub answers; of weights that they lie at the store.
    fn answer(&self, heard: &Heard) -> Vec<u8> {
        if heard.path.starts_with("/api/models/") {
            let siblings = |(path, bytes): (&String, &Vec<u8>)| match self.sizes {
                true => json!({"rfilename": path, "size": bytes.len()}),
                false => json!({"rfilename": path}),
            };
            let listing = json!({"sha": COMMIT, "siblings": self.files.iter().map(siblings).collect::<Vec<_>>()});
            return head("200 OK", &[], listing.to_string().as_bytes());
        }
        let path = heard.path.split_once(COMMIT).map_or(heard.path.as_str(), |(_, path)| path).trim_start_matches('/');
        let Some(bytes) = self.files.get(path) else { return head("404 Not Found", &[], b"Entry not found") };
        let large = path.ends_with(".safetensors");
        if large && !heard.path.starts_with("/store/") {
            let store = self.store.lock().expect("a lock").expect("a store");
            let headers = [
                ("X-Linked-Etag", format!("\"{}\"", hex(digest(&SHA256, bytes).as_ref()))),
                ("X-Linked-Size", bytes.len().to_string()),
                ("Location", format!("http://{store}/store/{COMMIT}/{path}?signature=secret")),
            ];
            return head("302 Found", &headers, b"");
        }
        let blob = [format!("blob {}\0", bytes.len()).as_bytes(), bytes].concat();
        let tag = ("ETag", format!("\"{}\"", hex(digest(&SHA1_FOR_LEGACY_USE_ONLY, &blob).as_ref())));
        match heard.from as usize {
            0 => head("200 OK", &[tag], bytes),
            from if from >= bytes.len() => {
                head("416 Range Not Satisfiable", &[tag, ("Content-Range", format!("bytes */{}", bytes.len()))], b"")
            }
            from => {
                let range = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
                head("206 Partial Content", &[tag, ("Content-Range", range)], &bytes[from..])
            }
        }
    }

    fn hear(&self, stream: &mut TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let target = line.split(' ').nth(1).unwrap_or_default().split('?').next().unwrap_or_default();
        let mut heard = Heard { path: target.replace("%2F", "/"), token: None, from: 0 };
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 || line == "\r\n" {
                break;
            }
            let (name, value) = line.split_once(':').unwrap_or_default();
            match name.to_ascii_lowercase().as_str() {
                "authorization" => heard.token = Some(value.trim().into()),
                "range" => heard.from = value.trim().trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap_or(0),
                _ => {}
            }
        }
        let nth = {
            let mut all = self.heard.lock().expect("a lock");
            all.push(heard.clone());
            all.iter().filter(|one| one.path == heard.path).count()
        };
        let answer = (self.trick)(&heard, nth).unwrap_or_else(|| self.answer(&heard));
        stream.write_all(&answer)?;
        stream.shutdown(std::net::Shutdown::Write)?;
        // Until the other end has closed, so that nothing is lost.
        let _ = stream.read(&mut [0; 64]);
        Ok(())
    }
}

/// A hub that serves until the test ends; its threads wait for connections that never come.
fn serve(world: &Arc<World>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    let world = Arc::clone(world);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let world = Arc::clone(&world);
            std::thread::spawn(move || stream.and_then(|mut stream| world.hear(&mut stream)));
        }
    });
    address
}

struct Stage {
    world: Arc<World>,
    hub: SocketAddr,
    folder: tempfile::TempDir,
}

/// A tiny LoRA with a configuration beside it, and what nobody wants.
fn files() -> BTreeMap<String, Vec<u8>> {
    let header = json!({
        "mid.lora_A.weight": {"dtype": "F32", "shape": [4, 50_000], "data_offsets": [0, 800_000]},
        "mid.lora_B.weight": {"dtype": "F32", "shape": [8, 4], "data_offsets": [800_000, 800_128]},
    });
    let header = header.to_string();
    let weights = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0; 800_128]].concat();
    [
        ("pytorch_lora_weights.safetensors", weights),
        ("adapter.json", b"{}".to_vec()),
        ("pytorch_lora_weights.bin", b"PK\x03\x04".to_vec()),
        ("README.md", b"words".to_vec()),
    ]
    .map(|(path, bytes)| (path.to_owned(), bytes))
    .into()
}

fn stage(
    files: BTreeMap<String, Vec<u8>>,
    sizes: bool,
    trick: impl Fn(&Heard, usize) -> Option<Vec<u8>> + Send + Sync + 'static,
) -> Stage {
    let world = Arc::new(World { files, heard: Mutex::default(), trick: Box::new(trick), store: Mutex::default(), sizes });
    let hub = serve(&world);
    // Another port is another host to a token.
    *world.store.lock().expect("a lock") = Some(serve(&world));
    Stage { world, hub, folder: tempfile::tempdir().expect("a folder") }
}

impl Stage {
    fn shelf(&self) -> Shelf {
        Shelf::open(self.folder.path())
    }

    fn pull_with(&self, progress: &Progress) -> Result<klieg_models::Record, HubError> {
        let options = HubOptions {
            endpoint: format!("http://{}", self.hub),
            token: Some("hf_secret".into()),
            pause: Duration::from_millis(1),
        };
        let order = Order { repo: "felt/puppets".into(), revision: "main".into(), name: "felt".into(), files: Vec::new() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(pull(&options, &self.shelf(), &order, progress)).map(|(record, _)| record)
    }

    fn pull(&self) -> Result<klieg_models::Record, HubError> {
        self.pull_with(&Progress::default())
    }

    fn heard(&self) -> Vec<Heard> {
        self.world.heard.lock().expect("a lock").clone()
    }

    /// Nothing is on the shelf; whether something was kept for the next try.
    fn kept(&self) -> bool {
        assert!(self.shelf().models().expect("list").is_empty());
        std::fs::read_dir(self.folder.path()).expect("list").count() > 0
    }
}

fn is_weights(heard: &Heard) -> bool {
    heard.path.starts_with("/store/")
}

#[test]
fn what_is_wanted_is_fetched_checked_and_added() {
    for sizes in [true, false] {
        let stage = stage(files(), sizes, |_, _| None);
        let progress = Progress::default();
        let record = stage.pull_with(&progress).expect("pull");
        let paths: Vec<&str> = record.files.iter().map(|part| part.path.as_str()).collect();
        assert_eq!(paths, ["adapter.json", "pytorch_lora_weights.safetensors"]);
        assert_eq!(std::fs::read(record.path(paths[1])).expect("read"), files()[paths[1]]);
        assert_eq!(progress.bytes(), (2 * record.bytes, 2 * record.bytes), "fetched and read");
        assert_eq!(std::fs::read_dir(stage.folder.path()).expect("list").count(), 1, "nothing is left beside it");
        assert!(matches!(stage.pull(), Err(HubError::Model(Error::Taken(_)))));
    }
}

#[test]
fn the_token_goes_to_the_hub_alone() {
    let stage = stage(files(), true, |_, _| None);
    stage.pull().expect("pull");
    let heard = stage.heard();
    assert!(heard.iter().any(is_weights));
    for one in heard {
        let token = if is_weights(&one) { None } else { Some("Bearer hf_secret") };
        assert_eq!(one.token.as_deref(), token, "{}", one.path);
    }
}

#[test]
fn what_broke_off_goes_on() {
    // Every answer to a request for weights ends after 300,000 bytes.
    let stage = stage(files(), true, |heard, _| {
        let all = &files()["pytorch_lora_weights.safetensors"];
        let rest = all.get(heard.from as usize..).filter(|rest| is_weights(heard) && rest.len() > 300_000)?;
        let whole = match heard.from {
            0 => head("200 OK", &[], rest),
            from => {
                head("206 Partial Content", &[("Content-Range", format!("bytes {from}-{}/{}", all.len() - 1, all.len()))], rest)
            }
        };
        Some(whole[..whole.len() - rest.len() + 300_000].to_vec())
    });
    let progress = Progress::default();
    let record = stage.pull_with(&progress).expect("pull");
    let ranges: Vec<u64> = stage.heard().iter().filter(|one| is_weights(one)).map(|one| one.from).collect();
    assert!(ranges.len() >= 3 && ranges.is_sorted() && ranges[1] > 0, "{ranges:?}");
    assert_eq!(progress.bytes(), (2 * record.bytes, 2 * record.bytes), "nothing is counted twice");
}

#[test]
fn another_pull_goes_on_where_one_was_cut() {
    let cut = Arc::new(Mutex::new(true));
    let trick = cut.clone();
    let stage = stage(files(), true, move |heard, _| {
        let cut = *trick.lock().expect("a lock") && is_weights(heard);
        // Nothing comes after the first 100,000 bytes.
        cut.then(|| match heard.from {
            0 => {
                let all = head("200 OK", &[], &files()["pytorch_lora_weights.safetensors"]);
                all[..all.len() - 700_128].to_vec()
            }
            _ => Vec::new(),
        })
    });
    let error = stage.pull().expect_err("it is cut");
    assert!(error.retryable() && error.to_string().contains("goes on where it broke off"), "{error}");
    assert!(stage.kept());
    *cut.lock().expect("a lock") = false;
    let before = stage.heard().len();
    stage.pull().expect("pull");
    let after: Vec<u64> = stage.heard()[before..].iter().filter(|one| is_weights(one)).map(|one| one.from).collect();
    assert!(after.len() == 1 && after[0] > 90_000, "{after:?}");
}

#[test]
fn a_hub_without_ranges_is_begun_anew() {
    let stage = stage(files(), true, |heard, nth| {
        let all = head("200 OK", &[], &files()["pytorch_lora_weights.safetensors"]);
        is_weights(heard).then(|| if nth == 1 { all[..all.len() - 500_000].to_vec() } else { all })
    });
    stage.pull().expect("pull");
}

#[test]
fn other_bytes_than_the_digest_are_thrown_away() {
    for (path, what) in [("/store/", "pytorch_lora_weights.safetensors"), ("/felt/puppets/resolve/", "adapter.json")] {
        let stage = stage(files(), true, move |heard, _| {
            let ours = heard.path.starts_with(path) && heard.path.ends_with(what);
            let mut bytes = files()[what].clone();
            *bytes.last_mut().expect("bytes") ^= 1;
            let blob = [format!("blob {}\0", files()[what].len()).as_bytes(), &files()[what]].concat();
            let tag = format!("W/\"{}\"", hex(digest(&SHA1_FOR_LEGACY_USE_ONLY, &blob).as_ref()));
            ours.then(|| head("200 OK", &[("ETag", tag)], &bytes))
        });
        let error = stage.pull().expect_err("a wrong digest");
        assert!(matches!(&error, HubError::Digest { file, .. } if file == what), "{error}");
        stage.kept();
        let parts = || walk(stage.folder.path()).into_iter().filter(|path| path.contains(what)).count();
        assert_eq!(parts(), 0, "what came is gone");
    }
}

fn walk(folder: &std::path::Path) -> Vec<String> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).expect("list") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { all.extend(walk(&path)) } else { all.push(path.display().to_string()) }
    }
    all
}

#[test]
fn refusals_of_the_hub_say_what_to_do() {
    for (status, what) in [
        ("401 Unauthorized", "the token in HF_TOKEN may not have it"),
        ("403 Forbidden", "accept its terms"),
        ("404 Not Found", "--revision"),
        ("503 Service Unavailable", "it answers 503"),
    ] {
        let stage = stage(files(), true, move |_, _| Some(head(status, &[], b"")));
        let error = stage.pull().expect_err(status).to_string();
        assert!(error.contains(what), "{error}");
        assert!(!error.contains("hf_secret"));
        assert!(!stage.kept(), "nothing is left of what never began");
    }
    let stage = stage(files(), true, |heard, _| is_weights(heard).then(|| head("404 Not Found", &[], b"")));
    let error = stage.pull().expect_err("no file").to_string();
    assert!(error.contains("get pytorch_lora_weights.safetensors") && !error.contains("secret"), "{error}");
}

#[test]
fn answers_that_lead_astray_are_not_followed() {
    let stage = stage(files(), true, |heard, _| {
        heard.path.contains("/resolve/").then(|| head("302 Found", &[("Location", heard.path.clone())], b""))
    });
    assert!(stage.pull().expect_err("in a circle").to_string().contains("more than 6 times"));
    let stage = self::stage(files(), true, |heard, _| {
        heard.path.contains("/resolve/").then(|| head("302 Found", &[("Location", "file:///etc/passwd".into())], b""))
    });
    assert!(matches!(stage.pull(), Err(HubError::Redirect { .. })));
    let stage = self::stage(files(), true, |heard, _| heard.path.contains("/resolve/").then(|| head("200 OK", &[], b"{}")));
    assert!(matches!(stage.pull(), Err(HubError::NoDigest { .. })));
    let stage = self::stage(files(), true, |heard, _| heard.path.contains("/api/").then(|| head("200 OK", &[], b"<html>")));
    assert!(matches!(stage.pull(), Err(HubError::Garbled { .. })));
}

#[test]
fn names_of_files_do_not_lead_out_of_the_folder() {
    let mut all = files();
    all.insert("../../outside.json".into(), b"{}".to_vec());
    all.insert("/etc/outside.json".into(), b"{}".to_vec());
    let stage = stage(all, true, |_, _| None);
    let record = stage.pull().expect("pull");
    assert_eq!(record.files.len(), 2);
    assert!(!stage.heard().iter().any(|one| one.path.contains("outside")));
}

#[test]
fn pickles_and_unknown_families_are_refused_before_weights_are_fetched() {
    let mut pickles = files();
    pickles.remove("pytorch_lora_weights.safetensors");
    let stage = stage(pickles, true, |_, _| None);
    assert!(stage.pull().expect_err("pickles").to_string().contains("can run any program"));
    assert_eq!(stage.heard().len(), 1, "only the listing was asked for");
    let mut strange: BTreeMap<String, Vec<u8>> = files();
    strange.insert("config.json".into(), br#"{"model_type": "gpt9"}"#.to_vec());
    let weights = strange.remove("pytorch_lora_weights.safetensors").expect("weights");
    strange.insert("model.safetensors".into(), weights);
    let stage = self::stage(strange, true, |_, _| None);
    assert!(stage.pull().expect_err("a stranger").to_string().contains("gpt9"));
    assert!(!stage.heard().iter().any(is_weights));
    assert!(!stage.kept());
}

#[test]
fn what_is_stopped_is_kept() {
    let stage = stage(files(), true, |_, _| None);
    let progress = Progress::default();
    progress.stop();
    assert!(matches!(stage.pull_with(&progress), Err(HubError::Model(Error::Stopped))));
    assert!(stage.kept());
}

#[test]
fn orders_that_are_wrong_reach_no_hub() {
    let stage = stage(files(), true, |_, _| None);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let order = |repo: &str, name: &str| Order { repo: repo.into(), revision: "main".into(), name: name.into(), files: Vec::new() };
    let here = HubOptions { endpoint: format!("http://{}", stage.hub), ..HubOptions::default() };
    let pull = |options: &HubOptions, order: &Order| {
        runtime.block_on(pull(options, &stage.shelf(), order, &Progress::default())).expect_err("wrong")
    };
    for repo in ["", "a/b/c", "../x", "a b", "https://x/y"] {
        assert!(matches!(pull(&here, &order(repo, "x")), HubError::BadRepo(_)), "{repo}");
    }
    assert!(matches!(pull(&here, &order("a/b", "a/b")), HubError::Model(Error::BadName(_))));
    for endpoint in ["", "hub", "file:///", "ftp://hub"] {
        let options = HubOptions { endpoint: endpoint.into(), ..HubOptions::default() };
        assert!(matches!(pull(&options, &order("a/b", "x")), HubError::BadEndpoint { .. }), "{endpoint}");
    }
    assert!(stage.heard().is_empty() && HubOptions::default().endpoint == PUBLIC);
}
