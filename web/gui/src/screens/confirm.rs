//! Asks once more before something goes that does not come back.

use crate::form::Form;
use crate::language::Language;
use crate::page::Frame;
use askama::Template;
use larder_model::Problem;

/// A page that lists what goes, with the button that does it.
#[derive(Template)]
#[template(path = "confirm.html")]
pub(crate) struct Confirm {
    frame: Frame,
    text: String,
    facts: Vec<(&'static str, String)>,
    /// What must be typed.
    name: Option<String>,
    /// Where the form goes.
    action: String,
    verb: &'static str,
    back: String,
}

impl Confirm {
    /// The page: what happens, where its form goes, the verb of its button, where one goes back.
    pub(crate) fn new(
        frame: Frame,
        text: impl Into<String>,
        action: impl Into<String>,
        verb: &'static str,
        back: impl Into<String>,
    ) -> Self {
        Self {
            frame,
            text: text.into(),
            facts: Vec::new(),
            name: None,
            action: action.into(),
            verb,
            back: back.into(),
        }
    }

    /// The same with something that is to be known before.
    pub(crate) fn fact(mut self, label: &'static str, value: impl Into<String>) -> Self {
        self.facts.push((label, value.into()));
        self
    }

    /// The same where the name must be typed.
    pub(crate) fn typed(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

/// Fails unless the form has the name that was to be typed.
pub(crate) fn require_typed(t: Language, form: &Form, name: &str) -> Result<(), Problem> {
    if form.text("typed").trim() == name {
        Ok(())
    } else {
        Err(Problem::invalid("typed", t.confirm_differs(name)))
    }
}
