//! Source packages that are published: the description (`.dsc`) first, then the files that it names, as
//! programs send them. Lists name one once all its files are here.
//!
//! Each version has its files in a folder of its own, so that it comes, goes and is copied as a whole:
//! the archive of the upstream, which several versions have, is a file of each of them.

use super::description::{Description, Part};
use super::paths::{self, Upload};
use super::places::PoolPlace;
use super::published::PublishedSource;
use super::release::signed_text;
use super::stanzas::{Line, Lines};
use super::taken::{artifact_at, file_of, require_free};
use crate::publishing::{Bytes, Step, StoredFile};
use larder_model::{Digest, FileKind, Kind, Problem};

/// Artifacts of these files whose names say that they are of a kind.
fn published(files: &[StoredFile], upload: Upload) -> impl Iterator<Item = &StoredFile> {
    let is_it = move |file: &&StoredFile| {
        file.kind == FileKind::Artifact && Upload::of(file_of(&file.path)) == Some(upload)
    };
    files.iter().filter(is_it)
}

/// The descriptions that are published in a suite and a component.
fn descriptions<'a>(
    place: &PoolPlace<'_>,
    files: &'a [StoredFile],
) -> Result<Vec<(&'a StoredFile, PublishedSource)>, Problem> {
    let (suite, component) = (place.suite, place.component);
    let mut found = Vec::new();
    for file in published(files, Upload::Description) {
        let at = PoolPlace::of_published(&file.path)?;
        if (at.suite, at.component) == (suite, component) {
            found.push((file, PublishedSource::read(&file.metadata)?));
        }
    }
    Ok(found)
}

/// A step that adds a file of a source package at a path, and one that gives it its address.
fn add(path: String, version: &str, metadata: String, bytes: Bytes) -> [Step; 2] {
    let add = Step::Add {
        kind: FileKind::Artifact,
        version: version.to_owned(),
        content_type: paths::content_type(file_of(&path)),
        metadata,
        bytes,
        path: path.clone(),
    };
    let at = path.clone();
    [add, Step::AddAddress { path, at }]
}

/// Steps that publish a description, whose bytes of this digest and this size are the body. The files
/// that are here already, since another version or another suite has them, need not come again.
pub(super) fn add_description(
    path: &str,
    description: &Description,
    (digest, size): (Digest, u64),
    files: &[StoredFile],
) -> Result<Vec<Step>, Problem> {
    let place = PoolPlace::read(path)?;
    let name = description.file_name();
    if place.file != name {
        let detail = format!(
            "this source package is {name}: publish it at pool/{}/{}/{name}",
            place.suite, place.component
        );
        return Err(Problem::invalid("path", detail));
    }
    require_free(&name, digest, files)?;
    let folder = place.folder(&name);
    let version = description.version();
    let mut steps = Vec::new();
    let at = format!("{folder}{name}");
    if artifact_at(&at, files).is_none() {
        let published = PublishedSource::of(description);
        let metadata = serde_json::to_string(&published).map_err(Problem::internal)?;
        steps.extend(add(at, version, metadata, Bytes::Part(0, size)));
    }
    for part in &description.parts {
        let is_it = |file: &&StoredFile| file_of(&file.path) == part.name;
        let Some(there) = published(files, Upload::Part).find(is_it) else {
            continue;
        };
        if !part.is(there.digest, there.size) {
            let (name, at) = (&part.name, &there.path);
            let detail = format!(
                "{} names another {name} than the one that is published at {at}, which has SHA-256 {}: \
                 build it of that one, or publish another version",
                place.file,
                there.digest.hex()
            );
            return Err(Problem::new(Kind::Conflict, "package", detail));
        }
        let at = format!("{folder}{}", part.name);
        if artifact_at(&at, files).is_none() {
            let same = Bytes::Same(there.path.to_string());
            steps.extend(add(at, version, String::new(), same));
        }
    }
    Ok(steps)
}

/// Steps that publish a file of source packages, whose bytes of this digest and this size are the body:
/// it becomes a file of each that names it in this suite and component and lacks it.
pub(super) fn add_part(
    path: &str,
    (digest, size): (Digest, u64),
    files: &[StoredFile],
) -> Result<Vec<Step>, Problem> {
    let place = PoolPlace::read(path)?;
    let name = place.file;
    let named: Vec<_> = descriptions(&place, files)?
        .into_iter()
        .filter_map(|(file, source)| {
            let part = source.parts.into_iter().find(|part| part.name == name)?;
            Some((file, part))
        })
        .collect();
    if named.is_empty() {
        let detail = format!(
            "no source package in pool/{}/{} names {name}: send the .dsc that names it first, then its \
             files, as dput does",
            place.suite, place.component
        );
        return Err(Problem::new(Kind::Conflict, "package", detail));
    }
    if let Some((file, part)) = named.iter().find(|(_, part)| !part.is(digest, size)) {
        let detail = format!(
            "this is not the {name} that {} names: that has {} bytes and SHA-256 {}, and this {size} \
             bytes and SHA-256 {}",
            file_of(&file.path),
            part.size,
            part.sha256,
            digest.hex()
        );
        return Err(Problem::invalid("package", detail));
    }
    require_free(name, digest, files)?;
    let mut steps = Vec::new();
    for (file, _) in named {
        let at = format!("{}{name}", paths::split(&file.path).0);
        if artifact_at(&at, files).is_none() {
            let bytes = Bytes::Part(0, size);
            steps.extend(add(at, &file.version, String::new(), bytes));
        }
    }
    Ok(steps)
}

/// The files of a source package that are not here, whose description is this file.
fn lacking<'s>(
    file: &StoredFile,
    source: &'s PublishedSource,
    files: &[StoredFile],
) -> Vec<&'s Part> {
    let (folder, _) = paths::split(&file.path);
    let is_lacking = |part: &&Part| artifact_at(&format!("{folder}{}", part.name), files).is_none();
    source.parts.iter().filter(is_lacking).collect()
}

/// Fails unless all source packages are whole that a file names (`.changes`) which comes after them.
pub(super) fn require_whole(path: &str, body: &[u8], files: &[StoredFile]) -> Result<(), Problem> {
    let place = PoolPlace::read(path)?;
    let text = signed_text(body).unwrap_or_default();
    let named = named_in(&text);
    for (file, source) in descriptions(&place, files)? {
        let description = file_of(&file.path);
        let lacking = lacking(file, &source, files);
        if lacking.is_empty() || !named.iter().any(|name| *name == description) {
            continue;
        }
        let missing: Vec<&str> = lacking.iter().map(|part| &*part.name).collect();
        let detail = format!(
            "{description} names {}, which is not here: no list has it before. Send that, too \
             (dpkg-buildpackage -sa puts the upstream's archive among what is sent)",
            missing.join(", ")
        );
        return Err(Problem::new(Kind::Conflict, "package", detail));
    }
    Ok(())
}

/// The names in the last column of a file's lists.
fn named_in(text: &str) -> Vec<String> {
    let mut lines = Lines::new(Box::new(text.as_bytes()), text.len() as u64);
    let mut names = Vec::new();
    // What cannot be read names nothing: the package in it was read before.
    while let Ok(Some(line)) = lines.next() {
        if let Line::More(line) = line {
            names.extend(line.rsplit(' ').next().map(str::to_owned));
        }
    }
    names
}

/// The files that are deleted with the one at a path: of a source package all.
pub(super) fn deleted_with<'a>(
    path: &str,
    files: &'a [StoredFile],
) -> Result<Vec<&'a StoredFile>, Problem> {
    let there = artifact_at(path, files)
        .ok_or_else(|| Problem::not_found("package", format!("there is no {path} here")))?;
    let (folder, name) = paths::split(path);
    match Upload::of(name) {
        Some(Upload::Description) => {
            let is_of = |file: &&StoredFile| {
                file.kind == FileKind::Artifact && paths::split(&file.path).0 == folder
            };
            Ok(files.iter().filter(is_of).collect())
        }
        Some(Upload::Part) => {
            let detail = format!(
                "{name} is a file of a source package: delete its .dsc, and all its files go with it"
            );
            Err(Problem::new(Kind::Conflict, "package", detail))
        }
        _ => Ok(vec![there]),
    }
}

#[cfg(test)]
mod tests;
