//! Puts a backup where nothing is yet.

use crate::check::{Checked, check, tables};
use crate::key_file::KeyFile;
use crate::rows;
use bytes::Bytes;
use larder_archive::{PartName, Reader, Rows};
use larder_content::ObjectWriter;
use larder_metadata::Metadata;
use larder_metadata::database::Database;
use larder_metadata::restore::Filling;
use larder_metadata::scrub::Damage;
use larder_model::{Action, Digest, System};
use larder_storage::{BlobStore, ObjectKey, durable};
use serde_json::json;
use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::{BufReader, Read, Seek as _};
use std::path::PathBuf;

/// Bytes read at once.
const PIECE_BYTES: usize = 1 << 20;
/// Rows written in one go, and their bytes.
const ROWS: usize = 500;
const ROW_BYTES: usize = 4 << 20;
/// How many missing blobs are named.
const NAMED: usize = 5;

/// Where a backup is put.
pub struct Target {
    /// The database: empty.
    pub database: Database,
    /// The store.
    pub blobs: BlobStore,
    /// Where keys go.
    pub keys: Vec<KeyFile>,
    /// Whether blobs to which the backup refers may be missing in the store.
    pub allow_missing: bool,
    /// A file that is there from the first write until all is done: no server may start meanwhile.
    pub unfinished: PathBuf,
}

/// What was restored.
#[derive(Debug)]
pub struct Restored {
    /// The backup.
    pub checked: Checked,
    /// Blobs to which it refers, and which the store does not have.
    pub missing: Vec<Digest>,
}

/// There is something already where the backup is to go: what, and what next.
#[derive(Debug)]
pub struct Occupied(String);

impl fmt::Display for Occupied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Occupied {}

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Restores the backup in a file. All of it is checked before anything is written; rows come in one
/// transaction, when all bytes are durable. Reads of the file block: no server runs meanwhile.
pub async fn restore(file: &mut File, target: Target) -> Outcome<Restored> {
    let checked = check(BufReader::with_capacity(PIECE_BYTES, &mut *file))?;
    let manifest = &checked.manifest;
    if !target.database.is_empty_for(manifest.schema).await? {
        let why = "the database is not empty: a backup is restored into an empty one";
        return Err(Occupied(why.to_owned()).into());
    }
    check_keys(&target, &manifest.keys)?;
    let missing = if manifest.blobs_included {
        Vec::new()
    } else {
        missing(&checked, &target.blobs).await?
    };
    if !missing.is_empty() && !target.allow_missing {
        return Err(told_missing(&missing).into());
    }
    durable::write(&target.unfinished, b"", durable::SECRET)?;
    let filling = target
        .database
        .fill(manifest.schema, tables(manifest))
        .await?;
    file.rewind()?;
    let filling = write(file, filling, &target, &checked).await?;
    filling.commit().await?;
    // All is there: a server may start, whatever becomes of what is noted now.
    std::fs::remove_file(&target.unfinished)?;
    durable::sync_name(&target.unfinished)?;
    let metadata = Metadata::of(target.database).await?;
    // So that who pushes them again is asked for their bytes.
    for digest in &missing {
        let generation = checked
            .objects
            .get(digest)
            .map(|(_, generation)| *generation);
        let lost =
            metadata.quarantine_object(digest, generation.unwrap_or_default(), Damage::Missing);
        lost.await?;
    }
    let details = json!({"digest": checked.digest.to_string(), "created_at": manifest.created_at,
        "blobs": if manifest.blobs_included { "include" } else { "reference" }});
    metadata
        .note_backup(&System::Console, Action::BackupRestore, &details)
        .await?;
    metadata.seal(true).await?;
    Ok(Restored { checked, missing })
}

/// Fails if a key would be written over, or the one is missing with which secrets are sealed. A try
/// that was cut off has left keys, which must be the same.
fn check_keys(target: &Target, told: &[String]) -> Outcome<()> {
    let is_again = target.unfinished.exists();
    for key in &target.keys {
        let (is_told, path) = (told.iter().any(|name| name == key.name), key.path.display());
        if is_told && key.path.exists() && !is_again {
            let text = format!(
                "{path} is there already, and the backup brings its own: move it away, or name \
                 another data folder"
            );
            return Err(Occupied(text).into());
        }
        if !is_told && key.is_needed && !key.path.exists() {
            let text = format!(
                "the backup was made without keys: put the server's {} to {path} first, for its \
                 tokens and the passwords of its upstreams are sealed with it",
                key.name
            );
            return Err(text.into());
        }
    }
    Ok(())
}

/// The objects that a backup refers to, and the store does not have in their size.
async fn missing(checked: &Checked, blobs: &BlobStore) -> Outcome<Vec<Digest>> {
    let mut wanted = checked.objects.clone();
    let seen = |key: ObjectKey, size: u64| {
        if wanted.get(&key.digest) == Some(&(size, key.generation)) {
            wanted.remove(&key.digest);
        }
    };
    blobs.list(seen).await?;
    let mut missing: Vec<_> = wanted.into_keys().collect();
    missing.sort_unstable();
    Ok(missing)
}

fn told_missing(missing: &[Digest]) -> String {
    let named: Vec<_> = missing.iter().take(NAMED).map(Digest::to_string).collect();
    format!(
        "the store does not have {} of the blobs that the backup refers to, among them {}; restore \
         a backup with blobs, or say --allow-missing to do without them",
        missing.len(),
        named.join(", ")
    )
}

/// Writes keys and objects, and the rows into the transaction.
async fn write(
    file: &mut File,
    mut filling: Filling,
    target: &Target,
    checked: &Checked,
) -> Outcome<Filling> {
    let changed = || "the file was changed while it was read";
    let (manifest, mut reader) = Reader::begin(BufReader::with_capacity(PIECE_BYTES, file))?;
    if manifest != checked.manifest {
        return Err(changed().into());
    }
    // Objects that come in are new ones, whatever the store has.
    let generation = manifest.blobs_included.then(|| target.database.new_id());
    while let Some(part) = reader.next_part()? {
        match part.name {
            PartName::Key(name) => {
                let bytes = reader.all()?;
                if let Some(key) = target.keys.iter().find(|key| key.name == name) {
                    key.write(&bytes)?;
                }
            }
            PartName::Rows { table, .. } => {
                let tables = filling.tables().iter();
                let at = tables.enumerate().find(|(_, known)| *known.name == table);
                let at = at.map(|(at, _)| at).ok_or_else(changed)?;
                write_rows(&mut reader, &mut filling, at, generation).await?;
            }
            PartName::Blob(digest) => {
                let generation = generation.ok_or_else(changed)?;
                let key = ObjectKey { digest, generation };
                write_object(&mut reader, ObjectWriter::begin(&target.blobs, key).await?).await?;
            }
            PartName::Manifest | PartName::Sums => {}
        }
    }
    if reader.digest() != Some(checked.digest) {
        return Err(changed().into());
    }
    Ok(filling)
}

/// Writes the bytes of a blob.
async fn write_object<R: Read>(reader: &mut Reader<R>, mut writer: ObjectWriter) -> Outcome<()> {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match reader.read(&mut piece)? {
            0 => break,
            count => {
                let bytes = Bytes::copy_from_slice(&piece[..count]);
                writer.append(bytes).await?;
            }
        }
    }
    Ok(writer.finish().await?)
}

/// Writes the rows of a part; of blobs, with the generation that their objects have here.
async fn write_rows<R: Read>(
    reader: &mut Reader<R>,
    filling: &mut Filling,
    at: usize,
    generation: Option<i64>,
) -> Outcome<()> {
    let mut lines = Rows::new(reader)?;
    let (mut line, mut rows, mut bytes) = (Vec::new(), Vec::new(), 0);
    loop {
        let more = lines.next_line(&mut line)?;
        if more {
            let table = &filling.tables()[at];
            let mut row = rows::read(&line, table)?;
            let is_object = table.blob(&row)?.is_some_and(|blob| blob.body.is_none());
            if let Some(generation) = generation.filter(|_| is_object) {
                table.set_generation(&mut row, generation);
            }
            bytes += line.len();
            rows.push(row);
        }
        if rows.len() >= ROWS || bytes >= ROW_BYTES || !more {
            filling.rows(at, std::mem::take(&mut rows)).await?;
            bytes = 0;
        }
        if !more {
            return Ok(());
        }
    }
}
