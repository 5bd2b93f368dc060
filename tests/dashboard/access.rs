//! WCAG 2.2 AA, as far as a program can tell, on every page, light and dark, on a desk and 320 pixels wide.

use crate::{
    browser::{Browser, Screen},
    farm::Cluster,
    support::{SMALL, Studio},
};
use serde_json::{Value, json};

/// Names, order, sizes, contrast, width: gives what is wrong, as sentences.
const FLAWS: &str = include_str!("flaws.js");

/// What is wrong with a page in both themes, with everything unfolded.
fn check(browser: &Browser, page: &str) {
    browser.run("document.querySelectorAll('details').forEach((one) => (one.open = true))", vec![]);
    for theme in ["light", "dark"] {
        browser.run("document.documentElement.dataset.theme = arguments[0]", vec![json!(theme)]);
        assert_eq!(browser.run(FLAWS, vec![]), json!([]), "{page}, {theme}");
    }
    browser.run("delete document.documentElement.dataset.theme", vec![]);
}

/// Looks at every page, with something on it. Ends on the job's.
fn every_page(screen: Screen) {
    let studio = Studio::new();
    let cluster = Cluster::new(&studio);
    let _node = cluster.node("one");
    let browser = Browser::open(&cluster.url, screen);
    browser.reads("h1", "Sign in");
    check(&browser, "sign in");
    browser.press("Sign in with a token instead");
    browser.fill("input[name=token]", "not-this-farms-token");
    browser.press("Sign in");
    browser.reads("[role=alert]", "does not know this token");
    check(&browser, "a wrong token");
    browser.goto("/");
    browser.sign_in(&cluster.environment()[1].1);

    browser.reads(".node", "one");
    check(&browser, "the farm");
    browser.turn_to("/nodes/one");
    browser.reads("h2", "Machine");
    check(&browser, "a node");
    browser.turn_to("/jobs");
    browser.reads(".empty", "no jobs yet");
    check(&browser, "no jobs");
    browser.turn_to("/account");
    browser.reads("#accounts", "Accounts");
    check(&browser, "the account");
    browser.turn_to("/review");
    browser.reads(".empty", "Nothing waits");
    check(&browser, "nothing to review");
    browser.turn_to("/new");
    check(&browser, "a new film");
    browser.drop_file(".drop", "wrong.fountain", "INT. ROOM - DAY\n\n[[klieg: colour=red]]\n\nRain.\n");
    browser.reads(".banner.bad", "wrong.fountain:3:");
    check(&browser, "a mistake");
    browser.press("Another script");
    browser.drop_file(".drop", "small.fountain", SMALL);
    browser.reads(".estimate", "Shots");
    check(&browser, "an estimate");
    browser.press("Make the film");
    browser.reads("h1", "small.fountain");
    check(&browser, "a job");
    browser.turn_to("/jobs");
    browser.reads(".jobs", "small.fountain");
    check(&browser, "jobs");
    browser.turn_to("/jobs/job-999999");
    browser.reads("h1", "There is no such job");
    check(&browser, "no such job");
}

#[test]
fn every_page_can_be_used_at_a_desk() {
    every_page(Screen::Desk);
}

#[test]
fn every_page_can_be_used_on_a_phone() {
    every_page(Screen::Phone);
}

#[test]
fn the_check_finds_what_is_wrong() {
    let studio = Studio::new();
    let cluster = Cluster::new(&studio);
    let browser = Browser::open(&cluster.url, Screen::Phone);
    browser.reads("h1", "Sign in");
    let wrongs = [
        ("document.querySelector('main').append(document.createElement('button'))", "has no name"),
        ("document.querySelector('h1').style.color = 'rgb(150 150 150 / 0.5)'", "has a contrast of"),
        ("document.querySelector('h1').style.width = '500px'", "pixels too wide"),
        (
            "document.querySelector('main').append(document.createElement('h3'), document.createElement('img'))",
            "has no alternative text",
        ),
        ("document.querySelector('input').style.borderColor = 'rgb(128 128 128 / 0.2)'", "has an edge with a contrast of"),
        ("document.querySelector('button').style.cssText += 'min-height: 0; height: 12px'", "by 12 pixels"),
        ("document.querySelector('.skip').remove()", "no skip link"),
    ];
    for (wrong, told) in wrongs {
        browser.run(wrong, vec![]);
        let found = browser.run(FLAWS, vec![]);
        assert!(
            found.as_array().is_some_and(|found| found.iter().any(|one| one.as_str().is_some_and(|one| one.contains(told)))),
            "{told}: {found}"
        );
    }
}

#[test]
fn the_keyboard_reaches_the_content_first_and_shows_where_it_is() {
    let studio = Studio::new();
    let cluster = Cluster::new(&studio);
    let browser = Browser::open(&cluster.url, Screen::Desk);
    browser.sign_in(&cluster.environment()[1].1);
    browser.goto("/#/jobs");
    browser.run("location.reload()", vec![]);
    browser.reads("h1", "Jobs");
    let focused = |what: &str| browser.run(&format!("return {what}"), vec![]);
    browser.keys("\u{e004}");
    assert_eq!(focused("document.activeElement.className"), json!("skip"));
    browser.until("it is seen", "return document.activeElement.getBoundingClientRect().top >= 0", vec![]);
    browser.keys("\u{e007}");
    assert_eq!(focused("document.activeElement.id"), json!("main"));
    for _ in 0..6 {
        browser.keys("\u{e004}");
        let ring =
            focused("[getComputedStyle(document.activeElement).outlineStyle, document.activeElement.closest('main') !== null]");
        assert_eq!(ring, json!(["solid", true]), "{}", focused("document.activeElement.outerHTML"));
    }
    // What is typed stays, and the focus too, while the page looks again and again.
    browser.fill("input[type=search]", "nothing like this");
    browser.reads(".empty", "No job is like that");
    std::thread::sleep(std::time::Duration::from_secs(4));
    assert_eq!(focused("[document.activeElement.type, document.activeElement.value]"), json!(["search", "nothing like this"]));
    assert_ne!(focused("location.hash.includes('label=nothing')"), Value::Bool(false), "the address keeps the filter");
}
