//! The body of a publication (`npm publish`, `npm deprecate`): a packument with one version and its
//! tarball, or with changed deprecation messages.

use super::body::{Attachment, scan};
use super::manifest::{Release, VersionMetadata};
use super::names::{base, is_new_name, is_tag, new_version};
use super::provenance::{self, Provenance};
use super::published::{LATEST, PublishedPackage, path_of};
use super::tarball::{self, Tarball};
use crate::json::{self, Entries, Object};
use crate::publishing::{Body, Bytes, PublishLimits, Step, StoredFile};
use crate::text::JSON;
use larder_model::{FileKind, Kind, Problem};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Limit on the tags that come with a version.
pub(super) const MAX_TAGS: usize = 16;
/// Limit on the bytes of a deprecation message.
const MAX_MESSAGE_BYTES: usize = 8 << 10;

/// The fields of a publication that this module needs.
#[derive(Deserialize)]
pub(super) struct Publication<'a> {
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "dist-tags")]
    pub(super) tags: Object<'a>,
    #[serde(borrow)]
    pub(super) versions: Option<Object<'a, Object<'a>>>,
    #[serde(borrow, default, rename = "_attachments")]
    attachments: Object<'a, AttachmentInfo<'a>>,
}

/// The fields of an attachment, besides its data.
#[derive(Deserialize)]
struct AttachmentInfo<'a> {
    #[serde(borrow)]
    length: Option<&'a RawValue>,
}

impl Entries for AttachmentInfo<'_> {}

impl<'a> Publication<'a> {
    /// Reads a body without the data of its attachments.
    pub(super) fn read(text: &'a [u8], package: &str) -> Result<Self, Problem> {
        let read: Result<Self, _> = serde_json::from_slice(text);
        let publication = read.map_err(|error| {
            let detail = format!("the body is not a publication of npm: {error}");
            Problem::invalid("body", detail)
        })?;
        let name = publication.name.as_ref();
        if name.is_some_and(|name| name != package) {
            let detail = "the package in the body is not the one in the URL";
            return Err(Problem::invalid("package", detail));
        }
        Ok(publication)
    }
}

/// Steps that publish a version, or deprecate some.
pub(super) fn publish(
    published: PublishedPackage<'_>,
    body: &mut dyn Body,
    limits: &PublishLimits,
) -> Result<Vec<Step>, Problem> {
    // Without attachments, the request deprecates versions.
    let scanned = scan(body, limits.document)?;
    let publication = Publication::read(&scanned.text, published.package)?;
    let Some(versions) = &publication.versions else {
        return Err(Problem::invalid("body", "the body has no versions"));
    };
    if publication.attachments.is_empty() {
        return deprecate(published, versions);
    }
    // Check the version, its tags and its attachments.
    let mut versions = versions.iter();
    let (Some((version, sent)), None) = (versions.next(), versions.next()) else {
        let detail = "a publication has exactly one version";
        return Err(Problem::invalid("body", detail));
    };
    check_version(published, version)?;
    let tags = tags(published, &publication, version)?;
    let attached = attachments(
        published.package,
        version,
        &publication,
        &scanned.attachments,
    )?;
    // Read the tarball, and compare it with what was published under this version.
    let encoded = (attached.tarball.start, attached.tarball.length);
    let tarball = tarball::read(body, encoded, limits)?;
    check_length(&publication, attached.tarball, &tarball)?;
    let path = path_of(published.package, version);
    if let Some(stored) = published.artifact(&path) {
        return republish(stored, &tarball.integrity);
    }
    if published.is_deleted(version) {
        return Err(unpublished(version));
    }
    // Read the provenance, and compare the manifest with the tarball.
    let of = (published.package, version);
    let bundle = attached.bundle;
    let provenance = bundle
        .map(|bundle| Provenance::read(body, bundle, of, &tarball.integrity))
        .transpose()?;
    let release = Release {
        package: published.package,
        version,
        sent,
        tarball: &tarball,
        file: path.trim_start_matches("-/"),
        predicate_type: provenance.as_ref().map(|found| &*found.predicate_type),
        limit: limits.metadata,
    };
    let metadata = release.metadata()?;
    Ok(steps(
        version,
        &path,
        metadata,
        Bytes::Base64(encoded.0, encoded.1),
        provenance,
        &tags,
    ))
}

/// The problem of a version that was deleted.
pub(super) fn unpublished(version: &str) -> Problem {
    let detail = format!(
        "{version} was unpublished and cannot be published again; publish a higher version"
    );
    Problem::new(Kind::Conflict, "version", detail)
}

/// Steps that add a version with its provenance and its tags. `tarball`: the bytes of its tarball.
pub(super) fn steps(
    version: &str,
    path: &str,
    metadata: String,
    tarball: Bytes,
    provenance: Option<Provenance>,
    tags: &[String],
) -> Vec<Step> {
    let mut steps = vec![Step::Add {
        kind: FileKind::Artifact,
        path: path.to_owned(),
        version: version.to_owned(),
        content_type: "application/octet-stream",
        metadata,
        bytes: tarball,
    }];
    steps.extend(provenance.map(|provenance| Step::Add {
        kind: FileKind::Artifact,
        path: provenance::path_of(version),
        version: version.to_owned(),
        content_type: JSON,
        metadata: String::new(),
        bytes: Bytes::Inline(provenance.document()),
    }));
    steps.extend(tags.iter().map(|tag| Step::SetTag {
        tag: tag.clone(),
        version: version.to_owned(),
        at: path.to_owned(),
    }));
    steps
}

/// Fails if a version cannot be published under this name.
pub(super) fn check_version(published: PublishedPackage<'_>, version: &str) -> Result<(), Problem> {
    if new_version(version).is_none() {
        let detail = format!("{version:.100} is not a version: write it as 1.2.3 or 1.2.3-beta.4");
        return Err(Problem::invalid("version", detail));
    }
    if published.files.is_empty() && !is_new_name(published.package) {
        let detail = "the name of a new package consists of lower case letters, digits, -, _ and ., \
            and does not begin with . or _";
        return Err(Problem::invalid("package", detail));
    }
    Ok(())
}

/// Fails if the tarball does not have the length that the publication states.
fn check_length(
    publication: &Publication<'_>,
    attachment: &Attachment,
    tarball: &Tarball,
) -> Result<(), Problem> {
    let info = publication.attachments.get(&attachment.name);
    let length = info.and_then(|info| info.length).map(RawValue::get);
    let is_other = |length| length != "null" && length != tarball.size.to_string();
    if length.is_some_and(is_other) {
        let detail = "the attachment does not have the length that the body states";
        return Err(Problem::invalid("body", detail));
    }
    Ok(())
}

/// Answers a publication of a version that exists: nothing changes if its bytes are the same.
fn republish(stored: &StoredFile, integrity: &str) -> Result<Vec<Step>, Problem> {
    let metadata = VersionMetadata::read(&stored.metadata)?;
    let dist: Option<Value> = metadata.manifest.value("dist");
    if dist.is_some_and(|dist| dist["integrity"] == integrity) {
        return Ok(Vec::new());
    }
    let version = &stored.version;
    let detail = format!("You cannot publish over the previously published versions: {version}.");
    Err(Problem::new(Kind::Conflict, "version", detail))
}

/// The tags that come with a new version. The first version of a package always gets `latest`.
fn tags(
    published: PublishedPackage<'_>,
    publication: &Publication<'_>,
    version: &str,
) -> Result<Vec<String>, Problem> {
    if publication.tags.len() > MAX_TAGS {
        let detail = format!("a version comes with at most {MAX_TAGS} tags");
        return Err(Problem::invalid("tag", detail));
    }
    let mut tags = Vec::new();
    for (tag, value) in publication.tags.iter() {
        check_tag(tag)?;
        if json::text(value).as_deref() != Some(version) {
            let detail = format!("the tag {tag} does not point to the version that is published");
            return Err(Problem::invalid("tag", detail));
        }
        tags.push(tag.to_owned());
    }
    let is_first = published.tag(LATEST).is_none();
    if is_first && !tags.iter().any(|tag| tag == LATEST) {
        tags.push(LATEST.to_owned());
    }
    Ok(tags)
}

/// Fails if a text cannot be a tag.
pub(super) fn check_tag(tag: &str) -> Result<(), Problem> {
    if is_tag(tag) {
        return Ok(());
    }
    let detail = format!(
        "{tag:.100} cannot be a tag: it is a version, a range of versions, or has characters that \
        need escapes in a URL"
    );
    Err(Problem::invalid("tag", detail))
}

/// The attachments of a version.
struct Attached<'a> {
    tarball: &'a Attachment,
    /// The provenance, if there is one.
    bundle: Option<&'a Attachment>,
}

/// Finds the attachments of a version by their names; fails if there are others.
fn attachments<'a>(
    package: &str,
    version: &str,
    publication: &Publication<'_>,
    found: &'a [Attachment],
) -> Result<Attached<'a>, Problem> {
    let find = |ending: &str| {
        let names = [
            format!("{package}-{version}.{ending}"),
            format!("{}-{version}.{ending}", base(package)),
        ];
        let mut attachments = found.iter();
        attachments.find(|attachment| names.contains(&attachment.name))
    };
    let (tarball, bundle) = (find("tgz"), find("sigstore"));
    let expected = tarball.iter().chain(&bundle).count();
    let are_all = expected == found.len() && expected == publication.attachments.len();
    let Some(tarball) = tarball.filter(|_| are_all) else {
        let detail = format!(
            "a publication has the attachment {package}-{version}.tgz, at most one provenance, \
            and no others"
        );
        return Err(Problem::invalid("body", detail));
    };
    if !tarball.plain || tarball.length == 0 {
        let detail = "the attachment's data is not plain base64";
        return Err(Problem::invalid("body", detail));
    }
    Ok(Attached { tarball, bundle })
}

/// Steps that change the deprecation messages of versions. The rest of the packument is ignored.
fn deprecate(
    published: PublishedPackage<'_>,
    versions: &Object<'_, Object<'_>>,
) -> Result<Vec<Step>, Problem> {
    let mut steps = Vec::new();
    for (version, sent) in versions.iter() {
        let stored = published.version(version).ok_or_else(|| {
            let detail = format!(
                "version {version:.100} is not published and the body has no tarball of it"
            );
            Problem::invalid("body", detail)
        })?;
        let Some(value) = sent.raw("deprecated") else {
            continue;
        };
        let message = deprecation(value)?;
        let mut metadata = VersionMetadata::read(&stored.metadata)?;
        if metadata.deprecated.as_deref().unwrap_or_default() != message {
            metadata.deprecated = (!message.is_empty()).then_some(message);
            steps.push(Step::SetMetadata {
                path: stored.path.to_string(),
                metadata: metadata.text(),
            });
        }
    }
    Ok(steps)
}

/// Reads a deprecation message. It is empty if the version is not deprecated.
fn deprecation(value: &RawValue) -> Result<Cow<'_, str>, Problem> {
    if matches!(value.get(), "null" | "false") {
        return Ok(Cow::Borrowed(""));
    }
    let message = json::text(value);
    let message =
        message.ok_or_else(|| Problem::invalid("body", "a deprecation message is a string"))?;
    if message.len() > MAX_MESSAGE_BYTES {
        let detail = format!("a deprecation message has at most {MAX_MESSAGE_BYTES} bytes");
        return Err(Problem::new(Kind::TooLarge, "body", detail));
    }
    Ok(message)
}
