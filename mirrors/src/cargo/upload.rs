//! The body of `cargo publish` (the Cargo book, "Web API: Publish"): a description in JSON, and the
//! crate file. The description is checked against the crate's own `Cargo.toml`.

use super::index::{CrateMetadata, Dependency, IndexLine, invalid, platform, requirement};
use super::manifest::Manifest;
use crate::publishing::{Body, PublishLimits};
use larder_model::{Algorithm, Hasher, Problem};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, SeekFrom};

/// The bytes of the two lengths in a body.
pub(super) const LENGTHS_BYTES: u64 = 8;
/// Limit on the length of a new crate's name.
const MAX_NAME_BYTES: usize = 64;
/// Bytes that are read at once.
const PIECE_BYTES: usize = 64 * 1024;

/// The body of a request of `cargo publish`.
pub(super) struct Upload {
    pub(super) description: Description,
    /// Offset of the crate file in the body.
    pub(super) start: u64,
    /// Size of the crate file in bytes.
    pub(super) size: u64,
}

/// The description of a crate.
#[derive(Deserialize)]
pub(super) struct Description {
    pub(super) name: String,
    pub(super) vers: String,
    #[serde(default)]
    pub(super) deps: Vec<NewDependency>,
    #[serde(default)]
    pub(super) features: BTreeMap<String, Vec<String>>,
    #[serde(rename = "description")]
    pub(super) text: Option<String>,
    pub(super) links: Option<String>,
    pub(super) rust_version: Option<String>,
}

/// A dependency in a description.
#[derive(Deserialize)]
pub(super) struct NewDependency {
    pub(super) name: String,
    pub(super) version_req: String,
    #[serde(default)]
    pub(super) features: Vec<String>,
    #[serde(default)]
    pub(super) optional: bool,
    #[serde(default = "default_true")]
    pub(super) default_features: bool,
    pub(super) target: Option<String>,
    #[serde(default)]
    pub(super) kind: Option<String>,
    pub(super) registry: Option<String>,
    pub(super) explicit_name_in_toml: Option<String>,
}

fn default_true() -> bool {
    true
}

fn truncated(error: io::Error) -> Problem {
    invalid("the request is truncated").because(error)
}

impl Upload {
    /// Reads a body from its beginning.
    pub(super) fn read(body: &mut dyn Body, limits: &PublishLimits) -> Result<Self, Problem> {
        body.rewind().map_err(truncated)?;
        let length = read_length(body)?;
        let what = "the description of the crate with its README";
        limits.metadata.require("crate", what, length)?;
        let mut text = vec![0; usize::try_from(length).unwrap_or_default()];
        body.read_exact(&mut text).map_err(truncated)?;
        let description: Description = serde_json::from_slice(&text)
            .map_err(|error| invalid(format!("the description is not valid: {error}")))?;
        let size = read_length(body)?;
        limits.file.require("crate", "the crate", size)?;
        let start = LENGTHS_BYTES + length;
        let end = body.seek(SeekFrom::End(0)).map_err(truncated)?;
        if end != start + size {
            return Err(invalid(
                "the request does not have the length that it states",
            ));
        }
        require_name(&description.name)?;
        Ok(Self {
            description,
            start,
            size,
        })
    }

    /// The crate file.
    pub(super) fn crate_file<'b>(
        &self,
        body: &'b mut dyn Body,
    ) -> Result<io::Take<&'b mut dyn Body>, Problem> {
        body.seek(SeekFrom::Start(self.start)).map_err(truncated)?;
        Ok(body.take(self.size))
    }

    /// The SHA-256 of the crate file, in hex.
    pub(super) fn sha256(&self, body: &mut dyn Body) -> Result<String, Problem> {
        let mut file = self.crate_file(body)?;
        let (mut hasher, mut piece) = (Hasher::new(Algorithm::Sha256), vec![0; PIECE_BYTES]);
        loop {
            match file.read(&mut piece).map_err(truncated)? {
                0 => return Ok(hasher.finish().hex()),
                count => hasher.update(&piece[..count]),
            }
        }
    }
}

/// Reads a length of four bytes, little-endian.
fn read_length(body: &mut dyn Body) -> Result<u64, Problem> {
    let mut bytes = [0; 4];
    body.read_exact(&mut bytes).map_err(truncated)?;
    Ok(u32::from_le_bytes(bytes).into())
}

/// Fails if a new crate cannot have this name.
pub(super) fn require_name(name: &str) -> Result<(), Problem> {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let starts = name.starts_with(|first: char| first.is_ascii_alphabetic());
    if starts && name.len() <= MAX_NAME_BYTES && name.bytes().all(inner) {
        return Ok(());
    }
    Err(invalid(format!(
        "a crate's name starts with a letter and has at most {MAX_NAME_BYTES} characters of \
        A-Z a-z 0-9 - _"
    )))
}

impl NewDependency {
    fn kind(&self) -> Result<&'static str, Problem> {
        match self.kind.as_deref() {
            None | Some("normal") => Ok("normal"),
            Some("dev") => Ok("dev"),
            Some("build") => Ok("build"),
            Some(other) => Err(invalid(format!("`{other}` is not a kind of dependency"))),
        }
    }

    /// The form in which dependencies are compared.
    fn comparable(&self) -> Result<Dependency, Problem> {
        let alias = self.explicit_name_in_toml.as_ref();
        Ok(Dependency {
            alias: alias.unwrap_or(&self.name).clone(),
            package: self.name.clone(),
            requirement: requirement(&self.version_req)?,
            features: self.features.iter().cloned().collect(),
            optional: self.optional,
            default_features: self.default_features,
            target: self.target.as_deref().map(platform),
            kind: self.kind()?,
        })
    }

    /// The dependency in an index line. If it has an alias, that is its `name` there, and `package` is
    /// the crate's name.
    fn line(&self) -> Result<Value, Problem> {
        let alias = self.explicit_name_in_toml.as_ref();
        let alias = alias.filter(|alias| **alias != self.name);
        let mut line = json!({
            "name": alias.unwrap_or(&self.name),
            "req": self.version_req,
            "features": self.features,
            "optional": self.optional,
            "default_features": self.default_features,
            "target": self.target,
            "kind": self.kind()?,
            "registry": self.registry,
        });
        if alias.is_some() {
            line["package"] = json!(self.name);
        }
        Ok(line)
    }
}

impl Description {
    /// Fails if the description differs from the crate's `Cargo.toml`.
    pub(super) fn check(&self, manifest: &Manifest) -> Result<(), Problem> {
        let differs = |what: &str| {
            let detail = format!("{what} in the request differs from the crate's Cargo.toml");
            Err(invalid(detail))
        };
        if manifest.name != self.name {
            return differs("the name");
        }
        if manifest.version != self.vers {
            return differs("the version");
        }
        if manifest.links != self.links {
            return differs("`links`");
        }
        let dependencies = self.deps.iter().map(NewDependency::comparable);
        let mut dependencies = dependencies.collect::<Result<Vec<_>, _>>()?;
        dependencies.sort();
        if let Some(odd) = first_difference(&dependencies, &manifest.dependencies) {
            return differs(&format!("the dependency {odd}"));
        }
        if sets(&self.features) != sets(&manifest.features) {
            return differs("a feature");
        }
        Ok(())
    }

    /// The metadata to store. Its checksum is set when the bytes are stored.
    pub(super) fn into_metadata(self, manifest: Manifest) -> Result<CrateMetadata, Problem> {
        let dependencies = self.deps.iter().map(NewDependency::line);
        let line = IndexLine {
            deps: dependencies.collect::<Result<_, _>>()?,
            name: self.name,
            vers: self.vers,
            cksum: "{sha256}".to_owned(),
            features: self.features,
            yanked: false,
            links: self.links,
            rust_version: self.rust_version.or(manifest.rust_version),
            pubtime: None,
        };
        Ok(CrateMetadata {
            line,
            description: self.text.unwrap_or_default(),
        })
    }
}

/// The first of these sorted dependencies that only one of the two lists has.
fn first_difference<'a>(one: &'a [Dependency], other: &'a [Dependency]) -> Option<&'a Dependency> {
    let differs = |(at, dependency): &(usize, &Dependency)| other.get(*at) != Some(*dependency);
    let odd = one.iter().enumerate().find(differs);
    odd.map(|(_, odd)| odd).or_else(|| other.get(one.len()))
}

/// Features with what they enable, without an order.
fn sets(features: &BTreeMap<String, Vec<String>>) -> BTreeMap<&str, BTreeSet<&str>> {
    let entries = features.iter();
    entries
        .map(|(name, list)| (&**name, list.iter().map(|feature| &**feature).collect()))
        .collect()
}
