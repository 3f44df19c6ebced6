//! Searches (npm's "Public Registry API", `/-/v1/search`).

use super::manifest::VersionMetadata;
use super::published::PublishedPackage;
use crate::json::{List, unreadable};
use crate::publishing::StoredFile;
use crate::resource::Source;
use crate::search::{Found, Hit, Search, SearchRequest, UpstreamResults, merged};
use crate::text::{JSON, query_encoded};
use bytes::Bytes;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use larder_model::{Problem, Reply};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// Searches for packages.
pub(super) struct PackageSearch;

/// The fields of an upstream's results that this module needs.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    objects: List<&'a RawValue>,
    total: Option<usize>,
}

#[derive(Deserialize)]
struct ResultObject {
    package: ResultPackage,
}

#[derive(Deserialize)]
struct ResultPackage {
    name: String,
}

impl<'a> Answer<'a> {
    fn read(answer: &'a [u8]) -> Result<Self, Problem> {
        serde_json::from_slice(answer).map_err(|error| unreadable("the result of a search", error))
    }
}

/// The name of the package in an object of the results.
fn name_of(object: &RawValue) -> Result<String, Problem> {
    let read: Result<ResultObject, _> = serde_json::from_str(object.get());
    let object = read.map_err(|error| unreadable("the result of a search", error))?;
    Ok(object.package.name)
}

impl Search for PackageSearch {
    fn terms(&self, search: &SearchRequest) -> Vec<String> {
        let words = search.text.split_whitespace();
        words.map(str::to_lowercase).collect()
    }

    fn source(&self, search: &SearchRequest, _: &[Option<Bytes>]) -> Result<Source, Problem> {
        let SearchRequest {
            text, size, from, ..
        } = search;
        let text = query_encoded(text);
        Ok(Source::At {
            url: format!("-/v1/search?text={text}&size={size}&from={from}"),
            accept: JSON,
        })
    }

    fn packages_in(&self, answer: &[u8]) -> Result<Vec<Box<str>>, Problem> {
        let answer = Answer::read(answer)?;
        let objects = answer.objects.iter();
        objects
            .map(|object| name_of(object).map(Into::into))
            .collect()
    }

    fn result(
        &self,
        _: &SearchRequest,
        package: &str,
        files: &[StoredFile],
    ) -> Result<Option<String>, Problem> {
        let object = object(&PublishedPackage { package, files })?;
        Ok(object.map(|object| object.to_string()))
    }

    fn reply(
        &self,
        search: &SearchRequest,
        hits: &[Hit],
        answers: &[UpstreamResults],
    ) -> Result<Reply, Problem> {
        let (objects, total) = merged(search, hits, answers, found_in)?;
        let newest = hits.iter().map(|hit| hit.created_at).max();
        let newest = newest.unwrap_or_default();
        let objects = objects.join(",");
        let body = format!("{{\"objects\":[{objects}],\"total\":{total},\"time\":\"{newest}\"}}");
        let reply = Reply::new(StatusCode::OK).with_body(JSON, body);
        // Which packages it lists depends on the caller's grants.
        Ok(reply.with(CACHE_CONTROL, HeaderValue::from_static("no-store")))
    }
}

/// The objects in an upstream's response.
fn found_in<'a>(answer: &'a [u8]) -> Result<Found<'a>, Problem> {
    let Answer { objects, total } = Answer::read(answer)?;
    let named = |object: &'a RawValue| Ok((name_of(object)?, object.get()));
    let results = objects
        .into_iter()
        .map(named)
        .collect::<Result<_, Problem>>()?;
    Ok(Found { total, results })
}

/// The object of a package that is published here; `None` if it has no version.
fn object(published: &PublishedPackage<'_>) -> Result<Option<Value>, Problem> {
    let Some(latest) = published.latest() else {
        return Ok(None);
    };
    let metadata = VersionMetadata::read(&latest.metadata)?;
    let value = |key| metadata.manifest.value::<Value>(key);
    let text = |key| metadata.manifest.text(key);
    let mut publishers: Vec<&str> = published.versions().into_iter().map(publisher).collect();
    publishers.sort_unstable();
    publishers.dedup();
    let person = |name: &str| json!({"username": name, "email": ""});
    let scope = published.package.strip_prefix('@');
    let scope = scope.and_then(|name| name.split('/').next());
    let keywords = value("keywords").filter(Value::is_array);
    let links = text("homepage").map(|homepage| json!({"homepage": homepage}));
    Ok(Some(json!({
        "package": {
            "name": published.package,
            "scope": scope.unwrap_or("unscoped"),
            "version": latest.version,
            "description": text("description").unwrap_or_default(),
            "keywords": keywords.unwrap_or_else(|| json!([])),
            "date": latest.created_at.to_string(),
            "links": links.unwrap_or_else(|| json!({})),
            "publisher": person(publisher(latest)),
            "maintainers": publishers.into_iter().map(person).collect::<Vec<_>>(),
        },
        "score": {"final": 1, "detail": {"quality": 1, "popularity": 1, "maintenance": 1}},
        "searchScore": 1,
    })))
}

/// The name of the user who published a version, without the kind of the subject.
fn publisher(file: &StoredFile) -> &str {
    let by = &*file.created_by;
    by.split_once(':').map_or(by, |(_, name)| name)
}
