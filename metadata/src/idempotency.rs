//! Requests that named themselves by a key, so that one that comes again is not carried out again,
//! whichever server it reaches.

use crate::{Batch, Error, Metadata, Requirement, Row, Value};
use bytes::Bytes;
use larder_model::Timestamp;
use std::time::Duration;

/// How long a key is kept.
pub const KEPT: Duration = Duration::from_hours(24);
/// How long a run is believed to be alive that does not say so again ([`Metadata::hold_key`]).
pub const HELD: Duration = Duration::from_mins(1);

/// Takes a key that is free, past its time, or left behind by a run of the same request.
const TAKE: &str = "insert into idempotency (principal, key, request, run, held_until, expires_at) \
    values (?1, ?2, ?3, ?4, ?5, ?6) \
    on conflict (principal, key) do update set request = excluded.request, run = excluded.run, \
    held_until = excluded.held_until, expires_at = excluded.expires_at, status = null, \
    content_type = null, location = null, body = null, secret_of = null \
    where idempotency.expires_at <= ?7 or (idempotency.status is null \
    and idempotency.held_until <= ?7 and idempotency.request = excluded.request)";
const FIND: &str = "select request, status, content_type, location, body, secret_of \
    from idempotency where principal = ?1 and key = ?2";
const HOLD: &str = "update idempotency set held_until = ?4 \
    where principal = ?1 and key = ?2 and run = ?3 and status is null";
const ANSWER: &str = "update idempotency set status = ?4, content_type = ?5, location = ?6, \
    body = ?7, secret_of = ?8 where principal = ?1 and key = ?2 and run = ?3 and status is null";
const FREE: &str = "delete from idempotency \
    where principal = ?1 and key = ?2 and run = ?3 and status is null";
const EXPIRED: &str = "select expires_at from idempotency where expires_at <= ?1 \
    order by expires_at limit ?2";
const DROP_EXPIRED: &str = "delete from idempotency where expires_at <= ?1";

/// Keys deleted in one batch.
const BATCH: u64 = 1000;

/// A request under its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyedRequest {
    /// Whose key it is: nobody sees anyone else's.
    pub principal: Box<str>,
    /// The key, as the client chose it.
    pub key: Box<str>,
    /// Stands for all of the request: another request has another.
    pub request: Box<str>,
}

/// An answer that is given again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    /// Its status.
    pub status: u16,
    /// The media type of its body.
    pub content_type: Option<Box<str>>,
    /// Where what was made is.
    pub location: Option<Box<str>>,
    /// Its body.
    pub body: KeptBody,
}

/// The body of an answer that is given again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeptBody {
    /// These bytes.
    Bytes(Bytes),
    /// It held the secret of what has this id, and no secret is kept.
    SecretOf(i64),
}

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It was free and is held by this run now: the request is to be carried out.
    Taken(i64),
    /// The same request is being carried out.
    Held,
    /// It is another request's.
    Other,
    /// The request was answered.
    Answered(KeptAnswer),
}

impl KeyedRequest {
    fn of_run(&self, run: i64) -> [Value; 3] {
        [(&*self.principal).into(), (&*self.key).into(), run.into()]
    }

    /// What a row tells of the request.
    fn state(&self, row: &mut Row) -> Result<KeyState, Error> {
        if row.text(0)? != self.request {
            return Ok(KeyState::Other);
        }
        let Some(status) = row.optional_int(1)? else {
            return Ok(KeyState::Held);
        };
        let status = u16::try_from(status)
            .map_err(|_| Error::Shape(format!("an answer has the status {status}")))?;
        let (content_type, location) = (row.optional_text(2)?, row.optional_text(3)?);
        let body = row.optional_bytes(4)?.unwrap_or_default();
        Ok(KeyState::Answered(KeptAnswer {
            status,
            content_type,
            location,
            body: match row.optional_int(5)? {
                Some(id) => KeptBody::SecretOf(id),
                None => KeptBody::Bytes(body),
            },
        }))
    }
}

impl Metadata {
    /// Takes the key of a request, or tells why it is not to be carried out.
    pub async fn take_key(&self, request: &KeyedRequest) -> Result<KeyState, Error> {
        loop {
            let (now, run) = (self.now(), self.new_id());
            let mut batch = Batch::default();
            let values = [
                (&*request.principal).into(),
                (&*request.key).into(),
                (&*request.request).into(),
                run.into(),
                now.after(HELD).into(),
                now.after(KEPT).into(),
                now.into(),
            ];
            batch.require(Requirement::IdempotencyKey, TAKE, values);
            match self.sql.apply(batch).await {
                Ok(()) => return Ok(KeyState::Taken(run)),
                Err(Error::Unmet(Requirement::IdempotencyKey)) => {}
                Err(error) => return Err(error),
            }
            let values = [(&*request.principal).into(), (&*request.key).into()];
            let mut rows = self.sql.rows(FIND, &values).await?;
            if let Some(row) = rows.first_mut() {
                return request.state(row);
            }
            // Its run gave it back meanwhile.
        }
    }

    /// Says that a run is still alive. [`Error::Unmet`]: it does not hold the
    /// [`Requirement::IdempotencyKey`] any more.
    pub async fn hold_key(&self, request: &KeyedRequest, run: i64) -> Result<(), Error> {
        let [principal, key, run] = request.of_run(run);
        let until = self.now().after(HELD).into();
        self.change_key(HOLD, [principal, key, run, until]).await
    }

    /// Keeps the answer of a run. [`Error::Unmet`] as for [`Self::hold_key`].
    pub async fn answer_key(
        &self,
        request: &KeyedRequest,
        run: i64,
        answer: &KeptAnswer,
    ) -> Result<(), Error> {
        let [principal, key, run] = request.of_run(run);
        let (body, secret_of) = match &answer.body {
            KeptBody::Bytes(bytes) => (Some(bytes.clone()), None),
            KeptBody::SecretOf(id) => (None, Some(*id)),
        };
        let values = [
            principal,
            key,
            run,
            i64::from(answer.status).into(),
            answer.content_type.as_deref().into(),
            answer.location.as_deref().into(),
            body.into(),
            secret_of.into(),
        ];
        self.change_key(ANSWER, values).await
    }

    /// Gives the key of a run back: the request may be made again. [`Error::Unmet`] as for
    /// [`Self::hold_key`].
    pub async fn free_key(&self, request: &KeyedRequest, run: i64) -> Result<(), Error> {
        self.change_key(FREE, request.of_run(run)).await
    }

    async fn change_key<const N: usize>(
        &self,
        text: &'static str,
        values: [Value; N],
    ) -> Result<(), Error> {
        let mut batch = Batch::default();
        batch.require(Requirement::IdempotencyKey, text, values);
        self.sql.apply(batch).await
    }

    /// Deletes the keys that are past their time, batch by batch. How many there were.
    pub async fn drop_expired_keys(&self) -> Result<u64, Error> {
        let (now, mut dropped) = (self.now(), 0);
        loop {
            let values = vec![now.into(), BATCH.into()];
            let mut rows = self.sql.scan(EXPIRED, values).await?;
            let count = rows.len() as u64;
            let Some(last) = rows.last_mut() else {
                return Ok(dropped);
            };
            let last = Timestamp(last.int(0)?);
            let mut batch = Batch::default();
            batch.run(DROP_EXPIRED, [last.into()]);
            self.sql.apply(batch).await?;
            dropped += count;
        }
    }
}
