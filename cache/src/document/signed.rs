//! Documents that are signed: whether a key signed them that the operator trusts, and whether they are
//! older than what is kept.

use larder_keys::TrustedKeys;
use larder_mirrors::Document;
use larder_mirrors::protocol::{Sets, Signature};
use larder_model::{Kind, Problem, Timestamp};

/// Fails unless a trusted key signed a document that is to be signed. What signs it is in it, or among
/// `all` that came together.
pub(super) fn require_signed(
    sets: &dyn Sets,
    trusted: &TrustedKeys,
    (document, body): (&Document, &[u8]),
    all: &[(&Document, &[u8])],
    now: Timestamp,
) -> Result<(), Problem> {
    let path = &document.path;
    let told = match sets.signature(document) {
        Signature::None => return Ok(()),
        Signature::Within => {
            let (text, signature) = sets
                .split_signed(body)
                .ok_or_else(|| untrusted(path, trusted, &"it is not signed"))?;
            trusted.require_text(&text, &signature, now)
        }
        Signature::By(other) => {
            let mut by = all.iter().filter(|(known, _)| **known == other);
            let Some((_, signature)) = by.next() else {
                return Err(untrusted(path, trusted, &"it has no signature"));
            };
            let signature = String::from_utf8_lossy(signature);
            trusted.require_document(body, &signature, now)
        }
    };
    told.map_err(|why| untrusted(path, trusted, &why))
}

/// The upstream sent what nobody who is trusted has signed.
fn untrusted(path: &str, trusted: &TrustedKeys, why: &dyn std::fmt::Display) -> Problem {
    let keys = trusted.fingerprints().join(", ");
    let detail = format!(
        "the upstream's {path} is not taken: {why}; the mirror trusts {keys} (the setting \
         `trusted_keys` of its upstream)"
    );
    Problem::new(Kind::Upstream, "upstream", detail)
}
