//! Docker's token flow, as a client: a challenge becomes a token, which is remembered while it
//! lasts.

use http::HeaderValue;
use http::header::{CONTENT_ENCODING, WWW_AUTHENTICATE};
use larder_mirrors::oci::Challenge;
use larder_model::Problem;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// Tokens remembered for one upstream.
const MAX_TOKENS: usize = 1000;
/// A token that does not say how long it lasts (distribution's token specification).
const USUAL_LIFE: Duration = Duration::from_mins(1);
/// A token is not believed to last for longer: a refusal has us ask for another one anyway.
const LONGEST_LIFE: Duration = Duration::from_hours(24);
/// It is used no longer than until so long before its end.
const MARGIN: Duration = Duration::from_secs(10);
/// The answer of a token endpoint in bytes.
const ANSWER_BYTES: usize = 256 * 1024;

#[derive(Deserialize)]
struct Answer {
    token: Option<String>,
    access_token: Option<String>,
    /// In seconds.
    expires_in: Option<f64>,
}

impl Answer {
    fn life(&self) -> Duration {
        let bounded =
            |seconds: f64| Duration::from_secs_f64(seconds.clamp(0.0, LONGEST_LIFE.as_secs_f64()));
        self.expires_in.map_or(USUAL_LIFE, bounded)
    }
}

/// Tokens by the image they are for.
#[derive(Default)]
pub(super) struct Tokens(Mutex<HashMap<Box<str>, (HeaderValue, Instant)>>);

impl Tokens {
    /// A token that is still good.
    pub(super) fn get(&self, image: &str) -> Option<HeaderValue> {
        let tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens
            .get(image)
            .filter(|(_, end)| Instant::now() < *end)
            .map(|(token, _)| token.clone())
    }

    pub(super) fn keep(&self, image: &str, token: HeaderValue, life: Duration) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= MAX_TOKENS {
            tokens.clear();
        }
        tokens.insert(
            image.into(),
            (token, Instant::now() + life.saturating_sub(MARGIN)),
        );
    }
}

/// Where the token for a refused request is to be had, and whether our credentials may go there.
/// `image`: empty for one that is for no image.
pub(super) fn realm(refused: &reqwest::Response, base: &Url, image: &str) -> Option<(Url, bool)> {
    let headers = refused.headers().get_all(WWW_AUTHENTICATE).iter();
    let challenge = headers
        .filter_map(|value| value.to_str().ok())
        .find_map(Challenge::read)?;
    let mut realm = base.join(&challenge.realm).ok()?;
    realm
        .set_username("")
        .and_then(|()| realm.set_password(None))
        .ok()?;
    realm
        .query_pairs_mut()
        .append_pair("service", &challenge.service);
    let scope = match (&*challenge.scope, image) {
        ("", "") => None, // a login, and nothing more
        ("", image) => Some(format!("repository:{image}:pull")),
        (scope, _) => Some(scope.to_owned()),
    };
    if let Some(scope) = scope {
        realm.query_pairs_mut().append_pair("scope", &scope);
    }
    let near = Challenge::is_near(base.host_str()?, realm.host_str()?);
    let safe = realm.scheme() == "https" || realm.origin() == base.origin();
    Some((realm, near && safe))
}

/// Reads a token endpoint's answer, in which it may be silent for so long. `refused`: there is no token
/// in it.
pub(super) async fn read(
    mut response: reqwest::Response,
    idle_time: Duration,
    refused: impl Fn() -> Problem,
) -> Result<(HeaderValue, Duration), Problem> {
    if !response.status().is_success() || response.headers().contains_key(CONTENT_ENCODING) {
        return Err(refused());
    }
    let mut body = Vec::new();
    loop {
        let chunk = tokio::time::timeout(idle_time, response.chunk()).await;
        let chunk = chunk.map_err(|silence| refused().because(silence))?;
        let chunk = chunk.map_err(|error| refused().because(error.without_url()))?;
        let Some(bytes) = chunk else { break };
        body.extend_from_slice(&bytes);
        if body.len() > ANSWER_BYTES {
            return Err(refused());
        }
    }
    let answer: Answer = serde_json::from_slice(&body).map_err(|error| refused().because(error))?;
    let life = answer.life();
    let token = answer.token.or(answer.access_token).ok_or_else(&refused)?;
    let mut value = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| refused())?;
    value.set_sensitive(true);
    Ok((value, life))
}

#[cfg(test)]
mod tests;
