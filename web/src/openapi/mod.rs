//! The OpenAPI document: what `utoipa` tells of the acts, with all that every call has in common,
//! and what the router knows from it.

mod operations;

mod base;
mod conditional;
mod patches;
mod complete;

pub(crate) use base::base;
pub(crate) use operations::{operations, right};

use operations::{FILE, parameters};

use crate::page;
use crate::right::Right;
use bytes::Bytes;
use http::Method;
use std::collections::{BTreeSet, HashMap};
use utoipa::openapi::OpenApi;

/// The document, and what is read from it.
pub(crate) struct Document {
    /// As JSON.
    pub(crate) json: Bytes,
    /// As a page for people.
    pub(crate) html: Bytes,
    paths: HashMap<String, Vec<Call>>,
    /// Paths whose GET tells an entity tag.
    tagged: BTreeSet<String>,
}

/// One method of a path.
pub(crate) struct Call {
    pub(crate) method: Method,
    /// The names of its parameters in the query.
    pub(crate) query: Vec<String>,
    /// Whether no credentials are looked at.
    is_open: bool,
    /// Its body is a file.
    takes_file: bool,
}

/// Whether a path is one of a template's.
fn fits(template: &str, path: &str) -> bool {
    let (mut parts, mut segments) = (template.split('/'), path.split('/'));
    loop {
        match (parts.next(), segments.next()) {
            (None, None) => return true,
            (Some(part), Some(segment)) if part.starts_with('{') || part == segment => {}
            _ => return false,
        }
    }
}

impl Document {
    pub(crate) fn of(calls: OpenApi) -> Self {
        // It is made of maps with text as keys: it can always be written.
        let mut value = serde_json::to_value(calls).unwrap_or_default();
        let tagged = conditional::tagged(&value);
        complete::complete(&mut value, &tagged);
        let mut document = Self {
            json: value.to_string().into(),
            html: page::render(&value).into(),
            paths: HashMap::new(),
            tagged,
        };
        for (path, method, operation) in operations(&value) {
            document.paths.entry(path.clone()).or_default().push(Call {
                is_open: right(operation) == Right::Open,
                takes_file: !operation["requestBody"]["content"][FILE].is_null(),
                method,
                query: parameters(operation, "query"),
            });
        }
        document
    }

    /// The calls of a path of the router.
    pub(crate) fn calls(&self, template: &str) -> &[Call] {
        self.paths.get(template).map_or(&[], Vec::as_slice)
    }

    /// Whether a GET of this path of the router tells an entity tag.
    pub(crate) fn has_entity_tag(&self, template: &str) -> bool {
        self.tagged.contains(template)
    }

    /// Whether a call of this path takes a file, which is larger than what else the API takes.
    pub(crate) fn takes_file(&self, method: &Method, path: &str) -> bool {
        let takes = |call: &Call| call.takes_file && call.method == *method;
        let mut paths = self
            .paths
            .iter()
            .filter(|(_, calls)| calls.iter().any(takes));
        paths.any(|(template, _)| fits(template, path))
    }

    /// Whether whoever asks this of a path shall not be asked who it is. The path has no parameters.
    pub(crate) fn is_open(&self, method: &Method, path: &str) -> bool {
        let method = if method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        let mut calls = self.calls(path).iter();
        calls.any(|call| call.method == *method && call.is_open)
    }
}
