//! What an upstream says of a refusal, for whoever is refused.

use super::remote::Upstream;
use http::header::CONTENT_ENCODING;
use larder_model::ruling::one_line;
use reqwest::Response;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Bytes of an answer that are read for its sentence, and for how long.
const MAX_BYTES: usize = 16 * 1024;
const MAX_TIME: Duration = Duration::from_secs(2);
/// Characters of a sentence.
const MAX_CHARS: usize = 200;

impl Upstream {
    /// The sentence in an answer that refuses, as its protocol writes it; `None` where there is none,
    /// or where it tells where the upstream is, which not everyone may know.
    pub(super) async fn sentence(&self, mut response: Response) -> Option<Box<str>> {
        if response.headers().contains_key(CONTENT_ENCODING) {
            return None;
        }
        let (mut body, end) = (Vec::new(), Instant::now() + MAX_TIME);
        while let Some(bytes) = timeout_at(end, response.chunk()).await.ok()?.ok()? {
            body.extend_from_slice(&bytes);
            if body.len() > MAX_BYTES {
                return None;
            }
        }
        let said = self.protocol.sentence(&body)?;
        let said: String = said.chars().take(MAX_CHARS).collect();
        let said = one_line(said.trim(), "");
        let tells_where = |host: &str| said.to_ascii_lowercase().contains(host);
        let is_shown = !said.is_empty() && !self.base.host_str().is_some_and(tells_where);
        is_shown.then(|| said.trim_end_matches('.').into())
    }
}
