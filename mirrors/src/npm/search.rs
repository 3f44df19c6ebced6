//! Searches: what is found here, and then what upstreams find.

use super::compose::Shelf;
use super::manifest::VersionMetadata;
use crate::Document;
use crate::json::unreadable;
use crate::publishing::{Elsewhere, Hit, StoredFile};
use crate::text::{query_encoded, query_value};
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use larder_model::{Problem, Reply};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// Characters of a search.
const MAX_WORDS: usize = 200;

/// What is searched.
pub(super) struct Search<'a> {
    size: usize,
    from: usize,
    words: &'a str,
}

/// The document of a search: `search/{size}/{from}/{words}`.
pub(super) fn document(query: &str) -> Document {
    let number = |key, usual: usize| {
        query_value(query, key)
            .and_then(|text| text.parse().ok())
            .unwrap_or(usual)
    };
    let words = query_value(query, "text").unwrap_or_default();
    let words: String = words
        .trim()
        .chars()
        .filter(|char| !char.is_control())
        .take(MAX_WORDS)
        .collect();
    let (size, from) = (
        number("size", 20).clamp(1, 250),
        number("from", 0).min(10_000),
    );
    Search {
        size,
        from,
        words: &words,
    }
    .document()
}

/// Its address upstream.
pub(super) fn address(path: &str) -> Option<String> {
    let Search { size, from, words } = Search::read(path)?;
    let words = query_encoded(words);
    Some(format!("-/v1/search?text={words}&size={size}&from={from}"))
}

impl<'a> Search<'a> {
    pub(super) fn read(path: &'a str) -> Option<Self> {
        let mut parts = path.strip_prefix("search/")?.splitn(3, '/');
        let mut number = || parts.next()?.parse().ok();
        let (size, from) = (number()?, number()?);
        Some(Self {
            size,
            from,
            words: parts.next()?,
        })
    }

    fn document(&self) -> Document {
        Document::new(
            "",
            format!("search/{}/{}/{}", self.size, self.from, self.words),
        )
    }

    /// Its words, each of which must be found.
    pub(super) fn words(&self) -> Vec<String> {
        self.words
            .split_whitespace()
            .map(str::to_lowercase)
            .collect()
    }

    /// What is still to be found where so many packages stand before it.
    pub(super) fn after(&self, hits: usize) -> Document {
        Self {
            from: self.from.saturating_sub(hits),
            ..*self
        }
        .document()
    }
}

/// An upstream's answer, as far as it matters here.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    objects: Vec<&'a RawValue>,
    total: Option<usize>,
}

#[derive(Deserialize)]
struct Object {
    package: Named,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

fn read(answer: &[u8]) -> Result<Answer<'_>, Problem> {
    serde_json::from_slice(answer).map_err(|error| unreadable("the result of a search", error))
}

fn name(object: &RawValue) -> Result<String, Problem> {
    let read: Result<Object, _> = serde_json::from_str(object.get());
    Ok(read
        .map_err(|error| unreadable("the result of a search", error))?
        .package
        .name)
}

/// The packages that an upstream's answer names.
pub(super) fn named(answer: &[u8]) -> Result<Vec<Box<str>>, Problem> {
    read(answer)?
        .objects
        .iter()
        .map(|object| name(object).map(Into::into))
        .collect()
}

/// The answer to a search.
pub(super) fn listed(
    search: &Search<'_>,
    hits: &[Hit],
    answers: &[Elsewhere],
) -> Result<Reply, Problem> {
    let (mut objects, mut shown) = (Vec::new(), Vec::new());
    for hit in hits {
        if let Some(object) = object(hit)? {
            objects.push(object);
        }
    }
    let mut total = objects.len();
    let newest = hits
        .iter()
        .flat_map(|hit| &hit.files)
        .map(|file| file.created_at)
        .max()
        .unwrap_or_default();
    let mut objects: Vec<String> = objects
        .iter()
        .skip(search.from)
        .map(ToString::to_string)
        .collect();
    for Elsewhere { body, taken } in answers {
        let answer = read(body)?;
        total += answer
            .total
            .unwrap_or(answer.objects.len())
            .saturating_sub(taken.len());
        for object in answer.objects {
            let name = name(object)?;
            if !shown.contains(&name) && taken.iter().all(|taken| **taken != *name) {
                objects.push(object.get().to_owned());
                shown.push(name);
            }
        }
    }
    objects.truncate(search.size);
    let body = format!(
        "{{\"objects\":[{}],\"total\":{total},\"time\":\"{newest}\"}}",
        objects.join(",")
    );
    let reply = Reply::new(StatusCode::OK).with_body(super::JSON, body);
    Ok(reply.with(CACHE_CONTROL, HeaderValue::from_static("no-store"))) // others see other packages
}

/// What is told of a package that is published here; `None` if no version of it is left.
fn object(hit: &Hit) -> Result<Option<Value>, Problem> {
    let shelf = Shelf {
        package: &hit.package,
        files: &hit.files,
    };
    let Some(latest) = shelf.latest() else {
        return Ok(None);
    };
    let metadata = VersionMetadata::read(&latest.metadata)?;
    let value = |key| metadata.manifest.value::<Value>(key);
    let text = |key| metadata.manifest.text(key);
    let mut publishers: Vec<&str> = shelf.versions().into_iter().map(publisher).collect();
    publishers.sort_unstable();
    publishers.dedup();
    let person = |name: &str| json!({"username": name, "email": ""});
    let scope = hit
        .package
        .strip_prefix('@')
        .and_then(|name| name.split('/').next())
        .unwrap_or("unscoped");
    Ok(Some(json!({
        "package": {
            "name": hit.package,
            "scope": scope,
            "version": latest.version,
            "description": text("description").unwrap_or_default(),
            "keywords": value("keywords").filter(Value::is_array).unwrap_or_else(|| json!([])),
            "date": latest.created_at.to_string(),
            "links": text("homepage").map_or_else(|| json!({}), |homepage| json!({"homepage": homepage})),
            "publisher": person(publisher(latest)),
            "maintainers": publishers.into_iter().map(person).collect::<Vec<_>>(),
        },
        "score": {"final": 1, "detail": {"quality": 1, "popularity": 1, "maintenance": 1}},
        "searchScore": 1,
    })))
}

/// The bare name of whoever published a version.
fn publisher(file: &StoredFile) -> &str {
    file.created_by
        .split_once(':')
        .map_or(&*file.created_by, |(_, name)| name)
}
