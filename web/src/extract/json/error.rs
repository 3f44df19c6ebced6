//! What is wrong with a body.

use larder_model::Problem;
use serde::de::{Expected, Unexpected};
use std::fmt::{self, Display};

/// What is wrong with a part of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is no such thing: `text`, `true or false`.
    Is(String),
    /// A sentence about it.
    Says(String),
    /// It must be there and is not.
    Missing,
    /// A field that nobody knows.
    Unknown(String),
}

/// What is wrong with which field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BodyError {
    /// The innermost field; `None`: the body itself, or a field that is yet to be named.
    field: Option<&'static str>,
    fault: Fault,
}

impl BodyError {
    pub(super) fn is(wanted: impl Into<String>) -> Self {
        Self {
            field: None,
            fault: Fault::Is(wanted.into()),
        }
    }

    pub(super) fn says(text: impl Into<String>) -> Self {
        Self {
            field: None,
            fault: Fault::Says(text.into()),
        }
    }

    /// A field that nobody knows; of its name only the beginning is told.
    pub(super) fn unknown(name: &str) -> Self {
        Self {
            field: Some("body"),
            fault: Fault::Unknown(name.chars().take(64).collect()),
        }
    }

    /// The same about this field, unless it is about a part of it that has a name of its own.
    pub(super) fn within(mut self, field: &'static str) -> Self {
        self.field.get_or_insert(field);
        self
    }

    /// The same about a list in which an item is wrong.
    pub(super) fn of_item(mut self) -> Self {
        if let (None, Fault::Is(wanted)) = (self.field, &self.fault) {
            self.fault = Fault::Is(match wanted.as_str() {
                "an object" => "a list of objects".to_owned(),
                "text" => "a list of texts".to_owned(),
                wanted => format!("a list of which every item is {wanted}"),
            });
        }
        self
    }
}

impl Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.fault, self.field) {
            (Fault::Is(wanted), Some(field)) => write!(f, "`{field}` is {wanted}"),
            (Fault::Is(wanted), None) => write!(f, "it is {wanted}"),
            (Fault::Says(text), Some(field)) => write!(f, "`{field}`: {text}"),
            (Fault::Says(text), None) => f.write_str(text),
            (Fault::Missing, field) => {
                write!(f, "the body lacks `{}`", field.unwrap_or_default())
            }
            (Fault::Unknown(name), _) => write!(f, "this call knows no field {name:?}"),
        }
    }
}

impl std::error::Error for BodyError {}

impl serde::de::Error for BodyError {
    fn custom<T: Display>(text: T) -> Self {
        Self::says(text.to_string())
    }

    fn invalid_type(_: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::is(wanted.to_string())
    }

    fn invalid_value(_: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::is(wanted.to_string())
    }

    fn missing_field(field: &'static str) -> Self {
        Self {
            field: Some(field),
            fault: Fault::Missing,
        }
    }
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        let detail = match (&error.fault, error.field) {
            (Fault::Is(_), None) => "the body is not a JSON object with each field once".to_owned(),
            _ => error.to_string(),
        };
        Self::invalid(error.field.unwrap_or("body"), detail)
    }
}
