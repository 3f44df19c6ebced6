//! A package as the three lists of a repository tell of it, as `createrepo_c` writes them: made
//! once, when it is published.

use super::item::location;
use super::package::{FileKind, Package, RELATIONS, Relation, is_primary};
use crate::text::html;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use larder_model::{Kind, Problem};
use serde::{Deserialize, Serialize};
use std::io::{Read as _, Write as _};

/// What a package has to tell in all lists is no longer.
const MAX_BYTES: u64 = 64 << 20;
/// Separates the parts: no text of XML has it.
const BETWEEN: char = '\0';

/// What is noted of a package that is published.
#[derive(Serialize, Deserialize)]
pub(super) struct PackageMetadata {
    /// `bash-5.2-1.x86_64`, as people name it.
    pub(super) nevra: String,
    /// Its parts of the lists, packed: paths of files take little room then.
    packed: String,
}

/// A package's parts of the lists.
pub(super) struct Description {
    /// Of `primary`: what stands before the moment of publication, and what comes after it.
    pub(super) primary: [String; 2],
    pub(super) filelists: String,
    pub(super) other: String,
}

impl PackageMetadata {
    pub(super) fn of(package: &Package, path: &str) -> Result<Self, Problem> {
        let Description {
            primary: [before, after],
            filelists,
            other,
        } = Description::of(package, path);
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        let all = [before, after, filelists, other].join(&BETWEEN.to_string());
        if all.len() as u64 > MAX_BYTES {
            let detail =
                "it has too much to tell: its part of the lists would have more than 64 MiB";
            return Err(Problem::new(Kind::TooLarge, "package", detail));
        }
        encoder
            .write_all(all.as_bytes())
            .map_err(Problem::internal)?;
        let packed = STANDARD.encode(encoder.finish().map_err(Problem::internal)?);
        Ok(Self {
            nevra: format!("{}-{}", package.nevra.name, package.nevra.edition()),
            packed,
        })
    }

    pub(super) fn read(text: &str) -> Result<Self, Problem> {
        serde_json::from_str(text).map_err(Problem::internal)
    }

    pub(super) fn description(&self) -> Result<Description, Problem> {
        let packed = STANDARD.decode(&self.packed).map_err(Problem::internal)?;
        let mut text = String::new();
        GzDecoder::new(&packed[..])
            .take(MAX_BYTES)
            .read_to_string(&mut text)
            .map_err(Problem::internal)?;
        let mut parts = text.split(BETWEEN).map(str::to_owned);
        let mut next = || {
            parts
                .next()
                .ok_or_else(|| Problem::internal("a package's description lacks a part"))
        };
        Ok(Description {
            primary: [next()?, next()?],
            filelists: next()?,
            other: next()?,
        })
    }
}

/// Text that stands in XML, without what cannot stand there.
fn xml(text: &str) -> String {
    let fits = |char: &char| !char.is_control() || matches!(char, '\n' | '\t');
    let sound: String = text
        .chars()
        .filter(fits)
        .filter(|char| !matches!(char, '\u{fffe}' | '\u{ffff}'))
        .collect();
    html(&sound)
}

fn element(name: &str, text: &str) -> String {
    if text.is_empty() {
        format!("  <{name}/>\n")
    } else {
        format!("  <{name}>{}</{name}>\n", xml(text))
    }
}

impl Description {
    fn of(package: &Package, path: &str) -> Self {
        let nevra = &package.nevra;
        let (name, arch) = (xml(&nevra.name), xml(&nevra.arch));
        let version = format!(
            "<version epoch=\"{}\" ver=\"{}\" rel=\"{}\"/>",
            nevra.epoch,
            xml(&nevra.version),
            xml(&nevra.release)
        );
        let begin = format!(
            "<package pkgid=\"{}\" name=\"{name}\" arch=\"{arch}\">\n  {version}\n",
            package.digest.hex()
        );
        let files: String = package
            .files
            .iter()
            .map(|(path, kind)| file(path, *kind))
            .collect();
        let changes: String = package.changes.iter().map(change).collect();
        let head = format!(
            "<package type=\"rpm\">\n  <name>{name}</name>\n  <arch>{arch}</arch>\n  {version}\n  \
             <checksum type=\"sha256\" pkgid=\"YES\">{}</checksum>\n{}{}{}{}  <time file=\"",
            package.digest.hex(),
            element("summary", &package.summary),
            element("description", &package.description),
            element("packager", &package.packager),
            element("url", &package.url),
        );
        Self {
            primary: [head, tail(package, path)],
            filelists: format!("{begin}{files}</package>\n"),
            other: format!("{begin}{changes}</package>\n"),
        }
    }
}

/// What follows the moment at which the file came here.
fn tail(package: &Package, path: &str) -> String {
    let [license, vendor, group, host, source] = &package.plain;
    let mut text = format!(
        "\" build=\"{}\"/>\n  <size package=\"{}\" installed=\"{}\" archive=\"{}\"/>\n  <location href=\"{}\"/>\n  <format>\n",
        package.build_time,
        package.size,
        package.installed_size,
        package.archive_size,
        xml(&location(path)),
    );
    let named = [
        ("license", license),
        ("vendor", vendor),
        ("group", group),
        ("buildhost", host),
        ("sourcerpm", source),
    ];
    for (name, value) in named {
        text += &element(&format!("rpm:{name}"), value);
    }
    let (start, end) = package.header_range;
    text += &format!("  <rpm:header-range start=\"{start}\" end=\"{end}\"/>\n");
    for ((kind, _), relations) in RELATIONS.into_iter().zip(&package.relations) {
        if !relations.is_empty() {
            let entries: String = relations.iter().map(entry).collect();
            text += &format!("  <rpm:{kind}>\n{entries}  </rpm:{kind}>\n");
        }
    }
    text.extend(
        package
            .files
            .iter()
            .filter(|(path, _)| is_primary(path))
            .map(|(path, kind)| file(path, *kind)),
    );
    text + "  </format>\n</package>\n"
}

fn entry(relation: &Relation) -> String {
    let mut text = format!("    <rpm:entry name=\"{}\"", xml(&relation.name));
    if !relation.flags.is_empty() {
        text += &format!(" flags=\"{}\"", relation.flags);
        for (name, value) in ["epoch", "ver", "rel"].into_iter().zip(&relation.evr) {
            if !value.is_empty() {
                text += &format!(" {name}=\"{}\"", xml(value));
            }
        }
    }
    text + if relation.pre {
        " pre=\"1\"/>\n"
    } else {
        "/>\n"
    }
}

fn file(path: &str, kind: FileKind) -> String {
    let kind = match kind {
        FileKind::Plain => "",
        FileKind::Directory => " type=\"dir\"",
        FileKind::Ghost => " type=\"ghost\"",
    };
    format!("  <file{kind}>{}</file>\n", xml(path))
}

fn change((author, time, text): &(String, u64, String)) -> String {
    format!(
        "  <changelog author=\"{}\" date=\"{time}\">{}</changelog>\n",
        xml(author),
        xml(text)
    )
}
