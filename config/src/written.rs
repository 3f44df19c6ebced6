//! Values as they were written, before anything is known about their kind.

use std::collections::BTreeMap;

use crate::fault::{Fault, Place};

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Written {
    /// Where it stands.
    pub place: Place,
    /// What stands there.
    pub raw: Raw,
}

/// A value of unknown kind.
#[derive(Clone, Debug)]
pub enum Raw {
    /// Quoted text in a file.
    Text(String),
    /// Text of a variable, a flag or a default: it may stand for a value of any kind.
    Loose(String),
    /// A number or a date in a file, in decimal.
    Bare(String),
    /// `true` or `false` in a file.
    Truth(bool),
    /// A list in a file.
    List(Vec<Written>),
    /// A table where one value is expected, with its known entries.
    Table(BTreeMap<String, Written>),
}

impl Written {
    /// A text that may stand for a value of any kind.
    pub fn loose(place: Place, text: impl Into<String>) -> Self {
        Self {
            place,
            raw: Raw::Loose(text.into()),
        }
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match &self.raw {
            Raw::Text(text) | Raw::Loose(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is the empty text, which takes an optional setting back.
    pub fn is_empty(&self) -> bool {
        self.text() == Some("")
    }

    /// The value as a report shows it. Not for secrets.
    pub fn literal(&self) -> String {
        match &self.raw {
            Raw::Text(text) | Raw::Loose(text) => format!("{text:?}"),
            Raw::Bare(text) => text.clone(),
            Raw::Truth(truth) => truth.to_string(),
            Raw::List(_) => "a list".to_owned(),
            Raw::Table(_) => "a table".to_owned(),
        }
    }
}

/// All that was written, by key. Later layers replace earlier ones.
#[derive(Debug, Default)]
pub struct WrittenSettings {
    values: BTreeMap<&'static str, Written>,
}

impl WrittenSettings {
    /// Writes a value over what an earlier layer said.
    pub fn put(&mut self, key: &'static str, written: Written) {
        self.values.insert(key, written);
    }

    /// Writes one entry of a value that may be a table. A word from an earlier layer gives way; one
    /// from the same layer, the environment, contradicts.
    pub fn put_part(
        &mut self,
        key: &'static str,
        part: &str,
        written: Written,
    ) -> Result<(), Fault> {
        let place = written.place.clone();
        let empty = || Written {
            place: place.clone(),
            raw: Raw::Table(BTreeMap::new()),
        };
        let whole = self.values.entry(key).or_insert_with(empty);
        if !matches!(whole.raw, Raw::Table(_)) {
            if let Place::Variable(name) = &whole.place {
                return Err(Fault::new(
                    &place,
                    format!("contradicts {name}; set one of them"),
                ));
            }
            *whole = empty();
        }
        if let Raw::Table(parts) = &mut whole.raw {
            parts.insert(part.to_owned(), written);
        }
        Ok(())
    }

    /// What was written for a key.
    pub fn get(&self, key: &str) -> Option<&Written> {
        self.values.get(key)
    }

    /// Where a key was set, unless nowhere or to nothing.
    pub fn place(&self, key: &str) -> Option<&Place> {
        self.get(key)
            .filter(|written| !written.is_empty())
            .map(|written| &written.place)
    }
}
