//! Grants: who is what, where.

use crate::audit::Object;
use crate::keys::after_prefix;
use crate::{Batch, Error, Metadata, Requirement, Row, Value};
use larder_model::{Action, Author, Network, Pattern, Role, Timestamp};
use serde_json::json;

macro_rules! grants {
    ($where:literal) => {
        concat!(
            "select id, subject, repository, package, role, created_at, created_by, networks, \
             refs from grants where ",
            $where
        )
    };
}

const GRANTS: &str =
    grants!("(repository, id) > (?1, ?2) and repository < ?3 order by repository, id limit ?4");
const BY_SUBJECT: &str = grants!(
    "subject = ?5 and (repository, id) > (?1, ?2) and repository < ?3 \
     order by repository, id limit ?4"
);
const GRANTS_OF: &str = grants!("subject = ?1 order by id");
const GRANT: &str = grants!("id = ?1");
const ADD_GRANT: &str = "insert into grants (id, subject, repository, package, role, created_at, \
    created_by, networks, refs) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
const DROP_GRANT: &str = "delete from grants where id = ?1";

/// A grant's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its id.
    pub id: i64,
    /// `user:…`, `group:…`, `robot:…`, `authenticated` or `anonymous`.
    pub subject: Box<str>,
    /// Which repositories, e.g. `oci/team-*`.
    pub repository: Pattern,
    /// Which packages in them; `*`: all.
    pub package: Pattern,
    /// Which refs of those it lets change; `None`: all, and whatever else a package has.
    pub refs: Option<Pattern>,
    /// What the subject is there.
    pub role: Role,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: Box<str>,
    /// Where it counts, for `anonymous` only; empty: everywhere.
    pub networks: Vec<Network>,
}

/// Which grants are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantFilter {
    /// Those of this subject, as `user:alice`.
    pub subject: Option<String>,
    /// Those whose pattern of repositories is written so.
    pub repository: Written,
}

/// How the pattern of repositories of a grant is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// With this beginning.
    Beginning(String),
    /// Exactly so.
    Exactly(String),
}

impl Written {
    /// What is written so is not before the first and before the second.
    fn span(&self) -> (&str, String) {
        match self {
            Self::Beginning(text) => (text, after_prefix(text)),
            // No pattern has a control character.
            Self::Exactly(text) => (text, format!("{text}\u{1}")),
        }
    }
}

/// Where a list of grants goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantKey {
    /// The pattern of repositories of the last one.
    pub repository: Box<str>,
    /// Its id.
    pub id: i64,
}

impl Grant {
    /// Its place in lists.
    pub fn key(&self) -> GrantKey {
        GrantKey {
            repository: self.repository.as_str().into(),
            id: self.id,
        }
    }

    /// The details of its entries in the audit trail.
    fn told(&self) -> serde_json::Value {
        let networks: Vec<String> = self.networks.iter().map(Network::to_string).collect();
        let mut told = json!({
            "id": self.id.to_string(),
            "subject": self.subject,
            "package": self.package.as_str(),
            "role": self.role.word(),
            "networks": networks,
        });
        if let Some(refs) = &self.refs {
            told["ref"] = json!(refs.as_str());
        }
        told
    }

    fn read(row: &mut Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.int(0)?,
            subject: row.text(1)?,
            repository: row.parsed(2)?,
            package: row.parsed(3)?,
            role: row.parsed(4)?,
            created_at: Timestamp(row.int(5)?),
            created_by: row.text(6)?,
            networks: networks(&row.text(7)?)?,
            refs: refs(row)?,
        })
    }
}

fn refs(row: &mut Row) -> Result<Option<Pattern>, Error> {
    let text = row.text(8)?;
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = |_| Error::Shape(format!("{text:?} is no pattern"));
    text.parse().map(Some).map_err(wrong)
}

/// Networks in a row: separated by spaces.
fn networks(text: &str) -> Result<Vec<Network>, Error> {
    let network = |text: &str| {
        text.parse()
            .map_err(|_| Error::Shape(format!("{text:?} is no network")))
    };
    text.split_whitespace().map(network).collect()
}

fn written(networks: &[Network]) -> String {
    let networks: Vec<String> = networks.iter().map(Network::to_string).collect();
    networks.join(" ")
}

impl Metadata {
    /// Grants that `filter` means after `after`, by repositories, the oldest first, at most
    /// `limit`. Without `after`, the first.
    pub async fn grants(
        &self,
        filter: &GrantFilter,
        after: Option<&GrantKey>,
        limit: u64,
    ) -> Result<Vec<Grant>, Error> {
        let text = if filter.subject.is_some() {
            BY_SUBJECT
        } else {
            GRANTS
        };
        let (start, end) = filter.repository.span();
        // A key before the span stands for its start.
        let after = after.filter(|key| &*key.repository >= start);
        let (repository, id) = after.map_or((start, 0), |key| (&key.repository, key.id));
        let mut values = vec![repository.into(), id.into(), end.into(), limit.into()];
        values.extend(filter.subject.as_ref().map(Value::from));
        let mut rows = self.sql.scan(text, values).await?;
        rows.iter_mut().map(Grant::read).collect()
    }

    /// All grants of a subject, in the order of their making.
    pub async fn grants_of(&self, subject: &str) -> Result<Vec<Grant>, Error> {
        let mut rows = self.sql.rows(GRANTS_OF, &[subject.into()]).await?;
        rows.iter_mut().map(Grant::read).collect()
    }

    /// The grant of this id.
    pub async fn grant(&self, id: i64) -> Result<Option<Grant>, Error> {
        self.sql
            .rows(GRANT, &[id.into()])
            .await?
            .first_mut()
            .map(Grant::read)
            .transpose()
    }

    /// Keeps a grant; [`Error::Exists`] if the very same is there.
    pub async fn add_grant(&self, grant: &Grant, by: &dyn Author) -> Result<(), Error> {
        let mut batch = Batch::default();
        let object = Object::Named(grant.repository.as_str());
        self.note(&mut batch, by, Action::GrantCreate, object, &grant.told());
        batch.run(
            ADD_GRANT,
            [
                grant.id.into(),
                grant.subject.as_ref().into(),
                grant.repository.as_str().into(),
                grant.package.as_str().into(),
                grant.role.word().into(),
                grant.created_at.into(),
                grant.created_by.as_ref().into(),
                written(&grant.networks).into(),
                grant.refs.as_ref().map_or("", Pattern::as_str).into(),
            ],
        );
        self.touch_policy(&mut batch, by);
        self.sql.apply(batch).await
    }

    /// Ends a grant; [`Error::Unmet`] if there is no such [`Requirement::Grant`].
    pub async fn drop_grant(&self, id: i64, by: &dyn Author) -> Result<(), Error> {
        // A grant is never changed: what is told is what is deleted.
        let grant = self.grant(id).await?;
        let grant = grant.ok_or(Error::Unmet(Requirement::Grant))?;
        let mut batch = Batch::default();
        let object = Object::Named(grant.repository.as_str());
        self.note(&mut batch, by, Action::GrantDelete, object, &grant.told());
        batch.require(Requirement::Grant, DROP_GRANT, [id.into()]);
        self.touch_policy(&mut batch, by);
        self.sql.apply(batch).await
    }
}

#[cfg(test)]
mod tests;
