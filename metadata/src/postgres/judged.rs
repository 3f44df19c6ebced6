//! What a trigger tells of a commit that does not fit into a quota.

use larder_model::{QuotaUnit, Shortage};

/// Reads `bytes LIMIT BEFORE AFTER own oci/team`; `None`: it is something else.
pub(super) fn read(told: &str) -> Option<Shortage> {
    let mut words = told.splitn(6, ' ');
    let unit = match words.next()? {
        "bytes" => QuotaUnit::Bytes,
        "versions" => QuotaUnit::Versions,
        _ => return None,
    };
    let mut count = || words.next()?.parse::<u64>().ok();
    let (limit, used, after) = (count()?, count()?, count()?);
    Some(Shortage {
        unit,
        limit,
        used,
        held: 0,
        wanted: after.checked_sub(used)?,
        is_shared: words.next()? == "shared",
        of: words.next()?.into(),
    })
}

#[cfg(test)]
mod tests;
