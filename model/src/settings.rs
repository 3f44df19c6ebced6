//! What is set for a repository beside its name and kind.

use crate::upstream::{AbsentStatuses, AnswerTime};
use crate::{Pattern, QuotaLimits, RepoName};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// Settings of a repository, as its row keeps them in JSON. What a kind does not use stays empty.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct RepoSettings {
    /// Nothing is fetched: what is kept is all there is.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub offline: bool,
    /// Of a mirror: what it mirrors; `None` until someone says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream: Option<UpstreamSettings>,
    /// Of a mirror: how long a document is taken without asking again, in seconds; `None`: as the
    /// server says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fresh_seconds: Option<u64>,
    /// Of a mirror: a document that its upstream has no more is served as it was.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub serve_vanished: bool,
    /// Whether everyone may read it; `None`: that follows from what it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<bool>,
    /// Of a mirror and of a group: packages that are not served from it, kept or not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub blocked: Vec<Blocked>,
    /// Of a repo whose metadata is made here: what signs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing_key: Option<SigningSettings>,
    /// Of a repo that is published to: versions, of images tags, that nobody can move, replace or
    /// delete once they are there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub immutable: Vec<Pattern>,
    /// Of a repo of images that is pushed to: manifests are taken whose blobs it does not have.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub sparse_images: bool,
    /// Of a repo that is published to: how much it may have.
    #[serde(skip_serializing_if = "QuotaLimits::is_none")]
    pub quota: QuotaLimits,
}

/// Packages that are not served.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blocked {
    /// Their names, in any spelling that their protocol takes for the same.
    pub package: Pattern,
    /// Why, for whoever asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Blocked {
    /// Whether a package is meant, by its name or by another one that it has.
    pub fn means(&self, package: &str, alias: Option<&str>) -> bool {
        self.package.matches(package) || alias.is_some_and(|alias| self.package.matches(alias))
    }
}

/// A key that signs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SigningSettings {
    /// The secret key, sealed under the server's key. Never told.
    pub sealed: String,
    /// Its fingerprint, in hex.
    pub fingerprint: String,
}

/// A remote registry.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UpstreamSettings {
    /// Its address, ending in `/`.
    pub url: String,
    /// The address of a list of its mirrors, which have its content; `None`: it has it itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mirror_list: Option<String>,
    /// Who we are there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The password or token, sealed under the server's key. Never told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// The certificate that is shown to its own origin, with those that lead to its authority (PEM).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<String>,
    /// The certificate's private key (PEM), sealed under the server's key. Never told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_key: Option<String>,
    /// Authorities (PEM) that its certificate may come from beside those that all upstreams' may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_certificate: Option<String>,
    /// Whether its host may have a private or loopback address.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_private: bool,
    /// Other origins (`scheme://host:port`) of private address that its indexes may point at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
    /// Origins of token endpoints outside of its domain that are given the credentials. They may have
    /// a private address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub token_origins: Vec<String>,
    /// How often it is asked at most; `None`: as often as there is need.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<NonZeroU32>,
    /// By which answers it says that it does not have something.
    #[serde(default, skip_serializing_if = "AbsentStatuses::is_default")]
    pub absent_statuses: AbsentStatuses,
    /// Armored public keys (`OpenPGP`) of which one is to have signed its metadata; `None`: it is taken as
    /// it comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trusted_keys: Option<String>,
    /// How long it may take to begin an answer; `None`: as the server says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_time: Option<AnswerTime>,
    /// What vouches for what its artifacts contain; `None`: the first that come stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum_log: Option<ChecksumLog>,
    /// The address of a database of vulnerabilities of its packages, ending in `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vulnerabilities: Option<String>,
}

/// A signed log of what artifacts contain.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ChecksumLog {
    /// The key that signs it, as its clients write it.
    pub key: String,
    /// Where it is, ending in `/`; `None`: where its clients look for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Packages for which it is not asked, in patterns as its clients write them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
}

impl UpstreamSettings {
    /// Whether it lets us in for who we are: what is behind that is not for everyone.
    pub const fn has_credentials(&self) -> bool {
        self.password.is_some() || self.client_key.is_some()
    }
}

impl RepoSettings {
    /// Reads a row's settings; what an older version wrote is fine.
    pub fn read(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// As a row keeps them.
    pub fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|_| "{}".to_owned())
    }
}

/// Settings of the whole server that live in the database.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct ServerSettings {
    /// Nothing is fetched from any upstream.
    pub offline: bool,
    /// Of images.
    pub oci: OciSettings,
}

/// Settings of images.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct OciSettings {
    /// The repo that is asked where a name's first segment is no repo: what docker's
    /// `registry-mirrors` needs.
    pub default_mirror: Option<RepoName>,
}
