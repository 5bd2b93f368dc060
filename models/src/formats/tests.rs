use super::{
    dtype, gguf, safetensors, scan,
    table::{Refusal, Table},
};
use crate::{Error, Progress};
use klieg_protocol::Digest;
use serde_json::{Value, json};

/// A safetensors file of a header and bytes.
fn file(header: &Value, data: &[u8]) -> Vec<u8> {
    let header = header.to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

fn read(bytes: &[u8]) -> Result<Table, Refusal> {
    safetensors::read(bytes, bytes.len() as u64)
}

fn entry(dtype: &str, shape: &[u64], from: u64, to: u64) -> Value {
    json!({"dtype": dtype, "shape": shape, "data_offsets": [from, to]})
}

#[test]
fn what_the_library_writes_is_read() {
    let data: Vec<u8> = (0..24).collect();
    let view = |dtype, shape: &[usize], data| ::safetensors::tensor::TensorView::new(dtype, shape.to_vec(), data).expect("a view");
    let tensors = [
        ("b", view(::safetensors::Dtype::F32, &[2, 2], &data[..16])),
        ("a", view(::safetensors::Dtype::F16, &[3], &data[16..22])),
        ("s", view(::safetensors::Dtype::BF16, &[], &data[22..])),
    ];
    let about = std::collections::HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let bytes = ::safetensors::serialize(tensors, Some(about)).expect("serialise");
    let table = read(&bytes).expect("read");
    assert_eq!(table.about["format"], "pt");
    let b = table.tensors.iter().find(|tensor| tensor.name == "b").expect("b");
    assert_eq!((b.dtype.word, b.shape.as_slice(), b.bytes), ("F32", &[2, 2][..], 16));
    assert_eq!(bytes[b.start as usize..][..16], data[..16]);
    assert_eq!(table.tensors.len(), 3);
}

#[test]
fn headers_that_lie_are_refused_by_name() {
    let whole = file(&json!({"a": entry("F32", &[2], 0, 8), "b": entry("U8", &[4], 8, 12)}), &[0; 12]);
    read(&whole).expect("it is whole");
    let cases = [
        (json!({"a": entry("F32", &[3], 0, 8)}), 8, "\"a\" is no good: its range has 8 bytes"),
        (json!({"a": entry("F32", &[2], 8, 0)}), 8, "before they begin"),
        (json!({"a": entry("F33", &[2], 0, 8)}), 8, "\"F33\" is not known"),
        (json!({"a": entry("F32", &[2], 0, 8), "b": entry("U8", &[4], 4, 8)}), 8, "\"b\" is no good: its bytes begin at"),
        (json!({"a": entry("F32", &[2], 4, 12)}), 12, "\"a\" is no good: its bytes begin at"),
        (json!({"a": entry("F32", &[2], 0, 8)}), 9, "1 bytes of the file belong to no tensor"),
        (json!({"a": entry("F32", &[1 << 40, 1 << 40], 0, 8)}), 8, "\"a\""),
        (json!({"a": entry("F32", &[0; 9], 0, 0)}), 0, "9 dimensions"),
        (json!({"a": entry("U8", &[u64::MAX], u64::MAX - 8, u64::MAX)}), 8, "\"a\""),
        (json!({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 8]}}), 8, "tensor \"a\""),
        (json!([1]), 0, "no JSON object"),
    ];
    for (header, bytes, what) in cases {
        let error = read(&file(&header, &vec![0; bytes])).expect_err(what).to_string();
        assert!(error.contains(what), "{header}: {error}");
    }
    let twice = r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#;
    let twice = [&(twice.len() as u64).to_le_bytes(), twice.as_bytes(), &[0; 2]].concat();
    assert!(read(&twice).expect_err("twice").to_string().contains("there twice"));
}

#[test]
fn every_cut_of_a_file_is_refused() {
    let whole = file(&json!({"a": entry("F32", &[2], 0, 8)}), &[0; 8]);
    for length in 0..whole.len() {
        let error = read(&whole[..length]).expect_err("cut off");
        assert!(matches!(error, Refusal::Truncated { .. } | Refusal::Header(_)), "{length}: {error}");
    }
    let long = [&u64::MAX.to_le_bytes()[..], b"{}"].concat();
    assert!(matches!(read(&long), Err(Refusal::Header(_))), "no room is made for a length that lies");
    let long = [&90_000_000_u64.to_le_bytes()[..], b"{}"].concat();
    assert!(matches!(read(&long), Err(Refusal::Truncated { .. })));
}

#[test]
fn pickles_are_known_by_their_first_bytes() {
    let zip = [b"PK\x03\x04".as_slice(), &[0; 60], b"archive/data.pkl"].concat();
    let bare = b"\x80\x02}q\x00X\x05\x00\x00\x00model".to_vec();
    let mut tar = vec![0; 512];
    tar[257..262].copy_from_slice(b"ustar");
    for pickle in [zip, bare, tar] {
        assert_eq!(read(&pickle), Err(Refusal::Pickle));
    }
    // A header of 640 bytes begins as a pickle does.
    let filler = "x".repeat(640 - r#"{"__metadata__":{"a":""}}"#.len());
    let bytes = file(&json!({"__metadata__": {"a": filler}}), &[]);
    assert_eq!(bytes[..2], [0x80, 2]);
    read(&bytes).expect("it is none");
}

/// A GGUF file: metadata that is already encoded, tensors by name, dimensions, type and offset, and bytes behind them.
fn gguf_file(version: u32, keys: &[Vec<u8>], tensors: &[(&str, &[u64], u32, u64)], data: &[u8]) -> Vec<u8> {
    let mut out = b"GGUF".to_vec();
    out.extend(version.to_le_bytes());
    out.extend((tensors.len() as u64).to_le_bytes());
    out.extend((keys.len() as u64).to_le_bytes());
    keys.iter().for_each(|key| out.extend(key));
    for (name, dimensions, kind, offset) in tensors {
        out.extend(text(name));
        out.extend((dimensions.len() as u32).to_le_bytes());
        dimensions.iter().for_each(|dimension| out.extend(dimension.to_le_bytes()));
        out.extend(kind.to_le_bytes());
        out.extend(offset.to_le_bytes());
    }
    out.resize(out.len().next_multiple_of(32), 0);
    out.extend(data);
    out
}

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
}

fn key(name: &str, kind: u32, value: &[u8]) -> Vec<u8> {
    [&text(name), &kind.to_le_bytes()[..], value].concat()
}

#[test]
fn gguf_is_read_and_its_lies_are_refused() {
    let words = [&8_u32.to_le_bytes()[..], &2_u64.to_le_bytes(), &text("a"), &text("b")].concat();
    let keys = [
        key("general.architecture", 8, &text("llama")),
        key("llama.block_count", 4, &7_u32.to_le_bytes()),
        key("tokenizer.ggml.tokens", 9, &words),
    ];
    let good = gguf_file(3, &keys, &[("q", &[32, 2], 2, 0), ("f", &[3], 0, 64)], &[0; 76]);
    let read = |bytes: &[u8]| gguf::read(bytes, bytes.len() as u64);
    let table = read(&good).expect("read");
    assert_eq!(table.about["general.architecture"], "llama");
    assert_eq!((table.about["llama.block_count"].as_str(), table.about["tokenizer.ggml.tokens.len"].as_str()), ("7", "2"));
    let q = &table.tensors[0];
    assert_eq!((q.name.as_str(), q.dtype.word, q.shape.as_slice(), q.bytes), ("q", "Q4_0", &[2, 32][..], 36));
    for length in 0..good.len() {
        assert!(read(&good[..length]).is_err(), "cut at {length}");
    }
    let endless = [&8_u32.to_le_bytes()[..], &u64::MAX.to_le_bytes()].concat();
    for (bytes, what) in [
        (gguf_file(1, &keys, &[], &[]), "version 1"),
        (gguf_file(3_u32.swap_bytes(), &keys, &[], &[]), "big-endian"),
        (gguf_file(3, &keys, &[("q", &[31], 2, 0)], &[0; 64]), "no whole blocks of Q4_0"),
        (gguf_file(3, &keys, &[("q", &[32], 99, 0)], &[0; 64]), "type 99"),
        (gguf_file(3, &keys, &[("q", &[32], 2, 8)], &[0; 64]), "no multiple of 32"),
        (gguf_file(3, &keys, &[("q", &[32], 0, 0), ("p", &[32], 0, 64)], &[0; 256]), "where others' lie"),
        (gguf_file(3, &keys, &[("q", &[32], 0, 0), ("q", &[32], 0, 128)], &[0; 256]), "there twice"),
        (gguf_file(3, &[key("a", 9, &endless)], &[], &[]), "ends after"),
        (gguf_file(3, &[key("general.alignment", 4, &3_u32.to_le_bytes())], &[], &[]), "power of two"),
        (b"PK\x03\x04".to_vec(), "pickle"),
        (b"GGML0000".to_vec(), "does not begin with GGUF"),
    ] {
        let error = read(&bytes).expect_err(what).to_string();
        assert!(error.contains(what), "{what}: {error}");
    }
}

/// Scans a file of one tensor.
fn scanned(word: &str, data: &[u8]) -> Result<Digest, Error> {
    let dtype = dtype::of_safetensors(word).expect("a type");
    let header = json!({"w": entry(word, &[data.len() as u64 / dtype.bytes], 0, data.len() as u64)});
    let folder = tempfile::tempdir().expect("a folder");
    let (path, bytes) = (folder.path().join("w.safetensors"), file(&header, data));
    std::fs::write(&path, &bytes).expect("write");
    let table = read(&bytes).expect("read");
    let progress = Progress::default();
    let digest = scan::read(&path, bytes.len() as u64, Some(&table), &progress)?;
    assert_eq!(digest, Digest::of(&bytes));
    assert_eq!(progress.bytes().0, bytes.len() as u64);
    Ok(digest)
}

#[test]
fn weights_that_are_no_numbers_are_found_wherever_they_are() {
    let words: [(&str, Vec<u8>, Vec<u8>); 6] = [
        ("F32", f32::NAN.to_le_bytes().to_vec(), f32::MAX.to_le_bytes().to_vec()),
        ("F32", f32::NEG_INFINITY.to_le_bytes().to_vec(), f32::MIN_POSITIVE.to_le_bytes().to_vec()),
        ("F16", half::f16::INFINITY.to_le_bytes().to_vec(), half::f16::MAX.to_le_bytes().to_vec()),
        ("BF16", half::bf16::NAN.to_le_bytes().to_vec(), half::bf16::MAX.to_le_bytes().to_vec()),
        ("F64", f64::NAN.to_le_bytes().to_vec(), f64::MAX.to_le_bytes().to_vec()),
        ("F8_E5M2", vec![0xfc], vec![0x7b]),
    ];
    for (word, bad, good) in words {
        let many = (5 << 20) / bad.len();
        let mut data = good.repeat(many);
        scanned(word, &data).expect("all are numbers");
        // The first, the last, and one on either side of where a read ends.
        for at in [0, many - 1, (4 << 20) / bad.len() - 1, (4 << 20) / bad.len()] {
            let range = at * bad.len()..(at + 1) * bad.len();
            data[range.clone()].copy_from_slice(&bad);
            let error = scanned(word, &data).expect_err("no number");
            let Error::Refused { refusal, .. } = &error else { panic!("{error}") };
            assert!(
                matches!(&**refusal, Refusal::NotFinite { tensor, index, .. } if tensor == "w" && *index == at as u64),
                "{error}"
            );
            data[range].copy_from_slice(&good);
        }
    }
    assert!(scanned("F8_E4M3", &[0x7e, 0x7f]).is_err() && scanned("F8_E4M3", &[0x7e, 0xfe]).is_ok());
    scanned("I32", &[0xff; 64]).expect("whole numbers are numbers");
}

#[test]
fn scales_of_quantised_blocks_are_looked_at() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("m.gguf");
    let mut blocks = vec![0xff; 36];
    blocks[..2].copy_from_slice(&half::f16::ONE.to_le_bytes());
    blocks[18..20].copy_from_slice(&half::f16::ONE.to_le_bytes());
    let mut bytes = gguf_file(3, &[], &[("q", &[32, 2], 2, 0)], &blocks);
    let table = gguf::read(bytes.as_slice(), bytes.len() as u64).expect("read");
    std::fs::write(&path, &bytes).expect("write");
    let read = || scan::read(&path, table.tensors[0].start + 36, Some(&table), &Progress::default());
    read().expect("numbers");
    let second = table.tensors[0].start as usize + 18;
    bytes[second..second + 2].copy_from_slice(&half::f16::NAN.to_le_bytes());
    std::fs::write(&path, &bytes).expect("write");
    assert!(read().expect_err("NaN").to_string().contains("at element 32"));
}

#[test]
fn what_is_asked_to_stop_stops() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("w");
    std::fs::write(&path, [0; 16]).expect("write");
    let progress = Progress::default();
    progress.stop();
    assert!(matches!(scan::read(&path, 16, None, &progress), Err(Error::Stopped)));
    assert!(matches!(scan::read(&path, 17, None, &Progress::default()), Err(Error::Io { .. })), "shorter than it was");
}
