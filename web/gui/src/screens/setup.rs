//! The first steps of a new server, on one page: its address, where it fetches from, the first user, the
//! first client. Each shows what is there already, and none has to be taken.

use crate::form::{Form, is_of_form};
use crate::page::{Frame, OrPage as _, Shown, see_other, show_form};
use crate::screens::accounts::name_of;
use crate::screens::repositories;
use crate::screens::typed::Typed;
use crate::visit::Visit;
use askama::Template;
use http::Method;
use larder_api as api;
use larder_model::{Kind, Pattern, Problem, Role};

/// Users that are shown.
const USERS: usize = 5;

/// A form that could not be carried out, and why.
struct Wrong {
    step: &'static str,
    why: String,
}

#[derive(Template)]
#[template(path = "first_run.html")]
struct Setup {
    frame: Frame,
    mirrors: Vec<api::UpstreamStatus>,
    protocols: Vec<String>,
    users: Vec<api::User>,
    clients: Vec<api::ConnectClient>,
    /// Whether a token was ever used.
    has_client: bool,
    is_public: bool,
    typed: Typed,
    wrong: Option<Wrong>,
}

impl Setup {
    /// Whether others than this machine reach the server at its address.
    fn is_local(&self) -> bool {
        let host = host_of(&self.frame.base);
        matches!(host, "localhost" | "[::1]") || host.starts_with("127.")
    }

    /// What makes it reachable for others.
    const fn lines() -> &'static str {
        "[server]\nlisten = \"0.0.0.0:7070\"\ntls = \"self-signed\"\npublic_url = \"https://HOST:7070\""
    }

    /// Whether the first user is there: one beside the one who looks.
    fn has_user(&self) -> bool {
        self.users.len() > 1
    }

    /// Why the form of a step was not carried out.
    fn wrong_in(&self, step: &str) -> Option<&String> {
        let wrong = self.wrong.as_ref();
        wrong.filter(|wrong| wrong.step == step).map(|it| &it.why)
    }
}

/// The host of an address, without its port.
fn host_of(base: &str) -> &str {
    let host = base.split_once("://").map_or(base, |(_, host)| host);
    let host = host.trim_end_matches('/');
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// All steps.
pub(crate) async fn show(visit: Visit) -> Shown {
    page(&visit, Typed::default(), None).await
}

async fn page(visit: &Visit, typed: Typed, wrong: Option<Wrong>) -> Shown {
    let t = visit.language();
    if !visit.is_superuser() {
        let problem = Problem::new(Kind::Denied, "setup", t.setup_needs_superuser());
        return Err(problem).or_page(visit);
    }
    let is_refused = wrong.is_some();
    let page = read(visit, typed, wrong).await.or_page(visit)?;
    show_form(is_refused, &page).or_page(visit)
}

async fn read(visit: &Visit, typed: Typed, wrong: Option<Wrong>) -> Result<Setup, Problem> {
    let mirrors: api::List<api::UpstreamStatus> = visit.get("/upstreams?limit=50").await?;
    let users: api::List<api::User> = visit.get(format!("/users?limit={USERS}")).await?;
    let clients: api::List<api::ConnectClient> = visit.get("/connect").await?;
    let settings: api::List<api::ConfigSetting> = visit.get("/system/config").await?;
    let address = settings
        .items
        .iter()
        .find(|it| it.key == "server.public_url");
    let tokens: api::List<api::Token> = visit.get("/tokens?limit=50").await?;
    let frame = Frame::new(visit, visit.language().setup_title())?;
    Ok(Setup {
        frame: frame.elsewhere(
            "larder repo create, larder user create, larder connect",
            "POST /api/v1/repositories",
        ),
        mirrors: mirrors.items,
        protocols: repositories::protocols(visit).await?,
        users: users.items,
        clients: clients.items,
        has_client: tokens.items.iter().any(|it| it.last_used_at.is_some()),
        is_public: address.is_some_and(|it| it.set_by.is_some()),
        typed,
        wrong,
    })
}

/// The page again, with what was typed and why it was not done; or the page of the problem.
async fn again(visit: &Visit, step: &'static str, typed: Typed, problem: Problem) -> Shown {
    if !is_of_form(&problem) {
        return Err(problem).or_page(visit);
    }
    let why = problem.detail.to_string();
    page(visit, typed, Some(Wrong { step, why })).await
}

/// Makes a mirror.
pub(crate) async fn make_mirror(visit: Visit, form: Form) -> Shown {
    match repositories::make_mirror(&visit, &form).await {
        Ok(_) => see_other("/setup#mirrors").or_page(&visit),
        Err(problem) => again(&visit, "mirrors", Typed::of(&form), problem).await,
    }
}

/// Makes the first user, who may publish everywhere if that was chosen.
pub(crate) async fn make_user(visit: Visit, form: Form) -> Shown {
    match user(&visit, &form).await {
        Ok(()) => see_other("/setup#users").or_page(&visit),
        Err(problem) => again(&visit, "users", Typed::default(), problem).await,
    }
}

async fn user(visit: &Visit, form: &Form) -> Result<(), Problem> {
    let name = name_of(form.text("name").trim())?;
    let subject = format!("user:{name}");
    let new = api::NewUser {
        name,
        password: form.text("password").to_owned(),
        superuser: Some(form.text("may") == "all"),
        disabled: None,
    };
    visit.act(Method::POST, "/users", Some(&new)).await?;
    let role = match form.text("may") {
        "publish" => Role::Writer,
        "read" => Role::Reader,
        _ => return Ok(()),
    };
    let grant = api::NewGrant {
        subject,
        repository: Pattern::all(),
        package: None,
        refs: None,
        role,
        networks: None,
    };
    visit.act(Method::POST, "/grants", Some(&grant)).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_without_ports() {
        for (base, host) in [
            ("http://127.0.0.1:7070/", "127.0.0.1"),
            ("https://larder.example/", "larder.example"),
            ("http://[::1]:80/", "[::1]"),
        ] {
            assert_eq!(host_of(base), host);
        }
    }
}
