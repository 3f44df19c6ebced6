//! Lists of the mirrors of a repository: one address a line, as `mirrorlist` has them, or a metalink
//! (Metalink 3.0 with the extensions of `MirrorManager`), which tells the hash of `repomd.xml` too.

use super::item::{integrity, is_absolute};
use super::paths::repomd_of;
use crate::protocol::MirrorLists;
use crate::resource::{Document, MirrorList, PromisedBody, PromisedDocument};
use crate::text::bad_document;
use crate::xml::{Fault, Walker, attribute, text_of};
use larder_model::{Integrity, Problem};
use quick_xml::events::Event;

/// Limit on the bytes of a list. Long ones have some hundred thousand.
const MAX_BYTES: u64 = 4 << 20;
/// Mirrors that are taken from one, the first.
const MAX_ADDRESSES: usize = 256;
/// Limit on the length of an address, and of a hash or a size.
const MAX_FIELD_BYTES: usize = 2000;
/// States of `repomd.xml` that are taken from one.
const MAX_STATES: usize = 64;
/// The file of which metalinks tell.
const FILE: &str = "repomd.xml";

/// Both forms of a list.
pub(super) struct RepositoryMirrors;

impl MirrorLists for RepositoryMirrors {
    fn document(&self) -> Document {
        // No client can ask for this name.
        Document::new("", "mirrorlist")
    }

    fn read(&self, body: &[u8]) -> Result<MirrorList, Problem> {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let list = if is_metalink(body) {
            let unreadable = |fault| bad_document("a metalink that can be read").because(fault);
            metalink(body).map_err(unreadable)?
        } else {
            lines(body)
        };
        if list.addresses.is_empty() {
            return Err(bad_document(
                "a list of mirrors: it has no address that begins with https:// or http://",
            ));
        }
        Ok(list)
    }
}

fn is_metalink(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"<")
        && body
            .windows(b"<metalink".len())
            .any(|window| window == b"<metalink")
}

/// One address a line. What is none, or is spoken to in another way, is passed over, as clients do.
fn lines(body: &[u8]) -> MirrorList {
    let text = String::from_utf8_lossy(body);
    let addresses = text.lines().filter_map(|line| address(line.trim()));
    MirrorList {
        addresses: addresses.take(MAX_ADDRESSES).collect(),
        promised: Vec::new(),
    }
}

/// A repository's address, ending in a slash; `None` for what is none.
fn address(text: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"$?#\\<>\"`{}|^".contains(&byte);
    let usable = is_absolute(text) && text.len() <= MAX_FIELD_BYTES && text.bytes().all(plain);
    let end = if text.ends_with('/') { "" } else { "/" };
    usable.then(|| format!("{text}{end}"))
}

/// A mirror of a metalink.
struct Place {
    preference: u32,
    address: String,
}

/// A state of the file while it is read: its size, and its strongest hash.
#[derive(Default)]
struct State {
    size: Option<u64>,
    integrity: Option<Integrity>,
}

/// Where in a metalink its reader is.
#[derive(Default)]
struct Reader {
    /// Names of the elements around, without their prefixes.
    path: Vec<String>,
    /// Whether the file around is the one that counts.
    is_wanted: bool,
    text: String,
    /// The kind of the hash, or what the tag of the address says of it.
    kind: String,
    preference: u32,
    places: Vec<Place>,
    states: Vec<State>,
}

fn metalink(body: &[u8]) -> Result<MirrorList, Fault> {
    let mut walker = Walker::new(Box::new(body), MAX_BYTES).expanding_empty_elements();
    let mut reader = Reader::default();
    while let Some(step) = walker.next()? {
        match &step.event {
            Event::Start(tag) => {
                let name = String::from_utf8_lossy(tag.local_name().as_ref()).into_owned();
                let value = |name: &[u8]| attribute(tag, name).map(Option::unwrap_or_default);
                if name == "file" {
                    reader.is_wanted = value(b"name")? == FILE;
                }
                reader.kind = value(b"type")?;
                reader.preference = value(b"preference")?.parse().unwrap_or_default();
                reader.begin(name)?;
            }
            Event::End(_) => reader.end(),
            event => {
                if let Some(text) = text_of(event)? {
                    reader.text.push_str(&text);
                    if reader.text.len() > MAX_FIELD_BYTES {
                        return Err("a field is too long".into());
                    }
                }
            }
        }
    }
    Ok(reader.finish())
}

impl Reader {
    fn begin(&mut self, name: String) -> Result<(), Fault> {
        self.text.clear();
        // A state is the file itself, and each of its alternates.
        if self.is_wanted && matches!(&*name, "file" | "alternate") {
            if self.states.len() == MAX_STATES {
                return Err("it has too many states of the file".into());
            }
            self.states.push(State::default());
        }
        self.path.push(name);
        Ok(())
    }

    fn end(&mut self) {
        let name = self.path.pop().unwrap_or_default();
        let text = std::mem::take(&mut self.text);
        let text = text.trim();
        let above = self.path.last().map(String::as_str).unwrap_or_default();
        if !self.is_wanted {
            return;
        }
        match (&*name, above) {
            ("size", "file" | "alternate") => {
                if let Some(state) = self.states.last_mut() {
                    state.size = text.parse().ok();
                }
            }
            ("hash", "verification") => {
                let Some(found) = integrity(&self.kind, text) else {
                    return; // of a kind that is not known here
                };
                if let Some(state) = self.states.last_mut()
                    && state
                        .integrity
                        .as_ref()
                        .is_none_or(|it| is_stronger(&found, it))
                {
                    state.integrity = Some(found);
                }
            }
            ("url", "resources") => {
                let below = repomd_of("").path;
                let root = text.strip_suffix(&*below);
                if let Some(address) = root.and_then(address)
                    && self.places.len() < MAX_ADDRESSES
                {
                    let preference = self.preference;
                    self.places.push(Place {
                        preference,
                        address,
                    });
                }
            }
            ("file", _) => self.is_wanted = false,
            _ => {}
        }
    }

    fn finish(mut self) -> MirrorList {
        // The most preferred first; of the same preference as they stand.
        self.places
            .sort_by_key(|place| std::cmp::Reverse(place.preference));
        let bodies = self.states.into_iter().filter_map(|state| {
            Some(PromisedBody {
                size: state.size,
                // One that can be anything would make all others void.
                integrity: state.integrity.filter(|it| *it != Integrity::None)?,
            })
        });
        let bodies: Vec<PromisedBody> = bodies.collect();
        let promised = (!bodies.is_empty()).then(|| PromisedDocument {
            path: repomd_of("").path,
            bodies,
        });
        MirrorList {
            addresses: self.places.into_iter().map(|place| place.address).collect(),
            promised: promised.into_iter().collect(),
        }
    }
}

/// Which of two hashes says more.
fn is_stronger(one: &Integrity, other: &Integrity) -> bool {
    let weight = |it: &Integrity| match it {
        Integrity::Digest(digest) => digest.hex().len(),
        Integrity::Sha1(_) => 1,
        Integrity::Contents(_) | Integrity::None => 0,
    };
    weight(one) > weight(other)
}

#[cfg(test)]
mod tests;
