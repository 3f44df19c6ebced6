//! How far a scrub has come.

use crate::jobs::HeldJob;
use crate::{Batch, Error, Metadata};
use serde_json::Value as Json;

const READ: &str = "select state from scrub_runs where job = ?1";
const WRITE: &str = "insert into scrub_runs (job, state) values (?1, ?2) \
    on conflict (job) do update set state = excluded.state";
const FORGET_OTHERS: &str = "delete from scrub_runs where job <> ?1";

impl Metadata {
    /// How far a job has come, as it was noted; `None`: it begins.
    pub async fn scrub_state(&self, held: &HeldJob) -> Result<Option<Json>, Error> {
        let mut rows = self.sql.rows(READ, &[held.job.id.into()]).await?;
        let Some(row) = rows.first_mut() else {
            return Ok(None);
        };
        let bad = |_| Error::Shape("a scrub's state is no JSON".to_owned());
        serde_json::from_str(&row.text(0)?).map(Some).map_err(bad)
    }

    /// Notes how far a job has come; what was noted of others goes, for one of a kind runs.
    /// [`Error::Unmet`]: it is another server's ([`Requirement::Job`](crate::Requirement)).
    pub async fn keep_scrub_state(&self, held: &HeldJob, state: &Json) -> Result<(), Error> {
        let mut batch = Batch::default();
        held.require(&mut batch);
        batch.run(FORGET_OTHERS, [held.job.id.into()]);
        batch.run(WRITE, [held.job.id.into(), state.to_string().into()]);
        self.sql.apply(batch).await
    }
}
