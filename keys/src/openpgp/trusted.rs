//! Keys that an operator trusts, and whether one of them signed a document (RFC 9580, 5.2: version 4
//! signatures by RSA and Ed25519, over SHA-256 and longer).
//!
//! What a block says of its keys is the word of whoever put it there: its own signatures are read for
//! when the keys expire, and are not checked.

use super::packets::{Bytes, packets};
use super::{
    BINARY, PUBLIC_KEY, PUBLIC_SUBKEY, SIGNATURE, TEXT, armor, fingerprint, statement,
    subpacket_kind,
};
use aws_lc_rs::digest::{SHA256, SHA384, SHA512, digest};
use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    UnparsedPublicKey,
};
use larder_model::{Problem, Timestamp, hex};
use std::fmt;

/// The longest text of keys.
const MAX_BYTES: usize = 512 << 10;
const MAX_KEYS: usize = 500;
const BLOCK: &str = "PGP PUBLIC KEY BLOCK";
const EDDSA: u8 = 22;
const ED25519_NATIVE: u8 = 27;
/// The curve Ed25519 in keys of the first of these.
const CURVE: [u8; 9] = [0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01];
const SIGNATURE_LIFE: u8 = 3;

/// Public keys that vouch for documents.
#[derive(Debug)]
pub struct TrustedKeys(Vec<TrustedKey>);

#[derive(Debug)]
struct TrustedKey {
    fingerprint: [u8; 20],
    primary: bool,
    public: Public,
    made: usize,
    /// Seconds; zero: for ever.
    life: usize,
    revoked: bool,
}

#[derive(Debug)]
enum Public {
    Rsa(Vec<u8>, Vec<u8>),
    Ed25519(Vec<u8>),
    /// Of another kind, which signs nothing here.
    Other,
}

/// Why a document is not taken for signed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Untrusted {
    /// There is no signature that can be read.
    Unsigned,
    /// By other keys than the trusted ones.
    OtherKeys(Vec<String>),
    /// By a trusted key that has expired, or was revoked.
    Expired(String),
    /// By a trusted key, over something else.
    Wrong(String),
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsigned => f.write_str("it has no signature that can be read"),
            Self::OtherKeys(keys) => {
                let keys = keys.join(", ");
                write!(
                    f,
                    "it is signed by another key than those that are trusted: {keys}"
                )
            }
            Self::Expired(key) => {
                write!(f, "the key that signs it has expired or was revoked: {key}")
            }
            Self::Wrong(key) => write!(f, "its signature by {key} is over something else"),
        }
    }
}

impl std::error::Error for Untrusted {}

fn bad(why: &str) -> Problem {
    Problem::invalid("trusted_keys", format!("`trusted_keys` {why}"))
}

impl TrustedKeys {
    /// Reads armored public keys, as `gpg --armor --export` writes them; any number of blocks.
    pub fn read(text: &str) -> Result<Self, Problem> {
        if text.len() > MAX_BYTES {
            return Err(bad("has more than 512 KiB"));
        }
        if text.contains("PRIVATE KEY BLOCK") {
            return Err(bad("has a secret key: export the public one"));
        }
        let mut keys = Vec::new();
        let mut rest = text;
        let end = format!("-----END {BLOCK}-----");
        while let Some((block, after)) = rest.split_once(&end) {
            let block = format!("{block}{end}");
            let bytes = armor::read(&block, BLOCK);
            let bytes = bytes.ok_or_else(|| bad("has a block that cannot be read"))?;
            read_keys(&bytes, &mut keys).ok_or_else(|| bad("has a block that is no keys"))?;
            rest = after;
        }
        if keys.len() > MAX_KEYS {
            return Err(bad("has more than 500 keys"));
        }
        if !keys.iter().any(|key| !matches!(key.public, Public::Other)) {
            return Err(bad(
                "has no armored public key of RSA or Ed25519: gpg --armor --export NAME",
            ));
        }
        Ok(Self(keys))
    }

    /// Armors keys as keyrings have them; text that is armored stays as it is. `None` if it is neither.
    pub fn armored(bytes: &[u8]) -> Option<String> {
        if let Ok(text) = std::str::from_utf8(bytes)
            && text.contains(&format!("-----BEGIN {BLOCK}-----"))
        {
            return Some(text.to_owned());
        }
        read_keys(bytes, &mut Vec::new())?;
        Some(armor::write(bytes, BLOCK))
    }

    /// The fingerprints of the primary keys, in hex.
    pub fn fingerprints(&self) -> Vec<String> {
        let primary = self.0.iter().filter(|key| key.primary);
        primary.map(TrustedKey::name).collect()
    }

    /// Whether one of the keys signed a text, by a signature that was in it.
    pub fn require_text(
        &self,
        text: &str,
        signature: &str,
        now: Timestamp,
    ) -> Result<(), Untrusted> {
        // Spaces at the ends of lines, and the end of the last line, are not signed.
        let lines = text.strip_suffix('\n').unwrap_or(text).split('\n');
        let lines: Vec<&str> = lines
            .map(|line| line.trim_end_matches([' ', '\t', '\r']))
            .collect();
        let canonical = lines.join("\r\n");
        self.require(signature, now, |kind| {
            (kind == TEXT).then(|| canonical.clone().into_bytes())
        })
    }

    /// Whether one of the keys signed a document, by a signature that is beside it.
    pub fn require_document(
        &self,
        document: &[u8],
        signature: &str,
        now: Timestamp,
    ) -> Result<(), Untrusted> {
        self.require(signature, now, |kind| match kind {
            BINARY => Some(document.to_vec()),
            TEXT => {
                let text = String::from_utf8_lossy(document);
                Some(
                    text.replace("\r\n", "\n")
                        .replace('\n', "\r\n")
                        .into_bytes(),
                )
            }
            _ => None,
        })
    }

    fn require(
        &self,
        signature: &str,
        now: Timestamp,
        message: impl Fn(u8) -> Option<Vec<u8>>,
    ) -> Result<(), Untrusted> {
        let bytes = armor::read(signature, "PGP SIGNATURE").ok_or(Untrusted::Unsigned)?;
        let all = packets(&bytes).ok_or(Untrusted::Unsigned)?;
        let (mut others, mut worst) = (Vec::new(), None);
        for (_, body) in all.iter().filter(|(tag, _)| *tag == SIGNATURE) {
            let Some(made) = Signature::read(body) else {
                continue;
            };
            let Some(key) = self.0.iter().find(|key| made.is_by(&key.fingerprint)) else {
                others.push(made.issuer());
                continue;
            };
            if key.is_past(now) || made.is_past(now) {
                worst = Some(Untrusted::Expired(key.name()));
                continue;
            }
            let agrees = message(made.kind).and_then(|message| made.agrees(key, message));
            match agrees {
                Some(()) => return Ok(()),
                None => worst = Some(Untrusted::Wrong(key.name())),
            }
        }
        Err(match worst {
            Some(worst) => worst,
            None if others.is_empty() => Untrusted::Unsigned,
            None => Untrusted::OtherKeys(others),
        })
    }
}

impl TrustedKey {
    fn name(&self) -> String {
        hex::encode(&self.fingerprint).to_uppercase()
    }

    fn is_past(&self, now: Timestamp) -> bool {
        let end = i64::try_from(self.made.saturating_add(self.life)).unwrap_or(i64::MAX);
        self.revoked || (self.life != 0 && end <= now.seconds())
    }
}

/// Reads keys and subkeys out of packets, with when they expire; `None` if they are none.
fn read_keys(bytes: &[u8], keys: &mut Vec<TrustedKey>) -> Option<()> {
    let all = packets(bytes)?;
    matches!(all.first(), Some((PUBLIC_KEY, _))).then_some(())?;
    let mut owner = None;
    for (tag, body) in all {
        match tag {
            PUBLIC_KEY | PUBLIC_SUBKEY => {
                let own = fingerprint(body);
                if tag == PUBLIC_KEY {
                    owner = Some(own);
                }
                keys.push(TrustedKey {
                    fingerprint: own,
                    primary: tag == PUBLIC_KEY,
                    made: Bytes(body.get(1..)?).number(4)?,
                    public: public(body).unwrap_or(Public::Other),
                    life: 0,
                    revoked: false,
                });
            }
            SIGNATURE => {
                if let (Some(key), Some(owner)) = (keys.last_mut(), owner) {
                    hear(key, body, &owner);
                }
            }
            _ => {}
        }
    }
    Some(())
}

/// Takes note of what its owner says of a key.
fn hear(key: &mut TrustedKey, body: &[u8], owner: &[u8; 20]) -> Option<()> {
    Signature::read(body)?.is_by(owner).then_some(())?;
    let (kind, told) = statement(body)?;
    match (kind, key.primary) {
        (0x10..=0x13 | 0x1f, true) | (0x18, false) => {
            let life = told
                .iter()
                .find(|(kind, _)| *kind == subpacket_kind::KEY_LIFE)
                .and_then(|(_, body)| Bytes(body).number(4));
            // What was said later is longer, or the key was renewed in vain.
            key.life = match life {
                Some(life) if key.life == 0 || life > key.life => life,
                _ => key.life,
            };
        }
        (0x20, true) | (0x28, false) => key.revoked = true,
        _ => {}
    }
    Some(())
}

fn public(body: &[u8]) -> Option<Public> {
    let mut rest = Bytes(body);
    (rest.byte()? == 4).then_some(())?;
    rest.take(4)?; // when it was made
    match rest.byte()? {
        1 | 3 => {
            let (modulus, exponent) = (rest.mpi()?, rest.mpi()?);
            (modulus.len() >= 256).then(|| Public::Rsa(modulus.to_vec(), exponent.to_vec()))
        }
        EDDSA => {
            let length = rest.number(1)?;
            (rest.take(length)? == CURVE).then_some(())?;
            let (first, point) = rest.mpi()?.split_first()?;
            (*first == 0x40 && point.len() == 32).then(|| Public::Ed25519(point.to_vec()))
        }
        ED25519_NATIVE => Some(Public::Ed25519(rest.take(32)?.to_vec())),
        _ => None,
    }
}

/// A signature over a document, as it is written.
struct Signature<'a> {
    kind: u8,
    hash: u8,
    /// What of it is signed, too.
    head: &'a [u8],
    told: Vec<super::Subpacket<'a>>,
    algorithm: u8,
    numbers: Bytes<'a>,
}

impl<'a> Signature<'a> {
    fn read(body: &'a [u8]) -> Option<Self> {
        let mut rest = Bytes(body);
        (rest.byte()? == 4).then_some(())?;
        let (kind, algorithm, hash) = (rest.byte()?, rest.byte()?, rest.byte()?);
        let hashed = rest.number(2)?;
        rest.take(hashed)?;
        let head = body.get(..6 + hashed)?;
        let unhashed = rest.number(2)?;
        rest.take(unhashed)?;
        rest.take(2)?; // the first bytes of the hash
        let (_, told) = statement(body)?;
        Some(Self {
            kind,
            hash,
            head,
            told,
            algorithm,
            numbers: rest,
        })
    }

    fn told(&self, wanted: u8) -> Option<&'a [u8]> {
        let mut told = self.told.iter();
        told.find(|(kind, _)| *kind == wanted)
            .map(|(_, body)| *body)
    }

    fn is_by(&self, fingerprint: &[u8; 20]) -> bool {
        if let Some(issuer) = self.told(subpacket_kind::ISSUER_FINGERPRINT) {
            return issuer.get(1..) == Some(&fingerprint[..]);
        }
        let issuer = self.told(subpacket_kind::ISSUER);
        issuer.is_some_and(|issuer| *issuer == fingerprint[12..])
    }

    fn issuer(&self) -> String {
        let whole = self.told(subpacket_kind::ISSUER_FINGERPRINT);
        let issuer = whole
            .and_then(|issuer| issuer.get(1..))
            .or(self.told(subpacket_kind::ISSUER));
        hex::encode(issuer.unwrap_or_default()).to_uppercase()
    }

    fn is_past(&self, now: Timestamp) -> bool {
        let number = |kind| self.told(kind).and_then(|body| Bytes(body).number(4));
        let life = number(SIGNATURE_LIFE).unwrap_or_default();
        let end = number(subpacket_kind::MADE)
            .unwrap_or_default()
            .saturating_add(life);
        life != 0 && i64::try_from(end).unwrap_or(i64::MAX) <= now.seconds()
    }

    /// Whether a key made it over a message; `None` if not.
    fn agrees(&self, key: &TrustedKey, mut message: Vec<u8>) -> Option<()> {
        let length = u32::try_from(self.head.len()).ok()?.to_be_bytes();
        message.extend_from_slice(self.head);
        message.extend_from_slice(&[4, 0xff]);
        message.extend_from_slice(&length);
        let (rsa, hash) = match self.hash {
            8 => (&RSA_PKCS1_2048_8192_SHA256, &SHA256),
            9 => (&RSA_PKCS1_2048_8192_SHA384, &SHA384),
            10 => (&RSA_PKCS1_2048_8192_SHA512, &SHA512),
            _ => return None, // what is weaker proves nothing
        };
        let mut numbers = self.numbers;
        match &key.public {
            Public::Rsa(n, e) => {
                let signature = padded(numbers.mpi()?, n.len())?;
                let key = PublicKeyComponents { n, e };
                key.verify(rsa, &message, &signature).ok()
            }
            Public::Ed25519(point) => {
                let signature = if self.algorithm == ED25519_NATIVE {
                    numbers.take(64)?.to_vec()
                } else {
                    [padded(numbers.mpi()?, 32)?, padded(numbers.mpi()?, 32)?].concat()
                };
                let hash = digest(hash, &message);
                let key = UnparsedPublicKey::new(&ED25519, point);
                key.verify(hash.as_ref(), &signature).ok()
            }
            Public::Other => None,
        }
    }
}

/// A number with zeros before it, of so many bytes.
fn padded(number: &[u8], length: usize) -> Option<Vec<u8>> {
    let zeros = length.checked_sub(number.len())?;
    Some([&vec![0; zeros][..], number].concat())
}

#[cfg(test)]
mod tests;
