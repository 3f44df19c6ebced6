//! Fields of manifests as npm normalizes them, so that two spellings of the same can be compared.

use super::names::base;
use crate::json::Object;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Prefixes of programs in scripts that npm removes.
const BIN_FOLDER: [&str; 2] = ["./node_modules/.bin/", "node_modules/.bin/"];

/// An object of strings.
pub(super) type Texts = BTreeMap<String, String>;

/// The result of a comparison of a field.
pub(super) enum Agreement {
    Same,
    /// One cannot be parsed: the tarball's value is stored.
    Unclear,
    Differ,
}

/// Compares the manifest's value with the tarball's. `None` is a value that cannot be parsed.
pub(super) fn compare<T: PartialEq>(sent: Option<T>, own: Option<T>) -> Agreement {
    match (sent, own) {
        (Some(sent), Some(own)) if sent == own => Agreement::Same,
        (Some(_), Some(_)) => Agreement::Differ,
        _ => Agreement::Unclear,
    }
}

/// Whether a field is absent or empty.
fn is_none(value: Option<&&RawValue>) -> bool {
    value.is_none_or(|value| matches!(value.get(), "null" | "\"\"" | "[]"))
}

fn parsed<'a, T: Deserialize<'a>>(value: Option<&&'a RawValue>) -> Option<T> {
    serde_json::from_str(value?.get()).ok()
}

/// Reads an object of strings; it is empty if the field is absent.
pub(super) fn texts(value: Option<&&RawValue>) -> Option<Texts> {
    if is_none(value) {
        Some(Texts::new())
    } else {
        parsed(value)
    }
}

/// Reads a list of strings; one string is a list of one.
pub(super) fn list(value: Option<&&RawValue>) -> Option<Vec<String>> {
    if is_none(value) {
        return Some(Vec::new());
    }
    parsed(value).or_else(|| Some(vec![parsed(value)?]))
}

/// Reads the dependencies, with the optional ones.
pub(super) fn dependencies(fields: &Object<'_>) -> Option<Texts> {
    let mut all = texts(fields.get("dependencies"))?;
    all.extend(texts(fields.get("optionalDependencies"))?);
    Some(all)
}

/// Reads scripts as npm normalizes them. Values that are not strings are ignored.
pub(super) fn scripts(value: Option<&&RawValue>) -> Option<Texts> {
    if is_none(value) {
        return Some(Texts::new());
    }
    let scripts: BTreeMap<String, Value> = parsed(value)?;
    let plain = |text: &str| {
        let inner = BIN_FOLDER
            .iter()
            .find_map(|folder| text.strip_prefix(folder));
        inner.unwrap_or(text).to_owned()
    };
    Some(
        scripts
            .iter()
            .filter_map(|(name, script)| Some((name.clone(), plain(script.as_str()?))))
            .collect(),
    )
}

/// Reads programs as npm normalizes them: names and paths within the package.
pub(super) fn bins(package: &str, value: Option<&&RawValue>) -> Option<Texts> {
    if is_none(value) {
        return Some(Texts::new());
    }
    let last = |name: &str| {
        name.rsplit(['/', '\\', ':'])
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    if let Some(path) = parsed::<String>(value) {
        return Some([(base(package).to_owned(), plain_path(&path))].into());
    }
    if let Some(paths) = parsed::<Vec<String>>(value) {
        return Some(
            paths
                .iter()
                .map(|path| (last(path), plain_path(path)))
                .collect(),
        );
    }
    let bins: BTreeMap<String, Value> = parsed(value)?;
    Some(
        bins.iter()
            .filter_map(|(name, path)| Some((last(name), plain_path(path.as_str()?))))
            .collect(),
    )
}

/// Normalizes a path: no `.`, no `..`, no empty components.
fn plain_path(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Whether all programs are within the folder that `directories.bin` names.
pub(super) fn within(bins: Option<Texts>, folder: &str) -> Agreement {
    let folder = plain_path(folder);
    let inside = |path: &String| {
        folder.is_empty()
            || path
                .strip_prefix(&folder)
                .is_some_and(|rest| rest.starts_with('/'))
    };
    match bins {
        Some(bins) if bins.values().all(inside) => Agreement::Same,
        Some(_) => Agreement::Differ,
        None => Agreement::Unclear,
    }
}
