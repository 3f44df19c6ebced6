//! A real browser, Debian's Chromium, driven by its `chromedriver` over HTTP (W3C WebDriver 2). What
//! WebDriver has no command for is asked of the browser itself (`goog/cdp/execute`).
//!
//! Nothing here waits for a time: a command returns when a page has loaded, and what happens later is
//! awaited in the page, frame by frame, with a deadline.

use crate::larder::Log;
use crate::tools::{command, kept_file, skip, tool};
use crate::{Client, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::io::{self, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What is awaited in a page has happened within this time.
const DEADLINE: Duration = Duration::from_secs(20);
/// How an element is named in the answers of WebDriver.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// How often Tab is pressed at most before what it should come to.
const TABS: usize = 200;

/// A key that is no letter, as WebDriver has it.
pub mod key {
    /// To the next control.
    pub const TAB: &str = "\u{e004}";
    /// Does what is focused.
    pub const ENTER: &str = "\u{e007}";
    /// Closes.
    pub const ESCAPE: &str = "\u{e00c}";
    /// Up.
    pub const UP: &str = "\u{e013}";
    /// Down.
    pub const DOWN: &str = "\u{e015}";
}

/// A driver of browsers; windows are opened from it.
pub struct Browser {
    driver: Child,
    client: Client,
    chromium: PathBuf,
    home: TempDir,
}

/// A browser of its own, with a profile of its own.
pub struct Window {
    client: Client,
    session: String,
    _profile: TempDir,
}

impl Browser {
    /// Starts the driver; where it or the browser is not installed the test is to return.
    #[track_caller]
    pub fn start() -> Option<Self> {
        let (program, chromium) = (tool("chromedriver")?, tool("chromium")?);
        let home = tempfile::tempdir().expect("temporary folder");
        let mut driver = command(&program, home.path())
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver");
        let log = Arc::new(Log::default());
        let (own, out) = (Arc::clone(&log), driver.stdout.take().expect("output"));
        std::thread::spawn(move || own.follow(BufReader::new(out), true));
        let port = |line: &str| {
            let (_, port) = line.split_once("started successfully on port ")?;
            port.trim_end_matches('.').parse::<u16>().ok()
        };
        let port = log.find(port);
        let port = port.unwrap_or_else(|| panic!("no driver:\n{}", log.text()));
        Some(Self {
            driver,
            client: Client::anonymous(SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
            chromium,
            home,
        })
    }

    /// Opens a browser without a head; `scripts`: whether pages may run any.
    #[track_caller]
    pub fn open(&self, scripts: bool) -> Window {
        let profile = tempfile::tempdir_in(self.home.path()).expect("temporary folder");
        let mut arguments = vec![
            "--headless=new".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--force-device-scale-factor=1".to_owned(),
            "--lang=en".to_owned(),
            format!("--user-data-dir={}", profile.path().display()),
        ];
        if rustix::process::getuid().is_root() {
            arguments.push("--no-sandbox".to_owned());
        }
        let javascript = if scripts { 1 } else { 2 };
        let options = json!({
            "binary": self.chromium, "args": arguments,
            "prefs": {"profile.managed_default_content_settings.javascript": javascript},
        });
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "unhandledPromptBehavior": "ignore",
            "timeouts": {"script": DEADLINE.as_millis(), "implicit": 0},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
            "goog:chromeOptions": options,
        }}});
        let made = ask(&self.client, "POST", "/session", &wanted).expect("a session");
        let session = made["sessionId"].as_str().expect("an id");
        let window = Window {
            client: self.client.clone(),
            session: format!("/session/{session}"),
            _profile: profile,
        };
        window.size(1280, 800);
        // What the browser's own first page asks for is none of the tests' business.
        window.go("about:blank");
        window.requests();
        window
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.driver.kill());
        drop(self.driver.wait());
    }
}

/// A command of WebDriver: its value, or what the driver says went wrong.
fn ask(client: &Client, method: &str, path: &str, body: &Value) -> Result<Value, String> {
    let text = if method == "POST" {
        body.to_string()
    } else {
        String::new()
    };
    let headers = [("content-type", "application/json")];
    let sent = client.try_send(method, path, &headers, text.as_bytes());
    let answer: io::Result<Response> = sent;
    let answer = answer.map_err(|error| format!("{method} {path}: {error}"))?;
    let value = answer.json()["value"].take();
    if answer.status == 200 {
        return Ok(value);
    }
    let said = value["message"].as_str().unwrap_or_default();
    let said = said.split("\n#0").next().unwrap_or_default(); // the driver's stack
    Err(format!("{method} {path}: {}: {said}", value["error"]))
}

impl Window {
    #[track_caller]
    fn post(&self, path: &str, body: &Value) -> Value {
        self.try_post(path, body)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    fn try_post(&self, path: &str, body: &Value) -> Result<Value, String> {
        let path = format!("{}/{path}", self.session);
        ask(&self.client, "POST", &path, body)
    }

    #[track_caller]
    fn get(&self, path: &str) -> Value {
        let path = format!("{}/{path}", self.session);
        ask(&self.client, "GET", &path, &Value::Null).unwrap_or_else(|error| panic!("{error}"))
    }

    /// A command of the browser itself.
    #[track_caller]
    pub fn command(&self, name: &str, with: &Value) -> Value {
        self.post("goog/cdp/execute", &json!({"cmd": name, "params": with}))
    }

    /// Goes to an address and waits until its page has loaded.
    #[track_caller]
    pub fn go(&self, url: &str) {
        self.post("url", &json!({"url": url}));
    }

    /// Where it is.
    #[track_caller]
    pub fn url(&self) -> String {
        self.get("url").as_str().expect("an address").to_owned()
    }

    /// The size of what is seen, in CSS pixels.
    #[track_caller]
    pub fn size(&self, width: u32, height: u32) {
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.command("Emulation.setDeviceMetricsOverride", &size);
    }

    /// Whether the system says that pages are to be dark.
    #[track_caller]
    pub fn prefer_dark(&self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": value}]});
        self.command("Emulation.setEmulatedMedia", &features);
    }

    /// Keeps a cookie for the host of the page that is shown.
    #[track_caller]
    pub fn set_cookie(&self, name: &str, value: &str) {
        let cookie = json!({"cookie": {"name": name, "value": value, "path": "/"}});
        self.post("cookie", &cookie);
    }

    /// The value of a cookie.
    #[track_caller]
    pub fn cookie(&self, name: &str) -> Option<String> {
        let all = self.get("cookie");
        let mut all = all.as_array().expect("cookies").iter();
        let found = all.find(|cookie| cookie["name"] == name)?;
        found["value"].as_str().map(str::to_owned)
    }

    /// What the body of a function returns in the page.
    #[track_caller]
    pub fn run(&self, script: &str) -> Value {
        self.post("execute/sync", &json!({"script": script, "args": []}))
    }

    /// The same as text.
    #[track_caller]
    pub fn run_text(&self, script: &str) -> String {
        let value = self.run(script);
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    }

    /// Waits until an expression holds in the page, or in the one that follows it.
    #[track_caller]
    pub fn await_that(&self, condition: &str) {
        let script = format!(
            "const done = arguments[0];\
             const look = () => {{ if ({condition}) done(true); else requestAnimationFrame(look); }};\
             look();"
        );
        let begun = Instant::now();
        loop {
            // Another page comes: it is asked then.
            match self.try_post("execute/async", &json!({"script": script, "args": []})) {
                Ok(_) => return,
                Err(error) if begun.elapsed() > DEADLINE => {
                    let page = self.run_text("return document.body.innerText");
                    panic!("{condition} never held at {}: {error}\n{page}", self.url());
                }
                Err(_) => {}
            }
        }
    }

    /// Waits until a page is at a path (with its query, if `path` has one) and has loaded.
    #[track_caller]
    pub fn await_page(&self, path: &str) {
        let place = if path.contains('?') {
            "location.pathname + location.search"
        } else {
            "location.pathname"
        };
        self.await_that(&format!(
            "{place} === {path:?} && document.readyState === \"complete\""
        ));
    }

    /// How many elements there are.
    #[track_caller]
    pub fn count(&self, css: &str) -> u64 {
        let found = self.run(&format!("return document.querySelectorAll({css:?}).length"));
        found.as_u64().expect("a number")
    }

    /// The element, which must be there.
    #[track_caller]
    fn find(&self, css: &str) -> String {
        let found = self.post("element", &json!({"using": "css selector", "value": css}));
        found[ELEMENT].as_str().expect("an element").to_owned()
    }

    /// Clicks on an element.
    #[track_caller]
    pub fn click(&self, css: &str) {
        let element = self.find(css);
        self.post(&format!("element/{element}/click"), &json!({}));
    }

    /// Clicks on an element that leads to another page, which has loaded then.
    #[track_caller]
    pub fn follow(&self, css: &str) {
        let page = self.find("html");
        self.click(css);
        let path = format!("{}/element/{page}/name", self.session);
        let begun = Instant::now();
        while ask(&self.client, "GET", &path, &Value::Null).is_ok() {
            assert!(
                begun.elapsed() < DEADLINE,
                "{css} at {} leads nowhere",
                self.url()
            );
        }
    }

    /// Writes into a field in place of what is there.
    #[track_caller]
    pub fn fill(&self, css: &str, text: &str) {
        let element = self.find(css);
        self.post(&format!("element/{element}/clear"), &json!({}));
        self.post(&format!("element/{element}/value"), &json!({"text": text}));
    }

    /// The text of an element as it is seen.
    #[track_caller]
    pub fn text(&self, css: &str) -> String {
        let element = self.find(css);
        let text = self.get(&format!("element/{element}/text"));
        text.as_str().expect("text").to_owned()
    }

    /// Presses keys one after the other, wherever the focus is.
    #[track_caller]
    pub fn press(&self, keys: &str) {
        let strokes = keys.chars().flat_map(|key| {
            ["keyDown", "keyUp"].map(|kind| json!({"type": kind, "value": key.to_string()}))
        });
        let strokes: Vec<Value> = strokes.collect();
        let actions = json!({"actions": [{"type": "key", "id": "keyboard", "actions": strokes}]});
        self.post("actions", &actions);
    }

    /// Presses Tab until an element has the focus, as someone without a mouse does, and fails where
    /// that is not seen.
    #[track_caller]
    pub fn tab_to(&self, css: &str) {
        let script = format!(
            "const it = document.activeElement;\
             if (it === document.body || !it) return 'nothing';\
             if (getComputedStyle(it).outlineStyle === 'none' && it.id !== 'main') return 'unseen ' + it.outerHTML;\
             return it.matches({css:?}) ? 'there' : it.outerHTML;"
        );
        let mut passed = Vec::new();
        for _ in 0..TABS {
            self.press(key::TAB);
            let at = self.run_text(&script);
            assert!(!at.starts_with("unseen"), "the focus is not seen: {at}");
            if at == "there" {
                return;
            }
            passed.push(at);
        }
        panic!("no {css} by Tab; there were {passed:#?}");
    }

    /// Whether a dialog of the browser is open.
    pub fn has_dialog(&self) -> bool {
        let path = format!("{}/alert/text", self.session);
        ask(&self.client, "GET", &path, &Value::Null).is_ok()
    }

    #[track_caller]
    fn log(&self, kind: &str) -> Vec<Value> {
        let lines = self.post("se/log", &json!({"type": kind}));
        lines.as_array().expect("lines").clone()
    }

    /// What the console has of errors and warnings since it was last asked.
    #[track_caller]
    pub fn complaints(&self) -> Vec<String> {
        let lines = self.log("browser");
        let bad = lines
            .iter()
            .filter(|line| line["level"] == "SEVERE" || line["level"] == "WARNING");
        bad.map(|line| line["message"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// The addresses that were asked for since this was last called.
    #[track_caller]
    pub fn requests(&self) -> Vec<String> {
        let lines = self.log("performance");
        let request = |line: &Value| {
            let line: Value = serde_json::from_str(line["message"].as_str()?).ok()?;
            let event = &line["message"];
            let url = event["params"]["request"]["url"].as_str()?;
            let asked = event["method"] == "Network.requestWillBeSent" && !url.starts_with("data:");
            asked.then(|| url.to_owned())
        };
        lines.iter().filter_map(request).collect()
    }

    /// Makes pages take it for so many seconds later.
    #[track_caller]
    pub fn turn_clock(&self, seconds: u64) {
        let script = format!("const now = Date.now; Date.now = () => now() + {seconds} * 1000;");
        self.command(
            "Page.addScriptToEvaluateOnNewDocument",
            &json!({"source": script}),
        );
    }

    /// The whole page as a PNG, but for what is below so many pixels.
    #[track_caller]
    pub fn image(&self, height: u32) -> Vec<u8> {
        self.command("Emulation.setScrollbarsHidden", &json!({"hidden": true}));
        let size = "const it = document.documentElement; return [it.clientWidth, Math.min(it.scrollHeight, HEIGHT)]";
        let size = self.run(&size.replace("HEIGHT", &height.to_string()));
        let clip = json!({"x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1});
        let wanted = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
        let image = self.command("Page.captureScreenshot", &wanted);
        let image = image["data"].as_str().expect("an image");
        STANDARD.decode(image).expect("base64")
    }

    /// What axe-core finds wrong in the page that is shown: rule and elements.
    #[track_caller]
    pub fn faults(&self, axe: &Axe) -> Vec<String> {
        let script = "const done = arguments[arguments.length - 1];\
            axe.run(document, {resultTypes: ['violations']}).then(\
              (found) => done(found.violations.map((it) => it.id + ': ' + it.nodes.map((node) =>\
                node.html + ' (' + node.any.concat(node.all).map((why) => why.message) + ')').join(' | '))),\
              (error) => done(['axe: ' + error]));";
        self.run(&axe.0);
        let found = self.post("execute/async", &json!({"script": script, "args": []}));
        let found = found.as_array().expect("a list").iter();
        found
            .map(|it| it.as_str().unwrap_or_default().to_owned())
            .collect()
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        // The browser is gone with its driver, if not by this.
        drop(ask(&self.client, "DELETE", &self.session, &Value::Null));
    }
}

/// axe-core, which finds what is wrong for people who do not see a page, or not well.
pub struct Axe(String);

impl Axe {
    /// As `.ci/setup` keeps it; where it is not there the test is to return.
    #[track_caller]
    pub fn find() -> Option<Self> {
        let Some(path) = kept_file("axe-core", "node_modules/axe-core/axe.min.js") else {
            skip("axe-core is not installed in larder-tools");
            return None;
        };
        let text = std::fs::read_to_string(path).expect("axe-core");
        // What a function's body declares is not seen by the next.
        Some(Self(format!("{text};window.axe = axe;")))
    }
}
