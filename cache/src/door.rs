//! The door of all package repositories: `/<protocol>/<repo>/…`.

use crate::accounts::AccountContext;
use crate::packages::Packages;
use crate::permissions::{read_all, read_for, read_in, read_of};
use crate::problems::no_repo;
use crate::repo::{Repo, tails};
use crate::responder::ReadContext;
use http::header::LOCATION;
use http::request::Parts;
use http::{StatusCode, Uri};
use larder_access::Admission;
use larder_door::door::RefusalContext;
use larder_door::{Answer, ClientView, Door, Incoming};
use larder_metadata::files::PackageKey;
use larder_mirrors::publishing::PublishRequest;
use larder_mirrors::{
    Call, Document, Index, Lens, Protocol, ReadRequest, RepoAddress, RepoRequest, RepoUrl,
};
use larder_model::{
    FileKind, Kind, Permission, Problem, RefScope, Reply, RepoKind, RepoName, Timestamp, Verb,
};
use std::sync::Arc;

/// A parsed request to a package repository.
pub struct Endpoint {
    protocol: &'static dyn Protocol,
    repo: RepoName,
    /// The time as of which it is read; `None`: now.
    at: Option<Timestamp>,
    call: Call,
}

/// Splits `/npm/main/rest` into protocol, repo and `/rest`. Clients that join `…/npm/main/` and
/// `/rest` ask with two slashes.
fn split(path: &str) -> Option<(&'static dyn Protocol, &str, &str)> {
    let (protocol, rest) = path.strip_prefix('/')?.split_once('/')?;
    let protocol = larder_mirrors::all()
        .into_iter()
        .find(|known| known.name().0 == protocol)?;
    let end = rest.find('/').unwrap_or(rest.len());
    let (repo, rest) = rest.split_at(end);
    let is_joined = rest.starts_with("//");
    Some((protocol, repo, &rest[usize::from(is_joined)..]))
}

/// The time as of which an address is read, where its protocol has a past; a refusal of any other lens.
fn as_of(protocol: &dyn Protocol, address: &RepoAddress) -> Result<Option<Timestamp>, Problem> {
    let has_past = protocol.index().is_some_and(Index::is_by_sets);
    match &address.lens {
        Some(Lens::AsOf(at)) if has_past => Ok(Some(*at)),
        _ => address.require_no_lens(protocol.name()).map(|()| None),
    }
}

/// The target of a request without the `.` segments below its repository (RFC 3986, 5.2.4), where the
/// clients of its protocol leave them in it; `None` if it is right as it is. Whatever looks at a request
/// looks at this one, so that nothing has two names.
pub fn without_dots(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    if !path.contains("/.") {
        return None;
    }
    let (protocol, _, rest) = split(path)?;
    let is_dot = |segment: &str| segment == ".";
    if !protocol.joins_dots() || !rest.split('/').any(is_dot) {
        return None;
    }
    let mut kept: Vec<&str> = rest.split('/').filter(|it| !is_dot(it)).collect();
    if rest.ends_with("/.") {
        kept.push(""); // it names the folder
    }
    let mut target = [&path[..path.len() - rest.len()], &kept.join("/")].concat();
    if let Some(query) = uri.query() {
        target.push('?');
        target.push_str(query);
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(target.parse().ok()?);
    Uri::from_parts(parts).ok()
}

/// Whether the first segment of a path is a package protocol.
pub fn is_packages(path: &str) -> bool {
    let first = path
        .strip_prefix('/')
        .and_then(|path| path.split('/').next())
        .unwrap_or_default();
    larder_mirrors::all()
        .iter()
        .any(|protocol| protocol.name().0 == first)
}

impl Packages {
    /// The permission to publish at an address: in the hosted repository to which it publishes.
    fn publish_permission(
        &self,
        endpoint: &Endpoint,
        publish: &PublishRequest,
    ) -> Option<Permission> {
        let policy = self.0.gate.policy();
        let own = policy.repo(endpoint.protocol.name(), &endpoint.repo)?;
        let mut members = policy.members_of(own);
        let hosted = match own.kind {
            RepoKind::Hosted => Some(own),
            RepoKind::Mirror => None,
            RepoKind::Group => members.find(|member| member.kind == RepoKind::Hosted),
        }?;
        Some(Permission {
            verb: publish.verb,
            ..read_in(hosted, &publish.package)
        })
    }

    /// Carries out a call at a repository's address.
    async fn serve(
        &self,
        admission: &Admission,
        endpoint: Endpoint,
        request: &Parts,
        body: &mut Incoming,
        client: &ClientView,
    ) -> Result<Answer, Problem> {
        let Endpoint {
            protocol,
            repo,
            at,
            call,
        } = endpoint;
        let path = ["/", protocol.name().0, "/", repo.as_str()].concat();
        let repo_url = RepoUrl {
            origin: &client.base,
            path: &path,
            rest: "",
            public: false,
            identified: admission.principal().user.is_some(),
        };
        // Accounts are the server's: the repository need not exist.
        if let Call::Account(account) = call {
            let context = AccountContext {
                admission,
                protocol,
                repo_url,
                client,
                headers: &request.headers,
            };
            let answer = self.0.accounts.answer(&context, &account, body);
            return Ok(Box::pin(answer).await?.into());
        }
        // The repository or group of the address.
        let row = admission.policy().repo(protocol.name(), &repo);
        let own = self.0.repos.of(row.ok_or_else(no_repo)?, protocol)?;
        let parts = &self.0;
        let reply = match call {
            Call::Read(read) => {
                let context = ReadContext {
                    request,
                    repo: own.record.id,
                    repo_url,
                };
                let public = self.require_file(admission, &own, &read).await?;
                let answer = match at {
                    Some(at) => {
                        self.require_readable(admission, &own, &read).await?;
                        parts.views.answer(&own, &read, at, context).await?
                    }
                    None => self.read(admission, &own, &read, context).await?,
                };
                return Ok(if public { answer } else { answer.hidden() });
            }
            Call::Publish(publish) => {
                let repo = parts.groups.published_to(admission, &own)?;
                let publisher = &parts.publisher;
                let admission = admission.asked_of(&own.record.name);
                let done = publisher.publish(&repo, &admission, &publish, Some(body));
                Box::pin(done).await?;
                publish.action.reply()
            }
            Call::Search(search) => {
                Box::pin(parts.searches.answer(admission, &own, &search)).await?
            }
            Call::Query(query) => {
                let headers = &request.headers;
                let answer = parts.queries.answer(admission, &own, query, headers, body);
                Box::pin(answer).await?
            }
            Call::Account(_) => return Err(Problem::internal("a request about an account")),
        };
        Ok(reply.into())
    }

    /// Answers a read at the address of a repository or a group.
    async fn read(
        &self,
        admission: &Admission,
        own: &Arc<Repo>,
        read: &ReadRequest,
        context: ReadContext<'_>,
    ) -> Result<Answer, Problem> {
        let (parts, repo_url) = (&self.0, context.repo_url);
        match read {
            ReadRequest::Local(reply) => {
                // Clients must know in advance whether a part of it needs a login.
                let public = parts.gate.is_wholly_public(&own.record);
                return Ok(reply(&RepoUrl { public, ..repo_url }).into());
            }
            ReadRequest::Redirect(to) => {
                let location = format!("{}/{to}", repo_url.path);
                let reply = Reply::new(StatusCode::MOVED_PERMANENTLY).with(LOCATION, location);
                return Ok(reply.into());
            }
            ReadRequest::Details(package) => {
                let details = parts.group_responder.details(admission, own, package);
                return Ok(details.await?.into());
            }
            ReadRequest::Document(document, _) => {
                require_somebody(admission, own, document)?;
            }
            ReadRequest::Part(..)
            | ReadRequest::Artifact(_)
            | ReadRequest::Member(_)
            | ReadRequest::Log(_) => {}
        }
        if !own.is_group() {
            self.require_readable(admission, own, read).await?;
            let merged = &parts.merged_responder;
            if let Some(answer) = merged.answer_mirror(admission, own, read, context).await? {
                return Ok(answer);
            }
            return parts.responder.answer(own, read, context).await;
        }
        let merged = &parts.merged_responder;
        if let Some(answer) = merged.answer(admission, own, read, context).await? {
            return Ok(answer);
        }
        let group = &parts.group_responder;
        group.answer(admission, own, read, context).await
    }

    /// Where requests name no package, a file of a mirror or a group belongs to the one that its path tells.
    /// Fails if the caller may not read that; else whether everyone may.
    async fn require_file(
        &self,
        admission: &Admission,
        own: &Repo,
        read: &ReadRequest,
    ) -> Result<bool, Problem> {
        let path = match read {
            ReadRequest::Artifact(artifact) if artifact.package.is_empty() => &artifact.path,
            _ => return Ok(true),
        };
        let wanted = read_for(own, read);
        // The files of a hosted repository have owners, which are asked for later.
        if !own.is_hosted() && wanted.package.is_some() && !admission.may(&wanted) {
            if own.is_group() && self.publishes_readable(admission, own, path).await? {
                return Ok(false);
            }
            admission.require(&wanted)?;
        }
        Ok(self.0.gate.is_public(&[wanted]))
    }

    /// Whether a member of a group publishes this file as one of a package that the caller may read in the
    /// group: what is published may have any name.
    async fn publishes_readable(
        &self,
        admission: &Admission,
        group: &Repo,
        path: &str,
    ) -> Result<bool, Problem> {
        // A group's path may begin with the folder of a member.
        for below in tails(path) {
            for member in admission.policy().members_of(&group.record) {
                let key = PackageKey {
                    repo: member.id,
                    package: "",
                };
                let found = self.0.metadata.find(key.file(FileKind::Artifact, below));
                let found = found.await?.filter(|found| !found.owner.is_empty());
                if found.is_some_and(|found| admission.may(&read_of(group, &found.owner))) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Fails if a document of a whole hosted repository lists packages that the caller may not read, or
    /// if a file belongs to such a package.
    async fn require_readable(
        &self,
        admission: &Admission,
        own: &Repo,
        read: &ReadRequest,
    ) -> Result<(), Problem> {
        if own.protocol.index().is_none()
            || !own.is_hosted()
            || !read.package().is_empty()
            || admission.may(&read_all(own))
        {
            return Ok(());
        }
        if let ReadRequest::Artifact(artifact) = read {
            let found = self
                .0
                .metadata
                .find(own.address_key(&artifact.path))
                .await?;
            if let Some(found) = found.filter(|found| !found.owner.is_empty()) {
                return admission.require(&read_of(own, &found.owner)).map(drop);
            }
        }
        admission.require(&read_all(own)).map(drop)
    }
}

/// Fails where nobody in particular asks for the list of all that an upstream has, and would have it
/// fetched.
fn require_somebody(admission: &Admission, own: &Repo, document: &Document) -> Result<(), Problem> {
    if !own.protocol.is_catalog(document) || own.is_offline() {
        return Ok(());
    }
    let mut all = std::iter::once(&own.record).chain(admission.policy().members_of(&own.record));
    if admission.principal().user.is_some() || !all.any(|it| it.settings.upstream.is_some()) {
        return Ok(());
    }
    let detail = "the list of all that an upstream has may be large, and no installer asks for it: it \
                  is for who has logged in; ask for a package by its name";
    Err(Problem::new(Kind::Unauthenticated, "access", detail))
}

impl Door for Packages {
    type Endpoint = Endpoint;

    fn parse(&self, request: &Parts) -> Result<Endpoint, Problem> {
        let (protocol, repo, rest) = split(request.uri.path()).ok_or_else(no_repo)?;
        let address = RepoAddress::read(repo).ok_or_else(no_repo)?;
        let at = as_of(protocol, &address)?;
        let repo = address.repo.clone();
        if rest.is_empty() {
            return Ok(Endpoint {
                protocol,
                repo,
                at: None,
                call: Call::Read(ReadRequest::Redirect("".into())),
            });
        }
        let request = RepoRequest::new(
            &request.method,
            rest,
            request.uri.query().unwrap_or_default(),
            &request.headers,
        )?;
        let call = protocol.parse(&request)?;
        if at.is_some() && !matches!(call, Call::Read(_)) {
            address.require_now(protocol.name())?;
        }
        Ok(Endpoint {
            protocol,
            repo,
            at,
            call,
        })
    }

    fn is_open(&self, endpoint: &Endpoint) -> bool {
        matches!(&endpoint.call, Call::Account(account) if account.is_login())
    }

    fn permissions(&self, endpoint: &Endpoint) -> Vec<Permission> {
        if matches!(endpoint.call, Call::Account(_)) {
            return Vec::new();
        }
        let package = endpoint.call.package();
        let package: Option<Box<str>> = Some(package)
            .filter(|package| !package.is_empty())
            .map(Into::into);
        let (protocol, repo) = (endpoint.protocol.name(), endpoint.repo.clone());
        let read = Permission {
            protocol,
            repo,
            package,
            refs: RefScope::All,
            verb: Verb::Read,
        };
        let mut permissions = vec![read];
        // If only the body has the package, the permission is required after the body was read.
        if let Call::Publish(publish) = &endpoint.call
            && !publish.package.is_empty()
        {
            permissions.extend(self.publish_permission(endpoint, publish));
        }
        permissions
    }

    fn reference(&self, endpoint: &Endpoint) -> Option<Box<str>> {
        match &endpoint.call {
            Call::Read(read) => read.reference(),
            _ => None,
        }
    }

    async fn answer(
        &self,
        admission: Admission,
        endpoint: Endpoint,
        request: &Parts,
        client: &ClientView,
        body: &mut Incoming,
    ) -> Result<Answer, Problem> {
        self.serve(&admission, endpoint, request, body, client)
            .await
    }

    fn refuse(&self, problem: &Problem, context: &RefusalContext<'_>) -> Reply {
        let Some((protocol, repo, rest)) = split(context.path) else {
            return Reply::new(problem.status())
                .with_body("text/plain", problem.detail.to_string());
        };
        let below = format!("/{}/{repo}", protocol.name());
        let repo_url = RepoUrl {
            origin: &context.client.base,
            path: &below,
            rest,
            public: false,
            identified: context.identified,
        };
        protocol.refuse(problem, &repo_url)
    }

    fn gives_reasons(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests;
