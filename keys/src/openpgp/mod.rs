//! Signing with an `OpenPGP` key (RFC 9580, version 4 keys and signatures), and checking signatures by
//! keys that are trusted: no more of it than signed metadata of repositories needs.

mod armor;
mod packets;
mod secret;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use larder_model::{Problem, Timestamp, hex};
use packets::{Bytes, Packet, Subpacket, old_packet, packet, packets, subpacket, subpackets};
use secret::{Pair, Unfit, split};

/// The longest key, as text.
const MAX_BYTES: usize = 256 << 10;
const SECRET_KEY: u8 = 5;
const PUBLIC_KEY: u8 = 6;
const SECRET_SUBKEY: u8 = 7;
const PUBLIC_SUBKEY: u8 = 14;
const SIGNATURE: u8 = 2;
const USER_ID: u8 = 13;
const USER_ATTRIBUTE: u8 = 17;
/// Kinds of signatures: over bytes, over a text.
const BINARY: u8 = 0;
const TEXT: u8 = 1;
/// SHA-256, among hashes.
const HASH: u8 = 8;

/// Subpackets of signatures.
mod subpacket_kind {
    pub(super) const MADE: u8 = 2;
    pub(super) const KEY_LIFE: u8 = 9;
    pub(super) const ISSUER: u8 = 16;
    pub(super) const KEY_FLAGS: u8 = 27;
    pub(super) const ISSUER_FINGERPRINT: u8 = 33;
}

mod trusted;

pub use trusted::{TrustedKeys, Untrusted};

/// A secret key that signs.
#[derive(Debug)]
pub struct SigningKey {
    pair: Pair,
    fingerprint: [u8; 20],
    primary: [u8; 20],
    public: String,
}

/// A key of several, with what its owner says of it.
struct Candidate<'a> {
    body: &'a [u8],
    primary: bool,
    /// When the newest statement about it was made, and what that says: what it may do, how long it
    /// lives.
    told: Option<(usize, Option<u8>, usize)>,
    revoked: bool,
}

fn bad(why: &str) -> Problem {
    Problem::invalid("signing_key", format!("this key cannot sign: {why}"))
}

fn fingerprint(public: &[u8]) -> [u8; 20] {
    let length = u16::try_from(public.len())
        .unwrap_or(u16::MAX)
        .to_be_bytes();
    let whole = [&[0x99][..], &length, public].concat();
    let mut bytes = [0; 20];
    bytes.copy_from_slice(digest(&SHA1_FOR_LEGACY_USE_ONLY, &whole).as_ref());
    bytes
}

impl SigningKey {
    /// Reads an armored secret key that can sign at `now`, as `gpg --armor --export-secret-keys`
    /// writes it.
    pub fn read(text: &str, now: Timestamp) -> Result<Self, Problem> {
        if text.len() > MAX_BYTES {
            return Err(bad("it is too long"));
        }
        if text.contains("BEGIN PGP PUBLIC KEY BLOCK") {
            return Err(bad(
                "it is a public key; export the secret one: gpg --armor --export-secret-keys NAME",
            ));
        }
        let bytes = armor::read(text, "PGP PRIVATE KEY BLOCK").ok_or_else(|| {
            bad("it is no armored secret key: gpg --armor --export-secret-keys NAME")
        })?;
        let all = packets(&bytes).ok_or_else(|| bad("it is cut short, or no OpenPGP key"))?;
        let candidates = candidates(&all)?;
        let mut problem = bad("neither it nor a subkey of it is for signing");
        // A subkey for signing is there to spare the primary key.
        for candidate in candidates
            .iter()
            .rev()
            .filter(|candidate| candidate.may_sign())
        {
            match candidate.open(now) {
                Ok((pair, own)) => {
                    let primary = candidates.first().and_then(|first| split(first.body));
                    let (_, primary, _) =
                        primary.ok_or_else(|| bad("its primary key is not of version 4"))?;
                    let public = public_key(&all)
                        .ok_or_else(|| bad("it has parts that are not known here"))?;
                    return Ok(Self {
                        pair,
                        fingerprint: fingerprint(own),
                        primary: fingerprint(primary),
                        public,
                    });
                }
                Err(unfit) => problem = unfit,
            }
        }
        Err(problem)
    }

    /// The fingerprint of the whole key, in hex.
    pub fn fingerprint(&self) -> String {
        hex::encode(&self.primary).to_uppercase()
    }

    /// What checks its signatures, armored.
    pub fn public_key(&self) -> &str {
        &self.public
    }

    /// A detached signature over a binary document, armored.
    pub fn sign(&self, document: &[u8], now: Timestamp) -> Result<String, Problem> {
        self.signature(BINARY, document, now)
    }

    /// A text with a signature over it (RFC 9580, 7).
    pub fn sign_within(&self, text: &str, now: Timestamp) -> Result<String, Problem> {
        let plain = |line: &str| line.trim_end_matches([' ', '\t', '\r']).to_owned();
        let lines: Vec<String> = text.trim_end_matches('\n').split('\n').map(plain).collect();
        let signature = self.signature(TEXT, lines.join("\r\n").as_bytes(), now)?;
        let mut signed = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n".to_owned();
        for line in &lines {
            // What could be taken for a separator has a dash before it.
            signed.push_str(if line.starts_with('-') { "- " } else { "" });
            signed.push_str(line);
            signed.push('\n');
        }
        Ok(signed + &signature)
    }

    fn signature(&self, kind: u8, document: &[u8], now: Timestamp) -> Result<String, Problem> {
        let seconds = u32::try_from(now.seconds())
            .unwrap_or_default()
            .to_be_bytes();
        let issuer = [&[4][..], &self.fingerprint].concat();
        let hashed = [
            subpacket(subpacket_kind::ISSUER_FINGERPRINT, &issuer),
            subpacket(subpacket_kind::MADE, &seconds),
        ]
        .concat();
        let length = |bytes: &[u8]| u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes();
        let head = [
            &[4, kind, self.pair.algorithm(), HASH][..],
            &length(&hashed),
            &hashed,
        ]
        .concat();
        let trailer = u32::try_from(head.len()).unwrap_or(u32::MAX).to_be_bytes();
        let message = [document, &head, &[4, 0xff], &trailer].concat();
        let unhashed = subpacket(subpacket_kind::ISSUER, &self.fingerprint[12..]);
        let hash = digest(&SHA256, &message);
        let body = [
            &head[..],
            &length(&unhashed),
            &unhashed,
            &hash.as_ref()[..2],
            &self.pair.sign(&message)?,
        ]
        .concat();
        Ok(armor::write(&packet(SIGNATURE, &body), "PGP SIGNATURE"))
    }
}

/// The keys of a block; a problem if there is more than one primary key, or none.
fn candidates<'a>(all: &[Packet<'a>]) -> Result<Vec<Candidate<'a>>, Problem> {
    let mut keys: Vec<Candidate<'a>> = Vec::new();
    let mut primary = None;
    for (tag, body) in all {
        match *tag {
            SECRET_KEY if !keys.is_empty() => {
                return Err(bad("there is more than one key; export one alone"));
            }
            SECRET_KEY | SECRET_SUBKEY => {
                if *tag == SECRET_KEY {
                    primary = split(body).map(|(_, public, _)| fingerprint(public));
                }
                keys.push(Candidate {
                    body,
                    primary: *tag == SECRET_KEY,
                    told: None,
                    revoked: false,
                });
            }
            SIGNATURE => {
                if let (Some(key), Some(primary)) = (keys.last_mut(), primary) {
                    key.hear(body, &primary);
                }
            }
            _ => {}
        }
    }
    if keys.first().is_some_and(|key| key.primary) {
        Ok(keys)
    } else {
        Err(bad("it does not begin with a secret key"))
    }
}

impl<'a> Candidate<'a> {
    /// Takes note of a signature that follows the key, if its owner made it.
    fn hear(&mut self, body: &[u8], owner: &[u8; 20]) -> Option<()> {
        let (kind, all) = statement(body)?;
        let of = |wanted: u8| {
            all.iter()
                .find(|(kind, _)| *kind == wanted)
                .map(|(_, body)| *body)
        };
        let by_owner = match (
            of(subpacket_kind::ISSUER_FINGERPRINT),
            of(subpacket_kind::ISSUER),
        ) {
            (Some(issuer), _) => issuer.get(1..)? == owner,
            (None, Some(issuer)) => *issuer == owner[12..],
            (None, None) => false,
        };
        if !by_owner {
            return None;
        }
        let number = |kind: u8| {
            of(kind)
                .and_then(|body| Bytes(body).number(4))
                .unwrap_or_default()
        };
        match (kind, self.primary) {
            (0x10..=0x13 | 0x1f, true) | (0x18, false) => {
                let made = number(subpacket_kind::MADE);
                let flags = of(subpacket_kind::KEY_FLAGS)
                    .map(|flags| flags.first().copied().unwrap_or_default());
                if self.told.is_none_or(|(before, ..)| before <= made) {
                    self.told = Some((made, flags, number(subpacket_kind::KEY_LIFE)));
                }
            }
            (0x20, true) | (0x28, false) => self.revoked = true,
            _ => {}
        }
        Some(())
    }

    /// Whether its owner says that it signs. Of a primary key that nothing is said of it is taken
    /// for granted.
    fn may_sign(&self) -> bool {
        const SIGNS: u8 = 2;
        let flags = self.told.and_then(|(_, flags, _)| flags);
        !self.revoked && flags.map_or(self.primary, |flags| flags & SIGNS != 0)
    }

    fn open(&self, now: Timestamp) -> Result<(Pair, &'a [u8]), Problem> {
        let (algorithm, public, secret) = split(self.body)
            .ok_or_else(|| bad("it is of a kind that is not known here; RSA and Ed25519 are"))?;
        let pair = Pair::read(algorithm, public, secret).map_err(|unfit| match unfit {
            Unfit::Locked => {
                bad("it is protected by a passphrase, or its secret part is elsewhere; take the passphrase \
                                  off a copy of it (gpg --edit-key NAME passwd) and export that")
            }
            Unfit::Algorithm => bad("it is neither RSA of 2048 bits or more nor Ed25519"),
            Unfit::Broken => bad("it does not agree with itself"),
        })?;
        let made = Bytes(public.get(1..).unwrap_or_default())
            .number(4)
            .unwrap_or_default();
        let life = self.told.map_or(0, |(.., life)| life);
        if life != 0 && i64::try_from(made + life).unwrap_or(i64::MAX) <= now.seconds() {
            return Err(bad("it has expired"));
        }
        Ok((pair, public))
    }
}

/// The kind of a version 4 signature, and what it says.
fn statement(body: &[u8]) -> Option<(u8, Vec<Subpacket<'_>>)> {
    let mut rest = Bytes(body);
    let (version, kind) = (rest.byte()?, rest.byte()?);
    rest.take(2)?; // by which algorithms
    let length = rest.number(2)?;
    let mut all = subpackets(rest.take(length)?)?;
    let length = rest.number(2)?;
    all.extend(subpackets(rest.take(length)?)?);
    (version == 4).then_some((kind, all))
}

/// The same key without its secrets.
fn public_key(all: &[Packet<'_>]) -> Option<String> {
    let mut bytes = Vec::new();
    for (tag, body) in all {
        bytes.extend(match *tag {
            SECRET_KEY => old_packet(PUBLIC_KEY, split(body)?.1),
            SECRET_SUBKEY => old_packet(PUBLIC_SUBKEY, split(body)?.1),
            SIGNATURE | USER_ID => old_packet(*tag, body),
            USER_ATTRIBUTE => packet(*tag, body),
            _ => continue,
        });
    }
    Some(armor::write(&bytes, "PGP PUBLIC KEY BLOCK"))
}

#[cfg(test)]
mod tests;
