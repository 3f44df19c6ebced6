//! Reads a backup from front to end, and believes nothing.

use crate::header::{self, BLOCK, padding_bytes};
use crate::sums::Sums;
use crate::writer::second;
use crate::{Fault, Manifest, PartName};
use larder_model::{Algorithm, Digest, Hasher};
use std::io::{self, Read};

/// The largest manifest, list of sums or key: they are whole in memory.
const SMALL_BYTES: u64 = 256 << 20;
/// How much is read at once where nobody wants the bytes.
const PIECE_BYTES: usize = 256 * 1024;

/// A part that stands next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// Its name.
    pub name: PartName,
    /// Its bytes.
    pub size: u64,
}

/// A part that is being read.
struct Open {
    part: Part,
    left: u64,
    hasher: Hasher,
}

/// Reads a backup. [`Self::begin`] gives its manifest, [`Self::next_part`] each part after it; the bytes
/// of a part are read through [`Read`]. Only when `next_part` has returned `None` is all of it known to be
/// as it was written.
pub struct Reader<R> {
    from: R,
    /// Over all bytes of the file.
    whole: Hasher,
    read: u64,
    manifest: Option<Manifest>,
    sums: Sums,
    open: Option<Open>,
    before: Option<PartName>,
    digest: Option<Digest>,
}

impl<R: Read> Reader<R> {
    /// Reads the manifest.
    pub fn begin(from: R) -> Result<(Manifest, Self), Fault> {
        let mut reader = Self {
            from,
            whole: Hasher::new(Algorithm::Sha256),
            read: 0,
            manifest: None,
            sums: Sums::default(),
            open: None,
            before: None,
            digest: None,
        };
        let mut block = [0; BLOCK];
        reader.fill(&mut block)?;
        // What does not begin so is not damaged but something else.
        if !block.starts_with(b"manifest.json\0") {
            return Err(Fault::Foreign);
        }
        let (name, size, time) = header::read(&block)?;
        let part = Part { name, size };
        reader.open = Some(Open::of(part));
        let manifest = Manifest::read(&reader.all()?)?;
        if time != second(manifest.created_at) {
            return Err(Fault::damaged(
                "its header has another time than its manifest",
            ));
        }
        reader.manifest = Some(manifest.clone());
        Ok((manifest, reader))
    }

    /// The next part; what was not read of the one before is read over. `None`: that was all, and
    /// all of it is as it was written.
    pub fn next_part(&mut self) -> Result<Option<Part>, Fault> {
        self.close()?;
        if self.digest.is_some() {
            return Ok(None);
        }
        let mut block = [0; BLOCK];
        self.fill(&mut block)?;
        let (name, size, time) = header::read(&block)?;
        let created_at = self.manifest.as_ref().map(|manifest| manifest.created_at);
        if Some(time) != created_at.map(second) {
            return Err(Fault::damaged(format!("{name} comes from another backup")));
        }
        self.check_order(&name)?;
        let part = Part { name, size };
        self.open = Some(Open::of(part.clone()));
        if part.name != PartName::Sums {
            return Ok(Some(part));
        }
        let found = self.all()?;
        self.sums.compare(&found)?;
        self.end()?;
        Ok(None)
    }

    /// The bytes of a small part, whole.
    pub fn all(&mut self) -> Result<Vec<u8>, Fault> {
        let size = self.open.as_ref().map_or(0, |open| open.left);
        if size > SMALL_BYTES {
            return Err(Fault::damaged("a part is larger than any can be"));
        }
        let mut bytes = Vec::new();
        Read::take(&mut *self, size).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != size {
            return Err(Fault::Cut);
        }
        self.close()?;
        Ok(bytes)
    }

    /// The digest of the file, when all of it was read: what `sha256sum` says of it.
    pub const fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// How many bytes were read.
    pub const fn position(&self) -> u64 {
        self.read
    }

    /// Parts stand in their order, each once; that none is left out, the sums tell.
    fn check_order(&mut self, name: &PartName) -> Result<(), Fault> {
        let fits = match (&self.before, name) {
            (_, PartName::Manifest) => false,
            (Some(PartName::Rows { .. }), PartName::Rows { .. }) => self.follows(name),
            (Some(before), name) => before < name,
            (None, _) => true,
        };
        if !fits {
            return Err(Fault::damaged(format!("{name} is not in its place")));
        }
        self.before = Some(name.clone());
        Ok(())
    }

    /// Whether rows stand in the order of the manifest's tables, and of their numbers.
    fn follows(&self, name: &PartName) -> bool {
        let tables = self.manifest.iter().flat_map(|manifest| &manifest.tables);
        let place = |part: Option<&PartName>| match part {
            Some(PartName::Rows { table, number }) => {
                let at = tables.clone().position(|known| known.name == *table);
                at.map(|at| (at, *number))
            }
            _ => None,
        };
        let (before, now) = (place(self.before.as_ref()), place(Some(name)));
        now.is_some() && before < now
    }

    /// Reads the rest of the open part with its padding, and notes or checks its digest.
    fn close(&mut self) -> Result<(), Fault> {
        let Some(open) = &self.open else {
            return Ok(());
        };
        let mut piece = vec![0; PIECE_BYTES.min(usize::try_from(open.left).unwrap_or(PIECE_BYTES))];
        while self.open.as_ref().is_some_and(|open| open.left > 0) {
            if self.read(&mut piece)? == 0 {
                return Err(Fault::Cut);
            }
        }
        let Some(Open { part, hasher, .. }) = self.open.take() else {
            return Ok(());
        };
        let mut zeros = [0; BLOCK];
        let zeros = &mut zeros[..padding_bytes(part.size)];
        self.fill(zeros)?;
        if zeros.iter().any(|byte| *byte != 0) {
            let text = format!("what follows {} is not as it was written", part.name);
            return Err(Fault::damaged(text));
        }
        let found = hasher.finish();
        match &part.name {
            PartName::Blob(digest) if *digest != found => {
                Err(Fault::damaged(format!("the blob {digest} has other bytes")))
            }
            PartName::Blob(digest) => {
                self.sums.blob(digest, part.size);
                Ok(())
            }
            PartName::Sums => Ok(()),
            name => {
                self.sums.part(name, part.size, found);
                Ok(())
            }
        }
    }

    /// Reads the two blocks of zeros that end a tar, and nothing after them.
    fn end(&mut self) -> Result<(), Fault> {
        let mut zeros = [0; BLOCK * 2];
        self.fill(&mut zeros)?;
        let mut one = [0];
        if zeros.iter().any(|byte| *byte != 0) || self.from.read(&mut one)? != 0 {
            return Err(Fault::damaged("something follows its end"));
        }
        let objects = self
            .manifest
            .as_ref()
            .filter(|manifest| manifest.blobs_included);
        if let Some(objects) = objects.map(|manifest| manifest.objects)
            && self.sums.blobs() != (objects.count, objects.bytes)
        {
            return Err(Fault::damaged(
                "its blobs are not those that its manifest counts",
            ));
        }
        self.digest = Some(self.whole.clone().finish());
        Ok(())
    }

    fn fill(&mut self, into: &mut [u8]) -> Result<(), Fault> {
        self.from.read_exact(into)?;
        self.whole.update(into);
        self.read += into.len() as u64;
        Ok(())
    }
}

impl<R: Read> Read for Reader<R> {
    /// Bytes of the part that is open.
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Some(open) = &mut self.open else {
            return Ok(0);
        };
        let most = into
            .len()
            .min(usize::try_from(open.left).unwrap_or(usize::MAX));
        let count = self.from.read(&mut into[..most])?;
        open.hasher.update(&into[..count]);
        open.left -= count as u64;
        self.whole.update(&into[..count]);
        self.read += count as u64;
        Ok(count)
    }
}

impl Open {
    fn of(part: Part) -> Self {
        let algorithm = match &part.name {
            PartName::Blob(digest) => digest.algorithm(),
            _ => Algorithm::Sha256,
        };
        Self {
            left: part.size,
            part,
            hasher: Hasher::new(algorithm),
        }
    }
}
