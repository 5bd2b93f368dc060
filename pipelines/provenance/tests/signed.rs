//! Files signed and read back; certificates are made for the test and trusted by nobody.

use klieg_provenance::{Claim, Identity, ProvenanceError, Source, Standing, read, sign};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PKCS_ED25519,
};
use std::path::{Path, PathBuf};

/// A certificate authority and a signer of its, in files.
fn identity(folder: &Path, alg: &'static rcgen::SignatureAlgorithm) -> (PathBuf, PathBuf) {
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    ca.distinguished_name.push(DnType::CommonName, "test authority");
    ca.distinguished_name.push(DnType::OrganizationName, "Nobody");
    let ca_key = KeyPair::generate_for(alg).unwrap();
    let ca_cert = ca.self_signed(&ca_key).unwrap();
    let mut leaf = CertificateParams::new(Vec::new()).unwrap();
    leaf.distinguished_name.push(DnType::CommonName, "a studio");
    leaf.distinguished_name.push(DnType::OrganizationName, "Studio Nobody");
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
    leaf.use_authority_key_identifier_extension = true;
    leaf.is_ca = IsCa::ExplicitNoCa;
    let key = KeyPair::generate_for(alg).unwrap();
    let cert = leaf.signed_by(&key, &Issuer::from_params(&ca, &ca_key)).unwrap();
    let (key_path, chain_path) = (folder.join("key.pem"), folder.join("chain.pem"));
    std::fs::write(&key_path, key.serialize_pem()).unwrap();
    std::fs::write(&chain_path, cert.pem() + &ca_cert.pem()).unwrap();
    (key_path, chain_path)
}

fn claim(source: Source) -> Claim {
    Claim { title: "image-000001.png".into(), source, version: "0.1.0".into() }
}

fn picture(path: &Path) {
    image::RgbImage::from_fn(64, 32, |x, y| image::Rgb([x as u8, y as u8, 9])).save(path).unwrap();
}

#[test]
fn a_signed_picture_says_how_it_was_made_and_by_whom() {
    let folder = tempfile::tempdir().unwrap();
    for alg in [&PKCS_ECDSA_P256_SHA256, &PKCS_ED25519] {
        let (key, chain) = identity(folder.path(), alg);
        let identity = Identity::read(&key, &chain).unwrap();
        for (name, source) in [("a.png", Source::Algorithmic), ("a.jpg", Source::TrainedAlgorithmic)] {
            let path = folder.path().join(name);
            picture(&path);
            assert!(read(&path).unwrap().is_none(), "{name} has none yet");
            sign(&path, &claim(source), &identity).unwrap();
            let told = read(&path).unwrap().unwrap();
            assert_eq!(told.standing, Standing::Unknown, "nobody vouches for a test's authority: {told:?}");
            assert_eq!((told.signer.as_deref(), told.issuer.as_deref()), (Some("a studio"), Some("Studio Nobody")));
            assert_eq!(
                (told.generator.as_deref(), told.actions.as_slice()),
                (Some("klieg 0.1.0"), &["c2pa.created".to_owned()][..])
            );
            assert_eq!(told.source_types, [source.uri().rsplit('/').next().unwrap()]);
            assert_eq!(told.generated(), source == Source::TrainedAlgorithmic);
            // It is still a picture.
            assert_eq!(image::open(&path).unwrap().to_rgb8().dimensions(), (64, 32));
        }
    }
}

#[test]
fn what_is_changed_afterwards_is_broken() {
    let folder = tempfile::tempdir().unwrap();
    let (key, chain) = identity(folder.path(), &PKCS_ED25519);
    let path = folder.path().join("a.png");
    picture(&path);
    sign(&path, &claim(Source::Algorithmic), &Identity::read(&key, &chain).unwrap()).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let pixels = bytes.windows(4).position(|chunk| chunk == b"IDAT").unwrap();
    bytes[pixels + 8] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let told = read(&path).unwrap().unwrap();
    assert_eq!(told.standing, Standing::Broken, "{told:?}");
    assert!(told.faults.iter().any(|code| code.contains("mismatch")), "{:?}", told.faults);
}

#[test]
fn keys_and_files_that_are_none_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (key, chain) = identity(folder.path(), &PKCS_ED25519);
    assert!(matches!(Identity::read(&folder.path().join("none.pem"), &chain), Err(ProvenanceError::Unreadable { .. })));
    assert!(matches!(Identity::read(&chain, &key), Err(ProvenanceError::Key { .. })));
    let text = folder.path().join("a.txt");
    std::fs::write(&text, "words").unwrap();
    let identity = Identity::read(&key, &chain).unwrap();
    assert!(matches!(sign(&text, &claim(Source::Algorithmic), &identity), Err(ProvenanceError::Type { .. })));
    let lying = folder.path().join("a.png");
    std::fs::write(&lying, "words").unwrap();
    assert!(sign(&lying, &claim(Source::Algorithmic), &identity).is_err());
    assert_eq!(std::fs::read(&lying).unwrap(), b"words", "what could not be signed stays as it was");
    assert!(!folder.path().join(".a.png.partly").exists());
}
