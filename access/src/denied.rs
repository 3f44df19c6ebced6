//! What rules refused, noted in memory with the ids that clients were told until a job writes it down
//! every second. Noting does no IO, so a flood of refusals costs no write each.

use larder_metadata::denied::{DeniedCount, DeniedRequest};
use larder_metadata::{Error, Metadata};
use larder_model::{Permission, Problem, Ruling, Timestamp, hex};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Requests of one caller that are told apart in a minute, and of all callers in memory. What is
/// beyond has no id.
const MAX_OF_CALLER: u32 = 100;
const MAX_NOTED: usize = 5000;
/// Characters of a text, which clients may have chosen.
const MAX_TEXT: usize = 512;
/// Bytes of an id, all of them random.
const ID: usize = 16;
/// In microseconds.
const MINUTE: i64 = 60_000_000;

/// What a refused request was about.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// What it had to be allowed.
    pub permission: Option<&'a Permission>,
    /// The version, tag or digest.
    pub reference: Option<&'a str>,
}

/// Refused requests that are not written yet, and those of this minute that are.
#[derive(Debug, Default)]
pub struct Denied {
    noted: Mutex<Noted>,
    /// One writes at a time, so that each is counted once.
    writing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Noted {
    requests: HashMap<Like, DeniedCount>,
    of_callers: HashMap<Caller, u32>,
    /// The minute of which callers are counted.
    minute: i64,
}

/// Who asked. Of those who show no credentials, the address tells them apart.
type Caller = (Box<str>, Option<Box<str>>);

/// What is alike in requests that share an id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Like {
    minute: i64,
    caller: Caller,
    repository: Box<str>,
    package: Box<str>,
    rule: &'static str,
}

impl Like {
    fn of(request: &DeniedRequest, at: Timestamp) -> Self {
        let has_name = request.actor.contains(':');
        let address = (!has_name).then(|| request.address.clone());
        Self {
            minute: at.0.div_euclid(MINUTE),
            caller: (request.actor.clone(), address),
            repository: request.repository.clone(),
            package: request.package.clone(),
            rule: request.rule.word(),
        }
    }
}

/// A text, cut off where it is too long.
fn cut(text: &str) -> Box<str> {
    let end = text.char_indices().nth(MAX_TEXT).map(|(end, _)| end);
    text[..end.unwrap_or(text.len())].into()
}

/// 128 random bits; `None`: the system has none.
fn new_id() -> Option<Box<str>> {
    let mut bits = [0; ID];
    getrandom::fill(&mut bits).ok()?;
    Some(hex::encode(&bits).into())
}

impl Asked<'_> {
    /// What is kept of a refusal, but for who asked and when; `None`: it is about no repository.
    pub(crate) fn denied(&self, problem: &Problem, ruling: &Ruling) -> Option<DeniedRequest> {
        let asked = self.permission;
        let own = ruling.repository.as_deref().map(cut);
        let repository = own.or_else(|| asked.map(|asked| asked.repository().into()))?;
        let package = ruling.package.as_deref();
        let package = package.or_else(|| asked.and_then(|asked| asked.package.as_deref()));
        let verb = ruling.verb.or_else(|| asked.map(|asked| asked.verb));
        Some(DeniedRequest {
            seq: 0,
            id: Box::default(),
            last_at: Timestamp(0),
            count: 0,
            actor: Box::default(),
            address: Box::default(),
            verb: verb.map_or("", |verb| verb.word()).into(),
            repository,
            package: cut(package.unwrap_or_default()),
            reference: cut(self.reference.unwrap_or_default()),
            rule: ruling.rule,
            detail: cut(&problem.detail),
            status: problem.kind.status(),
        })
    }
}

impl Denied {
    /// Notes a request that was refused at its `last_at`; `seq` makes its place if there is none of the
    /// like in that minute. Its id.
    pub(crate) fn note(
        &self,
        request: DeniedRequest,
        seq: impl FnOnce() -> i64,
    ) -> Option<Box<str>> {
        let at = request.last_at;
        let like = Like::of(&request, at);
        let mut noted = self.noted();
        if let Some(known) = noted.requests.get_mut(&like) {
            known.waiting += 1;
            known.request.count += 1;
            known.request.last_at = known.request.last_at.max(at);
            return Some(known.request.id.clone());
        }
        if noted.requests.len() >= MAX_NOTED || !noted.counts_new(&like) {
            return None;
        }
        let id = new_id()?;
        let request = DeniedRequest {
            seq: seq(),
            id: id.clone(),
            count: 1,
            ..request
        };
        let count = DeniedCount {
            request,
            waiting: 1,
        };
        noted.requests.insert(like, count);
        Some(id)
    }

    /// A request that is in memory.
    pub(crate) fn find(&self, id: &str) -> Option<DeniedRequest> {
        let noted = self.noted();
        let mut all = noted.requests.values();
        let found = all.find(|count| *count.request.id == *id)?;
        Some(found.request.clone())
    }

    pub(crate) async fn flush(&self, metadata: &Metadata) -> Result<(), Error> {
        let writing = self.writing.lock().await;
        let mut taken = self.noted().take(metadata.now());
        let written = metadata.write_denied(&mut taken).await;
        self.noted().put_back(&taken);
        drop(writing);
        written
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Noted {
    /// Counts a new request of a caller; whether it may have one more.
    fn counts_new(&mut self, like: &Like) -> bool {
        if self.minute != like.minute {
            self.minute = like.minute;
            self.of_callers.clear();
        }
        let count = self.of_callers.entry(like.caller.clone()).or_default();
        let has_room = *count < MAX_OF_CALLER;
        *count += u32::from(has_room);
        has_room
    }

    /// What is to be written, the oldest first. What is written and of a minute that is past is
    /// forgotten.
    fn take(&mut self, now: Timestamp) -> Vec<DeniedCount> {
        let minute = now.0.div_euclid(MINUTE);
        self.requests
            .retain(|like, count| count.waiting > 0 || like.minute == minute);
        let waiting = self.requests.values_mut().filter(|it| it.waiting > 0);
        let take = |count: &mut DeniedCount| {
            let taken = count.clone();
            count.waiting = 0;
            taken
        };
        let mut taken: Vec<DeniedCount> = waiting.map(take).collect();
        taken.sort_unstable_by_key(|count| count.request.seq);
        taken
    }

    /// Counts again what could not be written.
    fn put_back(&mut self, taken: &[DeniedCount]) {
        let failed = taken.iter().filter(|count| count.waiting > 0);
        let failed: HashMap<&str, u64> = failed
            .map(|count| (&*count.request.id, count.waiting))
            .collect();
        if failed.is_empty() {
            return;
        }
        for known in self.requests.values_mut() {
            let waiting = failed.get(&*known.request.id);
            known.waiting += waiting.copied().unwrap_or_default();
        }
    }
}

/// Whether a text has the form of an id.
pub fn is_id(text: &str) -> bool {
    hex::decode_into(text, &mut [0; ID]).is_some()
}

/// Where a client reads more of a refusal; `base`: where it sees us.
pub fn address_of(base: &str, id: &str) -> String {
    format!("{base}/why/{id}")
}

#[cfg(test)]
mod tests;
