//! Settings of the whole server.

use crate::{Patch, schema};
use larder_model::RepoName;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Settings that live in the database.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Settings {
    /// Whether nothing is fetched from any upstream.
    pub offline: bool,
    /// Of images.
    pub oci: OciSettings,
}

/// Settings of images.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct OciSettings {
    /// The repository that is asked where the first segment of an image's name is no repository;
    /// `null`: none.
    #[schema(required, value_type = Option<schema::RepoName>)]
    pub default_mirror: Option<RepoName>,
}

/// What is changed of the settings; what is absent stays.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct SettingsChange {
    /// Whether nothing is fetched from any upstream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offline: Option<bool>,
    /// Of images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oci: Option<OciSettingsChange>,
}

/// What is changed of the settings of images; what is absent stays.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct OciSettingsChange {
    /// The name of a repository of images; `null`, or an empty text, takes the mirror back.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[schema(value_type = Option<String>)]
    pub default_mirror: Patch<String>,
}
