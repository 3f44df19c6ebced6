//! Publishing crates (the Cargo book, "Web API"): the client's words are checked against the
//! crate's own manifest.

use super::index::{
    CrateMetadata, Dependency, GONE, IndexLine, crates_in, invalid, requirement, without_build,
};
use super::names::{canonical, is_version};
use super::{Cargo, search};
use crate::json;
use crate::publishing::{
    Body, Bytes, Change, Elsewhere, Hit, PublishRequest, Publishing, REMOVE, Step, StoredFile,
    UNYANK, YANK,
};
use crate::{Document, RepoRequest};
use http::{Method, StatusCode};
use larder_model::{Algorithm, Hasher, Kind, Problem, Reply, Verb};
use semver::Version;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, SeekFrom};

/// The client's words about a crate, in bytes.
const MAX_JSON: u64 = 1 << 20;
/// A crate, packed.
const MAX_CRATE: u64 = 256 << 20;
/// The registry's limit on the names of new crates.
const MAX_NAME: usize = 64;
/// Bytes read at once.
const PIECE: usize = 64 * 1024;

/// What `cargo publish` says of a crate.
#[derive(Deserialize)]
struct New {
    name: String,
    vers: String,
    #[serde(default)]
    deps: Vec<NewDependency>,
    #[serde(default)]
    features: BTreeMap<String, Vec<String>>,
    description: Option<String>,
    links: Option<String>,
    rust_version: Option<String>,
}

#[derive(Deserialize)]
struct NewDependency {
    name: String,
    version_req: String,
    #[serde(default)]
    features: Vec<String>,
    #[serde(default)]
    optional: bool,
    #[serde(default = "yes")]
    default_features: bool,
    target: Option<String>,
    #[serde(default)]
    kind: Option<String>,
    registry: Option<String>,
    explicit_name_in_toml: Option<String>,
}

fn yes() -> bool {
    true
}

fn unread(error: std::io::Error) -> Problem {
    invalid("the request ended before its end").because(error)
}

/// The client's words, and where in the body the crate is.
fn read_frame(body: &mut dyn Body) -> Result<(New, u64, u64), Problem> {
    let mut length = |limit: u64, what: &str| {
        let mut bytes = [0; 4];
        body.read_exact(&mut bytes).map_err(unread)?;
        let length = u64::from(u32::from_le_bytes(bytes));
        if length > limit {
            return Err(Problem::new(
                Kind::TooLarge,
                "crate",
                format!("{what} is larger than {limit} bytes"),
            ));
        }
        Ok(length)
    };
    let json_bytes = length(MAX_JSON, "the description of the crate")?;
    let mut text = vec![0; usize::try_from(json_bytes).unwrap_or_default()];
    body.read_exact(&mut text).map_err(unread)?;
    let new = serde_json::from_slice(&text)
        .map_err(|error| invalid(format!("the description cannot be read: {error}")))?;
    let mut bytes = [0; 4];
    body.read_exact(&mut bytes).map_err(unread)?;
    let size = u64::from(u32::from_le_bytes(bytes));
    let start = 8 + json_bytes;
    let end = body.seek(SeekFrom::End(0)).map_err(unread)?;
    if size > MAX_CRATE || end != start + size {
        return Err(invalid("the request is not as long as it says"));
    }
    Ok((new, start, size))
}

fn require_name(name: &str) -> Result<(), Problem> {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let good = name.len() <= MAX_NAME
        && name
            .bytes()
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic())
        && name.bytes().all(inner);
    let detail = format!(
        "a crate's name begins with a letter and has at most {MAX_NAME} of A-Z a-z 0-9 - _"
    );
    if good { Ok(()) } else { Err(invalid(detail)) }
}

impl NewDependency {
    fn kind(&self) -> Result<&'static str, Problem> {
        match self.kind.as_deref() {
            None | Some("normal") => Ok("normal"),
            Some("dev") => Ok("dev"),
            Some("build") => Ok("build"),
            Some(other) => Err(invalid(format!("`{other}` is no kind of dependency"))),
        }
    }

    fn compared(&self) -> Result<Dependency, Problem> {
        Ok(Dependency {
            alias: self
                .explicit_name_in_toml
                .clone()
                .unwrap_or_else(|| self.name.clone()),
            package: self.name.clone(),
            requirement: requirement(&self.version_req)?,
            features: self.features.iter().cloned().collect(),
            optional: self.optional,
            default_features: self.default_features,
            target: self.target.clone(),
            kind: self.kind()?,
        })
    }

    /// As the index has it: by its alias, with the package's own name beside it.
    fn line(&self) -> Result<Value, Problem> {
        let alias = self
            .explicit_name_in_toml
            .as_ref()
            .filter(|alias| **alias != self.name);
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

/// Refuses words that are not those of the crate's own manifest.
fn compare(new: &New, manifest: &super::manifest::Manifest) -> Result<(), Problem> {
    let differs = |what: &str| {
        invalid(format!(
            "{what} of the request is not that of the crate's Cargo.toml"
        ))
    };
    if manifest.name != new.name {
        return Err(differs("the name"));
    }
    if manifest.version != new.vers {
        return Err(differs("the version"));
    }
    if manifest.links != new.links {
        return Err(differs("`links`"));
    }
    let mut said = new
        .deps
        .iter()
        .map(NewDependency::compared)
        .collect::<Result<Vec<_>, _>>()?;
    said.sort();
    if said != manifest.dependencies {
        return Err(differs("a dependency"));
    }
    let sets = |features: &BTreeMap<String, Vec<String>>| -> BTreeMap<String, BTreeSet<String>> {
        features
            .iter()
            .map(|(name, list)| (name.clone(), list.iter().cloned().collect()))
            .collect()
    };
    if sets(&new.features) != sets(&manifest.features) {
        return Err(differs("a feature"));
    }
    Ok(())
}

/// The SHA-256 of a part of the body, in hex.
fn sum(body: &mut dyn Body, start: u64, length: u64) -> Result<String, Problem> {
    body.seek(SeekFrom::Start(start)).map_err(unread)?;
    let mut part = body.take(length);
    let (mut hasher, mut piece) = (Hasher::new(Algorithm::Sha256), vec![0; PIECE]);
    loop {
        match part.read(&mut piece).map_err(unread)? {
            0 => return Ok(hasher.finish().hex()),
            count => hasher.update(&piece[..count]),
        }
    }
}

impl Cargo {
    fn publish(body: &mut dyn Body, files: &[StoredFile]) -> Result<Vec<Step>, Problem> {
        let (new, start, size) = read_frame(body)?;
        require_name(&new.name)?;
        let version: Version = new
            .vers
            .parse()
            .map_err(|error| invalid(format!("`{}` is no version: {error}", new.vers)))?;
        let (name, path) = (
            &new.name,
            format!("crates/{}/{version}", new.name.to_ascii_lowercase()),
        );
        if files
            .iter()
            .any(|file| file.path.strip_prefix(GONE) == Some(without_build(&new.vers)))
        {
            let detail = format!(
                "crate version `{}` was deleted, and stays taken: publish another",
                new.vers
            );
            return Err(Problem::new(Kind::Conflict, "crate", detail));
        }
        for file in crates_in(files) {
            let known = CrateMetadata::of(file)?.line;
            if known.name != *name {
                let detail = format!("this crate is published as `{}`", known.name);
                return Err(Problem::new(Kind::Conflict, "crate", detail));
            }
            if without_build(&known.vers) == without_build(&new.vers) {
                // A retry after a lost answer brings the same bytes.
                let same = *file.path == *path && file.digest.hex() == sum(body, start, size)?;
                let detail = format!("crate version `{}` is already uploaded", known.vers);
                return if same {
                    Ok(Vec::new())
                } else {
                    Err(Problem::new(Kind::Conflict, "crate", detail))
                };
            }
        }
        body.seek(SeekFrom::Start(start)).map_err(unread)?;
        let folder = format!("{name}-{}", new.vers);
        let manifest = super::manifest::of_crate(&mut body.take(size), size, &folder)?;
        compare(&new, &manifest)?;
        let line = IndexLine {
            name: name.clone(),
            vers: new.vers.clone(),
            deps: new
                .deps
                .iter()
                .map(NewDependency::line)
                .collect::<Result<_, _>>()?,
            cksum: "{sha256}".to_owned(),
            features: new.features,
            yanked: false,
            links: new.links,
            rust_version: new.rust_version.or(manifest.rust_version),
            pubtime: None,
        };
        let metadata = CrateMetadata {
            line,
            description: new.description.unwrap_or_default(),
        };
        Ok(vec![Step::Add {
            path,
            version: new.vers,
            content_type: "application/gzip",
            metadata: serde_json::to_string(&metadata).map_err(Problem::internal)?,
            bytes: Bytes::Part(start, size),
        }])
    }

    fn yank(
        request: &PublishRequest,
        yanked: bool,
        files: &[StoredFile],
    ) -> Result<Vec<Step>, Problem> {
        let version = request.arguments.first().map_or("", AsRef::as_ref);
        let absent = || {
            Problem::not_found(
                "crate",
                format!("there is no version {version} of this crate"),
            )
        };
        if request
            .arguments
            .get(1)
            .is_some_and(|reason| !reason.is_empty())
        {
            return Err(Problem::invalid(
                "yanked",
                "a registry of crates tells no reason: say `true`",
            ));
        }
        let file = crates_in(files)
            .find(|file| *file.version == *version)
            .ok_or_else(absent)?;
        let mut metadata = CrateMetadata::of(file)?;
        if metadata.line.yanked == yanked {
            return Ok(Vec::new());
        }
        metadata.line.yanked = yanked;
        let metadata = serde_json::to_string(&metadata).map_err(Problem::internal)?;
        Ok(vec![Step::SetMetadata {
            path: file.path.to_string(),
            metadata,
        }])
    }

    /// Steps that take a version back, or all of them.
    fn remove(version: Option<&str>, files: &[StoredFile]) -> Result<Vec<Step>, Problem> {
        let gone =
            crates_in(files).filter(|file| version.is_none_or(|version| *file.version == *version));
        let steps: Vec<Step> = gone
            .flat_map(|file| {
                let add = Step::Add {
                    path: format!("{GONE}{}", without_build(&file.version)),
                    version: String::new(),
                    content_type: "text/plain",
                    metadata: String::new(),
                    bytes: Bytes::Made(Vec::new()),
                };
                [
                    Step::Remove {
                        path: file.path.to_string(),
                    },
                    add,
                ]
            })
            .collect();
        let absent =
            || Problem::not_found("version", "there is no such version of this crate here");
        if steps.is_empty() {
            Err(absent())
        } else {
            Ok(steps)
        }
    }
}

impl Publishing for Cargo {
    fn publish_request(&self, line: &RepoRequest<'_>) -> Result<Option<PublishRequest>, Problem> {
        let request = |act, name: &str, verb, arguments: Vec<Box<str>>, max_bytes| {
            Ok(Some(PublishRequest {
                act,
                package: canonical(name).into(),
                verb,
                arguments,
                max_bytes,
            }))
        };
        let parts = line.parts();
        let ["api", "v1", "crates", rest @ ..] = parts.as_slice() else {
            return Ok(None);
        };
        match (line.method, rest) {
            (&Method::PUT, ["new"]) => request(
                "publish",
                "",
                Verb::Write,
                Vec::new(),
                MAX_CRATE + MAX_JSON + 8,
            ),
            (&Method::DELETE, [name, version, "yank"]) if is_version(version) => {
                request(YANK, name, Verb::Write, vec![(*version).into()], 0)
            }
            (&Method::PUT, [name, version, "unyank"]) if is_version(version) => {
                request(UNYANK, name, Verb::Write, vec![(*version).into()], 0)
            }
            (&Method::GET | &Method::HEAD, [name, "owners"]) => {
                request("owners", name, Verb::Read, Vec::new(), 0)
            }
            (_, [_, "owners"]) => {
                let detail = "who may publish is said by grants here: larder grant create user:NAME REPOSITORY --package CRATE";
                Err(Problem::new(Kind::Unsupported, "owners", detail))
            }
            _ => Ok(None),
        }
    }

    fn name(&self, _: &PublishRequest, body: &mut dyn Body) -> Result<Box<str>, Problem> {
        let (new, ..) = read_frame(body)?;
        require_name(&new.name)?;
        Ok(canonical(&new.name).into())
    }

    fn admits(&self, _: &Change) -> Result<(), Problem> {
        Ok(())
    }

    fn yanked(&self, metadata: &str) -> Option<String> {
        let metadata: CrateMetadata = serde_json::from_str(metadata).ok()?;
        metadata.line.yanked.then(String::new)
    }

    fn receive(
        &self,
        request: &PublishRequest,
        body: &mut dyn Body,
        files: &[StoredFile],
    ) -> Result<Vec<Step>, Problem> {
        match request.act {
            "publish" => {
                body.rewind().map_err(unread)?;
                Self::publish(body, files)
            }
            REMOVE => Self::remove(request.arguments.first().map(AsRef::as_ref), files),
            act => Self::yank(request, act == YANK, files),
        }
    }

    fn accept(&self, request: &PublishRequest) -> Reply {
        let body = match request.act {
            "publish" => {
                json!({"warnings": {"invalid_categories": [], "invalid_badges": [], "other": []}})
            }
            _ => json!({"ok": true}),
        };
        Reply::new(StatusCode::OK).with_body("application/json", json::bytes(&body))
    }

    fn compose(
        &self,
        document: &Document,
        files: &[StoredFile],
    ) -> Result<Option<Vec<u8>>, Problem> {
        let Some(asked) = document.path.strip_prefix("index/") else {
            return Ok(None);
        };
        let mut files: Vec<&StoredFile> = crates_in(files).collect();
        files.sort_by_key(|file| file.created_at);
        let mut index = Vec::new();
        for file in files {
            let mut line = CrateMetadata::of(file)?.line;
            if line.name.to_ascii_lowercase() != asked {
                return Ok(None); // another spelling: the client tries them all
            }
            let seconds = file.created_at.seconds();
            line.pubtime = Some(larder_model::Timestamp(seconds * 1_000_000).to_string());
            serde_json::to_writer(&mut index, &line).map_err(Problem::internal)?;
            index.push(b'\n');
        }
        Ok((!index.is_empty()).then_some(index))
    }

    fn search(&self, document: &Document) -> Option<Vec<String>> {
        let (_, words) = document.path.strip_prefix("search/")?.split_once('?')?;
        Some(vec![canonical(words)])
    }

    fn named(&self, answer: &[u8]) -> Result<Vec<Box<str>>, Problem> {
        search::named(answer)
    }

    fn listed(
        &self,
        document: &Document,
        hits: &[Hit],
        answers: &[Elsewhere],
    ) -> Result<Reply, Problem> {
        search::listed(document, hits, answers)
    }

    fn tell(&self, question: &PublishRequest, files: &[StoredFile]) -> Result<Reply, Problem> {
        if crates_in(files).next().is_none() {
            return Err(Problem::not_found(
                "crate",
                format!("there is no crate `{}` here", question.package),
            ));
        }
        let logins: BTreeSet<&str> = crates_in(files)
            .filter_map(|file| file.created_by.strip_prefix("user:"))
            .collect();
        let users = logins
            .into_iter()
            .zip(1_u32..)
            .map(|(login, id)| json!({"id": id, "login": login, "name": null}));
        let body = json!({"users": users.collect::<Vec<_>>()});
        Ok(Reply::new(StatusCode::OK).with_body("application/json", json::bytes(&body)))
    }
}
