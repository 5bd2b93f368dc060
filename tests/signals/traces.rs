//! Traces: from the request that submits a job to the worker process that computes it, at a collector of the test's own.

use crate::{
    ask,
    farm::{Cluster, Daemon},
    support::Studio,
    until, url,
};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value as Any},
    trace::v1::{Span, span::SpanKind},
};
use prost::Message;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

/// What came, each with the role of the process that told it.
type Spans = Arc<Mutex<Vec<(String, Span)>>>;

/// A collector on a free port. Its threads end with the test's process.
fn collector() -> (String, Spans) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let spans = Spans::default();
    let kept = Arc::clone(&spans);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let kept = Arc::clone(&kept);
            std::thread::spawn(move || while take(&stream, &kept).is_some() {});
        }
    });
    (url, spans)
}

/// One request of a connection that is kept.
fn take(stream: &TcpStream, kept: &Spans) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let (mut line, mut length, mut begun) = (String::new(), 0, String::new());
    loop {
        line.clear();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if begun.is_empty() {
            begun = line.trim().to_owned();
        }
        let lower = line.to_lowercase();
        length = lower.strip_prefix("content-length:").map_or(length, |value| value.trim().parse().expect("a length"));
        if line == "\r\n" {
            break;
        }
    }
    assert_eq!(begun, "POST /v1/traces HTTP/1.1");
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let request = ExportTraceServiceRequest::decode(body.as_slice()).expect("protobuf");
    for of in request.resource_spans {
        let attributes = of.resource.map(|resource| resource.attributes).unwrap_or_default();
        assert_eq!(attribute(&attributes, "service.name").as_deref(), Some("klieg"));
        let role = attribute(&attributes, "klieg.role").expect("a role");
        let spans = of.scope_spans.into_iter().flat_map(|scope| scope.spans);
        kept.lock().unwrap().extend(spans.map(|span| (role.clone(), span)));
    }
    (&*stream).write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n").ok()
}

fn attribute(all: &[KeyValue], name: &str) -> Option<String> {
    all.iter().find(|one| one.key == name).and_then(|one| match one.value.as_ref()?.value.as_ref()? {
        Any::StringValue(text) => Some(text.clone()),
        _ => None,
    })
}

const TEMPLATE: &str = "specificationVersion: jobtemplate-2023-09
name: One
steps:
- name: Only
  script:
    actions:
      onRun: {command: \"true\"}
";

#[test]
fn a_job_is_one_trace_from_the_request_to_the_worker() {
    let studio = Studio::new();
    studio.script("one.yaml", TEMPLATE);
    let (collector, spans) = collector();
    let told = [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "100")];
    let server = Daemon::start(&studio, "server", &["serve", "--json", "--listen", "127.0.0.1:0", "--log-format", "json"], &told);
    let url = url(&server);
    let token = std::fs::read_to_string(studio.path("farm/token")).expect("a token").trim().to_owned();
    let mut cluster = Cluster::of(&studio, server, url.clone(), &token);
    cluster.leads();
    let environment = [("KLIEG_SERVER", url.as_str()), ("KLIEG_TOKEN", &token)];
    let args =
        ["node", "--name", "one", "--slots", "1", "--no-gpus", "--cache", "cache", "--disk-free-min", "0", "--allow", "openjd"];
    let mut node = Daemon::start(&studio, "node", &args, &[&environment[..], &told].concat());
    cluster.wait("it has joined", |backlog| backlog["nodes"] == 1);
    let submitted = studio.klieg(&["openjd", "submit", "one.yaml"]).envs(environment).output().expect("start klieg");
    assert!(submitted.status.success(), "{}", String::from_utf8_lossy(&submitted.stderr));
    // A caller's own trace goes on.
    let given = "Authorization: Bearer ".to_owned()
        + &token
        + "\r\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";
    assert_eq!(ask(&url, "GET", "/api/v1/farm", &given, "").0, 200);

    let found = |name: &str| spans.lock().unwrap().iter().find(|(_, span)| span.name.starts_with(name)).cloned();
    let names = ["POST /api/v1/jobs", "job openjd", "task ", "attempt ", "worker ", "GET /api/v1/farm"];
    until("all spans have come", || names.iter().all(|name| found(name).is_some()));
    let [request, job, task, attempt, worker, look] = names.map(|name| found(name).expect(name));
    let chain = [&request, &job, &task, &attempt, &worker];
    for ((_, above), (_, below)) in chain.iter().zip(chain.iter().skip(1)) {
        assert_eq!(above.trace_id, below.trace_id, "{} and {} are of one trace", above.name, below.name);
        assert_eq!(above.span_id, below.parent_span_id, "{} stands under {}", below.name, above.name);
        assert!(below.start_time_unix_nano <= below.end_time_unix_nano);
    }
    assert!(request.1.parent_span_id.is_empty(), "the trace begins with the request");
    assert!(request.1.start_time_unix_nano <= job.1.start_time_unix_nano);
    // On one machine with one clock, to the millisecond.
    let within = |inner: &Span, outer: &Span| {
        outer.start_time_unix_nano <= inner.start_time_unix_nano && inner.end_time_unix_nano <= outer.end_time_unix_nano
    };
    assert!(within(&worker.1, &attempt.1) && within(&task.1, &job.1), "{worker:?} {attempt:?} {task:?} {job:?}");
    let roles: Vec<&str> = chain.iter().map(|(role, _)| role.as_str()).collect();
    assert_eq!(roles, ["serve", "serve", "serve", "node", "node"]);
    assert_eq!((request.1.kind, attempt.1.kind), (SpanKind::Server as i32, SpanKind::Consumer as i32));
    assert_eq!(attribute(&attempt.1.attributes, "klieg.node").as_deref(), Some("one"));
    assert_eq!(attribute(&request.1.attributes, "http.route").as_deref(), Some("/api/v1/jobs"));
    let pid = attribute(&worker.1.attributes, "process.pid").expect("a process");
    assert!(pid.parse::<u32>().is_ok());
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(
        (hex(&look.1.trace_id), hex(&look.1.parent_span_id)),
        ("4bf92f3577b34da6a3ce929d0e0e4736".into(), "00f067aa0ba902b7".into())
    );
    assert!(
        spans.lock().unwrap().iter().all(|(_, span)| !span.name.contains("/v1/nodes")),
        "what agents ask all the time is left out"
    );

    // The log names the same trace.
    let log = cluster.server.log();
    let accepted = log.lines().find(|line| line.contains("accepted a job")).expect("a line");
    let accepted: serde_json::Value = serde_json::from_str(accepted).expect("JSON");
    assert_eq!(accepted["trace"], hex(&request.1.trace_id));

    // What waits is sent when a process ends.
    let before = spans.lock().unwrap().len();
    assert_eq!(node.end(), Some(0));
    let last = ask(&url, "GET", "/api/v1/queue", &format!("Authorization: Bearer {token}\r\n"), "");
    assert_eq!(last.0, 200);
    assert_eq!(cluster.server.end(), Some(0));
    assert!(spans.lock().unwrap()[before..].iter().any(|(_, span)| span.name == "GET /api/v1/queue"));
}
