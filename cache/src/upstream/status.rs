//! What the status of an answer says of the upstream itself.

use super::failure::Fault;
use super::remote::Upstream;
use super::request::{FetchRequest, Want};
use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use larder_model::Timestamp;
use reqwest::Response;
use std::time::Duration;

/// An upstream may make us wait for no less and no longer.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_mins(10);
/// One that does not say for how long.
const USUAL_WAIT: Duration = Duration::from_mins(1);
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Whether an answer says nothing of what was asked for.
pub(super) fn is_failure(status: StatusCode) -> bool {
    status.is_server_error()
        || status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT
}

/// How long the upstream asks us to wait (RFC 9110 10.2.3), within our bounds.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = text.parse().ok().map(Duration::from_secs);
    let wait = seconds.or_else(|| date(text).map(|until| until.since(now)));
    let wait = wait.unwrap_or(USUAL_WAIT);
    Some(wait.clamp(SHORTEST_WAIT, LONGEST_WAIT))
}

/// A date as HTTP has it: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 5.6.7).
fn date(text: &str) -> Option<Timestamp> {
    let mut words = text.split(' ').skip(1);
    let (day, month, year) = (words.next()?, words.next()?, words.next()?);
    let month = 1 + MONTHS.iter().position(|known| *known == month)?;
    let time = words.next()?;
    format!("{year}-{month:02}-{day}T{time}Z").parse().ok()
}

impl Upstream {
    /// What an answer says of the upstream, if it says nothing of what was asked for.
    pub(super) fn fault_of(
        &self,
        response: &Response,
        request: &FetchRequest<'_>,
    ) -> Option<Fault> {
        let status = response.status();
        // Who gives no advice may have packages all the same.
        let gives_none = request.question.is_some() && status == StatusCode::NOT_IMPLEMENTED;
        // Gateways fail at heads alone; who asks for time fails at everything.
        let wait = retry_after(response.headers(), self.clock.now());
        let is_limit = status == StatusCode::TOO_MANY_REQUESTS || wait.is_some();
        let tells_nothing = gives_none || (request.want == Want::ShortCut && !is_limit);
        (is_failure(status) && !tells_nothing).then(|| Fault::Status(status.as_u16(), wait))
    }
}

#[cfg(test)]
mod tests;
