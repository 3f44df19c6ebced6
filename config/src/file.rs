//! The file: TOML, with the place of every word.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::fault::{Fault, Place};
use crate::schema::{Key, Named, Schema};
use crate::written::{Raw, Written, WrittenSettings};
use larder_model::nearest::nearest;

/// Reads the text of a file into `given`. Returns whether all of it could be understood as TOML; if
/// not, what was read is no ground to judge what is missing.
pub fn read(
    name: &str,
    text: &str,
    schema: &Schema,
    given: &mut WrittenSettings,
    faults: &mut Vec<Fault>,
) -> bool {
    let mut file = File {
        name: name.into(),
        text,
        schema,
        given,
        faults,
    };
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut broken_lines = BTreeSet::new();
    for error in &errors {
        let span = error.span().unwrap_or(text.len()..text.len());
        let line = text.get(..span.start).unwrap_or(text).matches('\n').count();
        // What follows in the same line is mostly the first mistake again.
        if broken_lines.insert(line) {
            let place = file.place(&span);
            file.fault(&place, not_toml(text, &span, error.message(), schema));
        }
    }
    if errors.is_empty() {
        file.walk("", table.get_ref());
    }
    errors.is_empty()
}

/// A file on its way into the given values.
struct File<'a> {
    name: Arc<str>,
    text: &'a str,
    schema: &'a Schema,
    given: &'a mut WrittenSettings,
    faults: &'a mut Vec<Fault>,
}

impl File<'_> {
    /// Takes in one table, and those below it.
    fn walk(&mut self, above: &str, table: &DeTable<'_>) {
        for (word, value) in table {
            let path = join(above, word.get_ref());
            let place = self.place(&word.span());
            // A dot within quotes belongs to the word, so the word is no path.
            if word.get_ref().contains('.') {
                self.fault(
                    &place,
                    format!("unknown key {path:?}; dots separate words only outside of quotes"),
                );
                continue;
            }
            match (self.schema.find(&path), value.get_ref()) {
                (Named::Key(key), DeValue::Table(entries)) => {
                    self.table_form(key, &path, entries, value.span());
                }
                (Named::Key(key), _) => self.given.put(key.path, self.written(value)),
                (Named::Section, DeValue::Table(entries)) => self.walk(&path, entries),
                (Named::Section, _) => {
                    let place = self.place(&value.span());
                    self.fault(
                        &place,
                        format!("{path:?} is a section; write [{path}] and its keys below"),
                    );
                }
                (Named::Part(..) | Named::Nothing, DeValue::Table(_)) => {
                    self.fault(
                        &place,
                        format!(
                            "unknown section {path:?}; {}",
                            self.schema.advice_for_section(&path)
                        ),
                    );
                }
                (Named::Part(..) | Named::Nothing, _) => {
                    self.fault(
                        &place,
                        format!(
                            "unknown key {path:?}; {}",
                            self.schema.advice_for_key(&path)
                        ),
                    );
                }
            }
        }
    }

    /// Takes in a table where one value is expected, with those entries that the key knows.
    fn table_form(&mut self, key: &Key, path: &str, entries: &DeTable<'_>, span: Range<usize>) {
        let mut parts = BTreeMap::new();
        let mut understood = true;
        for (word, value) in entries {
            if key.parts.contains(&word.get_ref().as_ref()) {
                parts.insert(word.get_ref().to_string(), self.written(value));
            } else if !key.parts.is_empty() {
                let advice = match nearest(word.get_ref(), key.parts.iter().copied()) {
                    Some(near) => format!("did you mean \"{path}.{near}\"?"),
                    None => format!("{path} has {}", key.parts.join(", ")),
                };
                let place = self.place(&word.span());
                self.fault(
                    &place,
                    format!("unknown key {:?}; {advice}", join(path, word.get_ref())),
                );
                understood = false;
            }
        }
        // What a misspelt entry leaves out is not missing.
        if understood {
            self.given.put(
                key.path,
                Written {
                    place: self.place(&span),
                    raw: Raw::Table(parts),
                },
            );
        }
    }

    /// A value and its place.
    fn written(&self, value: &Spanned<DeValue<'_>>) -> Written {
        let raw = match value.get_ref() {
            DeValue::String(text) => Raw::Text(text.to_string()),
            DeValue::Integer(number) => {
                let decimal = i64::from_str_radix(number.as_str(), number.radix());
                Raw::Bare(
                    decimal.map_or_else(|_| number.to_string(), |decimal| decimal.to_string()),
                )
            }
            DeValue::Float(number) => Raw::Bare(number.to_string()),
            DeValue::Boolean(truth) => Raw::Truth(*truth),
            DeValue::Datetime(date) => Raw::Bare(date.to_string()),
            DeValue::Array(entries) => {
                Raw::List(entries.iter().map(|entry| self.written(entry)).collect())
            }
            DeValue::Table(_) => Raw::Table(BTreeMap::new()),
        };
        Written {
            place: self.place(&value.span()),
            raw,
        }
    }

    /// The line and column of a span's beginning.
    fn place(&self, span: &Range<usize>) -> Place {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = 1 + before.matches('\n').count();
        let column = 1 + before[line_start..]
            .trim_start_matches('\u{feff}')
            .chars()
            .count();
        Place::File {
            name: self.name.clone(),
            line,
            column,
        }
    }

    fn fault(&mut self, place: &Place, text: String) {
        self.faults.push(Fault::new(place, text));
    }
}

/// A word below a path.
fn join(above: &str, word: &str) -> String {
    if above.is_empty() {
        word.to_owned()
    } else {
        format!("{above}.{word}")
    }
}

/// Why a text is not TOML, with the key if it is one of ours. Nothing else is quoted: in a broken
/// file, any word may be part of a secret.
fn not_toml(text: &str, span: &Range<usize>, message: &str, schema: &Schema) -> String {
    let paths = schema.paths();
    let is_ours = |word: &str| {
        paths
            .iter()
            .any(|path| path == word || path.ends_with(&format!(".{word}")))
    };
    let before = text.get(..span.start).unwrap_or(text);
    let line = before.rfind('\n').map_or(0, |newline| newline + 1);
    let (word, rest) = text[line..].split_once('=').unwrap_or_default();
    if !is_ours(word.trim()) {
        return message.to_owned();
    }
    let value = rest.lines().next().unwrap_or_default().trim_start();
    let in_value = span.start > line + word.len();
    let is_bare = value.starts_with(|c: char| !matches!(c, '"' | '\'' | '[' | '{' | '#'));
    match word.trim() {
        word if in_value && is_bare => {
            format!("{word}: this is no value in TOML; a text stands in double quotes")
        }
        word => format!("{word}: {message}"),
    }
}
