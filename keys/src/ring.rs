//! The server's keys: the newest signs and closes, all open what was closed by them. What was signed
//! by an older one is believed for a day after it was retired: no longer, for a key is retired because
//! somebody may have it.

use larder_model::{Timestamp, hex};
use std::time::Duration;

/// So long what a retired key signed is believed.
const BELIEVED: Duration = Duration::from_hours(24);

/// Bytes of a key.
const BYTES: usize = 32;

/// A key.
pub type Key = [u8; BYTES];

/// Keys, as a file has them: one a line in hex, the newest first, the others with the time at which
/// they were retired.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyRing {
    newest: Key,
    older: Vec<(Key, Timestamp)>,
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} keys", self.older.len() + 1)
    }
}

impl KeyRing {
    /// A ring of one key.
    pub const fn of(key: Key) -> Self {
        Self {
            newest: key,
            older: Vec::new(),
        }
    }

    /// The keys of a file; `None` if it has none, or a line that is none.
    pub fn read(text: &str) -> Option<Self> {
        let key = |hex: &str| {
            let mut key = [0; BYTES];
            hex::decode_into(hex, &mut key).map(|()| key)
        };
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let newest = key(lines.next()?)?;
        let older = lines.map(|line| {
            let (hex, retired) = line.split_once(' ')?;
            Some((key(hex)?, retired.trim().parse().ok()?))
        });
        Some(Self {
            newest,
            older: older.collect::<Option<_>>()?,
        })
    }

    /// As a file has them.
    pub fn write(&self) -> String {
        let older = self.older.iter();
        let older = older.map(|(key, retired)| format!("{} {retired}\n", hex::encode(key)));
        [format!("{}\n", hex::encode(&self.newest))]
            .into_iter()
            .chain(older)
            .collect()
    }

    /// The same after a new key: the newest is retired now.
    #[must_use]
    pub fn rotated(&self, key: Key, now: Timestamp) -> Self {
        let retired = [(self.newest, now)].into_iter();
        Self {
            newest: key,
            older: retired.chain(self.older.iter().copied()).collect(),
        }
    }

    /// The same without keys of which nothing is believed any more.
    #[must_use]
    pub fn without_past(&self, now: Timestamp) -> Self {
        let is_believed = |(_, retired): &&(Key, Timestamp)| retired.after(BELIEVED) > now;
        Self {
            newest: self.newest,
            older: self.older.iter().filter(is_believed).copied().collect(),
        }
    }

    /// The key that signs and closes.
    pub const fn newest(&self) -> &Key {
        &self.newest
    }

    /// All keys, the newest first.
    pub fn all(&self) -> impl Iterator<Item = &Key> {
        let older = self.older.iter().map(|(key, _)| key);
        [&self.newest].into_iter().chain(older)
    }
}

#[cfg(test)]
mod tests;
