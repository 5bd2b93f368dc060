//! What Prometheus is told: well-formed, and the same as what has happened. What deploy/observability asks for is there.

use crate::house::{Hand, anywhere, farm, link, options, part};
use http::Method;
use http_body_util::BodyExt;
use klieg_api::{Server, ServerOptions, client::Client};
use klieg_nodes::remote::{Ask, Cache, Link};
use klieg_protocol::{
    Beat, Class, DeviceBeat, DeviceOffer, DiskTelemetry, Dispatch, Dispatcher, GpuFacts, GpuTelemetry, HostTelemetry, Incarnation,
    NodeId, Offer, Telemetry, wire::Submission,
};
use klieg_scheduler::FarmOptions;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

/// What was told: kinds by family, values by name with labels as they stand.
#[derive(Default)]
struct Told {
    kinds: BTreeMap<String, String>,
    samples: BTreeMap<String, f64>,
}

impl Told {
    /// Reads the text format as strictly as it is meant: help, kind, then the family's samples, each once.
    fn read(text: &str) -> Self {
        let (mut told, mut helped, mut family) = (Self::default(), String::new(), String::new());
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, sentence) = help.split_once(' ').expect(line);
                assert!(sentence.len() > 5, "{line}");
                helped = name.to_owned();
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').expect(line);
                assert_eq!(name, helped, "help comes first");
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
                assert!(told.kinds.insert(name.to_owned(), kind.to_owned()).is_none(), "{name} is told twice");
                family = name.to_owned();
            } else {
                let (sample, value) = line.rsplit_once(' ').expect(line);
                let name = sample.split('{').next().unwrap();
                let own = match told.kinds[&family].as_str() {
                    "histogram" => ["_bucket", "_sum", "_count"].iter().any(|end| name == format!("{family}{end}")),
                    _ => name == family,
                };
                assert!(own, "{line} stands among {family}");
                labels(sample);
                assert!(told.samples.insert(sample.to_owned(), value.parse().expect(line)).is_none(), "{sample} is told twice");
            }
        }
        assert!(text.ends_with('\n'));
        told
    }

    fn of(&self, sample: &str) -> f64 {
        *self.samples.get(sample).unwrap_or_else(|| panic!("{sample} is not there"))
    }

    /// Buckets rise, and the last one is all.
    fn histograms_are_whole(&self) {
        for name in self.kinds.iter().filter(|(_, kind)| *kind == "histogram").map(|(name, _)| name) {
            let mut series: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
            for (sample, count) in self.samples.iter().filter(|(sample, _)| sample.starts_with(&format!("{name}_bucket{{"))) {
                let (before, bound) = sample.split_once("le=\"").unwrap();
                let bound = bound.trim_end_matches("\"}");
                let bound = if bound == "+Inf" { f64::INFINITY } else { bound.parse().unwrap() };
                series.entry(before.trim_end_matches([',', '{']).to_owned()).or_default().push((bound, *count));
            }
            for (before, mut buckets) in series {
                buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
                assert!(buckets.is_sorted_by(|a, b| a.1 <= b.1), "{before}: {buckets:?}");
                let all = before.replacen("_bucket", "_count", 1);
                let all = if all.contains('{') { format!("{all}}}") } else { all };
                assert_eq!(buckets.last().unwrap(), &(f64::INFINITY, self.of(&all)), "{before}");
            }
        }
    }
}

/// A sample's labels: names, and values in quotes.
fn labels(sample: &str) {
    let Some((_, labels)) = sample.split_once('{') else { return };
    let labels = labels.strip_suffix('}').expect(sample).replace("\\\"", "'");
    for label in labels.split("\",") {
        let (name, value) = label.split_once("=\"").expect(sample);
        assert!(name.chars().all(|c| c.is_ascii_lowercase()), "{sample}");
        assert!(!value.trim_end_matches('"').contains('"'), "{sample}");
    }
}

async fn scrape(server: &Server) -> (String, Told) {
    let answer = Link::new(&link(server)).unwrap().call(&Ask::new(Method::GET, "/metrics")).await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let text = String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap();
    let told = Told::read(&text);
    told.histograms_are_whole();
    (text, told)
}

/// A node of two processor slots and a GPU.
async fn node(server: &Server, root: &tempfile::TempDir) -> Hand {
    let mut offer = Offer::of_cpu(NodeId("a \"node\"".into()), Incarnation(1), 2, 1 << 30);
    let facts = GpuFacts { uuid: "GPU-1".into(), ..GpuFacts::default() };
    offer.devices.push(DeviceOffer { name: "a GPU".into(), class: Class::Cuda, memory_bytes: 1 << 34, slots: 1, gpu: Some(facts) });
    Hand::offering(Hand::remote(link(server), &part(root, "node")), offer).await
}

/// A heartbeat with figures, and a fault of the GPU.
async fn measure(hand: &Hand) {
    let gpu = GpuTelemetry {
        uuid: "GPU-1".into(),
        used_percent: Some(97),
        celsius: Some(71),
        milliwatts: Some(412_500),
        ecc_uncorrected: Some(1),
        xid: Some(94),
        xids: 2,
        ..GpuTelemetry::default()
    };
    let disk = DiskTelemetry { what: "cache".into(), free_bytes: 5_000, bytes: 9_000 };
    let host = HostTelemetry { cpu_permille: 250, disks: vec![disk], ..HostTelemetry::default() };
    let beat = Beat {
        node: hand.offer.node.clone(),
        incarnation: hand.offer.incarnation,
        draining: false,
        devices: vec![DeviceBeat::default(), DeviceBeat { fault: Some("Xid 94".into()), warm: Vec::new() }],
        session: hand.session,
        attempts: hand.attempts.clone(),
        telemetry: Some(Box::new(Telemetry { host, gpus: vec![gpu] })),
    };
    hand.remote.beat(beat).await.expect("heard");
}

/// Does a task. What follows from that is counted when it is answered.
async fn finish(hand: &mut Hand, dispatch: Box<Dispatch>) {
    let report = hand.compute(&dispatch).await;
    hand.attempts.retain(|charge| charge.token != dispatch.token);
    assert!(hand.remote.report(report).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_figures_are_those_of_what_was_done() {
    let root = tempfile::tempdir().unwrap();
    let options = options(&part(&root, "farm"), anywhere());
    let farm_options = FarmOptions { price_per_slot_hour: 36.0, ..options.farm };
    let server = Server::start(ServerOptions { farm: farm_options, ..options }).await.unwrap();
    farm(&server).await;
    let client = Client::new(&link(&server), Cache::open(&part(&root, "client"), 1 << 30).unwrap()).unwrap();
    let digest = client.put(b"text").await.unwrap();
    let inputs = BTreeMap::from([("text".to_owned(), digest)]);
    let job = Submission { kind: "copy".into(), label: "l".into(), params: 4.into(), inputs, project: "a b".into(), priority: 0 };
    // Before there is a GPU: the tasks are for the processor.
    let id = client.submit(&job).await.unwrap();
    let mut hand = node(&server, &root).await;
    let (one, other) = (hand.next().await, hand.next().await);
    measure(&hand).await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    finish(&mut hand, one).await;
    let (text, told) = scrape(&server).await;
    assert!(!text.contains("job-0") && !text.contains("copy/") && !text.contains(crate::house::TOKEN), "{text}");
    let state = |state: &str| told.of(&format!("klieg_tasks{{state=\"{state}\"}}"));
    assert_eq!((state("waiting"), state("ready"), state("running")), (0.0, 1.0, 2.0), "{text}");
    assert_eq!(told.of("klieg_tasks_ended_total{outcome=\"succeeded\"}"), 1.0);
    assert_eq!(told.of("klieg_result_cache_lookups_total{result=\"miss\"}"), 4.0);
    assert_eq!(told.of("klieg_dispatch_seconds_count{class=\"cpu\"}"), 3.0, "two at once, and one when a slot was free");
    assert!(told.of("klieg_oldest_ready_seconds{class=\"cpu\"}") > 0.0);
    assert_eq!((told.of("klieg_leading"), told.of("klieg_jobs{state=\"running\"}")), (1.0, 1.0));
    assert!(told.of("klieg_epoch") >= 1.0 && told.of("klieg_store_commit_seconds_count") >= 3.0);
    // A tenth of a second of one slot, at 36 an hour.
    assert!((told.of("klieg_project_cost_total{project=\"a b\"}") - 0.001).abs() < 1e-9, "{text}");
    let gpu = "{node=\"a \\\"node\\\"\",gpu=\"GPU-1\"}";
    for (name, value) in [
        ("klieg_gpu_utilization_ratio", 0.97),
        ("klieg_gpu_temperature_celsius", 71.0),
        ("klieg_gpu_power_watts", 412.5),
        ("klieg_gpu_ecc_uncorrected_total", 1.0),
        ("klieg_gpu_xid_last", 94.0),
        ("klieg_gpu_xid_errors_total", 2.0),
    ] {
        assert_eq!(told.of(&format!("{name}{gpu}")), value, "{name}");
    }
    assert_eq!(told.of("klieg_devices{class=\"cuda\",state=\"faulty\"}"), 1.0);
    assert_eq!(told.of("klieg_device_faulty{node=\"a \\\"node\\\"\",device=\"1\",class=\"cuda\"}"), 1.0);
    assert_eq!(told.of("klieg_node_disk_free_bytes{node=\"a \\\"node\\\"\",what=\"cache\"}"), 5_000.0);
    assert_eq!(told.of("klieg_nodes_by_state{state=\"healthy\"}"), 1.0);

    finish(&mut hand, other).await;
    for _ in 0..2 {
        let dispatch = hand.next().await;
        finish(&mut hand, dispatch).await;
    }
    // The same again costs nothing.
    while client.submit(&job).await.unwrap() == id {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (text, told) = scrape(&server).await;
    assert_eq!(told.of("klieg_tasks_ended_total{outcome=\"reused\"}"), 4.0, "{text}");
    assert_eq!(told.of("klieg_result_cache_lookups_total{result=\"hit\"}"), 4.0);
    assert_eq!(told.of("klieg_jobs_ended_total{outcome=\"succeeded\"}"), 2.0);
    assert!((told.of("klieg_cost_total") - 0.004).abs() < 1e-9);
    // The same over time.
    let way = Link::new(&link(&server)).unwrap();
    let history: Value = way.get(&Ask::new(Method::GET, "/api/v1/farm/history")).await.unwrap();
    let sum = |key: &str| history["minutes"].as_array().unwrap().iter().map(|minute| minute[key].as_f64().unwrap()).sum::<f64>();
    assert_eq!((sum("succeeded"), sum("reused"), sum("failed")), (4.0, 4.0, 0.0), "{history}");
    assert!((sum("cost") - 0.004).abs() < 1e-9, "{history}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_counted_by_their_routes_template() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::start(options(&part(&root, "farm"), anywhere())).await.unwrap();
    farm(&server).await;
    let way = Link::new(&link(&server)).unwrap();
    for path in ["/api/v1/jobs/job-000001", "/api/v1/jobs/job-000002", "/no/such/place", "/no/other", "/health"] {
        let _ = way.call(&Ask::new(Method::GET, path)).await;
    }
    let _ = way.call(&Ask::new(Method::from_bytes(b"BREW").unwrap(), "/api/v1/jobs")).await;
    let (text, told) = scrape(&server).await;
    let count = |route: &str, method: &str, status: u16| {
        told.of(&format!("klieg_http_requests_total{{route=\"{route}\",method=\"{method}\",status=\"{status}\"}}"))
    };
    assert_eq!(count("/api/v1/jobs/{id}", "GET", 404), 2.0, "{text}");
    assert_eq!((count("none", "GET", 404), count("/health", "GET", 200), count("/api/v1/jobs", "other", 405)), (2.0, 1.0, 1.0));
    assert_eq!(told.of("klieg_http_request_duration_seconds_count{route=\"/api/v1/jobs/{id}\",method=\"GET\"}"), 2.0);
    assert!(!text.contains("BREW") && !text.contains("/no/"));
    assert!(told.of("process_resident_memory_bytes") > 1e6 && told.of("process_cpu_seconds_total") > 0.0);
    assert!(told.of("process_open_fds") > 3.0 && told.of("klieg_disk_free_bytes{what=\"farm\"}") > 0.0);
    assert!(told.of("process_start_time_seconds") > 1.7e9);
    tokio::time::timeout(Duration::from_secs(20), async {
        while !scrape(&server).await.1.samples.contains_key("klieg_webhook_deliveries_waiting") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("the outbox is told of once it can be reached");
    server.stop().await;
}

fn watched(path: &str) -> String {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/observability")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Everything under a key, wherever it stands.
fn under<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(all) => all.iter().for_each(|(name, inner)| match inner {
            Value::String(text) if name == key => found.push(text),
            inner => under(inner, key, found),
        }),
        Value::Array(all) => all.iter().for_each(|inner| under(inner, key, found)),
        _ => {}
    }
}

/// The names of figures in an expression: identifiers of ours and of the process, what is recorded (`klieg:…`) too.
fn names(expression: &str) -> BTreeSet<String> {
    let words = expression.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'));
    words.filter(|word| ["klieg_", "klieg:", "process_"].iter().any(|start| word.starts_with(start))).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_and_dashboards_ask_for_what_there_is() {
    let rules: Value = serde_saphyr::from_str(&watched("rules.yaml")).expect("YAML");
    let scrape_config: Value = serde_saphyr::from_str(&watched("prometheus.yaml")).expect("YAML");
    assert_eq!(scrape_config["scrape_configs"][0]["metrics_path"], "/metrics");
    let (mut recorded, mut asked, mut expressions) = (Vec::new(), BTreeSet::new(), Vec::new());
    under(&rules, "record", &mut recorded);
    under(&rules, "expr", &mut expressions);
    assert!(expressions.len() > 20);
    for alert in rules["groups"].as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap()) {
        let annotated = |key: &str| alert["annotations"][key].as_str().is_some_and(|text| text.len() > 20);
        assert!(alert["record"].is_string() || (annotated("summary") && annotated("runbook")), "{alert}");
    }
    let boards: Vec<Value> = ["grafana/farm.json", "grafana/producers.json"]
        .map(|path| serde_json::from_str(&watched(path)).unwrap_or_else(|error| panic!("{path}: {error}")))
        .into();
    assert_ne!(boards[0]["uid"], boards[1]["uid"]);
    for board in &boards {
        let panels = board["panels"].as_array().unwrap();
        let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
        assert_eq!(ids.len(), panels.len(), "each panel has a number of its own");
        for panel in panels.iter().filter(|panel| panel["type"] != "row") {
            assert!(!panel["targets"].as_array().unwrap().is_empty(), "{panel}");
        }
        under(board, "expr", &mut expressions);
        under(board, "definition", &mut expressions);
    }
    expressions.iter().for_each(|expression| asked.extend(names(expression)));

    let root = tempfile::tempdir().unwrap();
    let server = Server::start(options(&part(&root, "farm"), anywhere())).await.unwrap();
    farm(&server).await;
    tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            let told = scrape(&server).await.1;
            let there = |name: &String| {
                let plain = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
                let histogram = plain.is_some_and(|plain| told.kinds.get(plain).is_some_and(|kind| kind == "histogram"));
                histogram || told.kinds.contains_key(name) || recorded.contains(&name.as_str())
            };
            let lacking: Vec<&String> = asked.iter().filter(|name| !there(name)).collect();
            if lacking.is_empty() {
                return;
            }
            // Only the outbox may come later than the rest.
            assert!(lacking.iter().all(|name| name.starts_with("klieg_webhook")), "nobody tells {lacking:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("everything is told");
    server.stop().await;
}
