//! Repositories.

use crate::files::PackageKey;
use crate::{Batch, Error, Metadata, Row};
use larder_model::{ProtocolName, RepoName, Timestamp};

const ALL: &str = "select id, protocol, name, kind, description, settings, created_at from repos order by protocol, name";
const ADD: &str = "insert into repos (id, protocol, name, kind, description, settings, created_at) \
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const CHANGE: &str = "update repos set description = ?2, settings = ?3 where id = ?1";
const AGE: &str = "update packages set revision = revision + 1 where repo = ?1 and name = ''";
const FORGET_COMPOSED: &str = "delete from files where repo = ?1 and package = '' \
    and etag in ('composed', 'companion')";
const DROP_FILES: &str = "delete from files where repo = ?1";
const DROP_EDGES: &str = "delete from edges where repo = ?1";
const DROP_PACKAGES: &str = "delete from packages where repo = ?1";
const DROP_HISTORY: &str = "delete from history where repo = ?1";
const DROP_UPLOADS: &str = "delete from uploads where repo = ?1";
const DROP_GRANTS: &str = "delete from grants where repository = \
    (select protocol || '/' || name from repos where id = ?1)";
const DROP: &str = "delete from repos where id = ?1";

/// A repository's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepoRecord {
    /// Its id, never used again.
    pub id: i64,
    /// What its clients speak.
    pub protocol: ProtocolName,
    /// Its name.
    pub name: RepoName,
    /// `hosted`, `mirror` or `group`.
    pub kind: Box<str>,
    /// A line for people.
    pub description: Box<str>,
    /// Further settings, as JSON.
    pub settings: Box<str>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl RepoRecord {
    fn read(row: &mut Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.int(0)?,
            protocol: row.parsed(1)?,
            name: row.parsed(2)?,
            kind: row.text(3)?,
            description: row.text(4)?,
            settings: row.text(5)?,
            created_at: Timestamp(row.int(6)?),
        })
    }
}

impl Metadata {
    /// All repositories, by protocol and name.
    pub async fn repos(&self) -> Result<Vec<RepoRecord>, Error> {
        self.sql
            .scan(ALL, Vec::new())
            .await?
            .iter_mut()
            .map(RepoRecord::read)
            .collect()
    }

    /// Makes a repository; [`Error::Exists`] if there is one of that name.
    pub async fn add_repo(
        &self,
        protocol: ProtocolName,
        name: &RepoName,
        kind: &str,
        description: &str,
        settings: &str,
    ) -> Result<RepoRecord, Error> {
        let (id, now) = (self.new_id(), self.now());
        let mut batch = Batch::default();
        let values = [
            id.into(),
            protocol.0.into(),
            name.as_str().into(),
            kind.into(),
        ];
        let [id_value, protocol_value, name_value, kind_value] = values;
        batch.run(
            ADD,
            [
                id_value,
                protocol_value,
                name_value,
                kind_value,
                description.into(),
                settings.into(),
                now.into(),
            ],
        );
        self.touch_policy(&mut batch);
        self.sql.apply(batch).await?;
        Ok(RepoRecord {
            id,
            protocol,
            name: name.clone(),
            kind: kind.into(),
            description: description.into(),
            settings: settings.into(),
            created_at: now,
        })
    }

    /// Changes what may change of a repository; [`Error::Unmet`]`("repo")` if it is gone.
    pub async fn change_repo(
        &self,
        id: i64,
        description: &str,
        settings: &str,
    ) -> Result<(), Error> {
        let mut batch = Batch::default();
        batch.must(
            "repo",
            1,
            CHANGE,
            [id.into(), description.into(), settings.into()],
        );
        // What was composed was signed with the key of the settings.
        batch.touch(PackageKey {
            repo: id,
            package: "",
        });
        batch.run(AGE, [id.into()]);
        batch.run(FORGET_COMPOSED, [id.into()]);
        self.touch_policy(&mut batch);
        self.sql.apply(batch).await
    }

    /// Removes a repository with all its names and the grants on it alone: another of its name
    /// begins without them. The bytes stay until they are collected.
    pub async fn drop_repo(&self, id: i64) -> Result<(), Error> {
        let mut batch = Batch::default();
        for text in [
            DROP_FILES,
            DROP_EDGES,
            DROP_PACKAGES,
            DROP_HISTORY,
            DROP_UPLOADS,
            DROP_GRANTS,
        ] {
            batch.run(text, [id.into()]);
        }
        batch.must("repo", 1, DROP, [id.into()]);
        self.touch_policy(&mut batch);
        self.sql.apply(batch).await
    }
}
