//! Rows of a table: lines in frames of zstd.

use crate::Fault;
use std::io::{BufRead, BufReader, Read, Take};
use zstd::stream::read::Decoder;

/// A part is full when its lines have so many bytes.
const PART_BYTES: usize = 4 << 20;
/// The longest line: a row holds a manifest or a document at most.
const LINE_BYTES: u64 = 256 << 20;
/// How hard it is packed.
const LEVEL: i32 = 3;
/// The largest window that is unpacked, as a power of two.
const WINDOW: u32 = 27;

/// Packs lines into parts.
#[derive(Debug, Default)]
pub struct RowPacker {
    lines: Vec<u8>,
}

impl RowPacker {
    /// Takes a line without its end in; a whole part, if it is full with it.
    pub fn push(&mut self, line: &[u8]) -> std::io::Result<Option<Vec<u8>>> {
        self.lines.extend_from_slice(line);
        self.lines.push(b'\n');
        if self.lines.len() < PART_BYTES {
            return Ok(None);
        }
        self.finish()
    }

    /// The last part, if there is anything in it.
    pub fn finish(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        if self.lines.is_empty() {
            return Ok(None);
        }
        let packed = zstd::bulk::compress(&self.lines, LEVEL)?;
        self.lines.clear();
        Ok(Some(packed))
    }
}

/// The lines of a part, one after the other.
pub struct Rows<R: Read>(Take<BufReader<Decoder<'static, BufReader<R>>>>);

impl<R: Read> Rows<R> {
    /// Unpacks the part that `packed` reads.
    pub fn new(packed: R) -> Result<Self, Fault> {
        let mut decoder = Decoder::new(packed)?;
        decoder.window_log_max(WINDOW)?;
        Ok(Self(BufReader::new(decoder).take(LINE_BYTES)))
    }

    /// The next line without its end, in place of what is in `into`; whether there is one.
    pub fn next_line(&mut self, into: &mut Vec<u8>) -> Result<bool, Fault> {
        into.clear();
        self.0.set_limit(LINE_BYTES);
        let read = self.0.read_until(b'\n', into).map_err(|error| {
            Fault::damaged(format!("rows of a table cannot be unpacked: {error}"))
        })?;
        if read == 0 {
            return Ok(false);
        }
        match into.pop() {
            Some(b'\n') => Ok(true),
            _ => Err(Fault::damaged("a row of a table has no end")),
        }
    }
}
