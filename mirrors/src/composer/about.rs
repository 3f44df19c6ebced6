//! What is told of a package: the metadata tells nearly all, its archive the readme.

use super::metadata::{Entry, Metadata};
use super::names::{canonical, is_name};
use super::publish::ZIP;
use crate::archive::window::Window;
use crate::archive::{Limits, zip};
use crate::describing::{
    About, Dependency, DescribedFile, Describing, MAX_README_BYTES, Marks, Readme,
};
use crate::json::{List, Object, object, text};
use crate::publishing::Body;
use crate::resource::Document;
use larder_model::{FileKind, Limit, Problem, StoredFile};
use serde_json::value::RawValue;

/// Limits of an archive that is described.
const LIMITS: Limits = Limits {
    entries: 100_000,
    path_bytes: 4096,
    unpacked: Limit::fixed(1 << 30),
    ratio: 100,
};
/// A longer readme is not read.
const MAX_BYTES: u64 = 4 << 20;
/// Labels of links in a package's `support`, and what they are called here.
const SUPPORT: [(&str, &str); 4] = [
    ("source", "repository"),
    ("docs", "documentation"),
    ("issues", "issues"),
    ("wiki", "wiki"),
];

/// Descriptions of packages.
pub(super) struct PackageAbouts;

impl Describing for PackageAbouts {
    fn marks(&self, document: &Document, body: &[u8]) -> Result<Marks, Problem> {
        let mut marks = Marks::default();
        for entry in Metadata::read(&document.package, body)?.versions {
            let (Some(version), Some(abandoned)) = (entry.version(), entry.raw("abandoned")) else {
                continue;
            };
            let advice = match text(abandoned) {
                Some(other) if is_name(&other) => format!("abandoned: use {other} instead"),
                _ if abandoned.get() == "true" => "abandoned".to_owned(),
                _ => continue,
            };
            marks.deprecated.insert(version.into_owned(), advice);
        }
        Ok(marks)
    }

    fn of_document(
        &self,
        document: &Document,
        version: &str,
        body: &[u8],
    ) -> Result<Option<About>, Problem> {
        let metadata = Metadata::read(&document.package, body)?;
        Ok(metadata.find(version).map(about))
    }

    fn choose<'f>(&self, files: &'f [StoredFile]) -> Option<&'f StoredFile> {
        let mut files = files.iter();
        files.find(|file| file.kind == FileKind::Artifact && *file.content_type == *ZIP)
    }

    fn of_file(&self, file: &DescribedFile<'_>, body: &mut dyn Body) -> Result<About, Problem> {
        let mut archive = Window::new(body, 0, file.size);
        let unreadable = |fault: crate::archive::Fault| fault.problem("package", "the zip file");
        let entries = zip::entries(&mut archive, &LIMITS).map_err(unreadable)?;
        let is_readme = |name: &str| {
            let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
            stem.eq_ignore_ascii_case("readme")
        };
        // At the top, or in the folder that hosts of source code put around everything.
        let mut readmes: Vec<(usize, &zip::Entry)> = entries
            .iter()
            .filter(|entry| entry.name.split('/').next_back().is_some_and(is_readme))
            .map(|entry| (entry.name.matches('/').count(), entry))
            .filter(|(depth, _)| *depth <= 1)
            .collect();
        readmes.sort_by_key(|(depth, entry)| {
            let is_markdown = entry.name.to_ascii_lowercase().ends_with(".md");
            (*depth, !is_markdown, entry.name.clone())
        });
        let mut about = About::default();
        if let Some((_, entry)) = readmes.first()
            && let Ok(bytes) = zip::content(&mut archive, entry, MAX_BYTES)
        {
            let name = entry.name.rsplit('/').next().unwrap_or(&entry.name);
            // One byte more shows that there is more.
            let end = bytes.len().min(MAX_README_BYTES + 4);
            about.readme = Readme::of_file(name, &bytes[..end]);
        }
        Ok(about)
    }
}

/// What the metadata of a version tells of it.
fn about(entry: &Entry<'_>) -> About {
    let text_of = |key: &str| entry.text(key).map(std::borrow::Cow::into_owned);
    let mut about = About {
        summary: text_of("description"),
        license: license(entry),
        authors: authors(entry),
        ..About::default()
    };
    about.link("homepage", &text_of("homepage").unwrap_or_default());
    let support = entry.raw("support").and_then(object).unwrap_or_default();
    for (key, label) in SUPPORT {
        about.link(label, &support.text(key).unwrap_or_default());
    }
    for (key, kind) in [("require", "runtime"), ("require-dev", "development")] {
        let links = entry.raw(key).and_then(object).unwrap_or_default();
        let links = links.texts().into_iter();
        about.dependencies.extend(links.map(|(name, requirement)| {
            let package = is_name(&name).then(|| canonical(&name));
            dependency(&name, package, &requirement, kind)
        }));
    }
    let list = |key: &str| -> List<String> {
        let values = entry.raw(key).map(RawValue::get);
        let values = values.and_then(|list| serde_json::from_str(list).ok());
        values.unwrap_or_default()
    };
    about.fact("keywords", list("keywords").into_vec());
    about.fact("type", text_of("type"));
    about
}

fn dependency(
    name: &str,
    package: Option<String>,
    requirement: &str,
    kind: &'static str,
) -> Dependency {
    Dependency {
        name: name.to_owned(),
        package,
        requirement: requirement.to_owned(),
        kind,
        ..Dependency::default()
    }
}

/// One licence, or one of several.
fn license(entry: &Entry<'_>) -> Option<String> {
    let value = entry.raw("license")?;
    if let Some(one) = text(value) {
        return Some(one.into_owned());
    }
    let all: List<String> = serde_json::from_str(value.get()).ok()?;
    Some(all.join(" OR ")).filter(|text| !text.is_empty())
}

/// The names of those who made it, with their addresses.
fn authors(entry: &Entry<'_>) -> Vec<String> {
    let all = entry.raw("authors").map(RawValue::get);
    let all: Option<List<&RawValue>> = all.and_then(|list| serde_json::from_str(list).ok());
    let one = |author: &RawValue| {
        let author: Object<'_> = object(author)?;
        let name = author.text("name").unwrap_or_default();
        let mail = author.text("email").unwrap_or_default();
        let both = match (name.is_empty(), mail.is_empty()) {
            (true, true) => return None,
            (false, false) => format!("{name} <{mail}>"),
            _ => format!("{name}{mail}"),
        };
        Some(both)
    };
    all.unwrap_or_default()
        .into_iter()
        .filter_map(one)
        .collect()
}

#[cfg(test)]
mod tests;
