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

impl Upstream {
    /// Asks for something. A failure that may pass is tried again if the asker is patient.
    pub(crate) async fn get(
        self: &Arc<Self>,
        request: &FetchRequest<'_>,
    ) -> Result<FetchResponse, Problem> {
        let no_url = |_| {
            let detail = format!("the upstream of {} names what is no address", self.name);
            Problem::new(Kind::Upstream, "upstream", detail)
        };
        let url = self.base.join(request.url).map_err(no_url)?;
        let (began, mut wait) = (Instant::now(), FIRST_WAIT);
        let mut left = if request.patient { TRIES } else { 1 };
        loop {
            left -= 1;
            let failure = match Box::pin(self.attempt(&url, request)).await {
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
