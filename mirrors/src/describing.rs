//! What people are told of a version: its readme, what it needs, its licence, where it comes from.
//! Documents tell some of it, the version's files the rest. These are pure functions, too: the engine
//! reads what is kept, and asks nobody.

use crate::publishing::Body;
use crate::resource::Document;
use larder_model::{Problem, StoredFile};
use std::collections::BTreeMap;

/// A larger file is not read to describe a version, in bytes.
pub const MAX_FILE_BYTES: u64 = 64 << 20;
/// The rest of a longer readme is left out, in bytes.
pub const MAX_README_BYTES: usize = 256 << 10;
/// The rest of another longer text is left out, in bytes.
const MAX_TEXT_BYTES: usize = 4096;
/// What a list of one version holds at most.
const MAX_ITEMS: usize = 2000;

/// What is told of a version.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct About {
    /// A sentence.
    pub summary: Option<String>,
    /// Its readme, or what its protocol has instead.
    pub readme: Option<Readme>,
    /// Its licence, as its authors spell it.
    pub license: Option<String>,
    /// Where its authors lead.
    pub links: Vec<Link>,
    /// Who made it, as they spell it.
    pub authors: Vec<String>,
    /// What it needs, and how.
    pub dependencies: Vec<Dependency>,
    /// What only some protocols tell: a word of [`Fact`] and its values.
    pub facts: Vec<Fact>,
}

/// A readme.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Readme {
    /// How it is written.
    pub format: ReadmeFormat,
    /// Its text, of at most [`MAX_README_BYTES`].
    pub text: String,
    /// Whether more of it was left out.
    pub truncated: bool,
}

/// How a readme is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReadmeFormat {
    /// Markdown.
    Markdown,
    /// reStructuredText.
    RestructuredText,
    /// Neither.
    Plain,
}

impl ReadmeFormat {
    /// The format that the ending of a file's name means.
    pub(crate) fn of_file(name: &str) -> Self {
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
        match &*ending.to_ascii_lowercase() {
            "md" | "markdown" | "mdown" | "mkd" => Self::Markdown,
            "rst" => Self::RestructuredText,
            _ => Self::Plain,
        }
    }
}

impl Readme {
    /// A readme of this text; `None` if that is empty.
    pub(crate) fn new(format: ReadmeFormat, text: &str) -> Option<Self> {
        let text = text.trim_start_matches('\u{feff}');
        let end = text.floor_char_boundary(MAX_README_BYTES);
        let is_there = !text.trim().is_empty();
        is_there.then(|| Self {
            format,
            text: text[..end].to_owned(),
            truncated: end < text.len(),
        })
    }

    /// The readme that a file of an archive is.
    pub(crate) fn of_file(name: &str, bytes: &[u8]) -> Option<Self> {
        Self::new(ReadmeFormat::of_file(name), &String::from_utf8_lossy(bytes))
    }
}

/// Where the authors of a version lead.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Link {
    /// What is there: `homepage`, `repository`, `documentation`, `issues`, or a label of its authors.
    pub label: String,
    /// Its address: `http` or `https`.
    pub url: String,
}

/// What a version needs, or gives.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Dependency {
    /// Its name, as it is spelled there.
    pub name: String,
    /// The package in canonical form, if it can be one of the same repository.
    pub package: Option<String>,
    /// Which versions will do, in the spelling of the protocol; empty: any.
    pub requirement: String,
    /// What for: `runtime`, `development`, `build`, `peer`, `optional`, or a relation of rpm.
    pub kind: &'static str,
    /// Whether it works without it.
    pub optional: bool,
    /// Features or extras of it that are asked for.
    pub features: Vec<String>,
    /// When it is needed: a platform, a marker; empty: always.
    pub condition: String,
}

/// What only some protocols tell.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fact {
    /// Which: `rust_version`, `features`, `engines`, `requires_python` …
    pub name: &'static str,
    /// Its values.
    pub values: Vec<String>,
}

/// What is told of the versions of a package in the list of them.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Marks {
    /// Names that lead to versions: npm's dist-tags.
    pub tags: BTreeMap<String, String>,
    /// Versions that are yanked, with the reason, which may be empty.
    pub yanked: BTreeMap<String, String>,
    /// Versions that are deprecated, with what to do about it.
    pub deprecated: BTreeMap<String, String>,
}

impl Marks {
    /// The memory that they use, about, in bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        let all = self.tags.iter().chain(&self.yanked).chain(&self.deprecated);
        all.map(|(one, other)| one.len() + other.len() + 64).sum()
    }
}

impl About {
    /// The memory that it uses, about, in bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        let readme = self.readme.as_ref().map_or(0, |readme| readme.text.len());
        let facts: usize = self.facts.iter().map(|fact| fact.values.len()).sum();
        let lists = self.links.len() + self.authors.len() + self.dependencies.len() + facts;
        size_of::<Self>() + readme + lists * 128
    }

    /// Adds what another tells that this does not.
    pub(crate) fn complete(&mut self, other: Self) {
        fn fill<T>(own: &mut Option<T>, other: Option<T>) {
            if own.is_none() {
                *own = other;
            }
        }
        fn fill_list<T>(own: &mut Vec<T>, other: Vec<T>) {
            if own.is_empty() {
                *own = other;
            }
        }
        fill(&mut self.summary, other.summary);
        fill(&mut self.readme, other.readme);
        fill(&mut self.license, other.license);
        fill_list(&mut self.links, other.links);
        fill_list(&mut self.authors, other.authors);
        fill_list(&mut self.dependencies, other.dependencies);
        for fact in other.facts {
            if self.facts.iter().all(|own| own.name != fact.name) {
                self.facts.push(fact);
            }
        }
    }

    /// Adds a link, if it leads to the web.
    pub(crate) fn link(&mut self, label: impl Into<String>, url: &str) {
        let url = url.trim();
        let is_known = self.links.iter().any(|link| link.url == url);
        if is_web(url) && !is_known && self.links.len() < MAX_ITEMS {
            let label = label.into();
            let url = url.to_owned();
            self.links.push(Link { label, url });
        }
    }

    /// Adds a fact, if it has values.
    pub(crate) fn fact(&mut self, name: &'static str, values: impl IntoIterator<Item = String>) {
        let values: Vec<String> = values
            .into_iter()
            .filter_map(|value| short(&value))
            .collect();
        if !values.is_empty() {
            self.facts.push(Fact { name, values });
        }
    }

    /// The same within all bounds.
    #[must_use]
    pub(crate) fn bounded(mut self) -> Self {
        self.summary = self.summary.as_deref().and_then(short);
        self.license = self.license.as_deref().and_then(short);
        self.authors = self
            .authors
            .iter()
            .filter_map(|author| short(author))
            .collect();
        self.authors.truncate(MAX_ITEMS);
        self.dependencies.truncate(MAX_ITEMS);
        for fact in &mut self.facts {
            fact.values.truncate(MAX_ITEMS);
        }
        self
    }
}

/// Whether an address leads to the web.
fn is_web(url: &str) -> bool {
    let scheme = url
        .split_once("://")
        .map(|(scheme, _)| scheme.to_ascii_lowercase());
    let is_http = scheme.is_some_and(|scheme| scheme == "http" || scheme == "https");
    let is_plain = |char: char| !char.is_whitespace() && !char.is_control();
    is_http && url.len() <= MAX_TEXT_BYTES && url.chars().all(is_plain)
}

/// A text within its bound; `None` if it is empty.
pub(crate) fn short(text: &str) -> Option<String> {
    let text = text.trim();
    let end = text.floor_char_boundary(MAX_TEXT_BYTES);
    (!text.is_empty()).then(|| text[..end].to_owned())
}

/// What is told of a version, and how far its file was read for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Told {
    /// What documents and the file tell.
    pub about: About,
    /// How far the file was read.
    pub file: FileState,
}

/// How far the file of a version was read to describe it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FileState {
    /// It was read.
    Read,
    /// It is not kept: nobody has fetched it yet.
    NotKept,
    /// It is larger than [`MAX_FILE_BYTES`].
    TooLarge,
    /// It cannot be read, for this reason.
    Unreadable(String),
}

/// A version that is described, and the file that tells most of it.
#[derive(Clone, Copy, Debug)]
pub struct DescribedFile<'a> {
    /// The package in canonical form.
    pub package: &'a str,
    /// The version, as it is listed.
    pub version: &'a str,
    /// The file's path.
    pub path: &'a str,
    /// Its size in bytes.
    pub size: u64,
}

/// Descriptions of versions.
pub trait Describing: Send + Sync {
    /// What the document of a package tells of all versions, for their list. Default: nothing.
    fn marks(&self, document: &Document, body: &[u8]) -> Result<Marks, Problem> {
        let _ = (document, body);
        Ok(Marks::default())
    }

    /// What the document of a package tells of a version; `None` if it does not know it. Default: it
    /// tells nothing.
    fn of_document(
        &self,
        document: &Document,
        version: &str,
        body: &[u8],
    ) -> Result<Option<About>, Problem> {
        let _ = (document, version, body);
        Ok(None)
    }

    /// Which of a version's files tells most of it, the smaller the better; `None`: none of them does.
    fn choose<'f>(&self, files: &'f [StoredFile]) -> Option<&'f StoredFile>;

    /// What that file tells. Its size is at most [`MAX_FILE_BYTES`].
    fn of_file(&self, file: &DescribedFile<'_>, body: &mut dyn Body) -> Result<About, Problem>;
}

/// What a document and a file tell together: the document's word comes first, for it can be changed.
#[must_use]
pub fn joined(document: Option<About>, file: Option<About>) -> About {
    let mut about = document.unwrap_or_default();
    about.complete(file.unwrap_or_default());
    about.bounded()
}

#[cfg(test)]
mod tests;
