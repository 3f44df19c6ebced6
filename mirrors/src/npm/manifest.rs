//! The manifest of a version that is stored: the one that the client sent, after it was compared
//! with the `package.json` in the tarball.
//!
//! Installers resolve dependencies with the manifest and run what `package.json` says. A version is
//! refused if the two differ.

use super::fields::{Agreement, Texts, bins, compare, dependencies, list, scripts, texts, within};
use super::tarball::Tarball;
use crate::json::{Object, ObjectWriter, quoted};
use larder_model::{Kind, Limit, Problem};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::borrow::Cow;

/// Limit on the bytes of a readme. Longer ones are truncated, as npm's registry does.
const MAX_README_BYTES: usize = 1 << 16;
/// The scripts that npm adds for packages with a `*.gyp` file, and for those with a `server.js`.
const DERIVED: [(&str, &str); 2] = [("install", "node-gyp rebuild"), ("start", "node server.js")];

/// The metadata of a version in the store.
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

/// A version that a client publishes.
pub(super) struct Release<'a> {
    pub(super) package: &'a str,
    pub(super) version: &'a str,
    pub(super) sent: &'a Object<'a>,
    pub(super) tarball: &'a Tarball,
    pub(super) file: &'a str,
    /// The predicate type of its provenance.
    pub(super) predicate_type: Option<&'a str>,
    /// On the manifest that is stored.
    pub(super) limit: Limit,
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

impl Release<'_> {
    /// The metadata to store.
    pub(super) fn metadata(&self) -> Result<String, Problem> {
        let packed = read_package_json(&self.tarball.package_json)?;
        self.check_names(&packed)?;
        self.check_hashes()?;
        let mut manifest = Object::default();
        for (key, value) in self.sent.iter().filter(|(key, _)| is_clients(key)) {
            manifest.add(key.to_owned(), *value); // no key is sent twice
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
        // `{sha256}` is a placeholder in stored metadata: escape it.
        let text = metadata.text().replace("{sha256}", "\\u007bsha256}");
        let bytes = text.len() as u64;
        self.limit
            .require("manifest", "the manifest of the version", bytes)?;
        Ok(text)
    }

    /// The fields that this server sets.
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
        // Names, hashes and the URL.
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
        // npm compiles a package with a `*.gyp` file unless it has install scripts of its own.
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

    /// Checks that URL, manifest and tarball have the same package and version.
    fn check_names(&self, packed: &Object<'_>) -> Result<(), Problem> {
        let fits = |key, expected: &str| self.sent.text(key).is_none_or(|value| value == expected);
        if !fits("name", self.package) || !fits("version", self.version) {
            return Err(Problem::invalid(
                "manifest",
                "the manifest's name or version is not the one of this publication",
            ));
        }
        // npm normalizes versions: it removes spaces, a leading `v` and build metadata.
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

    /// Checks the tarball against the hashes that the client sent.
    fn check_hashes(&self) -> Result<(), Problem> {
        let Some(dist) = self.sent.get("dist") else {
            return Ok(());
        };
        let dist: Object<'_> = serde_json::from_str(dist.get()).map_err(|error| {
            Problem::invalid("manifest", "dist is not an object").because(error)
        })?;
        let hash = |key| dist.text(key).filter(|text| !text.is_empty());
        let mismatch = |detail| Err(Problem::new(Kind::DigestMismatch, "tarball", detail));
        let integrity = hash("integrity").unwrap_or_default();
        let mut sha512 = integrity
            .split_whitespace()
            .filter(|item| item.starts_with("sha512-"))
            .peekable();
        let is_ours = |item: &str| item.split('?').next() == Some(&self.tarball.integrity);
        if sha512.peek().is_some() && !sha512.any(is_ours) {
            return mismatch("the tarball does not have the hash dist.integrity");
        }
        if hash("shasum").is_some_and(|sha1| !sha1.eq_ignore_ascii_case(&self.tarball.shasum)) {
            return mismatch("the tarball does not have the hash dist.shasum");
        }
        Ok(())
    }

    /// Compares a field of the manifest with that of the tarball's `package.json`.
    fn agree(&self, field: &str, packed: &Object<'_>) -> Agreement {
        let (sent, own) = (self.sent.get(field), packed.get(field));
        if sent.map(|value| value.get()) == own.map(|value| value.get()) && field != "dependencies"
        {
            return Agreement::Same;
        }
        match field {
            // Some versions of npm list optional dependencies as dependencies, too.
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

    /// The scripts without those that npm derives from other files.
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

/// Whether a field of the client's manifest is stored. This server computes hashes and the fields
/// that say whether scripts run. Of the private fields, which begin with `_`, two are stored.
fn is_clients(key: &str) -> bool {
    let ours = matches!(
        key,
        "dist" | "deprecated" | "hasInstallScript" | "gypfile" | "readme"
    );
    !ours && (!key.starts_with('_') || matches!(key, "_nodeVersion" | "_npmVersion"))
}

fn differ(field: &str) -> Problem {
    let detail = format!(
        "{field} in the manifest differs from the tarball's package.json: publish again with both \
        the same"
    );
    Problem::invalid("manifest", detail)
}
