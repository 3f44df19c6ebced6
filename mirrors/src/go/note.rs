//! Signed notes (golang.org/x/mod/sumdb/note), the states of a log that they tell, and its records.

use super::tree::{HASH_BYTES, Tree};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use larder_model::{Algorithm, Digest, hex};

/// The one kind of key there is.
const ED25519_KIND: u8 = 1;
/// Bytes of the hash of a key.
const KEY_HASH_BYTES: usize = 4;
/// Signatures of a note. Others than the log's own may be on it.
const MAX_SIGNATURES: usize = 100;
/// The first line of a state.
const TREE: &str = "go.sum database tree";
/// What each signature begins with.
const SIGNATURE: &str = "\u{2014} ";
/// A longer note is none.
const MAX_NOTE_BYTES: usize = 1_000_000;

/// The key with which a log signs its states.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Key {
    /// The log's name.
    pub(super) name: String,
    hash: [u8; KEY_HASH_BYTES],
    public: Vec<u8>,
}

/// A record of a log, as its look-up gives it.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Record<'a> {
    /// Its number.
    pub(super) id: u64,
    /// Its lines.
    pub(super) text: &'a str,
    /// What follows it: a note.
    pub(super) rest: &'a str,
}

impl Key {
    /// Reads `name+hash+key`. `None` if it is no key of a kind that is known here.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (name, rest) = text.split_once('+')?;
        let (hash, encoded) = rest.split_once('+')?;
        let key = BASE64_STANDARD.decode(encoded).ok()?;
        let mut own_hash = [0; KEY_HASH_BYTES];
        hex::decode_into(hash, &mut own_hash)?;
        let own = Digest::of(Algorithm::Sha256, &[name.as_bytes(), b"\n", &key].concat());
        let (kind, public) = key.split_first()?;
        let fits = is_name(name)
            && own.bytes().starts_with(&own_hash)
            && *kind == ED25519_KIND
            && public.len() == HASH_BYTES;
        fits.then(|| Self {
            name: name.to_owned(),
            hash: own_hash,
            public: public.to_vec(),
        })
    }

    /// Its name and its hash, which no other key has.
    pub(super) fn id(&self) -> String {
        format!("{}+{}", self.name, hex::encode(&self.hash))
    }

    /// The text of a note that this key has signed; `None` if it has not.
    pub(super) fn open<'n>(&self, note: &'n str) -> Option<&'n str> {
        if note.len() > MAX_NOTE_BYTES || !is_plain(note) {
            return None;
        }
        let (text, signatures) = note.rsplit_once("\n\n")?;
        let text = &note[..=text.len()];
        let signatures = signatures.strip_suffix('\n')?;
        let mut is_signed = false;
        for (count, line) in signatures.split('\n').enumerate() {
            let (name, encoded) = line.strip_prefix(SIGNATURE)?.split_once(' ')?;
            let signature = BASE64_STANDARD.decode(encoded).ok()?;
            let (hash, signature) = signature.split_at_checked(KEY_HASH_BYTES)?;
            if count >= MAX_SIGNATURES || !is_name(name) || signature.is_empty() {
                return None;
            }
            if name == self.name && hash == self.hash && !is_signed {
                let key = UnparsedPublicKey::new(&ED25519, &self.public);
                key.verify(text.as_bytes(), signature).ok()?;
                is_signed = true;
            }
        }
        is_signed.then_some(text)
    }

    /// The state that a note tells which this key has signed.
    pub(super) fn tree(&self, note: &str) -> Option<Tree> {
        let mut lines = self.open(note)?.split('\n');
        if lines.next() != Some(TREE) {
            return None;
        }
        let size = decimal(lines.next()?)?;
        let hash = BASE64_STANDARD.decode(lines.next()?).ok()?;
        // The last line ends as well.
        lines.next()?;
        Tree::new(size, hash.try_into().ok()?)
    }
}

impl<'a> Record<'a> {
    /// Reads the record at the beginning of an answer.
    pub(super) fn parse(answer: &'a str) -> Option<Self> {
        let (id, after) = answer.split_once('\n')?;
        let (text, rest) = split(after)?;
        Some(Self {
            id: decimal(id)?,
            text,
            rest,
        })
    }
}

/// The first record of a text in which records follow one another, and the rest.
pub(super) fn split(records: &str) -> Option<(&str, &str)> {
    let end = records.find("\n\n")?;
    let (text, rest) = (&records[..=end], &records[end + 2..]);
    let fits = is_plain(text) && !text.starts_with('\n');
    fits.then_some((text, rest))
}

/// Whether there are no control characters in a text but the ends of its lines.
fn is_plain(text: &str) -> bool {
    text.chars().all(|char| char >= ' ' || char == '\n')
}

/// A number in its one spelling.
fn decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|char: char| char.is_whitespace() || char == '+')
}

#[cfg(test)]
mod tests;
