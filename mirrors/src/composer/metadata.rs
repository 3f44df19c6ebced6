//! The metadata of a package: the versions that it has, each with all that a client needs to know of
//! it (Composer's "Repositories", `metadata-url`). A version is written as what differs from the one
//! before it, and read as a whole.

use super::dist::{Dist, address};
use super::names::is_version;
use super::origin::Origin;
use super::version::{is_branch, normalized};
use crate::json::{List, Object, nested, object, quoted, unreadable};
use crate::lead::Lead;
use crate::rendering::Rendering;
use crate::resource::{Document, RenderRequest};
use crate::text::{bad_document, without_bom};
use larder_model::Problem;
use serde_json::value::RawValue;
use std::borrow::Cow;

pub(super) const WHAT: &str = "the metadata of a package";
/// The path of the document with a package's releases, among those of the package.
const RELEASES: &str = "p2";
/// The one with its branches.
const BRANCHES: &str = "p2~dev";
/// How versions are shortened.
const MINIFIED: &str = "composer/2.0";
/// What takes the place of a value that the version before has, and this one has not.
const UNSET: &str = "__unset";
/// Versions of one package.
const MAX_VERSIONS: usize = 50_000;
/// Entries of all versions together, once they are whole.
const MAX_ENTRIES: usize = 500_000;
/// Entries of one version,
const MAX_KEYS: usize = 1000;
/// and the bytes of the name of each.
const MAX_KEY_BYTES: usize = 64;
const TOO_LARGE: &str = "metadata of the size that packages have";
/// What is told of a version and leads past this server, or is put anew.
const REPLACED: [&str; 4] = ["dist", "source", "notification-url", "transport-options"];

/// The document with the releases of a package, or the one with its branches.
pub(super) fn document_of(package: &str, branches: bool) -> Document {
    Document::new(package, if branches { BRANCHES } else { RELEASES })
}

/// In which documents a version may stand, each as [`document_of`] takes it: some repositories tell of
/// branches and releases in one.
pub(super) fn documents_for(version: &str) -> &'static [bool] {
    if is_branch(version) {
        &[true, false]
    } else {
        &[false]
    }
}

/// Whether a document is that of a package's branches; `None` if it is none of a package's metadata.
pub(super) fn has_branches(document: &Document) -> Option<bool> {
    match &*document.path {
        RELEASES => Some(false),
        BRANCHES => Some(true),
        _ => None,
    }
}

/// A version as a whole: its entries in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Entry<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Entry<'a> {
    pub(super) fn of(object: &Object<'a>) -> Self {
        let entries = object.iter();
        Self(
            entries
                .map(|(key, value)| (key.to_owned().into(), *value))
                .collect(),
        )
    }

    pub(super) fn raw(&self, key: &str) -> Option<&'a RawValue> {
        let mut entries = self.0.iter();
        let found = entries.find(|(name, _)| name == key);
        found.map(|(_, value)| *value)
    }

    pub(super) fn text(&self, key: &str) -> Option<Cow<'a, str>> {
        crate::json::text(self.raw(key)?)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(key, value)| (&**key, *value))
    }

    /// Its name, as its repository spells it.
    pub(super) fn version(&self) -> Option<Cow<'a, str>> {
        self.text("version").filter(|version| is_version(version))
    }

    fn is_of(&self, package: &str) -> bool {
        let name = self.text("name");
        name.is_some_and(|name| name.eq_ignore_ascii_case(package))
    }

    /// Its archive, if it has one that can be had through this server.
    pub(super) fn dist(&self) -> Option<Dist<'a>> {
        Dist::read(&object(self.raw("dist")?)?)
    }

    /// Its repository of sources, if a mirror of this server has that. Any other address leads past this
    /// server.
    fn source(&self, leads: &[Lead]) -> Option<Origin> {
        if leads.is_empty() {
            return None;
        }
        Origin::read(&object(self.raw("source")?)?, leads)
    }

    /// Whether it can be installed through this server: it has an archive or a source, or needs none.
    fn is_installable(&self, leads: &[Lead]) -> bool {
        let is_meta = self.text("type").is_some_and(|kind| kind == "metapackage");
        is_meta || self.dist().is_some() || self.source(leads).is_some()
    }

    /// Takes the entries of the next version, which has what differs.
    fn change(&mut self, object: &Object<'a>) {
        for (key, value) in object.iter() {
            let at = self.0.iter().position(|(name, _)| name == key);
            let is_unset = crate::json::text(value).is_some_and(|text| text == UNSET);
            match (at, is_unset) {
                (Some(at), true) => drop(self.0.remove(at)),
                (Some(at), false) => self.0[at].1 = value,
                (None, true) => {}
                (None, false) => self.0.push((key.to_owned().into(), value)),
            }
        }
    }
}

/// The metadata of a package.
#[derive(Default)]
pub(super) struct Metadata<'a> {
    /// The versions as a whole, in their order.
    pub(super) versions: Vec<Entry<'a>>,
    /// How many are passed over, because they cannot be read.
    pub(super) passed_over: usize,
    /// A list of those that are told beside the versions.
    pub(super) advisories: Option<&'a RawValue>,
}

impl<'a> Metadata<'a> {
    /// Reads a document of a package. [`NotFound`](larder_model::Kind::NotFound) if it tells of no
    /// package at all, as some upstreams do of what they lack.
    pub(super) fn read(package: &str, body: &'a [u8]) -> Result<Self, Problem> {
        let text = str::from_utf8(without_bom(body));
        let text = text.map_err(|error| bad_document(WHAT).because(error))?;
        let root: Object<'_> =
            serde_json::from_str(text).map_err(|error| unreadable(WHAT, error))?;
        let minified = root.text("minified");
        if minified.as_ref().is_some_and(|how| how != MINIFIED) {
            return Err(bad_document("metadata of a form that this server knows"));
        }
        let advisories = root.raw("security-advisories");
        let is_advised = advisories.is_some_and(|list| {
            list.get() != "null" && !values(list).is_ok_and(|list| list.is_empty())
        });
        let list = match root.raw("packages") {
            Some(packages) => list_of(package, packages)?,
            None if is_advised => None,
            None => return Err(bad_document(WHAT)),
        };
        let mut metadata = match list {
            Some(list) => Self::of_list(package, list, minified.is_some())?,
            None if is_advised => Self::default(),
            None => return Err(absent(package)),
        };
        metadata.advisories = advisories;
        Ok(metadata)
    }

    /// Reads the versions of a package: a list, or an object by their names.
    fn of_list(package: &str, list: &'a RawValue, is_minified: bool) -> Result<Self, Problem> {
        let values = values(list)?;
        if values.len() > MAX_VERSIONS {
            return Err(bad_document(
                "metadata of as many versions as a package has",
            ));
        }
        let (mut versions, mut passed_over, mut entries) = (Vec::new(), 0, 0);
        let mut current = Entry::default();
        for value in values {
            let object: Object<'_> =
                serde_json::from_str(value.get()).map_err(|error| unreadable(WHAT, error))?;
            if let Some(dist) = object.raw("dist") {
                nested(WHAT, dist)?;
            }
            if object.len() > MAX_KEYS || object.iter().any(|(key, _)| key.len() > MAX_KEY_BYTES) {
                return Err(bad_document(TOO_LARGE));
            }
            if is_minified {
                current.change(&object);
            } else {
                current = Entry::of(&object);
            }
            entries += current.0.len();
            if current.0.len() > MAX_KEYS || entries > MAX_ENTRIES {
                return Err(bad_document(TOO_LARGE));
            }
            // The client takes a version of any name: of another one it would be taken for that.
            if current.version().is_some() && current.is_of(package) {
                versions.push(current.clone());
            } else {
                passed_over += 1;
            }
        }
        Ok(Self {
            versions,
            passed_over,
            advisories: None,
        })
    }

    /// The version of this name, else the one that is the same.
    pub(super) fn find(&self, version: &str) -> Option<&Entry<'a>> {
        let named = |is_it: &dyn Fn(&str) -> bool| {
            let mut versions = self.versions.iter();
            versions.find(|entry| entry.version().is_some_and(|own| is_it(&own)))
        };
        named(&|own| own == version).or_else(|| named(&|own| is_same(own, version)))
    }

    /// The metadata with addresses of this server.
    pub(super) fn render(&self, request: &RenderRequest<'_>, capacity: usize) -> Rendering {
        let package = &*request.document.package;
        let mut out = Rendering::new(request.place_bytes, capacity);
        out.push_str(&format!("{{\"packages\":{{{}:[", quoted(package)));
        // Old upstreams have one document for both.
        let branches = has_branches(request.document) == Some(true);
        let is_here = |entry: &&Entry<'_>| {
            let is_of_it = entry
                .version()
                .is_some_and(|version| !branches || is_branch(&version));
            is_of_it && entry.is_installable(request.leads)
        };
        let installable = self.versions.iter().filter(is_here);
        let mut before: Option<&Entry<'_>> = None;
        for entry in installable {
            out.push_str(if before.is_some() { "," } else { "" });
            write(&mut out, (before, entry), request);
            before = Some(entry);
        }
        out.push_str("]}");
        if before.is_some() {
            out.push_str(&format!(",\"minified\":{}", quoted(MINIFIED)));
        }
        if let Some(advisories) = self.advisories {
            out.push_str(&format!(",\"security-advisories\":{advisories}"));
        }
        out.push_str("}");
        out
    }
}

/// The versions of a package among `packages`, as they are written; `None` if there is none at all. An
/// empty list is an empty object, too.
fn list_of<'a>(package: &str, packages: &'a RawValue) -> Result<Option<&'a RawValue>, Problem> {
    if packages.get().starts_with('[') && values(packages)?.is_empty() {
        return Ok(None);
    }
    let packages = nested(WHAT, packages)?;
    if packages.is_empty() {
        return Ok(None);
    }
    let mut named = packages.iter();
    let named = named.find(|(name, _)| name.eq_ignore_ascii_case(package));
    let (_, list) = named.ok_or_else(|| bad_document("the metadata of this package"))?;
    Ok(Some(list))
}

/// The upstream says of a package that it has nothing.
fn absent(package: &str) -> Problem {
    Problem::not_found(
        "package",
        format!("the upstream tells nothing of {package}"),
    )
}

/// Writes what differs in a version from the one before it. Its archive always does.
fn write(
    out: &mut Rendering,
    (before, entry): (Option<&Entry<'_>>, &Entry<'_>),
    request: &RenderRequest<'_>,
) {
    let (package, leads) = (&*request.document.package, request.leads);
    let is_kept = |key: &str| !REPLACED.contains(&key);
    let known = |key: &str| before.and_then(|before| before.raw(key)).map(RawValue::get);
    let mut separator = "{";
    let mut put = |out: &mut Rendering, key: &str, value: &str| {
        for text in [separator, &quoted(key), ":", value] {
            out.push_str(text);
        }
        separator = ",";
    };
    for (key, value) in entry.iter().filter(|(key, _)| is_kept(key)) {
        if known(key) != Some(value.get()) {
            put(out, key, value.get());
        }
    }
    let unset = quoted(UNSET);
    for (key, _) in before.iter().flat_map(|before| before.iter()) {
        if is_kept(key) && entry.raw(key).is_none() {
            put(out, key, &unset);
        }
    }
    let had_source = before.is_some_and(|before| before.source(leads).is_some());
    match entry.source(leads) {
        Some(source) => {
            let (path, head, tail) = source.parts();
            put(out, "source", &head);
            out.push_url(path);
            out.push_str(&tail);
        }
        None if had_source => put(out, "source", &unset),
        None => {}
    }
    let had_dist = before.is_some_and(|before| before.dist().is_some());
    match entry.dist().zip(entry.version()) {
        Some((dist, version)) => {
            let (head, tail) = dist.parts();
            put(out, "dist", &head);
            out.push_url(&address(request.repo_path, package, &version, &dist.file()));
            out.push_str(&tail);
        }
        None if had_dist => put(out, "dist", &unset),
        None => {}
    }
    if separator == "{" {
        out.push_str(separator);
    }
    out.push_str("}");
}

/// The document of a package that is made of versions which stand in another one: of these the
/// releases, or the branches; `None` if there are none at all.
pub(super) fn extract(
    package: &str,
    lists: &[&RawValue],
    branches: bool,
) -> Result<Option<Vec<u8>>, Problem> {
    let mut entries = String::new();
    let mut has_any = false;
    for list in lists {
        for value in values(list)? {
            let Some(entry) = object(value).map(|object| Entry::of(&object)) else {
                continue;
            };
            let Some(version) = entry.version().filter(|_| entry.is_of(package)) else {
                continue;
            };
            has_any = true;
            if is_branch(&version) == branches {
                entries.push_str(if entries.is_empty() { "" } else { "," });
                entries.push_str(value.get());
            }
        }
    }
    let package = quoted(package);
    Ok(has_any.then(|| format!("{{\"packages\":{{{package}:[{entries}]}}}}").into_bytes()))
}

/// The versions of a package: a list, or an object by their names.
fn values(list: &RawValue) -> Result<Vec<&RawValue>, Problem> {
    if let Some(object) = object(list) {
        return Ok(object.iter().map(|(_, value)| *value).collect());
    }
    let list = serde_json::from_str::<List<&RawValue>>(list.get());
    list.map(List::into_vec)
        .map_err(|error| unreadable(WHAT, error))
}

/// Whether two versions are the same in Composer's eyes.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    one == other || normalized(one).is_some_and(|normal| Some(normal) == normalized(other))
}

#[cfg(test)]
mod tests;
