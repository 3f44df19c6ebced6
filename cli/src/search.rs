//! `larder search`.

use crate::client::Client;
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::table::Column;

const LIST: &[Column] = &[
    ("KIND", "kind"),
    ("REPOSITORY", "repository"),
    ("PACKAGE", "package"),
    ("VERSION", "version"),
    ("HOSTED", "hosted"),
    ("DIGEST", "digest"),
];

/// Shows the first `limit` of what is found.
pub(crate) async fn search(
    words: &[String],
    protocol: Option<&str>,
    kind: Option<&str>,
    limit: u16,
    client: &Client,
) -> Result<Outcome, Failure> {
    let (text, limit) = (words.join(" "), limit.to_string());
    let mut query = vec![("q", &*text), ("limit", &*limit)];
    query.extend(protocol.map(|protocol| ("protocol", protocol)));
    query.extend(kind.map(|kind| ("kind", kind)));
    let found = client.get(&["search"], &query).await?;
    let is_whole = found["next"].is_null();
    let outcome = Outcome::list(found, LIST);
    Ok(if is_whole {
        outcome
    } else {
        outcome.noting(
            "there is more: give more of the name, --kind or --protocol, or a higher --limit",
        )
    })
}
