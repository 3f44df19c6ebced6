//! Connecting a client: a token for it, the lines that its files need, and whether it has asked yet.

use crate::address::{address, segment};
use crate::form::Form;
use crate::page::{Frame, OrPage as _, Shown, show, show_form, show_secret};
use crate::query::Query;
use crate::refused::Refused;
use crate::screens::connect_lines::{IMAGE, Step, script, steps};
use crate::screens::place::repositories;
use crate::screens::tokens::{expiry, token_of};
use crate::visit::Visit;
use askama::Template;
use axum::body::Body;
use axum::extract::Path;
use axum::response::Response;
use futures_util::stream::unfold;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use larder_api as api;
use larder_model::{Pattern, Problem, Role, client_key};
use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

/// How often it is looked whether a token was used.
const PAUSE: Duration = Duration::from_secs(2);
/// So often within one answer; the browser asks again, so that no server waits long to stop.
const LOOKS: u32 = 10;

/// A protocol with what speaks it.
struct Protocol {
    name: String,
    tools: Vec<api::ConnectClient>,
    repositories: usize,
}

#[derive(Template)]
#[template(path = "connect.html")]
struct Tools {
    frame: Frame,
    protocols: Vec<Protocol>,
}

async fn clients(visit: &Visit) -> Result<Vec<api::ConnectClient>, Problem> {
    let list: api::List<api::ConnectClient> = visit.get("/connect").await?;
    Ok(list.items)
}

/// All clients.
pub(crate) async fn list(visit: Visit) -> Shown {
    let repositories = repositories(&visit).await.or_page(&visit)?;
    let mut protocols: Vec<Protocol> = Vec::new();
    for tool in clients(&visit).await.or_page(&visit)? {
        let mut same = protocols.iter_mut();
        if let Some(protocol) = same.find(|it| it.name == tool.protocol) {
            protocol.tools.push(tool);
            continue;
        }
        let of = |repo: &&api::Repository| repo.protocol.0 == tool.protocol;
        protocols.push(Protocol {
            name: tool.protocol.clone(),
            repositories: repositories.iter().filter(of).count(),
            tools: vec![tool],
        });
    }
    // What most clients speak stands first.
    protocols.sort_by_key(|protocol| Reverse(protocol.tools.len()));
    let frame = Frame::new(&visit, visit.language().connect_title()).or_page(&visit)?;
    let page = Tools {
        frame: frame.elsewhere("larder connect CLIENT REPO", "GET /api/v1/connect"),
        protocols,
    };
    show(&page).or_page(&visit)
}

#[derive(Template)]
#[template(path = "connect_tool.html")]
struct Tool {
    frame: Frame,
    tool: api::ConnectClient,
    repositories: Vec<api::Repository>,
    chosen: Option<Chosen>,
    refused: Refused,
}

/// A repository that the client is to use, and how.
struct Chosen {
    repo: api::Repository,
    path: String,
    machine: String,
    steps: Vec<Step>,
    check: Option<String>,
    /// Whether the lines end with a command that asks for something.
    asks_by_itself: bool,
    has_authority: bool,
    token: Option<api::Token>,
    script: String,
}

impl Tool {
    fn is_chosen(&self, repo: &api::Repository) -> bool {
        let chosen = self.chosen.as_ref();
        chosen.is_some_and(|chosen| chosen.repo.name == repo.name)
    }

    fn is_mirror(repo: &api::Repository) -> bool {
        repo.kind == api::RepoKind::Mirror
    }

    fn is_open(repo: &api::Repository) -> bool {
        repo.readable_by == api::Readers::Everyone
    }

    /// What makes a machine trust our authority, by its kind.
    fn trust(&self) -> [(&'static str, String); 2] {
        let base = &self.frame.base;
        let command =
            |file: &str, then: &str| format!("curl -kfsS {base}/ca.crt -o {file} && {then}");
        let debian = "/usr/local/share/ca-certificates/larder.crt";
        let fedora = "/etc/pki/ca-trust/source/anchors/larder.crt";
        [
            ("Debian, Ubuntu", command(debian, "update-ca-certificates")),
            ("Fedora, RHEL", command(fedora, "update-ca-trust")),
        ]
    }

    /// The same by the command line.
    fn commands(&self, chosen: &Chosen) -> String {
        format!(
            "larder login {}\nlarder connect {} {} --write",
            self.frame.base, self.tool.name, chosen.path
        )
    }
}

/// One client, before a token is made.
pub(crate) async fn one(visit: Visit, Path(tool): Path<String>, query: Query) -> Shown {
    let page = tool_page(&visit, &tool, query.get("repository"), None);
    show(&page.await.or_page(&visit)?).or_page(&visit)
}

/// The same with a token that was just made.
pub(crate) async fn make_token(visit: Visit, Path(tool): Path<String>, form: Form) -> Shown {
    let repo = form.text("repository").to_owned();
    match token_for(&visit, &tool, &form).await {
        Ok(token) => {
            let page = tool_page(&visit, &tool, &repo, Some(token)).await;
            show_secret(&page.or_page(&visit)?).or_page(&visit)
        }
        Err(problem) => {
            let refused = Refused::of(&visit, form, problem)?;
            let page = tool_page(&visit, &tool, &repo, None)
                .await
                .or_page(&visit)?;
            show_form(true, &Tool { refused, ..page }).or_page(&visit)
        }
    }
}

async fn tool_page(
    visit: &Visit,
    name: &str,
    repo: &str,
    token: Option<api::Token>,
) -> Result<Tool, Problem> {
    let known = clients(visit).await?;
    let tool = known.into_iter().find(|tool| tool.name == name);
    let tool = tool.ok_or_else(|| {
        Problem::not_found("client", visit.language().connect_no_client().to_owned())
    })?;
    let mut repositories = repositories(visit).await?;
    repositories.retain(|it| it.protocol.0 == tool.protocol);
    if tool.publishes_only {
        repositories.retain(|it| it.kind != api::RepoKind::Mirror);
    }
    let chosen = match choose(&repositories, repo) {
        Some(repo) => Some(Chosen::read(visit, &tool, repo.clone(), token).await?),
        None => None,
    };
    let t = visit.language();
    let mut frame =
        Frame::new(visit, t.connect_one(&tool.name))?.below(t.connect_title(), "/connect");
    if let Some(Chosen { path, .. }) = &chosen {
        let call = format!("GET /api/v1/connect/{name}/{path}");
        frame = frame.elsewhere(format!("larder connect {name} {path}"), call);
    }
    Ok(Tool {
        frame,
        tool,
        repositories,
        chosen,
        refused: Refused::default(),
    })
}

/// The repository of that name; else the group, which has all, and else the first.
fn choose<'a>(repositories: &'a [api::Repository], name: &str) -> Option<&'a api::Repository> {
    let named = repositories.iter().find(|repo| repo.name.as_str() == name);
    let group = || {
        let mut all = repositories.iter();
        all.find(|repo| repo.kind == api::RepoKind::Group)
    };
    named.or_else(group).or_else(|| repositories.first())
}

/// A package that is there, and a version of it.
async fn sample(visit: &Visit, repo: &str) -> Result<Option<(String, String)>, Problem> {
    let path = format!("/repositories/{repo}/packages?limit=1");
    let list: api::List<api::Package> = visit.get(path).await?;
    let Some(package) = list.items.into_iter().next() else {
        return Ok(None);
    };
    let name = segment(&package.name);
    let path = format!("/repositories/{repo}/packages/{name}/versions?limit=1");
    let versions: api::List<api::Version> = visit.get(path).await?;
    let version = versions.items.into_iter().next();
    Ok(version.map(|version| (package.name, version.version)))
}

impl Chosen {
    /// Whether the lines have a placeholder, as nothing is there whose name could stand in it.
    fn lacks_names(&self) -> bool {
        self.steps.iter().any(|step| step.text.contains(IMAGE))
    }

    async fn read(
        visit: &Visit,
        tool: &api::ConnectClient,
        repo: api::Repository,
        token: Option<api::Token>,
    ) -> Result<Self, Problem> {
        let path = format!("{}/{}", repo.protocol, repo.name);
        let with_token = if token.is_some() { "true" } else { "" };
        let lines = address(
            format!("/connect/{}/{path}", tool.name),
            &[("with_token", with_token)],
        );
        let parts: api::List<api::ConnectPart> = visit.get(lines).await?;
        let sample = sample(visit, &path).await?;
        let secret = token.as_ref().and_then(|token| token.secret.as_deref());
        let authority: api::Authority = visit.get("/system/authority").await?;
        let base = &*visit.client.base;
        let host = base.split_once("://").map_or(base, |(_, host)| host);
        let check = tool.check.as_deref().and_then(|check| {
            let (package, version) = match &sample {
                Some((package, version)) => (package.as_str(), version.as_str()),
                None if check.contains("$PACKAGE") => return None,
                None => ("", ""),
            };
            let check = check
                .replace("$HOST", host)
                .replace("$KEY", &client_key(repo.name.as_str()))
                .replace("$REPO", repo.name.as_str());
            Some(
                check
                    .replace("$PACKAGE", package)
                    .replace("$VERSION", version),
            )
        });
        Ok(Self {
            machine: machine(visit),
            steps: steps(&parts.items, secret, sample.as_ref()),
            script: script(&parts.items, sample.as_ref()),
            check,
            asks_by_itself: {
                let mut lines = parts.items.iter().flat_map(|part| &part.lines);
                lines.any(|line| line.contains(IMAGE))
            },
            has_authority: authority.certificate.is_some() && base.starts_with("https://"),
            token,
            repo,
            path,
        })
    }
}

/// What a machine is called whose name nobody tells: its address.
fn machine(visit: &Visit) -> String {
    let address = visit.client.address;
    if address.is_loopback() {
        "localhost".to_owned()
    } else {
        address.to_string()
    }
}

/// Makes a token that may use one repository, and the members of a group.
async fn token_for(visit: &Visit, tool: &str, form: &Form) -> Result<api::Token, Problem> {
    let name = form.text("repository");
    let all = repositories(visit).await?;
    let client = clients(visit).await?.into_iter().find(|it| it.name == tool);
    let protocol = client.map(|client| client.protocol).unwrap_or_default();
    let mut found = all.iter().filter(|it| it.protocol.0 == protocol);
    let repo = found.find(|it| it.name.as_str() == name).ok_or_else(|| {
        let detail = visit.language().connect_no_repository();
        Problem::not_found("repository", detail.to_owned())
    })?;
    let role = match form.text("role") {
        "writer" => Role::Writer,
        _ => Role::Reader,
    };
    let members = repo.members.iter().flatten();
    let grant = |name: &str| {
        let wrong = |_| Problem::invalid("repository", "this is no repository");
        let pattern = format!("{protocol}/{name}").parse::<Pattern>();
        pattern.map_err(wrong).map(|repository| api::TokenGrant {
            repository,
            package: Pattern::all(),
            refs: None,
            role,
        })
    };
    let names = std::iter::once(&repo.name).chain(members);
    let grants = names
        .map(|name| grant(name.as_str()))
        .collect::<Result<_, _>>()?;
    let machine = form.given("machine").unwrap_or(tool);
    let new = api::NewToken {
        kind: None,
        name: format!("{tool} on {machine}"),
        expires_at: expiry(visit, form.text("expires"))?,
        grants: Some(grants),
    };
    visit.send(Method::POST, "/tokens", &new).await
}

/// Whether a token was used yet, as a page of its own.
#[derive(Template)]
#[template(path = "connect_wait.html")]
struct Wait {
    frame: Frame,
    token: api::Token,
}

/// The same as a piece of a page.
#[derive(Template)]
#[template(path = "connect_live.html")]
struct Live<'a> {
    frame: &'a Frame,
    token: &'a api::Token,
}

/// Waits for the first request of a token, for browsers without scripts.
pub(crate) async fn wait(visit: Visit, Path(id): Path<String>) -> Shown {
    let token = token_of(&visit, &id).await.or_page(&visit)?;
    let t = visit.language();
    let frame = Frame::new(&visit, t.connect_waiting_title()).or_page(&visit)?;
    let page = Wait {
        frame: frame.below(t.connect_title(), "/connect"),
        token,
    };
    show_secret(&page).or_page(&visit)
}

/// The same as a stream: first as it is, then once the token was used.
pub(crate) async fn events(visit: Visit, Path(id): Path<String>) -> Shown {
    let first = token_of(&visit, &id).await.or_page(&visit)?;
    let frame = Arc::new(Frame::new(&visit, "").or_page(&visit)?);
    let pieces = unfold(Some((Some(first), LOOKS)), move |state| {
        let (visit, frame, id) = (visit.clone(), Arc::clone(&frame), id.clone());
        async move {
            let (first, left) = state?;
            if let Some(token) = first {
                return Some((told(&frame, &token), next(&token, left)));
            }
            tokio::time::sleep(PAUSE).await;
            let token = token_of(&visit, &id).await.ok()?;
            let text = match token.last_used_at {
                Some(_) => told(&frame, &token),
                None => Ok(": waiting\n\n".to_owned()),
            };
            Some((text, next(&token, left)))
        }
    });
    let mut response = Response::new(Body::from_stream(pieces));
    let kind = HeaderValue::from_static("text/event-stream");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    Ok(response)
}

/// What comes after a look; `None`: the answer ends.
fn next(token: &api::Token, left: u32) -> Option<(Option<api::Token>, u32)> {
    let goes_on = token.last_used_at.is_none() && left > 0;
    goes_on.then(|| (None, left - 1))
}

fn told(frame: &Frame, token: &api::Token) -> Result<String, askama::Error> {
    let html = Live { frame, token }.render()?;
    let lines: Vec<String> = html.lines().map(|line| format!("data: {line}\n")).collect();
    let end = match token.last_used_at {
        Some(_) => "event: used\ndata: used\n\n",
        None => "",
    };
    Ok(format!("{}\n{end}", lines.concat()))
}
