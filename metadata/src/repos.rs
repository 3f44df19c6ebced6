//! Repositories, and which of them are members of which groups.

use crate::audit::Object;
use crate::files::PackageKey;
use crate::trash::{DROP_EDGES_OF_REPO, DROP_FILES_OF_REPO, DROP_OF_REPO};
use crate::{Batch, Error, Metadata, Requirement, Row};
use larder_model::{
    Action, Author, Pattern, ProtocolName, RepoKind, RepoName, RepoSettings, Timestamp,
};
use serde_json::{Value as Json, json};
use std::collections::HashMap;

const ALL: &str = "select id, protocol, name, kind, description, settings, created_at, \
    case when exists (select 1 from quota_repos q where q.repo = repos.id) then 1 else 0 end \
    from repos order by protocol, name";
const MEMBERS: &str = "select group_id, member_id, member_name from repo_members \
    order by group_id, position";
const ADD: &str = "insert into repos (id, protocol, name, kind, description, settings, created_at) \
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const ADD_MEMBER: &str = "insert into repo_members (group_id, position, member_id, member_name) \
    select ?1, ?2, id, name from repos where id = ?3";
const DROP_MEMBERS: &str = "delete from repo_members where group_id = ?1";
const CHANGE: &str = "update repos set description = ?2, settings = ?3 where id = ?1";
const AGE: &str = "update packages set revision = revision + 1 where repo = ?1 and name = ''";
const FORGET_COMPOSED: &str = "delete from files where repo = ?1 and package = '' \
    and lifetime in ('until_change', 'until_next')";
const IS_THERE: &str = "update repos set kind = kind where id = ?1";
const IS_UNREFERENCED: &str = "update repos set kind = kind where id = ?1 \
    and not exists (select 1 from repo_members where member_id = ?1) \
    and not exists (select 1 from settings where key = 'oci.default_mirror' and value = ?2)";
/// Names that were published outlive their repository. Of an image the package's row is its name; of others
/// that may be gone, and the name is left.
const RESERVE: &str = "insert into reservations (protocol, repository, package, version, \
    reserved_at, reserved_by) select r.protocol, r.name, p.name, '', ?2, ?3 \
    from repos r join (select repo, name from packages where repo = ?1 \
    union select repo, package from files where repo = ?1 and kind = 'name') p on p.repo = r.id \
    where r.id = ?1 and r.kind = 'hosted' and p.name <> '' \
    on conflict (protocol, repository, package, version) do nothing";
const DROP_IMMUTABLE: &str = "delete from immutable_versions where repo = ?1";
const ADD_IMMUTABLE: &str =
    "insert into immutable_versions (repo, pattern, matcher) values (?1, ?2, ?3)";
const DROP_FILES: &str = "delete from files where repo = ?1";
const DROP_EDGES: &str = "delete from edges where repo = ?1";
const DROP_PACKAGES: &str = "delete from packages where repo = ?1";
const DROP_HISTORY: &str = "delete from history where repo = ?1";
const DROP_UPLOADS: &str = "delete from uploads where repo = ?1";
const DROP_GRANTS: &str = "delete from grants where repository = \
    (select protocol || '/' || name from repos where id = ?1)";
const DROP: &str = "delete from repos where id = ?1";

/// Blocked packages that the audit trail names.
const MAX_TOLD: usize = 100;

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The repository's id; `None`: it was deleted.
    pub id: Option<i64>,
    /// What it is called, or was.
    pub name: RepoName,
}

/// A repository's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepoRecord {
    /// Its id, never used again.
    pub id: i64,
    /// What its clients speak.
    pub protocol: ProtocolName,
    /// Its name.
    pub name: RepoName,
    /// What it is.
    pub kind: RepoKind,
    /// A line for people.
    pub description: Box<str>,
    /// Further settings.
    pub settings: RepoSettings,
    /// Of a group: its members, in the order in which they are asked.
    pub members: Vec<Member>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether it has to fit a quota, its own or one that it shares.
    pub is_limited: bool,
}

/// A repository to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewRepo<'a> {
    /// What its clients speak.
    pub protocol: ProtocolName,
    /// Its name.
    pub name: &'a RepoName,
    /// What it is.
    pub kind: RepoKind,
    /// A line for people.
    pub description: &'a str,
    /// Further settings.
    pub settings: &'a RepoSettings,
    /// Of a group: ids of its members, in the order in which they are asked.
    pub members: &'a [i64],
}

impl RepoRecord {
    /// The repository as people name it everywhere: `npm/main`.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.protocol, self.name)
    }

    fn read(row: &mut Row) -> Result<Self, Error> {
        let (id, settings) = (row.int(0)?, row.text(5)?);
        let settings = RepoSettings::read(&settings).map_err(|error| {
            Error::Shape(format!(
                "the settings of the repository {id} cannot be read: {error}"
            ))
        })?;
        Ok(Self {
            id,
            protocol: row.parsed(1)?,
            name: row.parsed(2)?,
            kind: row.parsed(3)?,
            description: row.text(4)?,
            settings,
            members: Vec::new(),
            created_at: Timestamp(row.int(6)?),
            is_limited: row.int(7)? != 0,
        })
    }
}

impl Metadata {
    /// All repositories, by protocol and name.
    pub async fn repos(&self) -> Result<Vec<RepoRecord>, Error> {
        let mut rows = self.sql.scan(ALL, Vec::new()).await?;
        let mut repos: Vec<RepoRecord> = rows
            .iter_mut()
            .map(RepoRecord::read)
            .collect::<Result<_, _>>()?;
        let mut members = self.repo_members().await?;
        for repo in &mut repos {
            repo.members = members.remove(&repo.id).unwrap_or_default();
        }
        Ok(repos)
    }

    async fn repo_members(&self) -> Result<HashMap<i64, Vec<Member>>, Error> {
        let mut members: HashMap<i64, Vec<Member>> = HashMap::new();
        for row in &mut self.sql.scan(MEMBERS, Vec::new()).await? {
            let member = Member {
                id: row.optional_int(1)?,
                name: row.parsed(2)?,
            };
            members.entry(row.int(0)?).or_default().push(member);
        }
        Ok(members)
    }

    /// Makes a repository. [`Error::Exists`] if there is one of that name, [`Error::Unmet`] if a
    /// [`Requirement::Member`] is not there.
    pub async fn add_repo(&self, new: NewRepo<'_>, by: &dyn Author) -> Result<RepoRecord, Error> {
        let id = self.new_id();
        let mut batch = Batch::default();
        let values = [
            id.into(),
            new.protocol.0.into(),
            new.name.as_str().into(),
            new.kind.into(),
            new.description.into(),
            new.settings.write().into(),
            self.now().into(),
        ];
        batch.run(ADD, values);
        add_members(&mut batch, id, new.members);
        self.put_immutable(&mut batch, id, new.settings);
        let mut details = details_of(new.settings, Some(new.members));
        details["kind"] = new.kind.word().into();
        let object = Object::Repo(id);
        self.note(&mut batch, by, Action::RepositoryCreate, object, &details);
        self.touch_policy(&mut batch, by);
        Self::enter_shared_quotas(&mut batch, id);
        if !new.settings.quota.is_none() {
            self.put_own_quota(&mut batch, id, new.settings.quota, by);
        }
        self.sql.apply(batch).await?;
        let made = self.repos().await?.into_iter().find(|repo| repo.id == id);
        made.ok_or(Error::Unmet(Requirement::Repo))
    }

    /// Changes what may change of a repository; `members` where they do. [`Error::Unmet`]: the
    /// [`Requirement::Repo`] is gone, or a [`Requirement::Member`] is not there.
    pub async fn change_repo(
        &self,
        id: i64,
        description: &str,
        settings: &RepoSettings,
        members: Option<&[i64]>,
        by: &dyn Author,
    ) -> Result<(), Error> {
        let mut batch = Batch::default();
        let values = [id.into(), description.into(), settings.write().into()];
        batch.require(Requirement::Repo, CHANGE, values);
        if let Some(members) = members {
            batch.run(DROP_MEMBERS, [id.into()]);
            add_members(&mut batch, id, members);
        }
        self.put_immutable(&mut batch, id, settings);
        self.put_own_quota(&mut batch, id, settings.quota, by);
        // What was composed was signed with the key of the settings.
        batch.touch(PackageKey {
            repo: id,
            package: "",
        });
        batch.run(AGE, [id.into()]);
        batch.run(FORGET_COMPOSED, [id.into()]);
        let object = Object::Repo(id);
        let mut details = details_of(settings, members);
        details["description"] = description.into();
        self.note(&mut batch, by, Action::RepositoryChange, object, &details);
        self.touch_policy(&mut batch, by);
        self.sql.apply(batch).await
    }

    /// From this batch on nobody changes versions that these settings say are immutable.
    fn put_immutable(&self, batch: &mut Batch, id: i64, settings: &RepoSettings) {
        batch.run(DROP_IMMUTABLE, [id.into()]);
        let mut patterns: Vec<&str> = settings.immutable.iter().map(Pattern::as_str).collect();
        patterns.sort_unstable();
        patterns.dedup();
        for pattern in patterns {
            let matcher = self.sql.matcher(pattern);
            batch.run(ADD_IMMUTABLE, [id.into(), pattern.into(), matcher.into()]);
        }
    }

    /// Removes a repository with all its names and the grants on it alone: another of its name
    /// begins without them. Names that were published stay reserved. The bytes stay until they are
    /// collected. [`Error::Unmet`]: the [`Requirement::Repo`] is gone, or, unless it is `forced`,
    /// it is not [`Requirement::Unreferenced`]. A group of which it was a member keeps the gap.
    pub async fn drop_repo(&self, id: i64, forced: bool, by: &dyn Author) -> Result<(), Error> {
        let mut batch = Batch::default();
        batch.touch_everything();
        batch.require(Requirement::Repo, IS_THERE, [id.into()]);
        if !forced {
            let values = [id.into(), id.to_string().into()];
            batch.require(Requirement::Unreferenced, IS_UNREFERENCED, values);
        }
        let details = json!({"forced": forced});
        let object = Object::Repo(id);
        self.note(&mut batch, by, Action::RepositoryDelete, object, &details);
        batch.run(RESERVE, [id.into(), self.now().into(), by.label().into()]);
        Self::leave_quotas(&mut batch, id);
        for text in [
            DROP_FILES_OF_REPO,
            DROP_EDGES_OF_REPO,
            DROP_OF_REPO,
            DROP_FILES,
            DROP_EDGES,
            DROP_PACKAGES,
            DROP_HISTORY,
            DROP_UPLOADS,
            DROP_GRANTS,
        ] {
            batch.run(text, [id.into()]);
        }
        batch.require(Requirement::Repo, DROP, [id.into()]);
        self.touch_policy(&mut batch, by);
        self.sql.apply(batch).await
    }
}

fn add_members(batch: &mut Batch, group: i64, members: &[i64]) {
    for (position, member) in (0_i64..).zip(members) {
        let values = [group.into(), position.into(), (*member).into()];
        batch.require(Requirement::Member, ADD_MEMBER, values);
    }
}

/// What the audit trail tells of a repository's settings: no secret, sealed or not.
fn details_of(settings: &RepoSettings, members: Option<&[i64]>) -> Json {
    let upstream = settings.upstream.as_ref().map(|upstream| {
        let mut told = json!({
            "url": upstream.url,
            "username": upstream.username,
            "has_password": upstream.password.is_some(),
            "allow_private": upstream.allow_private,
            "token_origins": upstream.token_origins,
        });
        if let Some(list) = &upstream.mirror_list {
            told["mirror_list"] = json!(list);
        }
        if let Some(log) = &upstream.checksum_log {
            told["checksum_database"] = json!(log);
        }
        if let Some(address) = &upstream.vulnerabilities {
            told["vulnerability_database"] = json!(address);
        }
        if upstream.client_key.is_some() {
            told["has_client_certificate"] = json!(true);
        }
        if upstream.ca_certificate.is_some() {
            told["has_ca_certificate"] = json!(true);
        }
        if upstream.trusted_keys.is_some() {
            told["has_trusted_keys"] = json!(true);
        }
        told
    });
    let blocked = settings
        .blocked
        .iter()
        .map(|blocked| blocked.package.as_str());
    let blocked: Vec<&str> = blocked.take(MAX_TOLD).collect();
    let immutable: Vec<&str> = settings.immutable.iter().map(Pattern::as_str).collect();
    let key = settings.signing_key.as_ref().map(|key| &key.fingerprint);
    let members = members.map(|ids| ids.iter().map(i64::to_string).collect::<Vec<_>>());
    let all = json!({
        "offline": settings.offline.then_some(true),
        "upstream": upstream,
        "open": settings.open,
        "fresh_seconds": settings.fresh_seconds,
        "sparse_images": settings.sparse_images.then_some(true),
        "serve_vanished": settings.serve_vanished.then_some(true),
        "blocked": (!blocked.is_empty()).then_some(blocked),
        "signing_key": key,
        "immutable": (!immutable.is_empty()).then_some(immutable),
        "quota": (!settings.quota.is_none()).then_some(settings.quota),
        "members": members.filter(|members| !members.is_empty()),
    });
    let Json::Object(all) = all else { return all };
    all.into_iter()
        .filter(|(_, value)| !value.is_null())
        .collect()
}
