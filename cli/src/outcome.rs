//! What a command has to show, and the one place where it is shown.

use crate::escape::{json, json_line};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::format::Format;
use crate::table::Table;
use serde_json::Value;
use std::io::{ErrorKind, Write};

/// What a command has to show.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The API's answer, for programs; `None` where it has none.
    pub(crate) json: Option<Value>,
    /// The same for people.
    pub(crate) view: View,
    /// What a person should know besides; goes to standard error.
    pub(crate) notes: Vec<String>,
    /// How it ended: what it shows may be that something is not as it should be.
    pub(crate) exit: Exit,
}

/// How an answer looks to people.
#[derive(Debug)]
pub(crate) enum View {
    /// A page of items in columns.
    List(&'static Table),
    /// One thing.
    Record(&'static Table),
    /// One thing, and those that are in its field of this name, in columns below it.
    Parts(&'static Table, &'static str, &'static Table),
    /// Text that is the answer: a secret alone, lines for a file.
    Text(String),
    /// A sentence about what was done: no data, so it goes to standard error.
    Sentence(String),
}

impl Outcome {
    fn new(json: Option<Value>, view: View) -> Self {
        Self {
            json,
            view,
            notes: Vec::new(),
            exit: Exit::Done,
        }
    }

    /// A list that the API answered.
    pub(crate) fn list(json: Value, table: &'static Table) -> Self {
        Self::new(Some(json), View::List(table))
    }

    /// One thing that the API answered.
    pub(crate) fn record(json: Value, table: &'static Table) -> Self {
        Self::new(Some(json), View::Record(table))
    }

    /// One thing that the API answered, with the things in one of its fields.
    pub(crate) fn parts(
        json: Value,
        table: &'static Table,
        field: &'static str,
        parts: &'static Table,
    ) -> Self {
        Self::new(Some(json), View::Parts(table, field, parts))
    }

    /// Text, and the same for programs.
    pub(crate) fn text(json: Option<Value>, text: impl Into<String>) -> Self {
        Self::new(json, View::Text(text.into()))
    }

    /// Something that is done.
    pub(crate) fn done(sentence: impl Into<String>) -> Self {
        Self::new(None, View::Sentence(sentence.into()))
    }

    /// With something more to say.
    pub(crate) fn noting(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// One that ends so.
    pub(crate) const fn ending(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// What goes to standard output. `width`: of the terminal that it goes to. Fails if it has no
    /// such form.
    pub(crate) fn data(&self, format: Format, width: Option<usize>) -> Result<String, Failure> {
        let value = self.json.as_ref();
        if format.is_json() {
            return Ok(match (value, format) {
                (None, _) => String::new(),
                (Some(value), Format::Ndjson) => lines(value),
                (Some(value), _) => json(value) + "\n",
            });
        }
        let value = value.unwrap_or(&Value::Null);
        let one = std::slice::from_ref(value);
        Ok(match (&self.view, format) {
            (View::List(table), Format::Csv) => table.csv(items(value)),
            (View::List(table), Format::Name) => table.names(items(value)),
            (View::List(table), _) => table.list(items(value), format == Format::Wide, width),
            (View::Record(table), Format::Csv) => table.csv(one),
            (View::Record(table), Format::Name) => table.names(one),
            (View::Record(table), _) => table.record(value, format == Format::Wide),
            (View::Parts(_, field, parts), Format::Csv) => parts.csv(array(&value[*field])),
            (View::Parts(table, ..), Format::Name) => table.names(one),
            (View::Parts(table, field, parts), _) => {
                let wide = format == Format::Wide;
                let (record, items) = (table.record(value, wide), array(&value[*field]));
                if items.is_empty() {
                    return Ok(record);
                }
                format!("{record}\n{}", parts.list(items, wide, width))
            }
            (View::Text(text), _) if text.is_empty() => String::new(),
            (View::Text(text), Format::Table | Format::Wide) => format!("{text}\n"),
            (View::Text(_), _) => {
                let text = format!(
                    "this command's answer has no form {}: use --output table or json",
                    format.word()
                );
                return Err(Failure::Usage(text));
            }
            (View::Sentence(_), _) => String::new(),
        })
    }
}

fn items(value: &Value) -> &[Value] {
    array(&value["items"])
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// One JSON object a line: the items of a list, or the one thing.
fn lines(value: &Value) -> String {
    let all = value["items"].as_array();
    let all = all.map_or(std::slice::from_ref(value), Vec::as_slice);
    all.iter().map(|item| json_line(item) + "\n").collect()
}

/// Writes data to standard output. A reader that has seen enough (`| head`) is no failure.
pub(crate) fn print(data: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(data.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::Local(format!(
            "standard output cannot be written: {error}"
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
