//! A page in Chromium, as a person has it: what stands there is waited for, never slept for.

use crate::webdriver::{Element, Session};
use klieg_servers::Chromium;
use serde_json::{Value, json};
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

/// How long anything may take to appear, on a busy machine. A film that is rendered has longer.
pub const SOON: Duration = Duration::from_secs(60);

/// How often it is looked for.
const LOOK: Duration = Duration::from_millis(50);

/// What the page is shown on.
#[derive(Clone, Copy)]
pub enum Screen {
    Desk,
    /// 320 CSS pixels wide: what WCAG's 1.4.10 asks for.
    Phone,
}

/// One browser with one page. Ends with its value.
pub struct Browser {
    session: Session,
    chromium: Chromium,
    farm: String,
}

impl Browser {
    /// Opens the farm's page.
    pub fn open(farm: &str, screen: Screen) -> Self {
        let chromium = Chromium::start();
        let mut options = json!({
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1440,900", "--mute-audio"],
            "prefs": { "download.default_directory": chromium.downloads() },
        });
        if let Screen::Phone = screen {
            options["mobileEmulation"] = json!({ "deviceMetrics": { "width": 320, "height": 640, "pixelRatio": 1.0, "touch": true } });
        }
        let session = Session::start(chromium.driver(), &options).expect("a browser");
        let browser = Self { session, chromium, farm: farm.to_owned() };
        browser.goto("/");
        browser
    }

    pub fn goto(&self, path: &str) {
        self.session.goto(&format!("{}{path}", self.farm)).expect("a page");
    }

    /// Another of its pages, without loading it anew.
    pub fn turn_to(&self, route: &str) {
        self.run("location.hash = arguments[0]", vec![json!(format!("#{route}"))]);
        self.until(&format!("{route} is open"), "return location.hash === arguments[0] && !!document.querySelector('h1')", vec![json!(format!("#{route}"))]);
    }

    /// Runs a function's body in the page.
    pub fn run(&self, script: &str, args: Vec<Value>) -> Value {
        self.session.run(script, &args).unwrap_or_else(|e| panic!("{script}: {e}"))
    }

    /// Waits until a script gives something that is true, and gives that.
    pub fn until(&self, what: &str, script: &str, args: Vec<Value>) -> Value {
        self.within(SOON, what, script, args)
    }

    pub fn within(&self, most: Duration, what: &str, script: &str, args: Vec<Value>) -> Value {
        let begun = Instant::now();
        loop {
            let found = self.run(script, args.clone());
            if !matches!(found, Value::Null | Value::Bool(false)) {
                return found;
            }
            assert!(begun.elapsed() < most, "{what}: not within {most:?}; the page says: {}", self.text("body"));
            std::thread::sleep(LOOK);
        }
    }

    /// Waits until the page's text, or that of one of its parts, has these words.
    pub fn reads(&self, part: &str, words: &str) {
        let script = "const part = document.querySelector(arguments[0]); return !!part && part.innerText.includes(arguments[1])";
        self.until(&format!("{part} reads {words:?}"), script, vec![json!(part), json!(words)]);
    }

    pub fn text(&self, part: &str) -> String {
        let script = "return document.querySelector(arguments[0])?.innerText ?? ''";
        self.run(script, vec![json!(part)]).as_str().unwrap_or_default().to_owned()
    }

    /// The element, as soon as there is one.
    fn element(&self, css: &str) -> Element {
        let begun = Instant::now();
        loop {
            match self.session.find(css) {
                Ok(found) => return found,
                Err(e) => assert!(begun.elapsed() < SOON, "{css}: {e}; the page says: {}", self.text("body")),
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Clicks as a mouse does: what something else lies over is not clicked. What is drawn anew meanwhile is looked for again.
    pub fn click(&self, css: &str) {
        let begun = Instant::now();
        while let Err(e) = self.session.click(&self.element(css)) {
            assert!(begun.elapsed() < SOON, "click {css}: {e}");
            std::thread::sleep(LOOK);
        }
    }

    /// Presses a button by what is written on it; while a question is asked, one of its.
    pub fn press(&self, label: &str) {
        let script = "const page = document.querySelector('dialog[open]') ?? document; \
             const all = [...page.querySelectorAll('button, summary, a.button')]; \
             const found = all.find((one) => one.innerText.trim() === arguments[0] && !one.disabled && one.checkVisibility()); \
             document.querySelectorAll('[data-press]').forEach((one) => one.removeAttribute('data-press')); \
             found?.setAttribute('data-press', ''); return !!found";
        self.until(&format!("there is a button {label:?}"), script, vec![json!(label)]);
        self.click("[data-press]");
    }

    pub fn fill(&self, css: &str, text: &str) {
        let input = self.element(css);
        self.session.clear(&input).and_then(|()| self.session.send_keys(&input, text)).unwrap_or_else(|e| panic!("fill {css}: {e}"));
    }

    /// Presses keys, where the focus is.
    pub fn keys(&self, keys: &str) {
        self.session.active().and_then(|at| self.session.send_keys(&at, keys)).expect("something has the focus");
    }

    /// Drops a file on what is there, as a hand with a mouse does. (WebDriver has no files to drag: the event is made in the page.)
    pub fn drop_file(&self, css: &str, name: &str, content: &str) {
        self.element(css);
        let script = "const files = new DataTransfer(); files.items.add(new File([arguments[2]], arguments[1])); \
             const at = document.querySelector(arguments[0]); \
             for (const kind of ['dragover', 'drop']) at.dispatchEvent(new DragEvent(kind, { dataTransfer: files, bubbles: true, cancelable: true }))";
        self.run(script, vec![json!(css), json!(name), json!(content)]);
    }

    /// Signs in with the farm's own token.
    pub fn sign_in(&self, token: &str) {
        self.press("Sign in with a token instead");
        self.fill("input[name=token]", token);
        self.press("Sign in");
        self.reads("h1", "Farm");
    }

    /// A file that was downloaded, once it is whole.
    pub fn downloaded(&self, name: &str) -> Vec<u8> {
        let path: PathBuf = self.chromium.downloads().join(name);
        let begun = Instant::now();
        while !path.exists() {
            assert!(begun.elapsed() < SOON, "{name} was not downloaded");
            std::thread::sleep(LOOK);
        }
        std::fs::read(path).expect("a download")
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.session.close();
    }
}
