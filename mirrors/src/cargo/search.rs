//! Searches (the Cargo book, "Web API: Search").

use super::index::{Config, CrateMetadata, config, crates_in};
use super::names::canonical;
use crate::json::{self, List, unreadable};
use crate::resource::Source;
use crate::search::{Hit, Search, SearchRequest, UpstreamResults};
use crate::text::{JSON, query_encoded};
use bytes::Bytes;
use http::StatusCode;
use larder_model::{Kind, Problem, Reply};
use semver::Version;
use serde::Deserialize;
use serde_json::{Value, json};

/// Searches for crates.
pub(super) struct CrateSearch;

/// The fields of an upstream's results that this module needs.
#[derive(Deserialize)]
struct Answer {
    crates: List<Match>,
    meta: Meta,
}

#[derive(Deserialize)]
struct Match {
    name: String,
    max_version: String,
    description: Option<String>,
}

#[derive(Deserialize)]
struct Meta {
    total: usize,
}

impl Answer {
    fn read(answer: &[u8]) -> Result<Self, Problem> {
        serde_json::from_slice(answer).map_err(|error| unreadable("the result of a search", error))
    }
}

impl Search for CrateSearch {
    fn terms(&self, search: &SearchRequest) -> Vec<String> {
        vec![canonical(&search.text)]
    }

    fn source(&self, search: &SearchRequest, known: &[Option<Bytes>]) -> Result<Source, Problem> {
        let Some(config_body) = known.first() else {
            return Ok(Source::Read(config()));
        };
        let Some(api) = Config::read(config_body.as_deref().unwrap_or_default())?.api else {
            let detail = "the upstream offers no search";
            return Err(Problem::new(Kind::Unsupported, "search", detail));
        };
        let (text, size) = (query_encoded(&search.text), search.size);
        Ok(Source::At {
            url: format!("{api}/api/v1/crates?q={text}&per_page={size}"),
            accept: JSON,
        })
    }

    fn packages_in(&self, answer: &[u8]) -> Result<Vec<Box<str>>, Problem> {
        let answer = Answer::read(answer)?;
        let crates = answer.crates.iter();
        Ok(crates.map(|found| canonical(&found.name).into()).collect())
    }

    fn reply(
        &self,
        search: &SearchRequest,
        hits: &[Hit],
        answers: &[UpstreamResults],
    ) -> Result<Reply, Problem> {
        let (mut crates, mut total) = (Vec::new(), hits.len());
        for hit in hits {
            crates.extend(newest(hit)?.map(|(version, metadata)| {
                let description = Some(&*metadata.description);
                result(&metadata.line.name, &version.to_string(), description)
            }));
        }
        for results in answers {
            let answer = Answer::read(&results.body)?;
            total += answer.meta.total.saturating_sub(results.hidden.len());
            let is_open = |found: &&Match| !results.hides(&canonical(&found.name));
            let open = answer.crates.iter().filter(is_open);
            crates.extend(open.map(|found| {
                result(
                    &found.name,
                    &found.max_version,
                    found.description.as_deref(),
                )
            }));
        }
        crates.truncate(search.size);
        let body = json!({"crates": crates, "meta": {"total": total}});
        Ok(Reply::new(StatusCode::OK).with_body(JSON, json::bytes(&body)))
    }
}

/// A result in the reply.
fn result(name: &str, version: &str, description: Option<&str>) -> Value {
    json!({"name": name, "max_version": version, "description": description})
}

/// The newest version of a crate that is published here.
fn newest(hit: &Hit) -> Result<Option<(Version, CrateMetadata)>, Problem> {
    let mut newest: Option<(Version, CrateMetadata)> = None;
    for file in crates_in(&hit.files) {
        let metadata = CrateMetadata::of(file)?;
        let version: Version = metadata.line.vers.parse().map_err(Problem::internal)?;
        if newest.as_ref().is_none_or(|(known, _)| *known < version) {
            newest = Some((version, metadata));
        }
    }
    Ok(newest)
}
