//! Lists of tags and of referrers (distribution-spec, "Listing Tags", "Listing Referrers"). Upstreams
//! give them in pages of their own; here they are whole, and given out in the pages that are asked
//! for.

use super::routes::{INDEX, REFERRERS_PATH, TAGS_PATH};
use crate::json::{List, unreadable};
use crate::protocol::Pages;
use crate::resource::Document;
use crate::text::{JSON, bad_document, media_type_value, query_encoded, query_value};
use bytes::Bytes;
use larder_model::{FileKind, Problem};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

const A_TAG_LIST: &str = "a list of tags";
const A_REFERRERS_LIST: &str = "a list of referrers";
/// Tags in one answer at most.
const MAX_TAGS: usize = 100_000;
/// An answer with referrers is cut when it has so many bytes: annotations make each as large as a
/// manifest may be.
const PAGE_BYTES: usize = 2 << 20;
/// Characters of a tag, a digest or a media type in a query.
const MAX_CHARS: usize = 255;

#[derive(Deserialize)]
struct TagList {
    /// Some write none as null; what does not have it is no list.
    #[serde(deserialize_with = "Option::deserialize")]
    tags: Option<List<String>>,
}

#[derive(Serialize)]
struct TagPage<'a> {
    name: &'a str,
    tags: &'a [String],
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Index<'a> {
    schema_version: u8,
    #[serde(borrow, deserialize_with = "Option::deserialize")]
    manifests: Option<List<&'a RawValue>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct IndexPage<'a> {
    schema_version: u8,
    media_type: &'static str,
    manifests: &'a [&'a RawValue],
}

/// What is read of a referrer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Referrer {
    digest: String,
    artifact_type: Option<String>,
}

/// Which part of a list is wanted.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ListRequest {
    /// At most so many tags.
    count: Option<usize>,
    /// What comes after this one.
    last: String,
    /// Referrers of this artifact type alone; empty: of any.
    artifact_type: String,
}

/// A part of a list.
#[derive(PartialEq, Eq, Debug)]
pub struct ListPage {
    /// As it is sent.
    pub body: Vec<u8>,
    /// Its media type.
    pub content_type: &'static str,
    /// The query of the part after it, if there is one.
    pub next: Option<String>,
    /// Whether it has only what is of the wanted artifact type.
    pub is_filtered: bool,
}

impl ListRequest {
    /// The part of a document that a query asks for; `None` if the document is no list.
    pub(super) fn read(document: &Document, query: &str) -> Result<Option<Self>, Problem> {
        if !Lists.has(document) {
            return Ok(None);
        }
        let text = |key| {
            let text = query_value(query, key).unwrap_or_default();
            text.chars().take(MAX_CHARS).collect::<String>()
        };
        let count = match &*text("n") {
            "" => None,
            count => {
                let wrong = |_| Problem::invalid("page", "n is a whole number");
                Some(count.parse().map_err(wrong)?)
            }
        };
        let artifact_type = media_type_value(query, "artifactType").unwrap_or_default();
        Ok(Some(Self {
            count,
            last: text("last"),
            artifact_type: artifact_type.chars().take(MAX_CHARS).collect(),
        }))
    }

    /// This part of a list that is kept. `name`: the image as it was asked for.
    pub fn page(&self, document: &Document, body: &[u8], name: &str) -> Result<ListPage, Problem> {
        if *document.path == *TAGS_PATH {
            self.tags(body, name)
        } else {
            self.referrers(body)
        }
    }

    fn tags(&self, body: &[u8], name: &str) -> Result<ListPage, Problem> {
        let mut tags = read_tags(body)?.into_vec();
        tags.sort_unstable();
        let begin = match &*self.last {
            "" => 0,
            last => tags.partition_point(|tag| **tag <= *last),
        };
        let count = self.count.unwrap_or(MAX_TAGS).min(MAX_TAGS);
        let rest = &tags[begin..];
        let page = &rest[..rest.len().min(count)];
        let next = page.last().filter(|_| page.len() < rest.len());
        Ok(ListPage {
            body: write(&TagPage { name, tags: page })?,
            content_type: JSON,
            next: next.map(|last| format!("n={count}&last={}", query_encoded(last))),
            is_filtered: false,
        })
    }

    fn referrers(&self, body: &[u8]) -> Result<ListPage, Problem> {
        let index = read_index(body)?;
        let mut all = described(&index)?;
        all.sort_by(|(a, _), (b, _)| a.digest.cmp(&b.digest));
        let is_filtered = !self.artifact_type.is_empty();
        let is_wanted = |it: &Referrer| {
            let is_of_type = it.artifact_type.as_deref() == Some(&*self.artifact_type);
            it.digest > self.last && (!is_filtered || is_of_type)
        };
        all.retain(|(it, _)| is_wanted(it));
        let (mut page, mut bytes, mut next) = (Vec::new(), 0, None);
        for (at, (_, raw)) in all.iter().enumerate() {
            if bytes > 0 && bytes + raw.get().len() > PAGE_BYTES {
                next = Some(&all[at - 1].0.digest);
                break;
            }
            bytes += raw.get().len();
            page.push(*raw);
        }
        let filter = match &*self.artifact_type {
            "" => String::new(),
            wanted => format!("artifactType={}&", query_encoded(wanted)),
        };
        Ok(ListPage {
            body: write(&index_of(&page))?,
            content_type: INDEX,
            next: next.map(|last| format!("{filter}last={}", query_encoded(last))),
            is_filtered,
        })
    }
}

/// Lists that upstreams give in pages.
pub(super) struct Lists;

impl Pages for Lists {
    fn has(&self, document: &Document) -> bool {
        let path = &*document.path;
        document.kind == FileKind::Document
            && (path == TAGS_PATH || path.starts_with(REFERRERS_PATH))
    }

    fn join(&self, document: &Document, pages: &[Bytes]) -> Result<Vec<u8>, Problem> {
        if *document.path == *TAGS_PATH {
            let mut tags = List::default();
            for page in pages {
                tags.append(A_TAG_LIST, read_tags(page)?)?;
            }
            let mut tags = tags.into_vec();
            tags.sort_unstable();
            tags.dedup();
            let name = &document.package;
            return write(&TagPage { name, tags: &tags });
        }
        let mut index = List::default();
        for page in pages {
            index.append(A_REFERRERS_LIST, read_index(page)?)?;
        }
        let mut all = described(&index)?;
        all.sort_by(|(a, _), (b, _)| a.digest.cmp(&b.digest));
        all.dedup_by(|(a, _), (b, _)| a.digest == b.digest);
        let all: Vec<&RawValue> = all.into_iter().map(|(_, raw)| raw).collect();
        write(&index_of(&all))
    }
}

const fn index_of<'a>(manifests: &'a [&'a RawValue]) -> IndexPage<'a> {
    IndexPage {
        schema_version: 2,
        media_type: INDEX,
        manifests,
    }
}

fn read_tags(body: &[u8]) -> Result<List<String>, Problem> {
    let read = serde_json::from_slice::<TagList>(body);
    let list = read.map_err(|error| unreadable(A_TAG_LIST, error))?;
    Ok(list.tags.unwrap_or_default())
}

fn read_index(body: &[u8]) -> Result<List<&RawValue>, Problem> {
    let read = serde_json::from_slice::<Index<'_>>(body);
    let index = read.map_err(|error| unreadable(A_REFERRERS_LIST, error))?;
    if index.schema_version != 2 {
        return Err(bad_document(A_REFERRERS_LIST));
    }
    Ok(index.manifests.unwrap_or_default())
}

/// Referrers beside their text.
fn described<'a>(index: &[&'a RawValue]) -> Result<Vec<(Referrer, &'a RawValue)>, Problem> {
    let described = index.iter().map(|raw| {
        let read = serde_json::from_str(raw.get());
        read.map(|referrer| (referrer, *raw))
    });
    let described: Result<_, _> = described.collect();
    described.map_err(|error| unreadable(A_REFERRERS_LIST, error))
}

fn write(page: &impl Serialize) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(page).map_err(Problem::internal)
}

#[cfg(test)]
mod tests;
