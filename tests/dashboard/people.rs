//! Accounts on the page: sign in by name, tokens that are seen once, what one may not do is not offered.

use crate::{
    browser::{Browser, Screen},
    farm::Cluster,
    support::Studio,
};
use serde_json::json;

#[test]
fn people_have_accounts_and_their_programs_tokens() {
    let studio = Studio::new();
    let cluster = Cluster::new(&studio);
    let browser = Browser::open(&cluster.url, Screen::Desk);
    browser.sign_in(&cluster.environment()[1].1);
    browser.turn_to("/account");
    browser.reads("main", "belongs to no account");
    for (name, role) in [("mira", "admin"), ("jo", "viewer")] {
        if browser.run("return !document.querySelector(\"input[autocomplete='new-password']\")?.checkVisibility()", vec![]) == json!(true) {
            browser.press("Make an account");
        }
        browser.fill("input[name=name]", name);
        browser.fill("input[name=password]", "a long enough password");
        browser.run("document.querySelector('select[name=role]').value = arguments[0]", vec![json!(role)]);
        browser.press("Make the account");
        browser.until("it is listed", "return [...document.querySelectorAll('.rows strong')].some((one) => one.innerText === arguments[0])", vec![json!(name)]);
    }
    browser.press("Sign out");

    sign_in(&browser, "mira", "the wrong password");
    browser.reads("[role=alert]", "does not know this name with this password");
    sign_in(&browser, "mira", "a long enough password");
    browser.reads("h1", "Farm");
    browser.turn_to("/account");
    browser.press("Make a token");
    browser.fill("form input[maxlength='64']", "grafana");
    browser.click("input[name=scope][value=read-farm]");
    browser.press("Make the token");
    let token = browser.until("it is shown once", "return document.querySelector('#made-token')?.value", vec![]);
    assert!(token.as_str().is_some_and(|token| token.starts_with("klieg_")), "{token}");
    browser.press("I have it");
    browser.reads("#tokens ~ .scroll", "grafana");
    browser.until("it is not shown again", "return !document.querySelector('#made-token')", vec![]);
    browser.click("button[aria-label='End grafana']");
    browser.press("End the token");
    browser.until("it is ended", "return document.querySelector('tr.over')?.innerText.includes('grafana')", vec![]);
    browser.reads("#audit ~ .scroll", "mira");
    browser.press("Sign out");

    sign_in(&browser, "jo", "a long enough password");
    browser.reads("h1", "Farm");
    let offered = "return [...document.querySelectorAll('nav a')].map((one) => one.innerText.trim())";
    assert_eq!(browser.run(offered, vec![]), json!(["Farm", "Jobs", "Account"]), "a viewer submits nothing");
    assert_eq!(browser.run("return localStorage.length + document.cookie.length", vec![]), json!(0), "nothing is kept beyond the tab");
}

fn sign_in(browser: &Browser, name: &str, password: &str) {
    browser.reads("h1", "Sign in");
    browser.fill("input[name=name]", name);
    browser.fill("input[name=password]", password);
    browser.press("Sign in");
}
