//! Settings of repositories: upstreams of mirrors, members of groups, freshness, offline. Secrets
//! go in and never out.

use crate::Api;
use crate::endpoint::RepoPath;
use crate::fields::{Fields, needed};
use crate::require::only_superusers;
use larder_access::Admission;
use larder_keys::SigningKey;
use larder_model::{Blocked, Problem, RepoName, RepoSettings, SigningSettings, UpstreamSettings};
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
pub(crate) struct Change {
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
            offline,
            fresh_seconds,
            upstream,
            members,
            blocked,
            signing_key,
        } = self;
        let own = offline.is_none() && fresh_seconds.is_none() && upstream.is_none();
        own && members.is_none() && blocked.is_none() && signing_key.is_none()
    }

    /// The settings `before` with these changes.
    pub(crate) fn apply(
        self,
        api: &Api,
        admission: &Admission,
        path: &RepoPath,
        kind: &str,
        before: RepoSettings,
    ) -> Result<RepoSettings, Problem> {
        let only = |wanted: &str, field: &'static str| {
            let detail =
                format!("`{field}` is for repositories of kind {wanted}; this one is {kind}");
            if wanted.split(" or ").any(|wanted| kind == wanted) {
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
            settings.upstream = Some(upstream(api, fields, settings.upstream)?);
        }
        if let Some(members) = self.members {
            only("group", "members")?;
            settings.members = checked_members(api, path, members)?;
        }
        if let Some(blocked) = self.blocked {
            only("mirror or group", "blocked")?;
            settings.blocked = checked_blocks(blocked)?;
        }
        if let Some(key) = self.signing_key {
            settings.signing_key = signing_key(api, path, kind, &key)?;
        }
        if kind == "group" && settings.members.is_empty() {
            return Err(Problem::invalid(
                "members",
                "a group needs `members`: names of repositories of its protocol",
            ));
        }
        Ok(settings)
    }
}

/// What signs a repository's metadata; none if the text is empty.
fn signing_key(
    api: &Api,
    path: &RepoPath,
    kind: &str,
    text: &str,
) -> Result<Option<SigningSettings>, Problem> {
    let protocol = larder_mirrors::all()
        .into_iter()
        .find(|protocol| protocol.name() == path.protocol);
    let signs = protocol.and_then(larder_mirrors::Protocol::index);
    if kind == "mirror" || signs.is_none() {
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
fn checked_members(
    api: &Api,
    path: &RepoPath,
    members: Vec<RepoName>,
) -> Result<Vec<RepoName>, Problem> {
    let policy = api.gate.policy();
    if members.len() > MAX {
        return Err(Problem::invalid(
            "members",
            format!("a group has at most {MAX} members"),
        ));
    }
    for (at, name) in members.iter().enumerate() {
        let repo = policy.repo(path.protocol, name);
        let fits = repo.is_some_and(|repo| &*repo.kind != "group") && !members[..at].contains(name);
        if !fits {
            let detail = format!(
                "`members`: {name} is no hosted repository or mirror of {}, or it stands twice",
                path.protocol
            );
            return Err(Problem::invalid("members", detail));
        }
    }
    Ok(members)
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
    fields.finish()?;
    let before_rate = same.as_ref().and_then(|before| before.requests_per_minute);
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
    })
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
}

impl Shown {
    pub(crate) fn of(kind: &str, settings: RepoSettings) -> Self {
        let upstream = settings.upstream.map(|upstream| ShownUpstream {
            url: upstream.url,
            username: upstream.username,
            has_password: upstream.password.is_some(),
            allow_private: upstream.allow_private,
            allow: upstream.allow,
            requests_per_minute: upstream.requests_per_minute,
        });
        let blocked = Some(settings.blocked);
        let signing_key = settings.signing_key.map(|key| key.fingerprint);
        match kind {
            "mirror" => {
                let (offline, fresh_seconds) = (Some(settings.offline), settings.fresh_seconds);
                Self {
                    offline,
                    fresh_seconds,
                    upstream,
                    blocked,
                    ..Self::default()
                }
            }
            "group" => Self {
                members: Some(settings.members),
                blocked,
                signing_key,
                ..Self::default()
            },
            _ => Self {
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
