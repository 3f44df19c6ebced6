//! A packed crate: a gzipped tar with one folder. Read as a stream, never unpacked to disk.

use super::index::{Dependency, invalid, requirement};
use flate2::read::GzDecoder;
use larder_model::Problem;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Component;

/// Files of a crate.
const MAX_ENTRIES: usize = 50_000;
/// A crate, unpacked.
const MAX_UNPACKED: u64 = 2 << 30;
/// A header that says more of the file after it, in bytes.
const MAX_HEADER: u64 = 64 * 1024;
/// A manifest in bytes.
const MAX_MANIFEST: u64 = 4 << 20;

/// What of a `Cargo.toml` an index line tells.
#[derive(Debug)]
pub(super) struct Manifest {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) links: Option<String>,
    pub(super) rust_version: Option<String>,
    pub(super) features: BTreeMap<String, Vec<String>>,
    /// In order.
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
    links: Option<String>,
    #[serde(rename = "rust-version")]
    rust_version: Option<String>,
}

#[derive(Deserialize, Default)]
struct Tables {
    #[serde(default)]
    dependencies: BTreeMap<String, Written>,
    #[serde(default, rename = "dev-dependencies", alias = "dev_dependencies")]
    dev: BTreeMap<String, Written>,
    #[serde(default, rename = "build-dependencies", alias = "build_dependencies")]
    build: BTreeMap<String, Written>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Short(String),
    Long(Box<Long>),
}

#[derive(Deserialize)]
struct Long {
    version: Option<String>,
    package: Option<String>,
    #[serde(default)]
    features: Vec<String>,
    #[serde(default)]
    optional: bool,
    #[serde(rename = "default-features", alias = "default_features")]
    default_features: Option<bool>,
}

fn unreadable(error: std::io::Error) -> Problem {
    invalid("the crate is not a gzipped tar").because(error)
}

/// Refuses headers of headers that would take much memory: the reader of archives takes them in
/// whole.
pub(super) fn measure(packed: &mut dyn Read) -> Result<(), Problem> {
    let mut archive = tar::Archive::new(GzDecoder::new(packed).take(MAX_UNPACKED));
    for entry in archive.entries().map_err(unreadable)?.raw(true) {
        let entry = entry.map_err(unreadable)?;
        let kind = entry.header().entry_type();
        let about_others = kind.is_pax_local_extensions()
            || kind.is_pax_global_extensions()
            || kind.is_gnu_longname()
            || kind.is_gnu_longlink();
        if about_others && entry.size() > MAX_HEADER {
            return Err(invalid(
                "the crate has a file with a name or header that is too long",
            ));
        }
    }
    Ok(())
}

/// The manifest of a packed crate whose one folder is `folder`. Everything in it is looked at.
pub(super) fn of_crate(packed: &mut dyn Read, folder: &str) -> Result<Manifest, Problem> {
    let mut archive = tar::Archive::new(GzDecoder::new(packed).take(MAX_UNPACKED));
    let (mut manifest, mut count, mut unpacked) = (None, 0, 0_u64);
    for entry in archive.entries().map_err(unreadable)? {
        let mut entry = entry.map_err(unreadable)?;
        count += 1;
        unpacked += entry.size();
        if count > MAX_ENTRIES || unpacked >= MAX_UNPACKED {
            return Err(invalid(
                "the crate has too many files, or is too large unpacked",
            ));
        }
        let kind = entry.header().entry_type();
        if !kind.is_file() && !kind.is_dir() {
            return Err(invalid("a crate holds files and folders only, no links"));
        }
        let path = entry.path().map_err(unreadable)?.into_owned();
        let mut parts = path.components();
        let first = parts.next();
        let below = parts
            .clone()
            .all(|part| matches!(part, Component::Normal(name) if name.to_str().is_some()));
        if first != Some(Component::Normal(folder.as_ref())) || !below {
            return Err(invalid(format!(
                "everything in the crate must be below {folder}/"
            )));
        }
        let name = parts.as_path().to_str().unwrap_or_default();
        if name.eq_ignore_ascii_case("Cargo.toml") {
            if name != "Cargo.toml" || manifest.is_some() {
                return Err(invalid(
                    "the crate has more than one Cargo.toml, or one that is spelled otherwise",
                ));
            }
            let mut text = String::new();
            let read = entry.by_ref().take(MAX_MANIFEST).read_to_string(&mut text);
            read.map_err(|error| invalid("the crate's Cargo.toml cannot be read").because(error))?;
            manifest = Some(read_manifest(&text)?);
        }
    }
    manifest.ok_or_else(|| invalid(format!("the crate has no {folder}/Cargo.toml")))
}

fn read_manifest(text: &str) -> Result<Manifest, Problem> {
    let file: File = toml::from_str(text)
        .map_err(|error| invalid(format!("the crate's Cargo.toml: {}", error.message())))?;
    let mut dependencies = Vec::new();
    let all = std::iter::once((None, file.tables))
        .chain(file.target.into_iter().map(|(name, at)| (Some(name), at)));
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
        links: file.package.links,
        rust_version: file.package.rust_version,
        features: file.features,
        dependencies,
    })
}

fn dependency(
    alias: String,
    written: Written,
    target: Option<String>,
    kind: &'static str,
) -> Result<Dependency, Problem> {
    let long = match written {
        Written::Long(long) => *long,
        Written::Short(version) => Long {
            version: Some(version),
            package: None,
            features: Vec::new(),
            optional: false,
            default_features: None,
        },
    };
    Ok(Dependency {
        package: long.package.unwrap_or_else(|| alias.clone()),
        alias,
        requirement: requirement(&long.version.unwrap_or_default())?,
        features: long.features.into_iter().collect(),
        optional: long.optional,
        default_features: long.default_features.unwrap_or(true),
        target,
        kind,
    })
}
