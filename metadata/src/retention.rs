//! What repositories let go by rules: their policies, what previews told, and the images that are
//! decided on.

mod images;

pub use images::{ImageEdge, ImageFile, ImageRows, RuledOut};

use crate::audit::Object;
use crate::{Batch, Error, Metadata, Requirement};
use bytes::Bytes;
use larder_model::{Action, Author, RetentionPolicy, Timestamp};
use serde_json::json;
use std::time::Duration;

/// How long a preview can be run.
pub const PREVIEW: Duration = Duration::from_hours(24);

const POLICY: &str = "select policy from retention where repo = ?1";
const POLICIES: &str = "select repo, policy from retention order by repo";
const PUT: &str = "insert into retention (repo, policy, trash_for, changed_at, changed_by) \
    select id, ?2, ?3, ?4, ?5 from repos where id = ?1 on conflict (repo) do update set \
    policy = excluded.policy, trash_for = excluded.trash_for, changed_at = excluded.changed_at, \
    changed_by = excluded.changed_by";
const DROP: &str = "delete from retention where repo = ?1";
const ADD_PREVIEW: &str = "insert into retention_previews (id, repo, policy, created_at, deletions) \
    values (?1, ?2, ?3, ?4, ?5)";
const PREVIEW_ROW: &str = "select policy, deletions from retention_previews \
    where id = ?1 and repo = ?2 and created_at > ?3";
const PRUNE: &str = "delete from retention_previews where created_at <= ?1";

/// What was previewed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredPreview {
    /// By which policy.
    pub policy: RetentionPolicy,
    /// What would go: eight bytes for each version.
    pub deletions: Bytes,
}

fn read_policy(text: &str) -> Result<RetentionPolicy, Error> {
    let bad = |error| {
        Error::Shape(format!(
            "the retention of a repository cannot be read: {error}"
        ))
    };
    serde_json::from_str(text).map_err(bad)
}

fn text_of(policy: &RetentionPolicy) -> Result<String, Error> {
    let bad = |error| Error::Shape(format!("a retention cannot be written: {error}"));
    serde_json::to_string(policy).map_err(bad)
}

impl Metadata {
    /// The policy of a repository; `None`: nobody set one.
    pub async fn retention(&self, repo: i64) -> Result<Option<RetentionPolicy>, Error> {
        let mut rows = self.sql.rows(POLICY, &[repo.into()]).await?;
        let text = rows.first_mut().map(|row| row.text(0)).transpose()?;
        text.map(|text| read_policy(&text)).transpose()
    }

    /// All policies, with the ids of their repositories.
    pub async fn retentions(&self) -> Result<Vec<(i64, RetentionPolicy)>, Error> {
        let mut rows = self.sql.scan(POLICIES, Vec::new()).await?;
        rows.iter_mut()
            .map(|row| Ok((row.int(0)?, read_policy(&row.text(1)?)?)))
            .collect()
    }

    /// Sets the policy of a repository. [`Error::Unmet`]: the [`Requirement::Repo`] is gone, or the
    /// [`Requirement::Policy`] is another than `by` has seen.
    pub async fn set_retention(
        &self,
        repo: i64,
        policy: &RetentionPolicy,
        by: &dyn Author,
    ) -> Result<(), Error> {
        let mut batch = Batch::default();
        let trash = i64::try_from(policy.trash.0.as_micros()).unwrap_or(i64::MAX);
        let values = [
            repo.into(),
            text_of(policy)?.into(),
            trash.into(),
            self.now().into(),
            by.label().into(),
        ];
        batch.require(Requirement::Repo, PUT, values);
        let details = json!({"policy": policy});
        let object = Object::Repo(repo);
        self.note(&mut batch, by, Action::RetentionChange, object, &details);
        self.touch_policy(&mut batch, by); // a change may rest on what one has seen of it
        self.sql.apply(batch).await
    }

    /// Takes the policy of a repository away; does nothing where there is none.
    pub async fn drop_retention(&self, repo: i64, by: &dyn Author) -> Result<(), Error> {
        let mut batch = Batch::default();
        batch.run(DROP, [repo.into()]);
        let details = json!({"policy": null});
        let object = Object::Repo(repo);
        self.note(&mut batch, by, Action::RetentionChange, object, &details);
        self.touch_policy(&mut batch, by);
        self.sql.apply(batch).await
    }

    /// Keeps what was previewed for [`PREVIEW`]; its id.
    pub async fn add_preview(&self, repo: i64, preview: &StoredPreview) -> Result<String, Error> {
        let (id, now) = (format!("p-{:x}", self.new_id()), self.now());
        let mut batch = Batch::default();
        batch.run(PRUNE, [now.before(PREVIEW).into()]);
        let values = [
            id.as_str().into(),
            repo.into(),
            text_of(&preview.policy)?.into(),
            now.into(),
            preview.deletions.clone().into(),
        ];
        batch.run(ADD_PREVIEW, values);
        self.sql.apply(batch).await?;
        Ok(id)
    }

    /// A preview of a repository; `None`: there is none of this id, or it is too old.
    pub async fn preview(&self, repo: i64, id: &str) -> Result<Option<StoredPreview>, Error> {
        let since: Timestamp = self.now().before(PREVIEW);
        let values = [id.into(), repo.into(), since.into()];
        let mut rows = self.sql.rows(PREVIEW_ROW, &values).await?;
        let Some(row) = rows.first_mut() else {
            return Ok(None);
        };
        Ok(Some(StoredPreview {
            policy: read_policy(&row.text(0)?)?,
            deletions: row.optional_bytes(1)?.unwrap_or_default(),
        }))
    }
}
