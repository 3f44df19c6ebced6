//! What is noted of a version: the manifest that the client sent, as far as the tarball's own
//! `package.json` agrees with it.
//!
//! Installers choose by the one and run the other; a version of which they tell different things is
//! refused.

use super::names::base;
use super::packument::{quoted, string};
use super::tarball::Tarball;
use larder_model::{Kind, Problem};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Display;

/// What is noted of a version has at most so many bytes,
const MAX_METADATA_BYTES: usize = 4 << 20;
/// of which so many are its readme: the registry's limit.
const MAX_README_BYTES: usize = 1 << 16;
/// What npm has run for packages with a `*.gyp` file, and for those with a `server.js`.
const DERIVED: [(&str, &str); 2] = [("install", "node-gyp rebuild"), ("start", "node server.js")];
/// Where scripts need not say that programs are.
const BIN_FOLDER: [&str; 2] = ["./node_modules/.bin/", "node_modules/.bin/"];

/// A JSON object; of a key that is there twice the last counts.
pub(super) type Fields<'a> = BTreeMap<String, &'a RawValue>;
type Texts = BTreeMap<String, String>;

/// What is noted of a version.
#[derive(Deserialize)]
pub(super) struct VersionMetadata<'a> {
    #[serde(borrow)]
    pub(super) manifest: Fields<'a>,
    #[serde(borrow)]
    pub(super) deprecated: Option<Cow<'a, str>>,
}

impl<'a> VersionMetadata<'a> {
    pub(super) fn read(text: &'a str) -> Result<Self, Problem> {
        serde_json::from_str(text).map_err(Problem::internal)
    }

    pub(super) fn text(&self) -> String {
        let mut manifest = Text::new();
        for (key, value) in &self.manifest {
            manifest.put(key, value);
        }
        let mut text = Text::new();
        text.put("manifest", manifest.end());
        if let Some(deprecated) = &self.deprecated {
            text.put("deprecated", quoted(deprecated));
        }
        text.end()
    }
}

/// An object that is being written.
pub(super) struct Text(String);

impl Text {
    pub(super) fn new() -> Self {
        Self("{".to_owned())
    }

    pub(super) fn put(&mut self, key: &str, value: impl Display) {
        let separator = if self.0.len() > 1 { "," } else { "" };
        self.0
            .push_str(&format!("{separator}{}:{value}", quoted(key)));
    }

    pub(super) fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// What a client sent and what its tarball says.
pub(super) struct Release<'a> {
    pub(super) package: &'a str,
    pub(super) version: &'a str,
    pub(super) sent: &'a Fields<'a>,
    pub(super) tarball: &'a Tarball,
    pub(super) file: &'a str,
    /// What kind of provenance came with it.
    pub(super) attested: Option<&'a str>,
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
        let packed = std::str::from_utf8(&self.tarball.package_json).ok();
        let packed =
            packed.and_then(|text| serde_json::from_str(text.trim_start_matches('\u{feff}')).ok());
        let packed: Fields<'_> = packed
            .ok_or_else(|| Problem::invalid("tarball", "the tarball's package.json is not JSON"))?;
        self.names(&packed)?;
        self.hashes()?;
        let mut manifest: Fields<'_> = self
            .sent
            .iter()
            .filter(|(key, _)| is_taken(key))
            .map(own)
            .collect();
        for field in CHECKED {
            match self.agree(field, &packed) {
                Agreement::Same => {}
                Agreement::Unclear => match packed.get(field) {
                    Some(value) => drop(manifest.insert(field.to_owned(), value)),
                    None => drop(manifest.remove(field)),
                },
                Agreement::Differ => return Err(differ(field)),
            }
        }
        let given = self.given(&packed)?;
        manifest.extend(
            given
                .iter()
                .map(|(key, value)| ((*key).to_owned(), &**value)),
        );
        let deprecated = self
            .sent
            .get("deprecated")
            .and_then(|value| string(value))
            .filter(|text| !text.is_empty());
        let metadata = VersionMetadata {
            manifest,
            deprecated: deprecated.map(Cow::Owned),
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

    /// The fields whose values are ours.
    fn given(&self, packed: &Fields<'_>) -> Result<Vec<(&'static str, Box<RawValue>)>, Problem> {
        let raw = |value: &Value| serde_json::value::to_raw_value(value).map_err(Problem::internal);
        let tarball = self.tarball;
        let mut dist = json!({
            "integrity": tarball.integrity,
            "shasum": tarball.shasum,
            "tarball": self.file,
            "fileCount": tarball.files,
            "unpackedSize": tarball.unpacked_size,
        });
        if let Some(kind) = self.attested {
            dist["attestations"] = json!({"url": "", "provenance": {"predicateType": kind}});
        }
        let mut given = vec![
            (
                "_id",
                raw(&format!("{}@{}", self.package, self.version).into())?,
            ),
            ("name", raw(&self.package.into())?),
            ("version", raw(&self.version.into())?),
            ("dist", raw(&dist)?),
        ];
        if tarball.has_shrinkwrap {
            given.push(("_hasShrinkwrap", raw(&true.into())?));
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
            given.push(("gypfile", raw(&true.into())?));
        }
        if let Some(mut readme) = self.sent.get("readme").and_then(|value| string(value)) {
            readme.truncate(readme.floor_char_boundary(MAX_README_BYTES));
            given.push(("readme", raw(&readme.into())?));
        }
        Ok(given)
    }

    /// The package and the version are those of the address, the manifest and the tarball.
    fn names(&self, packed: &Fields<'_>) -> Result<(), Problem> {
        let text = |fields: &Fields<'_>, key| fields.get(key).and_then(|value| string(value));
        let said = |key, expected: &str| text(self.sent, key).is_none_or(|said| said == expected);
        if !said("name", self.package) || !said("version", self.version) {
            return Err(Problem::invalid(
                "manifest",
                "the manifest is of another package or version than it is sent as",
            ));
        }
        // npm cleans versions on their way: spaces, a `v` before and the build's metadata behind
        // go.
        let cleaned = |version: String| {
            let version = version.trim().trim_start_matches(['=', 'v', ' ']);
            version.split('+').next() == Some(self.version)
        };
        if text(packed, "name").is_none_or(|name| name.trim() != self.package) {
            return Err(differ("name"));
        }
        if text(packed, "version").is_some_and(cleaned) {
            Ok(())
        } else {
            Err(differ("version"))
        }
    }

    /// The bytes are those that the client vouches for.
    fn hashes(&self) -> Result<(), Problem> {
        let Some(dist) = self.sent.get("dist") else {
            return Ok(());
        };
        let dist: Fields<'_> = serde_json::from_str(dist.get()).map_err(|error| {
            Problem::invalid("manifest", "dist is not an object").because(error)
        })?;
        let said = |key| {
            dist.get(key)
                .and_then(|value| string(value))
                .filter(|text| !text.is_empty())
        };
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

    fn agree(&self, field: &str, packed: &Fields<'_>) -> Agreement {
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

fn own<'a>((key, value): (&String, &&'a RawValue)) -> (String, &'a RawValue) {
    (key.clone(), *value)
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

fn dependencies(fields: &Fields<'_>) -> Option<Texts> {
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
