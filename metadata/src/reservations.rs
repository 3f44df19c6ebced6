//! Published names that are gone and stay taken: versions and packages that were deleted, and all
//! packages of deleted repositories. Only a superuser frees them.

use crate::audit::Object;
use crate::files::PackageKey;
use crate::{Batch, Error, Metadata, Requirement, Row};
use larder_model::{Action, Author, FileKind, ProtocolName, RepoName, Timestamp};
use serde_json::json;
use std::collections::HashSet;

const LIST: &str = "select * from (select v.protocol as protocol, v.repository as repository, \
    v.package as package, v.version as version, v.reserved_at as reserved_at, \
    v.reserved_by as reserved_by, cast(0 as bigint) as repo from reservations v \
    union all select r.protocol, r.name, f.package, f.path, f.created_at, f.created_by, r.id \
    from files f join repos r on r.id = f.repo where f.kind in ('name', 'tombstone') \
    and (f.kind = 'tombstone' or not exists (select 1 from files g where g.repo = f.repo \
    and g.package = f.package and g.kind = 'artifact'))) reserved \
    where (protocol, repository, package, version) > (?1, ?2, ?3, ?4) \
    and (?5 = '' or (protocol = ?5 and repository = ?6)) \
    order by protocol, repository, package, version limit ?7";
const REPOSITORIES: &str = "select distinct protocol, repository from reservations";
const IS_RESERVED: &str = "select 1 from reservations \
    where protocol = ?1 and package = ?2 limit 1";
const RESERVED_PACKAGES: &str = "select distinct package from reservations where protocol = ?1";
const FREE: &str = "delete from reservations \
    where protocol = ?1 and repository = ?2 and package = ?3 and version = ?4";
const FREE_NAME: &str = "delete from files where repo = ?1 and package = ?2 and kind = 'name' \
    and not exists (select 1 from files where repo = ?1 and package = ?2 and kind = 'artifact')";
/// Without artifacts all that is left of a package was made of them.
const DROP_FILES: &str = "delete from files where repo = ?1 and package = ?2";
const FREE_TOMBSTONE: &str = "delete from files \
    where repo = ?1 and package = ?2 and kind = ?3 and path = ?4";
const PACKAGE_CHANGED: &str = "update packages set revision = revision + 1, updated_at = ?3 \
    where repo = ?1 and name = ?2";
const FORGET_COMPOSED: &str = "delete from files \
    where repo = ?1 and package = ?2 and kind = 'document' and lifetime = 'until_change'";
const DROP_PACKAGE: &str = "delete from packages where repo = ?1 and name = ?2";

/// A name that is reserved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reservation {
    /// Its protocol.
    pub protocol: ProtocolName,
    /// The repository that it was published in.
    pub repository: RepoName,
    /// The package.
    pub package: Box<str>,
    /// The version, or what else of the package it is; empty: the whole package.
    pub version: Box<str>,
    /// Since when.
    pub reserved_at: Timestamp,
    /// Who deleted it, or published it.
    pub reserved_by: Box<str>,
    /// The repository's id; `None`: it is deleted.
    pub repo: Option<i64>,
}

/// Which reservation, in the order in which they are listed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ReservationKey {
    /// The protocol's name.
    pub protocol: Box<str>,
    /// The repository's name.
    pub repository: Box<str>,
    /// The package.
    pub package: Box<str>,
    /// The version; empty: the whole package.
    pub version: Box<str>,
}

impl Reservation {
    /// Which one it is.
    pub fn key(&self) -> ReservationKey {
        ReservationKey {
            protocol: self.protocol.0.into(),
            repository: self.repository.as_str().into(),
            package: self.package.clone(),
            version: self.version.clone(),
        }
    }

    fn read(row: &mut Row) -> Result<Self, Error> {
        Ok(Self {
            protocol: row.parsed(0)?,
            repository: row.parsed(1)?,
            package: row.text(2)?,
            version: row.text(3)?,
            reserved_at: Timestamp(row.int(4)?),
            reserved_by: row.text(5)?,
            repo: Some(row.int(6)?).filter(|repo| *repo != 0),
        })
    }
}

impl Metadata {
    /// Reservations after a key, at most `limit`; of one repository where that is given.
    pub async fn reservations(
        &self,
        after: &ReservationKey,
        of: Option<(ProtocolName, &RepoName)>,
        limit: u64,
    ) -> Result<Vec<Reservation>, Error> {
        let (protocol, repository) =
            of.map_or(("", ""), |(protocol, name)| (protocol.0, name.as_str()));
        let values = vec![
            after.protocol.as_ref().into(),
            after.repository.as_ref().into(),
            after.package.as_ref().into(),
            after.version.as_ref().into(),
            protocol.into(),
            repository.into(),
            limit.into(),
        ];
        let mut rows = self.sql.scan(LIST, values).await?;
        rows.iter_mut().map(Reservation::read).collect()
    }

    /// Names of deleted repositories that left reservations.
    pub async fn reserved_repositories(&self) -> Result<Vec<(ProtocolName, RepoName)>, Error> {
        let read = |row: &mut Row| Ok((row.parsed(0)?, row.parsed(1)?));
        let mut rows = self.sql.scan(REPOSITORIES, Vec::new()).await?;
        rows.iter_mut().map(read).collect()
    }

    /// Whether a deleted repository left the name of a package reserved.
    pub async fn is_reserved(&self, protocol: ProtocolName, package: &str) -> Result<bool, Error> {
        let values = [protocol.0.into(), package.into()];
        Ok(!self.sql.rows(IS_RESERVED, &values).await?.is_empty())
    }

    /// Packages whose names deleted repositories of a protocol left reserved.
    pub async fn reserved_packages(
        &self,
        protocol: ProtocolName,
    ) -> Result<HashSet<Box<str>>, Error> {
        let values = vec![protocol.0.into()];
        let mut rows = self.sql.scan(RESERVED_PACKAGES, values).await?;
        rows.iter_mut().map(|row| row.text(0)).collect()
    }

    /// Frees a name. [`Error::Unmet`] if the [`Requirement::Reservation`] is not there any more.
    pub async fn free(&self, reservation: &Reservation, by: &dyn Author) -> Result<(), Error> {
        let object = format!(
            "{}/{}/{}",
            reservation.protocol, reservation.repository, reservation.package
        );
        let note = |batch: &mut Batch| {
            let details = json!({"version": reservation.version});
            let object = Object::Named(&object);
            self.note(batch, by, Action::ReservationDelete, object, &details);
        };
        let Some(repo) = reservation.repo else {
            let key = reservation.key();
            let values = [key.protocol, key.repository, key.package, key.version]
                .map(|text| text.as_ref().into());
            let mut batch = Batch::default();
            batch.require(Requirement::Reservation, FREE, values);
            note(&mut batch);
            self.touch_policy(&mut batch, by);
            return self.sql.apply(batch).await;
        };
        let package = PackageKey {
            repo,
            package: &reservation.package,
        };
        let mut batch = Batch::at(package);
        if reservation.version.is_empty() {
            batch.require(Requirement::Reservation, FREE_NAME, package.value());
            batch.run(DROP_FILES, package.value());
            batch.run(DROP_PACKAGE, package.value());
        } else {
            let key = package.file(FileKind::Tombstone, &reservation.version);
            batch.require(Requirement::Reservation, FREE_TOMBSTONE, key.value());
            // Documents may tell of it.
            let [repo, name] = package.value();
            batch.run(PACKAGE_CHANGED, [repo, name, self.now().into()]);
            batch.run(FORGET_COMPOSED, package.value());
        }
        note(&mut batch);
        self.sql.apply(batch).await
    }
}
