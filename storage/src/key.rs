//! Where the bytes of a blob lie.

use larder_model::{Algorithm, Digest, Timestamp, hex};
use std::fmt;

/// The key of one stored object: a digest and a generation.
///
/// Every commit makes a generation of its own, so a delete that is slow to arrive can never hit
/// bytes that were uploaded again. No text of a client ever reaches a key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ObjectKey {
    /// The digest of the bytes.
    pub digest: Digest,
    /// The generation, unique per commit.
    pub generation: i64,
}

/// An object as the store tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredObject {
    /// Where it is.
    pub key: ObjectKey,
    /// Its size in bytes.
    pub size: u64,
    /// When it got its key, or its bytes, whichever was later.
    pub changed_at: Timestamp,
}

impl ObjectKey {
    /// `<algorithm>/<first two hex digits>`: the folder below `blobs/`.
    pub fn folder(&self) -> String {
        format!(
            "{}/{}",
            self.digest.algorithm().name(),
            &self.digest.hex()[..2]
        )
    }

    /// The folder of digests that begin with this byte.
    pub(crate) fn folder_of(algorithm: Algorithm, first: u8) -> String {
        format!("{}/{first:02x}", algorithm.name())
    }

    /// `<hex>.<generation>`: the name in the folder.
    pub fn file(&self) -> String {
        format!("{}.{:x}", self.digest.hex(), self.generation)
    }

    /// Reads a key back from its path below `blobs/`; `None` for what no commit wrote.
    pub fn parse(path: &str) -> Option<Self> {
        let mut parts = path.split('/');
        let (algorithm, fan, file) = (parts.next()?, parts.next()?, parts.next()?);
        let (encoded, generation) = file.split_once('.')?;
        let digest = format!("{algorithm}:{encoded}").parse().ok()?;
        let generation = i64::from_str_radix(generation, 16).ok()?;
        let key = Self { digest, generation };
        (parts.next().is_none() && fan == hex::encode(&digest.bytes()[..1]) && key.file() == file)
            .then_some(key)
    }
}

/// Its path below `blobs/`: folder and name.
impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (algorithm, text) = (self.digest.algorithm().name(), self.digest.text());
        let hex = text.hex();
        write!(f, "{algorithm}/{}/{hex}.{:x}", &hex[..2], self.generation)
    }
}

#[cfg(test)]
mod tests;
