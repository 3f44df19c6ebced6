//! What a search finds.

use crate::schema;
use larder_model::RepoPath;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Something that a search found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct SearchHit {
    /// What it is.
    pub kind: SearchKind,
    /// Where it is.
    #[schema(value_type = schema::RepoPath)]
    pub repository: RepoPath,
    /// Its package or image.
    pub package: String,
    /// Its version, or the tag; null: it is a package, or a file of no version.
    pub version: Option<String>,
    /// The file's digest, or of an image's tag that of its manifest; null: it is something else.
    pub digest: Option<String>,
    /// Of a file, its path; null: it is something else.
    pub path: Option<String>,
    /// Whether it is published here.
    pub hosted: bool,
}

/// What is searched for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SearchKind {
    /// A package, or an image, by its name or the last part of it.
    Package,
    /// A version of a package.
    Version,
    /// A tag.
    Tag,
    /// A file, or a blob or manifest of an image, by its digest.
    File,
}

impl SearchKind {
    /// All kinds, in the order in which they are found.
    pub const ALL: [Self; 4] = [Self::Package, Self::Tag, Self::Version, Self::File];

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Package => "package",
            Self::Version => "version",
            Self::Tag => "tag",
            Self::File => "file",
        }
    }
}
