//! What rules refused: the list, and the page that a refusal's id leads to.

use crate::address::address;
use crate::language::Language;
use crate::page::{ErrorPage, Frame, OrPage as _, Shown, login_path, show};
use crate::query::{Query, ROWS};
use crate::screens::audit::moment;
use crate::screens::lines::word;
use crate::screens::policies::Tab;
use crate::visit::Visit;
use askama::Template;
use axum::extract::Path;
use larder_api as api;
use larder_model::{Kind, RuleKind};

/// The word for a kind of rule.
pub(crate) fn rule_word(t: Language, rule: &RuleKind) -> &'static str {
    match rule {
        RuleKind::Block => t.denied_block(),
        RuleKind::Quota => t.denied_quota(),
        RuleKind::Immutable => t.denied_immutable(),
        RuleKind::Right => t.denied_right(),
    }
}

/// Where the rule stands, and what that page is called.
struct Place {
    path: String,
    label: String,
}

impl Place {
    fn of(t: Language, denied: &api::DeniedRequest) -> Self {
        let repository = denied.repository.as_deref().unwrap_or_default();
        let anchor = repository.replacen('/', "-", 1);
        let (path, label) = match denied.rule {
            RuleKind::Block => (
                format!("{}#{anchor}", Tab::Blocks.path()),
                t.denied_see_block(repository),
            ),
            RuleKind::Quota => (
                Tab::Quotas.path().to_owned(),
                t.denied_see_quota().to_owned(),
            ),
            RuleKind::Immutable => (
                format!("{}#{anchor}", Tab::Immutability.path()),
                t.denied_see_immutable(repository),
            ),
            RuleKind::Right => (
                address("/access/grants", &[("repository", repository)]),
                t.denied_see_right().to_owned(),
            ),
        };
        Self { path, label }
    }
}

/// What narrows the list, as it stands in the address.
struct Filter {
    repository: String,
    rule: String,
    since: String,
}

impl Filter {
    fn address(&self, since: &str, more: &[(&str, &str)]) -> String {
        let mut all = vec![
            ("repository", self.repository.as_str()),
            ("rule", &self.rule),
            ("since", since),
        ];
        all.extend(more);
        address("/denied", &all)
    }
}

/// A line of the list.
struct Line {
    denied: api::DeniedRequest,
    place: Place,
}

#[derive(Template)]
#[template(path = "denied.html")]
struct Denied {
    frame: Frame,
    lines: Vec<Line>,
    next: Option<String>,
    filter: Filter,
}

impl Denied {
    const fn tabs(&self) -> [Tab; 4] {
        Tab::ALL
    }

    const fn rules(&self) -> &'static [RuleKind] {
        RuleKind::ALL
    }
}

/// What rules refused, the newest first.
pub(crate) async fn list(visit: Visit, query: Query) -> Shown {
    let text = |name: &str| query.get(name).to_owned();
    let filter = Filter {
        repository: text("repository"),
        rule: text("rule"),
        since: text("since"),
    };
    let limit = ROWS.to_string();
    let more = [("limit", limit.as_str()), ("after", query.get("after"))];
    let list = visit.get(filter.address(&moment(&filter.since), &more));
    let list: api::List<api::DeniedRequest> = list.await.or_page(&visit)?;
    let t = visit.language();
    let line = |denied: api::DeniedRequest| Line {
        place: Place::of(t, &denied),
        denied,
    };
    let frame = Frame::new(&visit, t.denied_title()).or_page(&visit)?;
    let frame = frame
        .below(t.policies_title(), Tab::Retention.path())
        .within(Tab::Retention.path());
    let next = |after: String| filter.address(&filter.since, &[("after", &after)]);
    let page = Denied {
        frame: frame.elsewhere("larder denied", "GET /api/v1/denied"),
        lines: list.items.into_iter().map(line).collect(),
        next: list.next.map(next),
        filter,
    };
    show(&page).or_page(&visit)
}

#[derive(Template)]
#[template(path = "why.html")]
struct Why {
    frame: Frame,
    /// What the client was told.
    sentence: String,
    /// All of it, where whoever looks may know that.
    whole: Option<Line>,
    /// Where one signs in; `None`: somebody is.
    sign_in: Option<String>,
}

impl Line {
    /// The command that gives the right that was missing.
    fn grant(&self) -> Option<String> {
        let actor = self.denied.actor.as_deref()?;
        let repository = self.denied.repository.as_deref()?;
        let role = match self.denied.verb.as_deref()? {
            "write" => "writer",
            "delete" => "maintainer",
            "administer" => "admin",
            _ => return None,
        };
        let is_right = self.denied.rule == RuleKind::Right;
        // No more than was missing, unless it was about the repository.
        let package = self.denied.package.as_deref().filter(|_| role != "admin");
        let package = package.map_or_else(String::new, |it| format!(" --package {}", word(it)));
        let (actor, repository) = (word(actor), word(repository));
        is_right.then(|| format!("larder grant create {actor} {repository} --role {role}{package}"))
    }

    const fn until(&self, t: Language) -> &'static str {
        match self.denied.rule {
            RuleKind::Block => t.denied_until_block(),
            RuleKind::Quota => t.denied_until_quota(),
            RuleKind::Immutable => t.denied_until_immutable(),
            RuleKind::Right => t.denied_until_right(),
        }
    }

    const fn next(&self, t: Language) -> &'static str {
        match self.denied.rule {
            RuleKind::Block => t.denied_next_block(),
            RuleKind::Quota => t.denied_next_quota(),
            RuleKind::Immutable => t.denied_next_immutable(),
            RuleKind::Right => t.denied_next_right(),
        }
    }
}

/// Why a request was refused. To whoever may not know more it tells the sentence that the client was
/// told.
pub(crate) async fn why(visit: Visit, Path(id): Path<String>) -> Shown {
    let t = visit.language();
    let asked = visit.get::<api::DeniedRequest>(format!("/why/{}", crate::address::segment(&id)));
    let (sentence, whole) = match asked.await {
        Ok(denied) if denied.repository.is_some() => {
            let place = Place::of(t, &denied);
            (denied.detail.clone(), Some(Line { denied, place }))
        }
        Ok(denied) => (denied.detail, None),
        Err(problem) if problem.kind == Kind::NotFound => {
            match visit.refusal_sentence(&id).await.or_page(&visit)? {
                Some(sentence) => (sentence, None),
                None => return Err(ErrorPage::new(&visit, problem)),
            }
        }
        Err(problem) => return Err(ErrorPage::new(&visit, problem)),
    };
    let frame = Frame::new(&visit, t.denied_why()).or_page(&visit)?;
    let frame = frame.within(Tab::Retention.path());
    let is_someone = visit.user().is_some();
    let page = Why {
        frame: frame.elsewhere(format!("larder why {id}"), format!("GET /api/v1/why/{id}")),
        sentence,
        sign_in: (!is_someone && whole.is_none()).then(|| login_path(&visit.target)),
        whole,
    };
    show(&page).or_page(&visit)
}
