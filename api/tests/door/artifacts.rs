use crate::house::{anywhere, farm, link, part, serve};
use http::{HeaderValue, Method, header};
use http_body_util::BodyExt;
use klieg_nodes::remote::{Ask, Cache, Link, Load, download, upload};
use klieg_protocol::Digest;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_come_whole_or_not_at_all() {
    let root = tempfile::tempdir().unwrap();
    let (server, folder) = (serve(&part(&root, "farm"), anywhere()).await, part(&root, "here"));
    farm(&server).await;
    let way = Link::new(&link(&server)).unwrap();
    let bytes: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    let (digest, file) = (Digest::of(&bytes), folder.join("file"));
    std::fs::write(&file, &bytes).unwrap();
    // Under a digest that is not theirs they are refused, and nothing of them stays.
    let wrong = Digest::of(b"other");
    let load = Load::File { path: file.clone(), bytes: bytes.len() as u64 };
    let error = way.call(&Ask { load: load.clone(), ..Ask::new(Method::PUT, format!("/v1/artifacts/{wrong}")) }).await.unwrap_err();
    assert!(error.status() == Some(422) && error.to_string().contains(&digest.hex()), "{error}");
    upload(&way, digest, &file, bytes.len() as u64).await.unwrap();
    assert_eq!(std::fs::read_dir(root.path().join("farm/scratch/uploads")).unwrap().count(), 0, "no temporary stays");
    let cache = Cache::open(&folder.join("cache"), 1 << 30).unwrap();
    assert_eq!(std::fs::read(download(&way, &cache, digest).await.unwrap()).unwrap(), bytes);
    // A part of them.
    let mut ask = Ask::new(Method::GET, format!("/v1/artifacts/{digest}"));
    ask.headers.insert(header::RANGE, HeaderValue::from_static("bytes=2999990-"));
    let answer = way.call(&ask).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["content-range"].to_str().unwrap()),
        (206, "bytes 2999990-2999999/3000000")
    );
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), bytes[2_999_990..]);
    server.stop().await;
}

/// A server between that cuts the first connections after so many bytes.
async fn cutter(to: std::net::SocketAddr, after: &'static [usize]) -> std::net::SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut cuts = after.iter();
        loop {
            let (near, _) = listener.accept().await.unwrap();
            let far = tokio::net::TcpStream::connect(to).await.unwrap();
            let mut left = cuts.next().copied().unwrap_or(usize::MAX);
            tokio::spawn(async move {
                let ((mut near_in, mut near_out), (mut far_in, mut far_out)) = (near.into_split(), far.into_split());
                let up = tokio::spawn(async move { tokio::io::copy(&mut near_in, &mut far_out).await });
                let mut buffer = vec![0; 16_384];
                while left > 0 {
                    let Ok(count) = far_in.read(&mut buffer).await else { break };
                    if count == 0 || near_out.write_all(&buffer[..count.min(left)]).await.is_err() {
                        break;
                    }
                    left -= count.min(left);
                }
                up.abort();
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_that_breaks_off_goes_on_where_it_was() {
    let root = tempfile::tempdir().unwrap();
    let (server, folder) = (serve(&part(&root, "farm"), anywhere()).await, part(&root, "here"));
    let farm = farm(&server).await;
    let bytes: Vec<u8> = (0..4_000_000u32).map(|n| (n % 241) as u8).collect();
    let digest = farm.put(bytes.clone()).await.unwrap();
    drop(farm);
    let between = cutter(server.address(), &[1_000_000, 700_000, 300, 2_000_000]).await;
    let mut options = link(&server);
    options.servers = vec![format!("http://{between}")];
    let (way, cache) = (Link::new(&options).unwrap(), Cache::open(&folder.join("cache"), 1 << 30).unwrap());
    let path = tokio::time::timeout(Duration::from_secs(30), download(&way, &cache, digest)).await.expect("in time").unwrap();
    assert_eq!(std::fs::read(path).unwrap(), bytes);
    assert_eq!(std::fs::read_dir(folder.join("cache/temp")).unwrap().count(), 0);
    // What was sent is little more than what there is: nothing began again from the start.
    let metrics = way.call(&Ask::new(Method::GET, "/metrics")).await.unwrap().into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(metrics.to_vec()).unwrap();
    let out: u64 = text.lines().find_map(|line| line.strip_prefix("klieg_artifact_bytes_out_total ")).unwrap().parse().unwrap();
    assert!(out < 2 * bytes.len() as u64, "{out} bytes went out");
    server.stop().await;
}
