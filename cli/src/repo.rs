//! `larder repo`.

use crate::client::Client;
use crate::command::{Repo, RepoSettings};
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::table::Column;
use crate::terminal::{self, confirm};
use larder_api::{NewRepository, Patch, RepoKind, RepositoryChange, UpstreamChange};
use larder_model::RepoPath;
use serde_json::Value;

const LIST: &[Column] = &[
    ("PROTOCOL", "protocol"),
    ("NAME", "name"),
    ("KIND", "kind"),
    ("DESCRIPTION", "description"),
];
const HOSTED: &[Column] = &[
    ("Protocol", "protocol"),
    ("Name", "name"),
    ("Kind", "kind"),
    ("Description", "description"),
    ("Readable by", "readable_by"),
    ("Signing key", "signing_key"),
    ("Created", "created_at"),
];
const MIRROR: &[Column] = &[
    ("Protocol", "protocol"),
    ("Name", "name"),
    ("Kind", "kind"),
    ("Description", "description"),
    ("Readable by", "readable_by"),
    ("Upstream", "upstream/url"),
    ("Username", "upstream/username"),
    ("Password", "upstream/has_password"),
    ("Private allowed", "upstream/allow_private"),
    ("Also allowed", "upstream/allow"),
    ("Requests a minute", "upstream/requests_per_minute"),
    ("Absent statuses", "upstream/absent_statuses"),
    ("Answer time", "upstream/answer_time"),
    ("Fresh seconds", "fresh_seconds"),
    ("Offline", "offline"),
    ("Blocked", "blocked"),
    ("Created", "created_at"),
];
const GROUP: &[Column] = &[
    ("Protocol", "protocol"),
    ("Name", "name"),
    ("Kind", "kind"),
    ("Description", "description"),
    ("Readable by", "readable_by"),
    ("Members", "members"),
    ("Blocked", "blocked"),
    ("Signing key", "signing_key"),
    ("Created", "created_at"),
];

fn call(path: &RepoPath) -> [&str; 3] {
    ["repositories", path.protocol.0, path.name.as_str()]
}

pub(crate) async fn repo(command: Repo, client: &Client) -> Result<Outcome, Failure> {
    match command {
        Repo::List => Ok(Outcome::list(
            client.all(&["repositories"], &[]).await?,
            LIST,
        )),
        Repo::Show { name } => Ok(shown(client.get(&call(&name), &[]).await?)),
        Repo::Create {
            name,
            kind,
            settings,
        } => {
            let kind = kind.unwrap_or_else(|| fitting(&settings));
            let body = new(name, kind, change(settings)?);
            Ok(shown(client.post(&["repositories"], &[], &body).await?))
        }
        Repo::Set {
            name,
            settings,
            online,
            block_nothing,
        } => {
            let mut body = change(settings)?;
            if online {
                body.offline = Some(false);
            }
            if block_nothing {
                body.blocked = Some(Vec::new());
            }
            if body == RepositoryChange::default() {
                return Err(Failure::Usage(
                    "nothing to change: larder repo set --help lists what can be".to_owned(),
                ));
            }
            Ok(shown(client.patch(&call(&name), &body).await?))
        }
        Repo::Delete { name, yes, force } => {
            confirm(
                &format!("Delete repository {name} with all that is in it?"),
                yes,
            )?;
            let query = [("force", "true")];
            let query = if force { &query[..] } else { &[] };
            client.delete_with(&call(&name), query).await?;
            Ok(Outcome::done(format!("Repository {name} deleted.")))
        }
    }
}

fn shown(repo: Value) -> Outcome {
    let columns = match repo["kind"].as_str() {
        Some("mirror") => MIRROR,
        Some("group") => GROUP,
        _ => HOSTED,
    };
    Outcome::record(repo, columns)
}

/// The kind that settings speak of.
const fn fitting(settings: &RepoSettings) -> RepoKind {
    match settings {
        RepoSettings {
            upstream: Some(_), ..
        } => RepoKind::Mirror,
        RepoSettings { members, .. } if !members.is_empty() => RepoKind::Group,
        _ => RepoKind::Hosted,
    }
}

fn new(path: RepoPath, kind: RepoKind, settings: RepositoryChange) -> NewRepository {
    NewRepository {
        protocol: path.protocol,
        name: path.name,
        kind: Some(kind),
        description: settings.description,
        open: settings.open.apply(None),
        offline: settings.offline,
        fresh_seconds: settings.fresh_seconds,
        upstream: settings.upstream,
        members: settings.members,
        blocked: settings.blocked,
        signing_key: settings.signing_key,
    }
}

/// What the settings change.
fn change(settings: RepoSettings) -> Result<RepositoryChange, Failure> {
    let password = if settings.password_stdin {
        Some(terminal::line()?)
    } else {
        None
    };
    let absent: Vec<u16> = settings
        .absent_statuses
        .iter()
        .filter_map(|status| status.0)
        .collect();
    let answer_time = settings.answer_time.map(|time| time.0);
    let upstream = UpstreamChange {
        url: settings.upstream,
        username: settings.username,
        password,
        allow_private: settings.allow_private,
        allow: Some(settings.allow).filter(|origins| !origins.is_empty()),
        requests_per_minute: settings.requests_per_minute,
        absent_statuses: (!settings.absent_statuses.is_empty()).then_some(absent),
        answer_time: match answer_time {
            None => Patch::Keep,
            Some(None) => Patch::Remove,
            Some(Some(time)) => Patch::Set(time),
        },
    };
    let key = settings.signing_key.as_deref().map(terminal::file);
    let open = match settings.open.map(|open| open.0) {
        None => Patch::Keep,
        Some(None) => Patch::Remove,
        Some(Some(open)) => Patch::Set(open),
    };
    Ok(RepositoryChange {
        description: settings.description,
        open,
        offline: settings.offline.then_some(true),
        fresh_seconds: settings.fresh.map(|span| span.0),
        upstream: Some(upstream).filter(|upstream| *upstream != UpstreamChange::default()),
        members: Some(settings.members).filter(|members| !members.is_empty()),
        blocked: Some(settings.blocked).filter(|blocked| !blocked.is_empty()),
        signing_key: key.transpose()?,
    })
}
