//! What an image is made of: its manifest, its config and its referrers, as far as they are kept
//! here. Nothing is fetched for it, and what cannot be told is said.

use super::sources::{is_hosted, key_of};
use crate::state::ApiState;
use larder_api::{
    Image, ImageConfig, ImageHistory, ImageLayer, ImagePart, ImagePlatform, ImageProblem,
    ImageProblemCode, ImageReferrer,
};
use larder_metadata::manifests::Referrer;
use larder_metadata::repos::RepoRecord;
use larder_mirrors::oci::image::{Descriptor, Manifest, is_image_config, read_config};
use larder_model::{Digest, FileKind, Kind, Problem, StoredFile};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Bytes of a manifest, a config or a list that are read at most.
const MAX_BYTES: u64 = 4 << 20;
/// Referrers that are told of.
const MAX_REFERRERS: usize = 100;

/// Where an image is, and what could not be told of it so far.
struct Teller<'a> {
    state: &'a ApiState,
    repo: &'a Arc<RepoRecord>,
    package: &'a str,
    problems: Vec<ImageProblem>,
}

/// Tells of the image whose tag or manifest `file` is.
pub(super) async fn image(
    state: &ApiState,
    repo: &Arc<RepoRecord>,
    package: &str,
    file: &StoredFile,
) -> Result<Image, Problem> {
    let mut teller = Teller {
        state,
        repo,
        package,
        problems: Vec::new(),
    };
    let body = teller.read(ImagePart::Manifest, file.kind, &file.path);
    let body = body.await?;
    let manifest = body.map(|body| Manifest::read(&body)).transpose();
    let manifest = manifest.unwrap_or_else(|why| {
        teller.note(ImagePart::Manifest, ImageProblemCode::Unreadable, why);
        None
    });
    let config = match manifest.as_ref().and_then(|read| read.config.as_ref()) {
        Some(config) => teller.config(config).await?,
        None => None,
    };
    let (referrers, more_referrers) = teller.referrers(&file.digest).await?;
    let bytes = manifest.as_ref().filter(|read| read.manifests.is_none());
    let bytes = bytes.map(|read| {
        let all = read.config.iter().chain(&read.layers);
        all.fold(0_u64, |sum, part| sum.saturating_add(part.size))
    });
    let (mut platforms, mut layers, mut annotations) = (Vec::new(), Vec::new(), BTreeMap::new());
    let (mut artifact_type, mut subject) = (None, None);
    if let Some(read) = manifest {
        let manifests = read.manifests.into_iter().flatten();
        platforms = manifests.map(platform).collect();
        layers = read.layers.into_iter().map(layer).collect();
        annotations = read.annotations;
        artifact_type = read.artifact_type;
        subject = read.subject.map(|subject| subject.digest.to_string());
    }
    Ok(Image {
        digest: file.digest.to_string(),
        media_type: file.content_type.to_string(),
        size_bytes: file.size,
        bytes,
        artifact_type,
        subject,
        annotations,
        platforms,
        layers,
        config,
        referrers,
        more_referrers,
        problems: teller.problems,
    })
}

impl Teller<'_> {
    fn note(&mut self, part: ImagePart, code: ImageProblemCode, detail: impl Into<String>) {
        let detail = detail.into();
        self.problems.push(ImageProblem { part, code, detail });
    }

    /// The bytes of a file of the image; `None`, and noted why, if they cannot be had.
    async fn read(
        &mut self,
        part: ImagePart,
        kind: FileKind,
        path: &str,
    ) -> Result<Option<bytes::Bytes>, Problem> {
        let key = key_of(self.repo, self.package).file(kind, path);
        let Some(found) = self.state.metadata.stat(key).await? else {
            let detail = "it is not kept here: whoever pulls the image brings it";
            self.note(part, ImageProblemCode::NotKept, detail);
            return Ok(None);
        };
        if found.size > MAX_BYTES {
            let detail = format!(
                "it has {} bytes, and at most {MAX_BYTES} are read",
                found.size
            );
            self.note(part, ImageProblemCode::TooLarge, detail);
            return Ok(None);
        }
        match self.state.engine.read(self.repo, key).await {
            Ok(body) => Ok(Some(body)),
            Err(problem) if problem.kind == Kind::Policy => {
                self.note(part, ImageProblemCode::Blocked, problem.detail);
                Ok(None)
            }
            Err(problem) => Err(problem),
        }
    }

    async fn config(&mut self, config: &Descriptor) -> Result<Option<ImageConfig>, Problem> {
        let part = ImagePart::Config;
        if !is_image_config(&config.media_type) {
            let detail = format!(
                "its media type is {:?}, which is not that of an image's config",
                config.media_type
            );
            self.note(part, ImageProblemCode::Foreign, detail);
            return Ok(None);
        }
        let path = config.digest.to_string();
        let Some(body) = self.read(part, FileKind::Blob, &path).await? else {
            return Ok(None);
        };
        match to_api(path, &body) {
            Ok(config) => Ok(Some(config)),
            Err(why) => {
                self.note(part, ImageProblemCode::Unreadable, why);
                Ok(None)
            }
        }
    }

    /// The manifests about a manifest, and whether there are more.
    async fn referrers(&mut self, subject: &Digest) -> Result<(Vec<ImageReferrer>, bool), Problem> {
        let mut all: Vec<ImageReferrer> = if is_hosted(self.repo) {
            let key = key_of(self.repo, self.package);
            let count = MAX_REFERRERS as u64 + 1;
            let rows = self.state.metadata.referrers(key, subject, "", count);
            rows.await?.into_iter().map(of_row).collect()
        } else {
            self.mirrored_referrers(subject).await?
        };
        let more = all.len() > MAX_REFERRERS;
        all.truncate(MAX_REFERRERS);
        Ok((all, more))
    }

    /// What a kept list of the upstream says.
    async fn mirrored_referrers(
        &mut self,
        subject: &Digest,
    ) -> Result<Vec<ImageReferrer>, Problem> {
        let path = format!("referrers/{subject}?");
        let part = ImagePart::Referrers;
        let Some(body) = self.read(part, FileKind::Document, &path).await? else {
            return Ok(Vec::new());
        };
        match Manifest::read(&body) {
            Ok(list) => Ok(list.manifests.into_iter().flatten().map(listed).collect()),
            Err(why) => {
                self.note(part, ImageProblemCode::Unreadable, why);
                Ok(Vec::new())
            }
        }
    }
}

fn platform(manifest: Descriptor) -> ImagePlatform {
    let platform = manifest.platform.as_ref();
    ImagePlatform {
        os: platform.map(|it| it.os().to_string()),
        os_version: platform.and_then(|it| it.os_version().clone()),
        architecture: platform.map(|it| it.architecture().to_string()),
        variant: platform.and_then(|it| it.variant().clone()),
        digest: manifest.digest.to_string(),
        media_type: manifest.media_type,
        size_bytes: manifest.size,
        annotations: manifest.annotations,
    }
}

fn layer(layer: Descriptor) -> ImageLayer {
    ImageLayer {
        digest: layer.digest.to_string(),
        media_type: layer.media_type,
        size_bytes: layer.size,
    }
}

/// A referrer in a list of an upstream.
fn listed(referrer: Descriptor) -> ImageReferrer {
    ImageReferrer {
        digest: referrer.digest.to_string(),
        media_type: referrer.media_type,
        artifact_type: referrer.artifact_type,
        size_bytes: referrer.size,
        annotations: referrer.annotations,
    }
}

/// What was noted of a referrer when it was pushed. What is no text among its annotations is left
/// out.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Noted {
    artifact_type: Option<String>,
    annotations: Option<BTreeMap<String, serde_json::Value>>,
}

fn of_row(row: Referrer) -> ImageReferrer {
    let noted: Noted = serde_json::from_str(&row.metadata).unwrap_or_default();
    let annotations = noted.annotations.into_iter().flatten();
    ImageReferrer {
        digest: row.digest.to_string(),
        media_type: row.content_type.into(),
        artifact_type: noted.artifact_type,
        size_bytes: row.size,
        annotations: annotations
            .filter_map(|(key, value)| Some((key, value.as_str()?.to_owned())))
            .collect(),
    }
}

/// A config as it is told; why not, if it cannot be read.
fn to_api(digest: String, body: &[u8]) -> Result<ImageConfig, String> {
    let read = read_config(body)?;
    let run = read.config().clone().unwrap_or_default();
    let sorted = |texts: &Option<Vec<String>>| {
        let mut texts = texts.clone().unwrap_or_default();
        texts.sort_unstable();
        texts
    };
    let history = read.history().iter().flatten();
    Ok(ImageConfig {
        digest,
        created: read.created().clone(),
        author: read.author().clone(),
        architecture: read.architecture().to_string(),
        variant: read.variant().clone(),
        os: read.os().to_string(),
        os_version: read.os_version().clone(),
        entrypoint: run.entrypoint().clone(),
        cmd: run.cmd().clone(),
        env: run.env().clone().unwrap_or_default(),
        labels: run.labels().clone().into_iter().flatten().collect(),
        working_dir: run.working_dir().clone(),
        user: run.user().clone(),
        exposed_ports: sorted(run.exposed_ports()),
        volumes: sorted(run.volumes()),
        stop_signal: run.stop_signal().clone(),
        history: history
            .map(|step| ImageHistory {
                created: step.created().clone(),
                created_by: step.created_by().clone(),
                author: step.author().clone(),
                comment: step.comment().clone(),
                empty_layer: step.empty_layer().unwrap_or_default(),
            })
            .collect(),
    })
}
