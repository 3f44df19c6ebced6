//! Numbered migrations, forward only, each all or nothing.

use crate::{Error, Sql};

/// The migrations in order; the position is the schema version, from 1. Never change one that was
/// released.
const MIGRATIONS: [&str; 26] = [
    include_str!("../migrations/0001_house.sql"),
    include_str!("../migrations/0002_mirrors.sql"),
    include_str!("../migrations/0003_versions.sql"),
    include_str!("../migrations/0004_typed_rows.sql"),
    include_str!("../migrations/0005_access.sql"),
    include_str!("../migrations/0006_search.sql"),
    include_str!("../migrations/0007_audit.sql"),
    include_str!("../migrations/0008_token_addresses.sql"),
    include_str!("../migrations/0009_idempotency.sql"),
    include_str!("../migrations/0010_grants.sql"),
    include_str!("../migrations/0011_sessions.sql"),
    include_str!("../migrations/0012_list_filters.sql"),
    include_str!("../migrations/0013_audit_waiting.sql"),
    include_str!("../migrations/0014_jobs.sql"),
    include_str!("../migrations/0015_collection.sql"),
    include_str!("../migrations/0016_backup_holds.sql"),
    include_str!("../migrations/0017_retention.sql"),
    include_str!("../migrations/0018_eviction.sql"),
    include_str!("../migrations/0019_scrub.sql"),
    include_str!("../migrations/0020_stats.sql"),
    include_str!("../migrations/0021_quotas.sql"),
    include_str!("../migrations/0022_denied.sql"),
    include_str!("../migrations/0023_password_changes.sql"),
    include_str!("../migrations/0024_grants_of_refs.sql"),
    include_str!("../migrations/0025_listed_files.sql"),
    include_str!("../migrations/0026_logins_of_tokens.sql"),
];

const VERSION_TABLE: &str =
    "create table if not exists schema_version (version bigint primary key)";

/// Brings the schema to the newest version.
pub(crate) async fn run(sql: &dyn Sql) -> Result<(), Error> {
    to(sql, MIGRATIONS.len()).await
}

/// Brings the schema to a version: to an older one only to have a database that is migrated later.
pub(crate) async fn to(sql: &dyn Sql, newest: usize) -> Result<(), Error> {
    let migrations = MIGRATIONS.get(..newest).unwrap_or(&MIGRATIONS);
    let known = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
    loop {
        let found = version(sql).await?;
        if found > known {
            return Err(Error::TooNew { found, known });
        }
        let done = usize::try_from(found).unwrap_or(usize::MAX);
        let pending = migrations.get(done..).unwrap_or_default();
        // Where there is nothing yet all of them are one commit: none of their states is anyone's.
        let together = if found == 0 { pending.len() } else { 1 };
        let script: String = pending
            .iter()
            .take(together)
            .zip(found + 1..)
            .map(|(text, version)| step(sql, text, version))
            .collect();
        if script.is_empty() {
            return Ok(());
        }
        match sql.script(script).await {
            Ok(()) => {}
            Err(Error::Exists(_)) => continue,
            Err(error) => return Err(error),
        }
        tracing::debug!(before = found, steps = together, "schema migrated");
    }
}

/// A migration as the database is told it. The version's row comes first: of two servers that start
/// together one fails there and looks again.
fn step(sql: &dyn Sql, text: &str, version: i64) -> String {
    let mut text = of_dialect(text, sql.dialect());
    for (token, spelling) in sql.spelling() {
        text = text.replace(token, spelling);
    }
    format!("insert into schema_version values ({version});\n{text}\n")
}

/// The text without what is for another database: lines between `--{name` and `--}`.
fn of_dialect(text: &str, dialect: &str) -> String {
    let mut other = false;
    let mut kept = String::with_capacity(text.len());
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("--{") {
            other = name != dialect;
        } else if line == "--}" {
            other = false;
        } else if !other {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// The version of the newest schema.
pub(crate) fn newest() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// The version of the schema as it is; 0: there is none yet.
pub(crate) async fn version(sql: &dyn Sql) -> Result<i64, Error> {
    sql.script(VERSION_TABLE.to_owned()).await?;
    let mut rows = sql
        .rows("select coalesce(max(version), 0) from schema_version", &[])
        .await?;
    rows.first_mut().map_or(Ok(0), |row| row.int(0))
}
