//! What the database knows of backups: what the audit trail tells of them, and holds. While a hold is
//! fresh no object of the store is removed, for a backup reads those that its state of the database
//! names.

use crate::audit::Object;
use crate::{Batch, Error, Metadata, Requirement};
use larder_model::{Action, Author};
use serde_json::Value as Json;
use std::time::Duration;

/// How long a hold lasts that is not renewed: longer than a server needs to be noticed as dead, and
/// than the clocks of servers differ.
pub const HOLD: Duration = Duration::from_mins(10);

const ADD: &str = "insert into backup_holds (id, held_by, created_at, held_until) \
    values (?1, ?2, ?3, ?4)";
const RENEW: &str = "update backup_holds set held_until = ?2 where id = ?1";
const END: &str = "delete from backup_holds where id = ?1";
const DROP_EXPIRED: &str = "delete from backup_holds where held_until <= ?1";
const HELD: &str = "select 1 from backup_holds where held_until > ?1 limit 1";

impl Metadata {
    /// Keeps all objects of the store for [`HOLD`], because `by` makes a backup; the hold's id. To be
    /// called before the snapshot is taken.
    pub async fn hold_objects(&self, by: &dyn Author, details: &Json) -> Result<i64, Error> {
        let mut batch = Batch::default();
        let (id, now) = (self.new_id(), self.now());
        batch.run(DROP_EXPIRED, [now.into()]);
        let until = now.after(HOLD).into();
        batch.run(ADD, [id.into(), by.label().into(), now.into(), until]);
        let object = Object::Named("server");
        self.note(&mut batch, by, Action::BackupCreate, object, details);
        self.sql.apply(batch).await?;
        Ok(id)
    }

    /// Keeps the objects for [`HOLD`] from now on. [`Error::Unmet`]: the [`Requirement::Hold`] is
    /// gone, and perhaps objects are.
    pub async fn renew_hold(&self, id: i64) -> Result<(), Error> {
        let mut batch = Batch::default();
        let until = self.now().after(HOLD).into();
        batch.require(Requirement::Hold, RENEW, [id.into(), until]);
        self.sql.apply(batch).await
    }

    /// Lets the objects go.
    pub async fn end_hold(&self, id: i64) -> Result<(), Error> {
        let mut batch = Batch::default();
        batch.run(END, [id.into()]);
        self.sql.apply(batch).await
    }

    /// Tells in the audit trail what `by` did with a backup that there is.
    pub async fn note_backup(
        &self,
        by: &dyn Author,
        action: Action,
        details: &Json,
    ) -> Result<(), Error> {
        let mut batch = Batch::default();
        self.note(&mut batch, by, action, Object::Named("server"), details);
        self.sql.apply(batch).await
    }

    /// Whether objects must not be removed now. Whoever removes some asks after it has read which:
    /// what a snapshot names that is taken later is none of them, for their rows are gone by then.
    pub async fn are_objects_held(&self) -> Result<bool, Error> {
        let rows = self.sql.rows(HELD, &[self.now().into()]).await?;
        Ok(!rows.is_empty())
    }
}
