//! Values as serde's types ask for them.

use super::error::BodyError;
use super::node::Node;
use larder_api::NULLABLE;
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use std::vec;

impl<'de> Deserializer<'de> for Node {
    type Error = BodyError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BodyError> {
        match self {
            Self::Null => visitor.visit_unit(),
            Self::Removal => Err(no_removal()),
            Self::Flag(flag) => visitor.visit_bool(flag),
            Self::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => visitor.visit_u64(number),
                (None, Some(number)) => visitor.visit_i64(number),
                (None, None) => visitor.visit_f64(number.as_f64().unwrap_or_default()),
            },
            Self::Text(text) => visitor.visit_string(text),
            Self::List(items) => visitor.visit_seq(Items(items.into_iter())),
            Self::Object(fields) => visitor.visit_map(Fields::any(fields)),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BodyError> {
        match self {
            Self::Flag(flag) => visitor.visit_bool(flag),
            _ => Err(BodyError::is("true or false")),
        }
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BodyError> {
        match self {
            Self::Number(number) => match number.as_u64() {
                Some(number) => visitor
                    .visit_u64(number)
                    .map_err(|_: BodyError| BodyError::is("a smaller number")),
                None => Err(BodyError::is("a whole number")),
            },
            _ => Err(BodyError::is("a whole number")),
        }
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BodyError> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BodyError> {
        match self {
            Self::Text(text) => visitor.visit_string(text),
            _ => Err(BodyError::is("text")),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BodyError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BodyError> {
        match self {
            Self::Null => visitor.visit_none(),
            Self::Removal => Err(no_removal()),
            value => visitor.visit_some(value),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, BodyError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BodyError> {
        match self {
            Self::List(items) => visitor.visit_seq(Items(items.into_iter())),
            _ => Err(BodyError::is("a list")),
        }
    }

    /// An object of which every field is known; one that is `null` is as good as none, unless
    /// `null` is a word of its own for it, or this is a patch.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, BodyError> {
        let Self::Object(fields) = self else {
            return Err(BodyError::is("an object"));
        };
        let (fields, unknown) = Fields::of(fields, known);
        let value = visitor.visit_map(fields)?;
        match unknown {
            Some(name) => Err(BodyError::unknown(&name)),
            None => Ok(value),
        }
    }

    /// One of a few words.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        words: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, BodyError> {
        match self {
            Self::Text(text) if words.contains(&&*text) => visitor.visit_enum(Word(text)),
            _ => Err(BodyError::is(one_of(words))),
        }
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u128 f32 f64 char bytes byte_buf unit unit_struct tuple
        tuple_struct map identifier ignored_any
    }
}

/// What is said of `null` in a patch for what cannot be taken back so.
fn no_removal() -> BodyError {
    BodyError::says("null does not take it back; leave it out to keep it as it is")
}

/// `a, b or c`.
fn one_of(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [word] => (*word).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

struct Items(vec::IntoIter<Node>);

impl<'de> SeqAccess<'de> for Items {
    type Error = BodyError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, BodyError> {
        let read = |item| seed.deserialize(item).map_err(BodyError::of_item);
        self.0.next().map(read).transpose()
    }
}

/// The fields of an object, with their names where they are known.
struct Fields {
    fields: vec::IntoIter<(String, Option<&'static str>, Node)>,
    value: Option<(Option<&'static str>, Node)>,
}

impl Fields {
    fn any(fields: Vec<(String, Node)>) -> Self {
        let fields: Vec<_> = fields
            .into_iter()
            .map(|(name, value)| (name, None, value))
            .collect();
        Self {
            fields: fields.into_iter(),
            value: None,
        }
    }

    /// The known fields in their own order, and a field that is none of them.
    fn of(fields: Vec<(String, Node)>, known: &'static [&'static str]) -> (Self, Option<String>) {
        let (mut read, mut unknown) = (Vec::new(), None);
        for (name, mut value) in fields {
            let is_nullable = NULLABLE.contains(&&*name);
            if is_nullable && matches!(value, Node::Removal) {
                value = Node::Null;
            }
            match known.iter().position(|known| *known == name) {
                Some(_) if matches!(value, Node::Null) && !is_nullable => {}
                Some(at) => read.push((at, (name, Some(known[at]), value))),
                None => unknown = Some(name),
            }
        }
        read.sort_unstable_by_key(|(at, _)| *at);
        let fields: Vec<_> = read.into_iter().map(|(_, field)| field).collect();
        let fields = fields.into_iter();
        (
            Self {
                fields,
                value: None,
            },
            unknown,
        )
    }
}

impl<'de> MapAccess<'de> for Fields {
    type Error = BodyError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, BodyError> {
        let Some((name, known, value)) = self.fields.next() else {
            return Ok(None);
        };
        self.value = Some((known, value));
        seed.deserialize(Node::Text(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, BodyError> {
        let Some((known, value)) = self.value.take() else {
            return Err(serde::de::Error::custom("a field without a value"));
        };
        seed.deserialize(value).map_err(|error| match known {
            Some(field) => error.within(field),
            None => error,
        })
    }
}

/// A word of an enumeration.
struct Word(String);

impl<'de> EnumAccess<'de> for Word {
    type Error = BodyError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), BodyError> {
        let word: StrDeserializer<'_, BodyError> = self.0.as_str().into_deserializer();
        let value = seed.deserialize(word)?;
        Ok((value, self))
    }
}

impl<'de> VariantAccess<'de> for Word {
    type Error = BodyError;

    fn unit_variant(self) -> Result<(), BodyError> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, BodyError> {
        Err(BodyError::is("a word"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, BodyError> {
        Err(BodyError::is("a word"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, BodyError> {
        Err(BodyError::is("a word"))
    }
}
