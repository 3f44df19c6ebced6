//! Advisories for many packages at once (`composer audit`, and after every `composer update`).

use super::metadata::{Metadata, document_of, has_branches};
use super::names::{canonical, is_name};
use super::root::{Root, Told, root};
use crate::json::{List, Object, unreadable};
use crate::query::UpstreamQuery;
use crate::resource::{Document, Source};
use crate::text::{JSON, query_encoded};
use bytes::Bytes;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use larder_model::{Problem, Reply, percent};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashSet};

const WHAT: &str = "a list of advisories";
/// One without any.
const NONE: &str = "[]";
/// Packages of one question whose metadata is read.
const MAX_READ: usize = 5000;

/// The query for the advisories of packages.
#[derive(Debug)]
pub(super) struct Advisories;

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    advisories: &'a RawValue,
}

/// The names in a form with `packages[]=…` for each.
fn read(body: &[u8]) -> Result<Vec<String>, Problem> {
    let invalid = || Problem::invalid("body", "the body is no form of packages[]=NAME");
    let text = str::from_utf8(body).map_err(|_| invalid())?;
    let mut names = Vec::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').ok_or_else(invalid)?;
        let key = percent::decode_form(key).ok_or_else(invalid)?;
        let value = percent::decode_form(value).ok_or_else(invalid)?;
        if key.starts_with("packages[") && is_name(&value) {
            names.push(canonical(&value));
        }
    }
    Ok(names)
}

/// What the metadata of packages tells of them, as an upstream would answer. `known`: the advisories in
/// the documents that this function asked for, one for each package.
fn from_metadata(names: &[String], known: &[Option<Bytes>]) -> Result<Source, Problem> {
    let names = names.get(..MAX_READ).unwrap_or(names);
    if let Some(next) = names.get(known.len()) {
        return Ok(Source::Read(document_of(next, false)));
    }
    let mut found: BTreeMap<&str, &RawValue> = BTreeMap::new();
    for (name, list) in names.iter().zip(known) {
        let list = list.as_deref().unwrap_or(NONE.as_bytes());
        if list != NONE.as_bytes() {
            let list = serde_json::from_slice(list).map_err(|error| unreadable(WHAT, error))?;
            found.insert(name, list);
        }
    }
    let found = serde_json::to_string(&found).map_err(Problem::internal)?;
    Ok(Source::Here(format!("{{\"advisories\":{found}}}").into()))
}

impl UpstreamQuery for Advisories {
    fn source(&self, question: &[u8], known: &[Option<Bytes>]) -> Result<Source, Problem> {
        let Some((first, metadata)) = known.split_first() else {
            return Ok(Source::Read(root()));
        };
        match Root::read(first.as_deref())?.advisories() {
            Told::At(url) => Ok(Source::At { url, accept: JSON }),
            Told::InMetadata => from_metadata(&read(question)?, metadata),
            Told::Nowhere => from_metadata(&[], &[]),
        }
    }

    fn part(&self, document: &Document, body: Bytes) -> Result<Bytes, Problem> {
        if has_branches(document).is_none() {
            return Ok(body);
        }
        let advisories = Metadata::read(&document.package, &body)?.advisories;
        let advisories = advisories.map_or(NONE, RawValue::get);
        Ok(Bytes::copy_from_slice(advisories.as_bytes()))
    }

    fn content_type(&self) -> &'static str {
        "application/x-www-form-urlencoded"
    }

    fn packages_in(&self, body: &[u8]) -> Result<Vec<Box<str>>, Problem> {
        Ok(read(body)?.into_iter().map(Into::into).collect())
    }

    fn question(
        &self,
        body: &[u8],
        published: &HashSet<Box<str>>,
    ) -> Result<Option<Vec<u8>>, Problem> {
        let mut names = read(body)?;
        names.retain(|name| !published.contains(name.as_str()));
        let fields = names.iter().enumerate();
        let fields = fields.map(|(at, name)| format!("packages%5B{at}%5D={}", query_encoded(name)));
        let form = fields.collect::<Vec<_>>().join("&");
        Ok((!form.is_empty()).then(|| form.into_bytes()))
    }

    fn answer(&self, answers: &[Bytes]) -> Result<Reply, Problem> {
        let mut advisories: BTreeMap<String, Vec<&RawValue>> = BTreeMap::new();
        for answer in answers {
            let answer: Answer<'_> =
                serde_json::from_slice(answer).map_err(|error| unreadable(WHAT, error))?;
            // PHP writes an empty object as a list.
            if answer.advisories.get().starts_with('[') {
                continue;
            }
            let found: Object<'_, List<&RawValue>> = serde_json::from_str(answer.advisories.get())
                .map_err(|error| unreadable(WHAT, error))?;
            for (name, list) in found.iter() {
                let all = advisories.entry(name.to_owned()).or_default();
                all.extend(list.iter().copied());
            }
        }
        let advisories = serde_json::to_string(&advisories).map_err(Problem::internal)?;
        let body = format!("{{\"advisories\":{advisories}}}");
        let reply = Reply::new(StatusCode::OK).with_body(JSON, body);
        Ok(reply.with(CACHE_CONTROL, HeaderValue::from_static("no-store")))
    }
}

#[cfg(test)]
mod tests;
