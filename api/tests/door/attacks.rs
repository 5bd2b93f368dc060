//! What strangers, and those who may submit, send to break the server: it answers with a problem, reaches nothing outside the farm, and its
//! memory stays within bounds. Measured in this process, which is the server's too (a process a test).

use crate::{
    house::{Copy, TOKEN, anywhere, farm, options, part, serve},
    roles::{ask, ready},
};
use klieg_api::{Limits, Server, ServerOptions, access::TABLE};
use klieg_pipelines::film::Film;
use klieg_protocol::Digest;
use serde_json::json;
use std::{io::Write, path::Path, sync::Arc, time::Duration};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const DEEP: usize = 100_000;
/// What none of these may make the process grow by, bytes.
const GROWTH_MAX: u64 = 200 << 20;

/// The most that this process has had in memory, bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() << 10
}

/// All that comes back for these bytes until the server hangs up.
async fn raw(server: &Server, request: &[u8]) -> String {
    let mut stream = tokio::net::TcpStream::connect(server.address()).await.unwrap();
    // It may hang up before it has read all.
    let _ = stream.write_all(request).await;
    let mut bytes = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut bytes)).await.expect("it hangs up");
    String::from_utf8_lossy(&bytes).into_owned()
}

fn status(text: &str) -> u16 {
    text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("no status in {text:?}"))
}

async fn send(server: &Server, method: &str, path: &str, headers: &str, body: &[u8]) -> (u16, String) {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\nklieg-protocol: 1\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    let text = raw(server, &[head.as_bytes(), body].concat()).await;
    (status(&text), text)
}

/// A server with the kinds that users have.
async fn studio(folder: &Path, limits: Limits) -> Server {
    let kinds: Vec<Arc<dyn klieg_kind::Kind>> =
        vec![Arc::new(Copy), Arc::new(Film::default()), Arc::new(klieg_openjd::OpenJd::new())];
    let server = Server::start(ServerOptions { kinds, limits, ..options(folder, anywhere()) }).await.unwrap();
    ready(&server).await;
    server
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_that_is_deep_or_odd_is_refused_by_every_route() {
    let root = tempfile::tempdir().unwrap();
    let server = studio(&part(&root, "farm"), options(root.path(), anywhere()).limits).await;
    let before = peak();
    let odd: Vec<Vec<u8>> = vec![
        "[".repeat(DEEP).into_bytes(),
        format!("{}1{}", r#"{"kind":"#.repeat(DEEP), "}".repeat(DEEP)).into_bytes(),
        format!(r#"{{"kind":"copy","params":{}{}}}"#, "[".repeat(DEEP), "]".repeat(DEEP)).into_bytes(),
        br#"{"kind":"copy","priority":1e400}"#.to_vec(),
        br#"{"kind":"copy","priority":99999999999999999999}"#.to_vec(),
        br#"{"kind":"copy","kind":"copy","name":"a","name":"b","weight":1,"weight":2}"#.to_vec(),
        br#"{"kind":"\ud800"}"#.to_vec(),
        b"{\"kind\":\"\xff\xfe\"}".to_vec(),
        b"\xef\xbb\xbf{}".to_vec(),
        b"{\"kind\":\"a\x00b\"}".to_vec(),
        b"nul".to_vec(),
        Vec::new(),
    ];
    let takes = |(method, path, _): &&(&str, &str, _)| *method == "POST" || *method == "PUT" && !path.ends_with("{digest}");
    let mut asked = 0;
    for (method, path, _) in TABLE.iter().filter(takes) {
        let path = path.replace("{id}", "nothing").replace("{name}", "nothing").replace("{delivery}", "nothing");
        for body in &odd {
            let (status, text) = send(&server, method, &path, "Content-Type: application/json\r\n", body).await;
            // What takes no body does not look at it.
            assert!((400..500).contains(&status) || text.contains("HTTP/1.1 20"), "{method} {path}: {text}");
            asked += 1;
        }
    }
    assert!(asked > 200, "{asked} requests");
    let deep = format!(r#"{{"kind":"copy","params":{}1{}}}"#, "[".repeat(DEEP), "]".repeat(DEEP));
    let (status, text) = send(&server, "POST", "/api/v1/jobs", "", deep.as_bytes()).await;
    assert!(status == 400 && text.contains("recursion limit"), "{text}");
    assert!(peak() - before < GROWTH_MAX, "{} bytes more", peak() - before);
    assert_eq!(ask(&server, "GET", "/api/v1/jobs", TOKEN, None).await.1["jobs"], json!([]), "no job came of it");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_have_no_control_characters() {
    let root = tempfile::tempdir().unwrap();
    let server = studio(&part(&root, "farm"), options(root.path(), anywhere()).limits).await;
    for bad in ["a\0b", "a\nb", "a\u{1b}[31m", "a\u{7f}"] {
        let name = json!(bad);
        for (path, body) in [
            ("/jobs", json!({"kind": "copy", "project": name})),
            ("/jobs", json!({"kind": "copy", "label": name})),
            ("/jobs/estimate", json!({"kind": "copy", "project": name})),
            ("/generate/film", json!({"script": "INT. ROOM - DAY\n\nIt rains.\n", "project": name})),
            ("/generate/film", json!({"script": "INT. ROOM - DAY\n\nIt rains.\n", "file": name})),
            ("/auth/register", json!({"name": name, "password": "correct horse battery"})),
        ] {
            let (status, text) = ask(&server, "POST", &format!("/api/v1{path}"), TOKEN, Some(&body)).await;
            assert_eq!(status, 422, "{path} {body}: {text}");
        }
    }
    for path in ["/api/v1/projects/a%00b", "/api/v1/projects/a%0ab", "/api/v1/projects/a%7Fb"] {
        let (status, text) = ask(&server, "PUT", path, TOKEN, Some(&json!({}))).await;
        assert_eq!((status, &text["code"]), (400, &json!("control-character")), "{path}: {text}");
    }
    let (status, text) = ask(&server, "PUT", &format!("/api/v1/projects/{}", "p".repeat(101)), TOKEN, Some(&json!({}))).await;
    assert_eq!(status, 422, "{text}");
    assert_eq!(ask(&server, "GET", "/api/v1/jobs?project=a%00b", TOKEN, None).await.0, 400);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_means_one_thing_or_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let server = studio(&part(&root, "farm"), options(root.path(), anywhere()).limits).await;
    let auth = format!("Authorization: Bearer {TOKEN}\r\n");
    let smuggled = format!("GET /api/v1/auth/me HTTP/1.1\r\nHost: x\r\n{auth}\r\n");
    let many: String = (0..300).map(|n| format!("X-{n}: 1\r\n")).collect();
    let post = |headers: &str, rest: &str| {
        format!("POST /api/v1/auth/refresh HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n{rest}")
    };
    let attacks = [
        ("a long header", post(&format!("X-Long: {}\r\n", "a".repeat(100_000)), "")),
        ("a long path", format!("GET /{} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "a".repeat(100_000))),
        ("many headers", post(&many, "")),
        ("a header's name with a space", post("X Bad: 1\r\n", "")),
        ("a folded header", post("X-A: 1\r\n folded\r\n", "")),
        ("a lone CR", post("X-A: a\rX-B: b\r\n", "")),
        ("a NUL", post("X-A: a\0b\r\n", "")),
        ("a length and chunks", post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", &format!("0\r\n\r\n{smuggled}"))),
        ("two lengths", post("Content-Length: 2\r\nContent-Length: 3\r\n", "{}")),
        ("a list of lengths", post("Content-Length: 2, 3\r\n", "{}")),
        ("a length below zero", post("Content-Length: -1\r\n", "{}")),
        ("a length with a sign", post("Content-Length: +2\r\n", "{}")),
        ("a length beyond all", post("Content-Length: 99999999999999999999999\r\n", "{}")),
        ("chunks that are none", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n")),
        ("chunks not last", post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n")),
        ("a chunk of no size", post("Transfer-Encoding: chunked\r\n", "zz\r\n{}\r\n0\r\n\r\n")),
        ("a chunk beyond all", post("Transfer-Encoding: chunked\r\n", "ffffffffffffffffff\r\n{}\r\n0\r\n\r\n")),
        ("two hosts", "GET /api/v1/auth/me HTTP/1.1\r\nHost: x\r\nHost: y\r\nConnection: close\r\n\r\n".into()),
        ("another protocol", "GET / HTTP/9.9\r\nHost: x\r\n\r\n".into()),
        ("no protocol", "\u{16}\u{3}\u{1}\r\n\r\n".into()),
    ];
    for (what, request) in attacks {
        let text = raw(&server, request.as_bytes()).await;
        // What is no HTTP at all may be hung up on.
        assert!(text.is_empty() || (400..500).contains(&status(&text)), "{what}: {text}");
        assert_eq!(text.matches("HTTP/1.1 ").count(), usize::from(!text.is_empty()), "{what} is one request: {text}");
        assert!(!text.contains("permissions"), "{what}: the body is no request: {text}");
    }
    // Chunks are taken as HTTP has them, and whose host it is changes nothing.
    let good = format!(
        "POST /api/v1/jobs/estimate HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n{auth}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n"
    );
    let text = raw(&server, good.as_bytes()).await;
    assert!(status(&text) == 422 && !text.contains("evil.example"), "{text}");
    let whole = format!("GET http://evil.example/api/v1/auth/me HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n{auth}\r\n");
    let text = raw(&server, whole.as_bytes()).await;
    assert!(status(&text) == 200 && !text.contains("evil.example"), "{text}");
    server.stop().await;
}

/// A gigabyte of zeros, packed: members of a gzip file follow each other.
fn packed_gigabyte() -> Vec<u8> {
    let mut member = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    member.write_all(&vec![b'0'; 16 << 20]).unwrap();
    member.finish().unwrap().repeat(64)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bombs_are_not_unpacked() {
    let root = tempfile::tempdir().unwrap();
    let server = studio(&part(&root, "farm"), options(root.path(), anywhere()).limits).await;
    let bomb = packed_gigabyte();
    assert!(bomb.len() < 4 << 20);
    let before = peak();
    for (method, path) in [("POST", "/api/v1/jobs"), ("POST", "/api/v1/auth/login"), ("POST", "/v1/nodes/report")] {
        for encoding in ["gzip", "deflate", "br", "zstd", "identity, gzip"] {
            let (status, text) = send(&server, method, path, &format!("Content-Encoding: {encoding}\r\n"), &bomb).await;
            assert!(status == 415 && text.contains("content-encoding"), "{method} {path} {encoding}: {text}");
        }
    }
    let digest = Digest::of(&bomb).hex();
    let (status, text) = send(&server, "PUT", &format!("/api/v1/assets/{digest}"), "Content-Encoding: gzip\r\n", &bomb).await;
    assert_eq!(status, 415, "{text}");
    // A picture of 60,000 by 60,000 pixels is an asset like any other: nothing here looks into it, or shows it as a page.
    let picture = vast_picture();
    let path = format!("/api/v1/assets/{}", Digest::of(&picture).hex());
    let (status, text) = send(&server, "PUT", &path, "", &picture).await;
    assert_eq!(status, 201, "{text}");
    let (status, text) = send(&server, "GET", &path, "", b"").await;
    assert_eq!(status, 200);
    assert!(text.contains("application/octet-stream") && text.contains("nosniff") && text.contains("sandbox"), "{text}");
    assert!(peak() - before < GROWTH_MAX, "{} bytes more", peak() - before);
    server.stop().await;
}

/// The beginning of a PNG of 60,000 × 60,000 pixels of four channels of 16 bits: 29 GB.
fn vast_picture() -> Vec<u8> {
    let side = 60_000_u32.to_be_bytes();
    let header = [b"IHDR".as_slice(), &side, &side, &[16, 6, 0, 0, 0]].concat();
    let mut crc = flate2::Crc::new();
    crc.update(&header);
    [b"\x89PNG\r\n\x1a\n\0\0\0\x0d".as_slice(), &header, &crc.sum().to_be_bytes()].concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_in_memory_are_bounded() {
    let root = tempfile::tempdir().unwrap();
    let limits = options(root.path(), anywhere()).limits;
    let limits = Limits { json_bytes_total_max: 16 << 20, ..limits };
    let server = studio(&part(&root, "farm"), limits).await;
    let before = peak();
    let lists = format!(r#"{{"kind":"copy","params":[{}[]]}}"#, "[],".repeat(4_000_000));
    let (status, text) = send(&server, "POST", "/api/v1/jobs", "", lists.as_bytes()).await;
    assert!(status == 413 && text.contains("too-many-values"), "{text}");
    let (status, text) = send(&server, "POST", "/api/v1/auth/login", "", &vec![b' '; 1 << 20]).await;
    assert!(status == 413 && text.contains("stranger_json_bytes_max"), "{text}");
    // Two that would need the whole room: while one comes slowly, there is none for the other.
    let size = 12 << 20;
    let head = format!("POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {size}\r\n\r\n");
    let mut slow = tokio::net::TcpStream::connect(server.address()).await.unwrap();
    slow.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let (status, text) = send(&server, "POST", "/api/v1/jobs", "", &vec![b' '; size]).await;
    assert!(status == 429 && text.contains("json_bytes_total_max"), "{text}");
    drop(slow);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let (status, text) = send(&server, "POST", "/api/v1/jobs", "", &vec![b' '; size]).await;
    assert_eq!(status, 400, "there is room again: {text}");
    assert!(peak() - before < GROWTH_MAX, "{} bytes more", peak() - before);
    server.stop().await;
}

/// Scripts that would fill the memory, or the stack, if they were taken at their word.
fn bad_scripts() -> Vec<(&'static str, &'static str, String)> {
    let laughs: String = (1..=30).map(|n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10))).collect();
    let laughs = format!("<?xml version=\"1.0\"?><!DOCTYPE FinalDraft [<!ENTITY l0 \"ha\">{laughs}]>");
    let paragraph = |text: &str| {
        format!("<FinalDraft><Content><Paragraph Type=\"Action\"><Text>{text}</Text></Paragraph></Content></FinalDraft>")
    };
    let outside = "<?xml version=\"1.0\"?><!DOCTYPE FinalDraft [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>";
    let nested =
        |name: &str| format!("<FinalDraft>{}{}</FinalDraft>", format!("<{name}>").repeat(DEEP), format!("</{name}>").repeat(DEEP));
    let attribute = |text: &str| format!("{laughs}<FinalDraft a=\"{text}\"></FinalDraft>");
    vec![
        ("laughs", "a.fdx", format!("{laughs}{}", paragraph("&l30;"))),
        ("laughs in an attribute", "a.fdx", attribute("&l30;")),
        ("somebody's file", "a.fdx", format!("{outside}{}", paragraph("&x;"))),
        ("nested elements", "a.fdx", nested("Content")),
        ("nested paragraphs", "a.fdx", nested("Paragraph")),
        ("never closed", "a.fdx", "<FinalDraft>".repeat(DEEP)),
        ("a character that is none", "a.fdx", paragraph("&#xFFFFFFFF;")),
        ("nested notes", "a.fountain", format!("INT. ROOM - DAY\n\n{}It rains.{}\n", "[[".repeat(DEEP), "]]".repeat(DEEP))),
        ("nested parentheses", "a.fountain", format!("INT. ROOM - DAY\n\nADA\n{}\n", "(".repeat(DEEP))),
        ("nested stars", "a.fountain", format!("INT. ROOM - DAY\n\n{}\n", "*_".repeat(DEEP))),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scripts_that_explode_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let server = studio(&part(&root, "farm"), options(root.path(), anywhere()).limits).await;
    let before = peak();
    for (what, file, script) in bad_scripts() {
        let body = json!({"script": script, "file": file});
        let begun = tokio::time::Instant::now();
        let (status, answer) = ask(&server, "POST", "/api/v1/generate/film", TOKEN, Some(&body)).await;
        // A strange script in Fountain may be one.
        let fine = status == 422 || file.ends_with(".fountain") && status == 202;
        assert!(fine && !answer.to_string().contains("root:"), "{what}: {status} {answer}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{what} took {:?}", begun.elapsed());
    }
    let script = "INT. ROOM - DAY\n\nIt rains.\n";
    let (status, answer) = ask(&server, "POST", "/api/v1/generate/film", TOKEN, Some(&json!({"script": script}))).await;
    assert_eq!(status, 202, "an honest script is taken: {answer}");
    for params in [
        json!({"size": [u32::MAX, u32::MAX]}),
        json!({"size": "60000x60000"}),
        json!({"spp": u32::MAX}),
        json!({"seed": -1}),
        json!({"only": "sc".repeat(DEEP)}),
        json!({"quality": "\0"}),
        json!({"loudness": 1e308}),
    ] {
        let mut body = json!({"script": script});
        body.as_object_mut().unwrap().extend(params.as_object().unwrap().clone());
        let (status, answer) = ask(&server, "POST", "/api/v1/generate/film", TOKEN, Some(&body)).await;
        assert_eq!(status, 422, "{params}: {answer}");
    }
    assert!(peak() - before < GROWTH_MAX, "{} bytes more", peak() - before);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn templates_that_explode_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let server = studio(&part(&root, "farm"), options(root.path(), anywhere()).limits).await;
    let led = farm(&server).await;
    let laughs: String = (1..=30).map(|n| format!("l{n}: &l{n} [{}]\n", vec![format!("*l{}", n - 1); 10].join(", "))).collect();
    let head = "specificationVersion: jobtemplate-2023-09\nname: a\n";
    let before = peak();
    let honest = format!("{head}steps:\n- name: a\n  script: {{actions: {{onRun: {{command: \"true\"}}}}}}\n");
    let digest = led.put(honest.into_bytes()).await.unwrap();
    let body = json!({"kind": "openjd", "inputs": {"template": digest.hex()}, "params": json!({})});
    let (status, answer) = ask(&server, "POST", "/api/v1/jobs", TOKEN, Some(&body)).await;
    assert_eq!(status, 201, "an honest template is taken: {answer}");
    for (what, template) in [
        ("laughs", format!("{head}l0: &l0 ha\n{laughs}steps: *l30\n")),
        ("itself", format!("{head}steps: &s [*s]\n")),
        ("deep lists", format!("{head}steps: {}{}\n", "[".repeat(DEEP), "]".repeat(DEEP))),
        ("deep maps", format!("{head}steps: {}1{}\n", "{a: ".repeat(DEEP), "}".repeat(DEEP))),
        ("deep dashes", format!("{head}steps:\n{}1\n", "- ".repeat(DEEP))),
        ("merges", format!("{head}l0: &l0 {{a: 1}}\nsteps:\n  <<: [{}]\n", vec!["*l0"; 50_000].join(","))),
        (
            "deep JSON",
            format!(
                r#"{{"specificationVersion":"jobtemplate-2023-09","name":"a","steps":{}{}}}"#,
                "[".repeat(DEEP),
                "]".repeat(DEEP)
            ),
        ),
        (
            "tasks beyond all",
            format!(
                "{head}steps:\n- name: a\n  parameterSpace:\n    taskParameterDefinitions:\n    - {{name: N, type: INT, range: \"1-9000000000000000000\"}}\n  script: {{actions: {{onRun: {{command: \"true\"}}}}}}\n"
            ),
        ),
        ("a tag", format!("{head}steps: !!python/object/apply:os.system [\"id\"]\n")),
    ] {
        let digest = led.put(template.into_bytes()).await.unwrap();
        let body =
            json!({"kind": "openjd", "inputs": {"template": digest.hex()}, "params": json!({"json": what.ends_with("JSON")})});
        let begun = tokio::time::Instant::now();
        let (status, answer) = ask(&server, "POST", "/api/v1/jobs", TOKEN, Some(&body)).await;
        assert_eq!(status, 422, "{what}: {answer}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{what} took {:?}", begun.elapsed());
    }
    assert!(peak() - before < GROWTH_MAX, "{} bytes more", peak() - before);
    drop(led);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paths_lead_nowhere_outside() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("secret.txt"), "TOPSECRET").unwrap();
    let server = studio(&part(&root, "farm"), options(root.path(), anywhere()).limits).await;
    std::fs::write(root.path().join("farm/secret.txt"), "TOPSECRET").unwrap();
    let led = farm(&server).await;
    let text = led.put(b"good".to_vec()).await.unwrap();
    let body = json!({"kind": "copy", "inputs": {"text": text.hex()}});
    assert_eq!(ask(&server, "POST", "/api/v1/jobs", TOKEN, Some(&body)).await.0, 201);
    let ways = [
        "../secret.txt",
        "../../secret.txt",
        "..%2fsecret.txt",
        "..%2f..%2fsecret.txt",
        "%2e%2e/secret.txt",
        "%2e%2e%2fsecret.txt",
        "%252e%252e%252fsecret.txt",
        "..\\secret.txt",
        "..%5c..%5csecret.txt",
        "%2fetc%2fpasswd",
        "/etc/passwd",
        "//etc/passwd",
        "secret.txt%00",
        "copy%00/../secret.txt",
        "%00",
        "....//secret.txt",
        "..;/secret.txt",
        "%c0%ae%c0%ae/secret.txt",
        "file:///etc/passwd",
        "%ff",
        "C:%5csecret.txt",
        ".",
        "..",
        "%2e",
        "%2e%2e",
        "accounts.sqlite",
        "../accounts.sqlite",
    ];
    let begin =
        ["/api/v1/jobs/job-000001/outputs/", "/api/v1/jobs/", "/api/v1/assets/", "/v1/artifacts/", "/web/", "/api/v1/nodes/", "/"];
    for begin in begin {
        for way in ways {
            for (method, body) in [("GET", b"".as_slice()), ("PUT", b"TAKEN")] {
                let (status, text) = send(&server, method, &format!("{begin}{way}"), "", body).await;
                // The dashboard's first page, the list of outputs and the like are there for everybody.
                assert!((400..500).contains(&status) || status == 200 || status == 304, "{method} {begin}{way}: {text}");
                let told = ["TOPSECRET", TOKEN, "root:", "SQLite format"].iter().any(|secret| text.contains(secret));
                assert!(!told, "{method} {begin}{way}: {text}");
                assert!(status != 200 || method == "GET", "{method} {begin}{way}: {text}");
            }
        }
    }
    for way in ways {
        let (status, text) = send(&server, "GET", &format!("/api/v1/jobs/{way}/logs"), "", b"").await;
        assert!((400..500).contains(&status), "logs of {way}: {text}");
    }
    assert_eq!(std::fs::read_to_string(root.path().join("secret.txt")).unwrap(), "TOPSECRET");
    let outside: Vec<_> = std::fs::read_dir(root.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(outside.len(), 2, "nothing was made beside the farm's folder: {outside:?}");
    drop(led);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_that_stand_or_crawl_are_broken_off() {
    let root = tempfile::tempdir().unwrap();
    let limits =
        Limits { upload_stall_max: Duration::from_millis(400), upload_rate_min: 1_000, ..options(root.path(), anywhere()).limits };
    let server = serve_with(&part(&root, "farm"), limits).await;
    let path = format!("/api/v1/assets/{}", "0".repeat(64));
    let head = format!(
        "PUT {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 1000\r\n\r\n"
    );
    let text = raw(&server, head.as_bytes()).await;
    assert!(status(&text) == 408 && text.contains("upload_stall_max"), "{text}");
    let mut stream = tokio::net::TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut near, mut far) = stream.split();
    let mut text = String::new();
    let drip = async {
        for _ in 0..100 {
            if far.write_all(b"a").await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = drip => unreachable!("it never ends"),
        read = near.read_to_string(&mut text) => drop(read),
    }
    assert!(status(&text) == 408 && text.contains("upload_rate_min"), "{text}");
    assert_eq!(std::fs::read_dir(root.path().join("farm/scratch/uploads")).unwrap().count(), 0, "nothing of them stays");
    server.stop().await;
}

async fn serve_with(folder: &Path, limits: Limits) -> Server {
    let server = Server::start(ServerOptions { limits, ..options(folder, anywhere()) }).await.unwrap();
    ready(&server).await;
    server
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_in_the_audit_once_a_minute_and_without_it() {
    let root = tempfile::tempdir().unwrap();
    let server = serve(&part(&root, "farm"), anywhere()).await;
    ready(&server).await;
    let name = json!({"name": "ada@studio", "password": "correct horse battery"});
    let (_, account) = ask(&server, "POST", "/api/v1/auth/register", TOKEN, Some(&name)).await;
    for guess in ["hunter2hunter2", "hunter3hunter3"] {
        for name in ["ada@studio", "Ada@studio ", "nobody@studio"] {
            let (status, _) = ask(&server, "POST", "/api/v1/auth/login", "", Some(&json!({"name": name, "password": guess}))).await;
            assert_eq!(status, 401);
        }
    }
    let (_, audit) = ask(&server, "GET", "/api/v1/audit", TOKEN, None).await;
    let entries = audit["entries"].as_array().unwrap();
    let missed: Vec<_> = entries.iter().filter(|entry| entry["action"] == "login-failed").collect();
    assert_eq!(missed.len(), 2, "one a name: {audit}");
    assert!(missed.iter().any(|entry| entry["subject"] == account["id"] && entry["actor"] == "nobody at 127.0.0.1"), "{audit}");
    assert!(!audit.to_string().contains("hunter") && !audit.to_string().contains("nobody@studio"), "{audit}");
    for number in 0..20 {
        let guess = json!({"name": format!("guess-{number}"), "password": "hunter2hunter2"});
        ask(&server, "POST", "/api/v1/auth/login", "", Some(&guess)).await;
    }
    let (_, audit) = ask(&server, "GET", "/api/v1/audit", TOKEN, None).await;
    let missed = audit["entries"].as_array().unwrap().iter().filter(|entry| entry["action"] == "login-failed").count();
    assert!((10..=14).contains(&missed), "{missed} from one address");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn newcomers_come_in_where_they_may() {
    let root = tempfile::tempdir().unwrap();
    let new = |number: u32| json!({"name": format!("new-{number}"), "password": "correct horse battery"});
    let server = serve(&part(&root, "closed"), anywhere()).await;
    ready(&server).await;
    let (status, refused) = ask(&server, "POST", "/api/v1/auth/signup", "", Some(&new(0))).await;
    assert_eq!((status, &refused["code"]), (403, &json!("registration-closed")), "{refused}");
    server.stop().await;
    let people = klieg_api::People { registration: klieg_api::Registration::Open, ..klieg_api::People::default() };
    let server = Server::start(ServerOptions { people, ..options(&part(&root, "open"), anywhere()) }).await.unwrap();
    ready(&server).await;
    let short = json!({"name": "short", "password": "short"});
    assert_eq!(ask(&server, "POST", "/api/v1/auth/signup", "", Some(&short)).await.0, 422);
    let admin = json!({"name": "boss", "password": "correct horse battery", "role": "admin"});
    assert_eq!(ask(&server, "POST", "/api/v1/auth/signup", "", Some(&admin)).await.0, 422, "nobody says what they are");
    for number in 1..=4 {
        let (status, account) = ask(&server, "POST", "/api/v1/auth/signup", "", Some(&new(number))).await;
        assert_eq!((status, &account["role"]), (201, &json!("viewer")), "{account}");
    }
    let (status, refused) = ask(&server, "POST", "/api/v1/auth/signup", "", Some(&new(9))).await;
    assert_eq!((status, &refused["code"]), (429, &json!("too-often")), "the fifth try was the short password: {refused}");
    let (status, pair) = ask(&server, "POST", "/api/v1/auth/login", "", Some(&new(1))).await;
    assert_eq!(status, 200, "{pair}");
    let token = pair["access_token"].as_str().unwrap();
    assert_eq!(ask(&server, "GET", "/api/v1/jobs", token, None).await.0, 200);
    assert_eq!(ask(&server, "POST", "/api/v1/jobs", token, Some(&json!({"kind": "copy"}))).await.0, 403);
    server.stop().await;
}
