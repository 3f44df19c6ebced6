//! Advisories for many packages at once (`npm audit`, and after every `npm install`).

use super::names::{is_name, is_version};
use crate::json::{List, Object, unreadable};
use crate::query::UpstreamQuery;
use crate::resource::Source;
use crate::text::JSON;
use bytes::Bytes;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use larder_model::{Problem, Reply};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashSet};

/// The query for the advisories of packages in given versions.
#[derive(Debug)]
pub(super) struct Advisories;

fn read(body: &[u8]) -> Result<BTreeMap<String, Vec<String>>, Problem> {
    let read: Result<BTreeMap<String, Vec<String>>, _> = serde_json::from_slice(body);
    let mut packages = read.map_err(|error| {
        Problem::invalid(
            "body",
            "the body is not an object of packages with lists of versions",
        )
        .because(error)
    })?;
    packages.retain(|name, versions| {
        versions.retain(|version| is_version(version));
        is_name(name) && !versions.is_empty()
    });
    Ok(packages)
}

impl UpstreamQuery for Advisories {
    fn source(&self, _: &[u8], _: &[Option<Bytes>]) -> Result<Source, Problem> {
        Ok(Source::At {
            url: "-/npm/v1/security/advisories/bulk".to_owned(),
            accept: JSON,
        })
    }

    fn packages_in(&self, body: &[u8]) -> Result<Vec<Box<str>>, Problem> {
        Ok(read(body)?.into_keys().map(Into::into).collect())
    }

    fn question(
        &self,
        body: &[u8],
        published: &HashSet<Box<str>>,
    ) -> Result<Option<Vec<u8>>, Problem> {
        let mut packages = read(body)?;
        packages.retain(|name, _| !published.contains(name.as_str()));
        let question = (!packages.is_empty()).then(|| serde_json::to_vec(&packages));
        question.transpose().map_err(Problem::internal)
    }

    fn answer(&self, answers: &[Bytes]) -> Result<Reply, Problem> {
        let mut advisories: BTreeMap<String, Vec<&RawValue>> = BTreeMap::new();
        for answer in answers {
            let read: Result<Object<'_, List<&RawValue>>, _> = serde_json::from_slice(answer);
            let read = read.map_err(|error| unreadable("a list of advisories", error))?;
            for (name, found) in read.iter() {
                let all = advisories.entry(name.to_owned()).or_default();
                all.extend(found.iter().copied());
            }
        }
        let body = serde_json::to_vec(&advisories).map_err(Problem::internal)?;
        let reply = Reply::new(StatusCode::OK).with_body(JSON, body);
        Ok(reply.with(CACHE_CONTROL, HeaderValue::from_static("no-store")))
    }
}

#[cfg(test)]
mod tests;
