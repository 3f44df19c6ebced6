//! The metadata of an rpm.

use super::header::{Front, Header, bad};
use super::integrity::{ARCHIVE_SIZE, check_header, check_payload};
use super::paths;
use crate::publishing::Body;
use larder_model::{Digest, Problem};

/// Limit on the entries of a changelog in lists.
const MAX_CHANGES: usize = 10;
const MAX_NAME_BYTES: usize = 200;
/// Limit on the length of a path: that of Linux.
const MAX_PATH_BYTES: usize = 4096;
/// Limit on the length of all paths. Files have the numbers of their directories, so that a small
/// header could make a large list.
const MAX_PATHS_BYTES: usize = 64 << 20;

/// Tags of the header.
pub(super) mod tag {
    pub(in crate::rpm) const NAME: u32 = 1000;
    pub(in crate::rpm) const VERSION: u32 = 1001;
    pub(in crate::rpm) const RELEASE: u32 = 1002;
    pub(in crate::rpm) const EPOCH: u32 = 1003;
    pub(in crate::rpm) const SUMMARY: u32 = 1004;
    pub(in crate::rpm) const DESCRIPTION: u32 = 1005;
    pub(in crate::rpm) const BUILD_TIME: u32 = 1006;
    pub(in crate::rpm) const BUILD_HOST: u32 = 1007;
    pub(in crate::rpm) const SIZE: [u32; 2] = [1009, 5009];
    pub(in crate::rpm) const VENDOR: u32 = 1011;
    pub(in crate::rpm) const LICENSE: u32 = 1014;
    pub(in crate::rpm) const PACKAGER: u32 = 1015;
    pub(in crate::rpm) const GROUP: u32 = 1016;
    pub(in crate::rpm) const URL: u32 = 1020;
    pub(in crate::rpm) const ARCH: u32 = 1022;
    pub(in crate::rpm) const OLD_FILE_NAMES: u32 = 1027;
    pub(in crate::rpm) const FILE_MODES: u32 = 1030;
    pub(in crate::rpm) const FILE_FLAGS: u32 = 1037;
    pub(in crate::rpm) const SOURCE_RPM: u32 = 1044;
    pub(in crate::rpm) const CHANGE_TIMES: u32 = 1080;
    pub(in crate::rpm) const CHANGE_NAMES: u32 = 1081;
    pub(in crate::rpm) const CHANGE_TEXTS: u32 = 1082;
    pub(in crate::rpm) const DIRECTORY_INDEXES: u32 = 1116;
    pub(in crate::rpm) const BASE_NAMES: u32 = 1117;
    pub(in crate::rpm) const DIRECTORIES: u32 = 1118;
}

/// Kinds of relations in the order of `primary`, with their tags of names, flags and versions.
pub(super) const RELATIONS: [(&str, [u32; 3]); 8] = [
    ("provides", [1047, 1112, 1113]),
    ("requires", [1049, 1048, 1050]),
    ("conflicts", [1054, 1053, 1055]),
    ("obsoletes", [1090, 1114, 1115]),
    ("suggests", [5049, 5051, 5050]),
    ("enhances", [5055, 5057, 5056]),
    ("recommends", [5046, 5048, 5047]),
    ("supplements", [5052, 5054, 5053]),
];

/// A package's name, epoch, version, release and architecture.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Nevra {
    pub(super) name: String,
    pub(super) epoch: u64,
    pub(super) version: String,
    pub(super) release: String,
    pub(super) arch: String,
}

impl Nevra {
    /// Everything but the name: `epoch:version-release.arch`.
    pub(super) fn edition(&self) -> String {
        let epoch = self.epoch.to_string();
        paths::edition([&epoch, &self.version, &self.release], &self.arch)
    }
}

/// A capability that a package requires, provides, conflicts with …
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Relation {
    pub(super) name: String,
    /// `EQ`, `LT`, …; empty: any version.
    pub(super) flags: &'static str,
    /// Epoch, version and release; empty if absent.
    pub(super) evr: [String; 3],
    /// Whether it is needed before the package is installed.
    pub(super) pre: bool,
}

/// The kind of a file of a package.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FileKind {
    Plain,
    Directory,
    Ghost,
}

/// An entry of the changelog: author, time, text.
pub(super) type Change = (String, u64, String);

/// The metadata of a package that lists have.
pub(super) struct Package {
    pub(super) nevra: Nevra,
    /// The digest of the whole file.
    pub(super) digest: Digest,
    pub(super) size: u64,
    pub(super) installed_size: u64,
    pub(super) archive_size: u64,
    pub(super) header_range: (u64, u64),
    pub(super) build_time: u64,
    pub(super) summary: String,
    pub(super) description: String,
    pub(super) packager: String,
    pub(super) url: String,
    /// License, vendor, group, build host, source rpm.
    pub(super) plain: [String; 5],
    /// In the order of [`RELATIONS`].
    pub(super) relations: Vec<Vec<Relation>>,
    pub(super) files: Vec<(String, FileKind)>,
    pub(super) changes: Vec<Change>,
}

impl Package {
    /// Reads an rpm and checks the digests in it.
    pub(super) fn read(body: &mut dyn Body) -> Result<Self, Problem> {
        // The digests are checked before anything in the header is used.
        let front = Front::read(body)?;
        check_header(&front)?;
        let (digest, size) = check_payload(&front, body)?;
        let header = &front.header;
        let nevra = nevra(header)?;
        let files = files(header)?;
        let text = |tag| header.text(tag);
        let plain = [
            tag::LICENSE,
            tag::VENDOR,
            tag::GROUP,
            tag::BUILD_HOST,
            tag::SOURCE_RPM,
        ];
        Ok(Self {
            digest,
            size,
            installed_size: header.first_number(tag::SIZE)?.unwrap_or_default(),
            archive_size: front
                .signature
                .first_number(ARCHIVE_SIZE)?
                .unwrap_or_default(),
            header_range: front.range,
            build_time: header.number(tag::BUILD_TIME)?.unwrap_or_default(),
            summary: text(tag::SUMMARY)?,
            description: text(tag::DESCRIPTION)?,
            packager: text(tag::PACKAGER)?,
            url: text(tag::URL)?,
            plain: [
                text(plain[0])?,
                text(plain[1])?,
                text(plain[2])?,
                text(plain[3])?,
                text(plain[4])?,
            ],
            relations: relations(header, &files)?,
            changes: changes(header)?,
            files,
            nevra,
        })
    }
}

fn nevra(header: &Header) -> Result<Nevra, Problem> {
    let part = |tag, what: &str, odd: &[u8]| {
        let text = header.text(tag)?;
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || odd.contains(&byte);
        let sound = !text.is_empty() && text.len() <= MAX_NAME_BYTES && text.bytes().all(fits);
        let begins = text
            .bytes()
            .next()
            .is_some_and(|first| first.is_ascii_alphanumeric() || first == b'_');
        if sound && begins {
            Ok(text)
        } else {
            Err(bad(&format!("its {what} is missing or has odd characters")))
        }
    };
    let arch = part(tag::ARCH, "architecture", b"_")?;
    let epoch = header.number(tag::EPOCH)?.unwrap_or_default();
    Ok(Nevra {
        name: part(tag::NAME, "name", b"._+-")?,
        epoch,
        version: part(tag::VERSION, "version", b"._+~^")?,
        release: part(tag::RELEASE, "release", b"._+~^")?,
        // A package without the name of a source package is a source package.
        arch: if header.has(tag::SOURCE_RPM) {
            arch
        } else {
            "src".to_owned()
        },
    })
}

/// The files of a package, and what they are.
pub(super) fn files(header: &Header) -> Result<Vec<(String, FileKind)>, Problem> {
    const TYPE: u64 = 0o170_000;
    const DIRECTORY: u64 = 0o040_000;
    const GHOST: u64 = 1 << 6;
    let uneven = || bad("its lists of files differ in length, or are too long");
    // A path is a directory's number and a name; in old packages it is one string.
    let names = header.texts(tag::BASE_NAMES)?;
    let paths = if names.is_empty() {
        header.texts(tag::OLD_FILE_NAMES)?
    } else {
        let (directories, indexes) = (
            header.texts(tag::DIRECTORIES)?,
            header.numbers(tag::DIRECTORY_INDEXES)?,
        );
        let mut left = MAX_PATHS_BYTES;
        let join = |(name, index): (&String, &u64)| {
            let directory = directories.get(usize::try_from(*index).ok()?)?;
            let length =
                Some(directory.len() + name.len()).filter(|length| *length <= MAX_PATH_BYTES)?;
            left = left.checked_sub(length)?;
            Some(format!("{directory}{name}"))
        };
        let paths: Option<Vec<String>> = names.iter().zip(&indexes).map(join).collect();
        paths
            .filter(|paths| paths.len() == names.len())
            .ok_or_else(uneven)?
    };
    // Modes and flags give the kind of each file.
    let (modes, flags) = (
        header.numbers(tag::FILE_MODES)?,
        header.numbers(tag::FILE_FLAGS)?,
    );
    if modes.len() != paths.len() || flags.len() != paths.len() {
        return Err(uneven());
    }
    let kind = |mode: u64, flags: u64| match () {
        () if mode & TYPE == DIRECTORY => FileKind::Directory,
        () if flags & GHOST != 0 => FileKind::Ghost,
        () => FileKind::Plain,
    };
    let kinds = modes
        .into_iter()
        .zip(flags)
        .map(|(mode, flags)| kind(mode, flags));
    Ok(paths.into_iter().zip(kinds).collect())
}

/// Whether `primary` lists a file: other packages require such files by their paths.
pub(super) fn is_primary(path: &str) -> bool {
    path.starts_with("/etc/") || path.contains("bin/") || path == "/usr/lib/sendmail"
}

/// What a package needs and gives, in the order of [`RELATIONS`].
pub(super) fn relations(
    header: &Header,
    files: &[(String, FileKind)],
) -> Result<Vec<Vec<Relation>>, Problem> {
    let mut all: Vec<Vec<Relation>> = Vec::with_capacity(RELATIONS.len());
    for (kind, [names, flags, versions]) in RELATIONS {
        let (names, flags) = (header.texts(names)?, header.numbers(flags)?);
        let versions = header.texts(versions)?;
        if names.len() != flags.len() || names.len() != versions.len() {
            return Err(bad("its lists of dependencies differ in length"));
        }
        let read = names.into_iter().zip(flags).zip(versions);
        let read = read
            .map(|((name, flags), version)| relation(name, flags, &version, kind == "requires"));
        all.push(match kind {
            "requires" => needed(read.collect(), &all[0], files),
            _ => read.collect(),
        });
    }
    Ok(all)
}

fn relation(name: String, flags: u64, version: &str, required: bool) -> Relation {
    /// `PREREQ`, `SCRIPT_PRE`, `SCRIPT_POST`.
    const PRE: u64 = 1 << 6 | 1 << 9 | 1 << 10;
    let sense = match flags & 0b1110 {
        0b0010 => "LT",
        0b0100 => "GT",
        0b1000 => "EQ",
        0b1010 => "LE",
        0b1100 => "GE",
        _ => "",
    };
    Relation {
        name,
        flags: sense,
        evr: evr(version),
        pre: required && flags & PRE != 0,
    }
}

/// `1:2.0-3` in its parts.
fn evr(text: &str) -> [String; 3] {
    if text.is_empty() {
        return Default::default();
    }
    let (epoch, rest) = text.split_once(':').unwrap_or(("0", text));
    let (version, release) = rest.split_once('-').unwrap_or((rest, ""));
    [epoch, version, release].map(str::to_owned)
}

/// The capabilities that other packages must provide, each once. Those of rpm itself and those that
/// this package provides are left out.
fn needed(
    all: Vec<Relation>,
    provided: &[Relation],
    files: &[(String, FileKind)],
) -> Vec<Relation> {
    use std::collections::HashSet;
    type Key<'a> = (&'a str, &'a str, &'a [String; 3]);
    let key = |relation: &Relation| {
        (
            relation.name.clone(),
            relation.flags,
            relation.evr.clone(),
            relation.pre,
        )
    };
    let provided: HashSet<Key<'_>> = provided
        .iter()
        .map(|relation| (&*relation.name, relation.flags, &relation.evr))
        .collect();
    let own: HashSet<&str> = files
        .iter()
        .map(|(path, _)| &**path)
        .filter(|path| is_primary(path))
        .collect();
    let mut seen = HashSet::new();
    let wanted = |relation: &Relation| {
        !relation.name.starts_with("rpmlib(")
            && !own.contains(&*relation.name)
            && !provided.contains(&(&*relation.name, relation.flags, &relation.evr))
            && seen.insert(key(relation))
    };
    let mut all = all;
    all.retain(wanted);
    all
}

/// The latest changes, the oldest first. No two have the same time, as clients sort by it.
fn changes(header: &Header) -> Result<Vec<Change>, Problem> {
    let (times, names) = (
        header.numbers(tag::CHANGE_TIMES)?,
        header.texts(tag::CHANGE_NAMES)?,
    );
    let texts = header.texts(tag::CHANGE_TEXTS)?;
    if times.len() != names.len() || times.len() != texts.len() {
        return Err(bad("its lists of changes differ in length"));
    }
    let all = names
        .into_iter()
        .zip(times)
        .zip(texts)
        .map(|((name, time), text)| (name, time, text));
    let mut changes: Vec<Change> = all.take(MAX_CHANGES).collect();
    changes.reverse();
    let mut last: Option<(u64, u64)> = None;
    for (_, time, _) in &mut changes {
        let original = *time;
        if let Some((before, made)) = last
            && before == original
        {
            *time = made + 1;
        }
        last = Some((original, *time));
    }
    Ok(changes)
}
