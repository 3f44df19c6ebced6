//! Searches (the Cargo book, "Web API: Search").

use super::index::{Config, CrateMetadata, config, crates_in};
use super::names::canonical;
use crate::json::{List, object, unreadable};
use crate::publishing::StoredFile;
use crate::resource::Source;
use crate::search::{Found, Hit, Search, SearchRequest, UpstreamResults, merged};
use crate::text::{JSON, bad_document, query_encoded};
use bytes::Bytes;
use http::StatusCode;
use larder_model::{Kind, Problem, Reply};
use semver::Version;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

const WHAT: &str = "the result of a search";

/// Searches for crates.
pub(super) struct CrateSearch;

/// The fields of an upstream's results that this module needs.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    crates: List<&'a RawValue>,
    meta: Meta,
}

#[derive(Deserialize)]
struct Meta {
    total: usize,
}

impl<'a> Answer<'a> {
    fn read(answer: &'a [u8]) -> Result<Self, Problem> {
        serde_json::from_slice(answer).map_err(|error| unreadable(WHAT, error))
    }
}

/// The canonical name of the crate in a result.
fn name_of(result: &RawValue) -> Result<String, Problem> {
    let name = object(result).and_then(|result| result.text("name"));
    name.map(|name| canonical(&name))
        .ok_or_else(|| bad_document(WHAT))
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
        crates.map(|found| name_of(found).map(Into::into)).collect()
    }

    fn result(
        &self,
        _: &SearchRequest,
        _: &str,
        files: &[StoredFile],
    ) -> Result<Option<String>, Problem> {
        Ok(newest(files)?.map(|(version, metadata)| {
            let (name, description) = (&metadata.line.name, &metadata.description);
            let version = version.to_string();
            json!({"name": name, "max_version": version, "description": description}).to_string()
        }))
    }

    fn reply(
        &self,
        search: &SearchRequest,
        hits: &[Hit],
        answers: &[UpstreamResults],
    ) -> Result<Reply, Problem> {
        let (crates, total) = merged(search, hits, answers, found_in)?;
        let crates = crates.join(",");
        let body = format!("{{\"crates\":[{crates}],\"meta\":{{\"total\":{total}}}}}");
        Ok(Reply::new(StatusCode::OK).with_body(JSON, body))
    }
}

/// The crates in an upstream's response.
fn found_in<'a>(answer: &'a [u8]) -> Result<Found<'a>, Problem> {
    let Answer { crates, meta } = Answer::read(answer)?;
    let named = |found: &'a RawValue| Ok((name_of(found)?, found.get()));
    let results = crates.into_iter().map(named);
    Ok(Found {
        total: Some(meta.total),
        results: results.collect::<Result<_, Problem>>()?,
    })
}

/// The newest version of a crate that is published here.
fn newest(files: &[StoredFile]) -> Result<Option<(Version, CrateMetadata)>, Problem> {
    let mut newest: Option<(Version, CrateMetadata)> = None;
    for file in crates_in(files) {
        let metadata = CrateMetadata::of(file)?;
        let version: Version = metadata.line.vers.parse().map_err(Problem::internal)?;
        if newest.as_ref().is_none_or(|(known, _)| *known < version) {
            newest = Some((version, metadata));
        }
    }
    Ok(newest)
}
