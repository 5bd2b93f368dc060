use klieg_protocol::{Digest, JobId, TaskId, Token};
use klieg_scheduler::blobs::{BlobError, Blobs, S3, UploadName, conformance};
use std::{path::Path, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const LARGE: usize = 20_000_000;

async fn open(server: &klieg_servers::S3, cache: &Path) -> S3 {
    let url = format!("s3://{}/farm/one?endpoint={}&region=eu-central-1", klieg_servers::S3::BUCKET, server.endpoint());
    let keys = Some((klieg_servers::S3::ACCESS_KEY, klieg_servers::S3::SECRET_KEY));
    S3::open_as(&url, keys, cache, 100_000_000).await.unwrap()
}

fn key(digest: Digest) -> String {
    let hex = digest.hex();
    format!("farm/one/blobs/{}/{}", &hex[..2], &hex[2..])
}

fn large() -> Vec<u8> {
    (0..LARGE).map(|n| ((n * 31) >> 7) as u8).collect()
}

fn name(file: u32) -> UploadName {
    UploadName { task: TaskId { job: JobId("job-000001".into()), task: "render/../0".into() }, token: Token(7), file }
}

/// One request of HTTP/1.1; gives status, `ETag` and body.
async fn http(method: &str, url: &str, body: &[u8]) -> (u16, String, Vec<u8>) {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).await.unwrap();
    let head = format!("{method} /{path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let etag = head.lines().find_map(|line| line.to_lowercase().strip_prefix("etag: ").map(String::from)).unwrap_or_default();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), etag, answer[end + 4..].to_vec())
}

#[tokio::test]
async fn s3_conforms() {
    let (server, folder) = (klieg_servers::S3::start().await, tempfile::tempdir().unwrap());
    let scratch = tempfile::tempdir().unwrap();
    let blobs = open(&server, folder.path()).await;
    conformance::check(&blobs, scratch.path(), |digest, bytes| std::fs::write(server.file(&key(digest)), bytes).unwrap()).await;
}

#[tokio::test]
async fn large_artifacts_go_in_parts_and_leave_none_behind() {
    let (server, folder) = (klieg_servers::S3::start().await, tempfile::tempdir().unwrap());
    let scratch = tempfile::tempdir().unwrap();
    let blobs = open(&server, folder.path()).await;
    let (bytes, file) = (large(), scratch.path().join("large"));
    std::fs::write(&file, &bytes).unwrap();
    let digest = blobs.adopt(file.clone(), None).await.unwrap();
    assert_eq!((digest, blobs.size(digest).await.unwrap()), (Digest::of(&bytes), Some(LARGE as u64)));
    assert_eq!(server.uploads_open(), 0);

    // Another process, without the local copy, brings it and then has it.
    let elsewhere = tempfile::tempdir().unwrap();
    let reader = open(&server, elsewhere.path()).await;
    let path = reader.fetch(digest).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    blobs.remove(digest).await.unwrap();
    assert_eq!(reader.fetch(digest).await.unwrap(), path, "from its copy");
    assert!(matches!(blobs.fetch(digest).await, Err(BlobError::Missing(_))));

    // Whoever gives up in the middle leaves nothing either.
    std::fs::write(&file, &bytes).unwrap();
    let given_up = tokio::spawn({
        let blobs = blobs.clone();
        async move { blobs.adopt(file, None).await }
    });
    // Not before a part has come: an upload whose beginning has not been answered is left for the sweep.
    let root = server.file("..");
    let part_came =
        || std::fs::read_dir(&root).unwrap().flatten().any(|entry| entry.file_name().to_string_lossy().contains(".part-"));
    while !part_came() && !given_up.is_finished() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    given_up.abort();
    let _ = given_up.await;
    for _ in 0..500 {
        if server.uploads_open() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("an upload is left");
}

#[tokio::test]
async fn a_server_that_fails_for_a_while_is_asked_again() {
    let (server, folder) = (klieg_servers::S3::start().await, tempfile::tempdir().unwrap());
    let blobs = open(&server, folder.path()).await;
    server.fail_next(3);
    let digest = blobs.put(b"patience".to_vec()).await.unwrap();
    server.fail_next(3);
    assert_eq!(blobs.get(digest).await.unwrap(), b"patience");
    server.fail_next(1_000);
    let failed = blobs.get(digest).await;
    assert!(matches!(&failed, Err(BlobError::Unreachable { at, .. }) if at.starts_with("s3://bucket/farm/one")), "{failed:?}");
    server.fail_next(0);
    assert_eq!(blobs.get(digest).await.unwrap(), b"patience");
}

#[tokio::test]
async fn attempts_upload_by_themselves_and_only_what_they_named_becomes_an_artifact() {
    let (server, folder) = (klieg_servers::S3::start().await, tempfile::tempdir().unwrap());
    let blobs = open(&server, folder.path()).await;
    let valid = Duration::from_secs(600);
    for (file, bytes) in (0..).zip([b"small".to_vec(), large()]) {
        let digest = Digest::of(&bytes);
        let upload = blobs.begin(name(file), bytes.len() as u64, valid).await.unwrap().unwrap();
        let mut etags = Vec::new();
        for (url, part) in upload.urls.iter().zip(bytes.chunks(upload.part_bytes.try_into().unwrap())) {
            let (status, etag, body) = http("PUT", url, part).await;
            assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
            etags.push(etag);
        }
        assert_eq!(blobs.size(digest).await.unwrap(), None, "not visible before it is whole");
        blobs.finish(&upload, &etags, digest).await.unwrap();
        blobs.finish(&upload, &etags, digest).await.expect("an answer may be lost");
        assert_eq!(blobs.get(digest).await.unwrap(), bytes);
        let link = blobs.link(digest, valid).await.unwrap().unwrap();
        let (status, _, body) = http("GET", &link, b"").await;
        assert!(status == 200 && body.ends_with(&bytes[bytes.len() - 5..]));
        let (status, ..) = http("GET", link.split('?').next().unwrap(), b"").await;
        assert_eq!(status, 403, "only with the signature");
    }
    let upload = blobs.begin(name(2), 5, valid).await.unwrap().unwrap();
    http("PUT", &upload.urls[0], b"wrong").await;
    let wrong = blobs.finish(&upload, &[], Digest::of(b"right")).await;
    assert!(matches!(wrong, Err(BlobError::Damaged(_))), "{wrong:?}");
    assert_eq!((blobs.list().await.unwrap().len(), server.uploads_open()), (2, 0));
}

#[tokio::test]
async fn what_dead_attempts_left_is_swept() {
    let (server, folder) = (klieg_servers::S3::start().await, tempfile::tempdir().unwrap());
    let blobs = open(&server, folder.path()).await;
    let valid = Duration::from_secs(600);
    let kept = blobs.put(b"kept".to_vec()).await.unwrap();
    let upload = blobs.begin(name(0), 5, valid).await.unwrap().unwrap();
    http("PUT", &upload.urls[0], b"small").await;
    blobs.begin(name(1), LARGE as u64, valid).await.unwrap().unwrap();
    let aborted = blobs.begin(name(2), LARGE as u64, valid).await.unwrap().unwrap();
    blobs.abort(&aborted).await.unwrap();
    assert_eq!(server.uploads_open(), 1);
    assert_eq!(blobs.sweep(1_000).await.unwrap(), 0, "nothing began in 1970");
    assert_eq!(blobs.sweep(u64::MAX).await.unwrap(), 2);
    assert_eq!(server.uploads_open(), 0);
    assert_eq!(blobs.list().await.unwrap(), [(kept, 4)]);
    let claimed = blobs.finish(&upload, &[], Digest::of(b"small")).await;
    assert!(matches!(claimed, Err(BlobError::Damaged(_))), "swept is swept: {claimed:?}");
}

#[tokio::test]
async fn what_is_wrong_is_said_in_a_sentence_with_what_to_do() {
    let (server, folder) = (klieg_servers::S3::start().await, tempfile::tempdir().unwrap());
    let say = async |bucket: &str, endpoint: &str, secret: &str| {
        let url = format!("s3://{bucket}/farm?endpoint={endpoint}&region=eu-central-1");
        let keys = Some((klieg_servers::S3::ACCESS_KEY, secret));
        S3::open_as(&url, keys, folder.path(), 1_000_000).await.err().expect("an error")
    };
    let (here, secret) = (server.endpoint(), klieg_servers::S3::SECRET_KEY);
    let none = say("nowhere", &here, secret).await;
    let text = none.to_string();
    assert!(
        matches!(none, BlobError::Refused { .. }) && text.contains("s3://nowhere/farm/: there is no such bucket (404"),
        "{text}"
    );
    let wrong = say(klieg_servers::S3::BUCKET, &here, "another-secret").await;
    let text = wrong.to_string();
    assert!(matches!(wrong, BlobError::Refused { .. }) && text.contains("does not let this access key in (403"), "{text}");
    // Port 1 is reserved; nothing listens on it.
    let away = say(klieg_servers::S3::BUCKET, "http://127.0.0.1:1", secret).await;
    let text = away.to_string();
    assert!(matches!(away, BlobError::Unreachable { .. }) && text.contains("Connection refused"), "{text}");
    assert!(text.ends_with("see that it runs and that this machine reaches it"), "{text}");
    for error in [none, wrong, away] {
        let text = error.to_string();
        assert!(!text.contains("service error") && !text.contains("unhandled") && text.len() < 250, "{text}");
    }
}
