//! What an image is made of.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// An image: the manifest or index that a tag stands for, and what it names.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Image {
    /// The digest of its manifest.
    #[schema(pattern = "^[a-z0-9]+:[0-9a-f]+$")]
    pub digest: String,
    /// The manifest's media type.
    pub media_type: String,
    /// The manifest alone, in bytes.
    pub size_bytes: u64,
    /// Its config and its layers together, in bytes; null: it is an index, or cannot be read.
    pub bytes: Option<u64>,
    /// The type of an artifact that is no image; null: none is told.
    pub artifact_type: Option<String>,
    /// The digest of the manifest that it is about; null: none.
    pub subject: Option<String>,
    /// The manifest's annotations.
    pub annotations: BTreeMap<String, String>,
    /// Of an index, its manifests.
    pub platforms: Vec<ImagePlatform>,
    /// Its layers, the lowest first.
    pub layers: Vec<ImageLayer>,
    /// How it runs; null: it is an index or no image, or `problems` says why.
    pub config: Option<ImageConfig>,
    /// Manifests that are about it, at most 100.
    pub referrers: Vec<ImageReferrer>,
    /// Whether it has more referrers.
    pub more_referrers: bool,
    /// What could not be told, and why.
    pub problems: Vec<ImageProblem>,
}

/// A manifest of an index.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ImagePlatform {
    /// Its digest.
    pub digest: String,
    /// Its media type; empty where the index does not tell it.
    pub media_type: String,
    /// The manifest alone, in bytes.
    pub size_bytes: u64,
    /// The operating system; null: it is not told.
    pub os: Option<String>,
    /// The operating system's version; null: it is not told.
    pub os_version: Option<String>,
    /// The processor; null: it is not told.
    pub architecture: Option<String>,
    /// Its variant; null: it is not told.
    pub variant: Option<String>,
    /// What the index says of it.
    pub annotations: BTreeMap<String, String>,
}

/// A layer of an image.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ImageLayer {
    /// Its digest.
    pub digest: String,
    /// Its media type; empty where the manifest does not tell it.
    pub media_type: String,
    /// In bytes, as it is pulled.
    pub size_bytes: u64,
}

/// How an image runs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ImageConfig {
    /// The digest of its bytes.
    pub digest: String,
    /// When the image was made, as its maker wrote it; null: it is not told.
    pub created: Option<String>,
    /// Who made it; null: it is not told.
    pub author: Option<String>,
    /// The processor.
    pub architecture: String,
    /// Its variant; null: it is not told.
    pub variant: Option<String>,
    /// The operating system.
    pub os: String,
    /// Its version; null: it is not told.
    pub os_version: Option<String>,
    /// The program and its first arguments; null: none.
    pub entrypoint: Option<Vec<String>>,
    /// Further arguments, or the program where there is no entrypoint; null: none.
    pub cmd: Option<Vec<String>>,
    /// Variables as `NAME=value`.
    pub env: Vec<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// The folder in which it starts; null: it is not told.
    pub working_dir: Option<String>,
    /// The user as whom it runs; null: it is not told.
    pub user: Option<String>,
    /// Ports, such as `8080/tcp`.
    pub exposed_ports: Vec<String>,
    /// Folders that are volumes.
    pub volumes: Vec<String>,
    /// The signal that stops it; null: it is not told.
    pub stop_signal: Option<String>,
    /// How it was made, the first step first.
    pub history: Vec<ImageHistory>,
}

/// A step by which an image was made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ImageHistory {
    /// When, as its maker wrote it; null: it is not told.
    pub created: Option<String>,
    /// By which command; null: it is not told.
    pub created_by: Option<String>,
    /// By whom; null: it is not told.
    pub author: Option<String>,
    /// What the maker said of it; null: nothing.
    pub comment: Option<String>,
    /// Whether it made no layer.
    pub empty_layer: bool,
}

/// A manifest that is about an image: a signature, a list of its parts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ImageReferrer {
    /// Its digest.
    pub digest: String,
    /// Its media type.
    pub media_type: String,
    /// Its own type, else its config's; null: none is told.
    pub artifact_type: Option<String>,
    /// The manifest alone, in bytes.
    pub size_bytes: u64,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
}

/// A part of an image that could not be told.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ImageProblem {
    /// Which part.
    pub part: ImagePart,
    /// Why.
    pub code: ImageProblemCode,
    /// The same for people.
    pub detail: String,
}

/// A part of an image.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImagePart {
    /// Its manifest.
    Manifest,
    /// Its config.
    Config,
    /// Its referrers.
    Referrers,
}

/// Why a part of an image could not be told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImageProblemCode {
    /// It is not kept here; whoever pulls the image brings it.
    NotKept,
    /// It is larger than what is read for this.
    TooLarge,
    /// It is not what it should be.
    Unreadable,
    /// It is of an artifact that is no image.
    Foreign,
    /// The package is blocked here.
    Blocked,
}
