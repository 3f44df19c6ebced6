//! Asking an upstream whether it is there, in a sentence or two for whoever looks after it.

use super::bearer;
use super::clients::Clients;
use super::failure::{Failure, Fault, Trouble, causes, is_caused_by};
use super::guard::Forbidden;
use super::remote::Upstream;
use super::request::FetchRequest;
use super::sending::Way;
use super::status::is_failure;
use http::StatusCode;
use larder_model::Problem;
use larder_model::upstream::Checked;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// All of a check takes no longer, unless one answer may.
const CHECK_TIME: Duration = Duration::from_secs(15);

impl Upstream {
    /// Asks for the first of its probes that is there, whether the upstream is given a pause or
    /// not, over a connection of its own. `tokens`: it may want one of its token endpoint.
    pub(crate) async fn check(self: &Arc<Self>, tokens: bool) -> Result<Checked, Problem> {
        let checked = Checked {
            tls: self.base.scheme() == "https",
            ..Checked::default()
        };
        if !self.guard.admits(&self.base) {
            return Ok(self.refused(checked));
        }
        let clients = Clients::unpooled(&self.guard, &self.config)?;
        let began = Instant::now();
        let limit = CHECK_TIME.max(self.answer_time);
        let outcome = tokio::time::timeout(limit, self.first_status(&clients, tokens));
        let late = |_| Err(Trouble::failure(&self.base, Fault::Silent, None));
        let outcome = outcome.await.unwrap_or_else(late);
        let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let checked = Checked { took_ms, ..checked };
        Ok(match outcome {
            Ok(status) => self.judge(checked, status, tokens),
            Err(Trouble::Problem(problem)) if is_caused_by::<Forbidden>(&problem) => {
                self.refused(checked)
            }
            Err(Trouble::Problem(problem)) => self.misled(checked, &problem),
            Err(Trouble::Failure(failure)) => self.unreached(checked, &failure),
        })
    }

    /// The status of the first of the probes that is there, else of the last.
    async fn first_status(
        self: &Arc<Self>,
        clients: &Clients,
        tokens: bool,
    ) -> Result<StatusCode, Trouble> {
        let way = Way {
            clients,
            regardless: true,
        };
        let mut status = StatusCode::NOT_FOUND;
        for path in self.probes {
            status = self.status_of(way, path, tokens).await?;
            if !self.absent.contains(status.as_u16()) {
                break;
            }
        }
        Ok(status)
    }

    async fn status_of(
        self: &Arc<Self>,
        way: Way<'_>,
        path: &str,
        tokens: bool,
    ) -> Result<StatusCode, Trouble> {
        let url = self.base.join(path).map_err(Problem::internal)?;
        let request = FetchRequest::new(path);
        let arrival = self.hop(way, &url, &request, None).await?;
        let status = arrival.response.status();
        if let Some(fault) = self.fault_of(&arrival.response, &request) {
            self.note_failure(&arrival.url, fault);
        }
        if status != StatusCode::UNAUTHORIZED || !tokens || self.authorization.is_none() {
            return Ok(status);
        }
        let Some((realm, near)) = bearer::realm(&arrival.response, &self.base, "") else {
            return Ok(status);
        };
        drop(arrival);
        match self.token(way, &request, realm, near).await {
            Ok((token, _)) => {
                let arrival = self.hop(way, &url, &request, Some(&token)).await?;
                Ok(arrival.response.status())
            }
            Err(Trouble::Problem(problem)) if !is_caused_by::<Forbidden>(&problem) => Ok(status),
            Err(trouble) => Err(trouble),
        }
    }

    /// Counts what went wrong at an address. That is the whole of it: a check is a trial itself.
    fn note_failure(&self, url: &Url, fault: Fault) {
        let failure = Failure {
            url: url.clone(),
            fault,
            source: None,
        };
        if self.origins.failed(&failure).is_suspect {
            self.origins.confirmed(&failure);
        }
    }

    /// What an answer means. One that is none of a failure ends the upstream's pause.
    fn judge(&self, mut checked: Checked, status: StatusCode, tokens: bool) -> Checked {
        if !is_failure(status) {
            self.origins.begin_anew();
        }
        let (problem, advice) = self.meaning_of(status, tokens).unzip();
        checked.ok = problem.is_none();
        checked.reachable = true;
        checked.status = Some(status.as_u16());
        let known = self.authorization.is_some();
        checked.authenticated = known.then_some(status.is_success());
        checked.problem = problem;
        checked.advice = advice;
        checked
    }

    /// What is wrong by a status, and what to do about it; `None`: nothing is.
    fn meaning_of(&self, status: StatusCode, tokens: bool) -> Option<(String, String)> {
        let (known, name) = (self.authorization.is_some(), &self.name);
        let login = format!("larder repo set {name} --username NAME --password-stdin");
        let address = format!("check the address: larder repo set {name} --upstream URL");
        let (problem, advice) = match status.as_u16() {
            200..=299 => return None,
            // It says so of all that it does not have, and may have what is asked for by name.
            status if self.absent.is_added(status) => return None,
            // Registries of images ask for a token even where everyone gets one.
            401 if tokens && !known => return None,
            401 if known => (
                "it does not take the credentials",
                format!("give others: {login}"),
            ),
            401 => ("it wants a login", format!("give it one: {login}")),
            403 | 451 if known => (
                "it forbids it",
                format!("the credentials may lack a right there: {login}"),
            ),
            403 | 451 => ("it forbids it", format!("it may want a login: {login}")),
            404 | 410 => (
                "there is no repository of this protocol at its address",
                address,
            ),
            code if is_failure(status) => {
                let advice = "try again later; what is kept is served";
                return Some((format!("it fails ({code})"), advice.to_owned()));
            }
            other => {
                let problem = format!("it answers {other}, which makes no sense here");
                return Some((problem, address));
            }
        };
        Some((problem.to_owned(), advice))
    }

    /// An answer came that leads nowhere.
    fn misled(&self, mut checked: Checked, problem: &Problem) -> Checked {
        let name = &self.name;
        let advice = format!(
            "check where it leads: larder repo set {name} --upstream URL, or --allow ORIGIN"
        );
        checked.reachable = true;
        checked.problem = Some(problem.detail.to_string());
        checked.advice = Some(advice);
        checked
    }

    /// No answer came.
    fn unreached(&self, mut checked: Checked, failure: &Failure) -> Checked {
        self.note_failure(&failure.url, failure.fault);
        let (problem, advice) = explanation(failure);
        checked.problem = Some(problem);
        checked.advice = Some(advice);
        checked
    }

    /// A private address that nobody allowed: its own, or one that it leads to.
    fn refused(&self, mut checked: Checked) -> Checked {
        let name = &self.name;
        let (problem, option) = if self.guard.trusts(&self.base) {
            (
                "it leads to another place, whose address is private, and was not allowed to be",
                "--allow ORIGIN",
            )
        } else {
            (
                "its address is private, and was not allowed to be",
                "--allow-private",
            )
        };
        checked.problem = Some(problem.to_owned());
        checked.advice = Some(format!(
            "if it is meant, allow it: larder repo set {name} {option}"
        ));
        checked
    }
}

/// What went wrong on the way, and what to do about it.
fn explanation(failure: &Failure) -> (String, String) {
    let error = failure.source.as_ref();
    let causes = || error.into_iter().flat_map(|error| causes(error));
    let innermost = causes().last();
    let io = causes()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .map(io::Error::kind)
        .last();
    let (problem, advice) = match (io, innermost) {
        (Some(io::ErrorKind::ConnectionRefused), _) => (
            "nothing listens at its address".to_owned(),
            "does it run, and are host and port right?",
        ),
        (Some(io::ErrorKind::InvalidData), Some(cause)) => (
            format!("no encrypted connection can be made: {cause}"),
            "its certificate must be one that this machine's authorities vouch for",
        ),
        (_, Some(cause)) if failure.fault != Fault::Silent => (
            format!("it cannot be reached: {cause}"),
            "is its name right, does this machine reach it, is there a proxy to go through (HTTPS_PROXY)?",
        ),
        _ => (
            "it does not answer in time".to_owned(),
            "does it run, and does this machine reach it?",
        ),
    };
    (problem, advice.to_owned())
}
