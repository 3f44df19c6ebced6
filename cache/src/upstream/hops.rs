//! From one address to the next: redirects, and the tokens that registries of images want.

use super::bearer;
use super::failure::Trouble;
use super::remote::Upstream;
use super::request::FetchRequest;
use super::sending::Way;
use http::header::{AUTHORIZATION, LOCATION};
use http::{HeaderValue, StatusCode};
use larder_model::{Kind, Problem};
use reqwest::{RequestBuilder, Response};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use url::Url;

/// Redirects followed.
const MAX_HOPS: usize = 5;
/// A slot of an origin is waited for no longer.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// An answer, and where it came from after all redirects.
pub(super) struct Arrival {
    pub(super) response: Response,
    pub(super) url: Url,
    /// The slot that it takes until its body has come.
    pub(super) slot: Option<OwnedSemaphorePermit>,
}

impl Upstream {
    /// Asks, and asks again with a token if that is what the upstream wants.
    pub(super) async fn follow(
        self: &Arc<Self>,
        url: &Url,
        request: &FetchRequest<'_>,
    ) -> Result<Arrival, Trouble> {
        let way = Way {
            clients: &self.clients,
            regardless: false,
        };
        let token = self.tokens.get(request.image);
        let arrival = self.hop(way, url, request, token.as_ref()).await?;
        if arrival.response.status() != StatusCode::UNAUTHORIZED || request.image.is_empty() {
            return Ok(arrival);
        }
        let realm = bearer::realm(&arrival.response, &self.base, request.image);
        let Some((realm, near)) = realm else {
            return Ok(arrival);
        };
        drop(arrival);
        let (token, life) = self.token(way, request, realm, near).await?;
        self.tokens.keep(request.image, token.clone(), life);
        self.hop(way, url, request, Some(&token)).await
    }

    /// A token of a token endpoint, which is given our credentials if it is `near`.
    pub(super) async fn token(
        self: &Arc<Self>,
        way: Way<'_>,
        request: &FetchRequest<'_>,
        realm: Url,
        near: bool,
    ) -> Result<(HeaderValue, Duration), Trouble> {
        let mut sending = way
            .clients
            .of(&realm, self.is_own(&realm))
            .get(realm.clone());
        if let Some(authorization) = self.authorization.as_ref().filter(|_| near) {
            sending = sending.header(AUTHORIZATION, authorization.clone());
        }
        let arrival = self.ask(way, realm, request, sending).await?;
        if let Some(fault) = self.fault_of(&arrival.response, request) {
            return Err(Trouble::failure(&arrival.url, fault, None));
        }
        let file = self.file_of(request.url);
        let (url, what) = (arrival.url, format!("gives no token for {file}"));
        let refused = || self.useless(Kind::Upstream, &url, &what);
        let token = bearer::read(arrival.response, self.config.idle_time, refused).await?;
        self.origins.succeeded(&url);
        Ok(token)
    }

    /// Asks, and goes where it is sent.
    pub(super) async fn hop(
        self: &Arc<Self>,
        way: Way<'_>,
        url: &Url,
        request: &FetchRequest<'_>,
        token: Option<&HeaderValue>,
    ) -> Result<Arrival, Trouble> {
        let mut url = url.clone();
        for _ in 0..=MAX_HOPS {
            // Whoever writes an address does not choose who we are there.
            let nameless = url.set_username("").and_then(|()| url.set_password(None));
            nameless.map_err(|()| self.forbidden(&url, &self.file_of(request.url)))?;
            let sending = self.sending(way, &url, request, token);
            let arrival = self.ask(way, url, request, sending).await?;
            let status = arrival.response.status();
            if !status.is_redirection()
                || status == StatusCode::NOT_MODIFIED
                || request.question.is_some()
            {
                return Ok(arrival);
            }
            self.origins.succeeded(&arrival.url);
            url = self.next(&arrival, request)?;
        }
        Err(self.leads(&url, request, "redirects in a circle").into())
    }

    /// One request to one address.
    async fn ask(
        self: &Arc<Self>,
        way: Way<'_>,
        url: Url,
        request: &FetchRequest<'_>,
        sending: RequestBuilder,
    ) -> Result<Arrival, Trouble> {
        self.require_allowed(&url, request)?;
        let slot = if way.regardless {
            None
        } else {
            self.require_open(&url, request)?;
            let slot = self.acquire_slot(&url, request).await?;
            self.require_open(&url, request)?; // while it waited, others may have failed
            Some(slot)
        };
        let response = self.send(&url, request, sending).await?;
        if self.fault_of(&response, request).is_none() {
            self.origins.answered(&url);
        }
        Ok(Arrival {
            response,
            url,
            slot,
        })
    }

    /// A slot for one more request to an origin.
    async fn acquire_slot(
        &self,
        url: &Url,
        request: &FetchRequest<'_>,
    ) -> Result<OwnedSemaphorePermit, Problem> {
        let Ok(slot) = tokio::time::timeout(LONGEST_WAIT, self.slots.acquire(url)).await else {
            let file = self.file_of(request.url);
            let what = "is asked for too much at once";
            return Err(self.asked_again(Kind::Unreachable, url, what, &file, Duration::ZERO));
        };
        slot.map_err(Problem::internal)
    }

    /// Where a redirect leads.
    fn next(&self, arrival: &Arrival, request: &FetchRequest<'_>) -> Result<Url, Problem> {
        let url = &arrival.url;
        let target = arrival
            .response
            .headers()
            .get(LOCATION)
            .and_then(|value| value.to_str().ok());
        let next = target.and_then(|target| url.join(target).ok());
        let next = next.ok_or_else(|| self.leads(url, request, "redirects to nowhere"))?;
        if url.scheme() == "https" && next.scheme() != "https" {
            return Err(self.leads(url, request, "redirects from https to http"));
        }
        Ok(next)
    }

    /// What was wanted is where nobody can go.
    fn leads(&self, url: &Url, request: &FetchRequest<'_>, what: &str) -> Problem {
        let file = self.file_of(request.url);
        self.useless(Kind::Upstream, url, &format!("{what}, for {file}"))
    }
}
