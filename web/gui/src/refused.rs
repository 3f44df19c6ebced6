//! A form that was refused: its page is shown again with what was filled in and why.

use crate::form::{Form, is_of_form};
use crate::page::ErrorPage;
use crate::visit::Visit;
use larder_model::Problem;
use std::borrow::Borrow;

/// The form of a page that was refused, if one was.
#[derive(Default)]
pub(crate) struct Refused(Option<Box<One>>);

struct One {
    /// Where the form went: of the forms of a page it is this one.
    action: Box<str>,
    why: String,
    form: Form,
}

impl Refused {
    /// The form that was sent, if what was filled in is at fault; else the page of the problem.
    pub(crate) fn of(visit: &Visit, form: Form, problem: Problem) -> Result<Self, ErrorPage> {
        if is_of_form(&problem) {
            Ok(Self::new(&visit.target, form, problem.detail.into_owned()))
        } else {
            Err(ErrorPage::new(visit, problem))
        }
    }

    fn new(target: &str, form: Form, why: String) -> Self {
        let action = target.split('?').next().unwrap_or_default().into();
        Self(Some(Box::new(One { action, why, form })))
    }

    /// Whether one was.
    pub(crate) const fn is_any(&self) -> bool {
        self.0.is_some()
    }

    /// The form of the page that goes to `action`, as it is to be shown.
    pub(crate) fn at(&self, action: impl AsRef<str>) -> Filled<'_> {
        let one = self.0.as_deref();
        Filled(one.filter(|one| *one.action == *action.as_ref()))
    }
}

/// A form as it is to be shown: as it was filled in if it was refused, else with what is stored. No
/// page shows a password or a secret by it.
#[derive(Clone, Copy)]
pub(crate) struct Filled<'a>(Option<&'a One>);

impl<'a> Filled<'a> {
    /// Whether it was refused.
    pub(crate) const fn is_refused(&self) -> bool {
        self.0.is_some()
    }

    /// Why it was refused.
    pub(crate) fn why(&self) -> Option<&'a String> {
        self.0.map(|one| &one.why)
    }

    /// What was sent, if it was refused.
    pub(crate) fn form(&self) -> Option<&'a Form> {
        self.0.map(|one| &one.form)
    }

    /// What stands in a field.
    pub(crate) fn text(&self, name: &str, stored: impl AsRef<str>) -> String {
        let stored = stored.as_ref();
        self.form()
            .map_or(stored, |form| form.text(name))
            .to_owned()
    }

    /// Whether a value of a field is chosen.
    pub(crate) fn is(&self, name: &str, value: impl AsRef<str>, stored: impl AsRef<str>) -> bool {
        self.text(name, stored) == value.as_ref()
    }

    /// Whether a box is ticked.
    pub(crate) fn has(&self, name: &str, stored: impl Borrow<bool>) -> bool {
        self.form().map_or(*stored.borrow(), |form| form.has(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn a_refused_form_has_what_was_typed_and_others_what_is_stored() {
        let form = Form::of(&Bytes::from_static(b"cron=every+day&on=&owner="));
        let refused = Refused::new("/jobs/gc?x=1", form, "no".to_owned());
        let (sent, other) = (refused.at("/jobs/gc"), refused.at("/jobs"));
        assert!(refused.is_any() && sent.is_refused() && !other.is_refused());
        assert_eq!(sent.why().map(String::as_str), Some("no"));
        assert_eq!(other.why(), None);
        let texts = |it: Filled<'_>| [it.text("cron", "@daily"), it.text("owner", "mei")];
        assert_eq!(texts(sent), ["every day", ""]);
        assert_eq!(texts(other), ["@daily", "mei"]);
        assert!(sent.is("owner", "", "mei") && other.is("owner", "mei", "mei"));
        assert!(sent.has("on", false) && !sent.has("off", true) && other.has("off", true));
        assert!(!Refused::default().is_any());
    }
}
