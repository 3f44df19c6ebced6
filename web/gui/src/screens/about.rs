//! What a version is, as its authors tell: its readme, what it needs, where it comes from.

use crate::address::address;
use crate::language::Language;
use crate::markdown::{self, Html};
use crate::page::Frame;
use crate::screens::place::PackagePath;
use crate::visit::Visit;
use larder_api::{self as api, Dependency, FileRead, ReadmeFormat};
use larder_model::{Kind, Problem};

/// What of a page is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Tab {
    /// What the page is about: versions, or files.
    Main,
    /// The readme.
    Readme,
    /// What it needs.
    Dependencies,
}

impl Tab {
    /// The one that an address asks for.
    pub(crate) fn of(word: &str) -> Self {
        match word {
            "readme" => Self::Readme,
            "dependencies" => Self::Dependencies,
            _ => Self::Main,
        }
    }
}

/// A readme as it is shown.
pub(crate) enum Shown<'a> {
    /// As HTML, made of Markdown; whether some of it is left out.
    Html(Html, bool),
    /// As it was written; whether some of it is left out.
    Text(&'a str, bool),
}

/// A version that is described on a page.
pub(crate) struct Described {
    pub(crate) about: api::VersionAbout,
    /// The page on which that is.
    page: String,
    pub(crate) path: PackagePath,
    pub(crate) tab: Tab,
    /// Whether the page is that of a version.
    is_version: bool,
}

impl Described {
    /// What is told of a version; `None` if its protocol describes none, or none is known.
    pub(crate) async fn of(
        visit: &Visit,
        path: &PackagePath,
        version: &str,
        (tab, is_version): (Tab, bool),
    ) -> Result<Option<Self>, Problem> {
        if path.is_image() {
            return Ok(None);
        }
        let call = format!("{}/about", path.version_call(version));
        let about: api::VersionAbout = match visit.get(call).await {
            Ok(about) => about,
            Err(problem) if problem.kind == Kind::NotFound => return Ok(None),
            Err(problem) => return Err(problem),
        };
        if about.file == FileRead::None {
            return Ok(None);
        }
        let page = if is_version {
            path.version_page(version)
        } else {
            path.page()
        };
        Ok(Some(Self {
            about,
            page,
            path: path.clone(),
            tab,
            is_version,
        }))
    }

    /// A frame that says how what this shows is had elsewhere, if it is not what the page is about.
    pub(crate) fn elsewhere(&self, frame: Frame) -> Frame {
        if self.is_main() {
            return frame;
        }
        let version = &self.about.version;
        let command = format!("{} {version}", self.path.command("about"));
        let call = format!("GET /api/v1{}/about", self.path.version_call(version));
        frame.elsewhere(command, call)
    }

    /// Whether this of the page is shown.
    pub(crate) fn is_main(&self) -> bool {
        self.tab == Tab::Main
    }

    /// The tabs: their labels, where they lead, and whether each is the one that is shown.
    pub(crate) fn tabs(&self, t: &Language) -> [(String, String, bool); 4] {
        let own = |tab: &str| address(&self.page, &[("tab", tab)]);
        let files = self.path.version_page(&self.about.version);
        let needs = match self.about.dependencies.len() {
            0 => t.about_dependencies().to_owned(),
            count => format!("{} {count}", t.about_dependencies()),
        };
        let is_main = self.is_main();
        [
            (
                t.about_readme().to_owned(),
                own("readme"),
                self.tab == Tab::Readme,
            ),
            (
                t.package_versions_title().to_owned(),
                self.path.page(),
                is_main && !self.is_version,
            ),
            (needs, own("dependencies"), self.tab == Tab::Dependencies),
            (
                t.package_files().to_owned(),
                files,
                is_main && self.is_version,
            ),
        ]
    }

    /// The readme, if there is one.
    pub(crate) fn readme(&self) -> Option<Shown<'_>> {
        let readme = self.about.readme.as_ref()?;
        if readme.format == ReadmeFormat::Markdown {
            let (html, is_cut) = markdown::render(&readme.text);
            return Some(Shown::Html(html, is_cut || readme.truncated));
        }
        let end = readme.text.floor_char_boundary(markdown::MAX_SOURCE_BYTES);
        let is_cut = readme.truncated || end < readme.text.len();
        Some(Shown::Text(&readme.text[..end], is_cut))
    }

    /// Why more is not told, if the file that would tell it was not read.
    pub(crate) fn unread(&self, t: &Language) -> Option<String> {
        match self.about.file {
            FileRead::Read | FileRead::None => None,
            FileRead::NotKept => Some(t.about_not_kept().to_owned()),
            FileRead::TooLarge => Some(t.about_too_large().to_owned()),
            FileRead::Unreadable => {
                let why = self.about.problem.as_deref().unwrap_or_default();
                Some(t.about_unreadable(why))
            }
        }
    }

    /// What it needs, by what for, in the order in which that is told.
    pub(crate) fn groups(&self, t: &Language) -> Vec<(String, Vec<&Dependency>)> {
        let mut groups: Vec<(&str, Vec<&Dependency>)> = Vec::new();
        for needed in &self.about.dependencies {
            match groups.iter_mut().find(|(kind, _)| *kind == needed.kind) {
                Some((_, all)) => all.push(needed),
                None => groups.push((&needed.kind, vec![needed])),
            }
        }
        let named = groups.into_iter();
        let named = named.map(|(kind, all)| (kind_name(t, kind).to_owned(), all));
        named.collect()
    }

    /// The page of a package that it needs, if that is here.
    pub(crate) fn page_of(&self, needed: &Dependency) -> Option<String> {
        let package = needed.package.as_deref()?;
        Some(PackagePath::new(&self.path.repo, package).page())
    }

    /// Whether anything of it stands in a list of facts.
    pub(crate) fn has_facts(&self) -> bool {
        let about = &self.about;
        about.license.is_some()
            || !(about.authors.is_empty() && about.links.is_empty() && about.facts.is_empty())
    }

    /// What only its protocol tells.
    pub(crate) fn facts(&self, t: &Language) -> Vec<(&str, &[String])> {
        let named = self.about.facts.iter();
        let named = named.map(|fact| (fact_name(t, &fact.name), &*fact.values));
        named.collect()
    }

    /// What a link is called.
    pub(crate) fn label<'l>(&self, t: &Language, label: &'l str) -> &'l str {
        match label {
            "homepage" => t.about_homepage(),
            "repository" => t.about_source(),
            "documentation" => t.about_documentation(),
            "issues" => t.about_issues(),
            other => other,
        }
    }
}

/// What a version needs other packages for, in words.
fn kind_name<'k>(t: &Language, kind: &'k str) -> &'k str {
    match kind {
        "runtime" => t.about_runtime(),
        "development" => t.about_development(),
        "build" => t.about_build(),
        "peer" => t.about_peer(),
        "optional" => t.about_optional(),
        other => other,
    }
}

/// What a fact is called.
fn fact_name<'f>(t: &Language, fact: &'f str) -> &'f str {
    match fact {
        "features" => t.about_features(),
        "extras" => t.about_extras(),
        "rust_version" => t.about_rust_version(),
        "requires_python" => t.about_requires_python(),
        "language" => t.about_language(),
        "toolchain" => t.about_toolchain(),
        "retracted" => t.about_retracted(),
        "engines" => t.about_engines(),
        "install_scripts" => t.about_install_scripts(),
        "keywords" => t.about_keywords(),
        "categories" | "classifiers" => t.about_categories(),
        "architecture" | "cpu" => t.about_architecture(),
        "os" => t.about_os(),
        "source_rpm" => t.about_source_package(),
        "build_host" => t.about_build_host(),
        "group" => t.about_group(),
        "type" => t.about_type(),
        other => other,
    }
}
