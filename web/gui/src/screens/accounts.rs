//! What pages of users, groups and robots have in common: a name that is typed, and an end that is
//! asked for.

use crate::form::Form;
use crate::language::Language;
use crate::page::{Frame, OrPage as _, Shown, see_other};
use crate::screens::confirm::{Confirm, require_typed};
use crate::visit::Visit;
use http::Method;
use larder_model::{Problem, UserName};
use serde::Serialize;

/// What all accounts of a kind have.
pub(crate) struct Accounts {
    /// The word of the command line for one.
    pub(crate) noun: &'static str,
    /// What the list is called.
    pub(crate) title: fn(Language) -> &'static str,
    pub(crate) delete_text: fn(Language) -> &'static str,
    pub(crate) delete: fn(Language) -> &'static str,
}

impl Accounts {
    /// The page of the list; of one, with its name behind it.
    fn list_page(&self) -> String {
        format!("/access/{}s", self.noun)
    }

    /// The page of one.
    pub(crate) fn page(&self, name: &str) -> String {
        format!("{}/{name}", self.list_page())
    }

    /// One, as the API has it.
    pub(crate) fn call(&self, name: &UserName) -> String {
        format!("/{}s/{name}", self.noun)
    }

    /// Makes the one of this name, of what `new` makes of it.
    pub(crate) async fn make<T: Serialize + Sync>(
        &self,
        visit: &Visit,
        name: &str,
        new: impl FnOnce(UserName) -> T,
    ) -> Result<(), Problem> {
        let new = new(name_of(name)?);
        let path = format!("/{}s", self.noun);
        visit.act(Method::POST, path, Some(&new)).await?;
        Ok(())
    }

    /// Asks whether one is to go; `title` is the question.
    pub(crate) fn ask(&self, visit: &Visit, name: &str, title: String) -> Result<Confirm, Problem> {
        let (t, back) = (visit.language(), self.page(name));
        let noun = self.noun;
        let frame = Frame::new(visit, title)?
            .below((self.title)(t), self.list_page())
            .below(name, &back)
            .elsewhere(
                format!("larder {noun} delete {name}"),
                format!("DELETE /api/v1/{noun}s/{name}"),
            );
        let action = format!("{back}/delete");
        let page = Confirm::new(frame, (self.delete_text)(t), action, (self.delete)(t), back);
        Ok(page.typed(name))
    }

    /// Deletes one, whose name was typed.
    pub(crate) async fn end(&self, visit: &Visit, name: &str, form: &Form) -> Shown {
        require_typed(visit.language(), form, name).or_page(visit)?;
        let name = name_of(name).or_page(visit)?;
        visit.delete(self.call(&name)).await.or_page(visit)?;
        see_other(&self.list_page()).or_page(visit)
    }
}

/// A name as someone has typed it.
pub(crate) fn name_of(text: &str) -> Result<UserName, Problem> {
    text.parse::<UserName>()
        .map_err(|why| Problem::invalid("name", why.0))
}
