use super::link::LinkError;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use std::{path::Path, sync::Arc};

/// Trusts the system's certificates and those in `ca`.
pub fn client(ca: Option<&Path>) -> Result<ClientConfig, LinkError> {
    let mut roots = RootCertStore::empty();
    // A machine without any can still speak to a server whose certificate it is given.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = ca {
        let bad = |what: String| LinkError::BadCa { path: path.into(), what };
        let all = CertificateDer::pem_file_iter(path).map_err(|error| bad(error.to_string()))?;
        let mut count = 0;
        for certificate in all {
            let certificate = certificate.map_err(|error| bad(error.to_string()))?;
            roots.add(certificate).map_err(|error| bad(error.to_string()))?;
            count += 1;
        }
        if count == 0 {
            return Err(bad("there is no certificate in it".into()));
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| LinkError::BadServer { server: String::new(), what: error.to_string() })?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
