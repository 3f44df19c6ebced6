//! What a migration cannot say in SQL: settings in JSON that became rows. Done after the migrations,
//! one row and one commit at a time, so that a start that is cut off goes on with the next one.

use crate::{Batch, Error, Requirement, Row, Sql, Value};
use serde_json::Value as Json;

const GROUPS: &str =
    "select id, protocol, settings from repos where settings like '%\"members\":%'";
const TAKE_MEMBERS: &str = "update repos set settings = ?2 where id = ?1 and settings = ?3";
const ADD_MEMBER: &str = "insert into repo_members (group_id, position, member_id, member_name) \
    values (?1, ?2, (select id from repos where protocol = ?3 and name = ?4), ?4)";
const SERVER: &str = "select value from settings where key = 'server'";
const DROP_SERVER: &str = "delete from settings where key = 'server' and value = ?1";
const PUT_OFFLINE: &str = "insert into settings (key, value) values ('offline', ?1) \
    on conflict (key) do update set value = excluded.value";
const PUT_DEFAULT_MIRROR: &str = "insert into settings (key, value) \
    select 'oci.default_mirror', cast(id as text) from repos where protocol = 'oci' and name = ?1 \
    on conflict (key) do update set value = excluded.value";

/// Brings settings that an older version wrote into the rows of today.
pub(crate) async fn run(sql: &dyn Sql) -> Result<(), Error> {
    members(sql).await?;
    server_settings(sql).await
}

/// Members of groups were names in the group's settings.
async fn members(sql: &dyn Sql) -> Result<(), Error> {
    for row in &mut sql.scan(GROUPS, Vec::new()).await? {
        let group = (row.int(0)?, row.text(1)?, row.text(2)?);
        match sql.apply(take_members(&group)?).await {
            Ok(()) | Err(Error::Unmet(Requirement::Repo)) => {} // another server was first
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn take_members((id, protocol, settings): &(i64, Box<str>, Box<str>)) -> Result<Batch, Error> {
    let unreadable = |error: serde_json::Error| {
        Error::Shape(format!(
            "the settings of the repository {id} cannot be read: {error}"
        ))
    };
    let mut json: Json = serde_json::from_str(settings).map_err(unreadable)?;
    let names = json
        .as_object_mut()
        .and_then(|object| object.remove("members"));
    let mut batch = Batch::default();
    let values = [
        (*id).into(),
        json.to_string().into(),
        settings.as_ref().into(),
    ];
    batch.require(Requirement::Repo, TAKE_MEMBERS, values);
    let names = names
        .as_ref()
        .and_then(Json::as_array)
        .into_iter()
        .flatten();
    for (position, name) in (0_i64..).zip(names.filter_map(Json::as_str)) {
        let protocol = Value::from(protocol.as_ref());
        batch.run(
            ADD_MEMBER,
            [(*id).into(), position.into(), protocol, name.into()],
        );
    }
    Ok(batch)
}

/// Settings of the server were one object, which named the default mirror.
async fn server_settings(sql: &dyn Sql) -> Result<(), Error> {
    let mut rows = sql.rows(SERVER, &[]).await?;
    let Some(text) = rows
        .first_mut()
        .map(|row: &mut Row| row.text(0))
        .transpose()?
    else {
        return Ok(());
    };
    let unreadable = |error| Error::Shape(format!("the server's settings cannot be read: {error}"));
    let json: Json = serde_json::from_str(&text).map_err(unreadable)?;
    let mut batch = Batch::default();
    batch.require(Requirement::Repo, DROP_SERVER, [(*text).into()]);
    let offline = json["offline"].as_bool().unwrap_or(false);
    batch.run(PUT_OFFLINE, [offline.to_string().into()]);
    if let Some(mirror) = json["oci"]["default_mirror"].as_str() {
        batch.run(PUT_DEFAULT_MIRROR, [mirror.into()]);
    }
    match sql.apply(batch).await {
        Err(Error::Unmet(Requirement::Repo)) => Ok(()), // another server was first
        outcome => outcome,
    }
}
