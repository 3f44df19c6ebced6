//! What people are told of a package and of a version: its readme, what it needs, where it comes from.

use crate::schema;
use larder_model::{Pattern, RepoPath};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A package, and what holds for all of its versions.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct PackageDetails {
    /// Its name in canonical form.
    pub name: String,
    /// Whether it is published here.
    pub hosted: bool,
    /// Where it is: of a group its members.
    #[schema(value_type = Vec<schema::RepoPath>)]
    pub repositories: Vec<RepoPath>,
    /// Names that lead to versions, as npm's dist-tags; of an image none, for its versions are tags.
    pub tags: BTreeMap<String, String>,
    /// The blocks that refuse it, of the repository asked for and of those it is in; empty: it is
    /// served.
    pub blocked: Vec<PackageBlock>,
}

/// A rule by which a repository does not serve a package.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct PackageBlock {
    /// The repository that has the rule.
    #[schema(value_type = schema::RepoPath)]
    pub repository: RepoPath,
    /// The names that it means, in any spelling that their protocol takes for the same.
    #[schema(value_type = schema::Pattern)]
    pub package: Pattern,
    /// Why, for whoever asks for one; null: nobody said.
    pub reason: Option<String>,
}

/// What is told of a version, read from what is kept.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct VersionAbout {
    /// The package's name in canonical form.
    pub package: String,
    /// The version.
    pub version: String,
    /// Where it is: of a group a member.
    #[schema(value_type = schema::RepoPath)]
    pub repository: RepoPath,
    /// A sentence; null: nothing is told.
    pub summary: Option<String>,
    /// Its readme, or what its protocol has instead; null: it has none, or it is in a file that was
    /// not read (`file`).
    pub readme: Option<Readme>,
    /// Its licence, as its authors spell it; null: nothing is told.
    pub license: Option<String>,
    /// Where its authors lead; addresses of the web alone.
    pub links: Vec<AboutLink>,
    /// Who made it, as they spell it.
    pub authors: Vec<String>,
    /// What it needs and, of an rpm, what it gives.
    pub dependencies: Vec<Dependency>,
    /// What only some protocols tell.
    pub facts: Vec<Fact>,
    /// How far its file was read for this.
    pub file: FileRead,
    /// Why the file cannot be read; null: it can.
    pub problem: Option<String>,
}

/// A readme as it was written: whoever shows it must take it for anybody's words.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Readme {
    /// How it is written.
    pub format: ReadmeFormat,
    /// Its text, of at most 262,144 bytes.
    pub text: String,
    /// Whether more of it was left out.
    pub truncated: bool,
}

/// How a readme is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReadmeFormat {
    /// Markdown.
    Markdown,
    /// reStructuredText.
    Rst,
    /// Neither.
    Plain,
}

/// How far the file of a version was read to describe it. Nobody is asked upstream for that.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileRead {
    /// It was read.
    Read,
    /// It is not kept: nobody has fetched it yet.
    NotKept,
    /// It is larger than 64 MiB, and is not read for a page.
    TooLarge,
    /// It cannot be read: `problem` says why.
    Unreadable,
    /// The protocol's versions are not described.
    None,
}

/// Where the authors of a version lead.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct AboutLink {
    /// `homepage`, `repository`, `documentation`, `issues`, or a label of its authors.
    pub label: String,
    /// Its address: `http` or `https`.
    pub url: String,
}

/// What a version needs, or gives.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Dependency {
    /// Its name, as it is spelled there.
    pub name: String,
    /// The package of the same repository that it means, in canonical form, where one of that name is
    /// here and the caller may read it; null: none is.
    pub package: Option<String>,
    /// Which versions will do, in the spelling of the protocol; empty: any.
    pub requirement: String,
    /// What for: `runtime`, `development`, `build`, `peer`, `optional`; of an rpm `requires`,
    /// `provides`, `conflicts`, `obsoletes`, `suggests`, `enhances`, `recommends`, `supplements`.
    pub kind: String,
    /// Whether it works without it.
    pub optional: bool,
    /// Features or extras of it that are asked for.
    pub features: Vec<String>,
    /// When it is needed: a platform, a marker; empty: always.
    pub condition: String,
}

/// What only some protocols tell of a version.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Fact {
    /// Which: `features`, `rust_version`, `links`, `categories`, `keywords`, `engines`, `os`, `cpu`,
    /// `install_scripts`, `requires_python`, `language`, `toolchain`, `retracted`, `extras`, `classifiers`,
    /// `architecture`, `group`, `source_rpm`, `build_host`, `type`.
    pub name: String,
    /// Its values.
    pub values: Vec<String>,
}
