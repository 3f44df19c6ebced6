//! Settings of repositories: upstreams of mirrors, members of groups, freshness, offline. Secrets
//! go in and never out.

use crate::Api;
use crate::endpoint::RepoPath;
use crate::fields::{Fields, needed};
use crate::repositories::needs_members;
use crate::require::only_superusers;
use larder_access::Admission;
use larder_keys::SigningKey;
use larder_metadata::repos::RepoRecord;
use larder_model::upstream::{AbsentStatuses, AnswerTime};
use larder_model::{
    Blocked, Problem, RepoKind, RepoName, RepoSettings, SigningSettings, UpstreamSettings,
};
use serde::Serialize;
use std::num::NonZeroU32;

/// Characters of an address, a name, a password.
const LONGEST: usize = 2000;
/// Repos of a group, origins of an upstream.
const MAX: usize = 50;
/// Patterns of blocked packages of a repo.
const MAX_BLOCKED: usize = 1000;
/// Characters of the reason why a package is blocked.
const REASON: usize = 200;

/// What of a repository's settings a body changes.
#[derive(Default)]
#[expect(
    clippy::option_option,
    reason = "not given, null, and a value are three things"
)]
pub(crate) struct Change {
    open: Option<Option<bool>>,
    offline: Option<bool>,
    fresh_seconds: Option<u64>,
    upstream: Option<Fields>,
    members: Option<Vec<RepoName>>,
    blocked: Option<Vec<Blocked>>,
    signing_key: Option<String>,
}

impl Change {
    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Problem> {
        Ok(Self {
            open: fields.nullable("open", "true, false or null")?,
            offline: fields.flag("offline")?,
            fresh_seconds: fields.take("fresh_seconds", "a whole number of seconds")?,
            upstream: fields.take(
                "upstream",
                "an object with `url` and what else an upstream needs",
            )?,
            members: fields.take("members", "a list of names of repositories")?,
            blocked: fields.take(
                "blocked",
                "a list of objects with a pattern `package` and perhaps a `reason`",
            )?,
            signing_key: fields.text("signing_key")?,
        })
    }

    pub(crate) fn is_nothing(&self) -> bool {
        let Self {
            open,
            offline,
            fresh_seconds,
            upstream,
            members,
            blocked,
            signing_key,
        } = self;
        let own =
            open.is_none() && offline.is_none() && fresh_seconds.is_none() && upstream.is_none();
        own && members.is_none() && blocked.is_none() && signing_key.is_none()
    }

    /// The settings `before` with these changes, and the ids of new members.
    pub(crate) fn apply(
        self,
        api: &Api,
        admission: &Admission,
        path: &RepoPath,
        kind: RepoKind,
        before: RepoSettings,
    ) -> Result<(RepoSettings, Option<Vec<i64>>), Problem> {
        let only = |wanted: &str, field: &'static str| {
            let detail =
                format!("`{field}` is for repositories of kind {wanted}; this one is {kind}");
            if wanted.split(" or ").any(|wanted| kind.word() == wanted) {
                Ok(())
            } else {
                Err(Problem::invalid(field, detail))
            }
        };
        let mut settings = before;
        if let Some(offline) = self.offline {
            only("mirror", "offline")?;
            settings.offline = offline;
        }
        if let Some(seconds) = self.fresh_seconds {
            only("mirror", "fresh_seconds")?;
            settings.fresh_seconds = Some(seconds);
        }
        if let Some(fields) = self.upstream {
            only("mirror", "upstream")?;
            if !admission.principal().is_superuser() {
                return Err(only_superusers());
            }
            let was_closed = settings
                .upstream
                .as_ref()
                .is_some_and(|it| it.password.is_some());
            let upstream = upstream(api, fields, settings.upstream)?;
            if upstream.password.is_some() && !was_closed {
                // What is behind a password is not for everyone, unless someone says so now.
                settings.open = None;
            }
            settings.upstream = Some(upstream);
        }
        if let Some(open) = self.open {
            settings.open = open;
        }
        let mut members = None;
        if let Some(names) = self.members {
            only("group", "members")?;
            members = Some(checked_members(api, path, &names)?);
        }
        if let Some(blocked) = self.blocked {
            only("mirror or group", "blocked")?;
            settings.blocked = checked_blocks(blocked)?;
        }
        if let Some(key) = self.signing_key {
            settings.signing_key = signing_key(api, path, kind, &key)?;
        }
        Ok((settings, members))
    }
}

/// What signs a repository's metadata; none if the text is empty.
fn signing_key(
    api: &Api,
    path: &RepoPath,
    kind: RepoKind,
    text: &str,
) -> Result<Option<SigningSettings>, Problem> {
    let protocol = larder_mirrors::all()
        .into_iter()
        .find(|protocol| protocol.name() == path.protocol);
    let signs = protocol.and_then(larder_mirrors::Protocol::index);
    if kind == RepoKind::Mirror || signs.is_none() {
        let detail = "`signing_key` is for repositories whose metadata is signed here: those of rpm that are no mirrors";
        return Err(Problem::invalid("signing_key", detail));
    }
    if text.is_empty() {
        return Ok(None);
    }
    let key = SigningKey::read(text, api.metadata.now())?;
    let sealed = api.gate.close_signing_key(text, &path.to_string())?;
    Ok(Some(SigningSettings {
        sealed,
        fingerprint: key.fingerprint(),
    }))
}

/// Members are there, of the same protocol, and no groups themselves.
fn checked_members(api: &Api, path: &RepoPath, members: &[RepoName]) -> Result<Vec<i64>, Problem> {
    let policy = api.gate.policy();
    if members.is_empty() {
        return Err(needs_members());
    }
    if members.len() > MAX {
        return Err(Problem::invalid(
            "members",
            format!("a group has at most {MAX} members"),
        ));
    }
    let mut ids = Vec::with_capacity(members.len());
    for name in members {
        let repo = policy.repo(path.protocol, name);
        let repo = repo.filter(|repo| repo.kind != RepoKind::Group && !ids.contains(&repo.id));
        let Some(repo) = repo else {
            let detail = format!(
                "`members`: {name} is no hosted repository or mirror of {}, or it stands twice",
                path.protocol
            );
            return Err(Problem::invalid("members", detail));
        };
        ids.push(repo.id);
    }
    Ok(ids)
}

/// Not too many, and each for a reason that is one short line if there is one.
fn checked_blocks(mut blocked: Vec<Blocked>) -> Result<Vec<Blocked>, Problem> {
    if blocked.len() > MAX_BLOCKED {
        return Err(Problem::invalid(
            "blocked",
            format!("a repository has at most {MAX_BLOCKED} blocked patterns"),
        ));
    }
    for Blocked { reason, .. } in &mut blocked {
        let text = reason.as_deref().unwrap_or_default();
        if text.chars().count() > REASON || text.chars().any(char::is_control) {
            return Err(Problem::invalid(
                "blocked",
                format!("a `reason` is one line of at most {REASON} characters"),
            ));
        }
        reason.take_if(|reason| reason.is_empty());
    }
    Ok(blocked)
}

fn upstream(
    api: &Api,
    mut fields: Fields,
    before: Option<UpstreamSettings>,
) -> Result<UpstreamSettings, Problem> {
    let url = fields.text("url")?.map(|text| address(&text)).transpose()?;
    let url = needed(
        url.or_else(|| before.as_ref().map(|before| before.url.clone())),
        "url",
    )?;
    // Credentials are for the place they were given for: with another address they are gone.
    let same = before.filter(|before| before.url == url);
    let username = short("username", fields.text("username")?)?;
    let password = short("password", fields.text("password")?)?;
    let sealed = match password {
        Some(password) if password.is_empty() => None,
        Some(password) => Some(api.gate.close_password(&password, &url)?),
        None => same.as_ref().and_then(|before| before.password.clone()),
    };
    let username = username.or_else(|| same.as_ref().and_then(|before| before.username.clone()));
    let allow_private = fields.flag("allow_private")?;
    let allow: Option<Vec<String>> = fields.take(
        "allow",
        "a list of origins, e.g. \"https://files.example:8443\"",
    )?;
    let allow = allow
        .map(|list| {
            list.iter()
                .take(MAX)
                .map(|text| address(text))
                .collect::<Result<_, _>>()
        })
        .transpose()?;
    let rate: Option<u32> = fields.take("requests_per_minute", "a whole number, 0 for no limit")?;
    let absent = absent_statuses(&mut fields)?;
    let as_the_server_says = fields.is_null("answer_time");
    let answer_time = fields.parsed("answer_time")?;
    fields.finish()?;
    let before_rate = same.as_ref().and_then(|before| before.requests_per_minute);
    let before_absent = same.as_ref().map(|before| before.absent_statuses.clone());
    let before_time = same.as_ref().and_then(|before| before.answer_time);
    Ok(UpstreamSettings {
        url,
        username: username.filter(|name| !name.is_empty()),
        password: sealed,
        allow_private: allow_private
            .or(same.as_ref().map(|before| before.allow_private))
            .unwrap_or_default(),
        allow: allow
            .or(same.map(|before| before.allow))
            .unwrap_or_default(),
        requests_per_minute: rate.map_or(before_rate, NonZeroU32::new),
        absent_statuses: absent.or(before_absent).unwrap_or_default(),
        answer_time: answer_time.or(before_time.filter(|_| !as_the_server_says)),
    })
}

/// The answers that mean that something is not there.
fn absent_statuses(fields: &mut Fields) -> Result<Option<AbsentStatuses>, Problem> {
    let statuses: Option<Vec<u16>> = fields.take(
        "absent_statuses",
        "a list of statuses, e.g. [403, 404, 410]",
    )?;
    let checked = |statuses: Vec<u16>| {
        AbsentStatuses::try_from(statuses).map_err(|error| {
            Problem::invalid("absent_statuses", format!("`absent_statuses`: {error}"))
        })
    };
    statuses.map(checked).transpose()
}

fn short(key: &'static str, text: Option<String>) -> Result<Option<String>, Problem> {
    let wrong = |text: &String| text.len() > LONGEST || text.chars().any(char::is_control);
    match text {
        Some(text) if wrong(&text) => Err(Problem::invalid(
            key,
            format!("`{key}` is one short line of text"),
        )),
        text => Ok(text),
    }
}

/// An address as it is kept: `http` or `https`, with a slash at its end, and nothing that is no
/// place.
fn address(text: &str) -> Result<String, Problem> {
    let wrong = |why: &str| Problem::invalid("upstream", format!("an upstream's address {why}"));
    let (scheme, rest) = text
        .split_once("://")
        .ok_or_else(|| wrong("begins with https:// or http://"))?;
    if !matches!(scheme, "http" | "https") {
        return Err(wrong("begins with https:// or http://"));
    }
    let authority = rest.split('/').next().unwrap_or_default();
    if authority.contains('@') {
        return Err(wrong(
            "holds no user and password; give `username` and `password` of their own",
        ));
    }
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"?#\\<>\"`{}|^".contains(&byte);
    if authority.is_empty() || text.len() > LONGEST || !text.bytes().all(plain) {
        return Err(wrong("is scheme, host, an optional port and a path"));
    }
    let end = if text.ends_with('/') { "" } else { "/" };
    Ok(format!("{text}{end}"))
}

/// Settings as the API shows them.
#[derive(Serialize, Default)]
pub(crate) struct Shown {
    #[serde(skip_serializing_if = "Option::is_none")]
    offline: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fresh_seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream: Option<ShownUpstream>,
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<Vec<RepoName>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked: Option<Vec<Blocked>>,
    /// Whether everyone may read it; `null`: it follows from what it is.
    open: Option<bool>,
    /// The fingerprint of the key that signs.
    #[serde(skip_serializing_if = "Option::is_none")]
    signing_key: Option<String>,
}

#[derive(Serialize)]
struct ShownUpstream {
    url: String,
    username: Option<String>,
    has_password: bool,
    allow_private: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allow: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requests_per_minute: Option<NonZeroU32>,
    absent_statuses: AbsentStatuses,
    answer_time: Option<AnswerTime>,
}

impl Shown {
    pub(crate) fn of(repo: &RepoRecord, settings: RepoSettings) -> Self {
        let open = settings.open;
        let upstream = settings.upstream.map(|upstream| ShownUpstream {
            url: upstream.url,
            username: upstream.username,
            has_password: upstream.password.is_some(),
            allow_private: upstream.allow_private,
            allow: upstream.allow,
            requests_per_minute: upstream.requests_per_minute,
            absent_statuses: upstream.absent_statuses,
            answer_time: upstream.answer_time,
        });
        let blocked = Some(settings.blocked);
        let signing_key = settings.signing_key.map(|key| key.fingerprint);
        match repo.kind {
            RepoKind::Mirror => {
                let (offline, fresh_seconds) = (Some(settings.offline), settings.fresh_seconds);
                Self {
                    offline,
                    fresh_seconds,
                    upstream,
                    blocked,
                    open,
                    ..Self::default()
                }
            }
            RepoKind::Group => Self {
                members: Some(
                    repo.members
                        .iter()
                        .map(|member| member.name.clone())
                        .collect(),
                ),
                blocked,
                open,
                signing_key,
                ..Self::default()
            },
            RepoKind::Hosted => Self {
                open,
                signing_key,
                ..Self::default()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        assert_eq!(
            address("https://a.example").expect("address"),
            "https://a.example/"
        );
        assert_eq!(
            address("http://127.0.0.1:81/x/").expect("address"),
            "http://127.0.0.1:81/x/"
        );
        for bad in [
            "a.example",
            "ftp://a.example/",
            "https://",
            "https://u:p@a.example/",
            "https://a.example/?x",
            "https://a b/",
        ] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }
}
