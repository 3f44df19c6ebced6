//! One request with all its tries, which counts once however it ends.

use super::failure::Trouble;
use super::remote::Upstream;
use super::request::FetchRequest;
use super::response::FetchResponse;
use larder_model::{Kind, Problem};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// Tries of one request that fails in a way that may pass.
const TRIES: u32 = 3;
/// How long after the first the second begins; the third waits for twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// So long after the first no other begins.
const LAST_TRY: Duration = Duration::from_secs(30);
/// Mirrors that lack something outweigh those that fail.
const ENOUGH_ABSENCES: u32 = 2;

impl Upstream {
    /// Asks for something, of one mirror after the other where a list names them.
    pub(crate) async fn get(
        self: &Arc<Self>,
        request: &FetchRequest<'_>,
    ) -> Result<FetchResponse, Problem> {
        let mut places = self.places(request.url)?;
        if places.len() > 1 {
            return Box::pin(self.get_from(places, request)).await; // few have mirrors
        }
        let (url, mirror) = places.remove(0);
        let response = self.get_at(&url, request).await?;
        Ok(response.on(mirror))
    }

    /// Asks the mirrors that have something. One that fails, and one that lacks it, makes room for the
    /// next: each may be stale, or gone.
    async fn get_from(
        self: &Arc<Self>,
        places: Vec<(Url, Option<Url>)>,
        request: &FetchRequest<'_>,
    ) -> Result<FetchResponse, Problem> {
        let (mut problem, mut absences) = (None, 0);
        for (url, mirror) in places {
            let trouble = match self.attempt(&url, request).await {
                Ok(FetchResponse::Missing) => Trouble::Absent,
                Ok(response) => return Ok(response.on(mirror)),
                Err(trouble) => trouble,
            };
            let failed = match trouble {
                Trouble::Absent if request.optional => return Ok(FetchResponse::Missing),
                Trouble::Absent => {
                    absences += 1;
                    continue;
                }
                Trouble::Problem(problem) => problem,
                Trouble::Failure(failure) => self.count(*failure, &self.file_of(request.url)),
            };
            let repo = &*self.name;
            tracing::debug!(
                repo,
                problem = failed.with_causes(),
                "the next mirror is asked"
            );
            if let Some(mirror) = mirror {
                self.ask_last(&mirror);
            }
            problem.get_or_insert(failed);
        }
        // One alone that lacks something may be stale, where those that failed might have it.
        match problem {
            Some(problem) if absences < ENOUGH_ABSENCES => Err(problem),
            _ => Ok(FetchResponse::Missing),
        }
    }

    /// Asks at one address. A failure that may pass is tried again if the asker is patient.
    async fn get_at(
        self: &Arc<Self>,
        url: &Url,
        request: &FetchRequest<'_>,
    ) -> Result<FetchResponse, Problem> {
        let (began, mut wait) = (Instant::now(), FIRST_WAIT);
        let mut left = if request.patient { TRIES } else { 1 };
        loop {
            left -= 1;
            let failure = match Box::pin(self.attempt(url, request)).await {
                Ok(response) => return Ok(response),
                Err(Trouble::Absent) => return Ok(FetchResponse::Missing),
                Err(Trouble::Problem(problem)) => return Err(problem),
                Err(Trouble::Failure(failure)) => *failure,
            };
            let fault = failure.fault;
            let is_asked_for = fault.is_limit() || fault.wait().is_some();
            let may_pass = !is_asked_for && self.origins.is_open(&failure.url);
            if left == 0 || !may_pass || began.elapsed() > LAST_TRY {
                return Err(self.count(failure, &self.file_of(request.url)));
            }
            tracing::debug!(repo = self.name, fault = %failure.fault, "an upstream is asked again");
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
    }

    async fn attempt(
        self: &Arc<Self>,
        url: &Url,
        request: &FetchRequest<'_>,
    ) -> Result<FetchResponse, Trouble> {
        self.require_open(url, request)?;
        self.take_turn().await.map_err(|left| {
            let what = "has been asked as often as it may be";
            self.asked_again(Kind::Busy, url, what, &self.file_of(request.url), left)
        })?;
        let arrival = self.follow(url, request).await?;
        self.read(arrival, request).await
    }
}
