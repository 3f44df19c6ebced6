//! Searches: what is found here, and then what upstreams find.

use super::index::{CrateMetadata, crates_in};
use super::names::canonical;
use crate::Document;
use crate::json::{self, unreadable};
use crate::publishing::{Elsewhere, Hit};
use http::StatusCode;
use larder_model::{Problem, Reply};
use semver::Version;
use serde::Deserialize;
use serde_json::json;

/// Crates that are told where the client says no number.
const USUAL: usize = 10;

/// An upstream's answer.
#[derive(Deserialize)]
struct Answer {
    crates: Vec<Found>,
    meta: Meta,
}

#[derive(Deserialize)]
struct Found {
    name: String,
    max_version: String,
    description: Option<String>,
}

#[derive(Deserialize)]
struct Meta {
    total: usize,
}

fn read(answer: &[u8]) -> Result<Answer, Problem> {
    serde_json::from_slice(answer).map_err(|error| unreadable("the result of a search", error))
}

/// The crates that an upstream's answer names.
pub(super) fn named(answer: &[u8]) -> Result<Vec<Box<str>>, Problem> {
    Ok(read(answer)?
        .crates
        .iter()
        .map(|found| canonical(&found.name).into())
        .collect())
}

/// The answer to a search.
pub(super) fn listed(
    document: &Document,
    hits: &[Hit],
    answers: &[Elsewhere],
) -> Result<Reply, Problem> {
    let count = document
        .path
        .strip_prefix("search/")
        .and_then(|rest| rest.split('?').next()?.parse().ok());
    let (mut crates, mut total) = (Vec::new(), hits.len());
    for hit in hits {
        let mut newest: Option<(Version, CrateMetadata)> = None;
        for file in crates_in(&hit.files) {
            let metadata = CrateMetadata::of(file)?;
            let version: Version = metadata.line.vers.parse().map_err(Problem::internal)?;
            if newest.as_ref().is_none_or(|(known, _)| *known < version) {
                newest = Some((version, metadata));
            }
        }
        if let Some((version, metadata)) = newest {
            let (name, description) = (metadata.line.name, metadata.description);
            crates.push(json!({"name": name, "max_version": version.to_string(), "description": description}));
        }
    }
    for Elsewhere { body, taken } in answers {
        let answer = read(body)?;
        total += answer.meta.total.saturating_sub(taken.len());
        let shown = |found: &&Found| taken.iter().all(|taken| **taken != *canonical(&found.name));
        crates.extend(answer.crates.iter().filter(shown).map(
            |found| json!({"name": found.name, "max_version": found.max_version, "description": found.description}),
        ));
    }
    crates.truncate(count.unwrap_or(USUAL));
    let body = json!({"crates": crates, "meta": {"total": total}});
    Ok(Reply::new(StatusCode::OK).with_body("application/json", json::bytes(&body)))
}
