//! Paths of an archive: suites, what they name, packages; and the parts of their names.

use crate::Document;
use crate::names::FileName;
use crate::text;
use larder_model::{Algorithm, Digest};
use std::borrow::Cow;

/// Folders of a suite in which a file `Release` tells of that folder alone.
const MEMBER_FOLDERS: [&str; 4] = ["source", "i18n", "dep11", "cnf"];
/// How names of indexes begin, wherever they are.
const INDEXES: [&str; 6] = [
    "Packages",
    "Sources",
    "Contents-",
    "Translation-",
    "Components-",
    "Commands-",
];
/// Folders of one suite's name, such as `stable/updates`, in which it is looked for.
const MAX_SUITE_FOLDERS: usize = 4;

/// What a path is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place<'a> {
    /// The signed list of a suite, whose root is this folder.
    InRelease(&'a str),
    /// The same without its signature.
    Release(&'a str),
    /// That signature.
    Signature(&'a str),
    /// A file that the list of a suite may name.
    Member,
    /// A package, or a part of a source package.
    File,
}

/// The folder of a path, with a slash at its end, and the file's name.
pub(super) fn split(path: &str) -> (&str, &str) {
    let at = path.rfind('/').map_or(0, |at| at + 1);
    path.split_at(at)
}

/// The ending of a file's name, after its last dot; empty if there is none.
pub(super) fn ending(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, ending)| ending)
}

/// What a path is of.
pub(super) fn place(path: &str) -> Place<'_> {
    let (folder, name) = split(path);
    let (_, last) = split(folder.trim_end_matches('/'));
    let of_folder = last.starts_with("binary-") || MEMBER_FOLDERS.contains(&last);
    let is_suite = !(of_folder && archive(folder).is_some());
    let is_index = || INDEXES.iter().any(|begin| name.starts_with(begin)) || name == "Index";
    match name {
        "InRelease" => Place::InRelease(folder),
        "Release" if is_suite => Place::Release(folder),
        "Release.gpg" if is_suite => Place::Signature(folder),
        _ if is_package(name) => Place::File,
        _ if archive(folder).is_some() || by_hash(path).is_some() || is_index() => Place::Member,
        _ => Place::File,
    }
}

/// Whether a file's name is that of a package or of what describes a source package.
pub(super) fn is_package(name: &str) -> bool {
    matches!(ending(name), "deb" | "udeb" | "ddeb" | "dsc")
}

/// What a file is that is sent to be published.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Upload {
    /// A package.
    Package,
    /// What describes a source package.
    Description,
    /// A file that a source package is made of.
    Part,
    /// What programs send with packages, and nobody reads here.
    Beside,
}

impl Upload {
    /// What a file's name says that it is; `None`: nothing that can be published.
    pub(super) fn of(name: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".+~_-".contains(&byte);
        if !name.bytes().all(plain) {
            return None;
        }
        match ending(name) {
            "changes" | "buildinfo" => Some(Self::Beside),
            "deb" => architecture_of(name).map(|_| Self::Package),
            "dsc" => name.contains('_').then_some(Self::Description),
            _ => is_part(name).then_some(Self::Part),
        }
    }
}

/// Whether a file's name is that of a part of a source package: `hello_2.10.orig.tar.gz`,
/// `hello_2.10-3.debian.tar.xz`, `hello_2.10-3.diff.gz`, or the signature of such a part.
fn is_part(name: &str) -> bool {
    const TAR: [&str; 5] = ["gz", "xz", "bz2", "lzma", "zst"];
    let name = name.strip_suffix(".asc").unwrap_or(name);
    let Some((_, rest)) = name.split_once('_').filter(|(name, _)| !name.is_empty()) else {
        return false;
    };
    let Some((stem, packing)) = rest.rsplit_once('.') else {
        return false;
    };
    let is_of = |ending: &str| stem.strip_suffix(ending).is_some_and(|it| !it.is_empty());
    (is_of(".tar") && TAR.contains(&packing)) || (is_of(".diff") && packing == "gz")
}

/// The media type of a file.
pub(super) fn content_type(name: &str) -> &'static str {
    match ending(name) {
        "deb" | "udeb" | "ddeb" => "application/vnd.debian.binary-package",
        "gz" | "tgz" => "application/gzip",
        "xz" => "application/x-xz",
        "zst" => "application/zstd",
        "bz2" => "application/x-bzip2",
        "dsc" | "changes" | "buildinfo" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// The root of the archive whose suites are above a folder, and the folder below `dists/`; `None`: it
/// is not below such a folder.
pub(super) fn archive(folder: &str) -> Option<(&str, &str)> {
    const SUITES: &str = "/dists/";
    if let Some(below) = folder.strip_prefix(&SUITES[1..]) {
        return Some(("", below));
    }
    let at = folder.find(SUITES)?;
    Some((folder.get(..=at)?, folder.get(at + SUITES.len()..)?))
}

/// The folder and the digest in the path of a file that is named by its digest.
pub(super) fn by_hash(path: &str) -> Option<(&str, &str, &str)> {
    const WITHIN: &str = "by-hash/";
    let at = path.rfind(WITHIN)?;
    let folder = path.get(..at)?;
    let (algorithm, hex) = path.get(at + WITHIN.len()..)?.split_once('/')?;
    let is_hex = hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    ((folder.is_empty() || folder.ends_with('/')) && is_hex).then_some((folder, algorithm, hex))
}

/// The strong digest in such a path.
pub(super) fn digest_in(path: &str) -> Option<Digest> {
    let (_, algorithm, hex) = by_hash(path)?;
    let algorithm = match algorithm {
        "SHA256" => Algorithm::Sha256,
        "SHA512" => Algorithm::Sha512,
        _ => return None,
    };
    format!("{}:{hex}", algorithm.name()).parse().ok()
}

/// Where a file in a folder is that has a digest.
pub(super) fn path_by_hash(folder: &str, digest: &Digest) -> String {
    let algorithm = match digest.algorithm() {
        Algorithm::Sha256 => "SHA256",
        Algorithm::Sha512 => "SHA512",
    };
    format!("{folder}by-hash/{algorithm}/{}", digest.hex())
}

/// The lists of a suite at a root: with its signature in it, and beside it.
pub(super) fn heads(root: &str) -> [Document; 2] {
    ["InRelease", "Release"].map(|name| Document::new("", format!("{root}{name}")))
}

/// The roots of the suites that may name a file, the most likely first.
pub(super) fn roots_above(path: &str) -> Vec<&str> {
    let folder = by_hash(path).map_or_else(|| split(path).0, |(folder, ..)| folder);
    if let Some((archive, below)) = archive(folder) {
        let begin = archive.len() + "dists/".len();
        let ends = below.match_indices('/').take(MAX_SUITE_FOLDERS);
        return ends.filter_map(|(at, _)| path.get(..=begin + at)).collect();
    }
    let mut roots = vec![folder];
    while let Some(last) = roots.last().filter(|last| !last.is_empty()) {
        if roots.len() == MAX_SUITE_FOLDERS {
            break;
        }
        let (above, _) = split(last.trim_end_matches('/'));
        roots.push(above);
    }
    roots
}

/// The package's name in `name_version_arch.deb`, `name_version.dsc` and the like. Of a file of another
/// form the name without its ending.
pub(super) fn name_of(path: &str) -> &str {
    let (_, file) = split(path);
    if place(path) != Place::File {
        return "";
    }
    match file.split_once('_') {
        Some((name, _)) if !name.is_empty() => name,
        _ => file.split_once('.').map_or(file, |(stem, _)| stem),
    }
}

/// The version in the name of a file of a package, without its epoch; empty if there is none: `2.10-3` in
/// `hello_2.10-3_amd64.deb`, `hello_2.10-3.dsc` and `hello_2.10-3.debian.tar.xz`. Versions share the
/// archive of their upstream, so that is of `2.10`.
fn version_in(file: &str) -> &str {
    let Some((_, rest)) = file.split_once('_') else {
        return "";
    };
    if is_package(file) {
        let stem = rest.rsplit_once('.').map_or(rest, |(stem, _)| stem);
        return stem.split('_').next().unwrap_or_default();
    }
    let rest = rest.strip_suffix(".asc").unwrap_or(rest);
    let stem = rest.rsplit_once('.').map_or(rest, |(stem, _)| stem);
    let of = |ending: &str| stem.strip_suffix(ending);
    let stem = of(".tar").or_else(|| of(".diff")).unwrap_or(stem);
    // An upstream may have several archives: `hello_2.10.orig-data.tar.gz`.
    let end = stem.rfind(".orig").filter(|end| {
        let rest = &stem[end + ".orig".len()..];
        rest.is_empty() || rest.starts_with('-')
    });
    let stem = end.map_or(stem, |end| &stem[..end]);
    stem.strip_suffix(".debian").unwrap_or(stem)
}

/// What the path of a package, or of a file of a source package, tells of it; `None`: it is neither.
pub(super) fn file_name(path: &str) -> Option<FileName<'_>> {
    let (_, file) = split(path);
    let package = name_of(path);
    let is_file = is_package(file) || is_part(file);
    (is_file && !package.is_empty()).then(|| FileName {
        package,
        version: version_in(file),
    })
}

/// The version that a list has for a file, if the file's name tells another: lists know epochs. `listed`:
/// that of the package or of the source package.
pub(super) fn version_of(listed: &str, path: &str) -> Option<String> {
    const MAX_BYTES: usize = 200;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".+~:-".contains(&byte);
    if listed.is_empty() || listed.len() > MAX_BYTES || !listed.bytes().all(plain) {
        return None;
    }
    let named = file_name(path)?.version;
    let version = if is_package(split(path).1) {
        listed.to_owned()
    } else {
        let (epoch, _) = listed.split_once(':')?;
        format!("{epoch}:{named}")
    };
    (version != named).then_some(version)
}

/// Whether the files of a folder are differences of a list.
pub(super) fn has_differences(folder: &str) -> bool {
    folder.ends_with(".diff/")
}

/// The list that tells of the difference at a path; `None`: it is none.
pub(super) fn list_of_differences(path: &str) -> Option<String> {
    const LIST: &str = "Index";
    let (folder, name) = split(path);
    (has_differences(folder) && name != LIST).then(|| format!("{folder}{LIST}"))
}

/// The architecture in `name_version_arch.deb`.
pub(super) fn architecture_of(file: &str) -> Option<&str> {
    let (stem, _) = file.rsplit_once('.')?;
    let mut parts = stem.split('_').skip(2);
    parts.next().filter(|_| parts.next().is_none())
}

/// The address of a path, relative to the upstream's.
pub(super) fn url(path: &str) -> String {
    text::below(text::path(path))
}

/// A path without its `.` segments: `hello.deb` for `./hello.deb`, as flat repositories name their files.
pub(super) fn without_dots(path: &str) -> Cow<'_, str> {
    let is_dot = |part: &&str| *part == ".";
    if !path.split('/').any(|part| is_dot(&part)) {
        return Cow::Borrowed(path);
    }
    let kept: Vec<&str> = path.split('/').filter(|part| !is_dot(part)).collect();
    Cow::Owned(kept.join("/"))
}

/// Whether a path that a list names stays below the list's folder.
pub(super) fn is_plain(path: &str) -> bool {
    let is_name = |part: &str| !matches!(part, "" | "." | "..");
    !path.contains(|char: char| char.is_control() || matches!(char, '\\' | '%' | ';'))
        && path.split('/').all(is_name)
}

#[cfg(test)]
mod tests;
