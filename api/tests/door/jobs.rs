use crate::house::{Hand, anywhere, farm, link, options, part, serve};
use http::Method;
use klieg_api::{Server, ServerOptions, client::Client};
use klieg_nodes::remote::{Ask, Cache, Link, LinkError, read};
use klieg_protocol::{Class, DeviceOffer, Digest, Incarnation, NodeId, Offer, wire::Submission};
use std::collections::BTreeMap;

fn job(digest: Digest) -> Submission {
    let inputs = BTreeMap::from([("text".to_owned(), digest)]);
    Submission { kind: "copy".into(), label: "l".into(), params: 1.into(), inputs, project: String::new(), priority: 0 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_needs_its_inputs_and_is_the_same_when_sent_twice() {
    let root = tempfile::tempdir().unwrap();
    let server = serve(&part(&root, "farm"), anywhere()).await;
    farm(&server).await;
    let cache = Cache::open(&part(&root, "client"), 1 << 30).unwrap();
    let client = Client::new(&link(&server), cache).unwrap();
    let missing = Digest::of(b"never sent");
    match client.submit(&job(missing)).await.unwrap_err() {
        LinkError::Refused { problem, .. } => assert_eq!((problem.status, problem.missing), (422, vec![missing])),
        other => panic!("{other}"),
    }
    let bad = client.put(b"bad text").await.unwrap();
    match client.submit(&job(bad)).await.unwrap_err() {
        LinkError::Refused { problem, .. } => {
            let place = problem.place.clone().expect("a place");
            assert_eq!((problem.status, place.file.as_str(), place.line), (422, "text", 1));
            assert_eq!(problem.detail, "text:1:1: it begins with bad");
        }
        other => panic!("{other}"),
    }
    assert!(client.jobs().await.unwrap().is_empty(), "nothing of what was refused stays");
    let good = client.put(b"good").await.unwrap();
    let answer = Link::new(&link(&server)).unwrap().call(&Ask::post("/api/v1/jobs", &job(good))).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["location"].to_str().unwrap()), (201, "/api/v1/jobs/job-000001"));
    let _: serde_json::Value = read(answer).await.unwrap();
    assert_eq!(client.submit(&job(good)).await.unwrap().0, "job-000001");
    assert_eq!(client.jobs().await.unwrap().len(), 1);
    let way = Link::new(&link(&server)).unwrap();
    let shown: serde_json::Value = way.get(&Ask::new(Method::GET, "/api/v1/jobs/job-000001")).await.unwrap();
    assert_eq!((&shown["kind"], &shown["tasks"]["total"]), (&"copy".into(), &1.into()));
    server.stop().await;
}

/// Submits a job to a farm whose one node has a GPU or none; gives the class on which its task is to run.
async fn class_of_a_job(chosen: Option<Class>, gpu: bool) -> Class {
    let root = tempfile::tempdir().unwrap();
    let options = ServerOptions { device: chosen, ..options(&part(&root, "farm"), anywhere()) };
    let server = Server::start(options).await.unwrap();
    farm(&server).await;
    let mut offer = Offer::of_cpu(NodeId("hand".into()), Incarnation(1), 2, 1 << 30);
    let device = DeviceOffer { name: "a GPU".into(), class: Class::Cuda, memory_bytes: 1 << 30, slots: 1, gpu: None };
    offer.devices.extend(gpu.then_some(device));
    let mut hand = Hand::offering(Hand::remote(link(&server), &part(&root, "node")), offer).await;
    let client = Client::new(&link(&server), Cache::open(&part(&root, "client"), 1 << 30).unwrap()).unwrap();
    let text = client.put(b"text").await.unwrap();
    client.submit(&job(text)).await.unwrap();
    let dispatch = hand.next().await;
    server.stop().await;
    assert_eq!(dispatch.device, u32::from(dispatch.task.ask.class == Class::Cuda));
    dispatch.task.ask.class
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_keeps_to_one_class_of_device() {
    assert_eq!(class_of_a_job(None, false).await, Class::Cpu);
    assert_eq!(class_of_a_job(None, true).await, Class::Cuda, "the best that there is");
    assert_eq!(class_of_a_job(Some(Class::Cpu), true).await, Class::Cpu, "as the server was told");
}
