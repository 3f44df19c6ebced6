//! Whether a backup is as it was written, and all in it fits together.

use crate::rows;
use larder_archive::{ColumnKind, Fault, Manifest, PartName, Reader, Rows};
use larder_metadata::snapshot::{self, Column, Table};
use larder_model::Digest;
use std::collections::{HashMap, HashSet};
use std::io::Read;

/// A backup that was read whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checked {
    /// What is inside.
    pub manifest: Manifest,
    /// Its bytes.
    pub bytes: u64,
    /// The digest of the file.
    pub digest: Digest,
    /// The objects that its rows name, each with its size and the generation that it had.
    pub objects: HashMap<Digest, (u64, i64)>,
}

/// The tables of a manifest, as the database knows tables.
pub(crate) fn tables(manifest: &Manifest) -> Vec<Table> {
    let column = |column: &larder_archive::Column| Column {
        name: column.name.as_str().into(),
        kind: match column.kind {
            ColumnKind::Int => snapshot::ColumnKind::Int,
            ColumnKind::Text => snapshot::ColumnKind::Text,
            ColumnKind::Bytes => snapshot::ColumnKind::Bytes,
        },
    };
    let tables = manifest.tables.iter();
    let table = |table: &larder_archive::Table| {
        let columns = table.columns.iter().map(column).collect();
        Table::new(table.name.as_str().into(), columns)
    };
    tables.map(table).collect()
}

/// What is known of a backup while it is read.
struct Known {
    tables: Vec<Table>,
    /// Rows and parts of each table so far.
    counts: Vec<(u64, u32)>,
    objects: HashMap<Digest, (u64, i64)>,
    /// Blobs whose bytes are in their rows.
    inline: HashSet<Digest>,
    /// Damaged blobs, of which the backup has no bytes.
    damaged: HashSet<Digest>,
    /// Blobs that files name, and whose row has not come yet.
    named: HashSet<Digest>,
    /// Objects whose bytes came.
    included: u64,
    keys: Vec<String>,
}

/// Reads all of a backup: every part has its digest, every blob too, every row has the shape of its
/// table, and what rows name is there. Blocking. Of each blob its digest is in memory meanwhile.
pub fn check(from: impl Read) -> Result<Checked, Fault> {
    let (manifest, mut reader) = Reader::begin(from)?;
    let tables = tables(&manifest);
    let mut known = Known {
        counts: vec![(0, 0); tables.len()],
        tables,
        objects: HashMap::new(),
        inline: HashSet::new(),
        damaged: HashSet::new(),
        named: HashSet::new(),
        included: 0,
        keys: Vec::new(),
    };
    while let Some(part) = reader.next_part()? {
        match part.name {
            PartName::Rows { table, number } => known.rows(&mut reader, &table, number)?,
            PartName::Blob(digest) => known.object(&digest, part.size)?,
            PartName::Key(name) => known.keys.push(name),
            PartName::Manifest | PartName::Sums => {}
        }
    }
    known.fits(&manifest)?;
    Ok(Checked {
        bytes: reader.position(),
        digest: reader.digest().ok_or(Fault::Cut)?,
        manifest,
        objects: known.objects,
    })
}

impl Known {
    /// Takes in a part of a table.
    fn rows<R: Read>(
        &mut self,
        reader: &mut Reader<R>,
        name: &str,
        number: u32,
    ) -> Result<(), Fault> {
        let at = self.tables.iter().position(|table| &*table.name == name);
        let at = at.ok_or_else(|| Fault::damaged(format!("the manifest has no table {name}")))?;
        let mut lines = Rows::new(reader)?;
        let mut line = Vec::new();
        while lines.next_line(&mut line)? {
            self.row(at, &line)?;
            self.counts[at].0 += 1;
        }
        self.counts[at].1 += 1;
        if self.counts[at].1 != number {
            return Err(Fault::damaged(format!(
                "a part of the table {name} is missing"
            )));
        }
        Ok(())
    }

    fn row(&mut self, at: usize, line: &[u8]) -> Result<(), Fault> {
        let table = &self.tables[at];
        let row = rows::read(line, table)?;
        let wrong = |error: larder_metadata::Error| {
            Fault::damaged(format!("a row of {}: {error}", table.name))
        };
        if let Some(digest) = table.named_digest(&row).map_err(wrong)? {
            self.named.insert(digest);
        }
        let Some(blob) = table.blob(&row).map_err(wrong)? else {
            return Ok(());
        };
        let digest = blob.digest;
        if blob.damaged {
            self.damaged.insert(digest);
            return Ok(());
        }
        let Some(body) = blob.body else {
            self.objects.insert(digest, (blob.size, blob.generation));
            return Ok(());
        };
        if body.len() as u64 != blob.size || Digest::of(digest.algorithm(), &body) != digest {
            return Err(Fault::damaged(format!(
                "the row of the blob {digest} has other bytes"
            )));
        }
        self.inline.insert(digest);
        Ok(())
    }

    /// Takes in an object, whose bytes the reader compares with its digest.
    fn object(&mut self, digest: &Digest, size: u64) -> Result<(), Fault> {
        self.included += 1;
        match self.objects.get(digest) {
            Some((told, _)) if *told == size => Ok(()),
            Some(_) => Err(Fault::damaged(format!(
                "the blob {digest} has not the size that its row tells"
            ))),
            None => Err(Fault::damaged(format!("no row tells of the blob {digest}"))),
        }
    }

    /// Whether all came that the manifest and the rows tell of.
    fn fits(&self, manifest: &Manifest) -> Result<(), Fault> {
        for (table, (rows, parts)) in manifest.tables.iter().zip(&self.counts) {
            if (table.rows, table.parts) != (*rows, *parts) {
                return Err(Fault::damaged(format!(
                    "the table {} has {rows} rows in {parts} parts, not {} in {}",
                    table.name, table.rows, table.parts
                )));
            }
        }
        if manifest.keys != self.keys {
            return Err(Fault::damaged("its keys are not those of its manifest"));
        }
        let told = manifest.objects.count;
        let bytes: u64 = self.objects.values().map(|(size, _)| size).sum();
        let included = if manifest.blobs_included { told } else { 0 };
        if (self.objects.len() as u64, bytes, self.included)
            != (told, manifest.objects.bytes, included)
        {
            return Err(Fault::damaged("its blobs are not those that its rows name"));
        }
        let is_there = |digest: &&Digest| {
            let known = self.inline.contains(*digest) || self.damaged.contains(*digest);
            known || self.objects.contains_key(*digest)
        };
        match self.named.iter().find(|digest| !is_there(digest)) {
            Some(digest) => Err(Fault::damaged(format!(
                "a file names the blob {digest}, which is not there"
            ))),
            None => Ok(()),
        }
    }
}
