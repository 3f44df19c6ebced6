//! Sums of contents (golang.org/x/mod/sumdb/dirhash): a SHA-256 of the names and the SHA-256 of all
//! files, whatever holds them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use larder_model::{Algorithm, Digest, Hasher};

/// What a sum of this kind begins with.
const PREFIX: &str = "h1:";
/// The name of a `go.mod` in its own sum.
const GO_MOD: &str = "go.mod";

/// Sums files in the order of their names.
pub(super) struct Summing(Hasher);

impl Summing {
    /// No file yet.
    pub(super) fn new() -> Self {
        Self(Hasher::new(Algorithm::Sha256))
    }

    /// Adds a file with the SHA-256 of its content.
    pub(super) fn add(&mut self, name: &str, content: &Digest) {
        let line = format!("{}  {name}\n", content.hex());
        self.0.update(line.as_bytes());
    }

    /// The sum.
    pub(super) fn end(self) -> String {
        let sum = BASE64_STANDARD.encode(self.0.finish().bytes());
        format!("{PREFIX}{sum}")
    }
}

/// The sum of a `go.mod`.
pub(super) fn of_go_mod(body: &[u8]) -> String {
    let mut summing = Summing::new();
    summing.add(GO_MOD, &Digest::of(Algorithm::Sha256, body));
    summing.end()
}

/// Whether text is a sum.
pub(super) fn is_sum(text: &str) -> bool {
    let sum = text.strip_prefix(PREFIX);
    let bytes = sum.and_then(|sum| BASE64_STANDARD.decode(sum).ok());
    bytes.is_some_and(|bytes| bytes.len() == 32)
}
