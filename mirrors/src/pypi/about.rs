//! What is told of a version of a project: the core metadata in its files tells it (packaging
//! specifications, "Core metadata"), the page only what is yanked.

use super::attestations::is_provenance;
use super::distribution::Name;
use super::metadata::invalid;
use super::names::{METADATA, is_project, normalised, version_of};
use super::page::Page;
use super::version::Version;
use crate::archive::window::Window;
use crate::describing::{
    About, Dependency, DescribedFile, Describing, Marks, Readme, ReadmeFormat,
};
use crate::publishing::{Body, PublishLimits};
use crate::resource::Document;
use larder_model::{FileKind, Limit, Problem, StoredFile};

/// A longer metadata file is not read.
const MAX_METADATA_BYTES: u64 = 8 << 20;
/// What is read of files that are kept.
const READ: PublishLimits = PublishLimits {
    file: Limit::NONE,
    unpacked: Limit::fixed(32 << 30),
    metadata: Limit::fixed(MAX_METADATA_BYTES),
    document: Limit::NONE,
};

/// The fields of core metadata, in their order, and the text after them.
struct Fields<'t> {
    all: Vec<(&'t str, String)>,
    body: &'t str,
}

impl<'t> Fields<'t> {
    fn read(text: &'t str) -> Self {
        let mut all: Vec<(&str, String)> = Vec::new();
        let mut rest = text;
        while let Some((line, after)) = rest.split_once('\n').or(Some((rest, ""))) {
            let line = line.strip_suffix('\r').unwrap_or(line);
            if line.is_empty() {
                rest = after;
                break;
            }
            rest = after;
            if line.starts_with([' ', '\t']) {
                if let Some((_, value)) = all.last_mut() {
                    // Descriptions in the header are indented so that they go on.
                    let more = line.strip_prefix("       |").unwrap_or(line);
                    let more = more.strip_prefix("        ").unwrap_or(more);
                    value.push('\n');
                    value.push_str(more);
                }
            } else if let Some((key, value)) = line.split_once(':') {
                all.push((key.trim(), value.trim().to_owned()));
            }
        }
        Self { all, body: rest }
    }

    /// The values of a field; those that only say that nothing is known are left out.
    fn each<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s str> {
        let all = self.all.iter();
        let named = all.filter(move |(key, _)| key.eq_ignore_ascii_case(name));
        named
            .map(|(_, value)| &**value)
            .filter(|value| !value.is_empty() && *value != "UNKNOWN")
    }

    fn first<'s>(&'s self, name: &'s str) -> Option<&'s str> {
        self.each(name).next()
    }

    fn readme(&self) -> Option<Readme> {
        let format = match self.first("Description-Content-Type") {
            Some(text) if text.starts_with("text/markdown") => ReadmeFormat::Markdown,
            Some(text) if text.starts_with("text/plain") => ReadmeFormat::Plain,
            _ => ReadmeFormat::RestructuredText,
        };
        let body = Some(self.body).filter(|body| !body.trim().is_empty());
        Readme::new(format, body.or_else(|| self.first("Description"))?)
    }

    fn license(&self) -> Option<String> {
        let plain = self.first("License").and_then(|text| text.lines().next());
        let classified = || {
            let mut all = self.each("Classifier");
            all.find_map(|text| text.strip_prefix("License ::")?.rsplit(" :: ").next())
        };
        let expression = self.first("License-Expression");
        let license = expression.or(plain).or_else(classified)?;
        Some(license.trim().to_owned())
    }

    fn about(&self) -> About {
        let mut about = About {
            summary: self.first("Summary").map(str::to_owned),
            readme: self.readme(),
            license: self.license(),
            ..About::default()
        };
        about.link("homepage", self.first("Home-page").unwrap_or_default());
        for pair in self.each("Project-URL") {
            if let Some((label, url)) = pair.split_once(',') {
                about.link(known_label(label.trim()), url);
            }
        }
        about.authors = self.people();
        let needs = self.each("Requires-Dist");
        about.dependencies = needs.filter_map(dependency).collect();
        let text = |name: &str| -> Vec<String> { self.each(name).map(str::to_owned).collect() };
        about.fact("requires_python", text("Requires-Python"));
        about.fact("extras", text("Provides-Extra"));
        let keywords = self.first("Keywords").unwrap_or_default();
        about.fact("keywords", keywords.split([',', '\n']).map(str::to_owned));
        about.fact("classifiers", text("Classifier"));
        about
    }

    /// Authors and maintainers: names, and what has names in it already.
    fn people(&self) -> Vec<String> {
        let mut people: Vec<String> = Vec::new();
        for (names, mails) in [
            ("Author", "Author-email"),
            ("Maintainer", "Maintainer-email"),
        ] {
            let name = self.first(names);
            let person = match (name, self.first(mails)) {
                (Some(name), Some(mail)) if !mail.contains('<') => format!("{name} <{mail}>"),
                (Some(name), None) => name.to_owned(),
                (Some(name), Some(mail)) => format!("{name}, {mail}"),
                (None, Some(mail)) => mail.to_owned(),
                (None, None) => continue,
            };
            if !people.contains(&person) {
                people.push(person);
            }
        }
        people
    }
}

/// The word that all protocols have for what a label means (packaging specifications, "Well-known
/// Project URLs"), else the label itself.
fn known_label(label: &str) -> String {
    let plain: String = label
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_ascii_lowercase();
    let known = match &*plain {
        "homepage" => "homepage",
        "source" | "repository" | "sourcecode" | "github" => "repository",
        "documentation" | "docs" => "documentation",
        "issues" | "bugs" | "issue" | "tracker" | "issuetracker" | "bugtracker" => "issues",
        _ => label,
    };
    known.to_owned()
}

/// Reads `name [extras] (range) ; marker`; `None` if it has no name.
fn dependency(text: &str) -> Option<Dependency> {
    let (needed, marker) = text.split_once(';').unwrap_or((text, ""));
    let marker = marker.trim();
    let is_name = |char: char| char.is_ascii_alphanumeric() || "-_.".contains(char);
    let needed = needed.trim();
    let end = needed.find(|char| !is_name(char)).unwrap_or(needed.len());
    let (name, rest) = needed.split_at(end);
    let name = Some(name).filter(|name| is_project(name))?;
    let rest = rest.trim_start();
    let (extras, range) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((extras, range)) => (extras, range.trim()),
        None => ("", rest),
    };
    let in_brackets = range
        .strip_prefix('(')
        .and_then(|range| range.strip_suffix(')'));
    let range = in_brackets.unwrap_or(range).trim();
    let is_extra = marker.contains("extra ==") || marker.contains("extra==");
    Some(Dependency {
        // `name @ address` is no project of an index.
        package: (!range.starts_with('@')).then(|| normalised(name)),
        name: name.to_owned(),
        requirement: range.to_owned(),
        kind: if is_extra { "optional" } else { "runtime" },
        optional: is_extra,
        features: extras
            .split(',')
            .map(|extra| extra.trim().to_owned())
            .filter(|extra| !extra.is_empty())
            .collect(),
        condition: marker.to_owned(),
    })
}

/// Descriptions of projects.
pub(super) struct ProjectAbouts;

impl Describing for ProjectAbouts {
    fn marks(&self, document: &Document, body: &[u8]) -> Result<Marks, Problem> {
        let page = Page::read(body)?;
        let mut marks = Marks::default();
        let mut served: Vec<&str> = Vec::new();
        for file in &page.files {
            let Some(version) = version_of(&document.package, &file.name) else {
                continue;
            };
            match &file.yanked {
                None => served.push(version),
                Some(reason) => {
                    let known = marks.yanked.entry(version.to_owned()).or_default();
                    if known.is_empty() {
                        *known = reason.clone().into_owned();
                    }
                }
            }
        }
        // A version is yanked if all of its files are.
        for version in served {
            marks.yanked.remove(version);
        }
        Ok(marks)
    }

    fn choose<'f>(&self, files: &'f [StoredFile]) -> Option<&'f StoredFile> {
        let rank = |file: &StoredFile| match () {
            () if file.path.ends_with(METADATA) => 0,
            () if file.path.ends_with(".whl") => 1,
            () => 2,
        };
        let is_told =
            |file: &&StoredFile| file.kind == FileKind::Artifact && !is_provenance(&file.path);
        let told = files.iter().filter(is_told);
        let told =
            told.filter(|file| file.path.ends_with(METADATA) || Name::read(&file.path).is_some());
        told.min_by_key(|file| (rank(file), file.size, file.path.clone()))
    }

    fn of_file(&self, file: &DescribedFile<'_>, body: &mut dyn Body) -> Result<About, Problem> {
        let mut content = Window::new(body, 0, file.size);
        let bytes = if file.path.ends_with(METADATA) {
            if file.size > MAX_METADATA_BYTES {
                return Err(invalid("the metadata is too long to be read"));
            }
            content.bytes(0, file.size).map_err(Problem::internal)?
        } else {
            let name = Name::read(file.path);
            let name = name.ok_or_else(|| invalid("its file is no wheel and no source archive"))?;
            let version = Version::parse(file.version);
            let version = version.ok_or_else(|| invalid("its version cannot be read"))?;
            name.core_metadata(&mut content, (file.package, &version), &READ)?
        };
        let text = String::from_utf8_lossy(&bytes);
        Ok(Fields::read(&text).about())
    }
}

#[cfg(test)]
mod tests;
