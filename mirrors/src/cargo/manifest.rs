//! The `Cargo.toml` of a crate file, which is a gzipped tar archive with one folder.

use super::index::{Dependency, invalid, platform, requirement};
use crate::archive::tar::{Kind, Tar};
use crate::archive::{Fault, Limits};
use crate::publishing::PublishLimits;
use flate2::bufread::GzDecoder;
use larder_model::{Limit, Problem};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read};

/// Limits of a crate file.
const fn limits_of(limits: &PublishLimits) -> Limits {
    Limits {
        entries: 50_000,
        path_bytes: 4096,
        unpacked: limits.unpacked,
        ratio: 100,
    }
}

const BUFFER_BYTES: usize = 1 << 16;

/// The fields of a `Cargo.toml` that an index line has.
#[derive(Debug)]
pub(super) struct Manifest {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) description: Option<String>,
    pub(super) links: Option<String>,
    pub(super) rust_version: Option<String>,
    pub(super) features: BTreeMap<String, Vec<String>>,
    /// Sorted.
    pub(super) dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct File {
    package: Package,
    #[serde(default)]
    features: BTreeMap<String, Vec<String>>,
    #[serde(flatten)]
    tables: Tables,
    #[serde(default)]
    target: BTreeMap<String, Tables>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    description: Option<String>,
    links: Option<String>,
    #[serde(rename = "rust-version")]
    rust_version: Option<String>,
}

#[derive(Deserialize, Default)]
struct Tables {
    #[serde(default)]
    dependencies: BTreeMap<String, DependencyEntry>,
    #[serde(default, rename = "dev-dependencies", alias = "dev_dependencies")]
    dev: BTreeMap<String, DependencyEntry>,
    #[serde(default, rename = "build-dependencies", alias = "build_dependencies")]
    build: BTreeMap<String, DependencyEntry>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum DependencyEntry {
    Version(String),
    Table(Box<DependencyTable>),
}

#[derive(Deserialize)]
struct DependencyTable {
    version: Option<String>,
    package: Option<String>,
    #[serde(default)]
    features: Vec<String>,
    #[serde(default)]
    optional: bool,
    #[serde(rename = "default-features", alias = "default_features")]
    default_features: Option<bool>,
}

/// Reads the manifest of a crate file of `size` bytes whose only folder is `folder`. Checks every entry
/// of the archive.
pub(super) fn of_crate(
    packed: &mut dyn Read,
    (size, folder): (u64, &str),
    limits: &PublishLimits,
) -> Result<Manifest, Problem> {
    let unpacked = GzDecoder::new(BufReader::with_capacity(BUFFER_BYTES, packed));
    let archive_limits = limits_of(limits);
    let mut archive = Tar::new(unpacked, &archive_limits, size);
    let read = manifest_text(&mut archive, folder, limits.metadata).and_then(|text| {
        // Cargo reads one gzip member; other tools read all.
        let after = archive.into_inner().into_inner().fill_buf()?.len();
        let text = text.ok_or_else(|| Fault::refused(format!("has no {folder}/Cargo.toml")))?;
        if after == 0 {
            Ok(text)
        } else {
            Err(Fault::refused("has bytes after its end"))
        }
    });
    let text = read.map_err(|fault| fault.problem("crate", "the crate"))?;
    let text = String::from_utf8(text)
        .map_err(|error| invalid("the crate's Cargo.toml is not UTF-8").because(error))?;
    read_manifest(&text)
}

/// The bytes of the `Cargo.toml` of an archive; `None` if there is none.
fn manifest_text<R: Read>(
    archive: &mut Tar<'_, R>,
    folder: &str,
    limit: Limit,
) -> Result<Option<Vec<u8>>, Fault> {
    let mut manifest = None;
    while let Some(entry) = archive.next()? {
        if entry.kind == Kind::Link {
            return Err(Fault::refused(
                "contains a link; only files and folders are allowed",
            ));
        }
        let below = entry.path.strip_prefix(folder);
        let name = match below.and_then(|rest| rest.strip_prefix('/')) {
            Some(name) if !entry.has_dot_prefix => name,
            None if !entry.has_dot_prefix && below == Some("") => "",
            _ => {
                let detail = format!("has an entry outside of {folder}/");
                return Err(Fault::refused(detail));
            }
        };
        if !name.eq_ignore_ascii_case("Cargo.toml") {
            continue;
        }
        if name != "Cargo.toml" || manifest.is_some() {
            let detail = "has more than one Cargo.toml, or one that differs in case";
            return Err(Fault::refused(detail));
        }
        manifest = Some(archive.contents(&entry, limit)?);
    }
    Ok(manifest)
}

/// Parses a `Cargo.toml`.
fn read_manifest(text: &str) -> Result<Manifest, Problem> {
    let file: File = toml::from_str(text)
        .map_err(|error| invalid(format!("the crate's Cargo.toml: {}", error.message())))?;
    let mut dependencies = Vec::new();
    let all = std::iter::once((None, file.tables)).chain(
        file.target
            .into_iter()
            .map(|(name, at)| (Some(platform(&name)), at)),
    );
    for (target, tables) in all {
        for (kind, table) in [
            ("normal", tables.dependencies),
            ("dev", tables.dev),
            ("build", tables.build),
        ] {
            for (alias, written) in table {
                dependencies.push(dependency(alias, written, target.clone(), kind)?);
            }
        }
    }
    dependencies.sort();
    Ok(Manifest {
        name: file.package.name,
        version: file.package.version,
        description: file.package.description,
        links: file.package.links,
        rust_version: file.package.rust_version,
        features: file.features,
        dependencies,
    })
}

fn dependency(
    alias: String,
    written: DependencyEntry,
    target: Option<String>,
    kind: &'static str,
) -> Result<Dependency, Problem> {
    let table = match written {
        DependencyEntry::Table(table) => *table,
        DependencyEntry::Version(version) => DependencyTable {
            version: Some(version),
            package: None,
            features: Vec::new(),
            optional: false,
            default_features: None,
        },
    };
    Ok(Dependency {
        package: table.package.unwrap_or_else(|| alias.clone()),
        alias,
        requirement: requirement(&table.version.unwrap_or_default())?,
        features: table.features.into_iter().collect(),
        optional: table.optional,
        default_features: table.default_features.unwrap_or(true),
        target,
        kind,
    })
}
