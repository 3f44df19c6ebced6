//! Asking an upstream whether it is there, in a sentence or two for whoever looks after it.

use super::guard::Forbidden;
use super::response::{is_failure, retry_after};
use super::{FetchRequest, Upstream, bearer};
use http::StatusCode;
use larder_model::upstream::Checked;
use larder_model::{Kind, Problem};
use std::error::Error;
use std::io;
use std::time::Duration;
use tokio::time::Instant;

/// All of a check takes no longer.
const CHECK_TIME: Duration = Duration::from_secs(15);

impl Upstream {
    /// Asks for the first of `paths` that is there, whether the upstream is given a pause or not.
    /// `tokens`: it may want one of its token endpoint; `name`: the mirror's, for the advice.
    pub(crate) async fn check(&self, paths: &[&str], tokens: bool, name: &str) -> Checked {
        let mut checked = Checked {
            tls: self.base.scheme() == "https",
            ..Checked::default()
        };
        if !self.guard.admits(&self.base) {
            return self.refused(checked, name);
        }
        let began = Instant::now();
        let late = |_| {
            Err(Problem::new(
                Kind::Unreachable,
                "upstream",
                "it does not answer in time",
            ))
        };
        let asked = tokio::time::timeout(CHECK_TIME, self.probe(paths, tokens))
            .await
            .unwrap_or_else(late);
        checked.took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        match asked {
            Ok(status) => self.judge(checked, status, tokens, name),
            Err(problem) if caused_by::<Forbidden>(&problem) => self.refused(checked, name),
            Err(problem) => self.failed(checked, &problem, name),
        }
    }

    /// The status of the first of `paths` that is there, else of the last.
    async fn probe(&self, paths: &[&str], tokens: bool) -> Result<StatusCode, Problem> {
        let mut status = StatusCode::NOT_FOUND;
        for path in paths {
            status = self.probe_one(path, tokens).await?;
            if status != StatusCode::NOT_FOUND {
                break;
            }
        }
        Ok(status)
    }

    async fn probe_one(&self, path: &str, tokens: bool) -> Result<StatusCode, Problem> {
        let url = self.base.join(path).map_err(Problem::internal)?;
        let request = FetchRequest::new(path);
        let response = self.hop(url.clone(), &request, None).await?;
        let status = response.status();
        if is_failure(status) {
            self.breaker.failed(
                retry_after(response.headers()),
                &format!("it answered {}", status.as_u16()),
            );
        }
        if status != StatusCode::UNAUTHORIZED || !tokens || self.authorization.is_none() {
            return Ok(status);
        }
        let Some((realm, near)) = bearer::realm(&response, &self.base, "") else {
            return Ok(status);
        };
        drop(response);
        match self.token(realm, near).await {
            Ok((token, _)) => self
                .hop(url, &request, Some(&token))
                .await
                .map(|response| response.status()),
            Err(problem) if problem.kind == Kind::Upstream => Ok(status),
            Err(problem) => Err(problem),
        }
    }

    /// What an answer means. One that is none of a failure ends the upstream's pause.
    fn judge(&self, mut checked: Checked, status: StatusCode, tokens: bool, name: &str) -> Checked {
        let known = self.authorization.is_some();
        if !is_failure(status) {
            self.breaker.succeeded();
        }
        let login = format!("larder repo set {name} --username NAME --password-stdin");
        let (problem, advice) = match status.as_u16() {
            200..=299 => (None, None),
            // Registries of images ask for a token even where everyone gets one.
            401 if tokens && !known => (None, None),
            401 if known => (
                Some("it does not take the credentials".to_owned()),
                Some(format!("give others: {login}")),
            ),
            401 => (
                Some("it wants a login".to_owned()),
                Some(format!("give it one: {login}")),
            ),
            403 | 451 => {
                let advice = if known {
                    "the credentials may lack a right there"
                } else {
                    "it may want a login"
                };
                (
                    Some("it forbids it".to_owned()),
                    Some(format!("{advice}: {login}")),
                )
            }
            404 | 410 => (
                Some("there is no repository of this protocol at its address".to_owned()),
                Some(format!(
                    "check the address: larder repo set {name} --upstream URL"
                )),
            ),
            _ if is_failure(status) => (
                Some(format!("it fails ({})", status.as_u16())),
                Some("try again later; what is kept is served".to_owned()),
            ),
            other => (
                Some(format!("it answers {other}, which makes no sense here")),
                Some(format!(
                    "check the address: larder repo set {name} --upstream URL"
                )),
            ),
        };
        checked.ok = problem.is_none();
        checked.reachable = true;
        checked.status = Some(status.as_u16());
        checked.authenticated = known.then_some(status.is_success());
        Checked {
            problem,
            advice,
            ..checked
        }
    }

    fn failed(&self, mut checked: Checked, problem: &Problem, name: &str) -> Checked {
        // An answer came that leads nowhere.
        let reachable = problem.kind == Kind::Upstream;
        let (problem, advice) = if reachable {
            let advice = format!(
                "check where it leads: larder repo set {name} --upstream URL, or --allow ORIGIN"
            );
            (problem.detail.to_string(), advice)
        } else {
            told(problem)
        };
        if !reachable {
            self.breaker.failed(None, &problem);
        }
        checked.reachable = reachable;
        checked.problem = Some(problem);
        checked.advice = Some(advice);
        checked
    }

    /// A private address that nobody allowed: its own, or one that it leads to.
    fn refused(&self, mut checked: Checked, name: &str) -> Checked {
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

/// The causes of a problem, the outermost first. An IO error may hold another.
fn causes(problem: &Problem) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(Error::source(problem), |cause| {
        let cause = *cause;
        let inner = cause
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        inner
            .map(|inner| inner as &(dyn Error + 'static))
            .or_else(|| cause.source())
    })
}

fn caused_by<E: Error + 'static>(problem: &Problem) -> bool {
    causes(problem).any(<dyn Error + 'static>::is::<E>)
}

/// What went wrong on the way, and what to do about it.
fn told(problem: &Problem) -> (String, String) {
    let timed_out = causes(problem).any(|cause| {
        cause
            .downcast_ref::<reqwest::Error>()
            .is_some_and(reqwest::Error::is_timeout)
    });
    let innermost = causes(problem).last();
    let io = causes(problem)
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
        (_, Some(cause)) if !timed_out => (
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
