use super::*;
use klieg_protocol::Digest;
use std::sync::Arc;

/// A model of two small files in `folder`.
fn entry(folder: &Path, name: &str) -> Entry {
    let files = [("config.json", &b"{}"[..]), ("unet/weights.safetensors", b"12345678")];
    let part = |(path, bytes): &(&str, &[u8])| {
        let at = folder.join(path);
        fs::create_dir_all(at.parent().expect("a parent")).expect("make the folder");
        fs::write(at, bytes).expect("write");
        Part { path: (*path).into(), bytes: bytes.len() as u64, digest: Digest::of(bytes) }
    };
    Entry { name: name.into(), family: Family::Bert, root: folder.into(), files: files.iter().map(part).collect() }
}

#[test]
fn no_folder_is_an_empty_shelf() {
    let folder = tempfile::tempdir().expect("a folder");
    let shelf = Shelf::open(folder.path().join("none"));
    assert_eq!(shelf.models().expect("list"), []);
    assert_eq!(shelf.find("a").expect("find"), None);
    assert!(matches!(shelf.remove("a"), Err(Error::Unknown(_))));
    assert!(!folder.path().join("none").exists(), "looking makes nothing");
}

#[test]
fn what_is_put_is_found_and_can_be_removed() {
    let (source, folder) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let shelf = Shelf::open(folder.path());
    for (name, keep) in [("copied", Keep::Copy), ("linked", Keep::Link)] {
        let record = shelf.put(&entry(source.path(), name), keep, &Progress::default()).expect("put");
        assert_eq!(shelf.find(name).expect("find"), Some(record.clone()));
        assert_eq!(fs::read(record.path("unet/weights.safetensors")).expect("read"), b"12345678");
        assert_eq!(record.bytes, 10);
        assert_eq!(record.needs(), format!("model:{name}@{}", &record.digest.hex()[..16]));
        shelf.stands(&record).expect("it stands");
    }
    let [copied, linked] = <[Record; 2]>::try_from(shelf.models().expect("list")).expect("two");
    assert_eq!(copied.digest, linked.digest, "the same files are the same model");
    shelf.remove("linked").expect("remove");
    assert!(source.path().join("config.json").exists(), "linked files stay");
    shelf.remove("copied").expect("remove");
    assert_eq!(fs::read_dir(folder.path()).expect("list").count(), 0, "nothing is left");
}

#[test]
fn moved_files_leave_where_they_were() {
    let (source, folder) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let record = Shelf::open(folder.path()).put(&entry(source.path(), "moved"), Keep::Move, &Progress::default()).expect("put");
    assert!(record.path("config.json").exists() && !source.path().join("config.json").exists());
}

#[test]
fn of_many_that_add_a_name_one_wins() {
    let (source, folder) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let (shelf, entry) = (Arc::new(Shelf::open(folder.path())), Arc::new(entry(source.path(), "one")));
    let add = || {
        let (shelf, entry) = (shelf.clone(), entry.clone());
        std::thread::spawn(move || shelf.put(&entry, Keep::Copy, &Progress::default()))
    };
    let threads: Vec<_> = (0..8).map(|_| add()).collect();
    let ends: Vec<_> = threads.into_iter().map(|thread| thread.join().expect("no panic")).collect();
    assert_eq!(ends.iter().filter(|end| end.is_ok()).count(), 1);
    assert!(ends.iter().flat_map(|end| end.as_ref().err()).all(|error| matches!(error, Error::Taken(_))), "{ends:?}");
    assert_eq!(fs::read_dir(folder.path()).expect("list").count(), 1, "nothing half-made is left");
}

#[test]
fn what_is_stopped_or_changes_meanwhile_leaves_nothing() {
    let (source, folder) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let (shelf, entry) = (Shelf::open(folder.path()), entry(source.path(), "one"));
    let stopped = Progress::default();
    stopped.stop();
    assert!(matches!(shelf.put(&entry, Keep::Copy, &stopped), Err(Error::Stopped)));
    fs::write(source.path().join("config.json"), "[]").expect("write");
    let error = shelf.put(&entry, Keep::Copy, &Progress::default()).expect_err("it has changed");
    assert!(matches!(error, Error::Changed { .. }), "{error}");
    assert_eq!(fs::read_dir(folder.path()).expect("list").count(), 0);
}

#[test]
fn names_that_are_paths_are_none() {
    for name in ["", ".", "..", "../a", "a/b", ".hidden", "a|b", "ä", &"a".repeat(97)] {
        assert!(!record::is_name(name), "{name:?}");
        let folder = tempfile::tempdir().expect("a folder");
        let put = Shelf::open(folder.path()).put(&entry(folder.path(), name), Keep::Copy, &Progress::default());
        assert!(matches!(put, Err(Error::BadName(_))), "{name:?}");
    }
    assert!(record::is_name("stable-diffusion-v1.5_fp16"));
}

#[test]
fn a_record_that_lies_is_refused_and_hides_no_other() {
    let (source, folder) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let shelf = Shelf::open(folder.path());
    shelf.put(&entry(source.path(), "good"), Keep::Copy, &Progress::default()).expect("put");
    shelf.put(&entry(source.path(), "lies"), Keep::Copy, &Progress::default()).expect("put");
    let path = folder.path().join("lies/model.json");
    let text = fs::read_to_string(&path).expect("read");
    for (from, to, what) in [
        ("\"format\": 1", "\"format\": 2", "form 2"),
        ("\"name\": \"lies\"", "\"name\": \"other\"", "calls itself"),
        ("unet/weights", "../../weights", "outside"),
        ("\"bytes\": 10", "\"bytes\": 11", "length"),
        ("config.json", "config.yaml", "digest"),
        ("{", "", "expected"),
    ] {
        fs::write(&path, text.replacen(from, to, 1)).expect("write");
        let error = shelf.find("lies").expect_err(what).to_string();
        assert!(error.contains(what), "{error}");
        let each = shelf.each().expect("list");
        assert_eq!(each.iter().filter(|one| one.is_ok()).count(), 1);
        assert!(shelf.models().is_err());
    }
}

#[test]
fn files_that_are_gone_or_changed_are_not_trusted() {
    let (source, folder) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let shelf = Shelf::open(folder.path());
    let record = shelf.put(&entry(source.path(), "linked"), Keep::Link, &Progress::default()).expect("put");
    shelf.stands(&record).expect("it stands");
    let file = fs::File::options().write(true).open(source.path().join("config.json")).expect("open");
    let later = fs::metadata(folder.path().join("linked/model.json")).expect("look").modified().expect("a time");
    file.set_modified(later + std::time::Duration::from_secs(1)).expect("touch");
    assert!(shelf.stands(&record).expect_err("newer").to_string().contains("since it was verified"));
    file.set_modified(later - std::time::Duration::from_secs(1)).expect("touch");
    shelf.stands(&record).expect("it stands");
    file.set_len(1).expect("cut");
    assert!(shelf.stands(&record).expect_err("shorter").to_string().contains("has 1 bytes and had 2"));
    fs::remove_file(source.path().join("config.json")).expect("remove");
    assert!(matches!(shelf.stands(&record), Err(Error::Changed { .. })));
}

#[test]
fn what_the_first_version_wrote_is_read() {
    // Never rewrite this folder: it is what users have on their disks.
    let shelf = Shelf::open(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/shelf"));
    let [record] = <[Record; 1]>::try_from(shelf.models().expect("read")).expect("one");
    assert_eq!((record.name.as_str(), record.family, record.bytes), ("tiny", Family::Bert, 10));
    assert_eq!(record.files.iter().map(|part| part.path.as_str()).collect::<Vec<_>>(), ["config.json", "unet/weights.safetensors"]);
    assert_eq!(record.needs(), "model:tiny@27a529d683b69999");
}

#[test]
fn families_are_written_by_their_words() {
    for family in Family::ALL {
        assert_eq!(serde_json::json!(family), family.word());
    }
}
