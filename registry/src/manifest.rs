//! Manifests (OCI image-spec 1.1 manifest and index, Docker schema 2 and manifest lists), read
//! strictly.

use larder_model::{Digest, Problem, strict};
use oci_spec::image::{Descriptor, MediaType, ToDockerV2S2 as _};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Descriptors in one manifest at most.
const MAX_CHILDREN: usize = 10_000;

/// Media types whose bytes may lie elsewhere.
fn is_foreign(layer: &Descriptor) -> bool {
    let media_type = layer.media_type().as_ref();
    let names_elsewhere = layer.urls().as_ref().is_some_and(|urls| !urls.is_empty());
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
    config: Option<Child>,
    layers: Option<Vec<Child>>,
    blobs: Option<Vec<Child>>,
    manifests: Option<Vec<Child>>,
    subject: Option<Child>,
    #[serde(borrow)]
    annotations: Option<&'a RawValue>,
    #[serde(borrow, rename = "fsLayers")]
    fs_layers: Option<&'a RawValue>,
    #[serde(borrow)]
    signatures: Option<&'a RawValue>,
}

/// A descriptor, of which the registry judges only what it needs: clients before the image-spec
/// left `mediaType` out, and platforms and annotations are between those who push and pull.
#[derive(Deserialize)]
#[serde(from = "Judged")]
struct Child(Descriptor);

/// What is judged of a descriptor.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Judged {
    media_type: Option<String>,
    digest: oci_spec::image::Digest,
    size: u64,
    urls: Option<Vec<String>>,
}

impl From<Judged> for Child {
    fn from(judged: Judged) -> Self {
        let media_type = judged.media_type.as_deref().unwrap_or_default().into();
        let mut descriptor = Descriptor::new(media_type, judged.size, judged.digest);
        descriptor.set_urls(judged.urls);
        Self(descriptor)
    }
}

/// What a media type makes of a document.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Image,
    Index,
    Unknown,
}

/// The shape of a media type of the image-spec, or of Docker's type for the same thing.
fn shape_of(media_type: &str) -> Shape {
    let is = |known: MediaType| {
        media_type == known.as_ref()
            || known
                .to_docker_v2s2()
                .is_ok_and(|docker| media_type == docker)
    };
    if is(MediaType::ImageManifest) {
        Shape::Image
    } else if is(MediaType::ImageIndex) {
        Shape::Index
    } else {
        Shape::Unknown
    }
}

fn invalid(detail: impl Into<std::borrow::Cow<'static, str>>) -> Problem {
    Problem::invalid("manifest", detail)
}

/// Whether a text can be a media type in a header.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Reads a manifest that was sent as `content_type`.
pub fn parse(body: &[u8], content_type: Option<&str>) -> Result<Manifest, Problem> {
    // One reading only, then the reading.
    strict::check(body)
        .map_err(|error| invalid(format!("the manifest is not strict JSON: {error}")))?;
    let document: Document<'_> = serde_json::from_slice(body)
        .map_err(|error| invalid(format!("the manifest cannot be read: {error}")))?;
    // What it is, is said outside and inside: both must agree.
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
    let types = [Some(&media_type), document.artifact_type.as_ref()];
    if let Some(wrong) = types.into_iter().flatten().find(|it| !is_plain(it)) {
        let detail = format!("{wrong:?} is no media type: it has characters that none has");
        return Err(invalid(detail));
    }
    refuse_wrong_shape(&document, &media_type)?;
    // What it names.
    let listed = |descriptors: &Option<Vec<Child>>| descriptors.as_ref().map_or(0, Vec::len);
    if listed(&document.layers) + listed(&document.manifests) + listed(&document.blobs)
        > MAX_CHILDREN
    {
        return Err(invalid(format!(
            "it names more than {MAX_CHILDREN} children"
        )));
    }
    // What lists of referrers show of it: its own type, else its config's.
    let config_type = document
        .config
        .as_ref()
        .map(|Child(config)| config.media_type().to_string())
        .filter(|media_type| !media_type.is_empty());
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
            .filter(|Child(descriptor)| !is_foreign(descriptor))
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

fn digest(Child(descriptor): &Child) -> Result<Digest, Problem> {
    i64::try_from(descriptor.size()).map_err(|_| invalid("a descriptor's size is out of range"))?;
    let bad = |_| {
        invalid("a descriptor's digest is not sha256:<64 hex digits> or sha512:<128 hex digits>")
    };
    descriptor.digest().as_ref().parse().map_err(bad)
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
    match shape_of(media_type) {
        // Without layers, or with null, it has none: so some programs write an empty list.
        Shape::Image if document.manifests.is_some() || document.config.is_none() => {
            Err(invalid("an image manifest has a config"))
        }
        Shape::Index if document.manifests.is_none() => Err(invalid("an index has manifests")),
        Shape::Image | Shape::Index if document.schema_version != Some(2) => {
            Err(invalid("schemaVersion is 2"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
