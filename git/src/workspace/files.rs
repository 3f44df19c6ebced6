//! The files of a folder that git takes for a repository.

use crate::oid::ObjectFormat;
use crate::refs::RefName;
use crate::state::{Pack, State};
use std::collections::HashSet;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The file that tells of which repository a folder is.
pub(super) const NAME: &str = "larder-name";
/// The file that tells of how many bytes of packs a folder has bitmaps.
pub(super) const INDEXED: &str = "larder-indexed";
/// The index of all packs, which comes with bitmaps.
pub(super) const INDEX: &str = "multi-pack-index";

/// Where a pack or its index is in a folder.
pub(super) fn pack_file(folder: &Path, pack: &Pack, end: &str) -> PathBuf {
    folder.join(format!("objects/pack/pack-{}.{end}", pack.name))
}

/// Makes a folder that git takes for a repository (gitrepository-layout).
pub(super) fn begin(folder: &Path, name: &str, format: ObjectFormat) -> io::Result<()> {
    std::fs::create_dir_all(folder.join("objects/pack"))?;
    std::fs::create_dir_all(folder.join("refs"))?;
    replace(&folder.join(NAME), name.as_bytes())?;
    let version = match format {
        ObjectFormat::Sha1 => "\trepositoryformatversion = 0\n",
        ObjectFormat::Sha256 => "\trepositoryformatversion = 1\n",
    };
    let mut config = format!("[core]\n{version}\tbare = true\n");
    if format == ObjectFormat::Sha256 {
        config.push_str("[extensions]\n\tobjectformat = sha256\n");
    }
    replace(&folder.join("config"), config.as_bytes())
}

/// Writes HEAD and all refs. Objects that stay without a ref have names that no client is told.
pub(super) fn write_refs(folder: &Path, state: &State) -> io::Result<()> {
    let mut lines = "# pack-refs with: peeled fully-peeled sorted \n".to_owned();
    let kept = state
        .kept
        .iter()
        .map(|oid| (format!("refs/larder/{oid}"), oid, None));
    let is_here = |name: &&RefName| !state.absent.contains(*name);
    let named = state.refs.names.keys().filter(is_here).filter_map(|name| {
        let target = state.refs.names.get(name)?;
        Some((name.to_string(), &target.oid, target.peeled.as_ref()))
    });
    let mut all: Vec<_> = kept.chain(named).collect();
    all.sort_unstable_by(|(one, ..), (other, ..)| one.cmp(other));
    for (name, oid, peeled) in all {
        lines.push_str(&format!("{oid} {name}\n"));
        if let Some(peeled) = peeled {
            lines.push_str(&format!("^{peeled}\n"));
        }
    }
    replace(&folder.join("packed-refs"), lines.as_bytes())?;
    let head = match (&state.refs.head, &state.refs.detached) {
        (Some(name), _) => format!("ref: {name}\n"),
        (None, Some(oid)) => format!("{oid}\n"),
        (None, None) => "ref: refs/heads/main\n".to_owned(),
    };
    replace(&folder.join("HEAD"), head.as_bytes())
}

/// The files of all packs of a folder.
pub(super) fn files_of(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder.join("objects/pack"))?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

/// Whether a file is of the index of all packs.
fn is_index(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().starts_with(INDEX)
}

/// Removes the index of all packs: itself first, so that nobody finds it without what it needs.
pub(super) fn remove_index(folder: &Path) -> io::Result<()> {
    let mut files = files_of(folder)?;
    files.retain(|path| is_index(path));
    files.sort_by_key(|path| path.file_name().is_some_and(|name| name != INDEX));
    match std::fs::remove_file(folder.join(INDEXED)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    files.into_iter().try_for_each(std::fs::remove_file)
}

/// Removes packs that the state has no more, with the index in which they are, and what was left half.
pub(super) fn remove_others(folder: &Path, packs: &[Pack]) -> io::Result<()> {
    let names: HashSet<String> = packs
        .iter()
        .map(|pack| format!("pack-{}", pack.name))
        .collect();
    let is_there = |path: &PathBuf| {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        names.contains(&*stem) || is_index(path)
    };
    let mut gone = files_of(folder)?;
    gone.retain(|path| !is_there(path));
    if gone.is_empty() {
        return Ok(());
    }
    remove_index(folder)?;
    gone.into_iter().try_for_each(std::fs::remove_file)
}

/// Replaces a file: a reader sees the old bytes or the new ones. One at a time does it in a folder.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let part = path.with_extension("part");
    let mut file = std::fs::File::create(&part)?;
    file.write_all(bytes)?;
    std::fs::rename(&part, path)
}
