//! Signatures as Standard Webhooks has them: HMAC-SHA-256 over `id.timestamp.body`.

use crate::{Seconds, WebhookError};
use base64::{Engine, engine::general_purpose::STANDARD};
use ring::hmac;
use std::fmt;

/// The specification allows 24 to 64.
const SECRET_BYTES: usize = 32;
const PREFIX: &str = "whsec_";

/// What a receiver checks signatures with: `whsec_` and base64.
#[derive(Clone, PartialEq, Eq, serde::Serialize)]
pub struct Secret(String);

/// It is not told by accident.
impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(…)")
    }
}

impl Secret {
    pub(crate) fn random() -> Result<Self, WebhookError> {
        let mut bytes = [0; SECRET_BYTES];
        getrandom::fill(&mut bytes).map_err(WebhookError::Random)?;
        Ok(Self(format!("{PREFIX}{}", STANDARD.encode(bytes))))
    }

    pub(crate) fn kept(text: String) -> Self {
        Self(text)
    }

    /// To be shown once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The header `webhook-signature`.
    pub fn sign(&self, id: &str, at: Seconds, body: &str) -> Result<String, WebhookError> {
        let bytes = self.0.strip_prefix(PREFIX).and_then(|text| STANDARD.decode(text).ok());
        let key = hmac::Key::new(hmac::HMAC_SHA256, &bytes.filter(|bytes| !bytes.is_empty()).ok_or(WebhookError::DamagedSecret)?);
        let tag = hmac::sign(&key, format!("{id}.{at}.{body}").as_bytes());
        Ok(format!("v1,{}", STANDARD.encode(tag.as_ref())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of the example in the specification's own libraries.
    #[test]
    fn a_signature_is_what_others_make_of_it() {
        let secret = Secret::kept("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into());
        let signed = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#).unwrap();
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        for damaged in ["", "whsec_", "whsec_not base64", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
            assert!(matches!(Secret::kept(damaged.into()).sign("a", 1, "b"), Err(WebhookError::DamagedSecret)), "{damaged}");
        }
        let random = Secret::random().unwrap();
        assert!(random.reveal().len() == 50 && random != Secret::random().unwrap());
        assert_eq!(format!("{random:?}"), "Secret(…)");
    }
}
