//! What a form of ours brings: its fields, once its CSRF token holds.

use crate::masked::unmask;
use crate::page::ErrorPage;
use crate::visit::Visit;
use axum::RequestExt as _;
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use larder_model::{Kind, Problem};
use std::collections::HashMap;
use url::form_urlencoded;

/// A form has at most so many bytes.
const BYTES: usize = 1 << 20;
/// The field that every form of ours has.
pub(crate) const CSRF_TOKEN: &str = "csrf_token";

/// The fields of a form that a page of ours has sent for the one who is signed in.
pub(crate) struct Form {
    fields: HashMap<String, Vec<String>>,
}

/// Whether what was filled in is at fault, so that the form is shown again with why.
pub(crate) fn is_of_form(problem: &Problem) -> bool {
    matches!(problem.kind, Kind::Invalid | Kind::Conflict)
}

impl Form {
    pub(crate) fn of(body: &Bytes) -> Self {
        let mut fields: HashMap<String, Vec<String>> = HashMap::new();
        for (name, value) in form_urlencoded::parse(body) {
            fields
                .entry(name.into_owned())
                .or_default()
                .push(value.into_owned());
        }
        Self { fields }
    }

    /// A field, as it was filled in; empty: it was not.
    pub(crate) fn text(&self, name: &str) -> &str {
        let values = self.fields.get(name);
        values
            .and_then(|values| values.first())
            .map_or("", String::as_str)
    }

    /// A field without the spaces around it; `None`: nothing was filled in.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        Some(self.text(name).trim()).filter(|text| !text.is_empty())
    }

    /// All values of a field that can be chosen several times.
    pub(crate) fn all(&self, name: &str) -> &[String] {
        self.fields.get(name).map_or(&[], Vec::as_slice)
    }

    /// Whether a box is ticked.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.fields.contains_key(name)
    }

    /// A whole number; `None`: nothing was filled in.
    pub(crate) fn number(&self, name: &'static str) -> Result<Option<u64>, Problem> {
        let wrong = |_| Problem::invalid(name, "write a whole number");
        self.given(name)
            .map(|text| text.parse().map_err(wrong))
            .transpose()
    }
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = ErrorPage;

    async fn from_request(mut request: Request, _: &S) -> Result<Self, ErrorPage> {
        let visit = request
            .extract_parts::<Visit>()
            .await
            .map_err(ErrorPage::bare)?;
        let body = Limited::new(request.into_body(), BYTES).collect().await;
        let body = body.map_err(|_| {
            let problem = Problem::invalid("form", "the form is larger than 1 MiB, or broke off");
            ErrorPage::new(&visit, problem)
        })?;
        let form = Self::of(&body.to_bytes());
        let shown = unmask(form.text(CSRF_TOKEN));
        let held = visit.require_csrf_token(shown.as_deref());
        held.map_err(|problem| ErrorPage::new(&visit, problem))?;
        Ok(form)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read() {
        let form = Form::of(&Bytes::from_static(b"a=1&b=%20x+y%20&c=&d=1&d=2&e"));
        assert_eq!(form.number("a").expect("a number"), Some(1));
        assert_eq!(
            (form.given("b"), form.given("c"), form.text("z")),
            (Some("x y"), None, "")
        );
        assert_eq!(form.all("d"), ["1", "2"]);
        assert!(form.has("e") && !form.has("f"));
        assert!(form.number("b").is_err());
    }
}
