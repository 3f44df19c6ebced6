//! What a body says of a setting that can be taken back.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Fields of bodies for which `null` is a word of its own (RFC 7396): they are a [`Patch`].
pub const NULLABLE: [&str; 6] = [
    "answer_time",
    "bytes",
    "default_mirror",
    "open",
    "quota",
    "versions",
];

/// A setting in a body: absent, `null`, or a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Patch<T> {
    /// It is absent: the setting stays.
    #[default]
    Keep,
    /// It is `null`: the setting is taken back.
    Remove,
    /// It is set.
    Set(T),
}

impl<T> Patch<T> {
    /// Whether the setting stays.
    pub const fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// The setting after it was `before`.
    pub fn apply(self, before: Option<T>) -> Option<T> {
        match self {
            Self::Keep => before,
            Self::Remove => None,
            Self::Set(value) => Some(value),
        }
    }
}

impl<T: Serialize> Serialize for Patch<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Keep | Self::Remove => to.serialize_none(),
            Self::Set(value) => value.serialize(to),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = Option::deserialize(from)?;
        Ok(value.map_or(Self::Remove, Self::Set))
    }
}
