//! The media type of a manifest, by its own bytes: clients take no other (distribution-spec, "Pulling
//! manifests"), and upstreams send `application/json`, `text/plain`, or nothing.

use crate::protocol::MediaTypes;
use larder_model::FileKind;
use oci_spec::image::{MediaType, ToDockerV2S2 as _};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::sync::LazyLock;

/// The longest media type (RFC 6838 4.2: twice 127 characters and a slash).
const MAX_CHARS: usize = 255;
/// A manifest that says at its beginning what it is says so within so many bytes.
const BEGINNING: usize = 256;

/// The media types of an index, and of an image's manifest: of the image-spec, and of Docker.
static INDEXES: LazyLock<[String; 2]> = LazyLock::new(|| both(&MediaType::ImageIndex));
static IMAGES: LazyLock<[String; 2]> = LazyLock::new(|| both(&MediaType::ImageManifest));

fn both(known: &MediaType) -> [String; 2] {
    [
        known.to_string(),
        known.to_docker_v2s2().unwrap_or_default().to_owned(),
    ]
}

/// Media types of manifests, the newest first. Schema 1 is not accepted: it is deprecated, and its
/// digest is not that of its bytes.
pub(super) static ACCEPT: LazyLock<String> = LazyLock::new(|| {
    let [index, docker_index] = &*INDEXES;
    let [image, docker_image] = &*IMAGES;
    [&**index, image, docker_index, docker_image].join(", ")
});

/// What a manifest says of its own type, and its shape.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shape {
    media_type: Option<String>,
    manifests: Option<Vec<Part>>,
    config: Option<Part>,
    layers: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    media_type: Option<String>,
}

/// The media types of manifests.
pub(super) struct ManifestTypes;

impl MediaTypes for ManifestTypes {
    fn are_told_by(&self, kind: FileKind) -> bool {
        matches!(kind, FileKind::Tag | FileKind::Manifest)
    }

    fn is_told_at_once(&self, body: &[u8], kept: &str) -> bool {
        let beginning = &body[..body.len().min(BEGINNING)];
        // What follows a bracket is told of something else.
        let end = beginning.iter().position(|byte| *byte == b'[');
        let own = &beginning[..end.unwrap_or(beginning.len())];
        let mut known = INDEXES.iter().chain(&*IMAGES);
        known.any(|known| known == kept) && own.windows(kept.len()).any(|it| it == kept.as_bytes())
    }

    fn of(&self, body: &[u8], claimed: &str) -> String {
        let Ok(shape) = serde_json::from_slice::<Shape>(body) else {
            return IMAGES[0].clone();
        };
        if let Some(own) = shape.media_type.as_deref().filter(|own| is_sound(own)) {
            return own.to_owned();
        }
        let fitting = if shape.manifests.is_some() {
            &INDEXES
        } else {
            &IMAGES
        };
        let claimed = claimed.split(';').next().unwrap_or_default().trim();
        let claimed = fitting
            .iter()
            .find(|known| known.eq_ignore_ascii_case(claimed));
        claimed
            .unwrap_or(&fitting[usize::from(shape.is_of_docker())])
            .clone()
    }
}

impl Shape {
    /// Whether its parts are of Docker's types, so that it is too.
    fn is_of_docker(&self) -> bool {
        let first = self.manifests.as_ref().and_then(|parts| parts.first());
        let part = first.or(self.config.as_ref().filter(|_| self.layers.is_some()));
        let media_type = part.and_then(|part| part.media_type.as_deref());
        media_type.is_some_and(|text| text.starts_with("application/vnd.docker."))
    }
}

/// Whether a manifest's word for itself is a media type that no browser runs.
fn is_sound(text: &str) -> bool {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "!#$&-^_.+".contains(c);
    let name = text.strip_prefix("application/");
    text.len() <= MAX_CHARS
        && name.is_some_and(|name| !name.is_empty() && name.chars().all(is_name))
}

#[cfg(test)]
mod tests;
