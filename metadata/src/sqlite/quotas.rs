//! What a batch has counted is held against the quotas before the next begins.

use crate::Error;
use larder_model::{QuotaUnit, Shortage};
use rusqlite::{Connection, Row};

const OPEN: &str = "select q.open, r.protocol || '/' || r.name, q.repositories, q.max_bytes, \
    q.bytes_before, q.bytes, q.max_versions, q.versions_before, q.versions from quotas q \
    left join repos r on r.id = q.repo where q.open <> 0 order by q.id";
const CLOSE: &str = "update quotas set open = 0, warning = case \
    when (bytes > 0 and bytes * 5 >= max_bytes * 4) \
    or (versions > 0 and versions * 5 >= max_versions * 4) \
    then case warning when 0 then 1 else warning end else 0 end where open <> 0";

/// Fails if a count has grown over a limit since the batch began.
pub(super) fn judge(connection: &Connection) -> Result<(), Error> {
    let mut open = connection.prepare_cached(OPEN)?;
    let mut rows = open.query([])?;
    let mut any = false;
    while let Some(row) = rows.next()? {
        any = true;
        // 2: the quota itself is being set, perhaps below what there is.
        if row.get::<_, i64>(0)? == 1 {
            for (unit, at) in [(QuotaUnit::Bytes, 3), (QuotaUnit::Versions, 6)] {
                require_room(row, unit, at)?;
            }
        }
    }
    if any {
        connection.prepare_cached(CLOSE)?.execute([])?;
    }
    Ok(())
}

/// Of a unit the limit, the count before and the count now stand from `at` on.
fn require_room(row: &Row<'_>, unit: QuotaUnit, at: usize) -> Result<(), Error> {
    let limit: Option<i64> = row.get(at)?;
    let (before, now): (i64, i64) = (row.get(at + 1)?, row.get(at + 2)?);
    let Some(limit) = limit.filter(|limit| now > *limit && now > before) else {
        return Ok(());
    };
    let own: Option<Box<str>> = row.get(1)?;
    let shortage = Shortage {
        is_shared: own.is_none(),
        of: own.map_or_else(|| row.get(2), Ok)?,
        unit,
        limit: limit.unsigned_abs(),
        used: before.unsigned_abs(),
        held: 0,
        wanted: (now - before).unsigned_abs(),
    };
    Err(Error::Quota(shortage.into()))
}

#[cfg(test)]
mod tests;
