//! Requests of smart HTTP (gitprotocol-http) and of Git LFS, parsed.

use crate::lfs::digest_of;
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method};
use larder_mirrors::source_path;
use larder_model::{Digest, Kind, Problem, RepoName, percent};

/// The name of this protocol, and of the first segment of its paths.
pub const PROTOCOL: &str = larder_mirrors::git::NAME.0;
/// The header in which a client says which version of the protocol it speaks.
pub const GIT_PROTOCOL: HeaderName = HeaderName::from_static("git-protocol");

/// A repository at an address: the repo of this server, and the path below it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Address {
    /// The repo.
    pub repo: RepoName,
    /// The path below it without `.git`: `team/tool`.
    pub path: Box<str>,
}

/// What a client wants to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Service {
    /// To fetch.
    UploadPack,
    /// To push.
    ReceivePack,
}

impl Service {
    /// Its name in addresses and media types.
    pub const fn word(self) -> &'static str {
        match self {
            Self::UploadPack => "git-upload-pack",
            Self::ReceivePack => "git-receive-pack",
        }
    }

    fn of(word: &str) -> Option<Self> {
        let services = [Self::UploadPack, Self::ReceivePack];
        services.into_iter().find(|service| service.word() == word)
    }
}

/// The version of the protocol (gitprotocol-v2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Version {
    /// Refs first, then one exchange; version 1 differs by its first line alone and is answered so.
    V0,
    /// Commands.
    V2,
}

impl Version {
    /// What a client says of itself; what is unknown is the oldest.
    pub fn of(headers: &HeaderMap) -> Self {
        let text = headers
            .get(GIT_PROTOCOL)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        if text.split(':').any(|part| part == "version=2") {
            Self::V2
        } else {
            Self::V0
        }
    }
}

/// What is asked of a repository.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Call {
    /// What a service offers: the first request of each client.
    Discover(Service, Version),
    /// A request to a service.
    Serve(Service, Version),
    /// A browser looks at the address.
    Look,
    /// Which large files are here, or may come (Git LFS, batch API).
    LfsBatch,
    /// A large file, by its SHA-256; its bytes as a client was told.
    LfsGet(Digest, Option<u64>),
    /// A large file comes.
    LfsPut(Digest),
    /// Whether a large file has come.
    LfsVerify,
    /// Locks of large files, of which there are none here.
    LfsLocks,
    /// A bundle of the repository, by the digest of its bytes.
    Bundle(Digest),
}

/// A parsed request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    /// Of which repository.
    pub address: Address,
    /// What.
    pub call: Call,
}

fn unknown() -> Problem {
    Problem::not_found(
        "path",
        "no such path in git's protocol: addresses are /git/REPO/PATH.git",
    )
}

fn wrong_method() -> Problem {
    Problem::new(Kind::Method, "method", "this method is not for this path")
}

/// Reads a request.
pub fn parse(request: &Parts) -> Result<Endpoint, Problem> {
    let rest = request
        .uri
        .path()
        .strip_prefix("/git/")
        .ok_or_else(unknown)?;
    let segments = rest.trim_end_matches('/').split('/').map(|segment| {
        percent::decode(segment).ok_or_else(|| Problem::invalid("path", "a bad percent sign"))
    });
    let segments = segments.collect::<Result<Vec<_>, _>>()?;
    if segments.iter().any(|segment| segment.contains('/')) {
        return Err(no_such_path());
    }
    let [repo, rest @ ..] = segments.as_slice() else {
        return Err(unknown());
    };
    let repo: RepoName = repo.parse().map_err(|_| unknown())?;
    let rest: Vec<&str> = rest.iter().map(AsRef::as_ref).collect();
    let version = Version::of(&request.headers);
    let query = request.uri.query().unwrap_or_default();
    let (path, call) = call(&request.method, &rest, (query, version))?;
    let path = path_of(&path.join("/"))?;
    Ok(Endpoint {
        address: Address { repo, path },
        call,
    })
}

/// Splits a path into a repository and what is asked of it.
fn call<'a>(
    method: &Method,
    segments: &'a [&'a str],
    (query, version): (&str, Version),
) -> Result<(&'a [&'a str], Call), Problem> {
    let is_read = *method == Method::GET || *method == Method::HEAD;
    let (path, call, is_right) = match segments {
        [path @ .., "info", "refs"] => (path, Call::Discover(service_in(query)?, version), is_read),
        [
            path @ ..,
            service @ ("git-upload-pack" | "git-receive-pack"),
        ] => {
            let service = Service::of(service).ok_or_else(unknown)?;
            (path, Call::Serve(service, version), *method == Method::POST)
        }
        [path @ .., "info", "lfs", "objects", "batch"] => {
            (path, Call::LfsBatch, *method == Method::POST)
        }
        [path @ .., "info", "lfs", "objects", "verify"] => {
            (path, Call::LfsVerify, *method == Method::POST)
        }
        [path @ .., "info", "lfs", "objects", oid] => {
            let digest = digest_of(oid).ok_or_else(bad_oid)?;
            if *method == Method::PUT {
                (path, Call::LfsPut(digest), true)
            } else {
                (path, Call::LfsGet(digest, size_in(query)), is_read)
            }
        }
        [path @ .., "info", "lfs", "locks"] | [path @ .., "info", "lfs", "locks", "verify"] => {
            (path, Call::LfsLocks, is_read || *method == Method::POST)
        }
        [path @ .., "info", "bundles", file] => {
            let digest = file.strip_suffix(".bundle").ok_or_else(unknown)?;
            let digest = digest_of(digest).ok_or_else(bad_oid)?;
            (path, Call::Bundle(digest), is_read)
        }
        path => (path, Call::Look, is_read),
    };
    if is_right {
        Ok((path, call))
    } else {
        Err(wrong_method())
    }
}

/// The service in a query. Clients of the dumb protocol name none.
fn service_in(query: &str) -> Result<Service, Problem> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let named = pairs.find(|(key, _)| *key == "service");
    let service = named.and_then(|(_, word)| Service::of(word));
    service.ok_or_else(|| {
        let detail = "only git's smart protocol is spoken here: git 1.6.6 or later";
        Problem::new(Kind::Unsupported, "service", detail)
    })
}

fn bad_oid() -> Problem {
    Problem::invalid(
        "oid",
        "a file is named by its SHA-256 in 64 lower-case digits",
    )
}

/// The size in the query of a large file's address.
fn size_in(query: &str) -> Option<u64> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == "size")?.1.parse().ok()
}

fn no_such_path() -> Problem {
    let detail = "no repository can have this path: it ends in `.git` once at most, and no part of it is \
        `.git` or made of dots, begins or ends with a space, or has a control character or one of \
        / \\ : ? # % * \" < > | `";
    Problem::not_found("name", detail)
}

/// The path of a repository, in its one spelling.
pub fn path_of(path: &str) -> Result<Box<str>, Problem> {
    let named = source_path::named(path);
    named.map(Into::into).ok_or_else(no_such_path)
}

#[cfg(test)]
mod tests;
