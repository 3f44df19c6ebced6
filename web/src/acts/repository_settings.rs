//! Settings of repositories: members of groups, freshness, offline, and so on. Secrets go in and
//! never out.

use super::upstream_settings;
use crate::caller::{Caller, only_superusers};
use crate::state::{ApiState, versions_are_tags};
use larder_api as api;
use larder_keys::SigningKey;
use larder_metadata::repos::Member;
use larder_model::quota::MAX_LIMIT;
use larder_model::{
    Blocked, Problem, ProtocolName, QuotaLimits, RepoKind, RepoName, RepoPath, RepoSettings,
    SigningSettings, UpstreamSettings, Verb,
};

/// Repos of a group.
const MAX: usize = 50;
/// Patterns of blocked packages of a repo.
const MAX_BLOCKED: usize = 1000;
/// Patterns of immutable versions of a repo.
const MAX_IMMUTABLE: usize = 100;
/// Characters of the reason why a package is blocked.
const REASON: usize = 200;

/// The settings `before` of this repository of this kind with what is changed, and the ids of its
/// members if they are changed.
pub(crate) fn apply(
    change: api::RepositoryChange,
    state: &ApiState,
    caller: &Caller,
    (path, kind): (&RepoPath, api::RepoKind),
    before: RepoSettings,
) -> Result<(RepoSettings, Option<Vec<i64>>), Problem> {
    let mut settings = before;
    if let Some(offline) = change.offline {
        require_kind(kind, &[api::RepoKind::Mirror], "offline")?;
        settings.offline = offline;
    }
    if let Some(seconds) = change.fresh_seconds {
        require_kind(kind, &[api::RepoKind::Mirror], "fresh_seconds")?;
        settings.fresh_seconds = Some(seconds);
    }
    if let Some(served) = change.serve_vanished {
        require_kind(kind, &[api::RepoKind::Mirror], "serve_vanished")?;
        settings.serve_vanished = served;
    }
    // What leads out of the house is for superusers.
    if let Some(change) = change.upstream {
        require_kind(kind, &[api::RepoKind::Mirror], "upstream")?;
        if !caller.principal().is_superuser() {
            return Err(only_superusers());
        }
        let before = settings.upstream;
        let had_credentials = before
            .as_ref()
            .is_some_and(UpstreamSettings::has_credentials);
        let says_who = change.username.is_some()
            || change.password.is_some()
            || change.client_certificate.is_some();
        let upstream = upstream_settings::apply(state, path, change, before)?;
        match (had_credentials, upstream.has_credentials()) {
            // What is behind credentials is not for everyone, unless someone says so now,
            (false, true) => settings.open = None,
            // and what was had with them is still here when another address leaves them behind.
            (true, false) if !says_who && settings.open.is_none() => settings.open = Some(false),
            _ => {}
        }
        settings.upstream = Some(upstream);
    }
    // After the credentials, so that one request may set both.
    settings.open = change.open.apply(settings.open);
    let mut members = None;
    if let Some(names) = change.members {
        require_kind(kind, &[api::RepoKind::Group], "members")?;
        members = Some(checked_members(state, caller, path, &names)?);
    }
    if let Some(blocked) = change.blocked {
        require_kind(
            kind,
            &[api::RepoKind::Mirror, api::RepoKind::Group],
            "blocked",
        )?;
        settings.blocked = checked_blocks(blocked)?;
    }
    if let Some(key) = change.signing_key {
        settings.signing_key = signing_key(state, path, kind, &key)?;
    }
    if let Some(immutable) = change.immutable {
        require_kind(kind, &[api::RepoKind::Hosted], "immutable")?;
        if immutable.len() > MAX_IMMUTABLE {
            let detail = format!("a repository has at most {MAX_IMMUTABLE} immutable patterns");
            return Err(Problem::invalid("immutable", detail));
        }
        settings.immutable = immutable;
    }
    if let Some(sparse) = change.sparse_images {
        require_kind(kind, &[api::RepoKind::Hosted], "sparse_images")?;
        if !versions_are_tags(path.protocol) {
            let detail =
                format!("`sparse_images` is for repositories of images, which {path} is not");
            return Err(Problem::invalid("sparse_images", detail));
        }
        settings.sparse_images = sparse;
    }
    if !change.quota.is_keep() {
        require_kind(kind, &[api::RepoKind::Hosted], "quota")?;
        let limits = match change.quota {
            api::Patch::Set(change) => change.apply(settings.quota),
            api::Patch::Keep | api::Patch::Remove => QuotaLimits::default(),
        };
        settings.quota = checked_limits(limits)?;
    }
    Ok((settings, members))
}

/// Limits that every program can read.
pub(crate) fn checked_limits(limits: QuotaLimits) -> Result<QuotaLimits, Problem> {
    match limits.too_large() {
        None => Ok(limits),
        Some(field) => {
            let detail = format!("`{field}` of a quota is at most {MAX_LIMIT}");
            Err(Problem::invalid("quota", detail))
        }
    }
}

/// Fails unless the field is for repositories of this kind.
fn require_kind(
    kind: api::RepoKind,
    kinds: &[api::RepoKind],
    field: &'static str,
) -> Result<(), Problem> {
    if kinds.contains(&kind) {
        return Ok(());
    }
    let words: Vec<&str> = kinds.iter().map(|kind| kind.word()).collect();
    let detail = format!(
        "`{field}` is for repositories of kind {}; this one is {}",
        words.join(" or "),
        kind.word()
    );
    Err(Problem::invalid(field, detail))
}

/// What signs a repository's metadata; none if the text is empty.
fn signing_key(
    state: &ApiState,
    path: &RepoPath,
    kind: api::RepoKind,
    text: &str,
) -> Result<Option<SigningSettings>, Problem> {
    let protocol = larder_mirrors::all()
        .into_iter()
        .find(|protocol| protocol.name() == path.protocol);
    let signs = protocol.and_then(larder_mirrors::Protocol::index);
    if kind == api::RepoKind::Mirror || signs.is_none() {
        let detail = "`signing_key` is for repositories whose metadata is signed here: \
            those of deb and rpm that are no mirrors";
        return Err(Problem::invalid("signing_key", detail));
    }
    if text.is_empty() {
        return Ok(None);
    }
    let key = SigningKey::read(text, state.metadata.now())?;
    let sealed = state.gate.close_signing_key(text, &path.to_string())?;
    Ok(Some(SigningSettings {
        sealed,
        fingerprint: key.fingerprint(),
    }))
}

/// Whether a caller may know of a repository: it may read something of it.
pub(crate) fn knows(caller: &Caller, protocol: ProtocolName, name: &RepoName) -> bool {
    let path = RepoPath {
        protocol,
        name: name.clone(),
    };
    caller
        .principal()
        .could_somewhere(&path.permission(Verb::Read))
}

/// Members are there, of the same protocol, and no groups themselves. What the caller may not know of
/// is not there for it; members that it does not see stay, before those that it names.
fn checked_members(
    state: &ApiState,
    caller: &Caller,
    path: &RepoPath,
    members: &[RepoName],
) -> Result<Vec<i64>, Problem> {
    let policy = state.gate.policy();
    if members.is_empty() {
        return Err(needs_members());
    }
    if members.len() > MAX {
        return Err(Problem::invalid(
            "members",
            format!("a group has at most {MAX} members"),
        ));
    }
    let there = policy.repo(path.protocol, &path.name);
    let there = there.into_iter().flat_map(|group| &group.members);
    let unseen = there.filter(|member| !knows(caller, path.protocol, &member.name));
    let mut ids: Vec<i64> = unseen.filter_map(|member| member.id).collect();
    for name in members {
        let repo = policy.repo(path.protocol, name);
        let repo = repo.filter(|repo| knows(caller, path.protocol, &repo.name));
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

pub(crate) fn needs_members() -> Problem {
    let detail = "a group needs `members`: names of repositories of its protocol";
    Problem::invalid("members", detail)
}

/// Not too many, and each for a reason that is one short line if there is one.
fn checked_blocks(blocks: Vec<api::Block>) -> Result<Vec<Blocked>, Problem> {
    if blocks.len() > MAX_BLOCKED {
        return Err(Problem::invalid(
            "blocked",
            format!("a repository has at most {MAX_BLOCKED} blocked patterns"),
        ));
    }
    let checked = |block: api::Block| {
        let text = block.reason.as_deref().unwrap_or_default();
        if text.chars().count() > REASON || text.chars().any(char::is_control) {
            return Err(Problem::invalid(
                "blocked",
                format!("a `reason` is one line of at most {REASON} characters"),
            ));
        }
        Ok(Blocked {
            package: block.package,
            reason: block.reason.filter(|reason| !reason.is_empty()),
        })
    };
    blocks.into_iter().map(checked).collect()
}

/// A repository with those of its settings that its kind uses.
pub(crate) fn show(
    repository: api::Repository,
    settings: RepoSettings,
    members: &[&Member],
) -> api::Repository {
    let upstream = settings.upstream.map(upstream_settings::show);
    let block = |blocked: Blocked| api::Block {
        package: blocked.package,
        reason: blocked.reason,
    };
    let blocked = Some(settings.blocked.into_iter().map(block).collect());
    let signing_key = settings.signing_key.map(|key| key.fingerprint);
    let is_of_images = versions_are_tags(repository.protocol);
    match repository.kind {
        api::RepoKind::Mirror => api::Repository {
            offline: Some(settings.offline),
            fresh_seconds: settings.fresh_seconds,
            serve_vanished: Some(settings.serve_vanished),
            upstream,
            blocked,
            ..repository
        },
        api::RepoKind::Group => api::Repository {
            members: Some(members.iter().map(|member| member.name.clone()).collect()),
            blocked,
            signing_key,
            ..repository
        },
        api::RepoKind::Hosted => api::Repository {
            signing_key,
            immutable: Some(settings.immutable),
            sparse_images: is_of_images.then_some(settings.sparse_images),
            quota: Some(api::Quota {
                bytes: settings.quota.bytes,
                versions: settings.quota.versions,
                warning: None,
            }),
            ..repository
        },
    }
}
