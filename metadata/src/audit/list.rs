//! Reading the trail, the newest first.
//!
//! A filter for one text is answered from an index, in the order of ids. One for a beginning of
//! texts is not: what it fits is most often frequent, and then it is among the newest entries, or
//! rare, and then it is few. Both are tried before the trail is walked.

use super::entry::{AuditEntry, columns};
use crate::ids::first_at;
use crate::{Error, Metadata, Row, Value};
use larder_model::{Outcome, Timestamp};

/// The span of ids, and the filters. No index is for these expressions, so each statement has the
/// index that it was made for. PostgreSQL leaves out the conditions that every row fits. It would
/// take the rows of the others for so rare that it sorts them all, if it saw that the expressions
/// of both bounds are one.
macro_rules! fits {
    () => {
        "id >= ?1 and id < ?2 \
         and (?3 = '' or (coalesce(actor, '') >= ?3 and actor || '' <= ?4)) \
         and (?5 = '' or (coalesce(action, '') >= ?5 and action || '' <= ?6)) \
         and (?7 = '' or (coalesce(object, '') >= ?7 and object || '' <= ?8)) \
         and (?9 = '' or (coalesce(result, '') >= ?9 and result || '' <= ?10))"
    };
}

/// Sealed entries in the order of an index.
macro_rules! in_order {
    ($by:literal) => {
        concat!(
            "select ",
            columns!(),
            " from audit where ",
            $by,
            fits!(),
            " order by id desc limit ?11"
        )
    };
}

/// All entries that an index finds, sorted.
macro_rules! sorted {
    ($table:literal $by:literal) => {
        concat!(
            "with found as materialized (select ",
            columns!(),
            " from ",
            $table,
            $by,
            ") select ",
            columns!(),
            " from found where ",
            fits!(),
            " order by id desc limit ?11"
        )
    };
}

/// Counts what an index finds, up to a limit.
macro_rules! counted {
    ($column:literal) => {
        concat!(
            "select count(*) from (select id from audit where ",
            $column,
            " between ?1 and ?2 limit ?3) found"
        )
    };
}

const WAITING: &str = sorted!("audit_waiting" "");
const BY_ID: &str = in_order!("");
const BY_OBJECT: &str = in_order!("object = ?12 and ");
const BY_ACTOR: &str = in_order!("actor = ?12 and ");
const BY_ACTION: &str = in_order!("action = ?12 and ");
const BY_RESULT: &str = in_order!("result = ?12 and result <> 'ok' and ");
const BY_OBJECTS: &str = sorted!("audit" " where object between ?7 and ?8");
const BY_ACTORS: &str = sorted!("audit" " where actor between ?3 and ?4");
const BY_ACTIONS: &str = sorted!("audit" " where action between ?5 and ?6");
const COUNT_OBJECTS: &str = counted!("object");
const COUNT_ACTORS: &str = counted!("actor");
const COUNT_ACTIONS: &str = counted!("action");
const NEWEST: &str = "select seq from audit where id < ?1 \
    order by id desc limit 1";
const ID_OF: &str = "select id from audit where seq = ?1";

/// Entries that are looked at before anything else is tried.
const WINDOW: i64 = 10_000;
/// An index that finds no more entries than that is taken, and they are sorted.
const FEW: u64 = 1000;

/// Which entries are asked for. A text that ends in `*` means all that begin so.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Who.
    pub actor: Option<String>,
    /// What was done.
    pub action: Option<String>,
    /// To what.
    pub object: Option<String>,
    /// How it ended.
    pub result: Option<Outcome>,
    /// Not before this moment.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
}

/// The first and the last text that a filter fits.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Span {
    first: String,
    last: String,
}

impl Span {
    fn of(filter: Option<&str>) -> Self {
        let filter = filter.filter(|text| !text.is_empty()).unwrap_or("*");
        match filter.strip_suffix('*') {
            Some(start) => Self {
                first: start.to_owned(),
                last: format!("{start}{}", char::MAX),
            },
            None => Self {
                first: filter.to_owned(),
                last: filter.to_owned(),
            },
        }
    }

    /// It fits one text.
    fn is_exact(&self) -> bool {
        self.first == self.last
    }

    /// It fits every text.
    const fn is_open(&self) -> bool {
        self.first.is_empty()
    }
}

/// A filter as statements take it.
struct Asked {
    ids: std::ops::Range<i64>,
    actor: Span,
    action: Span,
    object: Span,
    result: Span,
    limit: usize,
}

impl Asked {
    fn values(&self, ids: std::ops::Range<i64>, limit: usize) -> Vec<Value> {
        let mut values = vec![ids.start.into(), ids.end.into()];
        for span in [&self.actor, &self.action, &self.object, &self.result] {
            values.extend([Value::from(&span.first), Value::from(&span.last)]);
        }
        values.push((limit as u64).into());
        values
    }

    /// The statement whose index has what is asked for in order, if one has, and the text that it
    /// asks the index for: that filter is none any more.
    fn in_order(&mut self) -> Option<(&'static str, Option<String>)> {
        let ok = Outcome::Ok.word();
        let exact = [
            (&mut self.object, BY_OBJECT),
            (&mut self.actor, BY_ACTOR),
            (&mut self.action, BY_ACTION),
            (&mut self.result, BY_RESULT),
        ];
        for (span, text) in exact {
            if span.is_exact() && span.first != ok {
                let asked = std::mem::replace(span, Span::of(None)).first;
                return Some((text, Some(asked)));
            }
        }
        let spans = [&self.object, &self.actor, &self.action, &self.result];
        let open = spans.into_iter().all(Span::is_open);
        open.then_some((BY_ID, None))
    }
}

impl Metadata {
    /// Entries that the filter fits and whose id is less than `before`, the newest first, at most
    /// `limit`; those that are not sealed are among them.
    pub async fn audit(
        &self,
        filter: &AuditFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, Error> {
        let until = filter.until.map_or(i64::MAX, first_at);
        let mut asked = Asked {
            ids: filter.since.map_or(0, first_at)..until.min(before.unwrap_or(i64::MAX)),
            actor: Span::of(filter.actor.as_deref()),
            action: Span::of(filter.action.as_deref()),
            object: Span::of(filter.object.as_deref()),
            result: Span::of(filter.result.map(Outcome::word)),
            limit,
        };
        // In this order: an entry that is sealed in between is found twice and not never.
        let mut entries = self
            .entries(WAITING, &asked, asked.ids.clone(), limit)
            .await?;
        let sealed = match asked.in_order() {
            Some((text, exact)) => {
                let mut values = asked.values(asked.ids.clone(), limit);
                values.extend(exact.map(Value::from));
                let mut rows = self.sql.scan(text, values).await?;
                rows.iter_mut()
                    .map(AuditEntry::read)
                    .collect::<Result<_, _>>()?
            }
            None => self.by_beginnings(&asked).await?,
        };
        entries.extend(sealed);
        entries.sort_unstable_by_key(|entry| std::cmp::Reverse(entry.id));
        entries.dedup_by_key(|entry| entry.id);
        entries.truncate(limit);
        Ok(entries)
    }

    async fn entries(
        &self,
        text: &'static str,
        asked: &Asked,
        ids: std::ops::Range<i64>,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, Error> {
        let mut rows = self.sql.scan(text, asked.values(ids, limit)).await?;
        rows.iter_mut().map(AuditEntry::read).collect()
    }

    /// The newest sealed entries that fit, where no index has them in order.
    async fn by_beginnings(&self, asked: &Asked) -> Result<Vec<AuditEntry>, Error> {
        let mut found = Vec::new();
        let (mut before, mut window) = (asked.ids.end, WINDOW);
        loop {
            let start = self.start_of_window(before, window).await?;
            let ids = start.max(asked.ids.start)..before;
            let missing = asked.limit - found.len();
            found.extend(self.entries(BY_ID, asked, ids, missing).await?);
            if found.len() >= asked.limit || start <= asked.ids.start {
                return Ok(found);
            }
            if window == WINDOW
                && let Some(text) = self.index_of_few(asked).await?
            {
                let (ids, missing) = (asked.ids.start..start, asked.limit - found.len());
                found.extend(self.entries(text, asked, ids, missing).await?);
                return Ok(found);
            }
            (before, window) = (start, window * 4);
        }
    }

    /// The id at which so many entries before an id begin; 0: there are fewer.
    async fn start_of_window(&self, before: i64, window: i64) -> Result<i64, Error> {
        let int = |mut rows: Vec<Row>| rows.first_mut().map(|row| row.int(0)).transpose();
        let newest = int(self.sql.rows(NEWEST, &[before.into()]).await?)?;
        let Some(newest) = newest else { return Ok(0) };
        let id = int(self.sql.rows(ID_OF, &[(newest - window).into()]).await?)?;
        Ok(id.filter(|id| *id < before).unwrap_or(0))
    }

    /// The statement of an index that finds few entries for a filter, if one does.
    async fn index_of_few(&self, asked: &Asked) -> Result<Option<&'static str>, Error> {
        for (span, count, text) in [
            (&asked.object, COUNT_OBJECTS, BY_OBJECTS),
            (&asked.actor, COUNT_ACTORS, BY_ACTORS),
            (&asked.action, COUNT_ACTIONS, BY_ACTIONS),
        ] {
            if span.is_open() {
                continue;
            }
            let values = vec![
                Value::from(&span.first),
                Value::from(&span.last),
                (FEW + 1).into(),
            ];
            let mut rows = self.sql.scan(count, values).await?;
            let found = rows.first_mut().map_or(Ok(0), |row| row.count(0))?;
            if found <= FEW {
                return Ok(Some(text));
            }
        }
        Ok(None)
    }
}
