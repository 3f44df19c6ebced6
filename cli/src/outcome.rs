//! What a command has to show, and the one place where it is shown.

use crate::escape::json;
use crate::table::{Column, list, record};
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
    pub(crate) note: Option<String>,
    /// Whether what it shows is that something is not as it should be.
    pub(crate) failed: bool,
}

/// How an answer looks to people.
#[derive(Debug)]
pub(crate) enum View {
    /// A page of items in columns.
    List(&'static [Column]),
    /// One thing.
    Record(&'static [Column]),
    /// A sentence, or a secret alone.
    Text(String),
    /// It was shown while it came.
    Shown,
}

impl Outcome {
    /// A list that the API answered.
    pub(crate) const fn list(json: Value, columns: &'static [Column]) -> Self {
        Self {
            json: Some(json),
            view: View::List(columns),
            note: None,
            failed: false,
        }
    }

    /// One thing that the API answered.
    pub(crate) const fn record(json: Value, columns: &'static [Column]) -> Self {
        Self {
            json: Some(json),
            view: View::Record(columns),
            note: None,
            failed: false,
        }
    }

    /// Something that is done.
    pub(crate) fn done(sentence: impl Into<String>) -> Self {
        Self {
            json: None,
            view: View::Text(sentence.into()),
            note: None,
            failed: false,
        }
    }

    /// Something that was shown while it came.
    pub(crate) const fn shown() -> Self {
        Self {
            json: None,
            view: View::Shown,
            note: None,
            failed: false,
        }
    }

    /// With something more to say.
    pub(crate) fn noting(self, note: impl Into<String>) -> Self {
        Self {
            note: Some(note.into()),
            ..self
        }
    }

    /// One that is a failure, or not.
    pub(crate) fn failing(self, failed: bool) -> Self {
        Self { failed, ..self }
    }

    /// What goes to standard output.
    fn text(&self, as_json: bool) -> String {
        if as_json {
            return self
                .json
                .as_ref()
                .map(|value| json(value) + "\n")
                .unwrap_or_default();
        }
        let value = self.json.as_ref().unwrap_or(&Value::Null);
        match &self.view {
            View::List(columns) => list(
                columns,
                value["items"].as_array().map_or(&[], Vec::as_slice),
            ),
            View::Record(columns) => record(columns, value),
            View::Text(text) => format!("{text}\n"),
            View::Shown => String::new(),
        }
    }

    /// Shows it. A reader that has seen enough (`| head`) is no failure.
    pub(crate) fn show(&self, as_json: bool) -> std::io::Result<()> {
        if let Some(note) = &self.note {
            complain(note);
        }
        let mut out = std::io::stdout().lock();
        match out
            .write_all(self.text(as_json).as_bytes())
            .and_then(|()| out.flush())
        {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            shown => shown,
        }
    }
}

/// Says something on standard error. If even that fails, nobody is listening.
pub(crate) fn complain(text: &str) {
    drop(writeln!(std::io::stderr().lock(), "larder: {text}"));
}

#[cfg(test)]
mod tests;
