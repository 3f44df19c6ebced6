//! The digests and sizes in an rpm, which are checked against its bytes.

use super::header::{Front, bad};
use crate::publishing::Body;
use larder_model::{Algorithm, Digest, Hasher, Problem, hex};
use md5::Md5;
use sha1::{Digest as _, Sha1};
use std::io::Read;

/// Bytes that are hashed at once.
const PIECE_BYTES: usize = 256 << 10;
/// Tags of the header: the payload's digests, and their algorithm (RFC 9580, 9.5).
const PAYLOAD_DIGEST: u32 = 5092;
const PAYLOAD_ALGORITHM: u32 = 5093;
/// Tags of the signature header: the size of the unpacked payload in 32 or 64 bits.
pub(super) const ARCHIVE_SIZE: [u32; 2] = [1007, 271];

/// Tags of the signature header.
mod tag {
    pub(super) const LONG_SIZE: u32 = 270;
    pub(super) const SHA1: u32 = 269;
    pub(super) const SHA256: u32 = 273;
    pub(super) const SIZE: u32 = 1000;
    pub(super) const MD5: u32 = 1004;
}

/// The problem of a part with another digest.
fn mismatch(what: &str) -> Problem {
    bad(&format!(
        "its {what} does not have the digest that it states"
    ))
}

/// Checks the digest of the header, if the signature header has one.
pub(super) fn check_header(front: &Front) -> Result<(), Problem> {
    let (signature, bytes) = (&front.signature, &front.header.bytes);
    let agrees = if signature.has(tag::SHA256) {
        signature
            .text(tag::SHA256)?
            .eq_ignore_ascii_case(&Digest::of(Algorithm::Sha256, bytes).hex())
    } else if signature.has(tag::SHA1) {
        signature
            .text(tag::SHA1)?
            .eq_ignore_ascii_case(&hex::encode(&Sha1::digest(bytes)))
    } else {
        true
    };
    if agrees {
        Ok(())
    } else {
        Err(mismatch("header"))
    }
}

/// The digest of the payload that an rpm states.
enum PayloadDigest {
    Digest(Algorithm, String),
    /// MD5 of header and payload: old packages have no other.
    Md5(Vec<u8>),
    Missing,
}

/// The strongest digest of the payload that this server can compute.
fn payload_digest(front: &Front) -> Result<PayloadDigest, Problem> {
    let digests = front.header.texts(PAYLOAD_DIGEST)?;
    if let Some(digest) = digests.into_iter().next() {
        // RFC 9580, 9.5.
        match front.header.number(PAYLOAD_ALGORITHM)?.unwrap_or(8) {
            8 => return Ok(PayloadDigest::Digest(Algorithm::Sha256, digest)),
            10 => return Ok(PayloadDigest::Digest(Algorithm::Sha512, digest)),
            _ => {}
        }
    }
    Ok(front
        .signature
        .binary(tag::MD5)?
        .map_or(PayloadDigest::Missing, |digest| {
            PayloadDigest::Md5(digest.to_owned())
        }))
}

/// Reads the whole file and checks the digest of the payload. Returns the file's digest and size.
pub(super) fn check_payload(front: &Front, body: &mut dyn Body) -> Result<(Digest, u64), Problem> {
    let declared = payload_digest(front)?;
    let mut payload = match &declared {
        PayloadDigest::Digest(algorithm, _) => Some(Hasher::new(*algorithm)),
        _ => None,
    };
    let mut md5 = matches!(declared, PayloadDigest::Md5(_))
        .then(|| Md5::new_with_prefix(&front.header.bytes));
    let mut whole = Hasher::new(Algorithm::Sha256);
    // Lead, signature header and header.
    body.rewind().map_err(Problem::internal)?;
    each(&mut (&mut *body).take(front.range.1), |bytes| {
        whole.update(bytes);
    })?;
    // The payload.
    let mut size = front.range.1;
    each(body, |bytes| {
        size += bytes.len() as u64;
        whole.update(bytes);
        if let Some(payload) = &mut payload {
            payload.update(bytes);
        }
        if let Some(md5) = &mut md5 {
            md5.update(bytes);
        }
    })?;
    // Compare the size and the digest.
    let declared_size = front.signature.first_number([tag::SIZE, tag::LONG_SIZE])?;
    if declared_size.is_some_and(|declared| declared != size - front.range.0) {
        return Err(bad("its size is not the one in its signature header"));
    }
    let agrees = match &declared {
        PayloadDigest::Digest(_, hex) => {
            payload.is_none_or(|payload| payload.finish().hex().eq_ignore_ascii_case(hex))
        }
        PayloadDigest::Md5(digest) => md5.is_none_or(|md5| md5.finalize()[..] == digest[..]),
        PayloadDigest::Missing => true,
    };
    if agrees {
        Ok((whole.finish(), size))
    } else {
        Err(mismatch("payload"))
    }
}

/// Passes the remaining bytes to a function, a piece at a time.
fn each(from: &mut dyn Read, mut take: impl FnMut(&[u8])) -> Result<(), Problem> {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match from.read(&mut piece).map_err(Problem::internal)? {
            0 => return Ok(()),
            count => take(&piece[..count]),
        }
    }
}
