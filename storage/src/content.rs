//! Bytes on their way out.

use crate::Error;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// How much is read from a file at once where the kernel cannot send it by itself.
pub const PIECE_BYTES: usize = 256 * 1024;

/// The bytes of a blob, or of a range of it.
pub enum Content {
    /// Small and at hand.
    Ready(Bytes),
    /// A part of an open file, which a plain connection sends without copying.
    File {
        /// The open object.
        file: Arc<File>,
        /// What of it.
        range: Range<u64>,
    },
    /// A stream from a remote store.
    Stream(BoxStream<'static, Result<Bytes, Error>>),
}

impl Content {
    /// All bytes at once: for documents of bounded size only.
    pub async fn collect(self, limit: usize) -> Result<Bytes, Error> {
        let too_long = || Error::Io(std::io::Error::other("longer than its limit"));
        match self {
            Self::Ready(bytes) => Ok(bytes),
            Self::File { file, range } => {
                let length = usize::try_from(range.end - range.start).map_err(|_| too_long())?;
                if length > limit {
                    return Err(too_long());
                }
                tokio::task::spawn_blocking(move || read_piece(&file, range.start, length)).await?
            }
            Self::Stream(mut stream) => {
                let mut all = Vec::new();
                while let Some(piece) = stream.next().await {
                    let piece = piece?;
                    if all.len() + piece.len() > limit {
                        return Err(too_long());
                    }
                    all.extend_from_slice(&piece);
                }
                Ok(all.into())
            }
        }
    }
}

/// Reads a part of a file from a place of its own: others may read the same open file meanwhile.
#[derive(Debug)]
pub struct FileReader {
    file: Arc<File>,
    range: Range<u64>,
    at: u64,
}

impl FileReader {
    /// A reader that stands at the start of the range.
    pub const fn new(file: Arc<File>, range: Range<u64>) -> Self {
        Self { file, range, at: 0 }
    }

    const fn length(&self) -> u64 {
        self.range.end - self.range.start
    }
}

impl Read for FileReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.length().saturating_sub(self.at)).unwrap_or(usize::MAX);
        let count = into.len().min(left);
        let count = self
            .file
            .read_at(&mut into[..count], self.range.start + self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for FileReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.length().checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = to.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// Reads exactly `length` bytes at `offset`; a shorter file is an error, never a short answer.
pub fn read_piece(file: &File, offset: u64, length: usize) -> Result<Bytes, Error> {
    let mut piece = vec![0; length];
    file.read_exact_at(&mut piece, offset).map_err(Error::Io)?;
    Ok(piece.into())
}

#[cfg(test)]
mod tests;
