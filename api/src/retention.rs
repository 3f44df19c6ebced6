//! What repositories let go by rules, and what was deleted and can be restored.

use crate::schema;
use larder_model::{Pattern, RepoPath, Series, Timestamp};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// What a repository lets go, and what it keeps.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Retention {
    /// Whether the scheduled runs follow it.
    pub enabled: bool,
    /// The rules; a version that none fits stays.
    pub rules: Vec<RetentionRule>,
    /// Versions that stay, whatever rules say.
    #[schema(value_type = Vec<schema::Pattern>)]
    pub protect: Vec<Pattern>,
    /// How long a manifest of an image stays that has no tag; `null`: for good.
    #[schema(required)]
    pub untagged_after: Option<String>,
    /// Of a mirror: how long a version stays that nobody uses; `null`: for good.
    #[schema(required)]
    pub unused_after: Option<String>,
    /// Of a mirror: bytes that it keeps; `null`: all.
    #[schema(required)]
    pub max_bytes: Option<u64>,
    /// How long what was deleted can be restored; `0s`: not at all.
    pub trash: String,
}

/// What a repository is to let go; what is absent lets nothing go.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewRetention {
    /// Whether the scheduled runs follow it; they do, if it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// The rules; a version that none fits stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 100)]
    pub rules: Option<Vec<RetentionRule>>,
    /// Versions that stay, whatever rules say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<schema::Pattern>>, max_items = 100)]
    pub protect: Option<Vec<Pattern>>,
    /// How long a manifest of an image stays that has no tag, e.g. `7d`; absent: for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub untagged_after: Option<String>,
    /// Of a mirror: how long a version stays that nobody uses, e.g. `30d`; absent: for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unused_after: Option<String>,
    /// Of a mirror: bytes that it keeps, the least lately used go first; absent: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// How long what was deleted can be restored; absent: `7d`, and `0s`: not at all, as of mirrors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trash: Option<String>,
}

/// A rule: of the versions that it fits those go that no fitting rule keeps.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct RetentionRule {
    /// The packages that it fits; absent: all.
    #[serde(default = "Pattern::all")]
    #[schema(value_type = schema::Pattern, required = false)]
    pub packages: Pattern,
    /// The versions, of images the tags, that it fits; absent: all.
    #[serde(default = "Pattern::all", deserialize_with = "all_if_null")]
    #[schema(value_type = schema::Pattern, required = false)]
    pub versions: Pattern,
    /// What it keeps of them; absent: nothing.
    #[serde(default)]
    #[schema(required = false)]
    pub keep: RetentionKeep,
}

fn all_if_null<'de, D: Deserializer<'de>>(from: D) -> Result<Pattern, D::Error> {
    let pattern = Option::deserialize(from)?;
    Ok(pattern.unwrap_or_else(Pattern::all))
}

/// What a rule keeps of the versions that it fits. Each condition keeps by itself.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct RetentionKeep {
    /// So many of each package: those that were pushed last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest: Option<u32>,
    /// Those that were pushed within so long, e.g. `30d`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pushed_within: Option<String>,
    /// Those that were read within so long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pulled_within: Option<String>,
    /// Those whose name matches one of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<schema::Pattern>>, max_items = 100)]
    pub matching: Option<Vec<Pattern>>,
    /// So many of each series: the highest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest_per: Option<RetentionSeries>,
}

/// So many versions of each series of a package.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct RetentionSeries {
    /// What a series is: all of one major version, or of one major and minor version.
    #[schema(value_type = schema::Series)]
    pub of: Series,
    /// How many.
    pub count: u32,
}

/// What becomes of a version.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RetentionAction {
    /// It stays.
    Keep,
    /// It goes.
    Delete,
}

impl RetentionAction {
    /// The word for it in the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Delete => "delete",
        }
    }
}

/// A version, and what would become of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct RetentionItem {
    /// The package.
    pub package: String,
    /// The version; `null`: a manifest without a tag.
    #[schema(required)]
    pub version: Option<String>,
    /// Of an image, the manifest; `null`: it is no image.
    #[schema(required)]
    pub digest: Option<String>,
    /// What would become of it.
    pub action: RetentionAction,
    /// Why: a sentence.
    pub reason: String,
    /// The rule that says so, from 0; `null`: no rule does.
    #[schema(required)]
    pub rule: Option<u64>,
    /// The bytes of all its files.
    pub bytes: u64,
}

/// What a policy would do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct RetentionPreview {
    /// Under which it is run, within a day.
    pub id: String,
    /// Versions, those that go first: at most 10,000.
    pub items: Vec<RetentionItem>,
    /// Whether there are more.
    pub more: bool,
    /// How many stay.
    pub keep: u64,
    /// How many go.
    pub delete: u64,
    /// The bytes that only those have that go, counted package by package.
    pub bytes: u64,
}

/// A preview that is to be done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewRetentionRun {
    /// Its id.
    pub preview: String,
}

/// What was deleted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TrashKind {
    /// A package, or more than one of its versions.
    Package,
    /// A version of a package.
    Version,
    /// A tag, with its manifest if that lost its last one.
    Tag,
    /// A manifest, with its tags.
    Manifest,
}

impl TrashKind {
    /// The word for it in the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Package => "package",
            Self::Version => "version",
            Self::Tag => "tag",
            Self::Manifest => "manifest",
        }
    }
}

/// What was deleted together and can be restored.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct TrashEntry {
    /// Its id.
    #[schema(value_type = schema::Id)]
    pub id: String,
    /// The repository.
    #[schema(value_type = schema::RepoPath)]
    pub repository: RepoPath,
    /// The package.
    pub package: String,
    /// What it was.
    pub what: TrashKind,
    /// Its version, or the tag; `null`: it had none, or is more than one.
    #[schema(required)]
    pub version: Option<String>,
    /// Of an image, the manifest; `null`: it is no image, or all of one.
    #[schema(required)]
    pub digest: Option<String>,
    /// Who deleted it.
    pub deleted_by: String,
    /// When.
    #[schema(value_type = schema::Timestamp)]
    pub deleted_at: Timestamp,
    /// Why, where a rule said so; `null`: somebody deleted it by hand.
    #[schema(required)]
    pub reason: Option<String>,
    /// When it goes for good.
    #[schema(value_type = schema::Timestamp)]
    pub expires_at: Timestamp,
    /// How many files it has.
    pub files: u64,
    /// All of them together, in bytes.
    pub bytes: u64,
}
