//! What every implementation of the port must do; the simulation's too (feature `conformance`).

use super::{BlobError, Blobs};
use klieg_protocol::Digest;
use std::{collections::BTreeSet, fs, path::Path};

/// Panics where `blobs`, which is empty, does not keep its word. `scratch`: an empty folder that files are adopted from.
/// `damage`: puts these bytes in the place of an artifact's, behind its back.
pub async fn check(blobs: &impl Blobs, scratch: &Path, damage: impl Fn(Digest, &[u8])) {
    let missing = Digest::of(b"missing");
    assert!(matches!(blobs.get(missing).await, Err(BlobError::Missing(d)) if d == missing));
    assert_eq!(blobs.size(missing).await.expect("size"), None);
    blobs.remove(missing).await.expect("removing nothing is no error");

    for bytes in [&b""[..], b"one", &[7; 1_000_000]] {
        let digest = blobs.put(bytes.to_vec()).await.expect("put");
        assert_eq!(digest, Digest::of(bytes));
        assert_eq!(blobs.put(bytes.to_vec()).await.expect("put again"), digest);
        assert_eq!(blobs.get(digest).await.expect("get"), bytes);
        assert_eq!(blobs.size(digest).await.expect("size"), Some(bytes.len() as u64));
        assert_eq!(fs::read(blobs.fetch(digest).await.expect("fetch")).expect("a local file"), bytes);
    }

    let file = scratch.join("file");
    fs::write(&file, "two").expect("scratch");
    let wrong = blobs.adopt(file.clone(), Some(missing)).await;
    assert!(matches!(wrong, Err(BlobError::Damaged(d)) if d == missing), "{wrong:?}");
    assert_eq!(blobs.size(Digest::of(b"two")).await.expect("size"), None, "refused bytes are not visible");
    let two = blobs.adopt(file.clone(), Some(Digest::of(b"two"))).await.expect("adopt");
    assert_eq!(blobs.get(two).await.expect("get"), b"two");
    assert!(!file.exists(), "it was taken over");
    fs::write(&file, "two").expect("scratch");
    assert_eq!(blobs.adopt(file.clone(), None).await.expect("adopt what is there"), two);
    assert!(blobs.adopt(scratch.join("nowhere"), None).await.is_err());

    let asked = BTreeSet::from([two, missing, Digest::of(b"")]);
    assert_eq!(blobs.missing(asked).await.expect("missing"), BTreeSet::from([missing]));
    assert!(matches!(blobs.fetch(missing).await, Err(BlobError::Missing(d)) if d == missing));

    let mut wanted = vec![(Digest::of(b""), 0), (Digest::of(b"one"), 3), (Digest::of(&[7; 1_000_000]), 1_000_000), (two, 3)];
    wanted.sort_unstable();
    assert_eq!(blobs.list().await.expect("list"), wanted);

    damage(two, b"2wo");
    assert!(matches!(blobs.get(two).await, Err(BlobError::Damaged(d)) if d == two));
    assert!(matches!(blobs.get(two).await, Err(BlobError::Missing(_))), "damaged bytes are thrown away");
    blobs.put(b"two".to_vec()).await.expect("put anew");
    assert_eq!(blobs.get(two).await.expect("get"), b"two");
    blobs.remove(two).await.expect("remove");
    assert_eq!(blobs.size(two).await.expect("size"), None);
}
