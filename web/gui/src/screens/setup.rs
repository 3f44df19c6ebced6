//! The first steps of a new server, on one page: its address, where it fetches from, the first user, the
//! first client. Each shows what is there already, and none has to be taken.

use crate::form::Form;
use crate::page::{Frame, OrPage as _, Shown, see_other, show_form};
use crate::refused::Refused;
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

/// Where the form of a mirror goes.
const MIRRORS: &str = "/setup/mirrors";
/// Where that of the first user goes.
const FIRST_USER: &str = "/setup/users";

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
    refused: Refused,
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

    /// What the first user may do, in words.
    const fn rights(&self) -> [(&'static str, &'static str); 3] {
        let t = self.frame.language;
        [
            ("publish", t.setup_may_publish()),
            ("read", t.setup_may_read()),
            ("all", t.setup_may_all()),
        ]
    }

    /// Whether the first user is there: one beside the one who looks.
    fn has_user(&self) -> bool {
        self.users.len() > 1
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
    page(&visit, Refused::default()).await
}

async fn page(visit: &Visit, refused: Refused) -> Shown {
    let t = visit.language();
    if !visit.is_superuser() {
        let problem = Problem::new(Kind::Denied, "setup", t.setup_needs_superuser());
        return Err(problem).or_page(visit);
    }
    let page = read(visit, refused).await.or_page(visit)?;
    show_form(page.refused.is_any(), &page).or_page(visit)
}

async fn read(visit: &Visit, refused: Refused) -> Result<Setup, Problem> {
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
    let mirror = refused.at(MIRRORS).form();
    Ok(Setup {
        frame: frame.at("/setup").elsewhere(
            "larder repo create, larder user create, larder connect",
            "POST /api/v1/repositories",
        ),
        mirrors: mirrors.items,
        protocols: repositories::protocols(visit).await?,
        users: users.items,
        clients: clients.items,
        has_client: tokens.items.iter().any(|it| it.last_used_at.is_some()),
        is_public: address.is_some_and(|it| it.set_by.is_some()),
        typed: mirror.map(Typed::of).unwrap_or_default(),
        refused,
    })
}

/// Makes a mirror.
pub(crate) async fn make_mirror(visit: Visit, form: Form) -> Shown {
    match repositories::make_mirror(&visit, &form).await {
        Ok(_) => see_other("/setup#mirrors").or_page(&visit),
        Err(problem) => page(&visit, Refused::of(&visit, form, problem)?).await,
    }
}

/// Makes the first user, who may publish everywhere if that was chosen.
pub(crate) async fn make_user(visit: Visit, form: Form) -> Shown {
    match user(&visit, &form).await {
        Ok(()) => see_other("/setup#users").or_page(&visit),
        Err(problem) => page(&visit, Refused::of(&visit, form, problem)?).await,
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
