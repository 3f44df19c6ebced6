//! Sessions: browsers in which a person has signed in.

use crate::audit::Object;
use crate::shown::Shown;
use crate::{Batch, Error, Metadata, Requirement, Row};
use larder_model::{Action, Author, Timestamp, UserName};
use serde_json::json;
use std::net::IpAddr;

macro_rules! sessions {
    ($where:literal) => {
        concat!(
            "select s.id, s.owner, u.name, s.created_at, s.last_used_at, s.expires_at, s.ends_at, \
             s.address, s.agent from sessions s join users u on u.id = s.owner where ",
            $where
        )
    };
}

const SESSIONS: &str = sessions!("s.id > ?1 and s.expires_at > ?2 order by s.id limit ?3");
const SESSIONS_OF: &str =
    sessions!("s.owner = ?4 and s.id > ?1 and s.expires_at > ?2 order by s.id limit ?3");
const SESSION_BY_HASH: &str = sessions!("s.hash = ?1 and s.expires_at > ?2");
const SESSION: &str = sessions!("s.id = ?1 and s.expires_at > ?2");
const ADD_SESSION: &str = "insert into sessions (id, owner, hash, created_at, last_used_at, \
    expires_at, ends_at, address, agent) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
const USED: &str = "update sessions set last_used_at = ?2, address = ?3, \
    expires_at = case when ends_at < ?4 then ends_at else ?4 end \
    where id = ?1 and last_used_at < ?2";
const DROP_SESSION: &str = "delete from sessions where id = ?1 and owner = ?2";
const DROP_OTHERS: &str = "delete from sessions where owner = ?1 and id <> ?2";
/// One row if a user has a token or a session that was used from an address.
const KNOWN_ADDRESS: &str = "select u.id from users u where u.name = ?1 and (exists \
    (select 1 from sessions s where s.owner = u.id and s.address = ?2) or exists \
    (select 1 from tokens t join token_addresses a on a.token_id = t.id \
    where t.owner = u.id and a.address = ?2))";
const DROP_EXPIRED: &str = "delete from sessions where expires_at <= ?1";

/// A session's row, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: i64,
    /// The person who signed in.
    pub owner: i64,
    /// The name of that person.
    pub owner_name: UserName,
    /// When the person signed in.
    pub created_at: Timestamp,
    /// When it was used last, as far as that was written down.
    pub last_used_at: Timestamp,
    /// When it ends if it is not used until then.
    pub expires_at: Timestamp,
    /// When it ends however much it is used.
    pub ends_at: Timestamp,
    /// From which address it was used last.
    pub address: Box<str>,
    /// What the browser called itself at the sign-in.
    pub agent: Box<str>,
}

/// That a session was used.
#[derive(Clone, Copy, Debug)]
pub struct SessionUse {
    /// The session's id.
    pub session: i64,
    /// When.
    pub at: Timestamp,
    /// From where.
    pub address: IpAddr,
    /// When it ends from now on if it is not used again, unless its own end is earlier.
    pub expires_at: Timestamp,
}

impl Session {
    fn read(row: &mut Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.int(0)?,
            owner: row.int(1)?,
            owner_name: row.parsed(2)?,
            created_at: Timestamp(row.int(3)?),
            last_used_at: Timestamp(row.int(4)?),
            expires_at: Timestamp(row.int(5)?),
            ends_at: Timestamp(row.int(6)?),
            address: row.text(7)?,
            agent: row.text(8)?,
        })
    }
}

/// Adds to a batch that all sessions of a user end but the one of this id.
pub(crate) fn drop_others(batch: &mut Batch, owner: i64, kept: Option<i64>) {
    batch.run(DROP_OTHERS, [owner.into(), kept.unwrap_or(0).into()]); // no id is 0
}

impl Metadata {
    /// The session whose secret has this hash, if it has not ended.
    pub async fn session_by_hash(&self, hash: &str) -> Result<Option<Session>, Error> {
        let mut rows = self
            .sql
            .rows(SESSION_BY_HASH, &[hash.into(), self.now().into()])
            .await?;
        rows.first_mut().map(Session::read).transpose()
    }

    /// The session of this id, if it has not ended.
    pub async fn session(&self, id: i64) -> Result<Option<Session>, Error> {
        let mut rows = self
            .sql
            .rows(SESSION, &[id.into(), self.now().into()])
            .await?;
        rows.first_mut().map(Session::read).transpose()
    }

    /// Sessions that have not ended, of an owner or (`None`) of all, after the one of id `after`, at
    /// most `limit`.
    pub async fn sessions(
        &self,
        owner: Option<i64>,
        after: i64,
        limit: u64,
    ) -> Result<Vec<Session>, Error> {
        let mut values = vec![after.into(), self.now().into(), limit.into()];
        let text = match owner {
            Some(owner) => {
                values.push(owner.into());
                SESSIONS_OF
            }
            None => SESSIONS,
        };
        let mut rows = self.sql.scan(text, values).await?;
        rows.iter_mut().map(Session::read).collect()
    }

    /// Whether the user of this name has a token or a session that was used from this address, as far
    /// as that was written down.
    pub async fn is_known_address(&self, name: &str, address: IpAddr) -> Result<bool, Error> {
        let values = [name.into(), address.to_string().into()];
        Ok(!self.sql.rows(KNOWN_ADDRESS, &values).await?.is_empty())
    }

    /// Keeps a session's row; `hash` is that of its secret. Those that have ended go. [`Error::Unmet`]:
    /// what was `shown` for it is gone ([`Requirement::Shown`]).
    pub async fn add_session(
        &self,
        session: &Session,
        (hash, shown): (&str, Shown),
        by: &dyn Author,
    ) -> Result<(), Error> {
        let mut batch = Batch::default();
        shown.require(&mut batch);
        let details = json!({"id": session.id.to_string(), "user_agent": session.agent});
        let owner = Object::User(session.owner);
        self.note(&mut batch, by, Action::SessionCreate, owner, &details);
        batch.run(
            ADD_SESSION,
            [
                session.id.into(),
                session.owner.into(),
                hash.into(),
                session.created_at.into(),
                session.last_used_at.into(),
                session.expires_at.into(),
                session.ends_at.into(),
                session.address.as_ref().into(),
                session.agent.as_ref().into(),
            ],
        );
        batch.run(DROP_EXPIRED, [self.now().into()]);
        self.sql.apply(batch).await
    }

    /// Ends a session of that owner; [`Error::Unmet`] if there is no such [`Requirement::Session`].
    pub async fn drop_session(&self, id: i64, owner: i64, by: &dyn Author) -> Result<(), Error> {
        let mut batch = Batch::default();
        let details = json!({"id": id.to_string()});
        let of = Object::User(owner);
        self.note(&mut batch, by, Action::SessionDelete, of, &details);
        let values = [id.into(), owner.into()];
        batch.require(Requirement::Session, DROP_SESSION, values);
        self.touch_policy(&mut batch, by);
        self.sql.apply(batch).await
    }

    /// Writes down when sessions were used last, and moves their ends on. A session that is gone
    /// meanwhile is passed over.
    pub async fn write_session_uses(&self, uses: &[SessionUse]) -> Result<(), Error> {
        let mut batch = Batch::default();
        for used in uses {
            let address = used.address.to_string();
            let values = [
                used.session.into(),
                used.at.into(),
                address.into(),
                used.expires_at.into(),
            ];
            batch.run(USED, values);
        }
        self.sql.apply(batch).await
    }
}
