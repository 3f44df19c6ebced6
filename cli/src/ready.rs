//! Whether a server on this machine is ready.

use std::time::Duration;

/// How long it may take to say so.
const TIME: Duration = Duration::from_secs(5);
/// Bytes of what it says that are shown.
const SHOWN: usize = 300;

/// Asks the server at this address, which is on this machine: whatever certificate it shows will do,
/// and no proxy is asked. Fails with a sentence.
pub async fn ready(url: &str) -> Result<(), String> {
    let failed = |why: String| format!("{url}: {why}");
    let client = reqwest::Client::builder()
        .no_proxy()
        .danger_accept_invalid_certs(true)
        .timeout(TIME)
        .build()
        .map_err(|error| failed(error.to_string()))?;
    let answer = client.get(url).send().await;
    let answer = answer.map_err(|error| failed(format!("no answer: {}", cause(&error))))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let text = answer.text().await.unwrap_or_default();
    let text: String = text.trim().chars().take(SHOWN).collect();
    Err(failed(format!("it is not ready: {status}: {text}")))
}

/// The first cause, which says most.
fn cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
