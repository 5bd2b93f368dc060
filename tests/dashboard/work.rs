//! A film from a dropped script; nodes that are drained, die and return; a server that goes and comes.

use crate::{
    browser::{Browser, Screen},
    farm::Cluster,
    support::{SMALL, Studio},
};
use serde_json::json;
use std::time::Duration;

/// How long a very small film may take on a busy machine.
const FILM_MAX: Duration = Duration::from_secs(240);

#[test]
fn a_dropped_script_becomes_a_film_that_plays_and_is_downloaded() {
    let studio = Studio::new();
    let cluster = Cluster::new(&studio);
    let _nodes = [cluster.node("one"), cluster.node("two")];
    let browser = Browser::open(&cluster.url, Screen::Desk);
    browser.sign_in(&cluster.environment()[1].1);
    browser.run(
        "window.refused = []; addEventListener('securitypolicyviolation', (e) => refused.push(e.violatedDirective + e.blockedURI))",
        vec![],
    );

    // A mistake is told with its place, in the script.
    browser.turn_to("/new");
    browser.drop_file(".drop", "wrong.fountain", "INT. ROOM - DAY\n\n[[klieg: colour=red]]\n\nRain.\n");
    browser.reads(".banner.bad", "wrong.fountain:3:");
    browser.reads(".banner.bad pre", "colour=red");
    assert_eq!(browser.run("return document.querySelector('.estimate button').disabled", vec![]), json!(true), "nothing to submit");
    browser.press("Another script");

    browser.drop_file(".drop", "small.fountain", SMALL);
    browser.reads(".estimate", "Shots");
    browser.press("More settings");
    browser.fill("input[name=only]", "sc010_sh030");
    // The estimate follows the settings.
    browser.until(
        "one shot is estimated",
        "return [...document.querySelectorAll('.estimate dl div')].some((one) => /^Shots\\s+1$/.test(one.innerText))",
        vec![],
    );
    browser.press("Make the film");

    browser.reads("h1", "small.fountain");
    browser.until(
        "it is followed",
        "return document.querySelector('.how [role=progressbar]')?.getAttribute('aria-valuenow') >= 0",
        vec![],
    );
    browser.within(FILM_MAX, "a shot fills in", "return !!document.querySelector('.shot.done img')", vec![]);
    browser.within(FILM_MAX, "it succeeds", "return document.querySelector('.head .chip')?.innerText === 'Succeeded'", vec![]);
    browser.until("tasks are drawn on the devices that ran them", "const names = [...document.querySelectorAll('.lane-name')].map((one) => one.innerText); return names.some((one) => one.startsWith('one')) || names.some((one) => one.startsWith('two'))", vec![]);

    // The film plays: time goes on, and there are pictures.
    browser.until("the film is there", "return document.querySelector('video')?.readyState >= 2", vec![]);
    browser.run("const film = document.querySelector('video'); film.muted = true; film.play()", vec![]);
    browser.until(
        "it plays",
        "const film = document.querySelector('video'); return film.currentTime > 0.2 && film.videoWidth > 0",
        vec![],
    );

    // What is downloaded is what the farm made.
    browser.click("button[aria-label='Download film.mp4']");
    let film = browser.downloaded("film.mp4");
    let script = "const token = JSON.parse(sessionStorage.getItem('klieg.session')).token; \
         const request = new XMLHttpRequest(); request.open('GET', location.hash.replace('#', '/api/v1') + '/outputs', false); \
         request.setRequestHeader('authorization', 'Bearer ' + token); request.send(); \
         return JSON.parse(request.responseText).find((one) => one.name === 'film.mp4').digest";
    let digest = browser.run(script, vec![]);
    assert_eq!(json!(blake3::hash(&film).to_hex().as_str()), digest);
    // What the farm's minutes have brought is drawn.
    browser.turn_to("/farm");
    browser.reads(".over-time", "Frames a minute");
    let drawn = "return [...document.querySelectorAll('.over-time .spark')].map((one) => one.getAttribute('aria-label'))";
    let labels = browser.run(drawn, vec![]);
    let labels: Vec<&str> = labels.as_array().expect("charts").iter().filter_map(|label| label.as_str()).collect();
    assert_eq!(labels.len(), 4, "{labels:?}");
    assert!(labels.iter().any(|label| label.starts_with("Frames a minute over") && !label.ends_with("at most 0")), "{labels:?}");
    assert_eq!(browser.run("return refused", vec![]), json!([]), "nothing was against the policy");
}

/// What the chip of a node's panel says.
const STATE: &str = "return document.querySelector(\"[aria-label='Node one'] > header .chip\")?.innerText === arguments[0]";

#[test]
fn a_node_is_drained_dies_and_returns() {
    let studio = Studio::new();
    let cluster = Cluster::new(&studio);
    let mut node = cluster.node("one");
    let browser = Browser::open(&cluster.url, Screen::Desk);
    browser.sign_in(&cluster.environment()[1].1);
    browser.until("it is shown", STATE, vec![json!("Healthy")]);

    browser.click("button[aria-label='Drain one']");
    browser.reads("dialog", "Drain one?");
    browser.press("Keep it");
    browser.until("the question is gone", "return !document.querySelector('dialog')", vec![]);
    cluster.wait("it was not drained", |backlog| backlog["nodes"] == 1);
    browser.click("button[aria-label='Drain one']");
    browser.press("Drain");
    cluster.wait("it is drained", |backlog| backlog["nodes"] == 0);
    browser.until("that is shown", STATE, vec![json!("Draining")]);
    browser.click("button[aria-label='Undrain one']");
    cluster.wait("it gets tasks again", |backlog| backlog["nodes"] == 1);
    browser.until("that is shown too", STATE, vec![json!("Healthy")]);

    node.kill();
    let gone = "const node = document.querySelector(\"[aria-label='Node one']\"); return !node || node.querySelector('header .chip').innerText === 'Away'";
    browser.until("a node that has died is not shown as healthy", gone, vec![]);
    let _again = cluster.node("one");
    browser.until("it is back", STATE, vec![json!("Healthy")]);
}

#[test]
fn a_server_that_goes_and_comes_is_found_again() {
    let studio = Studio::new();
    let mut cluster = Cluster::new(&studio);
    let browser = Browser::open(&cluster.url, Screen::Desk);
    browser.sign_in(&cluster.environment()[1].1);
    browser.reads(".live", "Live");
    browser.run("window.same = true", vec![]);
    cluster.server.kill();
    browser.reads(".live", "Reconnecting");
    browser.reads("#said", "Reconnecting");
    cluster.restart();
    browser.reads(".live", "Live");
    assert_eq!(browser.run("return window.same === true", vec![]), json!(true), "the page was not loaded anew");
}
