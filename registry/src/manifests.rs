//! Manifests (end-3, end-7, end-9).

use crate::names::{no_name, package_key, permission, repo_of};
use crate::reply::docker_digest;
use crate::{Registry, manifest};
use http::header::{CONTENT_TYPE, HeaderName, IF_MATCH, IF_NONE_MATCH, LOCATION, WARNING};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use larder_access::Admission;
use larder_content::Prepared;
use larder_door::answer::{is_download, names_tag};
use larder_door::{Answer, BlobAnswer, Incoming, Lasts};
use larder_metadata::blobs::Putting;
use larder_metadata::files::PackageKey;
use larder_metadata::manifests::{Expect, NewManifest};
use larder_metadata::repos::RepoRecord;
use larder_metadata::{Error, Requirement};
use larder_model::{
    Algorithm, Digest, FileKind, ImageName, Kind, Problem, Reference, Reply, Tag, Verb,
};
use serde_json::json;

const OCI_SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
const OCI_TAG: HeaderName = HeaderName::from_static("oci-tag");

/// Absent layers that are named, so that warnings stay well below their 4,096 bytes.
const MAX_WARNINGS: usize = 10;

/// Tags of one push at most.
const MAX_TAGS: usize = 100;

/// A tag is one kind of file, a manifest by its digest another.
const fn kind_of(reference: &Reference) -> FileKind {
    match reference {
        Reference::Tag(_) => FileKind::Tag,
        Reference::Digest(_) => FileKind::Manifest,
    }
}

fn no_manifest(reference: &Reference) -> Problem {
    Problem::not_found(
        "manifest",
        format!("this image has no manifest {reference}"),
    )
}

/// A manifest names what its image does not have: this, and so many more.
fn incomplete(first: Digest, more: usize) -> Problem {
    let more = match more {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let detail = format!(
        "the manifest names {first}{more}, which this image does not have: push all that it names \
         first (sparse images are taken where the repository's sparse_images is true)"
    );
    Problem::invalid("child", detail)
}

impl Registry {
    pub(crate) async fn get_manifest(
        &self,
        admission: &Admission,
        name: &ImageName,
        reference: &Reference,
        request: &Parts,
    ) -> Result<Answer, Problem> {
        let repo = repo_of(admission, name)?;
        let (kind, path) = (kind_of(reference), reference.to_string());
        let key = package_key(&repo, name).file(kind, &path);
        let found = if request.method == Method::HEAD {
            self.metadata.stat(key).await?
        } else {
            self.metadata.find(key).await?
        };
        let found = found.ok_or_else(|| no_manifest(reference))?;
        if found.damaged && request.method == Method::HEAD {
            return Err(no_manifest(reference)); // whoever has it is to push it
        }
        self.metadata.note_use(key, &found);
        if is_download(request, &found, None) {
            self.metadata.note_download_of(key, &found);
        }
        let mut headers = HeaderMap::new();
        // Who asks by a digest is told this one: copies of mirrors are known by another here.
        let digest = match reference {
            Reference::Digest(digest) => digest,
            Reference::Tag(_) => &found.digest,
        };
        docker_digest(&mut headers, digest);
        let content_type =
            HeaderValue::try_from(&*found.content_type).map_err(Problem::internal)?;
        let lasts = if matches!(reference, Reference::Digest(_)) {
            Lasts::Forever
        } else {
            Lasts::Unknown
        };
        Ok(Answer::Blob(BlobAnswer {
            found,
            content_type,
            headers,
            lasts,
            private: false,
            overlay: None,
            changed: None,
        }))
    }

    pub(crate) async fn put_manifest(
        &self,
        admission: &Admission,
        name: &ImageName,
        reference: Reference,
        mut tags: Vec<Tag>,
        request: &Parts,
        body: &mut Incoming,
    ) -> Result<Answer, Problem> {
        // Read it, and see that it is what was promised.
        let content_type = request
            .headers
            .get(CONTENT_TYPE)
            .map(HeaderValue::to_str)
            .transpose();
        let content_type =
            content_type.map_err(|_| Problem::invalid("manifest", "Content-Type is not text"))?;
        let limit = self.limits.manifest;
        let announced = body.announced();
        let body = body.collect(limit).await.map_err(|problem| {
            // Its own code tells clients that it is the manifest.
            match problem.kind {
                Kind::TooLarge => limit.exceeded("manifest", "the manifest", announced),
                _ => problem,
            }
        })?;
        let digest = checked_digest(&reference, &body)?;
        if let Reference::Tag(tag) = reference {
            tags.insert(0, tag);
        }
        if tags.len() > MAX_TAGS {
            let detail = format!("at most {MAX_TAGS} tags at once");
            return Err(Problem::invalid("tag", detail));
        }
        // Nothing is made of it before it is understood and the right is held.
        let manifest = manifest::parse(&body, content_type)?;
        let allowed = admission.require(&permission(name, Verb::Write))?;
        let repo = self.repo_to_push(admission, name).await?;
        let package = package_key(&repo, name);
        let expect = self.expectation(package, &tags, request).await?;
        let tag_names: Vec<&str> = tags.iter().map(Tag::as_str).collect();
        let metadata = metadata(&manifest);
        let full_name = format!("oci/{name}");
        if !repo.settings.sparse_images {
            self.require_manifests(package, &manifest).await?;
        }
        // One commit has its bytes, its edges and its tags.
        let put = async |blobs: &[Digest], absent: &[Digest]| {
            let write = async |blob| {
                let new = NewManifest {
                    putting: Putting {
                        package,
                        by: &allowed,
                    },
                    full_name: &full_name,
                    blob,
                    content_type: &manifest.media_type,
                    metadata: &metadata,
                    blobs,
                    absent,
                    manifests: &manifest.manifests,
                    subject: manifest.subject,
                    tags: &tag_names,
                    expect,
                };
                self.metadata.keep_manifest(new).await
            };
            let bytes = Prepared::inline(digest, body.clone());
            self.content.keep(bytes, write).await
        };
        let mut reply = created(name, &digest, &manifest, &tags);
        // Nearly always all its blobs are there. Only if not, they are told apart.
        match put(&manifest.blobs, &[]).await {
            Ok(()) => return Ok(reply.into()),
            Err(Error::Unmet(Requirement::Blob)) => {}
            Err(error) => return Err(unmet(error, &repo, name)),
        }
        if !repo.settings.sparse_images {
            return Err(self.missing_blobs(package, &manifest).await?);
        }
        let (blobs, absent) = self.split(package, &manifest).await?;
        put(&blobs, &absent)
            .await
            .map_err(|error| unmet(error, &repo, name))?;
        for layer in absent.iter().take(MAX_WARNINGS) {
            reply = reply.with(
                WARNING,
                format!(
                    "299 - \"layer {layer} is not in this image: whoever pulls it will miss it\""
                ),
            );
        }
        Ok(reply.into())
    }

    /// Fails unless what an index names is there: manifests, or blobs, of which build caches are made.
    async fn require_manifests(
        &self,
        package: PackageKey<'_>,
        index: &manifest::Manifest,
    ) -> Result<(), Problem> {
        for child in &index.manifests {
            let path = child.to_string();
            let mut is_there = false;
            for kind in [FileKind::Manifest, FileKind::Blob] {
                let found = self.metadata.stat(package.file(kind, &path)).await?;
                is_there |= found.is_some();
            }
            if !is_there {
                return Err(incomplete(*child, 0));
            }
        }
        Ok(())
    }

    /// The refusal of a manifest whose blobs are not all there: a client then uploads them.
    async fn missing_blobs(
        &self,
        package: PackageKey<'_>,
        manifest: &manifest::Manifest,
    ) -> Result<Problem, Problem> {
        let mut absent = self.apart(package, manifest).await?.1.into_iter();
        let Some(first) = absent.next() else {
            // They came meanwhile, or one is being deleted.
            let detail = "a blob of the manifest came or went at this moment: push it again";
            return Ok(Problem::invalid("child", detail));
        };
        Ok(incomplete(first, absent.count()))
    }

    /// Tells blobs that are there from those that are not. An image may be sparse, where its
    /// repository takes such: some layers may be absent, as of a partial copy. Without its config, or
    /// with no layer at all, it is not sparse but a push gone wrong.
    async fn split(
        &self,
        package: PackageKey<'_>,
        manifest: &manifest::Manifest,
    ) -> Result<(Vec<Digest>, Vec<Digest>), Problem> {
        let (present, absent) = self.apart(package, manifest).await?;
        let has_layer = present.iter().any(|blob| Some(*blob) != manifest.config);
        let has_config = manifest
            .config
            .is_some_and(|config| present.contains(&config));
        match absent.first() {
            Some(missing) if !has_layer || !has_config => {
                let detail =
                    format!("the manifest names {missing}, which this image does not have");
                Err(Problem::invalid("child", detail))
            }
            _ => Ok((present, absent)),
        }
    }

    /// The blobs of a manifest that are there, and those that are not.
    async fn apart(
        &self,
        package: PackageKey<'_>,
        manifest: &manifest::Manifest,
    ) -> Result<(Vec<Digest>, Vec<Digest>), Problem> {
        let (mut present, mut absent) = (Vec::new(), Vec::new());
        for blob in &manifest.blobs {
            let path = blob.to_string();
            let key = package.file(FileKind::Blob, &path);
            let found = self.metadata.stat(key).await?;
            if found.is_some_and(|found| !found.damaged) {
                present.push(*blob);
            } else {
                absent.push(*blob);
            }
        }
        Ok((present, absent))
    }

    /// `If-Match` and `If-None-Match` on a push by tag, for clients that update a tag only if
    /// nobody else did.
    async fn expectation(
        &self,
        package: PackageKey<'_>,
        tags: &[Tag],
        request: &Parts,
    ) -> Result<Expect, Problem> {
        let text = |name| {
            request
                .headers
                .get(name)
                .and_then(|value: &HeaderValue| value.to_str().ok())
        };
        if text(IF_NONE_MATCH).is_some_and(|list| list.trim() == "*") {
            return Ok(Expect::Absent);
        }
        let (Some(list), Some(tag)) = (text(IF_MATCH), tags.first()) else {
            return Ok(Expect::Any);
        };
        let key = package.file(FileKind::Tag, tag.as_str());
        let current = self.metadata.stat(key).await?;
        let current = current
            .map(|found| found.digest)
            .filter(|digest| names_tag(list, &digest.to_string()));
        let unmet = || {
            Problem::new(
                Kind::Precondition,
                "tag",
                "the tag is not what you expect it to be",
            )
        };
        current.map(Expect::Is).ok_or_else(unmet)
    }

    pub(crate) async fn delete_manifest(
        &self,
        admission: &Admission,
        name: &ImageName,
        reference: &Reference,
        request: &Parts,
    ) -> Result<Answer, Problem> {
        let allowed = admission.require(&permission(name, Verb::Delete))?;
        let repo = repo_of(admission, name)?;
        let package = package_key(&repo, name);
        let dropped = match reference {
            Reference::Tag(tag) => {
                let tags = std::slice::from_ref(tag);
                let only = match self.expectation(package, tags, request).await? {
                    Expect::Is(digest) => Some(digest),
                    Expect::Any | Expect::Absent => None,
                };
                self.metadata
                    .drop_tag(package, tag.as_str(), only.as_ref(), &allowed)
                    .await
            }
            Reference::Digest(digest) => {
                self.metadata.drop_manifest(package, digest, &allowed).await
            }
        };
        match dropped {
            Ok(()) => Ok(Reply::new(StatusCode::ACCEPTED).into()),
            Err(Error::Unmet(_)) if self.metadata.revision(package).await?.is_none() => {
                Err(no_name())
            }
            Err(Error::Unmet(_)) => Err(no_manifest(reference)),
            Err(error) => Err(error.into()),
        }
    }
}

/// The digest of a manifest's bytes, in the algorithm of its reference, which they must agree with.
fn checked_digest(reference: &Reference, body: &[u8]) -> Result<Digest, Problem> {
    let Reference::Digest(promised) = reference else {
        return Ok(Digest::of(Algorithm::Sha256, body));
    };
    let digest = Digest::of(promised.algorithm(), body);
    if digest == *promised {
        return Ok(digest);
    }
    let detail = format!("the bytes that came are {digest}");
    Err(Problem::new(Kind::DigestMismatch, "digest", detail))
}

fn unmet(error: Error, repo: &RepoRecord, name: &ImageName) -> Problem {
    match error {
        Error::Unmet(Requirement::NameFree) => Problem::reserved(repo.full_name(), name.image()),
        Error::Unmet(Requirement::Tag) => Problem::new(
            Kind::Precondition,
            "tag",
            "the tag is not what you expect it to be",
        ),
        Error::Unmet(_) => Problem::invalid(
            "child",
            "a blob of the manifest was removed meanwhile; push it again",
        ),
        error => error.into(),
    }
}

/// What lists of referrers tell of a manifest, so that they need not read it again.
fn metadata(manifest: &manifest::Manifest) -> String {
    if manifest.subject.is_none() {
        return String::new();
    }
    let annotations: Option<&serde_json::value::RawValue> = manifest
        .annotations
        .as_deref()
        .and_then(|raw| serde_json::from_str(raw).ok());
    json!({"artifactType": manifest.artifact_type, "annotations": annotations}).to_string()
}

fn created(
    name: &ImageName,
    digest: &Digest,
    manifest: &manifest::Manifest,
    tags: &[Tag],
) -> Reply {
    let mut reply =
        Reply::new(StatusCode::CREATED).with(LOCATION, format!("/v2/{name}/manifests/{digest}"));
    docker_digest(&mut reply.headers, digest);
    if let Some(subject) = &manifest.subject {
        reply = reply.with(OCI_SUBJECT, subject.to_string());
    }
    for tag in tags {
        reply = reply.with(OCI_TAG, tag.as_str());
    }
    reply
}
