//! Versions that are made of a tag, as the go command makes them of a repository (go.dev/ref/mod, "Mapping
//! versions to commits", "Module directories within a repository").

use super::info::Made;
use super::mod_file::{ModFile, module_path};
use super::module_zip::{GO_MOD, LICENSE, ModuleZip, Sources};
use super::paths::{is_module_path, split_major};
use super::publish::{NewVersion, file_limit, published};
use super::version::{INCOMPATIBLE, Version};
use crate::archive::window::Window;
use crate::archive::zip::Entry;
use crate::publishing::{Action, Body, Bytes, PublishLimits, PublishRequest, Step, StoredFile};
use crate::tagged::{FromTag, Tagged, TaggedVersion, WantedFiles};
use crate::text::PLAIN_TEXT;
use http::StatusCode;
use larder_model::{BodyLimit, Problem, Reply, Verb};
use std::io::SeekFrom;
use std::sync::Arc;

/// Tags of modules.
pub(super) struct ModuleTags;

/// A tag that stands for a version.
struct VersionTag<'a> {
    /// The folder of its module; empty: the whole repository.
    folder: &'a str,
    text: &'a str,
    version: Version,
}

impl<'a> VersionTag<'a> {
    fn parse(tag: &'a str) -> Result<Self, Problem> {
        let (folder, text) = tag.rsplit_once('/').unwrap_or(("", tag));
        let refused = |why: &str| {
            let detail = format!(
                "the tag {tag:.200} is not that of a version: {why}; such a tag is v1.2.3, or \
                 sub/folder/v1.2.3 for a module in a folder"
            );
            Problem::invalid("tag", detail)
        };
        let Some(version) = Version::parse(text).filter(|_| !text.contains('+')) else {
            return Err(refused("it does not end in a version in its one spelling"));
        };
        if version.is_pseudo() {
            return Err(refused(
                "versions like this stand for commits without a tag",
            ));
        }
        Ok(Self {
            folder,
            text,
            version,
        })
    }

    /// The element of a path for its major version, from version 2 on.
    fn major(&self) -> Option<String> {
        let major = self.version.major();
        (major > 1).then(|| format!("v{major}"))
    }

    /// The folder of its major version in that of its module.
    fn major_folder(&self) -> Option<String> {
        let major = self.major()?;
        Some(below(self.folder, &major))
    }
}

fn below(folder: &str, name: &str) -> String {
    match folder {
        "" => name.to_owned(),
        folder => format!("{folder}/{name}"),
    }
}

/// The module that a tag is of.
struct Found {
    module: String,
    version: String,
    folder: String,
    /// Its `go.mod`, if it has one.
    go_mod: Option<Vec<u8>>,
}

impl FromTag for ModuleTags {
    fn wanted(&self, tag: &str) -> Result<WantedFiles, Problem> {
        let tag = VersionTag::parse(tag)?;
        let mut files = vec![LICENSE.to_owned(), below(tag.folder, GO_MOD)];
        files.extend(tag.major_folder().map(|folder| below(&folder, GO_MOD)));
        Ok(WantedFiles {
            folder: tag.folder.to_owned(),
            files,
        })
    }

    fn version(&self, tagged: Tagged) -> Result<TaggedVersion, Problem> {
        let tag = VersionTag::parse(&tagged.tag)?;
        let files: Vec<Option<&[u8]>> = tagged.files.iter().map(Option::as_deref).collect();
        let file = |at: usize| files.get(at).copied().flatten();
        let found = find(&tag, [file(1), file(2)], tagged.package.as_deref())?;
        let licence = tagged.files.first().cloned().flatten();
        let licence = licence.filter(|_| !found.folder.is_empty());
        let tail = licence.clone().unwrap_or_default();
        let made = Made::of(&tagged.origin, tag.folder);
        let version = found.version.clone();
        Ok(TaggedVersion {
            version,
            request: PublishRequest {
                package: found.module.as_str().into(),
                verb: Verb::Write,
                action: Arc::new(TagUpload {
                    found,
                    licence,
                    made,
                }),
            },
            tail,
        })
    }
}

/// Finds the module of a tag: its `go.mod` is in its folder, or in the folder of its major version there.
fn find(
    tag: &VersionTag<'_>,
    [own, of_major]: [Option<&[u8]>; 2],
    asked: Option<&str>,
) -> Result<Found, Problem> {
    let version = &tag.version;
    let refused = |detail: String| Err(Problem::invalid("go.mod", detail));
    let path = |body: Option<&[u8]>| body.map(|body| module_path(body).unwrap_or_default());
    let (own_path, major_path) = (path(own), path(of_major));
    let is_right = |path: &Option<String>| {
        path.as_deref()
            .is_some_and(|path| version.is_major_of(path))
    };
    let place = if tag.folder.is_empty() {
        GO_MOD.to_owned()
    } else {
        below(tag.folder, GO_MOD)
    };
    let in_major = match (is_right(&own_path), is_right(&major_path)) {
        (true, true) => {
            let other = below(&tag.major_folder().unwrap_or_default(), GO_MOD);
            return refused(format!(
                "{place} and {other} are both of the major version of {}: one of them has to go",
                tag.text
            ));
        }
        (_, is_in_major) => is_in_major,
    };
    let (folder, body, path) = match (in_major, own_path) {
        (true, _) => (tag.major_folder().unwrap_or_default(), of_major, major_path),
        (false, path) => (tag.folder.to_owned(), own, path),
    };
    let Some((body, path)) = body.zip(path) else {
        return without_go_mod(tag, asked, &place);
    };
    if !version.is_major_of(&path) || !is_module_path(&path) {
        let of = match path.as_str() {
            "" => "names no module",
            path => path,
        };
        return refused(format!(
            "{place} of the tag is not that of a module of version {}: {of}; from version 2 on the \
             major version is the last element of the path",
            tag.text
        ));
    }
    if let Some(asked) = asked.filter(|asked| *asked != path) {
        return refused(format!(
            "{place} of the tag is that of {path}, and not of {asked}"
        ));
    }
    Ok(Found {
        module: path,
        version: tag.text.to_owned(),
        folder,
        go_mod: Some(body.to_vec()),
    })
}

/// The module of a repository without a `go.mod`, as they were before there were such.
fn without_go_mod(
    tag: &VersionTag<'_>,
    asked: Option<&str>,
    place: &str,
) -> Result<Found, Problem> {
    let refused = |detail: String| Err(Problem::invalid("go.mod", detail));
    if !tag.folder.is_empty() {
        return refused(format!("there is no {place} under this tag"));
    }
    let Some(module) = asked else {
        return refused(format!(
            "there is no {place} under this tag that tells the path of the module: say it as the package"
        ));
    };
    let major = split_major(module).filter(|_| is_module_path(module));
    let Some((_, major)) = major.filter(|(_, major)| !major.starts_with('/')) else {
        return refused(format!(
            "{module} needs a {place}, or is no path of a module"
        ));
    };
    let is_incompatible = major.is_empty() && tag.version.major() > 1;
    let version = if is_incompatible {
        format!("{}+{INCOMPATIBLE}", tag.text)
    } else {
        tag.text.to_owned()
    };
    Ok(Found {
        module: module.to_owned(),
        version,
        folder: String::new(),
        go_mod: None,
    })
}

/// Publishes what is made of the zip file of a folder in the body, with the licence behind it.
struct TagUpload {
    found: Found,
    licence: Option<bytes::Bytes>,
    made: Made,
}

impl TagUpload {
    fn tail_bytes(&self) -> u64 {
        self.licence.as_ref().map_or(0, |bytes| bytes.len() as u64)
    }
}

impl std::fmt::Debug for TagUpload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Found {
            module, version, ..
        } = &self.found;
        write!(f, "TagUpload({module}@{version})")
    }
}

impl Action for TagUpload {
    fn name(&self) -> &'static str {
        "publish a tag"
    }

    fn package_in(&self, _: &mut dyn Body, _: &PublishLimits) -> Result<Box<str>, Problem> {
        Ok(self.found.module.as_str().into())
    }

    fn max_body(&self, limits: &PublishLimits) -> BodyLimit {
        file_limit(limits).with_room(self.tail_bytes())
    }

    fn steps(
        &self,
        body: &mut dyn Body,
        files: &[StoredFile],
        _: &PublishLimits,
    ) -> Result<Vec<Step>, Problem> {
        let found = &self.found;
        let (module, version) = (&*found.module, &*found.version);
        let published = published((module, version), files)?;
        let size = body.seek(SeekFrom::End(0)).map_err(Problem::internal)?;
        let packed = size.saturating_sub(self.tail_bytes());
        let of_tree = |fault: crate::archive::Fault| fault.problem("tag", "what is under the tag");
        let language = found.go_mod.as_deref().and_then(ModFile::read);
        let language = language.and_then(|file| file.language.map(str::to_owned));
        let mut archive = Window::new(body, 0, packed);
        let sources = Sources::read(&mut archive, &found.folder, language.as_deref());
        let sources = sources.map_err(of_tree)?;
        let licence = self.licence.as_deref();
        let licence = licence.map(|bytes| Entry::stored(LICENSE.to_owned(), packed, bytes));
        let zip = ModuleZip::of_sources(sources, (module, version), licence).map_err(of_tree)?;
        let mut whole = Window::new(body, 0, size);
        let new = NewVersion {
            module,
            version,
            sum: zip.sum(&mut whole).map_err(of_tree)?,
            go_mod: match &found.go_mod {
                Some(go_mod) => go_mod.clone(),
                None => ModFile::only_path(module),
            },
            has_go_mod: zip.has_go_mod(),
            zip: Bytes::Joined(zip.pieces().map_err(of_tree)?),
            made: Some(self.made.clone()),
        };
        new.steps(published)
    }

    fn reply(&self) -> Reply {
        let text = format!("published {}@{}\n", self.found.module, self.found.version);
        Reply::new(StatusCode::CREATED).with_body(PLAIN_TEXT, text)
    }
}

#[cfg(test)]
mod tests;
