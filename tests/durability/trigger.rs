//! The moment of the kill: not a time, but so many steps of requests after the start of a round.

use larder_tests::random::Random;
use larder_tests::{Client, Response};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{self, BufReader, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Steps of requests, over all writers, before a kill at most.
const MAX_STEPS: u64 = 400;
/// A kill comes up to so many turns of an empty loop after its step: within about a millisecond.
const MAX_TURNS: u64 = 100_000;

/// A step of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    /// Line and headers are written.
    Head,
    /// Half of the body is.
    Half,
    /// All is, and no answer was read.
    Whole,
    /// The answer says that it is done.
    Acknowledged,
}

/// Kills a process at a random moment of a round.
pub struct Trigger {
    victim: Option<Pid>,
    signal: Signal,
    step: Step,
    left: AtomicU64,
    turns: u64,
    fired: AtomicBool,
}

/// The server is gone: whether the request was carried out cannot be known.
pub struct Gone;

impl Trigger {
    /// Will send `signal` to `victim`.
    pub fn random(random: &mut Random, victim: u32, signal: Signal) -> Self {
        let steps = [Step::Head, Step::Half, Step::Whole, Step::Acknowledged];
        let step = steps[usize::try_from(random.below(4)).expect("small")];
        let victim = i32::try_from(victim).ok().and_then(Pid::from_raw);
        assert!(victim.is_some(), "no process");
        let left = AtomicU64::new(1 + random.below(MAX_STEPS));
        Self {
            victim,
            signal,
            step,
            left,
            turns: random.below(MAX_TURNS),
            fired: AtomicBool::new(false),
        }
    }

    /// Something else kills the server, at any moment.
    pub fn elsewhere() -> Self {
        Self {
            victim: None,
            signal: Signal::KILL,
            step: Step::Head,
            left: AtomicU64::new(u64::MAX),
            turns: 0,
            fired: AtomicBool::new(true),
        }
    }

    fn pass(&self, step: Step) {
        let Some(victim) = self.victim.filter(|_| step == self.step) else {
            return;
        };
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            for _ in 0..self.turns {
                std::hint::spin_loop();
            }
            self.fired.store(true, Ordering::SeqCst);
            kill_process(victim, self.signal).expect("kill");
        }
    }

    /// Whether the kill was sent.
    pub fn has_fired(&self) -> bool {
        self.fired.load(Ordering::SeqCst)
    }

    /// Sends a request, passing its steps. An answer means that the server lives; what it may not
    /// say fails the test.
    pub fn send(
        &self,
        client: &Client,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Response, Gone> {
        let response = match self.try_send(client, method, path, headers, body) {
            Ok(response) => response,
            Err(error) => {
                assert!(
                    self.has_fired(),
                    "{method} {path}: {error}, and nobody killed the server"
                );
                return Err(Gone);
            }
        };
        if response.status == 503 && self.has_fired() {
            return Err(Gone); // its database is gone
        }
        assert!(
            response.status < 500,
            "{method} {path}: {} {}",
            response.status,
            response.text()
        );
        if response.status < 300 {
            self.pass(Step::Acknowledged);
        }
        Ok(response)
    }

    fn try_send(
        &self,
        client: &Client,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Response> {
        let mut stream = client.connect()?;
        stream.write_all(&client.head(method, path, headers, Some(body.len())))?;
        self.pass(Step::Head);
        let (first, second) = body.split_at(body.len() / 2);
        stream.write_all(first)?;
        self.pass(Step::Half);
        stream.write_all(second)?;
        self.pass(Step::Whole);
        larder_tests::http::read_response(&mut BufReader::new(stream), method)
    }
}
