//! Moderation's queue as reviewers and owners have it: claimed, decided, passed on, appealed; the audit has all of it.

use crate::{
    browser::{Browser, Screen},
    farm::Cluster,
    support::Studio,
};
use serde_json::{Value, json};

const PASSWORD: &str = "a long enough password";

/// A call of the API with somebody's token: its answer.
fn call(browser: &Browser, token: &str, method: &str, path: &str, body: &Value) -> Value {
    let script = "const [token, method, path, body] = arguments; const request = new XMLHttpRequest(); \
         request.open(method, '/api/v1' + path, false); request.setRequestHeader('authorization', 'Bearer ' + token); \
         request.setRequestHeader('content-type', 'application/json'); request.send(body === null ? null : JSON.stringify(body)); \
         return JSON.parse(request.responseText || 'null')";
    browser.run(script, vec![json!(token), json!(method), json!(path), body.clone()])
}

/// An account of a role: its token.
fn member(browser: &Browser, farm: &str, name: &str, role: &str) -> String {
    call(browser, farm, "POST", "/auth/register", &json!({"name": name, "password": PASSWORD, "role": role}));
    let pair = call(browser, farm, "POST", "/auth/login", &json!({"name": name, "password": PASSWORD}));
    pair["access_token"].as_str().unwrap_or_else(|| panic!("{name}: {pair}")).to_owned()
}

/// Gives a text to moderation and waits until a person has to look: its id.
fn brought(browser: &Browser, token: &str, name: &str, text: &str) -> String {
    let content = call(browser, token, "POST", "/moderate/content", &json!({"name": name, "text": text}));
    let id = content["id"].as_str().unwrap_or_else(|| panic!("{name}: {content}")).to_owned();
    let state = "const [token, id] = arguments; const request = new XMLHttpRequest(); \
         request.open('GET', '/api/v1/moderate/' + id, false); request.setRequestHeader('authorization', 'Bearer ' + token); \
         request.send(); return JSON.parse(request.responseText).state === 'waiting'";
    browser.until(&format!("{name} waits for a person"), state, vec![json!(token), json!(id)]);
    id
}

fn sign_in(browser: &Browser, name: &str) {
    browser.reads("h1", "Sign in");
    browser.fill("input[name=name]", name);
    browser.fill("input[name=password]", PASSWORD);
    browser.press("Sign in");
    browser.reads(".rail .who", name);
}

fn sign_out(browser: &Browser) {
    browser.press("Sign out");
    browser.reads("h1", "Sign in");
}

/// Opens content of the queue by its name.
fn open(browser: &Browser, name: &str) {
    browser.turn_to("/review");
    browser.reads(".jobs", name);
    let script = "const found = [...document.querySelectorAll('.jobs a')].find((one) => one.innerText === arguments[0]); \
         if (found) location.hash = found.hash; return !!found";
    browser.until(&format!("{name} is in the list"), script, vec![json!(name)]);
    browser.reads("h1", name);
}

/// Presses something of the decision, with a reason.
fn because(browser: &Browser, reason: &str, button: &str) {
    browser.fill("textarea", reason);
    browser.press(button);
}

#[test]
fn reviewers_work_the_queue_and_an_owner_appeals() {
    let studio = Studio::new();
    let cluster = Cluster::new(&studio);
    let _node = cluster.node("one");
    let farm = cluster.environment()[1].1.clone();
    let browser = Browser::open(&cluster.url, Screen::Desk);
    browser.reads("h1", "Sign in");
    let owner = member(&browser, &farm, "olga", "creator");
    for name in ["ada", "bob"] {
        member(&browser, &farm, name, "moderator");
    }
    brought(&browser, &owner, "fine.txt", "Honestly, you are such an idiot.");
    let hard = brought(&browser, &owner, "hard.txt", "Nobody likes you, you stupid cow.");

    // Ada decides on one, and passes the other on.
    sign_in(&browser, "ada");
    open(&browser, "fine.txt");
    browser.reads("#found ~ .rows", "harassment");
    browser.press("Show the content");
    browser.reads("pre.reviewed", "such an idiot");
    browser.press("Claim");
    browser.until("the reason is asked for", "return !!document.querySelector('textarea')", vec![]);
    browser.press("Approve");
    browser.reads("#notes", "Say why");
    because(&browser, "friends talk like that", "Approve");
    browser.reads(".head .chip", "Approved");
    open(&browser, "hard.txt");
    browser.press("Claim");
    because(&browser, "I know the writer", "Pass on");
    browser.reads("#history ~ .rows", "escalated");
    sign_out(&browser);

    // Bob rejects it.
    sign_in(&browser, "bob");
    open(&browser, "hard.txt");
    browser.press("Claim");
    because(&browser, "it is said to hurt", "Reject");
    browser.reads(".head .chip", "Rejected");
    sign_out(&browser);

    // Its owner appeals.
    sign_in(&browser, "olga");
    open(&browser, "hard.txt");
    browser.reads("#decide ~ .facts-list", "it is said to hurt");
    because(&browser, "it is a line of my play", "Appeal");
    browser.reads("#history ~ .rows", "appealed");
    sign_out(&browser);

    // Not Bob, whose decision it is against: Ada looks again.
    sign_in(&browser, "bob");
    open(&browser, "hard.txt");
    browser.press("Claim");
    browser.reads("#notes", "against your decision");
    sign_out(&browser);
    sign_in(&browser, "ada");
    open(&browser, "hard.txt");
    browser.reads("#decide ~ .facts-list", "it is a line of my play");
    browser.press("Claim");
    because(&browser, "it is, indeed", "Approve");
    browser.reads(".head .chip", "Approved");
    sign_out(&browser);

    let audit = call(&browser, &farm, "GET", "/audit?limit=200", &Value::Null);
    let entries = audit["entries"].as_array().expect("entries").iter().rev();
    let of_it: Vec<&str> =
        entries.filter(|entry| entry["subject"] == json!(hard)).filter_map(|entry| entry["action"].as_str()).collect();
    let wanted = ["claimed", "escalated", "claimed", "rejected", "appealed", "claimed", "approved"];
    assert_eq!(of_it, wanted.map(|action| format!("moderation-{action}")), "{audit}");
}
