//! Settings that live in the database, and the version that tells every server when rights have
//! changed.

use crate::audit::Object;
use crate::{Batch, Error, Metadata, Requirement};
use larder_model::{Action, Author};
use serde_json::{Value as Json, json};

const GET: &str = "select value from settings where key = ?1";
const PUT: &str = "insert into settings (key, value) values (?1, ?2) \
    on conflict (key) do update set value = excluded.value";
const MOVE: &str = "update settings set value = ?2 where key = ?1 and value = ?3";
const ADD: &str = "insert into settings (key, value) values (?1, ?2) on conflict (key) do nothing";
const DROP: &str = "delete from settings where key = ?1";
const PUT_DEFAULT_MIRROR: &str = "insert into settings (key, value) \
    select 'oci.default_mirror', cast(id as text) from repos where id = ?1 \
    on conflict (key) do update set value = excluded.value";
const RIGHTS: &str = "rights.version";
const OFFLINE: &str = "offline";
/// The id of the repo that is asked where an image's name names none.
const DEFAULT_MIRROR: &str = "oci.default_mirror";

/// Settings of the whole server.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct StoredSettings {
    /// Nothing is fetched from any upstream.
    pub offline: bool,
    /// The id of the repo that is asked where an image's name names none. The repo may be deleted.
    pub default_mirror: Option<i64>,
}

impl Metadata {
    /// A setting's value.
    pub async fn setting(&self, key: &str) -> Result<Option<Box<str>>, Error> {
        self.sql
            .rows(GET, &[key.into()])
            .await?
            .first_mut()
            .map(|row| row.text(0))
            .transpose()
    }

    /// Sets a value, which may be a secret: the audit trail does not tell it.
    pub async fn put_setting(&self, key: &str, value: &str, by: &dyn Author) -> Result<(), Error> {
        let mut batch = Batch::default();
        batch.run(PUT, [key.into(), value.into()]);
        self.note_settings(&mut batch, by, &json!({"key": key}));
        self.touch_policy(&mut batch, by);
        self.sql.apply(batch).await
    }

    /// The server's own settings.
    pub async fn server_settings(&self) -> Result<StoredSettings, Error> {
        let unreadable = |_| Error::Shape("the setting oci.default_mirror is no id".to_owned());
        let mirror = self.setting(DEFAULT_MIRROR).await?;
        Ok(StoredSettings {
            offline: self.setting(OFFLINE).await?.as_deref() == Some("true"),
            default_mirror: mirror
                .map(|id| id.parse())
                .transpose()
                .map_err(unreadable)?,
        })
    }

    /// Changes the server's own settings. [`Error::Unmet`] if the mirror is no
    /// [`Requirement::Repo`].
    pub async fn put_server_settings(
        &self,
        settings: StoredSettings,
        by: &dyn Author,
    ) -> Result<(), Error> {
        let mut batch = Batch::default();
        let offline = if settings.offline { "true" } else { "false" };
        batch.run(PUT, [OFFLINE.into(), offline.into()]);
        match settings.default_mirror {
            Some(id) => batch.require(Requirement::Repo, PUT_DEFAULT_MIRROR, [id.into()]),
            None => batch.run(DROP, [DEFAULT_MIRROR.into()]),
        }
        let mirror = settings.default_mirror.map(|id| id.to_string());
        let details = json!({"offline": settings.offline, "oci.default_mirror": mirror});
        self.note_settings(&mut batch, by, &details);
        self.touch_policy(&mut batch, by);
        self.sql.apply(batch).await
    }

    fn note_settings(&self, batch: &mut Batch, by: &dyn Author, details: &Json) {
        let object = Object::Named("settings");
        self.note(batch, by, Action::SettingsChange, object, details);
    }

    /// A setting's value, which is `value` from now on if it had none: of several servers that
    /// start, one decides.
    pub async fn setting_or(&self, key: &str, value: &str) -> Result<Box<str>, Error> {
        let mut batch = Batch::default();
        batch.run(ADD, [key.into(), value.into()]);
        self.sql.apply(batch).await?;
        Ok(self.setting(key).await?.unwrap_or_else(|| value.into()))
    }

    /// Changes whenever users, groups, grants, tokens, repos or settings do.
    pub async fn policy_version(&self) -> Result<Box<str>, Error> {
        Ok(self.setting(RIGHTS).await?.unwrap_or_default())
    }

    /// Makes every server reload what it remembers of rights. Part of each batch that changes them.
    /// Where `by` expects a version, the batch requires it ([`Requirement::Policy`]).
    pub(crate) fn touch_policy(&self, batch: &mut Batch, by: &dyn Author) {
        let (key, next) = (RIGHTS.into(), self.new_id().to_string().into());
        match by.expected_policy() {
            Some(version) => batch.require(Requirement::Policy, MOVE, [key, next, version.into()]),
            None => batch.run(PUT, [key, next]),
        }
    }
}
