//! Writing past the page cache.
//!
//! A push is durable before it is acknowledged, so the page cache only delays its bytes: filling
//! and cleaning pages costs more processor time than receiving and hashing them.

use bytes::Bytes;
use rustix::fs::OFlags;
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// Offsets, lengths and addresses are multiples of this.
pub(crate) const BLOCK: u64 = 4096;
/// What is written at once.
const PIECE_BYTES: usize = 1 << 20;

/// A file open for direct writing, with a buffer at an aligned address.
pub(crate) struct Direct {
    file: File,
    buffer: Vec<u8>,
    /// Where in the buffer its aligned part begins.
    start: usize,
}

impl Direct {
    /// Opens a file that is there. `None` where its file system has no direct writing.
    pub(crate) fn open(path: &Path) -> Option<Self> {
        let flags = i32::try_from(OFlags::DIRECT.bits()).ok()?;
        let file = File::options()
            .write(true)
            .custom_flags(flags)
            .open(path)
            .ok()?;
        let buffer = vec![0; PIECE_BYTES + usize::try_from(BLOCK).ok()?];
        let start = buffer.as_ptr().align_offset(usize::try_from(BLOCK).ok()?);
        (start + PIECE_BYTES <= buffer.len()).then_some(Self {
            file,
            buffer,
            start,
        })
    }

    /// Writes whole blocks at an offset that is a multiple of [`BLOCK`]. `cached`: the same file, for
    /// what the file system does not take directly.
    pub(crate) fn write(&mut self, cached: &File, mut at: u64, batch: &[Bytes]) -> io::Result<()> {
        let file = &self.file;
        let write = |piece: &[u8], at: u64| match file.write_all_at(piece, at) {
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                cached.write_all_at(piece, at)
            }
            written => written,
        };
        let buffer = &mut self.buffer[self.start..self.start + PIECE_BYTES];
        let mut filled = 0;
        for mut bytes in batch.iter().map(Bytes::as_ref) {
            while !bytes.is_empty() {
                let count = bytes.len().min(PIECE_BYTES - filled);
                buffer[filled..filled + count].copy_from_slice(&bytes[..count]);
                bytes = &bytes[count..];
                filled += count;
                if filled == PIECE_BYTES {
                    write(buffer, at)?;
                    at += filled as u64;
                    filled = 0;
                }
            }
        }
        write(&buffer[..filled], at)
    }
}
