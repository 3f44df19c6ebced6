//! Trials: whether an origin that failed as a whole answers again. They are ours, and run behind all
//! requests: whoever asks meanwhile is told to come back, so nobody's request decides for others.

use super::breaker::Trial;
use super::failure::{Failure, Fault, Trouble};
use super::remote::Upstream;
use super::request::{FetchRequest, Want};
use super::sending::Way;
use std::sync::Arc;
use url::Url;

/// A trial under way. Whatever becomes of it, it ends.
struct Ongoing<'a> {
    upstream: &'a Upstream,
    root: &'a Url,
    has_verdict: bool,
}

impl Drop for Ongoing<'_> {
    fn drop(&mut self) {
        if !self.has_verdict {
            self.upstream.origins.abandon_trial(self.root);
        }
    }
}

impl Upstream {
    /// Has the origin of `url` tried, now or when its pause ends.
    pub(super) fn order(self: &Arc<Self>, url: &Url, trial: Trial) {
        let mut root = url.clone();
        root.set_path("/");
        root.set_query(None);
        root.set_fragment(None);
        // Whoever writes an address does not choose who we are there.
        let nameless = root.set_username("").and_then(|()| root.set_password(None));
        if nameless.is_err() {
            return; // no host, nothing to try
        }
        match trial {
            Trial::Now => {
                let upstream = Arc::clone(self);
                tokio::spawn(async move { upstream.try_origin(&root).await });
            }
            Trial::After(left) => {
                // A mirror that was changed or deleted meanwhile asks nobody any more.
                let upstream = Arc::downgrade(self);
                tokio::spawn(async move {
                    tokio::time::sleep(left).await;
                    if let Some(upstream) = upstream.upgrade()
                        && upstream.origins.begin_trial(&root)
                    {
                        upstream.try_origin(&root).await;
                    }
                });
            }
        }
    }

    /// Tries an origin, and notes what came of it.
    async fn try_origin(&self, root: &Url) {
        let mut ongoing = Ongoing {
            upstream: self,
            root,
            has_verdict: false,
        };
        let may_ask = (self.may_ask)();
        if !may_ask || self.take_turn().await.is_err() {
            return; // whoever asks next has it tried again
        }
        let outcome = self.probe(root).await;
        ongoing.has_verdict = true;
        let (repo, host) = (&self.name, root.origin().ascii_serialization());
        if let Err(Trouble::Failure(failure)) = outcome {
            if let Some(pause) = self.origins.confirmed(&failure) {
                let (fault, seconds) = (failure.fault, pause.as_secs());
                tracing::warn!(repo, host, %fault, seconds, "a host is left alone for a while");
            }
        } else if self.origins.opened(root) {
            // Where the guard refuses to go, requests are told so.
            tracing::info!(repo, host, "a host answers again");
        }
    }

    /// Whether an origin answers. Of one that failed without an answer any answer will do.
    async fn probe(&self, root: &Url) -> Result<(), Trouble> {
        let root_alone = FetchRequest {
            want: Want::Head,
            ..FetchRequest::new("/")
        };
        if !self.is_own(root) {
            return self.try_address(root, &root_alone, true).await;
        }
        let any = self.origins.is_unanswered();
        for path in self.protocol.probes() {
            let url = self
                .base
                .join(path)
                .map_err(larder_model::Problem::internal)?;
            match self.try_address(&url, &FetchRequest::new(path), any).await {
                Err(Trouble::Failure(failure)) if is_final(&failure) => {
                    return Err(Trouble::Failure(failure));
                }
                // What is made for a trial may be slow, or broken for itself.
                Err(Trouble::Failure(failure)) if failure.fault == Fault::Silent => break,
                Err(Trouble::Failure(_)) => {}
                outcome => return outcome,
            }
        }
        match self.origins.failed_at() {
            Some(url) if !any => {
                let request = FetchRequest::new(url.path());
                self.try_address(&url, &request, false).await
            }
            _ => self.try_address(root, &root_alone, any).await,
        }
    }

    /// Asks an address, once and without following it. `any`: whether any answer is fine that does
    /// not ask us to wait.
    async fn try_address(
        &self,
        url: &Url,
        request: &FetchRequest<'_>,
        any: bool,
    ) -> Result<(), Trouble> {
        self.require_allowed(url, request)?;
        let way = Way {
            clients: &self.clients,
            regardless: true,
        };
        let login = self.first_login("");
        let sending = self.sending(way, url, request, login.as_ref());
        let response = self.send(url, request, sending).await?;
        match self.fault_of(&response, request) {
            Some(fault) if !any || fault.wait_of_origin().is_some() => {
                Err(Trouble::failure(url, fault, None))
            }
            _ => Ok(()),
        }
    }
}

/// Whether another address of the same origin would do no better.
fn is_final(failure: &Failure) -> bool {
    let is_connect = |error: &reqwest::Error| error.is_connect();
    failure.fault.wait_of_origin().is_some() || failure.source.as_ref().is_some_and(is_connect)
}
