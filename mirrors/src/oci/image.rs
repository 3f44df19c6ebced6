//! Manifests, indexes and configs of images, for people (image-spec 1.1, and Docker's types for the
//! same things). Broken ones are told of: nothing here decides what is taken or served.

use larder_model::{Digest, strict};
use oci_spec::image::{ImageConfiguration, MediaType, Platform, ToDockerV2S2 as _};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Descriptors that are read of one manifest.
const MAX_DESCRIPTORS: usize = 10_000;

/// What a manifest or an index says.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Its media type, where it says so.
    pub media_type: Option<String>,
    /// The type of an artifact that is no image.
    pub artifact_type: Option<String>,
    /// The config of an image.
    pub config: Option<Descriptor>,
    /// The layers of an image, or the parts of an artifact, the first one first.
    #[serde(default)]
    pub layers: Vec<Descriptor>,
    /// The manifests of an index.
    pub manifests: Option<Vec<Descriptor>>,
    /// The manifest that it is about.
    pub subject: Option<Descriptor>,
    /// Its annotations.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

/// What a manifest says of a part.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// Its media type; empty where it is not told, as by clients before the image-spec.
    #[serde(default)]
    pub media_type: String,
    /// Its digest.
    #[serde(deserialize_with = "digest")]
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Where its bytes are, if not in a registry.
    pub urls: Option<Vec<String>>,
    /// Of a manifest in an index: what the image runs on.
    pub platform: Option<Platform>,
    /// Of a manifest in a list of referrers: its own type, else its config's.
    pub artifact_type: Option<String>,
    /// Its annotations.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

fn digest<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Digest, D::Error> {
    let text = String::deserialize(from)?;
    let bad =
        |_| serde::de::Error::custom("a digest is not sha256:<64 hex digits> or sha512:<128>");
    text.parse().map_err(bad)
}

impl Descriptor {
    /// Whether its bytes may lie elsewhere: registries need not have them.
    pub fn is_foreign(&self) -> bool {
        let names_elsewhere = self.urls.as_ref().is_some_and(|urls| !urls.is_empty());
        let is_foreign = |word| self.media_type.contains(word);
        names_elsewhere || is_foreign(".nondistributable.") || is_foreign(".foreign.")
    }
}

impl Manifest {
    /// What lists of referrers tell of it, as JSON; empty if it is about no other manifest.
    pub fn referrer_metadata(&self) -> String {
        if self.subject.is_none() {
            return String::new();
        }
        let config = self.config.as_ref().map(|config| &config.media_type);
        let config = config.filter(|_| self.manifests.is_none());
        let own = self.artifact_type.as_ref();
        let artifact_type = own.or(config).filter(|text| !text.is_empty());
        serde_json::json!({"artifactType": artifact_type, "annotations": self.annotations})
            .to_string()
    }

    /// Reads a manifest or an index; why not, if it cannot be read.
    pub fn read(body: &[u8]) -> Result<Self, String> {
        strict::check(body).map_err(|error| error.to_string())?;
        let read: Self = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        if read.layers.len() + read.manifests.as_ref().map_or(0, Vec::len) > MAX_DESCRIPTORS {
            return Err(format!("it names more than {MAX_DESCRIPTORS} parts"));
        }
        Ok(read)
    }
}

/// Whether a config of this media type tells how an image runs. Other artifacts have others.
pub fn is_image_config(media_type: &str) -> bool {
    let known = MediaType::ImageConfig;
    let docker = known.to_docker_v2s2().unwrap_or_default();
    media_type == known.as_ref() || media_type == docker
}

/// Reads the config of an image; why not, if it cannot be read.
pub fn read_config(body: &[u8]) -> Result<ImageConfiguration, String> {
    strict::check(body).map_err(|error| error.to_string())?;
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
