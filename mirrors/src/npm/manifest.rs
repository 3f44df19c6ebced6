//! What is noted of a version: the manifest that the client sent, as far as the tarball's own
//! `package.json` agrees with it.
//!
//! Installers choose by the one and run the other; a version of which they tell different things is
//! refused.

use super::names::base;
use super::tarball::Tarball;
use crate::json::{Object, ObjectWriter, quoted};
use larder_model::{Kind, Problem};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What is noted of a version has at most so many bytes,
const MAX_METADATA_BYTES: usize = 4 << 20;
/// of which so many are its readme: the registry's limit.
const MAX_README_BYTES: usize = 1 << 16;
/// What npm has run for packages with a `*.gyp` file, and for those with a `server.js`.
const DERIVED: [(&str, &str); 2] = [("install", "node-gyp rebuild"), ("start", "node server.js")];
/// Where scripts need not say that programs are.
const BIN_FOLDER: [&str; 2] = ["./node_modules/.bin/", "node_modules/.bin/"];

type Texts = BTreeMap<String, String>;

/// What is noted of a version.
#[derive(Deserialize)]
pub(super) struct VersionMetadata<'a> {
    #[serde(borrow)]
    pub(super) manifest: Object<'a>,
    #[serde(borrow)]
    pub(super) deprecated: Option<Cow<'a, str>>,
}

impl<'a> VersionMetadata<'a> {
    pub(super) fn read(text: &'a str) -> Result<Self, Problem> {
        serde_json::from_str(text).map_err(Problem::internal)
    }

    pub(super) fn text(&self) -> String {
        let mut manifest = ObjectWriter::new();
        for (key, value) in self.manifest.iter() {
            manifest.put(key, value);
        }
        let mut text = ObjectWriter::new();
        text.put("manifest", manifest.end());
        if let Some(deprecated) = &self.deprecated {
            text.put("deprecated", quoted(deprecated));
        }
        text.end()
    }
}

/// What a client sent and what its tarball says.
pub(super) struct Release<'a> {
    pub(super) package: &'a str,
    pub(super) version: &'a str,
    pub(super) sent: &'a Object<'a>,
    pub(super) tarball: &'a Tarball,
    pub(super) file: &'a str,
    /// The type of the provenance that came with it.
    pub(super) predicate_type: Option<&'a str>,
}

/// The `package.json` of a tarball.
fn read_package_json(bytes: &[u8]) -> Result<Object<'_>, Problem> {
    let refused = |error: String| {
        let detail = format!("the tarball's package.json is not a JSON object: {error}");
        Problem::invalid("tarball", detail)
    };
    let text = std::str::from_utf8(bytes).map_err(|error| refused(error.to_string()))?;
    let object = serde_json::from_str(text.trim_start_matches('\u{feff}'));
    object.map_err(|error| refused(error.to_string()))
}

/// Whether two spellings mean the same.
enum Agreement {
    Same,
    /// One cannot be understood: the tarball's counts.
    Unclear,
    Differ,
}

impl Release<'_> {
    /// What is noted of it.
    pub(super) fn metadata(&self) -> Result<String, Problem> {
        let packed = read_package_json(&self.tarball.package_json)?;
        self.check_names(&packed)?;
        self.check_hashes()?;
        let mut manifest = Object::default();
        for (key, value) in self.sent.iter().filter(|(key, _)| is_taken(key)) {
            manifest.set(key.to_owned(), *value);
        }
        for field in CHECKED {
            match self.agree(field, &packed) {
                Agreement::Same => {}
                Agreement::Unclear => match packed.raw(field) {
                    Some(value) => manifest.set(field, value),
                    None => manifest.retain(|key| key != field),
                },
                Agreement::Differ => return Err(differ(field)),
            }
        }
        let own = self.own_fields(&packed)?;
        for (key, value) in &own {
            manifest.set(*key, &**value);
        }
        let deprecated = self.sent.text("deprecated");
        let metadata = VersionMetadata {
            manifest,
            deprecated: deprecated.filter(|text| !text.is_empty()),
        };
        // Braces around `sha256` would be filled in.
        let text = metadata.text().replace("{sha256}", "\\u007bsha256}");
        if text.len() > MAX_METADATA_BYTES {
            let detail =
                format!("the manifest of a version has at most {MAX_METADATA_BYTES} bytes");
            return Err(Problem::new(Kind::TooLarge, "manifest", detail));
        }
        Ok(text)
    }

    /// The fields that this server fills in.
    fn own_fields(
        &self,
        packed: &Object<'_>,
    ) -> Result<Vec<(&'static str, Box<RawValue>)>, Problem> {
        let raw = |value: &Value| serde_json::value::to_raw_value(value).map_err(Problem::internal);
        let tarball = self.tarball;
        let mut dist = json!({
            "integrity": tarball.integrity,
            "shasum": tarball.shasum,
            "tarball": self.file,
            "fileCount": tarball.files,
            "unpackedSize": tarball.unpacked_size,
        });
        if let Some(kind) = self.predicate_type {
            dist["attestations"] = json!({"url": "", "provenance": {"predicateType": kind}});
        }
        let mut own = vec![
            (
                "_id",
                raw(&format!("{}@{}", self.package, self.version).into())?,
            ),
            ("name", raw(&self.package.into())?),
            ("version", raw(&self.version.into())?),
            ("dist", raw(&dist)?),
        ];
        if tarball.has_shrinkwrap {
            own.push(("_hasShrinkwrap", raw(&true.into())?));
        }
        let scripts = texts(packed.get("scripts")).unwrap_or_default();
        let compiles = tarball.has_gyp
            && !scripts.contains_key("install")
            && !scripts.contains_key("preinstall");
        if compiles
            && packed
                .get("gypfile")
                .is_none_or(|value| value.get() != "false")
        {
            own.push(("gypfile", raw(&true.into())?));
        }
        if let Some(readme) = self.sent.text("readme") {
            let end = readme.floor_char_boundary(MAX_README_BYTES);
            own.push(("readme", raw(&readme[..end].into())?));
        }
        Ok(own)
    }

    /// The package and the version are those of the address, the manifest and the tarball.
    fn check_names(&self, packed: &Object<'_>) -> Result<(), Problem> {
        let fits = |key, expected: &str| self.sent.text(key).is_none_or(|value| value == expected);
        if !fits("name", self.package) || !fits("version", self.version) {
            return Err(Problem::invalid(
                "manifest",
                "the manifest is of another package or version than it is sent as",
            ));
        }
        // npm cleans versions on their way: spaces, a `v` before and the build's metadata behind
        // go.
        let cleaned = |version: Cow<'_, str>| {
            let version = version.trim().trim_start_matches(['=', 'v', ' ']);
            version.split('+').next() == Some(self.version)
        };
        if packed
            .text("name")
            .is_none_or(|name| name.trim() != self.package)
        {
            return Err(differ("name"));
        }
        if packed.text("version").is_some_and(cleaned) {
            Ok(())
        } else {
            Err(differ("version"))
        }
    }

    /// The tarball has the hashes that the client sent.
    fn check_hashes(&self) -> Result<(), Problem> {
        let Some(dist) = self.sent.get("dist") else {
            return Ok(());
        };
        let dist: Object<'_> = serde_json::from_str(dist.get()).map_err(|error| {
            Problem::invalid("manifest", "dist is not an object").because(error)
        })?;
        let said = |key| dist.text(key).filter(|text| !text.is_empty());
        let wrong = |detail| Err(Problem::new(Kind::DigestMismatch, "tarball", detail));
        let integrity = said("integrity").unwrap_or_default();
        let mut sha512 = integrity
            .split_whitespace()
            .filter(|item| item.starts_with("sha512-"))
            .peekable();
        let is_ours = |item: &str| item.split('?').next() == Some(&self.tarball.integrity);
        if sha512.peek().is_some() && !sha512.any(is_ours) {
            return wrong("the tarball is not the one whose hash is dist.integrity");
        }
        if said("shasum").is_some_and(|sha1| !sha1.eq_ignore_ascii_case(&self.tarball.shasum)) {
            return wrong("the tarball is not the one whose hash is dist.shasum");
        }
        Ok(())
    }

    fn agree(&self, field: &str, packed: &Object<'_>) -> Agreement {
        let (sent, own) = (self.sent.get(field), packed.get(field));
        if sent.map(|value| value.get()) == own.map(|value| value.get()) && field != "dependencies"
        {
            return Agreement::Same;
        }
        match field {
            // npm takes optional ones for dependencies as well, or for optional ones only.
            "dependencies" => compare(dependencies(self.sent), dependencies(packed)),
            "bin" => {
                let folder = || {
                    packed
                        .get("directories")
                        .and_then(|value| texts(Some(value))?.remove("bin"))
                };
                match (own, folder()) {
                    (None, Some(folder)) => within(bins(self.package, sent), &folder),
                    _ => compare(bins(self.package, sent), bins(self.package, own)),
                }
            }
            "scripts" => compare(
                scripts(sent).map(|sent| self.underived(sent, own)),
                scripts(own),
            ),
            "os" | "cpu" | "libc" => compare(list(sent), list(own)),
            _ => compare(texts(sent), texts(own)),
        }
    }

    /// Scripts without those that npm adds because of other files.
    fn underived(&self, mut sent: Texts, own: Option<&&RawValue>) -> Texts {
        let own = scripts(own).unwrap_or_default();
        let may = [
            self.tarball.has_gyp && !own.contains_key("preinstall"),
            self.tarball.has_server,
        ];
        for ((name, script), _) in DERIVED.iter().zip(may).filter(|(_, may)| *may) {
            if !own.contains_key(*name) && sent.get(*name).is_some_and(|sent| sent == script) {
                sent.remove(*name);
            }
        }
        sent
    }
}

/// Fields that decide what is installed and run.
const CHECKED: [&str; 10] = [
    "dependencies",
    "optionalDependencies",
    "peerDependencies",
    "peerDependenciesMeta",
    "bin",
    "scripts",
    "engines",
    "os",
    "cpu",
    "libc",
];

/// Whether a field of the manifest is the client's to say. What begins with `_` is the registry's
/// or the client's own, but for two; what vouches for bytes, or tells whether scripts are run, is
/// found out here.
fn is_taken(key: &str) -> bool {
    let ours = matches!(
        key,
        "dist" | "deprecated" | "hasInstallScript" | "gypfile" | "readme"
    );
    !ours && (!key.starts_with('_') || matches!(key, "_nodeVersion" | "_npmVersion"))
}

fn differ(field: &str) -> Problem {
    let detail = format!(
        "{field} in the manifest is not what the tarball's package.json says: publish again with both alike"
    );
    Problem::invalid("manifest", detail)
}

fn compare<T: PartialEq>(sent: Option<T>, own: Option<T>) -> Agreement {
    match (sent, own) {
        (Some(sent), Some(own)) if sent == own => Agreement::Same,
        (Some(_), Some(_)) => Agreement::Differ,
        _ => Agreement::Unclear,
    }
}

fn is_none(value: Option<&&RawValue>) -> bool {
    value.is_none_or(|value| matches!(value.get(), "null" | "\"\"" | "[]"))
}

fn parsed<'a, T: Deserialize<'a>>(value: Option<&&'a RawValue>) -> Option<T> {
    serde_json::from_str(value?.get()).ok()
}

/// An object of texts, empty if there is none.
fn texts(value: Option<&&RawValue>) -> Option<Texts> {
    if is_none(value) {
        Some(Texts::new())
    } else {
        parsed(value)
    }
}

fn list(value: Option<&&RawValue>) -> Option<Vec<String>> {
    if is_none(value) {
        return Some(Vec::new());
    }
    parsed(value).or_else(|| Some(vec![parsed(value)?]))
}

fn dependencies(fields: &Object<'_>) -> Option<Texts> {
    let mut all = texts(fields.get("dependencies"))?;
    all.extend(texts(fields.get("optionalDependencies"))?);
    Some(all)
}

/// Scripts as npm writes them; what is no text is none.
fn scripts(value: Option<&&RawValue>) -> Option<Texts> {
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

/// Programs as npm writes them: each name with a path within the package.
fn bins(package: &str, value: Option<&&RawValue>) -> Option<Texts> {
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

/// A path without detours.
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

/// Whether programs are in the folder that is said to be full of them.
fn within(bins: Option<Texts>, folder: &str) -> Agreement {
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
