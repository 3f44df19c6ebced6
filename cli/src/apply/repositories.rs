//! Repositories: what is to be made, changed, and taken away.

use super::act::{Act, Call, Differences, Refusal, Verb};
use super::file::{BlockEntry, Open, QuotaEntry, RepositoryEntry, UpstreamEntry};
use super::state::{State, path_of};
use super::text::Address;
use larder_api::{
    Block, NewRepository, Patch, QuotaLimits, RepoKind, Repository, RepositoryChange, Upstream,
    UpstreamChange,
};
use larder_model::RepoPath;
use std::collections::BTreeMap;
use toml::Spanned;

/// What an upstream has that stands in no file of resources.
#[derive(Default)]
pub(crate) struct UpstreamFiles {
    pub(crate) password: Option<String>,
    /// The certificate that is shown there, its private key, and authorities that are trusted there.
    pub(crate) client_certificate: Option<String>,
    pub(crate) client_key: Option<String>,
    pub(crate) ca_certificate: Option<String>,
    /// Public keys that sign its metadata.
    pub(crate) trusted_keys: Option<String>,
}

/// The passwords of upstreams, their keys and certificates.
#[derive(Default)]
pub(crate) struct Passwords {
    pub(crate) of: BTreeMap<RepoPath, UpstreamFiles>,
    /// Whether they are sent also where there is one.
    pub(crate) again: bool,
}

/// What a repository of the file is to be, as far as the file says.
pub(crate) const fn kind_of(entry: &RepositoryEntry) -> Option<RepoKind> {
    match entry {
        RepositoryEntry {
            kind: Some(kind), ..
        } => Some(*kind),
        RepositoryEntry {
            upstream: Some(_), ..
        } => Some(RepoKind::Mirror),
        RepositoryEntry {
            members: Some(_), ..
        } => Some(RepoKind::Group),
        _ => None,
    }
}

/// A field that repositories of a kind do not have.
fn misfit(kind: RepoKind, entry: &RepositoryEntry) -> Option<&'static str> {
    let [hosted, mirror, group] = [RepoKind::Hosted, RepoKind::Mirror, RepoKind::Group];
    let fields: [(&str, bool, &[RepoKind]); 9] = [
        ("upstream", entry.upstream.is_some(), &[mirror]),
        ("offline", entry.offline.is_some(), &[mirror]),
        ("fresh_seconds", entry.fresh_seconds.is_some(), &[mirror]),
        ("serve_vanished", entry.serve_vanished.is_some(), &[mirror]),
        ("members", entry.members.is_some(), &[group]),
        ("blocked", entry.blocked.is_some(), &[mirror, group]),
        ("immutable", entry.immutable.is_some(), &[hosted]),
        ("sparse_images", entry.sparse_images.is_some(), &[hosted]),
        ("quota", entry.quota.is_some(), &[hosted]),
    ];
    let wrong =
        |(_, is_given, kinds): &(&str, bool, &[RepoKind])| *is_given && !kinds.contains(&kind);
    fields.into_iter().find(wrong).map(|(field, ..)| field)
}

/// What makes a repository what the file says, if it is not that.
pub(crate) fn act(
    entry: &Spanned<RepositoryEntry>,
    state: &State,
    passwords: &Passwords,
) -> Result<Option<Act>, Refusal> {
    let (span, entry) = (entry.span(), entry.get_ref());
    let path = &entry.name;
    let there = state.repositories.iter().find(|it| path_of(it) == *path);
    let kind = kind_of(entry);
    if let (Some(there), Some(kind)) = (there, kind)
        && there.kind != kind
    {
        let (is, wanted) = (there.kind.word(), kind.word());
        let sentence = format!(
            "{path} is a {is} repository and cannot become a {wanted} one; give it another name, \
             or delete it first"
        );
        return Err(Refusal::clash(Some(&span), sentence));
    }
    let kind = there.map_or(kind.unwrap_or(RepoKind::Hosted), |there| there.kind);
    if let Some(field) = misfit(kind, entry) {
        let sentence = format!(
            "{path} is a {} repository, which has no `{field}`",
            kind.word()
        );
        return Err(Refusal::file(&span, sentence));
    }
    if there.is_none() && kind == RepoKind::Group && entry.members.as_ref().is_none() {
        let sentence = format!("{path} is a group: it needs `members`");
        return Err(Refusal::file(&span, sentence));
    }
    let nothing = UpstreamFiles::default();
    let files = passwords.of.get(path).unwrap_or(&nothing);
    let mut differences = Differences::default();
    if there.is_none() {
        differences.of("kind", None, Some(kind.word()));
    }
    let change = change(&mut differences, entry, there, files, passwords.again);
    if differences.0.is_empty() {
        return Ok(None);
    }
    let (verb, call) = match there {
        Some(there) => (
            Verb::Change,
            Call::ChangeRepository(Box::new(there.clone()), change),
        ),
        None => (
            Verb::Create,
            Call::CreateRepository(new(path, kind, change)),
        ),
    };
    Ok(Some(Act {
        verb,
        kind: "repository",
        name: path.to_string(),
        fields: differences.0,
        call,
    }))
}

fn new(path: &RepoPath, kind: RepoKind, change: RepositoryChange) -> NewRepository {
    let quota = match change.quota {
        Patch::Set(quota) => Some(QuotaLimits {
            bytes: quota.bytes.apply(None),
            versions: quota.versions.apply(None),
        }),
        Patch::Keep | Patch::Remove => None,
    };
    NewRepository {
        protocol: path.protocol,
        name: path.name.clone(),
        kind: Some(kind),
        description: change.description,
        open: change.open.apply(None),
        offline: change.offline,
        fresh_seconds: change.fresh_seconds,
        serve_vanished: change.serve_vanished,
        upstream: change.upstream,
        members: change.members,
        blocked: change.blocked,
        signing_key: None,
        immutable: change.immutable,
        sparse_images: change.sparse_images,
        quota,
    }
}

fn change(
    differences: &mut Differences,
    entry: &RepositoryEntry,
    there: Option<&Repository>,
    files: &UpstreamFiles,
    again: bool,
) -> RepositoryChange {
    let description = there.map(|it| it.description.clone());
    let open = there.map(|it| Open::of(it.open));
    let offline = there.map(|it| it.offline.unwrap_or_default());
    let blocked = there.map(|it| it.blocked.clone().unwrap_or_default());
    let immutable = there.map(|it| it.immutable.clone().unwrap_or_default());
    let quota = there.map(|it| QuotaEntry::of(it.quota));
    let wanted_blocked = entry.blocked.as_deref();
    let wanted_blocked = wanted_blocked.map(|blocks| blocks.iter().map(block).collect());
    let mut change = RepositoryChange {
        description: differences.of("description", description, entry.description.clone()),
        open: patch(differences.of("open", open, entry.open)),
        offline: differences.of("offline", offline, entry.offline),
        fresh_seconds: differences.of(
            "fresh_seconds",
            there.and_then(|it| it.fresh_seconds),
            entry.fresh_seconds,
        ),
        serve_vanished: differences.of(
            "serve_vanished",
            there.map(|it| it.serve_vanished.unwrap_or_default()),
            entry.serve_vanished,
        ),
        upstream: None,
        members: differences.of(
            "members",
            there.and_then(|it| it.members.clone()),
            entry.members.clone(),
        ),
        blocked: differences.of("blocked", blocked, wanted_blocked),
        signing_key: None,
        immutable: differences.of("immutable", immutable, entry.immutable.clone()),
        sparse_images: differences.of(
            "sparse_images",
            there.map(|it| it.sparse_images.unwrap_or_default()),
            entry.sparse_images,
        ),
        quota: match differences.of("quota", quota, entry.quota) {
            Some(quota) => Patch::Set(quota.limits().into()),
            None => Patch::Keep,
        },
    };
    if let Some(wanted) = &entry.upstream {
        let there = there.and_then(|it| it.upstream.as_ref());
        let upstream = upstream(differences, wanted, there, files, again);
        // Credentials that are new close the repository, unless the same call says otherwise.
        let has_credentials = upstream.password.is_some() || upstream.client_key.is_some();
        if has_credentials && change.open.is_keep() {
            change.open = patch(entry.open);
        }
        change.upstream = Some(upstream).filter(|it| *it != UpstreamChange::default());
    }
    change
}

/// Who may read, if anything is said of it.
fn patch(open: Option<Open>) -> Patch<bool> {
    open.map_or(Patch::Keep, Open::patch)
}

fn upstream(
    differences: &mut Differences,
    wanted: &UpstreamEntry,
    there: Option<&Upstream>,
    files: &UpstreamFiles,
    again: bool,
) -> UpstreamChange {
    let url = differences.of(
        "upstream.url",
        there.map(|it| &*it.url),
        Some(&*wanted.url.0),
    );
    // With another address the rest begins anew: all that the file says is sent.
    let same = there.filter(|_| url.is_none());
    let mirror_list = differences.of(
        "upstream.mirror_list",
        same.map(|it| it.mirror_list.clone().unwrap_or_default()),
        wanted.mirror_list.clone(),
    );
    // With a list alone the upstream would be where that is.
    let list_needs_url = mirror_list.as_ref().map(|_| wanted.url.0.clone());
    let texts = |addresses: &[Address]| addresses.iter().map(|Address(it)| it.clone()).collect();
    let allow = wanted.allow.as_deref().map(texts);
    let token_origins = wanted.token_origins.as_deref().map(texts);
    let has_password = same.is_some_and(|it| it.has_password);
    // Certificates are compared; a key goes with the certificate that it belongs to.
    let certificate = differences.of(
        "upstream.client_certificate",
        same.and_then(|it| it.client_certificate.clone()),
        files.client_certificate.clone(),
    );
    let has_key = same.is_some_and(|it| it.client_certificate.is_some());
    let sends_key = again || !has_key || certificate.is_some();
    let mut change = UpstreamChange {
        url: url.map(str::to_owned).or(list_needs_url),
        mirror_list,
        username: differences.of(
            "upstream.username",
            same.map(|it| it.username.clone().unwrap_or_default()),
            wanted.username.clone(),
        ),
        password: files.password.clone().filter(|_| again || !has_password),
        client_certificate: certificate,
        client_key: files.client_key.clone().filter(|_| sends_key),
        ca_certificate: differences.of(
            "upstream.ca_certificate",
            same.and_then(|it| it.ca_certificate.clone()),
            files.ca_certificate.clone(),
        ),
        trusted_keys: differences.of(
            "upstream.trusted_keys",
            same.and_then(|it| it.trusted_keys.clone()),
            files.trusted_keys.clone(),
        ),
        allow_private: differences.of(
            "upstream.allow_private",
            same.map(|it| it.allow_private),
            wanted.allow_private,
        ),
        allow: differences.of("upstream.allow", same.map(|it| it.allow.clone()), allow),
        token_origins: differences.of(
            "upstream.token_origins",
            same.map(|it| it.token_origins.clone()),
            token_origins,
        ),
        requests_per_minute: differences.of(
            "upstream.requests_per_minute",
            same.map(|it| it.requests_per_minute.map_or(0, Into::into)),
            wanted.requests_per_minute,
        ),
        absent_statuses: differences
            .of(
                "upstream.absent_statuses",
                same.map(|it| it.absent_statuses.clone()),
                wanted.absent_statuses.clone(),
            )
            .map(Into::into),
        answer_time: differences
            .of(
                "upstream.answer_time",
                same.and_then(|it| it.answer_time),
                wanted.answer_time,
            )
            .map_or(Patch::Keep, Patch::Set),
        ..UpstreamChange::default()
    };
    vouching(differences, wanted, there, &mut change);
    if change.password.is_some() {
        differences.secret("upstream.password", has_password);
    }
    if change.client_key.is_some() {
        differences.secret("upstream.client_key", has_key);
    }
    change
}

/// What vouches for the packages of a mirror stays with another address, and is not another database's.
fn vouching(
    differences: &mut Differences,
    wanted: &UpstreamEntry,
    there: Option<&Upstream>,
    change: &mut UpstreamChange,
) {
    let is_same = |it: &&Upstream| {
        let wanted = wanted.checksum_database.as_deref();
        wanted.is_none_or(|wanted| wanted == it.checksum_database.as_deref().unwrap_or_default())
    };
    let same_log = there.filter(is_same);
    change.checksum_database = differences.of(
        "upstream.checksum_database",
        there.map(|it| it.checksum_database.clone().unwrap_or_default()),
        wanted.checksum_database.clone(),
    );
    change.checksum_database_url = differences.of(
        "upstream.checksum_database_url",
        same_log.map(|it| it.checksum_database_url.clone().unwrap_or_default()),
        wanted.checksum_database_url.clone(),
    );
    change.checksum_database_except = differences.of(
        "upstream.checksum_database_except",
        same_log.map(|it| it.checksum_database_except.clone()),
        wanted.checksum_database_except.clone(),
    );
    change.vulnerability_database = differences.of(
        "upstream.vulnerability_database",
        there.map(|it| it.vulnerability_database.clone().unwrap_or_default()),
        wanted.vulnerability_database.clone(),
    );
}

/// A reason that is empty is none.
fn block(entry: &BlockEntry) -> Block {
    let reason = entry.reason.clone().filter(|reason| !reason.is_empty());
    Block {
        package: entry.package.clone(),
        reason,
    }
}

/// Whether the file names a repository.
pub(crate) fn is_named(entries: &[Spanned<RepositoryEntry>], path: &RepoPath) -> bool {
    entries.iter().any(|entry| entry.get_ref().name == *path)
}

/// Takes away what the file does not name, groups before what is in them; never what holds
/// something.
pub(crate) fn prune(
    entries: &[Spanned<RepositoryEntry>],
    state: &State,
) -> Result<Vec<Act>, Refusal> {
    let unnamed = |it: &&Repository| !is_named(entries, &path_of(it));
    let mut gone: Vec<&Repository> = state.repositories.iter().filter(unnamed).collect();
    gone.sort_by_key(|it| it.kind != RepoKind::Group);
    let mut acts = Vec::with_capacity(gone.len());
    for repository in gone {
        let path = path_of(repository);
        if state.filled.contains(&path) {
            let sentence = format!(
                "{path} is not in the file, and is not deleted, for it is not empty (its trash \
                 counts); name it in the file, or delete it: larder repo delete {path}"
            );
            return Err(Refusal::clash(None, sentence));
        }
        acts.push(Act {
            verb: Verb::Delete,
            kind: "repository",
            name: path.to_string(),
            fields: Vec::new(),
            call: Call::DeleteRepository(Box::new(repository.clone())),
        });
    }
    Ok(acts)
}
