//! The digests of all parts: the last part.

use crate::{Fault, PartName};
use larder_model::{Algorithm, Digest, Hasher};
use serde::{Deserialize, Serialize};

/// A part that stands in the list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sum {
    name: String,
    size: u64,
    digest: String,
}

/// The last part. Blobs have their digest in their name; of them all there is one digest over their
/// names and sizes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    parts: Vec<Sum>,
    blobs: Blobs,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Blobs {
    count: u64,
    bytes: u64,
    digest: String,
}

/// What the parts so far come to.
#[derive(Clone)]
pub(crate) struct Sums {
    parts: Vec<Sum>,
    blobs: u64,
    blob_bytes: u64,
    list: Hasher,
}

impl Default for Sums {
    fn default() -> Self {
        Self {
            parts: Vec::new(),
            blobs: 0,
            blob_bytes: 0,
            list: Hasher::new(Algorithm::Sha256),
        }
    }
}

impl Sums {
    /// Takes in a part that is no blob.
    pub(crate) fn part(&mut self, name: &PartName, size: u64, digest: Digest) {
        self.parts.push(Sum {
            name: name.to_string(),
            size,
            digest: digest.to_string(),
        });
    }

    /// Puts the parts of others, which are no blobs, before its own.
    pub(crate) fn follow(&mut self, others: Self) {
        self.parts.splice(0..0, others.parts);
    }

    /// Takes in a blob.
    pub(crate) fn blob(&mut self, digest: &Digest, size: u64) {
        self.blobs += 1;
        self.blob_bytes = self.blob_bytes.saturating_add(size);
        self.list.update(format!("{digest} {size}\n").as_bytes());
    }

    /// Blobs, and their bytes.
    pub(crate) const fn blobs(&self) -> (u64, u64) {
        (self.blobs, self.blob_bytes)
    }

    /// The bytes of the last part.
    pub(crate) fn written(&self) -> Result<Vec<u8>, Fault> {
        let written = Written {
            parts: self.parts.clone(),
            blobs: Blobs {
                count: self.blobs,
                bytes: self.blob_bytes,
                digest: self.list.clone().finish().to_string(),
            },
        };
        let unwritten = |error: serde_json::Error| Fault::Io(error.into());
        let mut text = serde_json::to_vec(&written).map_err(unwritten)?;
        text.push(b'\n');
        Ok(text)
    }

    /// Compares with the last part of a file; a fault that names what is not the same.
    pub(crate) fn compare(&self, found: &[u8]) -> Result<(), Fault> {
        if self.written()? == found {
            return Ok(());
        }
        let told: Option<Written> = serde_json::from_slice(found).ok();
        let Some(told) = told else {
            return Err(Fault::damaged("sums.json cannot be understood"));
        };
        let differs = |(is, told): &(&Sum, &Sum)| is != told;
        if let Some((is, told)) = self.parts.iter().zip(&told.parts).find(differs) {
            let (is, told) = (&is.name, &told.name);
            return Err(Fault::damaged(if is == told {
                format!("{is} is not what it was when the backup was written")
            } else {
                format!("{told} is missing, or parts have changed places: {is} stands there")
            }));
        }
        Err(Fault::damaged(
            "its parts are not those that sums.json lists: some are missing, or come from elsewhere",
        ))
    }
}
