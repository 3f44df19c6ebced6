//! The suites of a hosted repository, made of the packages that are published in each.

use super::description::Part;
use super::packer::{SuiteWriter, gzip};
use super::paths::{Upload, split};
use super::places::{KEY, PoolPlace, SUITES};
use super::published::{Published, PublishedSource};
use crate::index::{Index, IndexBuilder, IndexDocument, IndexMerger, Leads, Signer};
use crate::publishing::StoredFile;
use crate::resource::{Artifact, Document, Plan, Table};
use bytes::Bytes;
use larder_model::{CacheLifetime, FileKind, Problem, Timestamp};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Write as _;
use std::sync::Arc;

/// Packages for every architecture.
const ALL: &str = "all";
/// A list of files that would be longer is not made.
const MAX_CONTENTS_BYTES: usize = 64 << 20;

/// The suites of a repository.
pub(super) struct SuiteIndex;

impl Index for SuiteIndex {
    fn has(&self, document: &Document) -> bool {
        document.package.is_empty()
    }

    fn begin(&self, _: u64, now: Timestamp) -> Result<Box<dyn IndexBuilder>, Problem> {
        Ok(Box::new(Builder {
            now,
            suites: BTreeMap::new(),
            described: Vec::new(),
            parts: HashSet::new(),
        }))
    }

    fn head(&self, root: &str) -> Document {
        Document::new("", format!("{root}Release"))
    }

    fn mark(&self) -> Document {
        Document::new("", SUITES)
    }

    fn key(&self) -> Option<&'static str> {
        Some(KEY)
    }

    fn is_by_sets(&self) -> bool {
        true
    }

    fn root<'a>(&self, _: &'a str) -> Option<&'a str> {
        None // its sets tell
    }

    fn roots<'a>(&self, _: &'a str) -> Vec<&'a str> {
        Vec::new()
    }

    fn list(&self, _: &[u8]) -> Result<Option<Artifact>, Problem> {
        Ok(None)
    }

    fn leads(&self, _: &[u8]) -> Leads {
        Leads::default()
    }

    fn plan_beside(
        &self,
        _: &[Box<str>],
        artifact: &Artifact,
        _: &[Option<Bytes>],
        _: &[Arc<dyn Table>],
    ) -> Result<Plan, Problem> {
        super::plans::plan(artifact)
    }

    fn merge(&self, now: Timestamp, root: &str) -> Box<dyn IndexMerger> {
        Box::new(super::merge::Merger::begin(now, root))
    }
}

/// The lists of one component for one architecture.
#[derive(Default)]
struct Lists {
    packages: String,
    /// Lines of paths, each with what it is listed by.
    contents: String,
}

/// What a component of a suite has.
#[derive(Default)]
struct Component {
    by_architecture: BTreeMap<String, Lists>,
    /// Stanzas of source packages.
    sources: String,
}

/// By their names.
type Components = BTreeMap<String, Component>;

/// Builds the suites of one state.
struct Builder {
    now: Timestamp,
    suites: BTreeMap<String, Components>,
    /// Descriptions of source packages.
    described: Vec<StoredFile>,
    /// Paths of the files that these may name.
    parts: HashSet<Box<str>>,
}

impl Builder {
    /// The component in which the file of this path is published.
    fn component(&mut self, place: &PoolPlace<'_>) -> &mut Component {
        let suite = self.suites.entry(place.suite.to_owned()).or_default();
        suite.entry(place.component.to_owned()).or_default()
    }

    /// Lists the source packages of which all files are here.
    fn add_sources(&mut self) -> Result<(), Problem> {
        for file in std::mem::take(&mut self.described) {
            let source = PublishedSource::read(&file.metadata)?;
            let (folder, _) = split(&file.path);
            let is_here = |part: &Part| self.parts.contains(&*format!("{folder}{}", part.name));
            if source.parts.iter().all(is_here) {
                let place = PoolPlace::of_published(&file.path)?;
                let stanza = source.stanza(&file);
                self.component(&place).sources.push_str(&stanza);
            }
        }
        Ok(())
    }
}

impl IndexBuilder for Builder {
    fn add_extra(&mut self, _: &StoredFile, _: &[u8]) -> Result<(), Problem> {
        Ok(())
    }

    fn add(&mut self, file: &StoredFile) -> Result<(), Problem> {
        if file.kind != FileKind::Artifact {
            return Ok(());
        }
        match Upload::of(split(&file.path).1) {
            Some(Upload::Package) if !file.metadata.is_empty() => {}
            Some(Upload::Description) => {
                self.described.push(file.clone());
                return Ok(());
            }
            Some(Upload::Part) => {
                self.parts.insert(file.path.clone());
                return Ok(());
            }
            _ => return Ok(()),
        }
        let (place, published) = (
            PoolPlace::read(&file.path)?,
            Published::read(&file.metadata)?,
        );
        let of = &mut self.component(&place).by_architecture;
        let lists = of.entry(published.architecture.clone()).or_default();
        // A String takes all that is written to it.
        let _ = writeln!(
            lists.packages,
            "{}Filename: {}\nSize: {}\nSHA256: {}\n",
            published.control,
            file.path,
            file.size,
            file.digest.hex()
        );
        if lists.contents.len() <= MAX_CONTENTS_BYTES {
            for path in published.contents()?.lines() {
                let _ = writeln!(lists.contents, "{path}\t{}", published.listed_as);
            }
        }
        Ok(())
    }

    fn end(
        mut self: Box<Self>,
        signer: Option<&dyn Signer>,
    ) -> Result<Vec<IndexDocument>, Problem> {
        self.add_sources()?;
        let mut documents = Vec::new();
        let mut made = |path: &str, content_type, text: String, lifetime| {
            documents.push(IndexDocument {
                path: path.to_owned(),
                content_type,
                bytes: text.into_bytes(),
                lifetime,
            });
        };
        let names = self.suites.keys().flat_map(|name| [name, "\n"]);
        let names: String = names.collect();
        made(
            SUITES,
            "text/plain; charset=utf-8",
            names,
            CacheLifetime::UntilChange,
        );
        if let Some(signer) = signer {
            let key = signer.public_key().to_owned();
            made(KEY, "application/pgp-keys", key, CacheLifetime::UntilNext);
        }
        for (suite, components) in &self.suites {
            documents.extend(suite_of(suite, components, self.now, signer)?);
        }
        Ok(documents)
    }
}

/// Writes a suite.
fn suite_of(
    suite: &str,
    components: &Components,
    now: Timestamp,
    signer: Option<&dyn Signer>,
) -> Result<Vec<IndexDocument>, Problem> {
    let architectures: BTreeSet<&str> = components
        .values()
        .flat_map(|of| of.by_architecture.keys().map(String::as_str))
        .collect();
    let mut writer = SuiteWriter::new(&format!("dists/{suite}/"));
    let nothing = Lists::default();
    let has_sources = components.values().any(|of| !of.sources.is_empty());
    for (component, of) in components {
        if has_sources {
            let path = format!("{component}/source/Sources");
            writer.add_list(&path, of.sources.as_bytes())?;
        }
        let lists = |architecture: &str| of.by_architecture.get(architecture).unwrap_or(&nothing);
        for architecture in &architectures {
            let own = lists(architecture);
            // What is for all is in the lists of each, too.
            let all = if *architecture == ALL {
                &nothing
            } else {
                lists(ALL)
            };
            let packages = [own.packages.as_str(), &all.packages].concat();
            let path = format!("{component}/binary-{architecture}/Packages");
            writer.add_list(&path, packages.as_bytes())?;
            if let Some(contents) = contents([own, all])? {
                let path = format!("{component}/Contents-{architecture}.gz");
                writer.add_contents(&path, &contents);
            }
        }
    }
    let words = |words: Vec<&str>| words.join(" ");
    let fields = [
        ("Origin", "Larder".to_owned()),
        ("Label", "Larder".to_owned()),
        ("Suite", suite.to_owned()),
        ("Codename", suite.to_owned()),
        ("Architectures", words(architectures.into_iter().collect())),
        (
            "Components",
            words(components.keys().map(String::as_str).collect()),
        ),
    ];
    writer.end(&fields, now, signer)
}

/// The list of all files, each with the packages that have it; `None` if it would be too long.
fn contents(lists: [&Lists; 2]) -> Result<Option<Vec<u8>>, Problem> {
    if lists.iter().map(|it| it.contents.len()).sum::<usize>() > MAX_CONTENTS_BYTES {
        return Ok(None);
    }
    let lines = lists.into_iter().flat_map(|it| it.contents.lines());
    let mut lines: Vec<(&str, &str)> = lines.filter_map(|it| it.rsplit_once('\t')).collect();
    lines.sort_unstable();
    lines.dedup();
    let mut text = String::new();
    for of_path in lines.chunk_by(|(one, _), (other, _)| one == other) {
        let packages: Vec<&str> = of_path.iter().map(|(_, package)| *package).collect();
        if let Some((path, _)) = of_path.first() {
            let _ = writeln!(text, "{path}    {}", packages.join(","));
        }
    }
    gzip(text.as_bytes()).map(Some)
}
