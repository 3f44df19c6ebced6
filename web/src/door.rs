//! The API's door: which rights each call needs, and who answers it.

use crate::asking::whoami;
use crate::endpoint::Endpoint;
use crate::engine::Engine;
use crate::require::require;
use crate::{paths, refuse};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, Method};
use larder_access::{Admission, Gate};
use larder_door::door::{Door, RefusalContext};
use larder_door::{Answer, ClientView, Incoming};
use larder_metadata::Metadata;
use larder_model::{Permission, Problem, ProtocolName, Reply, Verb};
use std::sync::Arc;

/// What the API takes at most.
#[derive(Clone, Copy, Debug)]
pub struct ApiLimits {
    /// A body, in bytes.
    pub json_bytes: usize,
}

/// The REST API.
pub struct Api {
    pub(crate) metadata: Metadata,
    pub(crate) gate: Arc<Gate>,
    pub(crate) engine: Arc<dyn Engine>,
    limits: ApiLimits,
    /// Protocols and kinds of the repositories that can be made.
    pub(crate) creatable: Vec<(ProtocolName, &'static str)>,
}

impl Api {
    /// An API over these parts. `creatable`: protocol and kind (`hosted`, `mirror`, `group`) of
    /// what can be made.
    pub fn new(
        metadata: Metadata,
        gate: Arc<Gate>,
        engine: Arc<dyn Engine>,
        limits: ApiLimits,
        creatable: Vec<(ProtocolName, &'static str)>,
    ) -> Self {
        Self {
            metadata,
            gate,
            engine,
            limits,
            creatable,
        }
    }

    /// Judges, reads the body only then, and acts. `origin`: the address under which the caller
    /// sees this server.
    pub(crate) async fn carry_out(
        &self,
        admission: &Admission,
        endpoint: Endpoint,
        origin: &str,
        body: impl Future<Output = Result<Bytes, Problem>>,
    ) -> Result<Reply, Problem> {
        require(admission.principal(), &endpoint)?;
        self.act(admission, endpoint, origin, &body.await?).await
    }

    /// One function for each act; the body is there for those that take one.
    async fn act(
        &self,
        admission: &Admission,
        endpoint: Endpoint,
        origin: &str,
        body: &[u8],
    ) -> Result<Reply, Problem> {
        match endpoint {
            Endpoint::ListRepositories(page) => self.list_repositories(admission, &page),
            Endpoint::CreateRepository => self.create_repository(admission, body).await,
            Endpoint::GetRepository(path) => self.get_repository(admission, &path),
            Endpoint::ChangeRepository(path) => {
                self.change_repository(admission, &path, body).await
            }
            Endpoint::DeleteRepository(path, force) => {
                self.delete_repository(admission, &path, force).await
            }
            Endpoint::CheckUpstream(path) => self.check_upstream(admission, &path, body).await,
            Endpoint::ListUpstreams(page) => self.list_upstreams(admission, &page),
            Endpoint::ListPackages { path, page, words } => {
                self.list_packages(admission, &path, &page, &words).await
            }
            Endpoint::DeletePackage(path) => self.delete_package(admission, &path, None).await,
            Endpoint::ListVersions(path, page) => self.list_versions(admission, &path, &page).await,
            Endpoint::GetVersion(path, version) => {
                self.get_version(admission, &path, &version).await
            }
            Endpoint::ChangeVersion(path, version) => {
                self.change_version(admission, &path, &version, body).await
            }
            Endpoint::DeleteVersion(path, version) => {
                self.delete_package(admission, &path, Some(&version)).await
            }
            Endpoint::ListUsers(page) => self.list_users(admission, &page),
            Endpoint::CreateUser => self.create_user(admission, body).await,
            Endpoint::GetUser(name) => self.get_user(admission, &name),
            Endpoint::ChangeUser(name) => self.change_user(admission, &name, body).await,
            Endpoint::DeleteUser(name) => self.delete_user(admission, &name).await,
            Endpoint::ListTokens { owner, page } => {
                self.list_tokens(admission, owner.as_ref(), &page).await
            }
            Endpoint::CreateToken(owner) => {
                self.create_token(admission, owner.as_ref(), body).await
            }
            Endpoint::DeleteToken(id) => self.delete_token(admission, id).await,
            Endpoint::ListGrants(page) => self.list_grants(admission, &page).await,
            Endpoint::CreateGrant => self.create_grant(admission, body).await,
            Endpoint::DeleteGrant(id) => self.delete_grant(admission, id).await,
            Endpoint::GetSettings => self.get_settings(),
            Endpoint::ChangeSettings => self.change_settings(admission, body).await,
            Endpoint::Connect { client, path } => self.connect(admission, client, &path, origin),
            Endpoint::Whoami => whoami(admission),
            Endpoint::Can { who, what } => self.can(admission, who.as_deref(), &what),
        }
    }
}

impl Door for Api {
    type Endpoint = Endpoint;

    fn parse(&self, request: &Parts) -> Result<Endpoint, Problem> {
        paths::parse(request)
    }

    fn permissions(&self, endpoint: &Endpoint) -> Vec<Permission> {
        match endpoint {
            Endpoint::GetRepository(path) | Endpoint::Connect { path, .. } => {
                vec![path.permission(Verb::Read)]
            }
            Endpoint::ChangeRepository(path)
            | Endpoint::DeleteRepository(path, _)
            | Endpoint::CheckUpstream(path) => {
                vec![path.permission(Verb::Administer)]
            }
            Endpoint::ListVersions(path, _) | Endpoint::GetVersion(path, _) => {
                vec![path.permission(Verb::Read)]
            }
            Endpoint::ChangeVersion(path, _) => vec![path.permission(Verb::Write)],
            Endpoint::DeletePackage(path) | Endpoint::DeleteVersion(path, _) => {
                vec![path.permission(Verb::Delete)]
            }
            _ => Vec::new(),
        }
    }

    async fn answer(
        &self,
        admission: Admission,
        endpoint: Endpoint,
        request: &Parts,
        body: &mut Incoming,
    ) -> Result<Answer, Problem> {
        let read = async {
            if !takes_body(&request.method) {
                return Ok(Bytes::new());
            }
            check_type(&request.headers)?;
            body.collect(self.limits.json_bytes).await
        };
        let client = request
            .extensions
            .get::<ClientView>()
            .ok_or_else(|| Problem::internal("a request without a site"))?;
        self.carry_out(&admission, endpoint, &client.base, read)
            .await
            .map(Answer::from)
    }

    fn refuse(&self, problem: &Problem, _: &RefusalContext<'_>) -> Reply {
        refuse::refuse(problem)
    }
}

fn takes_body(method: &Method) -> bool {
    *method == Method::POST || *method == Method::PATCH
}

/// A form of another site's page can be posted with a browser's remembered password, but never as
/// JSON.
fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let media_type = value.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Problem::invalid(
        "content_type",
        "send the body as JSON, with Content-Type: application/json",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn bodies_are_json() {
        let check = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(value));
            check_type(&headers).is_ok()
        };
        assert!(check("application/json") && check("Application/JSON; charset=utf-8"));
        for bad in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "text/plain;application/json",
            "",
        ] {
            assert!(!check(bad), "{bad}");
        }
        assert!(check_type(&HeaderMap::new()).is_err());
    }
}
