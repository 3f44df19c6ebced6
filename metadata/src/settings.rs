//! Settings that live in the database, and the version that tells every server when rights have
//! changed.

use crate::{Batch, Error, Metadata};

const GET: &str = "select value from settings where key = ?1";
const PUT: &str = "insert into settings (key, value) values (?1, ?2) on conflict (key) do update set value = excluded.value";
const ADD: &str = "insert into settings (key, value) values (?1, ?2) on conflict (key) do nothing";
const RIGHTS: &str = "rights.version";
/// The server's own settings, as JSON.
const SERVER: &str = "server";

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

    /// Sets a value.
    pub async fn put_setting(&self, key: &str, value: &str) -> Result<(), Error> {
        let mut batch = Batch::default();
        batch.run(PUT, [key.into(), value.into()]);
        self.touch_policy(&mut batch);
        self.sql.apply(batch).await
    }

    /// The server's own settings as JSON, if any were ever made.
    pub async fn server_settings(&self) -> Result<Option<Box<str>>, Error> {
        self.setting(SERVER).await
    }

    /// Changes the server's own settings.
    pub async fn put_server_settings(&self, json: &str) -> Result<(), Error> {
        self.put_setting(SERVER, json).await
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
    pub(crate) fn touch_policy(&self, batch: &mut Batch) {
        batch.run(PUT, [RIGHTS.into(), self.new_id().to_string().into()]);
    }
}
