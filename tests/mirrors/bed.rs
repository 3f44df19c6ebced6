//! A server, an upstream, and a mirror of each protocol named `up`.

use larder_tests::http::Response;
use larder_tests::shelf::{ALL, PROTOCOLS, artifact_at};
use larder_tests::{Client, Larder, Shelf, Start, Upstream};
use serde_json::{Value, json};
use std::cell::Cell;
use std::time::{Duration, Instant};

/// What is asked for again and again has come by then.
const DEADLINE: Duration = Duration::from_mins(1);

pub(crate) struct Bed {
    pub(crate) larder: Larder,
    pub(crate) upstream: Upstream,
    pub(crate) client: Client,
    clock: tempfile::NamedTempFile,
    /// What the server reads at each start.
    _file: Option<tempfile::NamedTempFile>,
    turned: Cell<u64>,
    rests: Cell<u64>,
}

/// How a server is started: with more of the environment.
pub(crate) fn start(settings: &[(&str, &str)]) -> Start {
    let start =
        Start::of(env!("CARGO_BIN_EXE_larder")).with("LARDER_CACHE__UPSTREAM_IDLE_TIME", "1s");
    settings
        .iter()
        .fold(start, |start, (name, value)| start.with(name, value))
}

impl Bed {
    /// With the settings as they are, but for an upstream's silence, which ends soon.
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// The same with more of the environment.
    pub(crate) fn with(settings: &[(&str, &str)]) -> Self {
        Self::of(start(settings), Upstream::start())
    }

    /// The same beside an upstream with TLS, whose authority it knows; `frames`: over HTTP/2.
    pub(crate) fn secure(frames: bool, settings: &[(&str, &str)]) -> Self {
        let (upstream, file) = (
            Upstream::secure(frames),
            tempfile::NamedTempFile::new().expect("file"),
        );
        std::fs::write(file.path(), upstream.tls().authority().pem()).expect("certificate");
        let path = file.path().to_string_lossy().into_owned();
        let start = start(settings).with("LARDER_CACHE__UPSTREAM_AUTHORITIES", &path);
        Self {
            _file: Some(file),
            ..Self::of(start, upstream)
        }
    }

    /// A server that is to be started in this way, beside an upstream.
    pub(crate) fn of(start: Start, upstream: Upstream) -> Self {
        let clock = tempfile::NamedTempFile::new().expect("clock");
        let larder = start
            .with("LARDER_TEST_CLOCK", &clock.path().to_string_lossy())
            .start();
        larder.disable_schedules();
        larder.grant("anonymous", "*", "*", "reader");
        let client = larder.anonymous();
        Self {
            larder,
            upstream,
            client,
            clock,
            _file: None,
            turned: Cell::new(0),
            rests: Cell::new(300),
        }
    }

    /// Makes the mirror of a protocol, of a package with one version, `1.0.0`.
    pub(crate) fn mirror(&self, protocol: &'static str, body: &[u8]) -> Shelf {
        let mut goods = Shelf::new(protocol, &self.upstream);
        goods.put(&self.upstream, "1.0.0", body);
        self.make(
            &goods,
            &json!({"url": goods.url(&self.upstream), "allow_private": true}),
        );
        goods
    }

    /// Makes a mirror of this upstream.
    #[track_caller]
    pub(crate) fn make(&self, goods: &Shelf, upstream: &Value) {
        let body = json!({"protocol": goods.protocol, "name": "up", "kind": "mirror", "upstream": upstream});
        self.larder
            .api("POST", "repositories", &body.to_string(), 201);
    }

    /// Changes a mirror's settings.
    #[track_caller]
    pub(crate) fn change(&self, goods: &Shelf, settings: &Value) {
        self.larder.api(
            "PATCH",
            &format!("repositories/{}/up", goods.protocol),
            &settings.to_string(),
            200,
        );
    }

    /// The mirror forgets that its upstream failed: any change of its settings makes it anew.
    pub(crate) fn rest(&self, goods: &Shelf) {
        self.rests.set(self.rests.get() ^ 1);
        self.change(goods, &json!({"fresh_seconds": self.rests.get()}));
    }

    /// Mirrors of all protocols.
    pub(crate) fn mirrors(&self, body: &[u8]) -> Vec<Shelf> {
        PROTOCOLS
            .into_iter()
            .map(|protocol| self.mirror(protocol, body))
            .collect()
    }

    /// The same with those of which only contents are promised, if anything.
    pub(crate) fn all_mirrors(&self, body: &[u8]) -> Vec<Shelf> {
        ALL.into_iter()
            .map(|protocol| self.mirror(protocol, body))
            .collect()
    }

    /// Turns the server's clock on.
    pub(crate) fn turn(&self, seconds: u64) {
        self.turned.set(self.turned.get() + seconds);
        std::fs::write(self.clock.path(), self.turned.get().to_string()).expect("clock");
    }

    pub(crate) fn start_again(&mut self) {
        self.larder.start_again();
        self.client = self.larder.anonymous();
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Response {
        self.taken(path).0
    }

    /// An answer, and whether it came whole.
    #[track_caller]
    pub(crate) fn taken(&self, path: &str) -> (Response, bool) {
        self.client
            .take(path, &[])
            .unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// It comes, whole, with these bytes.
    #[track_caller]
    pub(crate) fn right(&self, path: &str, body: &[u8]) -> Response {
        let body = artifact_at(path, body);
        let (answer, whole) = self.taken(path);
        assert_eq!(
            answer.status,
            200,
            "{path}: {:?} {}",
            answer.headers,
            answer.text()
        );
        assert!(whole, "{path} breaks off");
        assert!(answer.body == body, "{path} has other bytes");
        answer
    }

    /// It does not come: a refusal, or a body that breaks off. Its status.
    #[track_caller]
    pub(crate) fn wrong(&self, path: &str) -> u16 {
        let (answer, whole) = self.taken(path);
        assert!(
            answer.status >= 400 || !whole,
            "{path} is complete: {:?}",
            answer.headers
        );
        answer.status
    }

    /// What the server tells of a mirror's upstream.
    #[track_caller]
    pub(crate) fn state(&self, goods: &Shelf) -> Value {
        let name = format!("{}/up", goods.protocol);
        let all = self.larder.api("GET", "upstreams", "", 200);
        let found = all["items"].as_array().and_then(|items| {
            let mut items = items.iter();
            items.find(|item| item["repository"] == name.as_str())
        });
        found.unwrap_or_else(|| panic!("{name}: {all}")).clone()
    }

    /// Asks how a mirror's upstream fares until that is as it should be.
    #[track_caller]
    pub(crate) fn until_state(
        &self,
        goods: &Shelf,
        mut right: impl FnMut(&Value) -> bool,
    ) -> Value {
        let begun = Instant::now();
        loop {
            let state = self.state(goods);
            if right(&state) {
                return state;
            }
            assert!(begun.elapsed() < DEADLINE, "{state}");
            std::thread::yield_now();
        }
    }

    /// Asks until the answer is as it should be.
    #[track_caller]
    pub(crate) fn until(&self, path: &str, mut right: impl FnMut(&Response) -> bool) -> Response {
        let begun = Instant::now();
        loop {
            let answer = self.get(path);
            if right(&answer) {
                return answer;
            }
            assert!(
                begun.elapsed() < DEADLINE,
                "{path}: {} {:?}",
                answer.status,
                answer.headers
            );
            std::thread::yield_now();
        }
    }
}

/// How an answer came about.
#[track_caller]
pub(crate) fn status(answer: &Response) -> &str {
    answer
        .header("cache-status")
        .unwrap_or_else(|| panic!("{} {:?} {}", answer.status, answer.headers, answer.text()))
}
