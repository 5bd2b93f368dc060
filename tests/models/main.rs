//! `klieg models`: from a folder or a hub to what a node offers.

#[path = "../whole/support.rs"]
#[expect(dead_code, reason = "the films' tests need more of it")]
mod support;

use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::Path,
};
use support::Studio;

/// A LoRA of two halves; `last`: its last weight.
fn lora(last: f32) -> Vec<u8> {
    let header = r#"{"unet.mid.attn2.to_k.lora_A.weight":{"dtype":"F32","shape":[4,768],"data_offsets":[0,12288]},"unet.mid.attn2.to_k.lora_B.weight":{"dtype":"F32","shape":[8,4],"data_offsets":[12288,12416]}}"#;
    let mut bytes = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0; 12_416]].concat();
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(&last.to_le_bytes());
    bytes
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).expect("write");
}

fn value(studio: &Studio, args: &[&str]) -> Value {
    let out = studio.ok(&[args, &["--json"]].concat());
    serde_json::from_str(&out).unwrap_or_else(|e| panic!("klieg {args:?}: {e}: {out}"))
}

/// What it says when it is wrong, and its exit code.
fn wrong(studio: &Studio, args: &[&str]) -> (Option<i32>, String) {
    let output = studio.run(args);
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_model_is_added_listed_verified_offered_and_removed() {
    let studio = Studio::new();
    assert_eq!(value(&studio, &["models", "ls"]), json!([]));
    write(&studio.path("felt.safetensors"), &lora(1.0));
    let added = value(&studio, &["models", "add", "felt.safetensors"]);
    assert_eq!((&added["name"], &added["family"], &added["parameters"]), (&json!("felt"), &json!("lora"), &json!(3104)));
    assert_eq!(added["about"]["base"], "stable-diffusion 1");
    let linked = value(&studio, &["models", "add", "felt.safetensors", "--as", "cloth", "--link"]);
    assert_eq!(
        (&linked["digest"], &linked["needs"]),
        (&added["digest"], &json!(added["needs"].as_str().expect("needs").replace("felt", "cloth")))
    );
    let shown = studio.ok(&["models", "show", "felt", "--tensors"]);
    assert!(shown.contains("[4, 768] unet.mid.attn2.to_k.lora_A.weight") && shown.contains("3.1 thousand parameters"), "{shown}");
    let (code, said) = wrong(&studio, &["models", "add", "felt.safetensors"]);
    assert!(code == Some(2) && said.contains("klieg models rm felt"), "{said}");

    let offer =
        || value(&studio, &["node", "--list", "--no-gpus", "--server", "http://127.0.0.1:9", "--token", "x"])["tools"].clone();
    assert_eq!(offer()["gives"], json!([linked["needs"], added["needs"]]));
    // The linked file is another one now.
    write(&studio.path("felt.safetensors"), &lora(2.0)[..12_000]);
    assert_eq!(offer()["gives"], json!([added["needs"]]));
    assert!(studio.ok(&["models", "ls"]).contains("cloth") && studio.ok(&["models", "ls"]).contains("12000 bytes"));
    let (code, said) = wrong(&studio, &["models", "verify"]);
    assert!(code == Some(1) && said.contains("cloth") && !said.contains("\"felt\""), "{said}");
    assert_eq!(value(&studio, &["models", "verify", "felt"])[0]["wrong"], Value::Null);

    studio.ok(&["models", "rm", "cloth"]);
    assert!(studio.path("felt.safetensors").exists(), "linked files stay");
    studio.ok(&["models", "rm", "felt"]);
    assert_eq!(value(&studio, &["models", "ls"]), json!([]));
    let (code, said) = wrong(&studio, &["models", "rm", "felt"]);
    assert!(code == Some(2) && said.contains("klieg models ls"), "{said}");
}

#[test]
fn what_is_no_model_is_refused_with_the_reason() {
    let studio = Studio::new();
    write(&studio.path("nan.safetensors"), &lora(f32::NAN));
    write(&studio.path("cut.safetensors"), &lora(1.0)[..9000]);
    write(&studio.path("old.ckpt"), b"PK\x03\x04");
    write(&studio.path("renamed.safetensors"), b"PK\x03\x04and so on");
    for (file, what) in [
        ("nan.safetensors", "lora_B.weight\" has the value NaN at element 31"),
        ("cut.safetensors", "it ends after 9000 bytes"),
        ("old.ckpt", "can run any program"),
        ("renamed.safetensors", "can run any program"),
        ("none.safetensors", "No such file"),
    ] {
        let (code, said) = wrong(&studio, &["models", "add", file, "--json"]);
        assert!(code == Some(2) && said.contains(&what.replace('"', "\\\"")), "{file}: {said}");
    }
    assert_eq!(value(&studio, &["models", "ls"]), json!([]));
}

/// A hub that has one LoRA, for as many requests as a pull needs.
fn hub() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut line = String::new();
            let mut reader = BufReader::new(stream.try_clone().expect("a reader"));
            reader.read_line(&mut line).expect("a request");
            let mut head = String::new();
            while reader.read_line(&mut head).is_ok_and(|count| count > 2) {}
            let body = if line.contains("/api/models/felt/puppets/revision/main") {
                json!({"sha": "0123456789abcdef", "siblings": [{"rfilename": "felt.safetensors"}, {"rfilename": "felt.bin"}]})
                    .to_string()
                    .into_bytes()
            } else {
                lora(1.0)
            };
            // `sha256sum` of `lora(1.0)` is what the hub names.
            let tag = "a14eb096f9b7252fa21c1aff42a923ba4966ac5421a259e88a7bc30154b67b9b";
            let head = format!(
                "HTTP/1.1 200 OK\r\nX-Linked-Etag: \"{tag}\"\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(&[head.as_bytes(), &body].concat());
        }
    });
    format!("http://{address}")
}

#[test]
fn a_model_is_pulled_from_the_hub_that_the_environment_names() {
    let studio = Studio::new();
    let mut command = studio.klieg(&["models", "pull", "felt/puppets", "--json"]);
    let output = command.env("HF_ENDPOINT", hub()).env_remove("HF_TOKEN").output().expect("start klieg");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let pulled: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&pulled["name"], &pulled["family"]), (&json!("puppets"), &json!("lora")));
    assert_eq!(pulled["files"].as_array().expect("files").len(), 1, "no pickles");
    let (code, said) = wrong(&studio, &["models", "pull", "../x"]);
    assert!(code == Some(2) && said.contains("OWNER/NAME"), "{said}");
}
