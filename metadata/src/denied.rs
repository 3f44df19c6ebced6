//! Requests that a rule refused, each with the id that its client was told.
//!
//! They are written in batches, by whoever noted them; an id is of one server, so no two servers count
//! the same row.

use crate::ids::{first_at, made_at};
use crate::{Batch, Error, Metadata, Row, Value};
use larder_model::{RuleKind, Timestamp};
use std::time::Duration;

/// The columns that [`DeniedRequest::read`] reads.
macro_rules! columns {
    () => {
        "d.seq, d.id, d.last_at, d.count, d.actor, d.address, d.verb, d.repository, d.package, \
         d.reference, d.rule, d.detail, d.status"
    };
}

/// Requests in the order of an index, the newest first.
macro_rules! list {
    ($by:literal) => {
        concat!(
            "select ",
            columns!(),
            " from denied d where ",
            $by,
            " d.seq < ?1 and d.seq >= ?2 order by d.seq desc limit ?3"
        )
    };
}

/// The newest request of each group of the like, in the order of an index, with what is known of the
/// group.
macro_rules! groups {
    ($by:literal) => {
        concat!(
            "select ",
            columns!(),
            ", (select cast(sum(g.count) as bigint) from denied g where g.repository = d.repository \
             and g.package = d.package and g.rule = d.rule and g.seq >= ?2), \
             (select count(distinct g.actor) from denied g where g.repository = d.repository \
             and g.package = d.package and g.rule = d.rule and g.seq >= ?2) from denied d where ",
            $by,
            " d.seq < ?1 and d.seq >= ?2 and not exists (select 1 from denied n \
             where n.repository = d.repository and n.package = d.package and n.rule = d.rule \
             and n.seq > d.seq) order by d.seq desc limit ?3"
        )
    };
}

const LIST: &str = list!("");
const LIST_OF: &str = list!("d.repository = ?4 and (?5 = '' or '' || d.rule = ?5) and");
const LIST_BY: &str = list!("d.rule = ?4 and");
const GROUPS: &str = groups!("");
const GROUPS_OF: &str = groups!("d.repository = ?4 and (?5 = '' or '' || d.rule = ?5) and");
const GROUPS_BY: &str = groups!("d.rule = ?4 and");
const FIND: &str = concat!("select ", columns!(), " from denied d where d.id = ?1");
const WRITE: &str = "insert into denied (seq, id, last_at, count, actor, address, verb, repository, \
    package, reference, rule, detail, status) \
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) \
    on conflict (id) do update set count = denied.count + excluded.count, last_at = excluded.last_at";
const PRUNE: &str = "delete from denied where seq < ?1";
const PRUNE_BEYOND: &str = "delete from denied where seq <= \
    (select seq from denied order by seq desc limit 1 offset ?1)";

/// Requests written in one batch.
const BATCH: usize = 500;

/// How long a refusal can be looked up.
pub const KEPT: Duration = Duration::from_hours(30 * 24);
/// Of more than that the oldest go.
pub const MAX_KEPT: u64 = 100_000;

/// A request that a rule refused. What is unknown is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeniedRequest {
    /// Its place: a later one has a larger.
    pub seq: i64,
    /// Under which it can be looked up: 128 random bits as hex.
    pub id: Box<str>,
    /// When the last of the like of its minute was refused.
    pub last_at: Timestamp,
    /// How many of the like of its minute were.
    pub count: u64,
    /// Who: `user:alice`, `robot:ci`, `anonymous`.
    pub actor: Box<str>,
    /// From which address.
    pub address: Box<str>,
    /// What was to be done: the word of a [`Verb`](larder_model::Verb).
    pub verb: Box<str>,
    /// Whose rule refused, as `npm/upstream`.
    pub repository: Box<str>,
    /// The package or image in it.
    pub package: Box<str>,
    /// The version, tag or digest.
    pub reference: Box<str>,
    /// Which kind of rule.
    pub rule: RuleKind,
    /// The sentence that the client was told.
    pub detail: Box<str>,
    /// The HTTP status of the answer.
    pub status: u16,
}

/// A request with how many of the like are not written yet.
#[derive(Clone, Debug)]
pub struct DeniedCount {
    /// The request.
    pub request: DeniedRequest,
    /// How many of its `count` wait to be written.
    pub waiting: u64,
}

/// Requests of which the package and the kind of rule are the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeniedGroup {
    /// The newest of them.
    pub last: DeniedRequest,
    /// How many there were.
    pub count: u64,
    /// Of how many users, robots and whoever showed no credentials, who count as one.
    pub actors: u64,
}

/// Which requests are asked for.
#[derive(Clone, Debug, Default)]
pub struct DeniedFilter {
    /// Of this repository.
    pub repository: Option<String>,
    /// Refused by this kind of rule.
    pub rule: Option<RuleKind>,
    /// Not before this moment.
    pub since: Option<Timestamp>,
}

impl DeniedRequest {
    /// When the first of the like of its minute was refused.
    pub const fn at(&self) -> Timestamp {
        made_at(self.seq)
    }

    fn read(row: &mut Row) -> Result<Self, Error> {
        let unknown = |what: &str| Error::Shape(format!("a refused request has an unknown {what}"));
        Ok(Self {
            seq: row.int(0)?,
            id: row.text(1)?,
            last_at: Timestamp(row.int(2)?),
            count: row.count(3)?,
            actor: row.text(4)?,
            address: row.text(5)?,
            verb: row.text(6)?,
            repository: row.text(7)?,
            package: row.text(8)?,
            reference: row.text(9)?,
            rule: row.text(10)?.parse().map_err(|_| unknown("rule"))?,
            detail: row.text(11)?,
            status: u16::try_from(row.int(12)?).map_err(|_| unknown("status"))?,
        })
    }
}

impl DeniedGroup {
    fn read(row: &mut Row) -> Result<Self, Error> {
        Ok(Self {
            count: row.count(13)?,
            actors: row.count(14)?,
            last: DeniedRequest::read(row)?,
        })
    }
}

/// What is asked for as the statements take it; `of` has both filters, `by` the rule alone.
fn asked(
    filter: &DeniedFilter,
    before: Option<i64>,
    limit: usize,
    [all, of, by]: [&'static str; 3],
) -> (&'static str, Vec<Value>) {
    let mut values: Vec<Value> = vec![
        before.unwrap_or(i64::MAX).into(),
        filter.since.map_or(0, first_at).into(),
        (limit as u64).into(),
    ];
    let rule = filter.rule.map(RuleKind::word);
    let text = match (&filter.repository, rule) {
        (Some(repository), rule) => {
            values.extend([repository.into(), rule.unwrap_or_default().into()]);
            of
        }
        (None, Some(rule)) => {
            values.push(rule.into());
            by
        }
        (None, None) => all,
    };
    (text, values)
}

impl Metadata {
    /// Writes requests down. What is written has nothing `waiting` any more, also after a failure.
    pub async fn write_denied(&self, requests: &mut [DeniedCount]) -> Result<(), Error> {
        for part in requests.chunks_mut(BATCH) {
            let mut batch = Batch::default();
            for DeniedCount { request, waiting } in part.iter() {
                let values = [
                    request.seq.into(),
                    request.id.as_ref().into(),
                    request.last_at.into(),
                    (*waiting).into(),
                    request.actor.as_ref().into(),
                    request.address.as_ref().into(),
                    request.verb.as_ref().into(),
                    request.repository.as_ref().into(),
                    request.package.as_ref().into(),
                    request.reference.as_ref().into(),
                    request.rule.word().into(),
                    request.detail.as_ref().into(),
                    i64::from(request.status).into(),
                ];
                batch.run(WRITE, values);
            }
            self.sql.apply(batch).await?;
            for written in part {
                written.waiting = 0;
            }
        }
        Ok(())
    }

    /// The request with this id, if it is written down and was not forgotten.
    pub async fn denied_request(&self, id: &str) -> Result<Option<DeniedRequest>, Error> {
        let mut rows = self.sql.rows(FIND, &[id.into()]).await?;
        rows.first_mut().map(DeniedRequest::read).transpose()
    }

    /// Requests whose `seq` is less than `before`, the newest first, at most `limit`.
    pub async fn denied(
        &self,
        filter: &DeniedFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<DeniedRequest>, Error> {
        let (text, values) = asked(filter, before, limit, [LIST, LIST_OF, LIST_BY]);
        let mut rows = self.sql.scan(text, values).await?;
        rows.iter_mut().map(DeniedRequest::read).collect()
    }

    /// The same, those of one package and one kind of rule together; `before` and the order are about
    /// the newest of each. Counted is what the filter fits.
    pub async fn denied_groups(
        &self,
        filter: &DeniedFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<DeniedGroup>, Error> {
        let (text, values) = asked(filter, before, limit, [GROUPS, GROUPS_OF, GROUPS_BY]);
        let mut rows = self.sql.scan(text, values).await?;
        rows.iter_mut().map(DeniedGroup::read).collect()
    }

    /// Forgets requests from before a moment, and the oldest beyond `most`.
    pub async fn prune_denied(&self, before: Timestamp, most: u64) -> Result<(), Error> {
        let mut batch = Batch::default();
        batch.run(PRUNE, [first_at(before).into()]);
        batch.run(PRUNE_BEYOND, [most.into()]);
        self.sql.apply(batch).await
    }
}

#[cfg(test)]
mod tests;
