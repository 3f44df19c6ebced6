//! Manifests (OCI image-spec 1.1 manifest and index, Docker schema 2 and manifest lists), read
//! strictly.

use crate::strict;
use larder_model::{Digest, Problem};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Descriptors in one manifest at most.
const MAX_CHILDREN: usize = 10_000;

/// Media types whose bytes may lie elsewhere.
fn is_foreign(layer: &Descriptor) -> bool {
    let media_type = layer.media_type.as_deref().unwrap_or_default();
    let names_elsewhere = layer.urls.as_ref().is_some_and(|urls| !urls.is_empty());
    names_elsewhere || media_type.contains(".nondistributable.") || media_type.contains(".foreign.")
}

/// What a manifest names and says, as far as the registry must know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Media type, without parameters.
    pub media_type: String,
    /// Its config.
    pub config: Option<Digest>,
    /// Blobs that it needs: config and layers, but for those that may lie elsewhere.
    pub blobs: Vec<Digest>,
    /// Manifests that it names.
    pub manifests: Vec<Digest>,
    /// The manifest that it is about.
    pub subject: Option<Digest>,
    /// What lists of referrers show: its own type, else its config's.
    pub artifact_type: Option<String>,
    /// Its annotations, as JSON.
    pub annotations: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    schema_version: Option<u64>,
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    blobs: Option<Vec<Descriptor>>,
    manifests: Option<Vec<Descriptor>>,
    subject: Option<Descriptor>,
    #[serde(borrow)]
    annotations: Option<&'a RawValue>,
    #[serde(borrow, rename = "fsLayers")]
    fs_layers: Option<&'a RawValue>,
    #[serde(borrow)]
    signatures: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: Option<String>,
    digest: String,
    size: u64,
    urls: Option<Vec<String>>,
}

const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

fn invalid(detail: impl Into<std::borrow::Cow<'static, str>>) -> Problem {
    Problem::invalid("manifest", detail)
}

/// Reads a manifest that was sent as `content_type`.
pub fn parse(body: &[u8], content_type: Option<&str>) -> Result<Manifest, Problem> {
    strict::check(body)
        .map_err(|error| invalid(format!("the manifest is not strict JSON: {error}")))?;
    let document: Document<'_> = serde_json::from_slice(body)
        .map_err(|error| invalid(format!("the manifest cannot be read: {error}")))?;
    let sent_as =
        content_type.map(|text| text.split(';').next().unwrap_or_default().trim().to_owned());
    let sent_as = sent_as.filter(|text| !text.is_empty() && text != "application/octet-stream");
    let media_type = match (sent_as, &document.media_type) {
        (Some(sent), Some(inside)) if sent != *inside => {
            return Err(invalid(format!(
                "sent as {sent}, but the manifest says {inside}"
            )));
        }
        (Some(sent), _) => sent,
        (None, Some(inside)) => inside.clone(),
        (None, None) => {
            return Err(invalid(
                "neither Content-Type nor mediaType says what it is",
            ));
        }
    };
    refuse_wrong_shape(&document, &media_type)?;
    let listed = |descriptors: &Option<Vec<Descriptor>>| descriptors.as_ref().map_or(0, Vec::len);
    if listed(&document.layers) + listed(&document.manifests) + listed(&document.blobs)
        > MAX_CHILDREN
    {
        return Err(invalid(format!(
            "it names more than {MAX_CHILDREN} children"
        )));
    }
    let config_type = document
        .config
        .as_ref()
        .and_then(|config| config.media_type.clone());
    let is_index = document.manifests.is_some();
    let own_type = document.artifact_type.filter(|own| !own.is_empty());
    let all = document
        .config
        .iter()
        .chain(document.layers.iter().flatten())
        .chain(document.blobs.iter().flatten());
    Ok(Manifest {
        media_type,
        config: document.config.as_ref().map(digest).transpose()?,
        blobs: all
            .filter(|descriptor| !is_foreign(descriptor))
            .map(digest)
            .collect::<Result<_, _>>()?,
        manifests: document
            .manifests
            .iter()
            .flatten()
            .map(digest)
            .collect::<Result<_, _>>()?,
        subject: document.subject.as_ref().map(digest).transpose()?,
        artifact_type: own_type.or(if is_index { None } else { config_type }),
        annotations: document
            .annotations
            .map(|raw| raw.get().to_owned())
            .filter(|raw| raw.starts_with('{')),
    })
}

fn digest(descriptor: &Descriptor) -> Result<Digest, Problem> {
    i64::try_from(descriptor.size).map_err(|_| invalid("a descriptor's size is out of range"))?;
    let bad = |_| {
        invalid("a descriptor's digest is not sha256:<64 hex digits> or sha512:<128 hex digits>")
    };
    descriptor.digest.parse().map_err(bad)
}

/// One document must not pass for two things.
fn refuse_wrong_shape(document: &Document<'_>, media_type: &str) -> Result<(), Problem> {
    let schema_1 = media_type.contains("manifest.v1+") && media_type.contains("docker");
    if schema_1
        || document.schema_version == Some(1)
        || document.fs_layers.is_some()
        || document.signatures.is_some()
    {
        return Err(invalid(
            "Docker schema 1 is not taken: push with a newer client",
        ));
    }
    let image = document.config.is_some() || document.layers.is_some();
    if document.manifests.is_some() && (image || document.blobs.is_some()) {
        return Err(invalid(
            "it has both manifests and layers: it is either an index or an image",
        ));
    }
    match media_type {
        OCI_MANIFEST | DOCKER_MANIFEST
            if (document.manifests.is_some()
                || document.config.is_none()
                || document.layers.is_none()) =>
        {
            return Err(invalid("an image manifest has config and layers"));
        }
        OCI_INDEX | DOCKER_LIST if document.manifests.is_none() => {
            return Err(invalid("an index has manifests"));
        }
        _ => {}
    }
    let known = [OCI_MANIFEST, DOCKER_MANIFEST, OCI_INDEX, DOCKER_LIST].contains(&media_type);
    if known && document.schema_version != Some(2) {
        return Err(invalid("schemaVersion is 2"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
