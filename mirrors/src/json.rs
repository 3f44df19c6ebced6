//! Reads and writes JSON objects. Values that need no change stay raw text.
//!
//! Duplicate keys are refused, because readers differ in which of the two values they take.
//!
//! What an upstream sends is read into [`Object`] and [`List`] alone: an entry takes two bytes of a
//! document and ten times as much memory, so they stop at a number of entries.

use crate::text::bad_document;
use larder_model::Problem;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt::{self, Display};
use std::marker::PhantomData;
use std::ops::Deref;

/// Limit on the entries of an object. A packument has one per version in `versions` and in `time`.
const MAX_ENTRIES: usize = 200_000;
/// Limit on the entries of all objects within an object. The largest packuments have half of it.
const MAX_ALL_ENTRIES: usize = 1_000_000;
/// Limit on the entries of a list. The longest are lists of tags.
const MAX_LISTED: usize = 500_000;
const TOO_LONG: &str = "a list has too many entries";
/// Up to this number of keys, two that are alike at a glance are rare enough to be compared at once;
/// above, keys are sorted.
const FEW_ENTRIES: usize = 64;

/// A string, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// An object: its entries in their order, without duplicate keys. By default values are raw text.
#[derive(Debug)]
pub(crate) struct Object<'a, V = &'a RawValue>(Vec<(Cow<'a, str>, V)>);

impl<V> Default for Object<'_, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'a, V> Object<'a, V> {
    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&V> {
        let mut entries = self.0.iter();
        entries
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
    }

    /// Keys and values, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &V)> {
        self.0.iter().map(|(key, value)| (&**key, value))
    }

    /// The number of entries.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no entries.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a key at the end, which is not there.
    pub(crate) fn add(&mut self, key: impl Into<Cow<'a, str>>, value: V) {
        self.0.push((key.into(), value));
    }

    /// Replaces the value of a key, or adds the key at the end.
    pub(crate) fn set(&mut self, key: impl Into<Cow<'a, str>>, value: V) {
        let key = key.into();
        match self.0.iter_mut().find(|(name, _)| *name == key) {
            Some((_, old)) => *old = value,
            None => self.0.push((key, value)),
        }
    }

    /// Removes the entries whose keys do not fit.
    pub(crate) fn retain(&mut self, mut fits: impl FnMut(&str) -> bool) {
        self.0.retain(|(key, _)| fits(key));
    }
}

impl<'a> Object<'a> {
    /// The raw value of a key.
    pub(crate) fn raw(&self, key: &str) -> Option<&'a RawValue> {
        self.get(key).copied()
    }

    /// The value of a key if it is of type `T`.
    pub(crate) fn value<T: Deserialize<'a>>(&self, key: &str) -> Option<T> {
        serde_json::from_str(self.raw(key)?.get()).ok()
    }

    /// The value of a key if it is a string.
    pub(crate) fn text(&self, key: &str) -> Option<Cow<'a, str>> {
        text(self.raw(key)?)
    }

    /// The entries whose values are strings.
    pub(crate) fn texts(&self) -> Vec<(Cow<'a, str>, Cow<'a, str>)> {
        let entries = self.0.iter();
        entries
            .filter_map(|(key, value)| Some((key.clone(), text(value)?)))
            .collect()
    }

    /// Writes the object. `replace` may write another value for a key, and returns whether it did.
    pub(crate) fn write(
        &self,
        out: &mut Vec<u8>,
        mut replace: impl FnMut(&str, &'a RawValue, &mut Vec<u8>) -> serde_json::Result<bool>,
    ) -> serde_json::Result<()> {
        out.push(b'{');
        for (at, (key, value)) in self.0.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            serde_json::to_writer(&mut *out, key)?;
            out.push(b':');
            if !replace(key, value, out)? {
                out.extend_from_slice(value.get().as_bytes());
            }
        }
        out.push(b'}');
        Ok(())
    }
}

/// A list: its entries in their order.
#[derive(Debug)]
pub(crate) struct List<V>(Vec<V>);

impl<V> Default for List<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V> Deref for List<V> {
    type Target = [V];

    fn deref(&self) -> &[V] {
        &self.0
    }
}

impl<V> IntoIterator for List<V> {
    type Item = V;
    type IntoIter = std::vec::IntoIter<V>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<V> List<V> {
    /// Adds the entries of the list that comes after this one. Fails where one list could not have all.
    pub(crate) fn append(&mut self, what: &'static str, next: Self) -> Result<(), Problem> {
        if self.len() + next.len() > MAX_LISTED {
            return Err(bad_document(what).because(TOO_LONG));
        }
        self.0.extend(next);
        Ok(())
    }

    /// The entries.
    pub(crate) fn into_vec(self) -> Vec<V> {
        self.0
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for List<V> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Walk<V>(PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for Walk<V> {
            type Value = List<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = all.next_element()? {
                    if entries.len() == MAX_LISTED {
                        return Err(A::Error::custom(TOO_LONG));
                    }
                    entries.push(entry);
                }
                Ok(List(entries))
            }
        }
        from.deserialize_seq(Walk(PhantomData))
    }
}

/// A value of an object that may hold entries of its own in memory.
pub(crate) trait Entries {
    /// How many.
    fn entries(&self) -> usize {
        0
    }
}

impl Entries for &RawValue {}

impl<V> Entries for Object<'_, V> {
    fn entries(&self) -> usize {
        self.len()
    }
}

impl<V> Entries for List<V> {
    fn entries(&self) -> usize {
        self.len()
    }
}

impl<E: Entries> Entries for Option<E> {
    fn entries(&self) -> usize {
        self.as_ref().map_or(0, Entries::entries)
    }
}

impl<'de: 'a, 'a, V: Deserialize<'de> + Entries> Deserialize<'de> for Object<'a, V> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Walk<'a, V>(PhantomData<(&'a (), V)>);
        impl<'de: 'a, 'a, V: Deserialize<'de> + Entries> Visitor<'de> for Walk<'a, V> {
            type Value = Object<'a, V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let (mut entries, mut within) = (Vec::<(Cow<'a, str>, V)>::new(), 0);
                while let Some(Text(key)) = map.next_key()? {
                    if entries.len() == MAX_ENTRIES {
                        return Err(A::Error::custom("an object has too many entries"));
                    }
                    let value: V = map.next_value()?;
                    within += value.entries();
                    if within > MAX_ALL_ENTRIES {
                        return Err(A::Error::custom("a document has too many entries"));
                    }
                    entries.push((key, value));
                }
                match duplicate(&entries) {
                    Some(key) => Err(A::Error::custom(format!("the key {key:?} is duplicate"))),
                    None => Ok(Object(entries)),
                }
            }
        }
        from.deserialize_map(Walk(PhantomData))
    }
}

/// Finds a duplicate key. A packument has an object for every version, so those must cost little.
fn duplicate<'e, V>(entries: &'e [(Cow<'_, str>, V)]) -> Option<&'e str> {
    if entries.len() <= FEW_ENTRIES {
        let mut glances = [0_u64; 4];
        let mut all = entries.iter().enumerate();
        let duplicate = all.find(|(at, (key, _))| {
            let glance = glance(key);
            let (word, bit) = (usize::from(glance >> 6), 1 << (glance & 63));
            let is_new = glances[word] & bit == 0;
            glances[word] |= bit;
            !is_new && entries[..*at].iter().any(|(other, _)| other == key)
        });
        return duplicate.map(|(_, (key, _))| &**key);
    }
    let mut keys: Vec<&str> = entries.iter().map(|(key, _)| &**key).collect();
    keys.sort_unstable();
    let duplicate = keys.windows(2).find(|pair| pair[0] == pair[1]);
    duplicate.map(|pair| pair[0])
}

/// A byte that is the same for equal keys, and seldom for others.
fn glance(key: &str) -> u8 {
    let bytes = key.as_bytes();
    let byte = |at: usize| bytes.get(at).copied().unwrap_or_default();
    let (last, middle) = (bytes.len().wrapping_sub(1), bytes.len() / 2);
    let [length, ..] = bytes.len().to_le_bytes();
    let parts = [length, byte(0), byte(middle), byte(last)];
    let mix = |sum: u8, part: u8| (sum ^ part).wrapping_mul(151);
    parts.into_iter().fold(0, mix)
}

/// Whether a document is an object. Nothing of it is held.
pub(crate) fn is_object(body: &[u8]) -> bool {
    let begins = body.trim_ascii_start().starts_with(b"{");
    begins && serde_json::from_slice::<IgnoredAny>(body).is_ok()
}

/// Reads a value as an object; `None` if it is none.
pub(crate) fn object(value: &RawValue) -> Option<Object<'_>> {
    serde_json::from_str(value.get()).ok()
}

/// Reads a value of an upstream's document as an object; empty if it is none. Fails if the object is
/// invalid.
pub(crate) fn nested<'a>(what: &'static str, value: &'a RawValue) -> Result<Object<'a>, Problem> {
    if !value.get().starts_with('{') {
        return Ok(Object::default());
    }
    serde_json::from_str(value.get()).map_err(|error| unreadable(what, error))
}

/// Reads a value as a string; `None` if it is none.
pub(crate) fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    let is_text = value.get().starts_with('"');
    let read = || serde_json::from_str::<Text<'_>>(value.get()).ok();
    read().filter(|_| is_text).map(|text| text.0)
}

/// Writes a string as JSON.
pub(crate) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// The text of a value, in bytes.
pub(crate) fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

/// The problem of an upstream that sent JSON that is not `what`.
pub(crate) fn unreadable(what: &'static str, error: serde_json::Error) -> Problem {
    bad_document(what).because(error)
}

/// Writes an object.
#[derive(Debug)]
pub(crate) struct ObjectWriter(String);

impl ObjectWriter {
    /// Begins an object.
    pub(crate) fn new() -> Self {
        Self("{".to_owned())
    }

    /// Adds an entry; `value` is JSON.
    pub(crate) fn put(&mut self, key: &str, value: impl Display) {
        let separator = if self.0.len() > 1 { "," } else { "" };
        let key = quoted(key);
        self.0.push_str(&format!("{separator}{key}:{value}"));
    }

    /// Ends the object, and returns it.
    pub(crate) fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

#[cfg(test)]
mod tests;
