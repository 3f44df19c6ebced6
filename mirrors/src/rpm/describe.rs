//! A package's elements of the three lists, as `createrepo_c` writes them. They are written once, when
//! the package is published.

use super::item::location;
use super::package::{FileKind, Nevra, Package, RELATIONS, Relation, is_primary};
use crate::xml::XmlWriter;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use larder_model::{Kind, Problem};
use serde::{Deserialize, Serialize};
use std::io::{self, Read as _, Write as _};

/// The elements of one package, together.
const MAX_BYTES: u64 = 64 << 20;
/// The separator of the parts, which XML does not allow.
const BETWEEN: char = '\0';

/// The metadata of a published package in the store.
#[derive(Serialize, Deserialize)]
pub(super) struct PackageMetadata {
    /// `bash-5.2-1.x86_64`.
    pub(super) nevra: String,
    /// Its elements, compressed.
    packed: String,
}

/// A package's elements of the lists.
pub(super) struct Description {
    /// The element of `primary`, before and after the time of publication.
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
        } = Description::of(package, path).map_err(Problem::internal)?;
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        let all = [before, after, filelists, other].join(&BETWEEN.to_string());
        if all.len() as u64 > MAX_BYTES {
            let detail =
                "its metadata is too large: its elements in the lists would have more than 64 MiB";
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

/// The text before the time of publication.
const TIME: &str = "<time file=\"";

impl Description {
    fn of(package: &Package, path: &str) -> io::Result<Self> {
        let primary = primary(package, path)?;
        let (before, after) = primary
            .split_once(TIME)
            .ok_or_else(|| io::Error::other("a description without a time"))?;
        let primary = [format!("{before}{TIME}"), after.to_owned()];
        let filelists = entry_of(package, |xml| {
            let mut files = package.files.iter();
            files.try_for_each(|(path, kind)| file(xml, path, *kind))
        })?;
        let other = entry_of(package, |xml| {
            let mut changes = package.changes.iter();
            changes.try_for_each(|(author, time, text)| {
                let date = time.to_string();
                let attributes = [("author", author.as_str()), ("date", &date)];
                xml.element(2, "changelog", &attributes, text)
            })
        })?;
        Ok(Self {
            primary,
            filelists,
            other,
        })
    }
}

/// A package's element of `filelists` or `other`.
fn entry_of(
    package: &Package,
    contents: impl FnOnce(&mut XmlWriter) -> io::Result<()>,
) -> io::Result<String> {
    let (nevra, id) = (&package.nevra, package.digest.hex());
    let attributes = [
        ("pkgid", &*id),
        ("name", &nevra.name),
        ("arch", &nevra.arch),
    ];
    let mut xml = XmlWriter::new();
    xml.open(0, "package", &attributes)?;
    version(&mut xml, nevra)?;
    contents(&mut xml)?;
    xml.close(0, "package")?;
    xml.end()
}

/// A package's element of `primary`, without the time at which its file was published.
fn primary(package: &Package, path: &str) -> io::Result<String> {
    let (nevra, id) = (&package.nevra, package.digest.hex());
    let mut xml = XmlWriter::new();
    xml.open(0, "package", &[("type", "rpm")])?;
    xml.element(2, "name", &[], &nevra.name)?;
    xml.element(2, "arch", &[], &nevra.arch)?;
    version(&mut xml, nevra)?;
    let checksum = [("type", "sha256"), ("pkgid", "YES")];
    xml.element(2, "checksum", &checksum, &id)?;
    for (name, text) in [
        ("summary", &package.summary),
        ("description", &package.description),
        ("packager", &package.packager),
        ("url", &package.url),
    ] {
        xml.element(2, name, &[], text)?;
    }
    let [built, size, installed, archive] = [
        package.build_time,
        package.size,
        package.installed_size,
        package.archive_size,
    ]
    .map(|number| number.to_string());
    xml.element(2, "time", &[("file", ""), ("build", &built)], "")?;
    let sizes = [
        ("package", &*size),
        ("installed", &installed),
        ("archive", &archive),
    ];
    xml.element(2, "size", &sizes, "")?;
    xml.element(2, "location", &[("href", &location(path))], "")?;
    format(&mut xml, package)?;
    xml.close(0, "package")?;
    xml.end()
}

fn version(xml: &mut XmlWriter, nevra: &Nevra) -> io::Result<()> {
    let epoch = nevra.epoch.to_string();
    let version = [
        ("epoch", &*epoch),
        ("ver", &nevra.version),
        ("rel", &nevra.release),
    ];
    xml.element(2, "version", &version, "")
}

/// The `format` element, which is specific to rpm.
fn format(xml: &mut XmlWriter, package: &Package) -> io::Result<()> {
    let [license, vendor, group, host, source] = &package.plain;
    xml.open(2, "format", &[])?;
    for (name, text) in [
        ("rpm:license", license),
        ("rpm:vendor", vendor),
        ("rpm:group", group),
        ("rpm:buildhost", host),
        ("rpm:sourcerpm", source),
    ] {
        xml.element(2, name, &[], text)?;
    }
    let (start, end) = package.header_range;
    let range = [("start", &*start.to_string()), ("end", &end.to_string())];
    xml.element(2, "rpm:header-range", &range, "")?;
    for ((kind, _), relations) in RELATIONS.into_iter().zip(&package.relations) {
        if relations.is_empty() {
            continue;
        }
        let name = format!("rpm:{kind}");
        xml.open(2, &name, &[])?;
        relations
            .iter()
            .try_for_each(|relation| entry(xml, relation))?;
        xml.close(2, &name)?;
    }
    let files = package.files.iter();
    let mut own = files.filter(|(path, _)| is_primary(path));
    own.try_for_each(|(path, kind)| file(xml, path, *kind))?;
    xml.close(2, "format")
}

fn entry(xml: &mut XmlWriter, relation: &Relation) -> io::Result<()> {
    let mut attributes = vec![("name", &*relation.name)];
    if !relation.flags.is_empty() {
        attributes.push(("flags", relation.flags));
        let parts = ["epoch", "ver", "rel"].into_iter().zip(&relation.evr);
        let given = parts.filter(|(_, value)| !value.is_empty());
        attributes.extend(given.map(|(name, value)| (name, &**value)));
    }
    if relation.pre {
        attributes.push(("pre", "1"));
    }
    xml.element(4, "rpm:entry", &attributes, "")
}

fn file(xml: &mut XmlWriter, path: &str, kind: FileKind) -> io::Result<()> {
    let kind: &[_] = match kind {
        FileKind::Plain => &[],
        FileKind::Directory => &[("type", "dir")],
        FileKind::Ghost => &[("type", "ghost")],
    };
    xml.element(2, "file", kind, path)
}
