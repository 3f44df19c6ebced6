//! What a token endpoint answers (Docker's token authentication), read as leniently as clients read
//! it.

use http::HeaderValue;
use http::header::CONTENT_ENCODING;
use larder_model::Problem;
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

/// A token that does not say how long it lasts (distribution's token specification).
const USUAL_LIFE: Duration = Duration::from_mins(1);
/// A token is not believed to last for longer: a refusal has us ask for another one anyway.
pub(super) const LONGEST_LIFE: Duration = Duration::from_hours(24);
/// The answer of a token endpoint in bytes.
const ANSWER_BYTES: usize = 256 * 1024;

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    token: Value,
    #[serde(default)]
    access_token: Value,
    /// In seconds.
    #[serde(default)]
    expires_in: Value,
}

impl Answer {
    /// The one of both that there is: some say the other one too, and leave it empty.
    fn token(&self) -> Option<&str> {
        let mut tokens = [&self.token, &self.access_token].into_iter();
        tokens.find_map(|token| token.as_str().filter(|token| !token.is_empty()))
    }

    /// How long it lasts; some write the number as text.
    fn life(&self) -> Duration {
        let seconds = match &self.expires_in {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let bounded =
            |seconds: f64| Duration::from_secs_f64(seconds.clamp(0.0, LONGEST_LIFE.as_secs_f64()));
        let seconds = seconds.filter(|seconds| !seconds.is_nan());
        seconds.map_or(USUAL_LIFE, bounded)
    }
}

/// Reads the answer of a token endpoint that gives one, in which it may be silent for so long.
/// `refused`: there is no token in it.
pub(super) async fn read(
    mut response: reqwest::Response,
    idle_time: Duration,
    refused: impl Fn() -> Problem,
) -> Result<(HeaderValue, Duration), Problem> {
    if response.headers().contains_key(CONTENT_ENCODING) {
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
    let token = answer.token().ok_or_else(&refused)?;
    let mut value = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| refused())?;
    value.set_sensitive(true);
    Ok((value, answer.life()))
}

#[cfg(test)]
mod tests;
