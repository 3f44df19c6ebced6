//! Where a configuration keeps names and bytes: the database and the store of blobs, opened. What fails
//! of them says which one it is, and what helps.

use crate::backup::key_files;
use crate::before_upgrade;
use crate::first_start::{kept_keys, missing_key};
use larder_config::{Config, StorageKind};
use larder_metadata::database::Database;
use larder_metadata::{Error as MetadataError, Metadata};
use larder_model::{Clock, Timestamp};
use larder_storage::open::{Bucket, Provider};
use larder_storage::{BlobStore, Error as StorageError};
use std::error::Error;
use std::time::{Duration, SystemTime};

/// How long a start waits for the store of blobs.
const STORE_TIME: Duration = Duration::from_secs(10);

/// The system's clock. A file named in `LARDER_TEST_CLOCK` moves it by as many seconds as it says,
/// in debug builds only.
pub(crate) fn clock() -> Clock {
    let shift = if cfg!(debug_assertions) {
        std::env::var_os("LARDER_TEST_CLOCK")
    } else {
        None
    };
    Clock::new(move || {
        let since = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let now = Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX));
        let text = shift
            .as_ref()
            .and_then(|file| std::fs::read_to_string(file).ok());
        match text.and_then(|text| text.trim().parse::<u64>().ok()) {
            Some(seconds) => now.after(Duration::from_secs(seconds)),
            None => now,
        }
    })
}

/// The database as it is.
pub(crate) fn database(config: &Config) -> Result<Database, Box<dyn Error>> {
    let database = &config.database;
    let opened = match &database.url {
        Some(url) => Database::postgres(url.expose(), database.connections, clock()),
        None => Database::sqlite(&database.path, database.readers, clock()),
    };
    opened.map_err(|error| told(config, error))
}

/// What went wrong with the database, once: which one, why, and what next.
fn told(config: &Config, error: MetadataError) -> Box<dyn Error> {
    let is_remote = config.database.url.is_some();
    let what = match (&error, is_remote) {
        (MetadataError::Unavailable(_), true) => "cannot be reached",
        (MetadataError::Unavailable(_), false) => "cannot be opened",
        (MetadataError::Database(_) | MetadataError::Shape(_), _) => "cannot be used",
        _ => return error.into(), // it says all of it
    };
    let next = if is_remote {
        "start it, or correct database.url; the server of the database may tell more in its log"
    } else {
        "if it is damaged, put it back with its -wal, or restore a backup into an empty folder \
         (larder restore)"
    };
    let mut why: &dyn Error = &error;
    while let Some(cause) = why.source() {
        why = cause;
    }
    let place = config.database.place();
    format!("the database {place} {what}: {why}; {next}").into()
}

/// The database, migrated if need be; one that is there is copied before.
pub(crate) async fn metadata(config: &Config) -> Result<Metadata, Box<dyn Error>> {
    let database = database(config)?;
    let before = database.version_before().await;
    if let Some(version) = before.map_err(|error| told(config, error))? {
        // The copy has the keys, and nothing is migrated that could not be read then.
        let key = &config.auth.token_key;
        if kept_keys(key)?.is_none() {
            return Err(missing_key(key));
        }
        if config.database.url.is_some() {
            let (blobs, keys) = (blobs(config)?, key_files(config));
            before_upgrade::write(&config.data, &database, &blobs, (&keys, version)).await?;
        } else {
            before_upgrade::copy(&config.database.path, version, clock()).await?;
        }
    }
    let opened = Metadata::of(database).await;
    opened.map_err(|error| told(config, error))
}

/// Fails if the bucket is not there. A store that does not answer may do so soon, and is only told
/// of.
pub(crate) async fn require_bucket(blobs: &BlobStore) -> Result<(), StorageError> {
    match tokio::time::timeout(STORE_TIME, blobs.ping()).await {
        Ok(Err(error @ StorageError::NoBucket(_))) => return Err(error),
        Ok(Err(error)) => tracing::warn!(%error, "the store of blobs fails"),
        Err(_) => tracing::warn!("the store of blobs does not answer"),
        Ok(Ok(())) => {}
    }
    Ok(())
}

pub(crate) fn blobs(config: &Config) -> Result<BlobStore, Box<dyn Error>> {
    let store = open_blobs(config)?.keeping_free(config.storage.keep_free);
    // In debug builds a file can say that the machine was started anew.
    let boot = if cfg!(debug_assertions) {
        std::env::var_os("LARDER_TEST_BOOT_ID")
    } else {
        None
    };
    Ok(match boot {
        Some(file) => store.under_boot(&std::fs::read_to_string(file)?),
        None => store,
    })
}

fn open_blobs(config: &Config) -> Result<BlobStore, StorageError> {
    let storage = &config.storage;
    let provider = match storage.kind {
        StorageKind::Local => return BlobStore::local(&storage.path),
        StorageKind::S3 => Provider::S3,
        StorageKind::Gcs => Provider::Gcs,
        StorageKind::Azure => Provider::Azure,
    };
    let secret = storage.secret_access_key.as_ref();
    let bucket = Bucket {
        provider,
        name: storage.bucket.clone().unwrap_or_default(),
        prefix: storage.prefix.clone(),
        region: storage.region.clone(),
        endpoint: storage.endpoint.as_ref().map(ToString::to_string),
        access_key_id: storage.access_key_id.clone(),
        secret_access_key: secret.map(|secret| secret.expose().to_owned()),
        allow_http: storage.allow_http,
        path_style: storage.path_style,
    };
    BlobStore::bucket(&bucket, &storage.staging)
}
