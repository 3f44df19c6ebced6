//! Reads JSON objects as far as needed and keeps the rest as it was sent.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// No object of an index page has nearly so many keys.
const MAX_KEYS: usize = 64;

/// A text, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// An object whose values are as they were sent, in their order; no key is there twice.
pub(super) struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Fields<'a> {
    /// All keys and values.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(key, value)| (&**key, *value))
    }

    /// The value of a key, as it was sent.
    pub(super) fn raw(&self, key: &str) -> Option<&'a RawValue> {
        self.0
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| *value)
    }

    /// The value of a key if it is of type `T`.
    pub(super) fn get<T: Deserialize<'a>>(&self, key: &str) -> Option<T> {
        serde_json::from_str(self.raw(key)?.get()).ok()
    }

    /// The value of a key if it is a text.
    pub(super) fn text(&self, key: &str) -> Option<Cow<'a, str>> {
        let raw = self.raw(key).filter(|raw| raw.get().starts_with('"'))?;
        serde_json::from_str::<Text<'a>>(raw.get())
            .ok()
            .map(|text| text.0)
    }

    /// All values that are texts.
    pub(super) fn texts(&self) -> Vec<(Cow<'a, str>, Cow<'a, str>)> {
        self.0
            .iter()
            .filter_map(|(key, _)| Some((key.clone(), self.text(key)?)))
            .collect()
    }
}

impl<'a> Deserialize<'a> for Fields<'a> {
    fn deserialize<D: Deserializer<'a>>(from: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'a> Visitor<'a> for Keys {
            type Value = Fields<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Fields<'a>, A::Error> {
                let mut fields = Fields(Vec::new());
                while let Some(Text(key)) = map.next_key()? {
                    // Two readers may take different ones of a pair.
                    if fields.raw(&key).is_some() {
                        return Err(A::Error::custom("a key is there twice"));
                    }
                    if fields.0.len() == MAX_KEYS {
                        return Err(A::Error::custom("too many keys"));
                    }
                    fields.0.push((key, map.next_value()?));
                }
                Ok(fields)
            }
        }
        from.deserialize_map(Keys)
    }
}

/// Whether a page is JSON; if not, it is HTML.
pub(super) fn is_json(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'{')
}
