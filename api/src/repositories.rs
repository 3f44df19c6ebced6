//! Repositories.

use crate::patch::Patch;
use crate::quotas::{Quota, QuotaChange, QuotaLimits, RepositoryUsage};
use crate::schema;
use larder_model::upstream::{AbsentStatuses, AnswerTime};
use larder_model::{Pattern, ProtocolName, RepoName, RepoPath, Timestamp};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;
use utoipa::ToSchema;

/// What a repository is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RepoKind {
    /// What is published here.
    Hosted,
    /// An upstream, pulled through and kept.
    Mirror,
    /// A list of repositories under one address.
    Group,
}

impl RepoKind {
    /// The word for it in the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hosted => "hosted",
            Self::Mirror => "mirror",
            Self::Group => "group",
        }
    }
}

/// A repository.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Repository {
    /// What its clients speak.
    #[schema(value_type = schema::Protocol)]
    pub protocol: ProtocolName,
    /// Its name.
    #[schema(value_type = schema::RepoName)]
    pub name: RepoName,
    /// What it is.
    pub kind: RepoKind,
    /// A line for people.
    pub description: String,
    /// When it was made.
    #[schema(value_type = schema::Timestamp)]
    pub created_at: Timestamp,
    /// Whether everyone may read it without a grant; `null`: it follows from what it is.
    #[schema(required)]
    pub open: Option<bool>,
    /// Who may read all of it.
    pub readable_by: Readers,
    /// Of a mirror: whether nothing is fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub offline: Option<bool>,
    /// Of a mirror: what makes that nothing is fetched; absent: it fetches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub offline_by: Option<OfflineBy>,
    /// Of a mirror: how long a document is taken without asking again, in seconds; absent: as the
    /// server says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0)]
    pub fresh_seconds: Option<u64>,
    /// Of a mirror: whether a document, as a tag of an image, is served as it was when its upstream
    /// has it no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub serve_vanished: Option<bool>,
    /// Of a mirror, for whoever administers it: what it mirrors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub upstream: Option<Upstream>,
    /// Of a group: its repositories, in the order in which they are asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<Vec<schema::RepoName>>)]
    pub members: Option<Vec<RepoName>>,
    /// Of a mirror and of a group: packages that are not served from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub blocked: Option<Vec<Block>>,
    /// The fingerprint of the key that signs its metadata, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub signing_key: Option<String>,
    /// Of what is published to: versions, of images tags, that nobody can move, replace or delete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<Vec<schema::Pattern>>)]
    pub immutable: Option<Vec<Pattern>>,
    /// Of a hosted repository of images: whether manifests are taken whose blobs it does not have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub sparse_images: Option<bool>,
    /// Of what is published to: how much it may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub quota: Option<Quota>,
    /// What it has, where it is shown by itself to whoever administers it; a group has nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub usage: Option<RepositoryUsage>,
}

/// What makes that a mirror fetches nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OfflineBy {
    /// Its own setting.
    Repository,
    /// The whole server is offline.
    Server,
}

/// Who may read all of a repository.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Readers {
    /// Everyone: it is open, or a grant to `anonymous` says so.
    Everyone,
    /// Whoever holds a grant.
    Granted,
}

impl From<larder_model::RepoKind> for RepoKind {
    fn from(kind: larder_model::RepoKind) -> Self {
        match kind {
            larder_model::RepoKind::Hosted => Self::Hosted,
            larder_model::RepoKind::Mirror => Self::Mirror,
            larder_model::RepoKind::Group => Self::Group,
        }
    }
}

impl From<RepoKind> for larder_model::RepoKind {
    fn from(kind: RepoKind) -> Self {
        match kind {
            RepoKind::Hosted => Self::Hosted,
            RepoKind::Mirror => Self::Mirror,
            RepoKind::Group => Self::Group,
        }
    }
}

/// What a mirror mirrors.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Upstream {
    /// Its address, ending in a slash.
    pub url: String,
    /// The address of a list of its mirrors, which have its content; absent: it has it itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub mirror_list: Option<String>,
    /// Who we are there; `null`: nobody.
    #[schema(required)]
    pub username: Option<String>,
    /// Whether a password or token is shown there.
    pub has_password: bool,
    /// The certificate that is shown there, with those that lead to its authority (PEM); absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub client_certificate: Option<String>,
    /// When that certificate, or one of those, ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<schema::Timestamp>)]
    pub client_certificate_expires_at: Option<Timestamp>,
    /// Authorities (PEM) that its own certificate may come from, beside those that all upstreams' may;
    /// absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ca_certificate: Option<String>,
    /// Armored public keys of which one is to have signed its metadata; absent: it is taken as it comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub trusted_keys: Option<String>,
    /// Whether its host may have a private or loopback address.
    pub allow_private: bool,
    /// Other origins of private address that its indexes may point at; absent: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
    /// Origins of token endpoints outside of its domain that are given the credentials; absent: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub token_origins: Vec<String>,
    /// How often it is asked at most; absent: as often as there is need.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<u32>, minimum = 1)]
    pub requests_per_minute: Option<NonZeroU32>,
    /// The statuses by which it says that it does not have something.
    #[schema(value_type = Vec<u16>)]
    pub absent_statuses: AbsentStatuses,
    /// How long it may take to begin an answer, e.g. `45s`; `null`: as the server says.
    #[schema(required, value_type = Option<String>)]
    pub answer_time: Option<AnswerTime>,
    /// The key of the checksum database that vouches for what it sends; absent: none does, and the first
    /// contents stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub checksum_database: Option<String>,
    /// Where that is; absent: where its clients look for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub checksum_database_url: Option<String>,
    /// Packages that it is not asked for; absent: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checksum_database_except: Vec<String>,
    /// The address of the database of vulnerabilities that is mirrored with it; absent: none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub vulnerability_database: Option<String>,
}

/// Packages that are not served.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Block {
    /// Their names, in any spelling that their protocol takes for the same.
    #[schema(value_type = schema::Pattern)]
    pub package: Pattern,
    /// Why, for whoever asks for one: one line of at most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    pub reason: Option<String>,
}

/// A repository to make.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct NewRepository {
    /// What its clients speak.
    #[schema(value_type = schema::Protocol)]
    pub protocol: ProtocolName,
    /// Its name.
    #[schema(value_type = schema::RepoName)]
    pub name: RepoName,
    /// What it is; without it, hosted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<RepoKind>,
    /// A line for people, of at most 1000 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    pub description: Option<String>,
    /// Whether everyone may read it without a grant; `null`, or absent: it follows from what it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<bool>,
    /// Of a mirror: fetch nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offline: Option<bool>,
    /// Of a mirror: how long a document is taken without asking again, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fresh_seconds: Option<u64>,
    /// Of a mirror: whether a document, as a tag of an image, is served as it was when its upstream
    /// has it no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serve_vanished: Option<bool>,
    /// Of a mirror: what it mirrors; superusers alone set this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream: Option<UpstreamChange>,
    /// Of a group: hosted repositories and mirrors of its protocol, each once, in the order in
    /// which they are asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<schema::RepoName>>, max_items = 50)]
    pub members: Option<Vec<RepoName>>,
    /// Of a mirror and of a group: packages that are not served from it.
    #[serde(
        default,
        deserialize_with = "schema::whole",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(max_items = 1000, extensions(("x-whole" = json!(true))))]
    pub blocked: Option<Vec<Block>>,
    /// Of an rpm repository: the armored secret key, without a passphrase, that signs its metadata;
    /// an empty text takes the key away.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(write_only)]
    pub signing_key: Option<String>,
    /// Of a hosted repository: versions, of images tags, that nobody can move, replace or delete once
    /// they are there; the whole list.
    #[serde(
        default,
        deserialize_with = "schema::whole",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(
        value_type = Option<Vec<schema::Pattern>>,
        max_items = 100,
        extensions(("x-whole" = json!(true)))
    )]
    pub immutable: Option<Vec<Pattern>>,
    /// Of a hosted repository of images: whether manifests are taken whose blobs it does not have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sparse_images: Option<bool>,
    /// Of a hosted repository: how much it may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<QuotaLimits>,
}

impl NewRepository {
    /// Where it is to be, what it is to be, and its settings.
    pub fn into_parts(self) -> (RepoPath, RepoKind, RepositoryChange) {
        let path = RepoPath {
            protocol: self.protocol,
            name: self.name,
        };
        let change = RepositoryChange {
            description: self.description,
            open: self.open.map_or(Patch::Keep, Patch::Set),
            offline: self.offline,
            fresh_seconds: self.fresh_seconds,
            serve_vanished: self.serve_vanished,
            upstream: self.upstream,
            members: self.members,
            blocked: self.blocked,
            signing_key: self.signing_key,
            immutable: self.immutable,
            sparse_images: self.sparse_images,
            quota: self.quota.map_or(Patch::Keep, |it| Patch::Set(it.into())),
        };
        (path, self.kind.unwrap_or(RepoKind::Hosted), change)
    }
}

/// What is changed of a repository; what is absent stays.
#[derive(Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RepositoryChange {
    /// A line for people, of at most 1000 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    pub description: Option<String>,
    /// Whether everyone may read it without a grant; `null`: it follows from what it is.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[schema(value_type = Option<bool>)]
    pub open: Patch<bool>,
    /// Of a mirror: fetch nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offline: Option<bool>,
    /// Of a mirror: how long a document is taken without asking again, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fresh_seconds: Option<u64>,
    /// Of a mirror: whether a document, as a tag of an image, is served as it was when its upstream
    /// has it no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serve_vanished: Option<bool>,
    /// Of a mirror: what it mirrors; superusers alone set this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream: Option<UpstreamChange>,
    /// Of a group: hosted repositories and mirrors of its protocol, each once, in the order in
    /// which they are asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<schema::RepoName>>, max_items = 50)]
    pub members: Option<Vec<RepoName>>,
    /// Of a mirror and of a group: packages that are not served from it; the whole list.
    #[serde(
        default,
        deserialize_with = "schema::whole",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(max_items = 1000, extensions(("x-whole" = json!(true))))]
    pub blocked: Option<Vec<Block>>,
    /// Of an rpm repository: the armored secret key, without a passphrase, that signs its metadata;
    /// an empty text takes the key away.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(write_only)]
    pub signing_key: Option<String>,
    /// Of a hosted repository: versions, of images tags, that nobody can move, replace or delete once
    /// they are there; the whole list.
    #[serde(
        default,
        deserialize_with = "schema::whole",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(
        value_type = Option<Vec<schema::Pattern>>,
        max_items = 100,
        extensions(("x-whole" = json!(true)))
    )]
    pub immutable: Option<Vec<Pattern>>,
    /// Of a hosted repository of images: whether manifests are taken whose blobs it does not have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sparse_images: Option<bool>,
    /// Of a hosted repository: how much it may have; `null`: as much as there is room for.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[schema(value_type = Option<QuotaChange>)]
    pub quota: Patch<QuotaChange>,
}

/// What is set for an upstream; what is absent stays. With another address, the rest begins anew.
///
#[derive(Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UpstreamChange {
    /// Its address: scheme, host, an optional port and a path. A mirror that has none yet needs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    pub url: Option<String>,
    /// Of rpm: the address of a list of its mirrors (`mirrorlist` or `metalink`), which are asked for its
    /// content; an empty text is none. Without `url` the upstream's address is the list's folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    pub mirror_list: Option<String>,
    /// Who we are there; an empty text is nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    pub username: Option<String>,
    /// The password or token to show there; an empty text is none. It is never answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        max_length = 2000,
        write_only,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$"
    )]
    pub password: Option<String>,
    /// The certificate to show to its own origin (PEM), perhaps with those that lead to its authority;
    /// an empty text is none, and takes the key away too. It needs `https`, and its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 65536)]
    pub client_certificate: Option<String>,
    /// The certificate's private key (PEM), without a passphrase. It is never answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 65536, write_only)]
    pub client_key: Option<String>,
    /// Authorities (PEM) that its own certificate may come from, beside those that all upstreams' may;
    /// an empty text is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 65536)]
    pub ca_certificate: Option<String>,
    /// Of deb and rpm: armored public keys (`OpenPGP`) of which one is to have signed its metadata; an empty
    /// text is none, and then it is taken as it comes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 524_288)]
    pub trusted_keys: Option<String>,
    /// Whether its host may have a private or loopback address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_private: Option<bool>,
    /// Other origins of private address that its indexes may point at: the whole list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow: Option<Vec<String>>,
    /// Of images: origins of token endpoints outside of its domain that are given the credentials, and
    /// may have a private address: the whole list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_origins: Option<Vec<String>>,
    /// How often it is asked at most; 0: as often as there is need.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u32>,
    /// The statuses by which it says that it does not have something: 404 and 410, which always do,
    /// and of 400, 401 and 403 those that are named; the whole list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub absent_statuses: Option<Vec<u16>>,
    /// How long it may take to begin an answer, from `1s` to `10m`; `null`: as the server says.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[schema(value_type = Option<String>)]
    pub answer_time: Patch<AnswerTime>,
    /// Of Go: the key of the checksum database that vouches for what it sends, with its name, as
    /// `GOSUMDB` has them; an empty text is none, and then the first contents stay.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    pub checksum_database: Option<String>,
    /// Of Go: where that is; an empty text is where clients look for it, through the upstream or at the
    /// host of its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    pub checksum_database_url: Option<String>,
    /// Of Go: modules that it is not asked for, in patterns as `GONOSUMDB` has them: the whole list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum_database_except: Option<Vec<String>>,
    /// Of Go: the address of a vulnerability database, as `GOVULNDB` has it, that is mirrored with it; an
    /// empty text is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    pub vulnerability_database: Option<String>,
}
