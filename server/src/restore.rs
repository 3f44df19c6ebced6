//! `larder restore`: puts a backup where no server has been, while none runs.

use crate::backup::key_files;
use crate::ended::Ended;
use crate::first_start::{self, UNFINISHED};
use crate::stores::{blobs, database};
use larder_backup::{Checked, Restored, Target, check, restore};
use larder_cli::{Exit, Told};
use larder_config::Config;
use larder_model::Digest;
use serde_json::{Value, json};
use std::error::Error;
use std::fs::File;
use std::io::{BufReader, ErrorKind};
use std::path::{Path, PathBuf};

/// Bytes of a backup that are read at once.
const READ_BYTES: usize = 1 << 20;

/// What is to be restored, and how.
pub(crate) struct Restore {
    /// The backup.
    pub(crate) file: PathBuf,
    /// The digest that the backup must have.
    pub(crate) digest: Option<Digest>,
    /// Whether blobs to which it refers may be missing.
    pub(crate) allow_missing: bool,
}

/// Reads all of a backup and tells what is inside; nothing is written.
pub(crate) fn check_only(asked: &Restore) -> Result<Told, Box<dyn Error>> {
    let file = open(&asked.file)?;
    let checked = check(BufReader::with_capacity(READ_BYTES, file))?;
    require_digest(asked, checked.digest)?;
    let sentence = format!("{} is whole: {}", asked.file.display(), told(&checked));
    Ok(Told::done(to_json(&checked, 0), sentence))
}

/// Restores a backup into the places that a configuration names, which must be empty; what is told of
/// it.
pub(crate) async fn restore_into(config: &Config, asked: &Restore) -> Result<Told, Box<dyn Error>> {
    let mut file = open(&asked.file)?;
    let _lock = first_start::lock(&config.data)?;
    if let Some(digest) = asked.digest {
        let checked = check(BufReader::with_capacity(READ_BYTES, &mut file))?;
        require_digest(asked, checked.digest)?;
        std::io::Seek::rewind(&mut file)?;
        tracing::debug!(%digest, "the backup is the one that is meant");
    }
    let target = Target {
        database: database(config)?,
        blobs: blobs(config)?,
        keys: key_files(config),
        allow_missing: asked.allow_missing,
        unfinished: config.data.join(UNFINISHED),
    };
    let Restored { checked, missing } = restore(&mut file, target).await?;
    let mut text = format!(
        "restored into {}: {}",
        config.data.display(),
        told(&checked)
    );
    if !missing.is_empty() {
        text += &format!(
            "; {} blobs are missing in the store: what needs them cannot be pulled until they are \
             pushed or fetched again",
            missing.len()
        );
    }
    Ok(Told::done(to_json(&checked, missing.len()), text))
}

fn open(path: &Path) -> Result<File, Box<dyn Error>> {
    let shown = path.display();
    File::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => {
            Ended::new(Exit::NotFound, format!("there is no file {shown}")).into()
        }
        _ => format!("{shown}: {error}").into(),
    })
}

fn require_digest(asked: &Restore, found: Digest) -> Result<(), Ended> {
    match asked.digest {
        Some(wanted) if wanted != found => Err(Ended::new(
            Exit::Integrity,
            format!(
                "{} has the digest {found}: it is not the backup that is meant",
                asked.file.display()
            ),
        )),
        _ => Ok(()),
    }
}

fn rows(checked: &Checked) -> u64 {
    let tables = checked.manifest.tables.iter();
    tables.map(|table| table.rows).sum()
}

/// What is told to programs.
fn to_json(checked: &Checked, missing: usize) -> Value {
    let manifest = &checked.manifest;
    json!({
        "digest": checked.digest.to_string(),
        "created_at": manifest.created_at,
        "rows": rows(checked),
        "blobs_included": manifest.blobs_included,
        "blobs": manifest.objects.count,
        "bytes": manifest.objects.bytes,
        "missing_blobs": missing,
    })
}

fn told(checked: &Checked) -> String {
    let manifest = &checked.manifest;
    let rows = rows(checked);
    let objects = manifest.objects;
    let inside = if manifest.blobs_included {
        "with"
    } else {
        "referring to"
    };
    format!(
        "the state of {}, {rows} rows, {inside} {} blobs of {} bytes, {}",
        manifest.created_at, objects.count, objects.bytes, checked.digest
    )
}
