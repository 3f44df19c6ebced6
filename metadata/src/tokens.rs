//! Tokens: secrets that act for a user.

use crate::audit::Object;
use crate::shown::Shown;
use crate::{Batch, Error, Metadata, Requirement, Row};
use larder_model::{Action, Author, Timestamp, TokenKind};
use serde_json::json;
use std::net::IpAddr;

macro_rules! tokens {
    ($($where:literal),+) => {
        concat!(
            "select id, owner, name, kind, grants, created_at, expires_at, last_used_at, \
             last_used_from from tokens where ",
            $($where),+
        )
    };
}

const TOKENS_OF: &str = tokens!("owner = ?1 and id > ?2 order by id limit ?3");
macro_rules! tokens_like {
    ($where:literal) => {
        tokens!(
            "owner = ?1 and id > ?2 and substr(name, 1, length(?4)) = ?4 ",
            $where,
            " order by id limit ?3"
        )
    };
}

/// Along the same index: one owner has few.
const TOKENS_LIKE: &str = tokens_like!("");
const EXPIRED_TOKENS: &str = tokens_like!("and expires_at < ?5");
const LASTING_TOKENS: &str = tokens_like!("and (expires_at is null or expires_at >= ?5)");
const TOKEN_BY_HASH: &str = tokens!("hash = ?1");
const TOKEN: &str = tokens!("id = ?1");
const USED: &str = "update tokens set last_used_at = ?2, last_used_from = ?3 \
    where id = ?1 and last_used_at < ?2";
/// A login that was got by one is of the token that this one is of.
const ADD_TOKEN: &str = "insert into tokens (id, owner, name, kind, hash, grants, created_at, expires_at, \
    bought_with) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, \
    (select coalesce(t.bought_with, t.id) from tokens t where t.id = cast(?9 as bigint)))";
const DROP_TOKEN: &str = "delete from tokens where id = ?1 and owner = ?2";
const DROP_BOUGHT: &str = "delete from tokens where bought_with = ?1 and owner = ?2";
/// Of as many logins of a user the one that was used least lately.
const SURPLUS_LOGIN: &str = tokens!(
    "owner = ?1 and kind = 'offline' \
     and (select count(*) from tokens where owner = ?1 and kind = 'offline') >= ?2 \
     order by case when last_used_at > created_at then last_used_at else created_at end, id limit 1"
);
const END_LOGINS: &str = "delete from tokens where owner = ?1 and kind = 'offline' and id <> ?2";
const KNOWN_ADDRESS: &str =
    "select first_used_at from token_addresses where token_id = ?1 and address = ?2";
/// Changes one row if the token is there, was never used from the address, and has not been used
/// from too many.
const ADD_ADDRESS: &str = "insert into token_addresses (token_id, address, first_used_at) \
    select id, ?2, ?3 from tokens where id = ?1 \
    and (select count(*) from token_addresses where token_id = ?1) < ?4 \
    on conflict (token_id, address) do nothing";
const DROP_EXPIRED: &str = "delete from tokens where expires_at < ?1";

/// A token's row, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub id: i64,
    /// The user that it acts for.
    pub owner: i64,
    /// What its maker calls it.
    pub name: Box<str>,
    /// How it came to be.
    pub kind: TokenKind,
    /// What it is limited to, as JSON; `None`: all that its owner may.
    pub grants: Option<Box<str>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was used last, as far as that was written down; 0: never.
    pub last_used_at: Timestamp,
    /// From which address; empty: it was never used.
    pub last_used_from: Box<str>,
}

/// Which tokens of a user are meant; without anything, all.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct TokenFilter<'a> {
    /// Those whose names begin so.
    pub prefix: &'a str,
    /// Those that have ended, or those that have not.
    pub expired: Option<bool>,
}

impl TokenFilter<'_> {
    /// Whether a token is meant.
    pub fn means(&self, token: &Token, now: Timestamp) -> bool {
        let ended = token.expires_at.is_some_and(|end| end < now);
        token.name.starts_with(self.prefix) && self.expired.is_none_or(|expired| expired == ended)
    }
}

/// Addresses remembered of one token; of those beyond it is not told that they are new.
const MAX_ADDRESSES: u64 = 1000;

/// That a token was used.
#[derive(Clone, Copy, Debug)]
pub struct TokenUse {
    /// The token's id.
    pub token: i64,
    /// When.
    pub at: Timestamp,
    /// From where.
    pub address: IpAddr,
}

impl Token {
    /// The details of its entries in the audit trail.
    fn told(&self) -> serde_json::Value {
        json!({
            "id": self.id.to_string(),
            "name": self.name,
            "kind": self.kind,
            "grants": self.grants,
            "expires_at": self.expires_at,
        })
    }

    fn read(row: &mut Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.int(0)?,
            owner: row.int(1)?,
            name: row.text(2)?,
            kind: row.parsed(3)?,
            grants: row.optional_text(4)?,
            created_at: Timestamp(row.int(5)?),
            expires_at: row.optional_int(6)?.map(Timestamp),
            last_used_at: Timestamp(row.int(7)?),
            last_used_from: row.text(8)?,
        })
    }
}

/// Adds to a batch that what clients of a user logged in by ends, but for the token of this id.
pub(crate) fn end_logins(batch: &mut Batch, owner: i64, kept: Option<i64>) {
    batch.run(END_LOGINS, [owner.into(), kept.unwrap_or(0).into()]); // no id is 0
}

impl Metadata {
    /// The token whose secret has this hash.
    pub async fn token_by_hash(&self, hash: &str) -> Result<Option<Token>, Error> {
        self.sql
            .rows(TOKEN_BY_HASH, &[hash.into()])
            .await?
            .first_mut()
            .map(Token::read)
            .transpose()
    }

    /// The token of this id.
    pub async fn token(&self, id: i64) -> Result<Option<Token>, Error> {
        self.sql
            .rows(TOKEN, &[id.into()])
            .await?
            .first_mut()
            .map(Token::read)
            .transpose()
    }

    /// A user's tokens that `filter` means, after the one of id `after`, at most `limit`.
    pub async fn tokens_of(
        &self,
        owner: i64,
        filter: TokenFilter<'_>,
        after: i64,
        limit: u64,
    ) -> Result<Vec<Token>, Error> {
        let mut values = vec![owner.into(), after.into(), limit.into()];
        if filter != TokenFilter::default() {
            values.push(filter.prefix.into());
        }
        let text = match filter.expired {
            None if filter.prefix.is_empty() => TOKENS_OF,
            None => TOKENS_LIKE,
            Some(expired) => {
                values.push(self.now().into());
                if expired {
                    EXPIRED_TOKENS
                } else {
                    LASTING_TOKENS
                }
            }
        };
        let mut rows = self.sql.scan(text, values).await?;
        rows.iter_mut().map(Token::read).collect()
    }

    /// Keeps a token's row; `hash` is that of its secret.
    pub async fn add_token(&self, token: &Token, hash: &str, by: &dyn Author) -> Result<(), Error> {
        self.add_login(token, hash, (Shown::Nothing, false), by)
            .await
    }

    /// The same, made by who has `shown` this. Where it is `bound` to that it ends with it.
    /// [`Error::Unmet`]: the [`Requirement::Shown`] is gone.
    pub async fn add_login(
        &self,
        token: &Token,
        hash: &str,
        (shown, bound): (Shown, bool),
        by: &dyn Author,
    ) -> Result<(), Error> {
        let mut batch = Batch::default();
        shown.require(&mut batch);
        let bought_with = match shown {
            Shown::Token(id) if bound => Some(id),
            _ => None,
        };
        let owner = Object::User(token.owner);
        self.note(&mut batch, by, Action::TokenCreate, owner, &token.told());
        batch.run(
            ADD_TOKEN,
            [
                token.id.into(),
                token.owner.into(),
                token.name.as_ref().into(),
                token.kind.into(),
                hash.into(),
                token.grants.as_deref().into(),
                token.created_at.into(),
                token.expires_at.into(),
                bought_with.into(),
            ],
        );
        batch.run(DROP_EXPIRED, [self.now().into()]);
        self.sql.apply(batch).await
    }

    /// The login of a client of that owner that was used least lately, if there are so many of them.
    pub async fn surplus_login(&self, owner: i64, most: u64) -> Result<Option<Token>, Error> {
        let values = [owner.into(), most.into()];
        let mut rows = self.sql.rows(SURPLUS_LOGIN, &values).await?;
        rows.first_mut().map(Token::read).transpose()
    }

    /// Ends a token of that owner, and the logins that were got by it; [`Error::Unmet`] if there is no
    /// such [`Requirement::Token`].
    pub async fn drop_token(&self, id: i64, owner: i64, by: &dyn Author) -> Result<(), Error> {
        let token = self.token(id).await?.filter(|token| token.owner == owner);
        let token = token.ok_or(Error::Unmet(Requirement::Token))?;
        let mut batch = Batch::default();
        let of = Object::User(owner);
        self.note(&mut batch, by, Action::TokenDelete, of, &token.told());
        batch.require(Requirement::Token, DROP_TOKEN, [id.into(), owner.into()]);
        batch.run(DROP_BOUGHT, [id.into(), owner.into()]);
        self.touch_policy(&mut batch, by);
        self.sql.apply(batch).await
    }

    /// Writes down when tokens were used last. A token that is gone meanwhile is passed over.
    pub async fn write_token_uses(&self, uses: &[TokenUse]) -> Result<(), Error> {
        let mut batch = Batch::default();
        for used in uses {
            let address = used.address.to_string();
            batch.run(USED, [used.token.into(), used.at.into(), address.into()]);
        }
        self.sql.apply(batch).await
    }

    /// Remembers from where a token was used. Whether that address is new.
    pub async fn is_new_address(&self, used: TokenUse) -> Result<bool, Error> {
        let address = used.address.to_string();
        let key = [used.token.into(), address.as_str().into()];
        if !self.sql.rows(KNOWN_ADDRESS, &key).await?.is_empty() {
            return Ok(false);
        }
        let mut batch = Batch::default();
        let [token, address] = key;
        let values = [token, address, used.at.into(), MAX_ADDRESSES.into()];
        batch.require(Requirement::Token, ADD_ADDRESS, values);
        match self.sql.apply(batch).await {
            Ok(()) => Ok(true),
            Err(Error::Unmet(Requirement::Token)) => Ok(false), // gone, or another server was first
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests;
