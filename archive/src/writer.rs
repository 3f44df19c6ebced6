//! Makes the bytes of a backup.

use crate::header::{self, BLOCK, padding_bytes};
use crate::sums::Sums;
use crate::{Fault, PartName};
use larder_model::{Algorithm, Digest, Timestamp};

static ZEROS: [u8; BLOCK] = [0; BLOCK];

/// The zeros that follow a part of so many bytes.
pub fn padding(size: u64) -> &'static [u8] {
    &ZEROS[..padding_bytes(size)]
}

/// Makes the bytes of a backup, part after part. The first is the manifest.
#[derive(Clone)]
pub struct Writer {
    time: u64,
    sums: Sums,
}

impl Writer {
    /// A writer for a backup of that moment.
    pub fn new(created_at: Timestamp) -> Self {
        Self {
            time: second(created_at),
            sums: Sums::default(),
        }
    }

    /// A part that is no blob, with its frame.
    pub fn part(&mut self, name: &PartName, content: &[u8]) -> Vec<u8> {
        let size = content.len() as u64;
        let digest = Digest::of(Algorithm::Sha256, content);
        self.sums.part(name, size, digest);
        framed(name, content, self.time)
    }

    /// Parts that stand before all that were made so far: what they tell is known only when those
    /// are made.
    pub fn first(&mut self, parts: &[(PartName, Vec<u8>)]) -> Vec<u8> {
        let mut before = Self {
            time: self.time,
            sums: Sums::default(),
        };
        let framed = parts
            .iter()
            .map(|(name, content)| before.part(name, content));
        let bytes = framed.collect::<Vec<_>>().concat();
        self.sums.follow(before.sums);
        bytes
    }

    /// What stands before the bytes of a blob; after them stands [`padding`]. Blobs come in the
    /// order of their digests.
    pub fn blob(&mut self, digest: &Digest, size: u64) -> [u8; BLOCK] {
        self.sums.blob(digest, size);
        header::write(&PartName::Blob(*digest), size, self.time)
    }

    /// How many bytes a blob takes with its frame.
    pub fn blob_bytes(size: u64) -> u64 {
        BLOCK as u64 + size + padding_bytes(size) as u64
    }

    /// The last part and the end of the file.
    pub fn finish(self) -> Result<Vec<u8>, Fault> {
        let mut end = framed(&PartName::Sums, &self.sums.written()?, self.time);
        end.extend_from_slice(&ZEROS);
        end.extend_from_slice(&ZEROS);
        Ok(end)
    }
}

fn framed(name: &PartName, content: &[u8], time: u64) -> Vec<u8> {
    let size = content.len() as u64;
    let padding = padding(size);
    let mut bytes = Vec::with_capacity(BLOCK + content.len() + padding.len());
    bytes.extend_from_slice(&header::write(name, size, time));
    bytes.extend_from_slice(content);
    bytes.extend_from_slice(padding);
    bytes
}

/// The second in which a backup was made, as its headers tell it.
pub(crate) fn second(at: Timestamp) -> u64 {
    u64::try_from(at.seconds()).unwrap_or_default()
}
