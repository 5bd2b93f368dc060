//! The page on which people read what `/api/v1/openapi.json` tells programs.

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{HeaderValue, header};
use serde_json::Value;
use std::fmt::Write;
use utoipa::openapi::OpenApi;

/// Made once, when the server starts.
pub fn page(document: &OpenApi) -> Bytes {
    let document = serde_json::to_value(document).unwrap_or_default();
    let mut html = String::from(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>klieg: the API</title><style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
         code,pre{font:14px/1.45 ui-monospace,monospace}pre{overflow:auto;padding:.6rem;border:1px solid color-mix(in srgb,currentColor 20%,transparent);border-radius:6px}\
         summary{cursor:pointer;padding:.3rem 0}b{display:inline-block;min-width:4.5rem}small{opacity:.75}</style></head><body><main>",
    );
    let text = |value: &Value| escaped(value.as_str().unwrap_or_default());
    let info = &document["info"];
    let _ = write!(
        html,
        "<h1>{} {}</h1><p>{}</p><p><a href=\"/api/v1/openapi.json\">openapi.json</a></p>",
        text(&info["title"]),
        text(&info["version"]),
        text(&info["description"])
    );
    for tag in document["tags"].as_array().into_iter().flatten() {
        let _ = write!(html, "<h2>{}</h2><p>{}</p>", text(&tag["name"]), text(&tag["description"]));
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            for (method, route) in item.as_object().into_iter().flatten() {
                if route["tags"].as_array().is_some_and(|tags| tags.contains(&tag["name"])) {
                    operation(&mut html, path, method, route);
                }
            }
        }
    }
    html.push_str("<h2>Types</h2>");
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        let shown = serde_json::to_string_pretty(schema).unwrap_or_default();
        let _ = write!(
            html,
            "<details id=\"{0}\"><summary><code>{0}</code> <small>{1}</small></summary><pre>{2}</pre></details>",
            escaped(name),
            text(&schema["description"]),
            escaped(&shown)
        );
    }
    html.push_str("</main></body></html>");
    html.into()
}

fn operation(html: &mut String, path: &str, method: &str, route: &Value) {
    let text = |value: &Value| escaped(value.as_str().unwrap_or_default());
    let _ = write!(
        html,
        "<details><summary><b>{}</b> <code>{}</code> <small>{}</small></summary><p>{}</p><ul>",
        method.to_uppercase(),
        escaped(path),
        text(&route["summary"]),
        text(&route["description"])
    );
    for parameter in route["parameters"].as_array().into_iter().flatten() {
        let _ = write!(
            html,
            "<li><code>{}</code> ({}) {}</li>",
            text(&parameter["name"]),
            text(&parameter["in"]),
            text(&parameter["description"])
        );
    }
    let typed = |content: &Value| -> String {
        let found = content.as_object().into_iter().flatten().next();
        let Some((media, content)) = found else { return String::new() };
        let schema = &content["schema"];
        let (many, named) = match schema["items"]["$ref"].as_str() {
            Some(of) => ("list of ", Some(of)),
            None => ("", schema["$ref"].as_str()),
        };
        match named.and_then(|named| named.rsplit('/').next()) {
            Some(name) => format!("{many}<a href=\"#{0}\"><code>{0}</code></a>", escaped(name)),
            None => format!("<code>{}</code>", escaped(media)),
        }
    };
    if route["requestBody"].is_object() {
        let _ = write!(html, "<li>takes {}</li>", typed(&route["requestBody"]["content"]));
    }
    for (status, response) in route["responses"].as_object().into_iter().flatten().filter(|(status, _)| status.starts_with('2')) {
        let _ = write!(html, "<li>{} {}</li>", escaped(status), typed(&response["content"]));
    }
    html.push_str("</ul></details>");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

pub fn answer(page: Bytes) -> Response {
    let mut response = Response::new(Body::from(page));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
