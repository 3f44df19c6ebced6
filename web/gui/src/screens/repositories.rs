//! Repositories: making one, what is set of it, and its end.

use crate::form::{Form, is_of_form};
use crate::page::{Frame, OrPage as _, Shown, see_other, show, show_form};
use crate::query::Query;
use crate::screens::confirm::{Confirm, require_typed};
use crate::screens::place;
use crate::screens::typed::Typed;
use crate::visit::Visit;
use askama::Template;
use axum::extract::Path;
use http::Method;
use larder_api as api;
use larder_api::RepoKind;
use larder_model::{Kind, Problem, RepoPath, pem};

#[derive(Template)]
#[template(path = "repository_new.html")]
struct New {
    frame: Frame,
    kind: RepoKind,
    protocols: Vec<String>,
    typed: Typed,
    /// Why it was not made.
    wrong: Option<String>,
}

/// The kinds that one may choose.
const KINDS: [RepoKind; 3] = [RepoKind::Hosted, RepoKind::Mirror, RepoKind::Group];

impl New {
    /// The kinds that one may choose: its words, its address, whether it is chosen.
    fn kinds(&self) -> [(&'static str, String, bool); 3] {
        let t = self.frame.language;
        KINDS.map(|kind| {
            let label = match kind {
                RepoKind::Hosted => t.repositories_hosted(),
                RepoKind::Mirror => t.repositories_mirror(),
                RepoKind::Group => t.repositories_group(),
            };
            (
                label,
                format!("/repositories/new?kind={}", word_of(kind)),
                self.kind == kind,
            )
        })
    }

    fn word(&self) -> &'static str {
        word_of(self.kind)
    }
}

fn word_of(kind: RepoKind) -> &'static str {
    larder_model::RepoKind::from(kind).word()
}

fn kind_of(word: &str) -> RepoKind {
    let known = word.parse::<larder_model::RepoKind>();
    known.map_or(RepoKind::Hosted, RepoKind::from)
}

/// What clients of this server may speak.
pub(crate) async fn protocols(visit: &Visit) -> Result<Vec<String>, Problem> {
    let list: api::List<api::ConnectClient> = visit.get("/connect").await?;
    let mut protocols: Vec<String> = list.items.into_iter().map(|it| it.protocol).collect();
    protocols.sort_unstable();
    protocols.dedup();
    Ok(protocols)
}

/// The form of a new one.
pub(crate) async fn ask_for_new(visit: Visit, query: Query) -> Shown {
    let typed = Typed {
        protocol: query.get("protocol").to_owned(),
        ..Typed::default()
    };
    new_page(&visit, kind_of(query.get("kind")), typed, None).await
}

async fn new_page(visit: &Visit, kind: RepoKind, typed: Typed, wrong: Option<String>) -> Shown {
    let t = visit.language();
    if !visit.is_superuser() {
        let problem = Problem::new(Kind::Denied, "repository", t.repositories_needs_superuser());
        return Err(problem).or_page(visit);
    }
    let is_refused = wrong.is_some();
    let frame = Frame::new(visit, t.repositories_new()).or_page(visit)?;
    let page = New {
        frame: frame.elsewhere(
            "larder repo create PROTOCOL/NAME",
            "POST /api/v1/repositories",
        ),
        kind,
        protocols: protocols(visit).await.or_page(visit)?,
        typed,
        wrong,
    };
    show_form(is_refused, &page).or_page(visit)
}

/// Makes one.
pub(crate) async fn make(visit: Visit, form: Form) -> Shown {
    let (kind, typed) = (kind_of(form.text("kind")), Typed::of(&form));
    match made(&visit, kind, &typed, &form).await {
        Ok(repo) => see_other(&place::repo_page(&repo)).or_page(&visit),
        Err(problem) if is_of_form(&problem) => {
            new_page(&visit, kind, typed, Some(problem.detail.to_string())).await
        }
        Err(problem) => Err(problem).or_page(&visit),
    }
}

/// Makes the repository of a form.
pub(crate) async fn made(
    visit: &Visit,
    kind: RepoKind,
    typed: &Typed,
    form: &Form,
) -> Result<RepoPath, Problem> {
    let repo = RepoPath::of(&typed.protocol, &typed.name).ok_or_else(|| {
        let t = visit.language();
        Problem::invalid("name", t.repositories_bad_name())
    })?;
    let change = typed.change(kind, form)?;
    let new = api::NewRepository {
        protocol: repo.protocol,
        name: repo.name.clone(),
        kind: Some(kind),
        description: change.description,
        open: match change.open {
            api::Patch::Set(open) => Some(open),
            api::Patch::Keep | api::Patch::Remove => None,
        },
        offline: None,
        fresh_seconds: change.fresh_seconds,
        serve_vanished: change.serve_vanished,
        upstream: change.upstream,
        members: change.members,
        blocked: None,
        signing_key: None,
        immutable: None,
        sparse_images: change.sparse_images,
        quota: None,
    };
    visit.act(Method::POST, "/repositories", Some(&new)).await?;
    Ok(repo)
}

/// The form of a mirror, for pages that have it among others.
pub(crate) async fn make_mirror(visit: &Visit, form: &Form) -> Result<RepoPath, Problem> {
    made(visit, RepoKind::Mirror, &Typed::of(form), form).await
}

#[derive(Template)]
#[template(path = "repository.html")]
struct Settings {
    frame: Frame,
    repo: api::Repository,
    path: RepoPath,
    typed: Typed,
    wrong: Option<String>,
}

impl Settings {
    fn is(&self, kind: RepoKind) -> bool {
        self.repo.kind == kind
    }

    fn has_password(&self) -> bool {
        let upstream = self.repo.upstream.as_ref();
        upstream.is_some_and(|upstream| upstream.has_password)
    }

    fn has_certificate(&self) -> bool {
        let upstream = self.repo.upstream.as_ref();
        upstream.is_some_and(|upstream| upstream.client_certificate.is_some())
    }
}

/// What is set of one.
pub(crate) async fn settings(
    visit: Visit,
    Path((protocol, name)): Path<(String, String)>,
) -> Shown {
    settings_page(&visit, &protocol, &name, None).await
}

async fn settings_page(
    visit: &Visit,
    protocol: &str,
    name: &str,
    wrong: Option<(Typed, String)>,
) -> Shown {
    let t = visit.language();
    let path = place::repo(protocol, name).or_page(visit)?;
    let repo = place::repository(visit, &path).await.or_page(visit)?;
    let title = path.to_string();
    if !visit.may(&title, "administer").await.or_page(visit)? {
        let detail = t.policies_needs_admin(&title);
        return Err(Problem::new(Kind::Denied, "repository", detail)).or_page(visit);
    }
    let is_refused = wrong.is_some();
    let (typed, wrong) = match wrong {
        Some((typed, why)) => (typed, Some(why)),
        None => (Typed::of_repository(&repo), None),
    };
    let frame = Frame::new(visit, t.repositories_settings()).or_page(visit)?;
    let page = Settings {
        frame: frame.below(&title, place::repo_page(&path)).elsewhere(
            format!("larder repo set {title}"),
            format!("PATCH /api/v1{}", place::repo_call(&path)),
        ),
        repo,
        path,
        typed,
        wrong,
    };
    show_form(is_refused, &page).or_page(visit)
}

/// Sets it.
pub(crate) async fn set(
    visit: Visit,
    Path((protocol, name)): Path<(String, String)>,
    form: Form,
) -> Shown {
    let path = place::repo(&protocol, &name).or_page(&visit)?;
    let typed = Typed::of(&form);
    match changed(&visit, &path, &typed, &form).await {
        Ok(()) => see_other(&settings_path(&path)).or_page(&visit),
        Err(problem) if is_of_form(&problem) => {
            let wrong = Some((typed, problem.detail.to_string()));
            settings_page(&visit, &protocol, &name, wrong).await
        }
        Err(problem) => Err(problem).or_page(&visit),
    }
}

async fn changed(
    visit: &Visit,
    path: &RepoPath,
    typed: &Typed,
    form: &Form,
) -> Result<(), Problem> {
    let call = place::repo_call(path);
    let repo = place::repository(visit, path).await?;
    let mut change = typed.change(repo.kind, form)?;
    if let Some(upstream) = &mut change.upstream
        && repo.upstream.as_ref().map(|it| &it.url) == upstream.url.as_ref()
    {
        upstream.url = None; // another address would begin the rest anew
    }
    if let Some(upstream) = &mut change.upstream {
        keep_certificates(upstream, repo.upstream.as_ref());
        keep_mirror_list(upstream, repo.upstream.as_ref());
    }
    if !visit.is_superuser() {
        change.upstream = None;
    }
    visit.act(Method::PATCH, call, Some(&change)).await?;
    Ok(())
}

/// Leaves out a list of mirrors that is as it was. A new one is kept with the address that stands
/// beside it.
fn keep_mirror_list(change: &mut api::UpstreamChange, before: Option<&api::Upstream>) {
    let Some(list) = &change.mirror_list else {
        return;
    };
    let before = before.filter(|_| change.url.is_none());
    let kept = before.and_then(|it| it.mirror_list.as_deref());
    if kept.unwrap_or_default() == list {
        change.mirror_list = None;
    } else if change.url.is_none() {
        change.url = before.map(|it| it.url.clone());
    }
}

/// Leaves out the certificates that are as they were: they stay, also with a key that is not told.
fn keep_certificates(change: &mut api::UpstreamChange, before: Option<&api::Upstream>) {
    let before = before.filter(|_| change.url.is_none());
    let kept = |of: fn(&api::Upstream) -> &Option<String>| {
        let text = before.and_then(|it| of(it).as_deref());
        pem::certificates(text.unwrap_or_default())
    };
    let certificate = kept(|it| &it.client_certificate);
    let authorities = kept(|it| &it.ca_certificate);
    let is_new = |text: &String, kept: &str| text.trim() != kept.trim();
    change.client_certificate = change
        .client_certificate
        .take()
        .map(|text| text.replace("\r\n", "\n"))
        .filter(|text| is_new(text, &certificate));
    change.ca_certificate = change
        .ca_certificate
        .take()
        .map(|text| text.replace("\r\n", "\n"))
        .filter(|text| is_new(text, &authorities));
}

/// Where the settings of a repository are.
pub(crate) fn settings_path(path: &RepoPath) -> String {
    format!("/repositories/{}/{}", path.protocol, path.name)
}

/// Asks whether one is to go.
pub(crate) async fn ask_to_delete(
    visit: Visit,
    Path((protocol, name)): Path<(String, String)>,
) -> Shown {
    let path = place::repo(&protocol, &name).or_page(&visit)?;
    let call = place::repo_call(&path);
    let repo = place::repository(&visit, &path).await.or_page(&visit)?;
    let (t, title, back) = (visit.language(), path.to_string(), settings_path(&path));
    let frame = Frame::new(&visit, t.repositories_delete_title(&title)).or_page(&visit)?;
    let frame = frame.below(&title, &back).elsewhere(
        format!("larder repo delete {title}"),
        format!("DELETE /api/v1{call}"),
    );
    let text = t.repositories_delete_text();
    let action = format!("{back}/delete");
    let mut page = Confirm::new(frame, text, action, t.repositories_delete(), back);
    if let Some(usage) = repo.usage {
        page = page
            .fact(
                t.repositories_versions(),
                crate::format::count(usage.versions),
            )
            .fact(t.repositories_bytes(), crate::format::bytes(usage.bytes));
    }
    show(&page.typed(title)).or_page(&visit)
}

/// Deletes one.
pub(crate) async fn delete(
    visit: Visit,
    Path((protocol, name)): Path<(String, String)>,
    form: Form,
) -> Shown {
    let path = place::repo(&protocol, &name).or_page(&visit)?;
    require_typed(visit.language(), &form, &path.to_string()).or_page(&visit)?;
    visit
        .delete(place::repo_call(&path))
        .await
        .or_page(&visit)?;
    let list = place::repo_page(&path);
    let list = list.rsplit_once('/').map_or("/", |(list, _)| list);
    see_other(list).or_page(&visit)
}
