//! `larder repo`.

use crate::arguments::{AbsentStatus, AnswerTimeOption, OpenOption, block, kinds, repo_path};
use crate::context::Context;
use crate::failure::Failure;
use crate::limit::{ByteLimit, CountLimit};
use crate::outcome::Outcome;
use crate::span::Span;
use crate::table::Table;
use crate::terminal;
use clap::{Args, Subcommand};
use larder_api::{
    Block, NewRepository, Patch, QuotaChange, QuotaLimits, RepoKind, RepositoryChange,
    UpstreamChange,
};
use larder_model::{Pattern, RepoName, RepoPath};
use serde_json::Value;
use std::path::PathBuf;

/// What can be done to repositories.
#[derive(Subcommand, Debug)]
pub enum Repo {
    /// List repositories that you may see.
    List,
    /// Show one repository.
    Show {
        /// Protocol and name, e.g. oci/team.
        #[arg(value_parser = repo_path)]
        name: RepoPath,
    },
    /// Make a repository.
    Create {
        /// Protocol and name, e.g. oci/team.
        #[arg(value_parser = repo_path)]
        name: RepoPath,
        /// What it is [default: mirror with --upstream, group with --member, else hosted].
        #[arg(long, value_parser = kinds())]
        kind: Option<RepoKind>,
        #[command(flatten)]
        settings: RepoSettings,
    },
    /// Change a repository; what is not given stays.
    Set {
        /// Protocol and name, e.g. oci/team.
        #[arg(value_parser = repo_path)]
        name: RepoPath,
        #[command(flatten)]
        settings: RepoSettings,
        /// Of a mirror: fetch again.
        #[arg(long, conflicts_with = "offline")]
        online: bool,
        /// Of a mirror or a group: block nothing any more.
        #[arg(long, conflicts_with = "blocked")]
        block_nothing: bool,
        /// Of a hosted repository: any version may be deleted again.
        #[arg(long, conflicts_with = "immutable")]
        nothing_immutable: bool,
    },
    /// Delete a repository with all that is in it.
    Delete {
        /// Protocol and name, e.g. oci/team.
        #[arg(value_parser = repo_path)]
        name: RepoPath,
        /// Also if a group has it as a member or a setting names it; for superusers.
        #[arg(long)]
        force: bool,
    },
}

/// What can be set for a repository.
#[derive(Args, Debug, Clone, Default)]
pub struct RepoSettings {
    /// A line for people.
    #[arg(long)]
    pub description: Option<String>,
    /// Of a mirror: the address that it mirrors. With another one, user name, password and
    /// allowances begin anew.
    #[arg(long, value_name = "URL")]
    pub upstream: Option<String>,
    /// Of a mirror of rpm: a list of mirrors that have what it mirrors, as dnf's mirrorlist or metalink
    /// names it; an empty one is none.
    #[arg(long, value_name = "URL")]
    pub mirror_list: Option<String>,
    /// Of a mirror: the user name that it shows its upstream.
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,
    /// Of a mirror: read the password or token for its upstream from standard input, one line; an
    /// empty one is none.
    #[arg(long)]
    pub password_stdin: bool,
    /// Of a mirror: the certificate (PEM) that it shows its upstream, perhaps with those that lead to
    /// its authority (- reads standard input); an empty file takes it away with its key.
    #[arg(long, value_name = "FILE")]
    pub client_certificate: Option<PathBuf>,
    /// Of a mirror: the private key (PEM) of that certificate, without a passphrase.
    #[arg(long, value_name = "FILE")]
    pub client_key: Option<PathBuf>,
    /// Of a mirror: authorities (PEM) that its upstream's own certificate may come from, beside those
    /// of the server; an empty file takes them away.
    #[arg(long, value_name = "FILE")]
    pub ca_certificate: Option<PathBuf>,
    /// Of a mirror of deb or rpm: armored public keys, of which one is to have signed its upstream's
    /// metadata (- reads standard input); an empty file takes them away, and it is taken as it comes.
    #[arg(long, value_name = "FILE")]
    pub trusted_keys: Option<PathBuf>,
    /// Of a mirror: its upstream may have a private or loopback address.
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub allow_private: Option<bool>,
    /// Of a mirror: another origin of private address that its upstream's indexes may point at,
    /// with scheme and port; can be given more than once.
    #[arg(long, value_name = "ORIGIN")]
    pub allow: Vec<String>,
    /// Of a mirror of images: the origin of a token endpoint outside of its upstream's domain that is
    /// given user name and password, with scheme and port; can be given more than once, and an empty
    /// one is none.
    #[arg(long = "token-origin", value_name = "ORIGIN")]
    pub token_origins: Vec<String>,
    /// Of a mirror: how often its upstream is asked at most; 0 is no limit.
    #[arg(long, value_name = "NUMBER")]
    pub requests_per_minute: Option<u32>,
    /// Of a mirror: a status by which its upstream says that it does not have something, beside
    /// 404 and 410: 400, 401 or 403; can be given more than once, and an empty one is none of them.
    #[arg(long = "absent-status", value_name = "STATUS")]
    pub absent_statuses: Vec<AbsentStatus>,
    /// Of a mirror: how long its upstream may take to begin an answer, from 1s to 10m; an empty one
    /// is as the server says.
    #[arg(long, value_name = "TIME")]
    pub answer_time: Option<AnswerTimeOption>,
    /// Of a mirror of Go modules: the checksum database that vouches for what its upstream sends, as
    /// GOSUMDB has name and key; an empty one is none.
    #[arg(long, value_name = "NAME+HASH+KEY")]
    pub checksum_database: Option<String>,
    /// Of a mirror of Go modules: where its checksum database is; an empty one is where clients look.
    #[arg(long, value_name = "URL")]
    pub checksum_database_url: Option<String>,
    /// Of a mirror of Go modules: modules that the checksum database is not asked for, as GONOSUMDB has
    /// them; can be given more than once, and an empty one is none.
    #[arg(long, value_name = "PATTERN")]
    pub checksum_database_except: Vec<String>,
    /// Of a mirror of Go modules: the vulnerability database that is mirrored with it; an empty one is
    /// none.
    #[arg(long, value_name = "URL")]
    pub vulnerability_database: Option<String>,
    /// Of an rpm repository: the armored secret key, without a passphrase, that signs its metadata
    /// (- reads standard input); an empty file takes the key away.
    #[arg(long, value_name = "FILE")]
    pub signing_key: Option<PathBuf>,
    /// Of a hosted repository: versions, of images tags, that nobody can move, replace or delete once
    /// they are there, e.g. 'v*'; can be given more than once.
    #[arg(long, value_name = "PATTERN")]
    pub immutable: Vec<Pattern>,
    /// Of a hosted repository of images: whether manifests are taken whose blobs it does not have.
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub sparse_images: Option<bool>,
    /// Of a hosted repository: how many bytes it may have, e.g. 10GiB; none is no limit.
    #[arg(long, value_name = "SIZE|none")]
    pub quota_bytes: Option<ByteLimit>,
    /// Of a hosted repository: how many versions, of images tags, it may have; none is no limit.
    #[arg(long, value_name = "NUMBER|none")]
    pub quota_versions: Option<CountLimit>,
    /// Of a mirror: how long a document is served without asking again, in seconds or as 5m, 12h.
    #[arg(long, value_name = "TIME")]
    pub fresh: Option<Span>,
    /// Of a mirror: whether a document, as a tag of an image, is served as it was when its upstream has
    /// it no more.
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub serve_vanished: Option<bool>,
    /// Whether everyone may read it without a grant: true, false, or auto, as follows from what it
    /// is.
    #[arg(long, value_name = "true|false|auto")]
    pub open: Option<OpenOption>,
    /// Of a mirror: fetch nothing, serve what is kept.
    #[arg(long)]
    pub offline: bool,
    /// Of a group: a repository of the same protocol; can be given more than once, in the order in
    /// which they are asked.
    #[arg(long = "member", value_name = "NAME")]
    pub members: Vec<RepoName>,
    /// Of a mirror or a group: packages that are not served, with * for any run of characters, and
    /// perhaps why; can be given more than once, and the whole list is what is given.
    #[arg(long = "block", value_name = "PATTERN[=REASON]", value_parser = block)]
    pub blocked: Vec<Block>,
}

const LIST: Table = Table::new(
    &[
        ("PROTOCOL", "protocol"),
        ("NAME", "name"),
        ("KIND", "kind"),
        ("DESCRIPTION", "description"),
    ],
    &["protocol", "name"],
)
.with(&[
    ("READABLE BY", "readable_by"),
    ("UPSTREAM", "upstream/url"),
    ("MEMBERS", "members"),
    ("OFFLINE", "offline"),
    ("CREATED", "created_at"),
]);
const HOSTED: Table = Table::new(
    &[
        ("Protocol", "protocol"),
        ("Name", "name"),
        ("Kind", "kind"),
        ("Description", "description"),
        ("Readable by", "readable_by"),
        ("Signing key", "signing_key"),
        ("Immutable", "immutable"),
        ("Sparse images", "sparse_images"),
        ("Bytes", "usage/bytes"),
        ("Unique bytes", "usage/unique_bytes"),
        ("Versions", "usage/versions"),
        ("Quota of bytes", "quota/bytes"),
        ("Quota of versions", "quota/versions"),
        ("Quota warning", "quota/warning"),
        ("Created", "created_at"),
    ],
    &["protocol", "name"],
);
const MIRROR: Table = Table::new(
    &[
        ("Protocol", "protocol"),
        ("Name", "name"),
        ("Kind", "kind"),
        ("Description", "description"),
        ("Readable by", "readable_by"),
        ("Upstream", "upstream/url"),
        ("Mirror list", "upstream/mirror_list"),
        ("Username", "upstream/username"),
        ("Password", "upstream/has_password"),
        ("Certificate ends", "upstream/client_certificate_expires_at"),
        ("Private allowed", "upstream/allow_private"),
        ("Also allowed", "upstream/allow"),
        ("Token origins", "upstream/token_origins"),
        ("Requests a minute", "upstream/requests_per_minute"),
        ("Absent statuses", "upstream/absent_statuses"),
        ("Answer time", "upstream/answer_time"),
        ("Checksum database", "upstream/checksum_database"),
        ("Checksum database at", "upstream/checksum_database_url"),
        ("No checksums of", "upstream/checksum_database_except"),
        ("Vulnerability database", "upstream/vulnerability_database"),
        ("Fresh seconds", "fresh_seconds"),
        ("Serves vanished", "serve_vanished"),
        ("Offline by", "offline_by"),
        ("Blocked", "blocked"),
        ("Bytes", "usage/bytes"),
        ("Unique bytes", "usage/unique_bytes"),
        ("Versions", "usage/versions"),
        ("Created", "created_at"),
    ],
    &["protocol", "name"],
);
const GROUP: Table = Table::new(
    &[
        ("Protocol", "protocol"),
        ("Name", "name"),
        ("Kind", "kind"),
        ("Description", "description"),
        ("Readable by", "readable_by"),
        ("Members", "members"),
        ("Blocked", "blocked"),
        ("Signing key", "signing_key"),
        ("Created", "created_at"),
    ],
    &["protocol", "name"],
);

fn call(path: &RepoPath) -> [&str; 3] {
    ["repositories", path.protocol.0, path.name.as_str()]
}

pub(crate) async fn repo(command: Repo, cx: &Context<'_>) -> Result<Outcome, Failure> {
    let client = &cx.client()?;
    match command {
        Repo::List => Ok(Outcome::list(
            client.all(&["repositories"], &[]).await?,
            &LIST,
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
            nothing_immutable,
        } => {
            let mut body = change(settings)?;
            if online {
                body.offline = Some(false);
            }
            if block_nothing {
                body.blocked = Some(Vec::new());
            }
            if nothing_immutable {
                body.immutable = Some(Vec::new());
            }
            if body == RepositoryChange::default() {
                return Err(Failure::Usage(
                    "nothing to change: larder repo set --help lists what can be".to_owned(),
                ));
            }
            Ok(shown(client.patch(&call(&name), &body).await?))
        }
        Repo::Delete { name, force } => {
            cx.confirm(&format!("Delete repository {name} with all that is in it?"))?;
            let query = [("force", "true")];
            let query = if force { &query[..] } else { &[] };
            client.delete_with(&call(&name), query).await?;
            Ok(Outcome::done(format!("Repository {name} deleted.")))
        }
    }
}

fn shown(repo: Value) -> Outcome {
    let columns = match repo["kind"].as_str() {
        Some("mirror") => &MIRROR,
        Some("group") => &GROUP,
        _ => &HOSTED,
    };
    Outcome::record(repo, columns)
}

/// The kind that settings speak of.
const fn fitting(settings: &RepoSettings) -> RepoKind {
    match settings {
        RepoSettings {
            upstream: Some(_), ..
        }
        | RepoSettings {
            mirror_list: Some(_),
            ..
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
        serve_vanished: settings.serve_vanished,
        upstream: settings.upstream,
        members: settings.members,
        blocked: settings.blocked,
        signing_key: settings.signing_key,
        immutable: settings.immutable,
        sparse_images: settings.sparse_images,
        quota: match settings.quota {
            Patch::Set(quota) => Some(limits_of(quota)),
            Patch::Keep | Patch::Remove => None,
        },
    }
}

/// The limits of a new quota.
fn limits_of(quota: QuotaChange) -> QuotaLimits {
    QuotaLimits {
        bytes: quota.bytes.apply(None),
        versions: quota.versions.apply(None),
    }
}

/// What an empty file says, whatever ends its last line.
fn emptied(text: String) -> String {
    if text.trim().is_empty() {
        String::new()
    } else {
        text
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
    let file = |path: &Option<PathBuf>| path.as_deref().map(terminal::file).transpose();
    let upstream = UpstreamChange {
        url: settings.upstream,
        mirror_list: settings.mirror_list,
        username: settings.username,
        password,
        client_certificate: file(&settings.client_certificate)?.map(emptied),
        client_key: file(&settings.client_key)?,
        ca_certificate: file(&settings.ca_certificate)?.map(emptied),
        trusted_keys: file(&settings.trusted_keys)?.map(emptied),
        allow_private: settings.allow_private,
        allow: Some(settings.allow).filter(|origins| !origins.is_empty()),
        token_origins: (!settings.token_origins.is_empty()).then(|| {
            let mut origins = settings.token_origins;
            origins.retain(|origin| !origin.is_empty());
            origins
        }),
        requests_per_minute: settings.requests_per_minute,
        absent_statuses: (!settings.absent_statuses.is_empty()).then_some(absent),
        answer_time: match answer_time {
            None => Patch::Keep,
            Some(None) => Patch::Remove,
            Some(Some(time)) => Patch::Set(time),
        },
        checksum_database: settings.checksum_database,
        checksum_database_url: settings.checksum_database_url,
        checksum_database_except: (!settings.checksum_database_except.is_empty()).then(|| {
            let mut patterns = settings.checksum_database_except;
            patterns.retain(|pattern| !pattern.is_empty());
            patterns
        }),
        vulnerability_database: settings.vulnerability_database,
    };
    let quota = QuotaChange {
        bytes: ByteLimit::patch(settings.quota_bytes),
        versions: CountLimit::patch(settings.quota_versions),
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
        serve_vanished: settings.serve_vanished,
        upstream: Some(upstream).filter(|upstream| *upstream != UpstreamChange::default()),
        members: Some(settings.members).filter(|members| !members.is_empty()),
        blocked: Some(settings.blocked).filter(|blocked| !blocked.is_empty()),
        signing_key: key.transpose()?,
        immutable: Some(settings.immutable).filter(|patterns| !patterns.is_empty()),
        sparse_images: settings.sparse_images,
        quota: if quota == QuotaChange::default() {
            Patch::Keep
        } else {
            Patch::Set(quota)
        },
    })
}
