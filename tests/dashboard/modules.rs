//! What the page computes by itself, beside what is right.

use crate::{
    browser::{Browser, Screen},
    farm::Cluster,
    support::Studio,
};
use serde_json::json;

#[test]
fn the_page_hashes_reads_streams_and_keeps_the_moment_as_it_should() {
    let studio = Studio::new();
    let cluster = Cluster::new(&studio);
    let browser = Browser::open(&cluster.url, Screen::Desk);

    // Around the bounds of blocks, chunks and trees.
    let lengths = [0, 1, 63, 64, 65, 1023, 1024, 1025, 2048, 2049, 3072, 3073, 4096, 5000, 31_744, 100_001];
    let right = lengths.map(|length| blake3::hash(&(0..length).map(|at| (at % 251) as u8).collect::<Vec<_>>()).to_hex().to_string());
    let script = "return import('/web/blake3.js').then(({ blake3 }) => \
         arguments[0].map((length) => blake3(Uint8Array.from({ length }, (_, at) => at % 251))))";
    assert_eq!(browser.run(script, vec![json!(lengths)]), json!(right));

    // An event stream in pieces of every size: letters of several bytes, other line ends, comments, data of two lines.
    let stream = ": alive\n\nid: 1.4\nevent: a\ndata: {\"who\":\"Māyā\"}\n\ndata: one\ndata:two\r\n\r\nid: 1.5\nevent: nothing\n\ndata: last\n\ndata: not ended";
    let script = "const bytes = new TextEncoder().encode(arguments[0]); \
         const parsed = (size) => import('/web/api.js').then(async ({ parse }) => { \
             async function* chunks() { for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size); } \
             const found = []; for await (const { id, name, data } of parse(chunks())) found.push([id ?? null, name, data]); return found; }); \
         return Promise.all(Array.from({ length: bytes.length }, (_, size) => parsed(size + 1)))";
    let events = json!([["1.4", "a", "{\"who\":\"Māyā\"}"], ["1.4", "message", "one\ntwo"], ["1.5", "message", "last"]]);
    let parsed = browser.run(script, vec![json!(stream)]);
    assert!(parsed.as_array().is_some_and(|all| all.len() == stream.len() && all.iter().all(|one| *one == events)), "{parsed}");

    // A shot comes in before the one that is watched: the moment moves by its length. One that has gone: the same second.
    let script = "return import('/web/player.js').then(({ layoutOf, sameMoment }) => { \
             const part = (name, frames) => ({ name, shot: name, frames }); \
             const before = { layout: layoutOf([part('a', 24), part('c', 48)]), seconds: 3 }; \
             const after = { layout: layoutOf([part('a', 24), part('b', 24), part('c', 48)]), seconds: 4 }; \
             const other = { layout: layoutOf([part('x', 24)]), seconds: 1 }; \
             return [sameMoment(0.5, before, after), sameMoment(1.5, before, after), sameMoment(3, before, after), sameMoment(2, before, other)]; })";
    assert_eq!(browser.run(script, vec![]), json!([0.5, 2.5, 4, 1]));
}
