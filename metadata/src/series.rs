//! What servers counted, by hour. Each adds what is new to what the others did.

use crate::{Batch, Error, Metadata, Row};
use larder_model::Timestamp;
use std::time::Duration;

const ADD: &str = "insert into series (name, at, label, part, value) values (?1, ?2, ?3, ?4, ?5) \
    on conflict (name, at, label, part) do update set value = series.value + excluded.value";
const SET: &str = "insert into series (name, at, label, part, value) values (?1, ?2, ?3, ?4, ?5) \
    on conflict (name, at, label, part) do update set value = excluded.value";
const READ: &str = "select at, label, part, value from series \
    where name = ?1 and at >= ?2 and at < ?3 order by at, label, part";
const SUMS: &str = "select label, part, cast(sum(value) as bigint) from series \
    where name = ?1 and at >= ?2 and at < ?3 group by label, part order by label, part";
const PRUNE: &str = "delete from series where name = ?1 and at < ?2";

/// The time that a value of a series is of.
pub const STEP: Duration = Duration::from_hours(1);

/// Values written in one batch.
const BATCH: usize = 500;

/// The beginning of the hour of a moment.
pub const fn hour_of(at: Timestamp) -> Timestamp {
    const HOUR: i64 = 3600 * 1_000_000;
    Timestamp(at.0.div_euclid(HOUR) * HOUR)
}

/// What is added to a series.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct NewPoint<'a> {
    /// The series.
    pub name: &'a str,
    /// Whose part of it: a protocol, an upstream; empty: it has no parts.
    pub label: &'a str,
    /// The part of a distribution; empty: it is none.
    pub part: &'a str,
    /// The value.
    pub value: u64,
}

/// A value of an hour.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Point {
    /// When the hour began.
    pub at: Timestamp,
    /// Whose part of the series.
    pub label: Box<str>,
    /// The part of a distribution.
    pub part: Box<str>,
    /// The value.
    pub value: u64,
}

impl Metadata {
    /// Adds to the values of an hour.
    pub async fn add_to_series(
        &self,
        hour: Timestamp,
        points: &mut [NewPoint<'_>],
    ) -> Result<(), Error> {
        self.write_series(ADD, hour, points).await
    }

    /// Sets values of an hour, which tell how much there is, not how much came.
    pub async fn set_series(
        &self,
        hour: Timestamp,
        points: &mut [NewPoint<'_>],
    ) -> Result<(), Error> {
        self.write_series(SET, hour, points).await
    }

    async fn write_series(
        &self,
        text: &'static str,
        hour: Timestamp,
        points: &mut [NewPoint<'_>],
    ) -> Result<(), Error> {
        points.sort_unstable(); // servers that write at once touch rows in one order
        let hour = hour_of(hour);
        for part in points.chunks(BATCH) {
            let mut batch = Batch::default();
            for point in part {
                let values = [
                    point.name.into(),
                    hour.into(),
                    point.label.into(),
                    point.part.into(),
                    point.value.into(),
                ];
                batch.run(text, values);
            }
            self.sql.apply(batch).await?;
        }
        Ok(())
    }

    /// The values of a series in hours that began from `since` on and before `until`.
    pub async fn series(
        &self,
        name: &str,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Point>, Error> {
        let values = vec![name.into(), since.into(), until.into()];
        let read = |row: &mut Row| {
            Ok(Point {
                at: Timestamp(row.int(0)?),
                label: row.text(1)?,
                part: row.text(2)?,
                value: row.count(3)?,
            })
        };
        let mut rows = self.sql.scan(READ, values).await?;
        rows.iter_mut().map(read).collect()
    }

    /// The same added up; `at` is that of `since`.
    pub async fn series_sums(
        &self,
        name: &str,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Point>, Error> {
        let values = vec![name.into(), since.into(), until.into()];
        let read = |row: &mut Row| {
            Ok(Point {
                at: since,
                label: row.text(0)?,
                part: row.text(1)?,
                value: row.count(2)?,
            })
        };
        let mut rows = self.sql.scan(SUMS, values).await?;
        rows.iter_mut().map(read).collect()
    }

    /// Forgets the values of a series in hours that began before `before`.
    pub async fn prune_series(&self, name: &str, before: Timestamp) -> Result<(), Error> {
        let mut batch = Batch::default();
        batch.run(PRUNE, [name.into(), before.into()]);
        self.sql.apply(batch).await
    }
}

#[cfg(test)]
mod tests;
