//! Packages, their versions, the files of one.

use crate::abouts::PackageBlock;
use crate::images::Image;
use crate::schema;
use larder_model::{RepoPath, Timestamp};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A package.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Package {
    /// Its name in canonical form.
    pub name: String,
    /// Whether it is published here.
    pub hosted: bool,
    /// Where it is: of a group its members.
    #[schema(value_type = Vec<schema::RepoPath>)]
    pub repositories: Vec<RepoPath>,
    /// When anything of it was changed last.
    #[schema(value_type = schema::Timestamp)]
    pub updated_at: Timestamp,
}

/// A version of a package; of an image a tag.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Version {
    /// Its name.
    pub version: String,
    /// Whether it is published here.
    pub hosted: bool,
    /// Where it is: of a group a member.
    #[schema(value_type = schema::RepoPath)]
    pub repository: RepoPath,
    /// Of a tag, the digest of its manifest.
    #[schema(pattern = "^[a-z0-9]+:[0-9a-f]+$")]
    pub digest: Option<String>,
    /// Whether it is yanked, or why.
    pub yanked: Yanked,
    /// What those who made it say of it, as it is deprecated; null: it is not.
    pub deprecated: Option<String>,
    /// Names that lead to it, as npm's dist-tags.
    pub tags: Vec<String>,
    /// How many files it has; a tag has one, its manifest.
    pub files: u64,
    /// All of them together, in bytes.
    pub bytes: u64,
    /// Of a tag of a hosted image, what the image is made of; null: of nothing else.
    pub image: Option<ImageSum>,
    /// When the first of them came.
    #[schema(value_type = schema::Timestamp)]
    pub created_at: Timestamp,
    /// Who published it, as `user:NAME`; `upstream`: a mirror.
    pub created_by: String,
    /// When one of them was read last; null: not since that is noted.
    #[schema(value_type = Option<schema::Timestamp>)]
    pub last_used_at: Option<Timestamp>,
    /// How often it was downloaded in the last 30 days.
    pub downloads: u64,
    /// How often it was ever downloaded.
    pub total_downloads: u64,
}

/// What an image is made of, in numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ImageSum {
    /// Configs and layers of all its manifests, each once, in bytes.
    pub bytes: u64,
    /// The manifests of an index, most often one for each platform; 0: it is a single manifest.
    pub manifests: u64,
}

/// A version with its files.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct VersionDetails {
    /// The package's name in canonical form.
    pub package: String,
    /// The version.
    pub version: String,
    /// Whether it is published here.
    pub hosted: bool,
    /// Where it is: of a group a member.
    #[schema(value_type = schema::RepoPath)]
    pub repository: RepoPath,
    /// Whether it is yanked, or why.
    pub yanked: Yanked,
    /// What those who made it say of it, as it is deprecated; null: it is not.
    pub deprecated: Option<String>,
    /// Names that lead to it, as npm's dist-tags.
    pub tags: Vec<String>,
    /// The blocks that refuse its package; empty: it is served.
    pub blocked: Vec<PackageBlock>,
    /// The files that are told of, together, in bytes.
    pub bytes: u64,
    /// When the first of them came.
    #[schema(value_type = schema::Timestamp)]
    pub created_at: Timestamp,
    /// Who published it, as `user:NAME`; `upstream`: a mirror.
    pub created_by: String,
    /// When one of them was read last; null: not since that is noted.
    #[schema(value_type = Option<schema::Timestamp>)]
    pub last_used_at: Option<Timestamp>,
    /// How often it was downloaded in the last 30 days.
    pub downloads: u64,
    /// How often it was ever downloaded.
    pub total_downloads: u64,
    /// Its files, at most 1000; of an image, the tag or the manifest.
    pub files: Vec<File>,
    /// Whether it has more files.
    pub more: bool,
    /// Of a tag or a manifest, what the image is made of; null: it is a version of a package.
    pub image: Option<Image>,
}

/// A file of a version.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct File {
    /// Its path in the repository.
    pub path: String,
    /// The digest of its bytes.
    #[schema(pattern = "^[a-z0-9]+:[0-9a-f]+$")]
    pub digest: String,
    /// In bytes.
    pub size_bytes: u64,
    /// Its media type.
    pub media_type: String,
    /// When it came.
    #[schema(value_type = schema::Timestamp)]
    pub created_at: Timestamp,
    /// Who brought it, as `user:NAME`; `upstream`: a mirror.
    pub created_by: String,
    /// When it was read last; null: not since that is noted.
    #[schema(value_type = Option<schema::Timestamp>)]
    pub last_used_at: Option<Timestamp>,
}

/// What is changed of a version.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct VersionChange {
    /// Whether it is yanked, or why: one line of at most 500 characters.
    pub yanked: Yanked,
}

/// A version that was yanked, or is not any more.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct VersionYank {
    /// The package's name in canonical form.
    pub package: String,
    /// The version.
    pub version: String,
    /// Whether it is yanked, or why.
    pub yanked: Yanked,
}

/// Whether a version is yanked: `false`, `true`, or the reason why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Yanked {
    /// It is not.
    No,
    /// It is, and nobody said why.
    Yes,
    /// It is, because of this.
    Because(String),
}

impl Serialize for Yanked {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::No => to.serialize_bool(false),
            Self::Yes => to.serialize_bool(true),
            Self::Because(reason) => to.serialize_str(reason),
        }
    }
}

impl<'de> Deserialize<'de> for Yanked {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(YankedReader)
    }
}

struct YankedReader;

impl Visitor<'_> for YankedReader {
    type Value = Yanked;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true, false, or the reason why")
    }

    fn visit_bool<E: Error>(self, yanked: bool) -> Result<Yanked, E> {
        Ok(if yanked { Yanked::Yes } else { Yanked::No })
    }

    fn visit_str<E: Error>(self, reason: &str) -> Result<Yanked, E> {
        Ok(Yanked::Because(reason.to_owned()))
    }
}

impl PartialSchema for Yanked {
    fn schema() -> RefOr<Schema> {
        let yanked = OneOfBuilder::new()
            .item(ObjectBuilder::new().schema_type(Type::Boolean))
            .item(
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .max_length(Some(500))
                    .pattern(Some(r"^[^\u0000-\u001f\u007f-\u009f]*$")),
            )
            .description(Some(
                "Whether a version is yanked: false, true, or the reason why.",
            ));
        RefOr::T(Schema::OneOf(yanked.build()))
    }
}

impl ToSchema for Yanked {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Yanked")
    }
}

#[cfg(test)]
mod tests;
