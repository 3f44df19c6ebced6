//! The addresses that clients use, for whoever opens one in a browser: what it is for, and where people
//! find what is there.

use crate::page::{Frame, OrPage as _, Shown, show};
use crate::screens::{lines, place};
use crate::visit::Visit;
use askama::Template;
use http::header::ACCEPT;
use http::request::Parts;
use http::{HeaderValue, Method};
use larder_api as api;
use larder_model::{Kind, Problem, ProtocolName, RepoPath};

/// The root of images.
const IMAGES: &str = "v2";

#[derive(Template)]
#[template(path = "address.html")]
struct Address {
    frame: Frame,
    /// The repository, for whoever may read it.
    repo: Option<api::Repository>,
    clients: Vec<api::ConnectClient>,
}

impl Address {
    /// What connects a machine, where there is a repository.
    fn line(&self, repo: &api::Repository) -> Option<String> {
        let client = lines::client(repo.protocol)?;
        let path = place::path_of(repo);
        let base = &self.frame.base;
        Some(format!(
            "larder login {base}\nlarder connect {client} {path} --write"
        ))
    }

    /// Where a client is connected.
    fn connect(&self, client: &api::ConnectClient) -> String {
        let repo = self.repo.as_ref().map_or("", |repo| repo.name.as_str());
        crate::address::address(format!("/connect/{}", client.name), &[("repository", repo)])
    }
}

/// The address of a protocol, or of a repository of it, in a path; `None`: it is another path.
fn parts_of(path: &str) -> Option<(&str, Option<&str>)> {
    let path = path.strip_prefix('/')?.trim_end_matches('/');
    match path.split_once('/') {
        None => Some((path, None)),
        Some((IMAGES, _)) => None,
        Some((protocol, repo)) => (!repo.contains('/')).then_some((protocol, Some(repo))),
    }
}

/// Whether a request for the root of a protocol, or of a repository, comes from a person: browsers
/// want HTML before all else, and no client does at these addresses.
pub fn is_for_people(request: &Parts) -> bool {
    let wants = request.headers.get(ACCEPT).map(HeaderValue::as_bytes);
    wants.is_some_and(|wants| wants.starts_with(b"text/html"))
        && matches!(request.method, Method::GET | Method::HEAD)
        && parts_of(request.uri.path()).is_some()
}

/// What an address is for. A repository that whoever looks may not read is not told from one that
/// is not there.
pub(crate) async fn tell(visit: Visit) -> Shown {
    let page = read(&visit).await.or_page(&visit)?;
    show(&page).or_page(&visit)
}

async fn read(visit: &Visit) -> Result<Address, Problem> {
    let t = visit.language();
    let no_page = || Problem::not_found("page", t.error_no_page());
    let path = visit.target.split('?').next().unwrap_or_default();
    let (protocol, name) = parts_of(path).ok_or_else(no_page)?;
    let protocol = if protocol == IMAGES {
        ProtocolName::OCI
    } else {
        protocol.parse().map_err(|_| no_page())?
    };
    let protocol = protocol.to_string();
    let list: api::List<api::ConnectClient> = visit.get("/connect").await?;
    let mut clients = list.items;
    clients.retain(|client| client.protocol == protocol);
    if clients.is_empty() {
        return Err(no_page());
    }
    let path = name.and_then(|name| RepoPath::of(&protocol, name));
    let repo = match path {
        Some(path) => match place::repository(visit, &path).await {
            Ok(repo) => Some(repo),
            Err(problem) if is_hidden(&problem) => None,
            Err(problem) => return Err(problem),
        },
        None => None,
    };
    Ok(Address {
        frame: Frame::new(visit, t.addresses_title(&protocol))?,
        repo,
        clients,
    })
}

fn is_hidden(problem: &Problem) -> bool {
    matches!(
        problem.kind,
        Kind::NotFound | Kind::Denied | Kind::Unauthenticated
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    #[test]
    fn people_and_clients_are_told_apart() {
        let browser = "text/html,application/xhtml+xml,*/*;q=0.8";
        for (accept, path, is_person) in [
            (browser, "/v2/", true),
            (browser, "/v2", true),
            (browser, "/x/main/", true),
            (browser, "/x/main", true),
            (browser, "/v2/team/app/manifests/1", false),
            (browser, "/x/main/simple/", false),
            ("*/*", "/v2/", false),
            ("application/json, text/html;q=0.1", "/x/main/", false),
        ] {
            let request = Request::get(path).header(ACCEPT, accept);
            let (parts, ()) = request.body(()).expect("a request").into_parts();
            assert_eq!(is_for_people(&parts), is_person, "{accept} {path}");
        }
    }
}
