//! The root of an upstream (Composer's "Repositories", `packages.json`): it tells where everything
//! else is. Older ones have the packages in it, or in documents that it names.

use super::metadata::extract;
use crate::json::{List, Object, object, unreadable};
use crate::resource::{Document, Source};
use crate::text::{JSON, bad_document, path, query_encoded, without_bom};
use bytes::Bytes;
use larder_model::{Algorithm, Digest, Problem, hex};
use serde_json::value::RawValue;
use sha1::{Digest as _, Sha1};
use std::borrow::Cow;

const WHAT: &str = "the packages.json of a Composer repository";
/// An address with markers in it.
const MAX_TEMPLATE_BYTES: usize = 4096;
/// The path of the root among the documents of a repository.
const ROOT: &str = "packages.json";
/// Where the documents are that the root names: below it their checksum, and their own path.
const INCLUDES: &str = "include/";
/// The same, of those that list providers.
const LISTINGS: &str = "listing/";
/// The path of the document of a provider: below it its checksum.
const PROVIDER: &str = "provider/";
/// Documents that a root names at most.
const MAX_INCLUDES: usize = 200;
/// Names that are told of at most.
const MAX_NAMES: usize = 1_000_000;
/// What stands for a checksum that is not told.
const NO_SUM: &str = "-";
/// The entries of which a root has one at least.
const ENTRIES: [&str; 6] = [
    "metadata-url",
    "packages",
    "includes",
    "providers-url",
    "providers-lazy-url",
    "provider-includes",
];

/// The root of a repository.
pub(super) fn root() -> Document {
    Document::new("", ROOT)
}

/// Whether a document is the root, or one of those that belong to it.
pub(super) fn check(document: &Document, body: &[u8]) -> Result<(), Problem> {
    let read = read_object(body)?;
    if &*document.path == ROOT {
        let is_one = ENTRIES.iter().any(|key| read.raw(key).is_some());
        return if is_one {
            Ok(())
        } else {
            Err(bad_document(WHAT))
        };
    }
    let (_, rest) = document
        .path
        .split_once('/')
        .ok_or_else(|| bad_document(WHAT))?;
    let sum = rest.split_once('/').map_or(rest, |(sum, _)| sum);
    let found = if sum.len() == 40 {
        hex::encode(&Sha1::digest(body))
    } else {
        Digest::of(Algorithm::Sha256, body).hex()
    };
    if sum == NO_SUM || found == sum {
        return Ok(());
    }
    Err(bad_document(
        "a document with the checksum that its packages.json has",
    ))
}

/// Where the root is, or a document that it names.
pub(super) fn source(document: &Document, known: &[Option<Bytes>]) -> Result<Source, Problem> {
    let at = |url: String| Source::At { url, accept: JSON };
    if &*document.path == ROOT {
        return Ok(at(ROOT.to_owned()));
    }
    let named = [INCLUDES, LISTINGS].iter();
    let mut named = named.filter_map(|folder| document.path.strip_prefix(folder));
    if let Some((sum, own)) = named.next().and_then(|rest| rest.split_once('/')) {
        return Ok(at(own.replace("%hash%", sum)));
    }
    let sum = document.path.strip_prefix(PROVIDER);
    let Some(first) = known.first() else {
        return Ok(Source::Read(root()));
    };
    let root = Root::read(first.as_deref())?;
    let url = root.text("providers-url");
    let (sum, url) = sum.zip(url).ok_or_else(|| bad_document(WHAT))?;
    let package = path(&document.package);
    Ok(at(url
        .replace("%package%", &package)
        .replace("%hash%", sum)))
}

fn read_object(body: &[u8]) -> Result<Object<'_>, Problem> {
    let text = str::from_utf8(without_bom(body));
    let text = text.map_err(|error| bad_document(WHAT).because(error))?;
    serde_json::from_str(text).map_err(|error| unreadable(WHAT, error))
}

/// A root, or a document that one names.
pub(super) struct Root<'a>(Object<'a>);

impl<'a> Root<'a> {
    /// Reads a root; without one nothing of the upstream can be found.
    pub(super) fn read(body: Option<&'a [u8]>) -> Result<Self, Problem> {
        let body = body.ok_or_else(|| bad_document(WHAT))?;
        read_object(body).map(Self)
    }

    fn text(&self, key: &str) -> Option<Cow<'a, str>> {
        // Each marker of an address may become a name.
        let fits = |text: &Cow<'_, str>| !text.is_empty() && text.len() <= MAX_TEMPLATE_BYTES;
        self.0.text(key).filter(fits)
    }

    fn texts(&self, key: &str) -> Option<Vec<Cow<'a, str>>> {
        let list: List<&RawValue> = self.0.value(key)?;
        Some(list.into_iter().filter_map(crate::json::text).collect())
    }

    /// The versions that stand in it, of a package.
    fn list(&self, package: &str) -> Option<&'a RawValue> {
        let packages = object(self.0.raw("packages")?)?;
        let mut all = packages.iter();
        let found = all.find(|(name, _)| name.eq_ignore_ascii_case(package));
        found.map(|(_, list)| *list)
    }

    /// The names of the packages that stand in it.
    fn names(&self) -> Vec<String> {
        let packages = self.0.raw("packages").and_then(object);
        let providers = self.0.raw("providers").and_then(object);
        let both = packages.iter().chain(&providers);
        let names = both.flat_map(|object| object.iter().map(|(name, _)| name.to_lowercase()));
        names.take(MAX_NAMES).collect()
    }

    /// The documents that it names in an entry, in the folder of theirs.
    fn named(&self, key: &str, sum: &str, folder: &str) -> Vec<Document> {
        let named = self.0.raw(key).and_then(object).unwrap_or_default();
        let documents = named.iter().map(|(own, value)| {
            let sum = object(value).and_then(|object| object.text(sum));
            let is_sum = |sum: &Cow<'_, str>| sum.bytes().all(|byte| byte.is_ascii_hexdigit());
            let sum = sum.filter(is_sum).unwrap_or(NO_SUM.into());
            Document::new("", format!("{folder}{sum}/{own}"))
        });
        documents.take(MAX_INCLUDES).collect()
    }

    fn includes(&self) -> Vec<Document> {
        self.named("includes", "sha1", INCLUDES)
    }

    fn listings(&self) -> Vec<Document> {
        self.named("provider-includes", "sha256", LISTINGS)
    }

    /// The document of a package among the providers that it lists.
    fn provider(&self, package: &str) -> Option<Document> {
        let providers = object(self.0.raw("providers")?)?;
        let sum = object(providers.raw(package)?)?.text("sha256")?;
        let is_sum = sum.len() == 64 && sum.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_sum.then(|| Document::new(package, format!("{PROVIDER}{sum}")))
    }

    /// Whether it may have a package: where it tells which it has, nothing else is asked for.
    fn may_have(&self, package: &str) -> bool {
        let (names, patterns) = (
            self.texts("available-packages"),
            self.texts("available-package-patterns"),
        );
        let told = |list: &Option<Vec<_>>| list.as_ref().is_some_and(|list| !list.is_empty());
        if !told(&names) && !told(&patterns) {
            return true;
        }
        let names = names.unwrap_or_default();
        names.iter().any(|name| name.eq_ignore_ascii_case(package))
            || patterns
                .unwrap_or_default()
                .iter()
                .any(|pattern| fits(&pattern.to_lowercase(), package))
    }

    /// Where it answers searches, if it does.
    pub(super) fn search(&self, words: &str, kind: &str) -> Option<String> {
        let url = self.text("search")?;
        let url = url.replace("%query%", &query_encoded(words));
        Some(url.replace("%type%", &query_encoded(kind)))
    }

    /// Where it lists names, if it does.
    pub(super) fn list_of_names(&self, filter: &str) -> Option<String> {
        let url = self.text("list")?.into_owned();
        if filter.is_empty() {
            return Some(url);
        }
        Some(format!("{url}?filter={}", query_encoded(filter)))
    }

    /// Where its advisories are.
    pub(super) fn advisories(&self) -> Told {
        let told = self.0.raw("security-advisories").and_then(object);
        let told = told.unwrap_or_default();
        let url = told.text("api-url").filter(|url| !url.is_empty());
        match (url, told.raw("metadata").map(RawValue::get)) {
            (Some(url), _) => Told::At(url.into_owned()),
            (None, Some("true")) => Told::InMetadata,
            _ => Told::Nowhere,
        }
    }
}

/// Where a repository tells of advisories.
pub(super) enum Told {
    /// It answers at this address.
    At(String),
    /// In the metadata of packages.
    InMetadata,
    /// Nowhere.
    Nowhere,
}

/// Whether a name fits a pattern, in which a star stands for anything.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Where the metadata of a package is, or what of it stands in other documents. `known`: the root
/// first, then what this function asked for.
pub(super) fn metadata_source(
    (package, branches): (&str, bool),
    known: &[Option<Bytes>],
) -> Result<Source, Problem> {
    let Some((first, rest)) = known.split_first() else {
        return Ok(Source::Read(root()));
    };
    let root = Root::read(first.as_deref())?;
    let absent = || Problem::not_found("package", format!("there is no package {package}"));
    // What stands in the root comes before what is elsewhere.
    if let Some(list) = root.list(package) {
        let body = extract(package, &[list], branches)?.ok_or_else(absent)?;
        return Ok(Source::Here(body.into()));
    }
    if let Some(url) = root.text("metadata-url") {
        if !root.may_have(package) {
            return Err(absent());
        }
        let ending = if branches { "~dev" } else { "" };
        let url = url.replace("%package%", &format!("{}{ending}", path(package)));
        return Ok(Source::At { url, accept: JSON });
    }
    // What it names is read one by one: where it includes packages, these, then its lists of providers.
    let includes = root.includes();
    if let Some(include) = includes.get(rest.len()) {
        return Ok(Source::Read(include.clone()));
    }
    let mut read = Vec::new();
    for body in rest.iter().flatten() {
        read.push(Root::read(Some(body))?);
    }
    let lists: Vec<&RawValue> = read.iter().filter_map(|it| it.list(package)).collect();
    if !lists.is_empty() {
        let body = extract(package, &lists, branches)?.ok_or_else(absent)?;
        return Ok(Source::Here(body.into()));
    }
    let (listings, seen) = (root.listings(), rest.len() - includes.len());
    if let Some(listing) = listings.get(seen) {
        return Ok(Source::Read(listing.clone()));
    }
    let mut all = std::iter::once(&root).chain(&read);
    let provider = all.find_map(|it| it.provider(package));
    match provider {
        Some(provider) if seen == listings.len() && root.text("providers-url").is_some() => {
            Ok(Source::Read(provider))
        }
        _ => Err(absent()),
    }
}

/// The names that a root tells of, as far as it tells them itself. `known`: the root first, then what
/// this function asked for.
pub(super) fn names(known: &[Option<Bytes>]) -> Result<Names, Problem> {
    let Some((first, rest)) = known.split_first() else {
        return Ok(Names::Read(root()));
    };
    let root = Root::read(first.as_deref())?;
    if let Some(names) = root.texts("available-packages") {
        let names = names.iter().map(|name| name.to_lowercase()).collect();
        return Ok(Names::Told(names));
    }
    let others = root.includes().into_iter().chain(root.listings());
    if let Some(next) = others.into_iter().nth(rest.len()) {
        return Ok(Names::Read(next));
    }
    let mut names = root.names();
    for body in rest.iter().flatten() {
        names.extend(Root::read(Some(body))?.names());
    }
    names.sort_unstable();
    names.dedup();
    Ok(Names::Told(names))
}

/// The names of packages, or the document that tells more of them.
pub(super) enum Names {
    /// To be read first.
    Read(Document),
    /// These.
    Told(Vec<String>),
}

#[cfg(test)]
mod tests;
