//! A page in Chromium, as a person has it: what stands there is waited for, never slept for.

use fantoccini::{Client, ClientBuilder, Locator, elements::Element};
use hyper_util::client::legacy::connect::HttpConnector;
use klieg_servers::Chromium;
use serde_json::{Value, json};
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

/// How long anything may take to appear, on a busy machine. A film that is rendered has longer.
pub const SOON: Duration = Duration::from_secs(60);

/// What the page is shown on.
#[derive(Clone, Copy)]
pub enum Screen {
    Desk,
    /// 320 CSS pixels wide: what WCAG's 1.4.10 asks for.
    Phone,
}

/// One browser with one page. Ends with its value.
pub struct Browser {
    client: Option<Client>,
    runtime: tokio::runtime::Runtime,
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
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(json!({ "goog:chromeOptions": options }).as_object().cloned().unwrap_or_default());
        let client = runtime.block_on(builder.connect(chromium.url())).expect("a browser");
        let browser = Self { client: Some(client), runtime, chromium, farm: farm.to_owned() };
        browser.goto("/");
        browser
    }

    fn client(&self) -> &Client {
        self.client.as_ref().expect("open until it is dropped")
    }

    pub fn goto(&self, path: &str) {
        self.runtime.block_on(self.client().goto(&format!("{}{path}", self.farm))).expect("a page");
    }

    /// Another of its pages, without loading it anew.
    pub fn turn_to(&self, route: &str) {
        self.run("location.hash = arguments[0]", vec![json!(format!("#{route}"))]);
        self.until(&format!("{route} is open"), "return location.hash === arguments[0] && !!document.querySelector('h1')", vec![json!(format!("#{route}"))]);
    }

    /// Runs a function's body in the page.
    pub fn run(&self, script: &str, args: Vec<Value>) -> Value {
        self.runtime.block_on(self.client().execute(script, args)).unwrap_or_else(|e| panic!("{script}: {e}"))
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
            std::thread::sleep(Duration::from_millis(50));
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

    fn element(&self, css: &str) -> Element {
        let wait = self.client().wait().at_most(SOON).for_element(Locator::Css(css));
        self.runtime.block_on(wait).unwrap_or_else(|e| panic!("{css}: {e}; the page says: {}", self.text("body")))
    }

    /// Clicks as a mouse does: whatever lies over it is clicked instead. What is drawn anew meanwhile is looked for again.
    pub fn click(&self, css: &str) {
        let begun = Instant::now();
        loop {
            let element = self.element(css);
            match self.runtime.block_on(element.click()) {
                Ok(()) => return,
                Err(e) => assert!(begun.elapsed() < SOON, "click {css}: {e}"),
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// A button by what is written on it.
    pub fn press(&self, label: &str) {
        let script = "const all = [...document.querySelectorAll('button, summary, a.button')]; \
             const found = all.find((one) => one.innerText.trim() === arguments[0] && !one.disabled && one.checkVisibility()); \
             document.querySelectorAll('[data-press]').forEach((one) => one.removeAttribute('data-press')); \
             found?.setAttribute('data-press', ''); return !!found";
        self.until(&format!("there is a button {label:?}"), script, vec![json!(label)]);
        self.click("[data-press]");
    }

    pub fn fill(&self, css: &str, text: &str) {
        let element = self.element(css);
        self.runtime.block_on(async {
            element.clear().await.expect("an input");
            element.send_keys(text).await.expect("an input");
        });
    }

    /// Presses keys, where the focus is.
    pub fn keys(&self, keys: &str) {
        self.runtime.block_on(async {
            let at = self.client().active_element().await.expect("something has the focus");
            at.send_keys(keys).await.expect("keys");
        });
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
            std::thread::sleep(Duration::from_millis(50));
        }
        std::fs::read(path).expect("a download")
    }

    /// The page as it looks, PNG.
    pub fn picture(&self) -> Vec<u8> {
        self.runtime.block_on(self.client().screenshot()).expect("a picture")
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            let _ = self.runtime.block_on(client.close());
        }
    }
}
