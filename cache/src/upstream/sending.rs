//! One request on its way out.

use super::clients::Clients;
use super::failure::{Fault, Trouble, is_caused_by};
use super::guard::Forbidden;
use super::logins::Login;
use super::remote::Upstream;
use super::request::{FetchRequest, Want};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use larder_model::{Kind, Problem};
use reqwest::{RequestBuilder, Response};
use tokio::time::Instant;
use url::Url;

/// How requests go out.
#[derive(Clone, Copy)]
pub(super) struct Way<'a> {
    pub(super) clients: &'a Clients,
    /// Whether what is left alone for a while is asked all the same, and all at once.
    pub(super) regardless: bool,
}

impl Upstream {
    /// Fails if the guard does not let requests go to an address.
    pub(super) fn require_allowed(
        &self,
        url: &Url,
        request: &FetchRequest<'_>,
    ) -> Result<(), Problem> {
        if matches!(url.scheme(), "http" | "https") && self.guard.admits(url) {
            Ok(())
        } else {
            Err(self.forbidden(url, &self.file_of(request.url)))
        }
    }

    /// A request with what is shown to the upstream's own origin, and to no other.
    pub(super) fn sending(
        &self,
        way: Way<'_>,
        url: &Url,
        request: &FetchRequest<'_>,
        login: Option<&Login>,
    ) -> RequestBuilder {
        let own = self.is_own(url);
        let client = way.clients.of(url, own);
        let mut headers = request.headers();
        let first = self.base.join(request.url);
        if first.is_ok_and(|first| first.origin() == url.origin()) {
            headers.extend(request.secrets());
        }
        // Whoever is told who to be at an address is nobody else there.
        let is_told = headers.contains_key(AUTHORIZATION);
        let mut sending = client
            .request(request.method(), url.clone())
            .headers(headers);
        if let Some(login) = login.filter(|_| own && !is_told) {
            sending = sending.header(AUTHORIZATION, login.header.clone());
        }
        match request.question {
            Some(question) => sending
                .header(CONTENT_TYPE, question.media_type)
                .body(question.body.clone()),
            None => sending,
        }
    }

    /// The head of the answer, which has a time of its own: a silent upstream must not hold up what
    /// is kept.
    pub(super) async fn send(
        &self,
        url: &Url,
        request: &FetchRequest<'_>,
        sending: RequestBuilder,
    ) -> Result<Response, Trouble> {
        self.counters.asked();
        let began = Instant::now();
        let answer = self.answer(url, request, sending).await;
        match &answer {
            Ok(response) => {
                self.counters.answered(began.elapsed());
                if self.fault_of(response, request).is_some() {
                    self.counters.failed();
                }
            }
            Err(_) => self.counters.failed(),
        }
        answer
    }

    async fn answer(
        &self,
        url: &Url,
        request: &FetchRequest<'_>,
        sending: RequestBuilder,
    ) -> Result<Response, Trouble> {
        let error = match tokio::time::timeout(self.answer_time, sending.send()).await {
            Ok(Ok(response)) => return Ok(response),
            Ok(Err(error)) if is_caused_by::<Forbidden>(&error) => {
                return Err(self.forbidden(url, &self.file_of(request.url)).into());
            }
            Ok(Err(error)) if !error.is_timeout() => {
                return Err(Trouble::failure(url, Fault::Unreachable, Some(error)));
            }
            Ok(Err(error)) => Some(error),
            Err(_) => None,
        };
        // Who is silent at heads may answer what asks for all of it: only that silence counts.
        let is_there = error.as_ref().is_none_or(|error| !error.is_connect());
        if request.want == Want::ShortCut && is_there {
            return Err(self
                .useless(Kind::Upstream, url, "is silent at HEAD")
                .into());
        }
        Err(Trouble::failure(url, Fault::Silent, error))
    }
}
