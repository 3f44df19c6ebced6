//! Bodies of requests: JSON objects whose every field is asked for by name, and no other allowed.
//!
//! Messages name fields and never repeat values, which may be secrets.

use larder_model::Problem;
use serde::de::{DeserializeOwned, Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// The fields of an object that are still to be read.
#[derive(Debug, Default)]
pub(crate) struct Fields(BTreeMap<String, Box<RawValue>>);

impl Fields {
    /// Reads a body.
    pub(crate) fn read(body: &[u8]) -> Result<Self, Problem> {
        serde_json::from_slice(body).map_err(|error| {
            let detail = format!(
                "the body is not a JSON object with each field once (line {}, column {})",
                error.line(),
                error.column()
            );
            Problem::invalid("body", detail)
        })
    }

    /// Takes a field of the kind that `wanted` describes; `null` is as good as no field.
    pub(crate) fn take<T: DeserializeOwned>(
        &mut self,
        key: &'static str,
        wanted: &str,
    ) -> Result<Option<T>, Problem> {
        let Some(raw) = self.0.remove(key) else {
            return Ok(None);
        };
        serde_json::from_str(raw.get())
            .map_err(|_| Problem::invalid(key, format!("`{key}` is {wanted}")))
    }

    /// Whether a field is `null`, where that says something of its own.
    pub(crate) fn is_null(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(|raw| raw.get() == "null")
    }

    /// Text.
    pub(crate) fn text(&mut self, key: &'static str) -> Result<Option<String>, Problem> {
        self.take(key, "text")
    }

    /// A field for which `null` is a value of its own.
    #[expect(
        clippy::option_option,
        reason = "not given, null, and a value are three things"
    )]
    pub(crate) fn nullable<T: DeserializeOwned>(
        &mut self,
        key: &'static str,
        wanted: &str,
    ) -> Result<Option<Option<T>>, Problem> {
        let is_given = self.0.contains_key(key);
        let value = self.take(key, wanted)?;
        Ok(is_given.then_some(value))
    }

    /// `true` or `false`.
    pub(crate) fn flag(&mut self, key: &'static str) -> Result<Option<bool>, Problem> {
        self.take(key, "true or false")
    }

    /// Text of a checked type.
    pub(crate) fn parsed<T: FromStr<Err: fmt::Display>>(
        &mut self,
        key: &'static str,
    ) -> Result<Option<T>, Problem> {
        let parse = |text: String| {
            text.parse()
                .map_err(|error| Problem::invalid(key, format!("`{key}`: {error}")))
        };
        self.text(key)?.map(parse).transpose()
    }

    /// Refuses what nobody took.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        match self.0.into_keys().next() {
            Some(key) => Err(Problem::invalid(
                "body",
                format!(
                    "this call knows no field {:?}",
                    key.chars().take(64).collect::<String>()
                ),
            )),
            None => Ok(()),
        }
    }
}

/// The value of a field that must be there.
pub(crate) fn needed<T>(value: Option<T>, key: &'static str) -> Result<T, Problem> {
    value.ok_or_else(|| Problem::invalid(key, format!("the body lacks `{key}`")))
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = BTreeMap::new();
        while let Some((key, value)) = map.next_entry()? {
            if fields.insert(key, value).is_some() {
                return Err(A::Error::custom("a field is given twice"));
            }
        }
        Ok(Fields(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use larder_model::UserName;

    fn fields(body: &str) -> Fields {
        Fields::read(body.as_bytes()).expect("fields")
    }

    #[test]
    fn values_are_read_by_kind() {
        let mut body = fields(r#"{"name":"alice","superuser":true,"disabled":null,"x":"a\u0000"}"#);
        assert_eq!(
            body.parsed::<UserName>("name")
                .expect("name")
                .expect("there")
                .as_str(),
            "alice"
        );
        assert_eq!(body.flag("superuser").expect("flag"), Some(true));
        assert_eq!(body.flag("disabled").expect("flag"), None);
        assert_eq!(body.text("x").expect("text").as_deref(), Some("a\0"));
        assert_eq!(body.text("x").expect("text"), None);
        assert!(body.finish().is_ok());
    }

    #[test]
    fn null_is_told_from_no_field_where_it_matters() {
        let body = fields(r#"{"a": null ,"b":7}"#);
        assert_eq!(
            ["a", "b", "c"].map(|key| body.is_null(key)),
            [true, false, false]
        );
    }

    #[test]
    fn what_is_wrong_is_named_and_not_repeated() {
        let wrong = fields(r#"{"password":123456789}"#)
            .text("password")
            .expect_err("number");
        assert_eq!(
            (wrong.about, &*wrong.detail),
            ("password", "`password` is text")
        );
        let unknown = fields(r#"{"pasword":"hunter2"}"#)
            .finish()
            .expect_err("unknown");
        assert_eq!(unknown.detail, "this call knows no field \"pasword\"");
        let name = fields(r#"{"name":"a b"}"#)
            .parsed::<UserName>("name")
            .expect_err("name");
        assert!(
            name.detail.starts_with("`name`: a user's name is"),
            "{}",
            name.detail
        );
        assert_eq!(
            needed::<u8>(None, "name").expect_err("lacks").detail,
            "the body lacks `name`"
        );
    }

    #[test]
    fn bodies_that_are_no_objects() {
        for bad in [
            "",
            "[]",
            "{",
            r#""a""#,
            r#"{"a":1,"a":2}"#,
            r#"{"a":1}x"#,
            "null",
            "{\"a\":\u{1}}",
        ] {
            let problem = Fields::read(bad.as_bytes()).expect_err(bad);
            assert_eq!(problem.about, "body", "{bad}");
        }
        assert!(Fields::read(b"{\"a\":\"\xff\"}").is_err());
        let deep = format!(r#"{{"a":{}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert!(
            fields(&deep)
                .take::<serde_json::Value>("a", "a list")
                .is_err()
        );
    }
}
