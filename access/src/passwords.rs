//! Passwords: argon2id, two at a time at most, and the same time for a user that is not there.

use crate::turns::{TooMany, Turn, Turns};
use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use larder_model::{Kind, Problem};
use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Hashes computed at once: logins must not take all memory and all processors.
const AT_ONCE: usize = 2;

/// Passes over the memory.
const PASSES: u32 = 2;

/// Bytes of a salt and of a hash.
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// Hashes and checks passwords off the request threads.
pub(crate) struct Passwords {
    params: Params,
    turns: Turns,
    memory: Arc<Memory>,
    /// Checked against when there is no such user: a hash like any other, over a password that
    /// nobody has.
    decoy: Arc<str>,
    /// Hashes computed, for operators.
    computed: AtomicU64,
    /// How long the last check took, in nanoseconds.
    took: AtomicU64,
}

/// The memory that one hash fills, kept for the next: an allocator would hold on to as much for
/// each thread.
#[derive(Default)]
struct Memory(Mutex<Vec<Block>>);

impl Memory {
    fn sum(
        &self,
        argon: &Argon2<'_>,
        password: &[u8],
        salt: &[u8],
        length: usize,
    ) -> Result<Output, Problem> {
        let mut blocks =
            std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        blocks.resize(argon.params().block_count(), Block::new());
        let mut sum = [0; Output::MAX_LENGTH];
        let sum = sum
            .get_mut(..length)
            .ok_or_else(|| fault("the stored hash is too long"))?;
        let done = argon.hash_password_into_with_memory(password, salt, sum, &mut blocks);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = blocks;
        done.map_err(fault)?;
        Output::new(sum).map_err(fault)
    }
}

fn fault(error: impl Display) -> Problem {
    Problem::internal(error.to_string())
}

impl Passwords {
    pub(crate) fn new(memory_bytes: u64) -> Result<Self, Problem> {
        let kib = u32::try_from(memory_bytes / 1024).unwrap_or(u32::MAX);
        let params = Params::new(kib, PASSES, 1, None).map_err(fault)?;
        // Written, not computed: the check costs the same, and a start need not wait for it.
        let (salt, sum) = ("bGFyZGVyLWRlY295LXNhbHQ", "A".repeat(43));
        let decoy = format!("$argon2id$v=19$m={kib},t={PASSES},p=1${salt}${sum}");
        Ok(Self {
            params,
            turns: Turns::new(AT_ONCE),
            memory: Arc::default(),
            decoy: decoy.into(),
            computed: AtomicU64::default(),
            took: AtomicU64::default(),
        })
    }

    /// A password's hash, with its salt and parameters (PHC string).
    pub(crate) async fn hash(&self, password: &str) -> Result<String, Problem> {
        let (params, memory, password) = (
            self.params.clone(),
            Arc::clone(&self.memory),
            password.to_owned(),
        );
        let turn = self.turn(Ipv4Addr::UNSPECIFIED.into()).await?; // those who are logged in are one
        self.computed.fetch_add(1, Ordering::Relaxed);
        run(turn, move || hash(params, &memory, password.as_bytes()))
            .await?
            .0
    }

    /// Whether the password is the one of `stored`; takes as long without it. `network`: whose turn it
    /// takes. `still` may refuse when its turn has come: of many that wait, some have failed meanwhile.
    pub(crate) async fn verify(
        &self,
        password: &str,
        stored: Option<&str>,
        network: IpAddr,
        still: impl FnOnce() -> Result<(), Problem>,
    ) -> Result<Verdict, Problem> {
        let turn = match (stored, self.turns.at_once()) {
            (_, Some(turn)) => turn,
            (Some(_), None) => self.turn(network).await?,
            // Names that nobody has are free to send: they do not keep those from their turns who
            // have one. They wait as long, for nothing.
            (None, None) => {
                let (mut took, waiting) = (self.took(), self.turns.waiting());
                took += took.saturating_mul(u32::try_from(waiting).unwrap_or(u32::MAX)) / 2;
                tokio::time::sleep(took + part_of(self.took())?).await;
                still()?;
                return Ok(Verdict {
                    holds: false,
                    _turn: None,
                });
            }
        };
        still()?;
        self.computed.fetch_add(1, Ordering::Relaxed);
        let (memory, password) = (Arc::clone(&self.memory), password.to_owned());
        let known = stored.is_some();
        let stored: Arc<str> = stored.map_or_else(|| Arc::clone(&self.decoy), Arc::from);
        let began = Instant::now();
        let (holds, turn) = run(turn, move || is_of(&memory, password.as_bytes(), &stored)).await?;
        let took = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.took.store(took, Ordering::Relaxed);
        Ok(Verdict {
            holds: holds? && known,
            _turn: Some(turn),
        })
    }

    /// How long the last check took.
    fn took(&self) -> Duration {
        Duration::from_nanos(self.took.load(Ordering::Relaxed))
    }

    /// Hashes computed since the start of this process.
    pub(crate) fn computed(&self) -> u64 {
        self.computed.load(Ordering::Relaxed)
    }

    /// The turn of one hash.
    async fn turn(&self, network: IpAddr) -> Result<Turn, Problem> {
        self.turns.wait(network).await.map_err(|TooMany| {
            let detail = "too many passwords from where you are wait to be looked at; try again in \
                          a second, or use a token";
            let mut problem = Problem::new(Kind::TooMany, "credentials", detail);
            problem.retry_after = Some(Duration::from_secs(1));
            problem
        })
    }
}

/// What was found of a password. Until it is dropped, one less is looked at: so a failure is counted
/// before the next is looked at.
pub(crate) struct Verdict {
    pub(crate) holds: bool,
    _turn: Option<Turn>,
}

/// Some part of a time, by chance: whoever waits comes at any time of another's turn.
fn part_of(time: Duration) -> Result<Duration, Problem> {
    let mut chance = [0];
    getrandom::fill(&mut chance).map_err(Problem::internal)?;
    Ok(time * u32::from(chance[0]) / 256)
}

/// Does work off the request threads. A caller that goes away leaves its turn to the work.
async fn run<T: Send + 'static>(
    turn: Turn,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<(T, Turn), Problem> {
    let done = tokio::task::spawn_blocking(move || (work(), turn));
    done.await.map_err(Problem::internal)
}

fn hash(params: Params, memory: &Memory, password: &[u8]) -> Result<String, Problem> {
    let mut salt = [0; SALT_BYTES];
    getrandom::fill(&mut salt).map_err(Problem::internal)?;
    let written = ParamsString::try_from(&params).map_err(fault)?;
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: written,
        salt: Some(Salt::new(&salt).map_err(fault)?),
        hash: Some(memory.sum(&argon, password, &salt, HASH_BYTES)?),
    };
    Ok(hash.to_string())
}

/// Whether a stored hash is this password's: computed anew with the hash's own salt and parameters.
fn is_of(memory: &Memory, password: &[u8], stored: &str) -> Result<bool, Problem> {
    let stored = PasswordHash::new(stored).map_err(fault)?;
    let (Some(salt), Some(expected)) = (&stored.salt, &stored.hash) else {
        return Err(fault("a stored hash without salt or sum"));
    };
    let algorithm = Algorithm::try_from(stored.algorithm.as_str()).map_err(fault)?;
    let version = stored
        .version
        .map_or(Ok(Version::V0x13), Version::try_from)
        .map_err(fault)?;
    let argon = Argon2::new(
        algorithm,
        version,
        Params::try_from(&stored).map_err(fault)?,
    );
    Ok(memory.sum(&argon, password, salt, expected.len())? == *expected) // compared in constant time
}

#[cfg(test)]
mod tests;
