//! How the challenges of an upstream are answered (RFC 9110 11.6.1, Docker's token authentication).

use super::bearer;
use super::failure::{Failure, Trouble};
use super::hops::{Arrival, MAX_HOPS};
use super::logins::{Identity, Login};
use super::remote::Upstream;
use super::request::FetchRequest;
use super::sending::Way;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use larder_mirrors::oci::{Challenge, TokenRequest};
use larder_model::{Kind, Problem};
use reqwest::Response;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// What an upstream wants to see.
enum Demand {
    /// A token of this endpoint.
    Token(TokenEndpoint),
    /// Name and password.
    Password,
}

/// Where a token is to be had.
#[derive(Clone)]
struct TokenEndpoint {
    url: Url,
    /// Whom it is to take us for.
    identity: Identity,
}

impl Upstream {
    /// What is shown without being asked: an upstream that challenges its clients is asked as anyone
    /// first, for some refuse a login that they did not ask for.
    pub(super) fn first_login(&self, image: &str) -> Option<Login> {
        let ours = self.authorization.as_ref();
        if self.waits_for_challenge() {
            return self.logins.get(image, ours);
        }
        ours.map(our_login)
    }

    /// The answer to the same request with what a refused one asks for; the refused one itself where
    /// it asks for nothing that we have.
    pub(super) async fn identified(
        self: &Arc<Self>,
        way: Way<'_>,
        url: &Url,
        request: &FetchRequest<'_>,
        mut refused: Arrival,
    ) -> Result<Arrival, Trouble> {
        refused.slot = None; // the next request to this origin needs one
        let login = match self.demand(way, request, &refused).await? {
            None => return Ok(refused),
            Some(Demand::Token(endpoint)) => {
                drop(refused);
                let (login, life) = self.token(way, request, endpoint).await?;
                self.logins.keep_token(request.image, login.clone(), life);
                login
            }
            Some(Demand::Password) => match &self.authorization {
                Some(ours) if refused.identity != Identity::Ourselves => {
                    self.logins.keep_basic();
                    our_login(ours)
                }
                _ => return Ok(refused),
            },
        };
        self.hop(way, url, request, Some(&login)).await
    }

    /// What a refused request is to show.
    async fn demand(
        self: &Arc<Self>,
        way: Way<'_>,
        request: &FetchRequest<'_>,
        refused: &Arrival,
    ) -> Result<Option<Demand>, Trouble> {
        if !self.waits_for_challenge() || !self.is_own(&refused.url) {
            return Ok(None);
        }
        let is_hidden = match refused.response.status() {
            StatusCode::UNAUTHORIZED => {
                return Ok(self.read_demand(&refused.response, request, true));
            }
            // Some tell strangers that what they may not see is not there, and ask for a login at
            // their root alone.
            StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => {
                refused.identity == Identity::Nobody && self.authorization.is_some()
            }
            _ => false,
        };
        let root = self.protocol.probes().first();
        let Some(root) = root.filter(|_| is_hidden && !self.logins.is_open()) else {
            return Ok(None);
        };
        let url = self.base.join(root).map_err(Problem::internal)?;
        let arrival = self.hop(way, &url, &FetchRequest::new(root), None).await?;
        let is_refused = arrival.response.status() == StatusCode::UNAUTHORIZED;
        let demand = is_refused.then(|| self.read_demand(&arrival.response, request, false));
        if demand.is_none() {
            self.logins.keep_open();
        }
        Ok(demand.flatten())
    }

    /// What the challenges of an answer mean. `has_scope`: their scope is for what was asked for.
    fn read_demand(
        &self,
        refused: &Response,
        request: &FetchRequest<'_>,
        has_scope: bool,
    ) -> Option<Demand> {
        match challenge_of(refused)? {
            Challenge::Basic => Some(Demand::Password),
            Challenge::Bearer(mut wanted) => {
                if !has_scope {
                    wanted.scope.clear();
                }
                self.token_endpoint(&wanted, request.image)
                    .map(Demand::Token)
            }
        }
    }

    /// Where the token is to be had that a challenge wants, and as whom. `image`: empty for one that
    /// is for no image.
    fn token_endpoint(&self, wanted: &TokenRequest, image: &str) -> Option<TokenEndpoint> {
        let mut url = self.base.join(&wanted.realm).ok()?;
        url.set_username("")
            .and_then(|()| url.set_password(None))
            .ok()?;
        url.query_pairs_mut()
            .append_pair("service", &wanted.service);
        let scope = match (&*wanted.scope, image) {
            ("", "") => None, // a login, and nothing more
            ("", image) => Some(format!("repository:{image}:pull")),
            (scope, _) => Some(scope.to_owned()),
        };
        if let Some(scope) = scope {
            url.query_pairs_mut().append_pair("scope", &scope);
        }
        Some(self.endpoint_at(url))
    }

    /// A token endpoint, and whom it is to take us for.
    fn endpoint_at(&self, url: Url) -> TokenEndpoint {
        let identity = match &self.authorization {
            None => Identity::Nobody,
            Some(_) if self.may_have_credentials(&url) => Identity::Ourselves,
            Some(_) => Identity::Withheld,
        };
        TokenEndpoint { url, identity }
    }

    /// Whether a token endpoint is given our credentials: the upstream's own host or domain has it,
    /// and nobody listens on the way, or the operator named it.
    fn may_have_credentials(&self, endpoint: &Url) -> bool {
        let hosts = self.base.host_str().zip(endpoint.host_str());
        let is_near = hosts.is_some_and(|(own, host)| Challenge::is_near(own, host));
        let is_safe = endpoint.scheme() == "https" || self.is_own(endpoint);
        (is_near && is_safe) || self.token_origins.contains(&endpoint.origin())
    }

    /// The token endpoint to which an answer sends us, if that is not given our credentials.
    pub(super) async fn withheld_from(
        self: &Arc<Self>,
        way: Way<'_>,
        request: &FetchRequest<'_>,
        refused: &Response,
    ) -> Option<String> {
        let Some(Challenge::Bearer(wanted)) = challenge_of(refused) else {
            return None;
        };
        let mut endpoint = self.token_endpoint(&wanted, "")?;
        if let Ok((reached, _)) = self.reach_endpoint(way, request, endpoint.clone()).await {
            endpoint = reached;
        }
        let is_withheld = endpoint.identity == Identity::Withheld;
        is_withheld.then(|| endpoint.url.origin().ascii_serialization())
    }

    /// Fails if a refusal that no login helped against says more than that there is no such thing:
    /// registries say so of images that are not there, to whoever has no account.
    pub(super) fn judge_refusal(
        &self,
        refused: &Arrival,
        request: &FetchRequest<'_>,
    ) -> Result<(), Problem> {
        let (url, identity) = (&refused.url, refused.identity);
        let file = self.file_of(request.url);
        let is_challenge = refused.response.headers().contains_key(WWW_AUTHENTICATE);
        match challenge_of(&refused.response) {
            Some(Challenge::Bearer(_)) if self.authorization.is_none() => Ok(()),
            None if !is_challenge && self.authorization.is_none() => Ok(()),
            None if is_challenge && identity == Identity::Nobody => {
                let what = format!("wants a login for {file} of a kind that is not known here");
                Err(self.useless(Kind::UpstreamPolicy, url, &what))
            }
            _ => Err(self.refuses_login(url, 401, identity, &file)),
        }
    }

    /// A token of a token endpoint, and how long it lasts.
    async fn token(
        self: &Arc<Self>,
        way: Way<'_>,
        request: &FetchRequest<'_>,
        endpoint: TokenEndpoint,
    ) -> Result<(Login, Duration), Trouble> {
        let (endpoint, arrival) = self.reach_endpoint(way, request, endpoint).await?;
        let identity = endpoint.identity;
        let file = self.file_of(request.url);
        let status = arrival.response.status();
        if !status.is_success() {
            return Err(self.no_token(&arrival.url, status, identity, &file));
        }
        let (url, what) = (arrival.url, format!("gives no token for {file}"));
        let refused = || self.useless(Kind::Upstream, &url, &what);
        let (header, life) = bearer::read(arrival.response, self.config.idle_time, refused).await?;
        Ok((Login { header, identity }, life))
    }

    /// The answer of a token endpoint, or of that to which it leads.
    async fn reach_endpoint(
        self: &Arc<Self>,
        way: Way<'_>,
        request: &FetchRequest<'_>,
        mut endpoint: TokenEndpoint,
    ) -> Result<(TokenEndpoint, Arrival), Trouble> {
        let mut left = MAX_HOPS;
        loop {
            let arrival = self.ask_endpoint(way, request, &endpoint).await?;
            if !arrival.response.status().is_redirection() {
                return Ok((endpoint, arrival));
            }
            if left == 0 {
                let what = "redirects in a circle";
                return Err(self.leads(&arrival.url, request, what).into());
            }
            left -= 1;
            // There it takes us for whom it would, had the challenge named that place.
            let next = self.next(&arrival, request)?;
            endpoint = self.endpoint_at(self.nameless(next, request)?);
        }
    }

    /// One request to a token endpoint.
    async fn ask_endpoint(
        self: &Arc<Self>,
        way: Way<'_>,
        request: &FetchRequest<'_>,
        endpoint: &TokenEndpoint,
    ) -> Result<Arrival, Trouble> {
        let TokenEndpoint { url, identity } = endpoint;
        let client = way.clients.of(url, self.is_own(url));
        let mut sending = client.get(url.clone());
        if let Some(ours) = &self.authorization
            && *identity == Identity::Ourselves
        {
            sending = sending.header(AUTHORIZATION, ours.clone());
        }
        let arrival = self.ask(way, url.clone(), request, sending).await?;
        if let Some(fault) = self.fault_of(&arrival.response, request) {
            let said = self.sentence(arrival.response).await;
            return Err(Failure::answered(arrival.url, fault, said).into());
        }
        self.origins.succeeded(&arrival.url);
        Ok(arrival)
    }

    /// A token endpoint refuses: what it says of the image is what its registry would say.
    fn no_token(&self, url: &Url, status: StatusCode, identity: Identity, file: &str) -> Trouble {
        let code = status.as_u16();
        match (code, identity) {
            _ if self.absent.contains(code) => Trouble::Absent,
            (401 | 403, Identity::Nobody) => Trouble::Absent,
            (401, _) | (403, Identity::Withheld) => {
                self.refuses_login(url, code, identity, file).into()
            }
            (403 | 451, _) => {
                let what = format!("forbids {file} ({code})");
                self.useless(Kind::UpstreamPolicy, url, &what).into()
            }
            _ => {
                let what = format!("gives no token for {file} (it answered {code})");
                self.useless(Kind::Upstream, url, &what).into()
            }
        }
    }
}

/// Name and password.
fn our_login(ours: &HeaderValue) -> Login {
    Login {
        header: ours.clone(),
        identity: Identity::Ourselves,
    }
}

/// Whether an answer wants a token to be shown.
pub(super) fn wants_token(refused: &Response) -> bool {
    matches!(challenge_of(refused), Some(Challenge::Bearer(_)))
}

/// The challenge of an answer that is to be answered.
fn challenge_of(refused: &Response) -> Option<Challenge> {
    let values = refused.headers().get_all(WWW_AUTHENTICATE).iter();
    Challenge::choose(values.filter_map(|value| value.to_str().ok()))
}
