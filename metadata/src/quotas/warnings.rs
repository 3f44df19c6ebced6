//! That four fifths of a quota are used is told once, until less is. The commit that comes so far marks
//! it, whichever server made it; one server tells it.

use super::limits;
use crate::audit::Object;
use crate::{Batch, Error, Metadata, Requirement};
use larder_model::{Action, QuotaLimits, System};
use serde_json::json;

pub(super) const DUE: &str = "select q.id, coalesce(r.protocol || '/' || r.name, q.repositories), \
    q.max_bytes, q.max_versions, q.bytes, q.versions, case when q.repo is null then 1 else 0 end \
    from quotas q left join repos r on r.id = q.repo where q.warning = 1 order by q.id limit ?1";
const TOLD: &str = "update quotas set warning = 2 where id = ?1 and warning = 1";
/// Told in one go.
const MAX: u64 = 100;

/// Four fifths of a quota are used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QuotaWarning {
    /// The repository as `oci/team`, or the pattern of those that share the quota.
    pub of: Box<str>,
    /// Whether repositories share it.
    pub is_shared: bool,
    /// The limits.
    pub limits: QuotaLimits,
    /// Bytes used.
    pub bytes: u64,
    /// Versions used.
    pub versions: u64,
}

impl Metadata {
    /// Tells the audit trail of quotas of which four fifths are used since the last time. Those that
    /// this server told of.
    pub async fn tell_quota_warnings(&self) -> Result<Vec<QuotaWarning>, Error> {
        let mut told = Vec::new();
        for mut row in self.sql.rows(DUE, &[MAX.into()]).await? {
            let (id, warning) = (
                row.int(0)?,
                QuotaWarning {
                    of: row.text(1)?,
                    limits: limits(&mut row, 2)?,
                    bytes: row.count(4)?,
                    versions: row.count(5)?,
                    is_shared: row.int(6)? != 0,
                },
            );
            let mut batch = Batch::default();
            batch.require(Requirement::Quota, TOLD, [id.into()]);
            let details = json!({
                "limits": {"bytes": warning.limits.bytes, "versions": warning.limits.versions},
                "bytes": warning.bytes,
                "versions": warning.versions,
            });
            let object = Object::Named(&warning.of);
            self.note(
                &mut batch,
                &System::Housekeeping,
                Action::QuotaWarn,
                object,
                &details,
            );
            match self.sql.apply(batch).await {
                Ok(()) => told.push(warning),
                Err(Error::Unmet(Requirement::Quota)) => {} // another server did, or less is used
                Err(error) => return Err(error),
            }
        }
        Ok(told)
    }
}
