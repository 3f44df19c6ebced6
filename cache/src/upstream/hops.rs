//! From one address to the next, as redirects lead.

use super::failure::Trouble;
use super::logins::{Identity, Login};
use super::remote::Upstream;
use super::request::FetchRequest;
use super::sending::Way;
use http::StatusCode;
use http::header::LOCATION;
use larder_model::{Kind, Problem};
use reqwest::{RequestBuilder, Response};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use url::Url;

/// Redirects followed.
pub(super) const MAX_HOPS: usize = 5;
/// A slot of an origin is waited for no longer.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// An answer, and where it came from after all redirects.
pub(super) struct Arrival {
    pub(super) response: Response,
    pub(super) url: Url,
    /// Whom the upstream took us for.
    pub(super) identity: Identity,
    /// The slot that it takes until its body has come.
    pub(super) slot: Option<OwnedSemaphorePermit>,
}

impl Upstream {
    /// Asks, and goes where it is sent.
    pub(super) async fn hop(
        self: &Arc<Self>,
        way: Way<'_>,
        url: &Url,
        request: &FetchRequest<'_>,
        login: Option<&Login>,
    ) -> Result<Arrival, Trouble> {
        let mut url = url.clone();
        for _ in 0..=MAX_HOPS {
            url = self.nameless(url, request)?;
            let sending = self.sending(way, &url, request, login);
            let mut arrival = self.ask(way, url, request, sending).await?;
            arrival.identity = login.map_or(Identity::Nobody, |login| login.identity);
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
    pub(super) async fn ask(
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
            identity: Identity::Nobody,
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

    /// An address without a user's name and password: whoever writes it does not choose who we are
    /// there.
    pub(super) fn nameless(
        &self,
        mut url: Url,
        request: &FetchRequest<'_>,
    ) -> Result<Url, Problem> {
        let cleared = url.set_username("").and_then(|()| url.set_password(None));
        cleared.map_err(|()| self.forbidden(&url, &self.file_of(request.url)))?;
        Ok(url)
    }

    /// Where a redirect leads.
    pub(super) fn next(
        &self,
        arrival: &Arrival,
        request: &FetchRequest<'_>,
    ) -> Result<Url, Problem> {
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
    pub(super) fn leads(&self, url: &Url, request: &FetchRequest<'_>, what: &str) -> Problem {
        let file = self.file_of(request.url);
        self.useless(Kind::Upstream, url, &format!("{what}, for {file}"))
    }
}
