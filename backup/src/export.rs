//! Makes a backup while the server serves.

use crate::hold::Hold;
use crate::key_file::KeyFile;
use crate::reading::{Reading, damaged};
use crate::rows;
use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::try_unfold;
use larder_archive as archive;
use larder_archive::{FORMAT, Manifest, Objects, PartName, RowPacker, Writer, padding};
use larder_metadata::database::Database;
use larder_metadata::snapshot::{ColumnKind, Snapshot, Table};
use larder_metadata::{Metadata, Row};
use larder_model::{Algorithm, Author, Digest, Kind, Problem, Timestamp};
use larder_storage::{BlobStore, Content, Error as Lost, ObjectKey, Staging};
use serde_json::json;
use std::collections::VecDeque;
use std::fs::File;
use std::sync::Arc;

/// What backups of a server are made of. Cheap to share.
#[derive(Clone)]
pub struct Backups {
    pub(crate) metadata: Metadata,
    pub(crate) blobs: BlobStore,
    keys: Arc<[KeyFile]>,
    /// The address at which the server calls itself.
    server: Option<String>,
}

/// What a backup has inside besides all rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Contents {
    /// The blobs that are objects of the store; else it refers to them.
    pub blobs: bool,
    /// The server's keys.
    pub keys: bool,
}

impl Contents {
    /// Everything, and the blobs or not.
    pub const fn with_keys(blobs: bool) -> Self {
        Self { blobs, keys: true }
    }
}

/// An object of the store that the rows name.
#[derive(Clone, Copy)]
struct Object {
    digest: Digest,
    size: u64,
    generation: i64,
}

/// The rows of a snapshot, packed into a file that nobody else sees.
struct Spool {
    file: Arc<File>,
    size: u64,
    tables: Vec<archive::Table>,
    objects: Vec<Object>,
}

/// A backup on its way out: its bytes, from front to end.
pub struct Export {
    /// All its bytes.
    pub size: u64,
    /// What is inside.
    pub manifest: Manifest,
    blobs: BlobStore,
    /// `None`: no other server is there that could remove objects.
    hold: Option<Hold>,
    /// What comes next, before the objects.
    ready: VecDeque<Bytes>,
    /// `None` as the object: the rows.
    reading: Option<(Reading, Option<Object>)>,
    objects: std::vec::IntoIter<Object>,
    frames: Writer,
    end: Option<Bytes>,
}

impl Backups {
    /// Backups of a server with these keys.
    pub fn new(
        metadata: Metadata,
        blobs: BlobStore,
        keys: Vec<KeyFile>,
        server: Option<String>,
    ) -> Self {
        Self {
            metadata,
            blobs,
            keys: keys.into(),
            server,
        }
    }

    /// Begins a backup of the state as it is now. Objects that it names are kept until it is dropped;
    /// the database is held only until its rows are in a staging file.
    pub async fn export(&self, contents: Contents, by: &dyn Author) -> Result<Export, Problem> {
        let Contents { blobs, keys } = contents;
        let word = if blobs { "include" } else { "reference" };
        let details = json!({"blobs": word, "keys": keys});
        let hold = Hold::begin(&self.metadata, by, &details).await?;
        let source = Source {
            snapshot: self.metadata.snapshot().await?,
            created_at: self.metadata.now(),
            id: self.metadata.new_id(),
            blobs: &self.blobs,
            keys: if keys { &self.keys } else { &[] },
            server: self.server.clone(),
        };
        let export = source.export(blobs).await?;
        Ok(Export {
            hold: Some(hold),
            ..export
        })
    }
}

/// Begins a backup of a database that is about to be migrated, with the keys and without blobs.
pub async fn export_before_upgrade(
    database: &Database,
    blobs: &BlobStore,
    keys: &[KeyFile],
) -> Result<Export, Problem> {
    let source = Source {
        snapshot: database.snapshot().await?,
        created_at: database.now(),
        id: database.new_id(),
        blobs,
        keys,
        server: None,
    };
    source.export(false).await
}

/// What a backup is made from.
struct Source<'a> {
    snapshot: Snapshot,
    created_at: Timestamp,
    /// Names the staging file.
    id: i64,
    blobs: &'a BlobStore,
    keys: &'a [KeyFile],
    server: Option<String>,
}

impl Source<'_> {
    /// Packs the rows, and counts what is still to come: so the size is known.
    async fn export(self, with_blobs: bool) -> Result<Export, Problem> {
        let (created_at, schema) = (self.created_at, self.snapshot.schema);
        let (server, blobs, keys) = (self.server.clone(), self.blobs.clone(), self.keys()?);
        let mut writer = Writer::new(created_at);
        let spool = self.spool(&mut writer).await?;
        let manifest = Manifest {
            format: FORMAT,
            larder: env!("CARGO_PKG_VERSION").to_owned(),
            schema,
            created_at,
            server,
            blobs_included: with_blobs,
            keys: keys.iter().map(|(name, _)| (*name).to_owned()).collect(),
            tables: spool.tables,
            objects: Objects {
                count: spool.objects.len() as u64,
                bytes: spool.objects.iter().map(|object| object.size).sum(),
            },
        };
        let written = serde_json::to_vec_pretty(&manifest).map_err(Problem::internal)?;
        let mut first = vec![(PartName::Manifest, written)];
        for (name, bytes) in keys {
            first.push((PartName::Key(name.to_owned()), bytes));
        }
        let first = Bytes::from(writer.first(&first));
        let objects = if with_blobs {
            spool.objects
        } else {
            Vec::new()
        };
        let mut size = first.len() as u64 + spool.size;
        for object in &objects {
            let _ = writer.blob(&object.digest, object.size);
            size += Writer::blob_bytes(object.size);
        }
        let end = Bytes::from(writer.finish().map_err(Problem::internal)?);
        size += end.len() as u64;
        let content = Content::File {
            file: spool.file,
            range: 0..spool.size,
        };
        Ok(Export {
            size,
            manifest,
            blobs,
            hold: None,
            ready: VecDeque::from([first]),
            reading: Some((Reading::new(content, spool.size), None)),
            objects: objects.into_iter(),
            frames: Writer::new(created_at),
            end: Some(end),
        })
    }

    /// The key files that are there, in the order of their names.
    fn keys(&self) -> Result<Vec<(&'static str, Vec<u8>)>, Problem> {
        let mut keys = Vec::new();
        for key in self.keys {
            if let Some(bytes) = key.read().map_err(Problem::internal)? {
                keys.push((key.name, bytes));
            }
        }
        keys.sort_unstable();
        Ok(keys)
    }

    /// Packs the rows into a staging file, which loses its name at once: it is gone when it is read.
    /// The database is let go.
    async fn spool(self, writer: &mut Writer) -> Result<Spool, Problem> {
        let id = format!("{:016x}", self.id);
        let guard = self.blobs.guard(&id);
        let mut staging = self.blobs.stage(&id, Algorithm::Sha256).await?;
        let packed = pack(self.snapshot, &mut staging, writer).await;
        let settled = staging.settle().await.map(drop);
        guard.discard().await?;
        let (tables, objects) = packed?;
        settled?;
        Ok(Spool {
            file: staging.file(),
            size: staging.offset(),
            tables,
            objects,
        })
    }
}

/// Packs all rows into parts; what is told of each table, and the objects that the rows name.
async fn pack(
    mut snapshot: Snapshot,
    staging: &mut Staging,
    writer: &mut Writer,
) -> Result<(Vec<archive::Table>, Vec<Object>), Problem> {
    let mut tables: Vec<_> = snapshot.tables.iter().map(told).collect();
    let (mut objects, mut packer, mut current) = (Vec::new(), RowPacker::default(), 0);
    loop {
        let page = snapshot.next_page().await?;
        let next = page.as_ref().map_or(tables.len(), |(at, _)| *at);
        if next != current {
            let last = packer.finish().map_err(Problem::internal)?;
            add(last, &mut tables[current], staging, writer).await?;
            current = next;
        }
        let Some((at, page)) = page else { break };
        for row in &page {
            if let Some(blob) = snapshot.tables[at].blob(row)?
                && blob.body.is_none()
                // What is damaged is in no backup; its row says so.
                && !blob.damaged
            {
                objects.push(Object {
                    digest: blob.digest,
                    size: blob.size,
                    generation: blob.generation,
                });
            }
        }
        tables[at].rows += page.len() as u64;
        let parts = tokio::task::spawn_blocking(move || lines(packer, &page)).await;
        let (again, parts) = parts
            .map_err(Problem::internal)?
            .map_err(Problem::internal)?;
        packer = again;
        for part in parts {
            add(Some(part), &mut tables[at], staging, writer).await?;
        }
    }
    objects.sort_unstable_by_key(|object| object.digest);
    Ok((tables, objects))
}

/// Packs rows as lines; the parts that became full.
fn lines(mut packer: RowPacker, page: &[Row]) -> std::io::Result<(RowPacker, Vec<Vec<u8>>)> {
    let (mut parts, mut line) = (Vec::new(), Vec::new());
    for row in page {
        line.clear();
        rows::write(row, &mut line)?;
        parts.extend(packer.push(&line)?);
    }
    Ok((packer, parts))
}

/// Adds a part of a table to the staging file.
async fn add(
    part: Option<Vec<u8>>,
    table: &mut archive::Table,
    staging: &mut Staging,
    writer: &mut Writer,
) -> Result<(), Problem> {
    let Some(part) = part else { return Ok(()) };
    table.parts += 1;
    let name = PartName::Rows {
        table: table.name.clone(),
        number: table.parts,
    };
    Ok(staging.append(writer.part(&name, &part).into()).await?)
}

/// What the manifest tells of a table that has no rows yet.
fn told(table: &Table) -> archive::Table {
    let columns = table.columns.iter().map(|column| archive::Column {
        name: column.name.to_string(),
        kind: match column.kind {
            ColumnKind::Int => archive::ColumnKind::Int,
            ColumnKind::Text => archive::ColumnKind::Text,
            ColumnKind::Bytes => archive::ColumnKind::Bytes,
        },
    });
    archive::Table {
        name: table.name.to_string(),
        columns: columns.collect(),
        rows: 0,
        parts: 0,
    }
}

impl Export {
    /// When the database was as the backup tells it.
    pub const fn created_at(&self) -> Timestamp {
        self.manifest.created_at
    }

    /// The next bytes; `None`: that was all.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        loop {
            if let Some(bytes) = self.ready.pop_front() {
                return Ok(Some(bytes));
            }
            if let Some((reading, object)) = &mut self.reading {
                let read = reading.next().await;
                let object = *object;
                let told = |problem| self.told(object.as_ref(), problem);
                if let Some(bytes) = read.map_err(told)? {
                    return Ok(Some(bytes));
                }
                let padding = object.map_or(&[][..], |object| padding(object.size));
                if !padding.is_empty() {
                    self.ready.push_back(Bytes::from_static(padding));
                }
                self.reading = None;
            } else if let Some(object) = self.objects.next() {
                self.open(&object).await?;
            } else {
                return Ok(self.end.take());
            }
        }
    }

    /// Goes on with an object.
    async fn open(&mut self, object: &Object) -> Result<(), Problem> {
        if let Some(hold) = &self.hold {
            hold.check()?;
        }
        let key = ObjectKey {
            digest: object.digest,
            generation: object.generation,
        };
        let content = self.blobs.open_sized(&key, object.size, 0..object.size);
        let content = content.await.map_err(|error| match error {
            Lost::Missing | Lost::Size(_) => {
                let lost = damaged("the store has not all of an object").because(error);
                self.told(Some(object), lost)
            }
            error => error.into(),
        })?;
        let header = self.frames.blob(&object.digest, object.size);
        self.ready.push_back(Bytes::copy_from_slice(&header));
        let reading = Reading::of(content, object.size, object.digest);
        self.reading = Some((reading, Some(*object)));
        Ok(())
    }

    /// What to tell of an object that cannot be read as it should be. The next scrub of suspects looks at
    /// it, and without it the next backup is whole.
    fn told(&self, object: Option<&Object>, problem: Problem) -> Problem {
        let Some(object) = object.filter(|_| problem.kind == Kind::Damaged) else {
            return problem;
        };
        self.blobs.suspect(object.digest);
        tracing::error!(digest = %object.digest, "an object of a backup is not as it should be");
        Problem::damaged(&object.digest, None).because(problem)
    }

    /// The bytes as a stream; an error breaks it off.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, Problem>> + Send + 'static {
        try_unfold(self, |mut export| async move {
            Ok(export.next().await?.map(|bytes| (bytes, export)))
        })
    }
}
