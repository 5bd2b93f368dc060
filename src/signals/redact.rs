//! Secrets never stand in the log: not those that the program was given, and nothing that looks like one.

use regex::{Captures, Regex};
use std::{
    borrow::Cow,
    io::{self, Write},
    sync::{LazyLock, PoisonError, RwLock},
};

const HIDDEN: &str = "[redacted]";
/// Shorter words than this stand in logs for other reasons.
const SECRET_CHARS_MIN: usize = 6;
/// Secrets that are known by their words.
const SECRETS_MAX: usize = 64;

static KNOWN: RwLock<Vec<String>> = RwLock::new(Vec::new());

/// Never lets this word into the log.
pub fn hide(secret: &str) {
    let secret = secret.trim();
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    // As it stands in JSON and in Rust's quotes too.
    let quoted = serde_json::to_string(secret).unwrap_or_default();
    for form in [secret, quoted.trim_matches('"')] {
        if form.len() >= SECRET_CHARS_MIN && known.len() < SECRETS_MAX && !known.iter().any(|other| other == form) {
            known.push(form.to_owned());
        }
    }
}

/// The same for the password in a URL, if it has one.
pub fn hide_password(url: &str) {
    let authority = url.split_once("://").and_then(|(_, rest)| rest.split(['/', '?']).next());
    let user = authority.and_then(|authority| authority.rsplit_once('@')).map(|(user, _)| user);
    if let Some((_, password)) = user.and_then(|user| user.split_once(':')) {
        hide(password);
    }
}

/// What secrets look like. What is kept of a match is its first group.
static LOOKS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let looks = [
        // Tokens of accounts, and of sessions: klieg_ID_SECRET.
        r"(\bkliegr?_)[0-9a-f]{32}_[0-9a-f]{16,}",
        // Secrets of webhooks.
        r"(\bwhsec_)[A-Za-z0-9+/=_-]{8,}",
        // JSON web tokens.
        r"(\beyJ)[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*",
        // What stands in headers.
        r#"((?i:\b(?:bearer|basic)\s+))[^\s"'\\,;]{6,}"#,
        // Passwords in URLs.
        r#"([a-zA-Z][a-zA-Z0-9+.-]*://[^\s/:@"'\\]*:)[^\s/@"'\\]+@"#,
        // Links that are permissions.
        r#"((?i:[?&](?:x-amz-signature|x-amz-security-token|x-amz-credential|token|access_token|signature)=))[^\s&"'\\]+"#,
        // Fields that say themselves what they hold.
        r#"((?i:\b(?:password|passwd|secret|api_?key)\\?"?\s*[:=]\s*\\?"?))[^\s"'\\,;&})]{4,}"#,
    ];
    // The test of this module proves that it is one.
    Regex::new(&looks.map(|look| format!("(?:{look})")).join("|")).ok()
});

/// The text without secrets.
pub fn redacted(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    for secret in KNOWN.read().unwrap_or_else(PoisonError::into_inner).iter() {
        if text.contains(secret.as_str()) {
            text = Cow::Owned(text.replace(secret.as_str(), HIDDEN));
        }
    }
    let Some(looks) = LOOKS.as_ref() else { return Cow::Borrowed("[redacted: the log cannot tell secrets]\n") };
    if !looks.is_match(&text) {
        return text;
    }
    let kept = |found: &Captures<'_>| {
        let before = found.iter().skip(1).flatten().next().map_or("", |group| group.as_str());
        let whole = found.get(0).map_or("", |whole| whole.as_str());
        format!("{before}{HIDDEN}{}", if whole.ends_with('@') { "@" } else { "" })
    };
    Cow::Owned(looks.replace_all(&text, kept).into_owned())
}

/// Standard error, where whole lines come at once.
pub struct Stderr;

pub fn stderr() -> Stderr {
    Stderr
}

impl Write for Stderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        io::stderr().lock().write_all(redacted(&text).as_bytes())?;
        Ok(line.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_secret_is_hidden_and_the_rest_is_not() {
        let hex = |n: usize| "0123456789abcdef".repeat(4)[..n].to_owned();
        let token = format!("klieg_{}_{}", hex(32), hex(64));
        for (text, wanted) in [
            (format!("a {token} b"), "a klieg_[redacted] b".to_owned()),
            (format!("kliegr_{}_{}", hex(32), hex(64)), "kliegr_[redacted]".into()),
            ("\"Authorization\": \"Bearer abc.def-ghi\"".into(), "\"Authorization\": \"Bearer [redacted]\"".into()),
            ("postgres://ada:love%40lace@db:5432/farm is away".into(), "postgres://ada:[redacted]@db:5432/farm is away".into()),
            ("nats://:sesame@bus".into(), "nats://:[redacted]@bus".into()),
            ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw.".into(), "whsec_[redacted].".into()),
            ("got eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhIn0.c2ln now".into(), "got eyJ[redacted] now".into()),
            (r#"{"name":"ada","password":"correct horse"}"#.into(), r#"{"name":"ada","password":"[redacted] horse"}"#.into()),
            ("https://s3/x?X-Amz-Signature=ab12&y=1".into(), "https://s3/x?X-Amz-Signature=[redacted]&y=1".into()),
        ] {
            assert_eq!(redacted(&text), wanted);
        }
        let digest = hex(64);
        for plain in [
            "INFO klieg_api::server: this server leads",
            "klieg_http_requests_total",
            "http://127.0.0.1:7421/api/v1/jobs/job-000001",
            "a bearer of news",
            "the token is in /farm/token",
            &digest,
        ] {
            assert_eq!(redacted(plain), plain);
        }
    }

    #[test]
    fn what_was_given_is_hidden_wherever_it_stands() {
        hide("a-token \"with\" quotes");
        hide_password("postgres://ada:pa55-word@db/farm");
        hide("short");
        let text = "xa-token \"with\" quotesx, a-token \\\"with\\\" quotes, pa55-word, short";
        assert_eq!(redacted(text), "x[redacted]x, [redacted], [redacted], short");
    }
}
