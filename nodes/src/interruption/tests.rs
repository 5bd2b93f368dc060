use super::*;
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    sync::{Arc, Mutex},
    thread,
};

const SOON: Duration = Duration::from_millis(20);

/// The header that is wanted, the status and the text of an answer.
type Answer = (String, u16, String);

/// A metadata service: by method and path, the header that it wants and what it answers. Counts what it was asked.
#[derive(Clone, Default)]
struct Service {
    answers: Arc<Mutex<BTreeMap<String, Answer>>>,
    asked: Arc<Mutex<BTreeMap<String, u32>>>,
}

impl Service {
    fn start() -> (Self, String) {
        let (service, listener) = (Self::default(), TcpListener::bind("127.0.0.1:0").unwrap());
        let base = format!("http://{}", listener.local_addr().unwrap());
        let serving = service.clone();
        thread::spawn(move || listener.incoming().flatten().for_each(|stream| serving.serve(stream)));
        (service, base)
    }

    fn says(&self, what: &str, header: &str, status: u16, text: &str) {
        self.answers.lock().unwrap().insert(what.into(), (header.into(), status, text.into()));
    }

    fn asked(&self, what: &str) -> u32 {
        self.asked.lock().unwrap().get(what).copied().unwrap_or(0)
    }

    fn serve(&self, mut stream: std::net::TcpStream) {
        let lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
        let lines: Vec<String> = lines.collect();
        let what = lines.first().map(|line| line.rsplit_once(' ').unwrap().0.to_string()).unwrap_or_default();
        *self.asked.lock().unwrap().entry(what.clone()).or_default() += 1;
        let (wanted, status, text) =
            self.answers.lock().unwrap().get(&what).cloned().unwrap_or((String::new(), 404, String::new()));
        let allowed = lines.iter().any(|line| line.eq_ignore_ascii_case(&wanted)) || wanted.is_empty();
        let status = if allowed { status } else { 401 };
        let length = text.len();
        let _ = write!(stream, "HTTP/1.1 {status} x\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}");
    }
}

async fn told(metadata: Metadata, when: impl FnOnce()) -> String {
    let waiting = tokio::spawn(metadata.interruption(SOON));
    tokio::time::sleep(SOON * 5).await;
    assert!(!waiting.is_finished(), "there was no notice yet");
    when();
    tokio::time::timeout(Duration::from_secs(10), waiting).await.expect("the notice is seen").unwrap()
}

#[tokio::test]
async fn aws_is_asked_with_a_token() {
    let (service, base) = Service::start();
    let (token, action) = ("PUT /latest/api/token", "GET /latest/meta-data/spot/instance-action");
    service.says(token, "X-aws-ec2-metadata-token-ttl-seconds: 21600", 200, "t0k3n");
    let notice = told(Metadata::at(Cloud::Aws, &base), || {
        service.says(action, "X-aws-ec2-metadata-token: t0k3n", 200, r#"{"action":"terminate","time":"2026-11-21T20:00:00Z"}"#);
    });
    let notice = notice.await;
    assert!(notice.starts_with("AWS takes the machine away") && notice.contains("terminate"), "{notice}");
    assert_eq!(service.asked(token), 1, "one token is enough");
}

#[tokio::test]
async fn a_token_that_is_not_taken_any_more_is_replaced() {
    let (service, base) = Service::start();
    let (token, action) = ("PUT /latest/api/token", "GET /latest/meta-data/spot/instance-action");
    service.says(token, "", 200, "old");
    service.says(action, "X-aws-ec2-metadata-token: old", 404, "");
    let notice = told(Metadata::at(Cloud::Aws, &base), || {
        service.says(token, "", 200, "new");
        service.says(action, "X-aws-ec2-metadata-token: new", 200, "stop");
    });
    assert!(notice.await.ends_with("stop"));
    assert_eq!(service.asked(token), 2);
}

#[tokio::test]
async fn gcp_says_true() {
    let (service, base) = Service::start();
    let path = "GET /computeMetadata/v1/instance/preempted";
    service.says(path, "Metadata-Flavor: Google", 200, "FALSE\n");
    let notice = told(Metadata::at(Cloud::Gcp, &base), || service.says(path, "Metadata-Flavor: Google", 200, "TRUE\n"));
    assert!(notice.await.contains("preempted"));
}

#[tokio::test]
async fn azure_tells_of_many_machines_and_only_ours_counts() {
    let (service, base) = Service::start();
    service.says("GET /metadata/instance/compute/name?api-version=2021-02-01&format=text", "Metadata: true", 200, "render-7");
    let path = "GET /metadata/scheduledevents?api-version=2020-07-01";
    let event = |kind: &str, name: &str| {
        format!(
            r#"{{"EventId":"1","EventType":"{kind}","ResourceType":"VirtualMachine","Resources":["{name}"],"EventStatus":"Scheduled","NotBefore":"Sat, 21 Nov 2026 20:00:00 GMT"}}"#
        )
    };
    let all = |events: &[String]| format!(r#"{{"DocumentIncarnation":2,"Events":[{}]}}"#, events.join(","));
    let harmless = [event("Preempt", "render-6"), event("Freeze", "render-7")];
    service.says(path, "Metadata: true", 200, &all(&harmless));
    let notice = told(Metadata::at(Cloud::Azure, &base), || {
        service.says(path, "Metadata: true", 200, &all(&[event("Preempt", "render-6"), event("Preempt", "render-7")]));
    });
    let notice = notice.await;
    assert!(notice.contains("Preempt at Sat, 21 Nov 2026"), "{notice}");
}

#[tokio::test]
async fn a_service_that_is_not_there_is_asked_again() {
    let (service, base) = Service::start();
    let path = "GET /computeMetadata/v1/instance/preempted";
    service.says(path, "", 500, "");
    let notice = told(Metadata::at(Cloud::Gcp, &base), || service.says(path, "", 200, "TRUE"));
    assert!(notice.await.contains("preempted"));
    assert!(service.asked(path) > 1);
}

#[test]
fn clouds_read_as_they_are_written() {
    for cloud in [Cloud::Aws, Cloud::Gcp, Cloud::Azure] {
        assert_eq!(cloud.to_string().parse(), Ok(cloud));
    }
    assert!("oci".parse::<Cloud>().unwrap_err().to_string().contains("aws, gcp and azure"));
}
