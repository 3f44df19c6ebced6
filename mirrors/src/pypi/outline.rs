//! What the page of a project tells of its files, so that questions about one of them do not read all of
//! it.

use super::names::METADATA;
use super::page::{File, Hashes, Page, integrity};
use crate::resource::{Fetch, Table};
use crate::text::bad_document;
use larder_model::Problem;
use std::collections::HashMap;

/// The memory of an entry beside its texts.
const ENTRY_BYTES: usize = 64;

/// The outline of a page.
///
/// `None`: the address or the digest cannot be read.
pub(super) struct Outline(HashMap<Box<str>, Option<Fetch>>);

impl Outline {
    /// Reads the page of a project. Of files with the same name the first counts.
    pub(super) fn read(project: &str, body: &[u8]) -> Result<Self, Problem> {
        let page = Page::read(body)?;
        let mut all = HashMap::new();
        for file in &page.files {
            let fetch = fetch(&page, project, file).ok();
            all.entry((*file.name).into()).or_insert(fetch);
        }
        for file in &page.files {
            if let Some(hashes) = &file.metadata {
                let fetch = metadata(&page, project, (file, hashes)).ok();
                let path = format!("{}{METADATA}", file.name);
                all.entry(path.into()).or_insert(fetch);
            }
        }
        all.shrink_to_fit();
        Ok(Self(all))
    }
}

fn fetch(page: &Page<'_>, project: &str, file: &File<'_>) -> Result<Fetch, Problem> {
    let url = page.locate(project, &file.url)?;
    Ok(Fetch::new(url, integrity(&file.hashes)?).with_size(file.size))
}

/// The metadata of a file, which has these digests.
fn metadata(
    page: &Page<'_>,
    project: &str,
    (file, hashes): (&File<'_>, &Hashes<'_>),
) -> Result<Fetch, Problem> {
    let url = page.locate(project, &file.url)? + METADATA;
    Ok(Fetch::new(url, integrity(hashes)?))
}

impl Table for Outline {
    fn find(&self, _: &str, path: &str) -> Option<Fetch> {
        self.0.get(path).cloned().flatten()
    }

    fn flaw(&self, path: &str) -> Option<Problem> {
        let is_flawed = self.0.get(path).is_some_and(Option::is_none);
        is_flawed.then(|| bad_document("a page with web addresses and checksums"))
    }

    fn named(&self, _: &str) -> Vec<String> {
        Vec::new() // files are found by their projects
    }

    fn weight(&self) -> usize {
        let entries = self.0.iter();
        let url = |fetch: &Option<Fetch>| fetch.as_ref().map_or(0, |fetch| fetch.url.len());
        let texts: usize = entries.map(|(path, fetch)| path.len() + url(fetch)).sum();
        texts + self.0.len() * (size_of::<Fetch>() + ENTRY_BYTES)
    }
}
