//! Distributions: their file names and their contents (packaging specifications, "Binary distribution
//! format" and "Source distribution format").

use super::metadata::{invalid, requires_python};
use super::names::{is_file, normalised};
use super::version::Version;
use crate::archive::tar::{Kind as EntryKind, Tar};
use crate::archive::window::Window;
use crate::archive::{Fault, Limits, has_control_characters, not_below, zip};
use crate::publishing::PublishLimits;
use flate2::read::MultiGzDecoder;
use larder_model::Problem;
use std::io::BufReader;

/// Limits of a distribution.
const fn limits_of(limits: &PublishLimits) -> Limits {
    Limits {
        entries: 100_000,
        path_bytes: 1024,
        unpacked: limits.unpacked,
        ratio: 100,
    }
}

const BUFFER_BYTES: usize = 64 << 10;

/// Endings of source archives that can be published.
const SOURCES: [&str; 2] = [".tar.gz", ".zip"];
/// Files without which no wheel can be installed.
const WHEEL_FILES: [&str; 3] = ["METADATA", "WHEEL", "RECORD"];

/// A kind of distribution.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Wheel,
    SourceTar,
    SourceZip,
}

/// The name of a distribution's file.
pub(super) struct Name<'f> {
    pub(super) kind: Kind,
    /// The name without its ending.
    stem: &'f str,
}

/// The identity of a distribution within its project, in any spelling: the version, and what a wheel
/// was built for.
#[derive(PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) version: Version,
    built_for: String,
}

/// The metadata of a distribution.
pub(super) struct Contents {
    pub(super) requires_python: Option<String>,
    /// The metadata file of a wheel.
    pub(super) metadata: Option<Vec<u8>>,
}

impl<'f> Name<'f> {
    /// Reads a file's name; `None` if it is not that of a distribution.
    pub(super) fn read(file: &'f str) -> Option<Self> {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"._+!-".contains(&byte);
        if !is_file(file) || !file.bytes().all(inner) {
            return None;
        }
        if let Some(stem) = file.strip_suffix(".whl") {
            return is_wheel(stem).then_some(Self {
                kind: Kind::Wheel,
                stem,
            });
        }
        let [tar, zip] = SOURCES.map(|end| file.strip_suffix(end));
        match (tar, zip) {
            (Some(stem), _) => Some(Self {
                kind: Kind::SourceTar,
                stem,
            }),
            (_, Some(stem)) => Some(Self {
                kind: Kind::SourceZip,
                stem,
            }),
            _ => None,
        }
    }

    /// Whether it is the name of a file of this version of the project.
    pub(super) fn is_of(&self, project: &str, version: &Version) -> bool {
        match self.kind {
            Kind::Wheel => {
                let mut fields = self.stem.split('-');
                fields
                    .next()
                    .is_some_and(|name| normalised(name) == project)
                    && fields
                        .next()
                        .and_then(Version::parse)
                        .is_some_and(|found| found == *version)
            }
            Kind::SourceTar | Kind::SourceZip => is_name_and_version(self.stem, project, version),
        }
    }

    /// The identity in the name; `None` if it is no file of the project.
    pub(super) fn identity(&self, project: &str) -> Option<Identity> {
        if self.kind == Kind::Wheel {
            let (_, rest) = self.stem.split_once('-')?;
            let (version, built_for) = rest.split_once('-')?;
            return Some(Identity {
                version: Version::parse(version)?,
                built_for: built_for.to_ascii_lowercase(),
            });
        }
        let mut splits = self
            .stem
            .match_indices('-')
            .filter(|(at, _)| normalised(&self.stem[..*at]) == project);
        let version = splits.find_map(|(at, _)| Version::parse(&self.stem[at + 1..]))?;
        Some(Identity {
            version,
            built_for: String::new(),
        })
    }

    /// The core metadata in the file. Fails if it has none of this version of the project.
    pub(super) fn core_metadata(
        &self,
        file: &mut Window<'_>,
        (project, version): (&str, &Version),
        limits: &PublishLimits,
    ) -> Result<Vec<u8>, Problem> {
        match self.kind {
            Kind::Wheel => wheel_metadata(file, (project, version), limits),
            Kind::SourceZip => zipped_info(file, (project, version), limits),
            Kind::SourceTar => tarred_info(file, (project, version), limits)
                .map_err(refusal)?
                .ok_or_else(no_info),
        }
    }

    /// Reads the file. Fails if it is not a distribution of this version of the project.
    pub(super) fn open(
        &self,
        file: &mut Window<'_>,
        of: (&str, &Version),
        limits: &PublishLimits,
    ) -> Result<Contents, Problem> {
        let metadata = self.core_metadata(file, of, limits)?;
        let requires_python = requires_python(&metadata, of, self.kind != Kind::Wheel)?;
        Ok(Contents {
            requires_python,
            metadata: (self.kind == Kind::Wheel).then_some(metadata),
        })
    }
}

/// Name, version, perhaps a build, and three sets of tags.
fn is_wheel(stem: &str) -> bool {
    let fields: Vec<&str> = stem.split('-').collect();
    let word = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let tags = |text: &&str| text.split('.').all(word);
    let (5 | 6) = fields.len() else { return false };
    let builds = &fields[2..fields.len() - 3];
    fields[0]
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"._".contains(&byte))
        && builds
            .iter()
            .all(|build| build.starts_with(|first: char| first.is_ascii_digit()))
        && fields[fields.len() - 3..].iter().all(tags)
}

/// The metadata of a wheel, in its one `.dist-info` folder.
fn wheel_metadata(
    file: &mut Window<'_>,
    (project, version): (&str, &Version),
    limits: &PublishLimits,
) -> Result<Vec<u8>, Problem> {
    let entries = zip::entries(file, &limits_of(limits)).map_err(refusal)?;
    let folder = |name: &str| {
        name.split('/')
            .next()
            .filter(|folder| folder.ends_with(".dist-info"))
            .map(str::to_owned)
    };
    let mut folders = entries.iter().filter_map(|entry| folder(&entry.name));
    let folder = folders
        .next()
        .ok_or_else(|| invalid("the wheel has no .dist-info folder"))?;
    if folders.any(|other| other != folder) {
        return Err(invalid("the wheel has two .dist-info folders"));
    }
    if !folder
        .strip_suffix(".dist-info")
        .is_some_and(|stem| is_name_and_version(stem, project, version))
    {
        return Err(invalid(
            "the wheel's .dist-info folder has another name or version",
        ));
    }
    let find = |file: &str| {
        let entry = entries
            .iter()
            .find(|entry| entry.name.strip_prefix(&*folder) == Some(&format!("/{file}")));
        entry.ok_or_else(|| invalid(format!("the wheel's .dist-info folder has no {file}")))
    };
    WHEEL_FILES
        .iter()
        .try_for_each(|file| find(file).map(|_| ()))?;
    zip::content(file, find(WHEEL_FILES[0])?, limits.metadata).map_err(refusal)
}

fn zipped_info(
    file: &mut Window<'_>,
    (project, version): (&str, &Version),
    limits: &PublishLimits,
) -> Result<Vec<u8>, Problem> {
    let entries = zip::entries(file, &limits_of(limits)).map_err(refusal)?;
    let mut infos = entries
        .iter()
        .filter(|entry| is_info(&entry.name, project, version));
    let info = infos.next().ok_or_else(no_info)?;
    if infos.next().is_some() {
        return Err(invalid("the source archive has two PKG-INFO files"));
    }
    zip::content(file, info, limits.metadata).map_err(refusal)
}

/// The metadata of a source archive that is a gzipped tar; `None` if it has none.
fn tarred_info(
    file: &mut Window<'_>,
    (project, version): (&str, &Version),
    limits: &PublishLimits,
) -> Result<Option<Vec<u8>>, Fault> {
    let length = file.length();
    let packed = BufReader::with_capacity(BUFFER_BYTES, file.stream(0, length)?);
    let archive_limits = limits_of(limits);
    let archive = Tar::new(MultiGzDecoder::new(packed), &archive_limits, length);
    let mut archive = archive.joining_slashes(); // old build tools wrote such names
    let mut info = None;
    while let Some(entry) = archive.next()? {
        if has_control_characters(&entry.path) {
            return Err(not_below(&entry.path));
        }
        if entry.kind != EntryKind::File || !is_info(&entry.path, project, version) {
            continue;
        }
        if info.is_some() {
            return Err(Fault::refused("has two entries of the same name"));
        }
        info = Some(archive.contents(&entry, limits.metadata)?);
    }
    Ok(info)
}

/// Whether a path is that of the metadata of a source archive.
fn is_info(name: &str, project: &str, version: &Version) -> bool {
    name.strip_suffix("/PKG-INFO").is_some_and(|folder| {
        !folder.contains('/') && is_name_and_version(folder, project, version)
    })
}

fn no_info() -> Problem {
    invalid("the source archive has no PKG-INFO in the folder of its name and version")
}

fn refusal(fault: Fault) -> Problem {
    fault.problem("upload", "the archive")
}

/// Whether text is the name of a project and a version of it, in any spelling.
fn is_name_and_version(stem: &str, project: &str, version: &Version) -> bool {
    stem.match_indices('-').any(|(at, _)| {
        normalised(&stem[..at]) == project
            && Version::parse(&stem[at + 1..]).is_some_and(|found| found == *version)
    })
}
