//! As much of WebDriver (w3.org/TR/webdriver2) as these tests say: JSON over HTTP to a driver on this machine.

use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

/// How long the driver may take for one command.
const ANSWER_MAX: Duration = Duration::from_secs(120);
/// The key under which an element is named (section 12.1).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A session: one browser with one window.
pub struct Session {
    driver: String,
    id: String,
}

/// What the page has in one place, until it is drawn anew.
pub struct Element(String);

impl Session {
    /// Starts a browser. `driver`: host and port.
    pub fn start(driver: &str, options: &Value) -> Result<Self, String> {
        let wanted = json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": options } } });
        let made = ask(driver, "POST", "/session", &wanted)?;
        let id = made["sessionId"].as_str().ok_or("the session has no name")?.to_owned();
        Ok(Self { driver: driver.into(), id })
    }

    fn say(&self, method: &str, command: &str, body: &Value) -> Result<Value, String> {
        ask(&self.driver, method, &format!("/session/{}{command}", self.id), body)
    }

    pub fn goto(&self, url: &str) -> Result<(), String> {
        self.say("POST", "/url", &json!({ "url": url })).map(drop)
    }

    /// Runs a function's body; a promise is waited for.
    pub fn run(&self, script: &str, args: &[Value]) -> Result<Value, String> {
        self.say("POST", "/execute/sync", &json!({ "script": script, "args": args }))
    }

    pub fn find(&self, css: &str) -> Result<Element, String> {
        element(&self.say("POST", "/element", &json!({ "using": "css selector", "value": css }))?)
    }

    /// What has the focus.
    pub fn active(&self) -> Result<Element, String> {
        element(&self.say("GET", "/element/active", &Value::Null)?)
    }

    pub fn click(&self, Element(one): &Element) -> Result<(), String> {
        self.say("POST", &format!("/element/{one}/click"), &json!({})).map(drop)
    }

    pub fn clear(&self, Element(one): &Element) -> Result<(), String> {
        self.say("POST", &format!("/element/{one}/clear"), &json!({})).map(drop)
    }

    /// Types. Keys without a letter have code points of their own (section 17.4.2): U+E004 is the tabulator.
    pub fn send_keys(&self, Element(one): &Element, text: &str) -> Result<(), String> {
        self.say("POST", &format!("/element/{one}/value"), &json!({ "text": text })).map(drop)
    }

    pub fn close(&self) -> Result<(), String> {
        self.say("DELETE", "", &Value::Null).map(drop)
    }
}

fn element(found: &Value) -> Result<Element, String> {
    found[ELEMENT].as_str().map(|one| Element(one.into())).ok_or_else(|| format!("not an element: {found}"))
}

/// One command: its value, or what the driver says against it.
fn ask(driver: &str, method: &str, path: &str, body: &Value) -> Result<Value, String> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let head = format!("{method} {path} HTTP/1.1\r\nHost: {driver}\r\nConnection: close\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: {}\r\n\r\n", body.len());
    let told = |error: std::io::Error| format!("{method} {path}: {error}");
    let mut stream = TcpStream::connect(driver).map_err(told)?;
    stream.set_read_timeout(Some(ANSWER_MAX)).map_err(told)?;
    stream.write_all((head + &body).as_bytes()).map_err(told)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(told)?;
    let (_, said) = answer.split_once("\r\n\r\n").ok_or_else(|| format!("{method} {path}: {answer:?}"))?;
    let mut value: Value = serde_json::from_str(said).map_err(|error| format!("{method} {path}: {error}: {said}"))?;
    match value["value"]["error"].as_str() {
        Some(error) => Err(format!("{error}: {}", value["value"]["message"].as_str().unwrap_or_default())),
        None => Ok(value["value"].take()),
    }
}
