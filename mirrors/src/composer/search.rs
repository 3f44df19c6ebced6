//! Searches, and lists of names (Composer's "Repositories", `search` and `list`).

use super::published::PublishedPackage;
use super::root::{Names, Root, fits, names, root};
use super::routes::{NAMES, TYPE};
use crate::json::{self, List, Object, object, unreadable};
use crate::publishing::StoredFile;
use crate::resource::Source;
use crate::search::{Found, Hit, Search, SearchRequest, UpstreamResults, merged};
use crate::text::JSON;
use bytes::Bytes;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use larder_model::{Problem, Reply};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use std::collections::BTreeSet;

const WHAT: &str = "the result of a search";

/// Searches for packages.
pub(super) struct PackageSearch;

/// The fields of an upstream's results that this module needs.
#[derive(Deserialize)]
struct Results<'a> {
    #[serde(borrow)]
    results: List<&'a RawValue>,
    total: Option<usize>,
}

#[derive(Deserialize)]
struct NameList {
    #[serde(rename = "packageNames")]
    names: List<String>,
}

fn results(answer: &[u8]) -> Result<Results<'_>, Problem> {
    serde_json::from_slice(answer).map_err(|error| unreadable(WHAT, error))
}

/// The name of the package in a result.
fn name_of(result: &RawValue) -> Result<String, Problem> {
    let name = object(result).and_then(|result| result.text("name"));
    let name = name.ok_or_else(|| crate::text::bad_document(WHAT))?;
    Ok(name.to_lowercase())
}

/// The names in an upstream's answer, whatever was asked.
fn names_in(answer: &[u8]) -> Result<Vec<String>, Problem> {
    let read: Object<'_> =
        serde_json::from_slice(answer).map_err(|error| unreadable(WHAT, error))?;
    if read.raw("packageNames").is_some() {
        let list: NameList =
            serde_json::from_slice(answer).map_err(|error| unreadable(WHAT, error))?;
        return Ok(list.names.iter().map(|name| name.to_lowercase()).collect());
    }
    let results = results(answer)?.results;
    results.into_iter().map(name_of).collect()
}

/// Whether a name is in the list that a filter asks for.
fn is_listed(filter: &str, name: &str) -> bool {
    filter.is_empty() || fits(&filter.to_lowercase(), name)
}

/// What an upstream that answers no searches would, as far as names go.
fn made_of_names(search: &SearchRequest, known: &[Option<Bytes>]) -> Result<Source, Problem> {
    let all = match names(known)? {
        Names::Read(document) => return Ok(Source::Read(document)),
        Names::Told(names) => names,
    };
    let body = if &*search.scope == NAMES {
        let listed = all.iter().filter(|name| is_listed(&search.text, name));
        json!({"packageNames": listed.collect::<Vec<_>>()})
    } else {
        let words = PackageSearch.terms(search);
        let is_hit = |name: &&String| words.iter().all(|word| name.contains(word.as_str()));
        let found: Vec<&String> = all.iter().filter(is_hit).collect();
        let total = found.len();
        let results = found.into_iter().skip(search.from).take(search.size);
        let results = results.map(|name| json!({"name": name, "description": ""}));
        json!({"results": results.collect::<Vec<_>>(), "total": total})
    };
    Ok(Source::Here(json::bytes(&body).into()))
}

impl Search for PackageSearch {
    fn terms(&self, search: &SearchRequest) -> Vec<String> {
        let text = search.text.to_lowercase();
        let parts = text.split(|char: char| char.is_whitespace() || char == '*');
        let parts = parts.filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect()
    }

    fn source(&self, search: &SearchRequest, known: &[Option<Bytes>]) -> Result<Source, Problem> {
        let Some(first) = known.first() else {
            return Ok(Source::Read(root()));
        };
        let root = Root::read(first.as_deref())?;
        let kind = search.scope.strip_prefix(TYPE).unwrap_or_default();
        let url = if &*search.scope == NAMES {
            root.list_of_names(&search.text)
        } else {
            root.search(&search.text, kind)
        };
        match url {
            Some(url) => Ok(Source::At { url, accept: JSON }),
            None => made_of_names(search, known),
        }
    }

    fn packages_in(&self, answer: &[u8]) -> Result<Vec<Box<str>>, Problem> {
        let names = names_in(answer)?;
        Ok(names.into_iter().map(Into::into).collect())
    }

    fn result(
        &self,
        search: &SearchRequest,
        package: &str,
        files: &[StoredFile],
    ) -> Result<Option<String>, Problem> {
        let Some(newest) = (PublishedPackage { package, files }).newest() else {
            return Ok(None);
        };
        if &*search.scope == NAMES {
            return Ok(is_listed(&search.text, package).then(String::new));
        }
        result(package, newest, search.scope.strip_prefix(TYPE))
    }

    fn reply(
        &self,
        search: &SearchRequest,
        hits: &[Hit],
        answers: &[UpstreamResults],
    ) -> Result<Reply, Problem> {
        let body = if &*search.scope == NAMES {
            list(hits, answers)?
        } else {
            found(search, hits, answers)?
        };
        let reply = Reply::new(StatusCode::OK).with_body(JSON, body);
        // Which packages it lists depends on the caller's grants.
        Ok(reply.with(CACHE_CONTROL, HeaderValue::from_static("no-store")))
    }
}

/// The names of all packages that a list asks for.
fn list(hits: &[Hit], answers: &[UpstreamResults]) -> Result<String, Problem> {
    let mut names: BTreeSet<String> = hits.iter().map(|hit| hit.package.to_string()).collect();
    for results in answers {
        let others = names_in(&results.body)?.into_iter();
        names.extend(others.filter(|name| !results.hides(name)));
    }
    Ok(json!({"packageNames": names}).to_string())
}

/// What is published here first, then what upstreams found.
fn found(
    search: &SearchRequest,
    hits: &[Hit],
    answers: &[UpstreamResults],
) -> Result<String, Problem> {
    let (results, total) = merged(search, hits, answers, found_in)?;
    let results = results.join(",");
    Ok(format!("{{\"results\":[{results}],\"total\":{total}}}"))
}

/// The results in an upstream's answer.
fn found_in<'a>(answer: &'a [u8]) -> Result<Found<'a>, Problem> {
    let Results { results, total } = self::results(answer)?;
    let named = |result: &'a RawValue| Ok((name_of(result)?, result.get()));
    let results = results
        .into_iter()
        .map(named)
        .collect::<Result<_, Problem>>()?;
    Ok(Found { total, results })
}

/// A package that is published here, as its newest version describes it; `None` if it is of another
/// type.
fn result(
    package: &str,
    newest: &StoredFile,
    kind: Option<&str>,
) -> Result<Option<String>, Problem> {
    let metadata = super::manifest::VersionMetadata::read(&newest.metadata)?;
    let text = |key: &str| metadata.manifest.text(key);
    let own_kind = text("type").unwrap_or("library".into());
    if kind.is_some_and(|kind| kind != own_kind) {
        return Ok(None);
    }
    let description = text("description").unwrap_or_default();
    let mut result =
        json!({"name": package, "description": description, "url": "", "repository": ""});
    if let Some(abandoned) = metadata.manifest.raw("abandoned") {
        result["abandoned"] = serde_json::from_str(abandoned.get()).unwrap_or_default();
    }
    Ok(Some(result.to_string()))
}

#[cfg(test)]
mod tests;
