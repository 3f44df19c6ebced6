//! Tokens: those of whoever looks, and of others for whom they answer.

use crate::address::address;
use crate::form::Form;
use crate::page::{Frame, OrPage as _, Shown, see_other, show, show_form, show_secret};
use crate::query::{Query, ROWS};
use crate::refused::Refused;
use crate::screens::confirm::Confirm;
use crate::screens::place;
use crate::visit::Visit;
use askama::Template;
use axum::extract::Path;
use http::Method;
use larder_api as api;
use larder_model::{Pattern, Problem, Role, Timestamp};
use std::time::Duration;

/// For so many days a token may live.
pub(crate) const DAYS: [u64; 3] = [30, 90, 365];
/// For so many days it lives, unless something else is chosen.
pub(crate) const USUAL_DAYS: &str = "90";

#[derive(Template)]
#[template(path = "tokens.html")]
struct Tokens {
    frame: Frame,
    tokens: Vec<api::Token>,
    next: Option<String>,
    repositories: Vec<String>,
    refused: Refused,
}

/// The end of a token that is to live for so many days; empty: it does not end.
pub(crate) fn expiry(visit: &Visit, days: &str) -> Result<Option<Timestamp>, Problem> {
    if days.is_empty() {
        return Ok(None);
    }
    let wrong = |_| Problem::invalid("expires", "write a whole number of days");
    let days: u32 = days.parse().map_err(wrong)?;
    let end = visit
        .now()
        .after(Duration::from_secs(u64::from(days) * 86_400));
    Ok(Some(Timestamp(end.seconds() * 1_000_000)))
}

/// A token of whoever looks.
pub(crate) async fn token_of(visit: &Visit, id: &str) -> Result<api::Token, Problem> {
    one_of(visit, "", id).await
}

async fn one_of(visit: &Visit, owner: &str, id: &str) -> Result<api::Token, Problem> {
    let gone = || Problem::not_found("token", visit.language().tokens_gone());
    let number: i64 = id.parse().map_err(|_| gone())?;
    // The list is in the order of ids.
    let before = (number - 1).to_string();
    let parameters = [("limit", "1"), ("after", &*before), ("owner", owner)];
    let list: api::List<api::Token> = visit.get(address("/tokens", &parameters)).await?;
    let mut found = list.items.into_iter();
    found.find(|token| token.id == id).ok_or_else(gone)
}

/// The tokens of an account, the oldest first.
pub(crate) async fn tokens_of(
    visit: &Visit,
    owner: &str,
    after: &str,
) -> Result<api::List<api::Token>, Problem> {
    let limit = ROWS.to_string();
    let parameters = [("limit", &*limit), ("owner", owner), ("after", after)];
    visit.get(address("/tokens", &parameters)).await
}

/// One's own tokens.
pub(crate) async fn list(visit: Visit, query: Query) -> Shown {
    page(&visit, &query, Refused::default()).await
}

async fn page(visit: &Visit, query: &Query, refused: Refused) -> Shown {
    let list = tokens_of(visit, "", query.get("after"))
        .await
        .or_page(visit)?;
    let frame = Frame::new(visit, visit.language().tokens_title()).or_page(visit)?;
    let page = Tokens {
        frame: frame.elsewhere("larder token list", "GET /api/v1/tokens"),
        tokens: list.items,
        next: list
            .next
            .map(|after| address("/me/tokens", &[("after", &after)])),
        repositories: place::names(visit).await.or_page(visit)?,
        refused,
    };
    show_form(page.refused.is_any(), &page).or_page(visit)
}

/// A token that was just made, with its secret.
#[derive(Template)]
#[template(path = "token_made.html")]
struct Made {
    frame: Frame,
    token: api::Token,
    back: String,
}

impl Made {
    /// A first use.
    fn check(&self) -> String {
        let secret = self.token.secret.as_deref().unwrap_or_default();
        format!(
            "LARDER_TOKEN={secret} larder whoami --server {}",
            self.frame.base
        )
    }
}

/// Makes one.
pub(crate) async fn make(visit: Visit, form: Form) -> Shown {
    match made(&visit, "", &form).await {
        Ok(token) => show_made(&visit, token, "/me/tokens"),
        Err(problem) => {
            let refused = Refused::of(&visit, form, problem)?;
            page(&visit, &Query::default(), refused).await
        }
    }
}

/// Shows one that was just made, before one goes back.
pub(crate) fn show_made(visit: &Visit, token: api::Token, back: &str) -> Shown {
    let t = visit.language();
    let frame = Frame::new(visit, t.tokens_made()).or_page(visit)?;
    let page = Made {
        frame: frame.below(t.tokens_title(), back),
        token,
        back: back.to_owned(),
    };
    show_secret(&page).or_page(visit)
}

/// Makes one for an account, of what was filled in.
pub(crate) async fn made(visit: &Visit, owner: &str, form: &Form) -> Result<api::Token, Problem> {
    let grants = form.given("repository").map(|repository| {
        let wrong = |_| Problem::invalid("repository", visit.language().tokens_wrong_pattern());
        let repository: Pattern = repository.parse().map_err(wrong)?;
        let package = form.given("package").map_or(Ok(Pattern::all()), str::parse);
        Ok::<_, Problem>(vec![api::TokenGrant {
            repository,
            package: package.map_err(wrong)?,
            refs: form
                .given("ref")
                .map(str::parse)
                .transpose()
                .map_err(wrong)?,
            role: role(form.text("role")),
        }])
    });
    let new = api::NewToken {
        kind: None,
        name: form.text("name").trim().to_owned(),
        expires_at: expiry(visit, form.text("expires"))?,
        grants: grants.transpose()?,
    };
    let path = address("/tokens", &[("owner", owner)]);
    visit.send(Method::POST, path, &new).await
}

/// The role of that word; without one, the least.
pub(crate) fn role(word: &str) -> Role {
    let mut roles = ROLES.into_iter();
    roles
        .find(|role| role.word() == word)
        .unwrap_or(Role::Reader)
}

/// All roles, the least first.
pub(crate) const ROLES: [Role; 4] = [Role::Reader, Role::Writer, Role::Maintainer, Role::Admin];

/// Asks whether a token is to end.
pub(crate) async fn ask_to_end(visit: Visit, Path(id): Path<String>, query: Query) -> Shown {
    let t = visit.language();
    let owner = query.get("owner");
    let token = one_of(&visit, owner, &id).await.or_page(&visit)?;
    let back = back_of(owner);
    let frame = Frame::new(&visit, t.tokens_end_title(&token.name)).or_page(&visit)?;
    let frame = frame.below(t.tokens_title(), &back).elsewhere(
        format!("larder token delete {id}"),
        format!("DELETE /api/v1/tokens/{id}"),
    );
    let used = match (token.last_used_at, token.last_used_from) {
        (Some(at), Some(from)) => t.tokens_used_from(crate::format::exact(at), from),
        _ => t.frame_never().to_owned(),
    };
    let action = address(format!("/me/tokens/{id}/delete"), &[("owner", owner)]);
    let page = Confirm::new(frame, t.tokens_end_text(), action, t.tokens_end(), back)
        .fact(t.tokens_owner(), token.owner)
        .fact(t.tokens_last_used(), used);
    show(&page).or_page(&visit)
}

/// Where one came from.
fn back_of(owner: &str) -> String {
    match owner.split_once(':') {
        Some(("robot", name)) => format!("/access/robots/{name}"),
        Some(("user", name)) => format!("/access/users/{name}"),
        _ => "/me/tokens".to_owned(),
    }
}

/// Ends a token.
pub(crate) async fn end(visit: Visit, Path(id): Path<String>, query: Query, _: Form) -> Shown {
    let token = one_of(&visit, query.get("owner"), &id)
        .await
        .or_page(&visit)?;
    visit
        .delete(format!("/tokens/{}", token.id))
        .await
        .or_page(&visit)?;
    see_other(&back_of(query.get("owner"))).or_page(&visit)
}
