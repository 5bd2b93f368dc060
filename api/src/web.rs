//! `/` and `/web/{file}`: the dashboard, carried by the program itself. Nothing here is secret, so nobody has to sign in for it; what the
//! pages show comes from the API.

use crate::{app::App, problem::Trouble};
use axum::{
    Router,
    body::Body,
    extract::Path,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use std::{collections::BTreeMap, sync::LazyLock};

/// Files of `api/web/` by name.
macro_rules! carried {
    ($($name:literal)*) => { [$(($name, include_bytes!(concat!("../web/", $name)) as &'static [u8])),*] };
}

static FILES: LazyLock<BTreeMap<&'static str, File>> = LazyLock::new(|| {
    let carried = carried! {
        "index.html" "style.css" "icon.svg" "theme.js" "app.js" "dom.js" "words.js" "session.js" "api.js" "parts.js" "draw.js" "blake3.js"
        "player.js" "signin.js" "farm.js" "node.js" "jobs.js" "job.js" "new.js" "review.js" "account.js"
    };
    carried.into_iter().map(|(name, bytes)| (name, File::new(name, bytes))).collect()
});

struct File {
    bytes: &'static [u8],
    media_type: HeaderValue,
    etag: HeaderValue,
}

impl File {
    fn new(name: &str, bytes: &'static [u8]) -> Self {
        let media_type = HeaderValue::from_static(match name.rsplit('.').next() {
            Some("html") => "text/html; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("svg") => "image/svg+xml",
            _ => "application/octet-stream",
        });
        let etag = HeaderValue::try_from(format!("\"{}\"", blake3::hash(bytes).to_hex()));
        Self { bytes, media_type, etag: etag.unwrap_or(HeaderValue::from_static("\"\"")) }
    }
}

/// The pages run no code and show no picture but the program's own and what they fetch themselves, and nobody may frame them.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; \
     media-src 'self' blob:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

pub fn routes() -> Router<App> {
    Router::new().route("/", get(index)).route("/web/{file}", get(file))
}

async fn index(headers: HeaderMap) -> Result<Response, Trouble> {
    give("index.html", &headers)
}

async fn file(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Trouble> {
    give(&name, &headers)
}

/// A file, or 304 to who has it already.
fn give(name: &str, asked: &HeaderMap) -> Result<Response, Trouble> {
    let Some(file) = FILES.get(name) else {
        return Err(Trouble::new(StatusCode::NOT_FOUND, "the dashboard has no such file; its first page is at /"));
    };
    let mut response = match known(asked, &file.etag) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => Response::new(Body::from(file.bytes)),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, file.media_type.clone());
    headers.insert(header::ETAG, file.etag.clone());
    for (name, value) in [
        // Asked for every time, answered with 304: a newer program's pages are there at once.
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// Whether the caller has this very version (RFC 9110, 13.1.2; compared weakly).
fn known(asked: &HeaderMap, etag: &HeaderValue) -> bool {
    let same = |one: &str| one == "*" || one.trim_start_matches("W/").as_bytes() == etag.as_bytes();
    let lists = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|one| same(one.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// What a page may weigh when it is opened for the first time, uncompressed.
    const FIRST_LOAD_BYTES_MAX: usize = 150_000;

    fn text(name: &str) -> &'static str {
        std::str::from_utf8(FILES[name].bytes).unwrap()
    }

    fn asked(etag: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_str(etag).unwrap())])
    }

    #[test]
    fn the_program_carries_every_file_of_the_folder() {
        let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/web")).unwrap();
        let there: BTreeSet<String> = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        assert_eq!(there, FILES.keys().map(|name| (*name).to_owned()).collect());
    }

    #[test]
    fn a_file_comes_once_and_then_304() {
        let first = give("app.js", &HeaderMap::new()).unwrap();
        assert_eq!(
            (first.status(), &first.headers()[header::CONTENT_TYPE]),
            (StatusCode::OK, &HeaderValue::from_static("text/javascript; charset=utf-8"))
        );
        let etag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
        for known in [etag.clone(), format!("W/{etag}"), format!("\"x\", {etag}"), "*".into()] {
            let again = give("app.js", &asked(&known)).unwrap();
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{known}");
            assert_eq!(again.headers()[header::ETAG], etag);
        }
        assert_eq!(give("app.js", &asked("\"of another version\"")).unwrap().status(), StatusCode::OK);
        assert_eq!(give("app.js", &asked(FILES["dom.js"].etag.to_str().unwrap())).unwrap().status(), StatusCode::OK);
    }

    #[test]
    fn every_file_is_sent_with_the_policy_and_nothing_else_is_sent() {
        for name in FILES.keys() {
            let response = give(name, &HeaderMap::new()).unwrap();
            let headers = response.headers();
            assert!(
                headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().starts_with("default-src 'none'; script-src 'self';")
            );
            assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
            assert_eq!(headers[header::CACHE_CONTROL], "no-cache");
            assert_ne!(headers[header::CONTENT_TYPE], "application/octet-stream", "{name}");
        }
        for name in ["", "..", "../src/web.rs", "index", "Index.html"] {
            assert_eq!(give(name, &HeaderMap::new()).unwrap_err().into_response().status(), StatusCode::NOT_FOUND, "{name}");
        }
    }

    #[test]
    fn the_pages_need_nothing_that_the_policy_forbids() {
        for (name, file) in FILES.iter() {
            let text = std::str::from_utf8(file.bytes).unwrap();
            let hosts = text.match_indices("://").filter(|(at, _)| !text[*at..].starts_with("://www.w3.org/2000/svg"));
            assert_eq!(hosts.count(), 0, "{name} speaks of another host");
            for inline in
                [" style=\"", " onclick=\"", "<style", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("]
            {
                assert!(!text.contains(inline), "{name} has {inline}");
            }
        }
        assert!(!text("index.html").contains("<script>"));
    }

    /// Names in quotes after a mark, such as the modules that a module imports.
    fn named<'a>(text: &'a str, mark: &'a str) -> impl Iterator<Item = &'a str> {
        text.split(mark).skip(1).filter_map(|rest| rest.split('"').next())
    }

    /// A module and all that it imports before it runs.
    fn with_imports(name: &'static str, found: &mut BTreeSet<&'static str>) {
        if found.insert(name) {
            named(text(name), "from \"./").for_each(|module| with_imports(module, found));
        }
    }

    #[test]
    fn the_first_page_loads_quickly_whichever_it_is() {
        let mut shell = BTreeSet::from(["index.html", "icon.svg"]);
        for file in named(text("index.html"), "\"/web/") {
            with_imports(file, &mut shell);
        }
        let pages: Vec<&str> = named(text("app.js"), "import(\"./").collect();
        assert!(pages.len() > 5, "{pages:?}");
        for page in pages {
            let mut load = shell.clone();
            with_imports(page, &mut load);
            let bytes: usize = load.iter().map(|name| FILES[name].bytes.len()).sum();
            assert!(bytes <= FIRST_LOAD_BYTES_MAX, "{page}: {bytes} bytes");
        }
    }
}
