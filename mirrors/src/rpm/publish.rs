//! Publishing: no client has a command for it, so a package is put where it shall be (`curl -T`),
//! and taken back by DELETE.
//!
//! A package's files are its rpms, each at its path in the repository, and `gone/{nevra}` for each
//! that was taken back.

use super::describe::PackageMetadata;
use super::package::Package;
use super::paths::{ending, is_package, metadata};
use super::{Rpm, extra_metadata};
use crate::publishing::{
    Body, Bytes, Change, Index, PublishRequest, Publishing, REMOVE, Step, StoredFile,
};
use crate::{Document, RepoRequest};
use http::{Method, StatusCode};
use larder_model::{Kind, Problem, Reply, Verb};

const PUBLISH: &str = "publish";
const DELETE: &str = "delete";
const GIVE: &str = "give metadata";
const TAKE_BACK: &str = "take metadata back";
/// The largest package.
const MAX_BYTES: u64 = 8 << 30;
const MAX_PATH_BYTES: usize = 1024;
/// Below this, packages that were taken back stay reserved. Nothing is put there.
const GONE: &str = "gone/";

fn invalid(detail: &'static str) -> Problem {
    Problem::invalid("path", detail)
}

fn taken(detail: String) -> Problem {
    Problem::new(Kind::Conflict, "package", detail)
}

fn request(act: &'static str, verb: Verb, path: String, max_bytes: u64) -> PublishRequest {
    PublishRequest {
        act,
        package: "".into(),
        verb,
        arguments: vec![path.into()],
        max_bytes,
    }
}

fn path_of(request: &PublishRequest) -> Result<&str, Problem> {
    request
        .arguments
        .first()
        .map(|path| &**path)
        .ok_or_else(|| Problem::internal("a wish without a path"))
}

impl Publishing for Rpm {
    fn publish_request(&self, line: &RepoRequest<'_>) -> Result<Option<PublishRequest>, Problem> {
        let (puts, deletes) = (line.method == Method::PUT, line.method == Method::DELETE);
        if !puts && !deletes {
            return Ok(None);
        }
        let path = line.segments.join("/");
        if extra_metadata::Kind::at(&path).is_some() {
            let most = if puts { extra_metadata::MAX_BYTES } else { 0 };
            let (act, verb) = if puts {
                (GIVE, Verb::Write)
            } else {
                (TAKE_BACK, Verb::Delete)
            };
            return Ok(Some(request(act, verb, path, most)));
        }
        if metadata(&path).is_some() {
            let detail = "metadata is made here of the packages; what can be given besides is repodata/updateinfo.xml, \
                          repodata/comps.xml and repodata/modules.yaml";
            return Err(invalid(detail));
        }
        if ending(&path) != "rpm" || path.starts_with(GONE) || path.len() > MAX_PATH_BYTES {
            return Err(invalid(
                "a package is put at a path that ends in .rpm, and not below gone/",
            ));
        }
        let package = if puts {
            (PUBLISH, Verb::Write, MAX_BYTES)
        } else {
            (DELETE, Verb::Delete, 0)
        };
        Ok(Some(request(package.0, package.1, path, package.2)))
    }

    fn admits(&self, change: &Change) -> Result<(), Problem> {
        if matches!(change, Change::Remove { .. }) {
            return Ok(());
        }
        let detail = "packages are not yanked in this protocol: take the release back, or publish a higher one";
        Err(Problem::new(Kind::Unsupported, "version", detail))
    }

    fn shown<'a>(&self, wish: &'a PublishRequest) -> Option<&'a str> {
        (wish.act == DELETE).then(|| path_of(wish).ok())?
    }

    fn name(&self, wish: &PublishRequest, body: &mut dyn Body) -> Result<Box<str>, Problem> {
        match wish.act {
            PUBLISH => Ok(Package::read(body)?.nevra.name.into()),
            // These tell of the whole repository.
            _ => Ok("".into()),
        }
    }

    fn receive(
        &self,
        wish: &PublishRequest,
        body: &mut dyn Body,
        files: &[StoredFile],
    ) -> Result<Vec<Step>, Problem> {
        if wish.act == REMOVE {
            return remove(wish.arguments.first().map(|version| &**version), files);
        }
        let path = path_of(wish)?;
        match wish.act {
            PUBLISH => publish(path, body, files),
            DELETE => delete(path, files),
            GIVE => give(path, body, files),
            _ => Ok(without(path, files)),
        }
    }

    fn accept(&self, wish: &PublishRequest) -> Reply {
        let (status, said) = match wish.act {
            PUBLISH | GIVE => (StatusCode::CREATED, "published\n"),
            _ => (StatusCode::OK, "deleted\n"),
        };
        Reply::new(status).with_body("text/plain; charset=utf-8", said)
    }

    fn compose(&self, _: &Document, _: &[StoredFile]) -> Result<Option<Vec<u8>>, Problem> {
        Ok(None)
    }

    fn index(&self) -> Option<&dyn Index> {
        Some(self)
    }
}

fn publish(path: &str, body: &mut dyn Body, files: &[StoredFile]) -> Result<Vec<Step>, Problem> {
    let package = Package::read(body)?;
    let (edition, name) = (package.nevra.edition(), &package.nevra.name);
    let nevra = format!("{name}-{edition}");
    if let Some(file) = files.iter().find(|file| *file.path == *path) {
        if file.digest == package.digest {
            return Ok(Vec::new());
        }
        return Err(taken(format!(
            "{path} is there already with other content: publish another release"
        )));
    }
    if let Some(file) = files.iter().find(|file| *file.version == *edition) {
        let at = &file.path;
        return Err(taken(format!(
            "{nevra} is there already, at {at}: publish another release"
        )));
    }
    if files
        .iter()
        .any(|file| file.path.strip_prefix(GONE) == Some(&nevra))
    {
        return Err(taken(format!(
            "{nevra} was deleted, and stays reserved: publish another release"
        )));
    }
    let metadata =
        serde_json::to_string(&PackageMetadata::of(&package, path)?).map_err(Problem::internal)?;
    let add = Step::Add {
        path: path.to_owned(),
        version: edition,
        content_type: "application/x-rpm",
        metadata,
        bytes: Bytes::Part(0, package.size),
    };
    Ok(vec![
        add,
        Step::AddAddress {
            path: path.to_owned(),
            at: path.to_owned(),
        },
    ])
}

fn delete(path: &str, files: &[StoredFile]) -> Result<Vec<Step>, Problem> {
    let file = files.iter().find(|file| *file.path == *path);
    withdraw(file.ok_or_else(|| Problem::not_found("package", format!("there is no {path} here")))?)
}

/// The steps that take back a version, or all.
fn remove(version: Option<&str>, files: &[StoredFile]) -> Result<Vec<Step>, Problem> {
    let meant = |file: &&StoredFile| is_package(&file.path) && !file.metadata.is_empty();
    let gone = files
        .iter()
        .filter(meant)
        .filter(|file| version.is_none_or(|version| *file.version == *version));
    let steps = gone.map(withdraw).collect::<Result<Vec<_>, _>>()?.concat();
    if steps.is_empty() {
        Err(Problem::not_found(
            "version",
            "there is no such version here",
        ))
    } else {
        Ok(steps)
    }
}

fn withdraw(file: &StoredFile) -> Result<Vec<Step>, Problem> {
    let path = file.path.to_string();
    let gone = Step::Add {
        path: format!("{GONE}{}", PackageMetadata::read(&file.metadata)?.nevra),
        version: String::new(),
        content_type: "",
        metadata: String::new(),
        bytes: Bytes::Made(Vec::new()),
    };
    Ok(vec![
        Step::RemoveAddress { path: path.clone() },
        Step::Remove { path },
        gone,
    ])
}

/// The steps that take back what was given of a path's kind.
fn without(path: &str, files: &[StoredFile]) -> Vec<Step> {
    let kind = extra_metadata::Kind::at(path);
    let same = files
        .iter()
        .filter(|file| extra_metadata::Kind::at(&file.path) == kind);
    same.map(|file| Step::Remove {
        path: file.path.to_string(),
    })
    .collect()
}

fn give(path: &str, body: &mut dyn Body, files: &[StoredFile]) -> Result<Vec<Step>, Problem> {
    let kind = extra_metadata::Kind::at(path)
        .ok_or_else(|| Problem::internal("metadata of an unknown kind"))?;
    extra_metadata::check(kind, body)?;
    let size = body
        .seek(std::io::SeekFrom::End(0))
        .map_err(Problem::internal)?;
    let mut steps = without(path, files);
    steps.push(Step::Add {
        path: path.to_owned(),
        version: String::new(),
        content_type: "",
        metadata: String::new(),
        bytes: Bytes::Part(0, size),
    });
    Ok(steps)
}

#[cfg(test)]
mod tests;
