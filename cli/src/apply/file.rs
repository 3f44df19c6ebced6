//! The file of `larder apply`: what there is to be. What it does not say stays as it is.

use super::text::{Address, MemberText, NetworkText, OwnerText, SubjectText};
use larder_api::{Patch, Quota, QuotaLimits, RepoKind};
use larder_model::upstream::{AbsentStatuses, AnswerTime};
use larder_model::{JobKind, Keep, Pattern, RepoName, RepoPath, Role, Span, UserName};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::path::PathBuf;
use toml::Spanned;

/// What there is to be. A kind of which nothing stands here is not looked at.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resources {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) settings: Option<Spanned<SettingsEntry>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) repositories: Option<Vec<Spanned<RepositoryEntry>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) groups: Option<Vec<Spanned<GroupEntry>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) robots: Option<Vec<Spanned<RobotEntry>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) grants: Option<Vec<Spanned<GrantEntry>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) schedules: Option<Vec<Spanned<ScheduleEntry>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retention: Option<Vec<Spanned<RetentionEntry>>>,
}

/// Settings of the whole server.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SettingsEntry {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) offline: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) oci: Option<OciEntry>,
}

/// Settings of images.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OciEntry {
    /// The name of a repository of images; an empty one is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) default_mirror: Option<String>,
}

/// A repository.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RepositoryEntry {
    pub(crate) name: RepoPath,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<RepoKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) open: Option<Open>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) offline: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fresh_seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) serve_vanished: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) members: Option<Vec<RepoName>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) upstream: Option<UpstreamEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) blocked: Option<Vec<BlockEntry>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) immutable: Option<Vec<Pattern>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sparse_images: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) quota: Option<QuotaEntry>,
}

/// How much a repository may have; what is absent has no limit.
#[derive(Clone, Copy, Default, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuotaEntry {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) versions: Option<u64>,
}

impl QuotaEntry {
    /// From what the API answers.
    pub(crate) fn of(quota: Option<Quota>) -> Self {
        Self {
            bytes: quota.and_then(|quota| quota.bytes),
            versions: quota.and_then(|quota| quota.versions),
        }
    }

    /// As the API takes it.
    pub(crate) const fn limits(self) -> QuotaLimits {
        QuotaLimits {
            bytes: self.bytes,
            versions: self.versions,
        }
    }
}

/// Who may read a repository without a grant: everyone, nobody, or as follows from what it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(untagged, expecting = "`open` is true, false or \"auto\"")]
pub(crate) enum Open {
    /// Everyone, or nobody.
    Is(bool),
    /// As follows from what it is.
    Follows(Auto),
}

/// The word for what follows from something else.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Auto {
    Auto,
}

impl Open {
    /// From what the API answers.
    pub(crate) fn of(open: Option<bool>) -> Self {
        open.map_or(Self::Follows(Auto::Auto), Self::Is)
    }

    /// As the API takes it.
    pub(crate) const fn patch(self) -> Patch<bool> {
        match self {
            Self::Is(open) => Patch::Set(open),
            Self::Follows(Auto::Auto) => Patch::Remove,
        }
    }
}

/// What a mirror mirrors. Its password stands elsewhere.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpstreamEntry {
    pub(crate) url: Address,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mirror_list: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) username: Option<String>,
    /// The variable of the environment that holds the password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) password_env: Option<String>,
    /// The file that holds the password, beside this file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) password_file: Option<PathBuf>,
    /// The files (PEM) of the certificate that is shown there and of its private key, beside this file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_certificate_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_key_file: Option<PathBuf>,
    /// The file (PEM) of authorities that are trusted there, beside this file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ca_certificate_file: Option<PathBuf>,
    /// The file of armored public keys that sign its metadata, beside this file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) trusted_keys_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) allow_private: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) allow: Option<Vec<Address>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token_origins: Option<Vec<Address>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) requests_per_minute: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) absent_statuses: Option<AbsentStatuses>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) answer_time: Option<AnswerTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) checksum_database: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) checksum_database_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) checksum_database_except: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) vulnerability_database: Option<String>,
}

/// Packages that are not served.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BlockEntry {
    pub(crate) package: Pattern,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

/// A group of users, robots and other groups.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupEntry {
    pub(crate) name: UserName,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) members: Option<Vec<MemberText>>,
}

/// The account of a machine.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RobotEntry {
    pub(crate) name: UserName,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) owner: Option<OwnerText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) disabled: Option<bool>,
}

/// Who may do what, where. A field that is absent has its default here, for the whole of it is the
/// grant.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GrantEntry {
    pub(crate) subject: SubjectText,
    pub(crate) role: Role,
    pub(crate) repository: Pattern,
    #[serde(default = "Pattern::all", skip_serializing_if = "Pattern::is_all")]
    pub(crate) package: Pattern,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub(crate) refs: Option<Pattern>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) networks: Vec<NetworkText>,
}

/// When jobs of a kind begin by themselves.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScheduleEntry {
    pub(crate) kind: JobKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cron: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) enabled: Option<bool>,
}

/// What a repository lets go by rules. A field that is absent lets nothing go, for the whole of it is
/// the policy.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetentionEntry {
    pub(crate) repository: RepoPath,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) protect: Option<Vec<Pattern>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) untagged_after: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) unused_after: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) trash: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rules: Option<Vec<RuleEntry>>,
}

/// A rule of it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleEntry {
    #[serde(default = "Pattern::all")]
    pub(crate) packages: Pattern,
    #[serde(default = "Pattern::all")]
    pub(crate) versions: Pattern,
    #[serde(default)]
    pub(crate) keep: Keep,
}

/// A text with its name, in which places are told by line and column.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) name: &'a str,
    pub(crate) text: &'a str,
}

impl Source<'_> {
    /// Reads the file. Fails with the place and what is wrong there.
    pub(crate) fn read(self) -> Result<Resources, String> {
        toml::from_str(self.text).map_err(|error| {
            let end = self.text.len()..self.text.len();
            let message = error.message().lines().collect::<Vec<_>>().join(" ");
            self.at(&error.span().unwrap_or(end), &message)
        })
    }

    /// A sentence with the place that it is about.
    pub(crate) fn at(self, span: &Range<usize>, sentence: &str) -> String {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let begin = before.rfind('\n').map_or(0, |end| end + 1);
        let column = before[begin..].chars().count() + 1;
        format!("{}:{line}:{column}: {sentence}", self.name)
    }
}

#[cfg(test)]
mod tests;
