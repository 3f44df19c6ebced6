//! Publishing: npm's own requests, which are those of an old document database.
//!
//! A package here has tarballs at `-/{base}-{version}.tgz`, tags at `tags/{tag}`, and
//! `gone/{version}` for each version that was taken back: what was published once is never
//! something else. `attestations/{version}` is its provenance.

use super::body::{Attachment, MAX_TEXT_BYTES, scan};
use super::compose::{LATEST, Shelf, gone_path, path_of, tag_path};
use super::manifest::{Release, VersionMetadata};
use super::names::{base, is_file, is_name, is_new_name, is_tag, new_version, version_of};
use super::provenance::{self, Provenance};
use super::search::Search;
use super::{JSON, Npm, PACKUMENT, name_first, tarball};
use crate::json::{self, Object};
use crate::publishing::{
    Body, Bytes, Change, Elsewhere, Hit, PublishRequest, Publishing, REMOVE, Step, StoredFile,
};
use crate::{Document, RepoRequest};
use http::{Method, StatusCode};
use larder_model::{Kind, Problem, Reply, Verb};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::borrow::Cow;

/// A publication has at most so many bytes: a tarball of 512 MiB in base64, and its manifest.
const MAX_PUBLISHED_BYTES: u64 = 700 << 20;
/// Any other body, but for whole packuments.
const MAX_OTHER_BYTES: u64 = 1 << 20;
/// With a version come at most so many tags.
const MAX_TAGS: usize = 16;
/// A word of deprecation has at most so many bytes.
const MAX_WORD_BYTES: usize = 8 << 10;

const PUBLISH: &str = "publish";
const REDUCE: &str = "unpublish versions";
const UNPUBLISH: &str = "unpublish";
const UNPUBLISH_FILE: &str = "unpublish a file";
const TAG: &str = "tag";
const UNTAG: &str = "untag";
const VISIBILITY: &str = "visibility";

/// What is published: the package with one version and its tarball, or the packument with another
/// word of deprecation.
#[derive(Deserialize)]
struct Publication<'a> {
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "dist-tags")]
    tags: Object<'a>,
    #[serde(borrow)]
    versions: Option<Object<'a, Object<'a>>>,
    #[serde(borrow, default, rename = "_attachments")]
    attachments: Object<'a, Attached<'a>>,
}

#[derive(Deserialize)]
struct Attached<'a> {
    #[serde(borrow)]
    length: Option<&'a RawValue>,
}

impl<'a> Publication<'a> {
    fn read(text: &'a [u8], package: &str) -> Result<Self, Problem> {
        let read: Result<Self, _> = serde_json::from_slice(text);
        let publication = read.map_err(|error| {
            Problem::invalid("body", "the body is not what npm publishes").because(error)
        })?;
        if publication
            .name
            .as_ref()
            .is_some_and(|name| name != package)
        {
            return Err(Problem::invalid(
                "package",
                "the body is of another package than its address",
            ));
        }
        Ok(publication)
    }
}

impl Publishing for Npm {
    fn publish_request(&self, line: &RepoRequest<'_>) -> Result<Option<PublishRequest>, Problem> {
        let path = line.parts().join("/");
        let parts: Vec<&str> = path.split('/').collect();
        match *line.method {
            Method::GET => Ok(question(&parts)),
            Method::PUT => put(&parts),
            Method::DELETE => delete(&parts),
            _ => Ok(None),
        }
    }

    fn name(&self, request: &PublishRequest, _: &mut dyn Body) -> Result<Box<str>, Problem> {
        Ok(request.package.clone())
    }

    fn admits(&self, change: &Change) -> Result<(), Problem> {
        if matches!(change, Change::Remove { .. }) {
            return Ok(());
        }
        let detail = "versions are not yanked in this protocol: npm deprecate warns of one, npm unpublish takes it back";
        Err(Problem::new(Kind::Unsupported, "version", detail))
    }

    fn receive(
        &self,
        request: &PublishRequest,
        body: &mut dyn Body,
        files: &[StoredFile],
    ) -> Result<Vec<Step>, Problem> {
        let there = Shelf {
            package: &request.package,
            files,
        };
        let arguments: Vec<&str> = request.arguments.iter().map(AsRef::as_ref).collect();
        if request.act == PUBLISH {
            return publish(there, body);
        }
        if files.is_empty() {
            return Err(Problem::not_found(
                "package",
                format!("no package {} is published here", request.package),
            ));
        }
        match (request.act, arguments.as_slice()) {
            (REDUCE, [revision]) => reduce(there, revision, body),
            (UNPUBLISH, [revision]) => {
                let versions = there.versions();
                if versions.is_empty() {
                    Ok(Vec::new())
                } else {
                    withdraw(there, &versions, revision, &[])
                }
            }
            (REMOVE, arguments) => remove(there, arguments.first().copied()),
            (UNPUBLISH_FILE, [file, revision]) => withdraw_file(there, file, revision),
            (TAG, [tag]) => point(there, tag, body),
            (UNTAG, [tag]) if *tag == LATEST => {
                Err(Problem::invalid("tag", "the tag latest cannot be removed"))
            }
            (UNTAG, [tag]) => {
                let path = tag_path(tag);
                Ok(there
                    .at(&path)
                    .map(|_| Step::Remove { path })
                    .into_iter()
                    .collect())
            }
            _ => Err(Problem::internal("a wish of another protocol")),
        }
    }

    fn accept(&self, request: &PublishRequest) -> Reply {
        let (status, said) = match request.act {
            PUBLISH => (StatusCode::CREATED, json!({"ok": true, "success": true})),
            TAG => (StatusCode::CREATED, json!({"ok": "dist-tags updated"})),
            UNTAG => (StatusCode::OK, json!({"ok": "dist-tags updated"})),
            _ => (StatusCode::OK, json!({"ok": true})),
        };
        Reply::new(status).with_body(JSON, json::bytes(&said))
    }

    fn compose(
        &self,
        document: &Document,
        files: &[StoredFile],
    ) -> Result<Option<Vec<u8>>, Problem> {
        match &*document.path {
            PACKUMENT => Shelf {
                package: &document.package,
                files,
            }
            .packument(),
            _ => Ok(None),
        }
    }

    fn search(&self, document: &Document) -> Option<Vec<String>> {
        Search::read(&document.path).map(|search| search.words())
    }

    fn further(&self, document: &Document, hits: usize) -> Document {
        Search::read(&document.path).map_or_else(|| document.clone(), |search| search.after(hits))
    }

    fn named(&self, answer: &[u8]) -> Result<Vec<Box<str>>, Problem> {
        super::search::named(answer)
    }

    fn listed(
        &self,
        document: &Document,
        hits: &[Hit],
        answers: &[Elsewhere],
    ) -> Result<Reply, Problem> {
        let search = Search::read(&document.path).ok_or_else(super::no_such_path)?;
        super::search::listed(&search, hits, answers)
    }

    fn tell(&self, question: &PublishRequest, files: &[StoredFile]) -> Result<Reply, Problem> {
        let there = Shelf {
            package: &question.package,
            files,
        };
        if there.versions().is_empty() {
            return Err(Problem::not_found(
                "package",
                format!("no package {} is published here", question.package),
            ));
        }
        Ok(Reply::new(StatusCode::OK).with_body(JSON, json::bytes(&json!({"public": false}))))
    }
}

fn request(
    act: &'static str,
    package: String,
    verb: Verb,
    arguments: &[&str],
    max_bytes: u64,
) -> PublishRequest {
    let arguments = arguments
        .iter()
        .map(|argument| (*argument).into())
        .collect();
    PublishRequest {
        act,
        package: package.into(),
        verb,
        arguments,
        max_bytes,
    }
}

/// The package and the tag of an address of tags.
fn tag_of<'a>(parts: &[&'a str]) -> Option<(String, &'a str)> {
    let ["-", "package", name @ .., "dist-tags", tag] = parts else {
        return None;
    };
    Some((name.join("/"), *tag)).filter(|(name, _)| is_name(name))
}

fn question(parts: &[&str]) -> Option<PublishRequest> {
    let ["-", "package", name @ .., "visibility"] = parts else {
        return None;
    };
    let name = Some(name.join("/")).filter(|name| is_name(name))?;
    Some(request(VISIBILITY, name, Verb::Read, &[], 0))
}

fn put(parts: &[&str]) -> Result<Option<PublishRequest>, Problem> {
    if let Some((name, tag)) = tag_of(parts) {
        return Ok(Some(request(
            TAG,
            name,
            Verb::Write,
            &[tag],
            MAX_OTHER_BYTES,
        )));
    }
    let named = name_first(parts)
        .ok_or_else(|| Problem::invalid("package", "this is no name of a package"))?;
    Ok(match named {
        (name, []) => Some(request(
            PUBLISH,
            name,
            Verb::Write,
            &[],
            MAX_PUBLISHED_BYTES,
        )),
        (name, ["-rev", revision]) => Some(request(
            REDUCE,
            name,
            Verb::Delete,
            &[revision],
            MAX_TEXT_BYTES as u64,
        )),
        _ => None,
    })
}

fn delete(parts: &[&str]) -> Result<Option<PublishRequest>, Problem> {
    if let Some((name, tag)) = tag_of(parts) {
        return Ok(Some(request(UNTAG, name, Verb::Write, &[tag], 0)));
    }
    let Some((name, rest)) = name_first(parts) else {
        return Ok(None);
    };
    let (file, revision) = match rest {
        ["-rev", revision] => {
            return Ok(Some(request(UNPUBLISH, name, Verb::Delete, &[revision], 0)));
        }
        ["-", file, "-rev", revision] => (file, revision),
        ["-", scope, file, "-rev", revision] if name.split('/').next() == Some(scope) => {
            (file, revision)
        }
        _ => return Ok(None),
    };
    tarball(&name, file)?;
    Ok(Some(request(
        UNPUBLISH_FILE,
        name,
        Verb::Delete,
        &[file, revision],
        0,
    )))
}

fn invalid(about: &'static str, detail: String) -> Problem {
    Problem::invalid(about, detail)
}

/// Steps that publish a version, or deprecate some.
fn publish(shelf: Shelf<'_>, body: &mut dyn Body) -> Result<Vec<Step>, Problem> {
    let scanned = scan(body)?;
    let publication = Publication::read(&scanned.text, shelf.package)?;
    let Some(versions) = &publication.versions else {
        return Err(Problem::invalid("body", "the body tells of no versions"));
    };
    if publication.attachments.is_empty() {
        return deprecate(shelf, versions);
    }
    let mut versions = versions.iter();
    let (Some((version, sent)), None) = (versions.next(), versions.next()) else {
        return Err(Problem::invalid(
            "body",
            "a publication is of exactly one version",
        ));
    };
    if new_version(version).is_none() {
        return Err(invalid(
            "version",
            format!("{version:.100} is no version: write it as 1.2.3 or 1.2.3-beta.4"),
        ));
    }
    if shelf.files.is_empty() && !is_new_name(shelf.package) {
        let detail = "the name of a new package has only lower case letters, digits, - _ and ., and begins with neither . nor _";
        return Err(Problem::invalid("package", detail));
    }
    let tags = tags(shelf, &publication, version)?;
    let (attachment, bundle) =
        attachments(shelf.package, version, &publication, &scanned.attachments)?;
    let found = super::tarball::read(body, attachment.start, attachment.length)?;
    let said = publication
        .attachments
        .get(&attachment.name)
        .and_then(|attached| attached.length);
    if said.is_some_and(|said| said.get() != "null" && said.get() != found.size.to_string()) {
        return Err(Problem::invalid(
            "body",
            "the attachment is not as long as it says",
        ));
    }
    let path = path_of(shelf.package, version);
    if let Some(kept) = shelf.at(&path) {
        return again(kept, &found.integrity);
    }
    if shelf.at(&gone_path(version)).is_some() {
        let detail = format!(
            "{version} was unpublished: a version is never published again; publish a higher one"
        );
        return Err(Problem::new(Kind::Conflict, "version", detail));
    }
    let of = (shelf.package, version);
    let provenance = bundle
        .map(|bundle| Provenance::read(body, bundle, of, &found.integrity))
        .transpose()?;
    let file = path.trim_start_matches("-/");
    let attested = provenance
        .as_ref()
        .map(|provenance| &*provenance.predicate_type);
    let metadata = Release {
        package: shelf.package,
        version,
        sent,
        tarball: &found,
        file,
        attested,
    }
    .metadata()?;
    let at = |tag: String| Step::Point {
        path: tag_path(&tag),
        version: version.to_owned(),
        at: path.clone(),
    };
    let mut steps = vec![Step::Add {
        path: path.clone(),
        version: version.to_owned(),
        content_type: "application/octet-stream",
        metadata,
        bytes: Bytes::Base64(attachment.start, attachment.length),
    }];
    steps.extend(provenance.map(|provenance| Step::Add {
        path: provenance::path_of(version),
        version: version.to_owned(),
        content_type: JSON,
        metadata: String::new(),
        bytes: Bytes::Made(provenance.document()),
    }));
    steps.extend(tags.into_iter().map(at));
    Ok(steps)
}

/// A version that is there already: fine, if it is the same.
fn again(kept: &StoredFile, integrity: &str) -> Result<Vec<Step>, Problem> {
    let dist = VersionMetadata::read(&kept.metadata)?;
    let dist: Option<Value> = dist
        .manifest
        .get("dist")
        .and_then(|dist| serde_json::from_str(dist.get()).ok());
    if dist.is_some_and(|dist| dist["integrity"] == integrity) {
        return Ok(Vec::new());
    }
    let detail = format!(
        "You cannot publish over the previously published versions: {}.",
        kept.version
    );
    Err(Problem::new(Kind::Conflict, "version", detail))
}

/// The tags that come with a new version. The first version is the latest, whatever it was
/// published as.
fn tags(
    shelf: Shelf<'_>,
    publication: &Publication<'_>,
    version: &str,
) -> Result<Vec<String>, Problem> {
    if publication.tags.len() > MAX_TAGS {
        return Err(invalid(
            "tag",
            format!("with a version come at most {MAX_TAGS} tags"),
        ));
    }
    let mut tags = Vec::new();
    for (tag, value) in publication.tags.iter() {
        check_tag(tag)?;
        if json::text(value).as_deref() != Some(version) {
            return Err(invalid(
                "tag",
                format!("the tag {tag} is of another version than the one that is published"),
            ));
        }
        tags.push(tag.to_owned());
    }
    if !tags.iter().any(|tag| tag == LATEST) && shelf.at(&tag_path(LATEST)).is_none() {
        tags.push(LATEST.to_owned());
    }
    Ok(tags)
}

fn check_tag(tag: &str) -> Result<(), Problem> {
    if is_tag(tag) {
        return Ok(());
    }
    Err(invalid(
        "tag",
        format!(
            "{tag:.100} cannot be a tag: it is a version or a range of versions, or no plain word"
        ),
    ))
}

/// The tarball among the attachments, and the provenance if it came with one.
fn attachments<'a>(
    package: &str,
    version: &str,
    publication: &Publication<'_>,
    found: &'a [Attachment],
) -> Result<(&'a Attachment, Option<&'a Attachment>), Problem> {
    let find = |ending: &str| {
        let names = [
            format!("{package}-{version}.{ending}"),
            format!("{}-{version}.{ending}", base(package)),
        ];
        found
            .iter()
            .find(|attachment| names.contains(&attachment.name))
    };
    let (tarball, bundle) = (find("tgz"), find("sigstore"));
    let expected = tarball.iter().chain(&bundle).count();
    let Some(tarball) =
        tarball.filter(|_| expected == found.len() && expected == publication.attachments.len())
    else {
        let detail = format!(
            "the attachments of this publication are {package}-{version}.tgz and its provenance"
        );
        return Err(invalid("body", detail));
    };
    if !tarball.plain || tarball.length == 0 {
        return Err(Problem::invalid(
            "body",
            "the attachment's data is not plain base64",
        ));
    }
    Ok((tarball, bundle))
}

/// Steps that give versions another word of deprecation. Whatever else is in the packument, it
/// changes nothing.
fn deprecate(shelf: Shelf<'_>, versions: &Object<'_, Object<'_>>) -> Result<Vec<Step>, Problem> {
    let mut steps = Vec::new();
    for (version, sent) in versions.iter() {
        let kept = shelf.version(version).ok_or_else(|| {
            invalid(
                "body",
                format!("version {version:.100} is not here, and its tarball did not come with it"),
            )
        })?;
        let Some(word) = sent.get("deprecated") else {
            continue;
        };
        let word = match word.get() {
            "null" | "false" => Cow::Borrowed(""),
            _ => json::text(word)
                .ok_or_else(|| Problem::invalid("body", "a word of deprecation is a text"))?,
        };
        if word.len() > MAX_WORD_BYTES {
            let detail = format!("a word of deprecation has at most {MAX_WORD_BYTES} bytes");
            return Err(Problem::new(Kind::TooLarge, "body", detail));
        }
        let mut metadata = VersionMetadata::read(&kept.metadata)?;
        if metadata.deprecated.as_deref().unwrap_or_default() != word {
            metadata.deprecated = (!word.is_empty()).then_some(word);
            steps.push(Step::SetMetadata {
                path: kept.path.to_string(),
                metadata: metadata.text(),
            });
        }
    }
    Ok(steps)
}

/// Steps that take back the versions that a packument has no more.
fn reduce(shelf: Shelf<'_>, revision: &str, body: &mut dyn Body) -> Result<Vec<Step>, Problem> {
    let scanned = scan(body)?;
    let publication = Publication::read(&scanned.text, shelf.package)?;
    let Some(left) = &publication.versions else {
        let detail = "packages here have no owners of their own: who may publish is up to the server's roles";
        return Err(Problem::new(Kind::Unsupported, "package", detail));
    };
    let mut gone = shelf.versions();
    gone.retain(|file| left.get(&file.version).is_none());
    if gone.is_empty() {
        return Ok(Vec::new());
    }
    let wanted: Vec<(&str, Cow<'_, str>)> = publication
        .tags
        .iter()
        .filter_map(|(tag, version)| Some((tag, json::text(version)?)))
        .collect();
    withdraw(shelf, &gone, revision, &wanted)
}

/// Steps that take back the version of a tarball. npm asks for it after the packument without it
/// was sent.
fn withdraw_file(shelf: Shelf<'_>, file: &str, revision: &str) -> Result<Vec<Step>, Problem> {
    let version = version_of(shelf.package, file)
        .filter(|_| is_file(file))
        .unwrap_or_default();
    match shelf.version(version) {
        Some(kept) => withdraw(shelf, &[kept], revision, &[]),
        None if shelf.at(&gone_path(version)).is_some() => Ok(Vec::new()),
        None => Err(Problem::not_found(
            "tarball",
            format!("package {} has no {file}", shelf.package),
        )),
    }
}

/// Steps that take back a version, or all, whatever the caller has read of the package.
fn remove(shelf: Shelf<'_>, version: Option<&str>) -> Result<Vec<Step>, Problem> {
    let mut gone = shelf.versions();
    gone.retain(|file| version.is_none_or(|version| *file.version == *version));
    if gone.is_empty() {
        return Err(Problem::not_found(
            "version",
            format!("package {} has no such version", shelf.package),
        ));
    }
    withdraw(shelf, &gone, &shelf.revision(), &[])
}

/// Steps that take back versions. Tags that pointed to one point to what is wanted, `latest` else
/// to the highest that is left.
fn withdraw(
    shelf: Shelf<'_>,
    gone: &[&StoredFile],
    revision: &str,
    wanted: &[(&str, Cow<'_, str>)],
) -> Result<Vec<Step>, Problem> {
    if revision != shelf.revision() {
        let detail = "the package has changed since it was read: read it again and try again";
        return Err(Problem::new(Kind::Conflict, "package", detail));
    }
    let is_gone = |version: &str| gone.iter().any(|file| *file.version == *version);
    let mut left = shelf.versions();
    left.retain(|file| !is_gone(&file.version));
    let mut steps = Vec::new();
    for file in gone {
        steps.push(Step::Remove {
            path: file.path.to_string(),
        });
        steps.push(Step::Add {
            path: gone_path(&file.version),
            version: String::new(),
            content_type: JSON,
            metadata: String::new(),
            bytes: Bytes::Made(Vec::new()),
        });
        let attested = shelf.at(&provenance::path_of(&file.version));
        steps.extend(attested.map(|file| Step::Remove {
            path: file.path.to_string(),
        }));
    }
    for (tag, file) in shelf.tags().filter(|(_, file)| is_gone(&file.version)) {
        let other = wanted
            .iter()
            .find(|(name, _)| *name == tag)
            .map(|(_, version)| &**version);
        let other =
            other.and_then(|version| left.iter().copied().find(|file| *file.version == *version));
        let highest = || {
            if tag == LATEST {
                Shelf::highest(&left)
            } else {
                None
            }
        };
        let path = file.path.to_string();
        steps.push(match other.or_else(highest) {
            Some(to) => Step::Point {
                path,
                version: to.version.to_string(),
                at: to.path.to_string(),
            },
            None => Step::Remove { path },
        });
    }
    Ok(steps)
}

/// Steps that point a tag to a version.
fn point(shelf: Shelf<'_>, tag: &str, body: &mut dyn Body) -> Result<Vec<Step>, Problem> {
    check_tag(tag)?;
    let mut text = String::new();
    let read = body.read_to_string(&mut text);
    let unread = |error: Box<dyn std::error::Error + Send + Sync>| {
        Problem::invalid("body", "the body is not a version in quotes").because(error)
    };
    read.map_err(|error| unread(error.into()))?;
    let version: String = serde_json::from_str(&text).map_err(|error| unread(error.into()))?;
    let Some(kept) = shelf.version(&version) else {
        return Err(Problem::not_found(
            "version",
            format!("package {} has no version {version:.100}", shelf.package),
        ));
    };
    let path = tag_path(tag);
    if shelf
        .at(&path)
        .is_some_and(|file| *file.version == *version)
    {
        return Ok(Vec::new());
    }
    Ok(vec![Step::Point {
        path,
        version,
        at: kept.path.to_string(),
    }])
}

#[cfg(test)]
mod tests;
