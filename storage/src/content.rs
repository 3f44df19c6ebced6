//! Bytes on their way out.

use crate::Error;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use rustix::fs::{AtFlags, CWD, linkat};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use tokio::io::AsyncWriteExt as _;

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

impl Content {
    /// Puts all bytes at a path outside of the store, where nothing is yet: programs that read files find
    /// them there. A whole file on the same disk gets another name, all else is copied; a reader sees all
    /// bytes or none. None of it is durable.
    pub async fn place(self, to: &Path) -> Result<(), Error> {
        if let Self::File { file, range } = &self
            && *range == (0..file.metadata()?.len())
        {
            match link(file, to) {
                Ok(()) => return Ok(()),
                // Another disk, or one without such names.
                Err(error) => tracing::debug!(%error, "bytes are copied"),
            }
        }
        self.copy_to(to).await
    }

    async fn copy_to(self, to: &Path) -> Result<(), Error> {
        let part = to.with_extension("part");
        let mut file = tokio::fs::File::create(&part).await?;
        match self {
            Self::Ready(bytes) => file.write_all(&bytes).await?,
            Self::File { file: from, range } => {
                let (mut at, end) = (range.start, range.end);
                while at < end {
                    let from = Arc::clone(&from);
                    let length = usize::try_from(end - at).unwrap_or(usize::MAX);
                    let length = length.min(PIECE_BYTES);
                    let read = move || read_piece(&from, at, length);
                    file.write_all(&tokio::task::spawn_blocking(read).await??)
                        .await?;
                    at += length as u64;
                }
            }
            Self::Stream(mut stream) => {
                while let Some(piece) = stream.next().await {
                    file.write_all(&piece?).await?;
                }
            }
        }
        file.flush().await?;
        tokio::fs::rename(&part, to).await?;
        Ok(())
    }
}

/// Gives an open file another name.
fn link(file: &File, to: &Path) -> io::Result<()> {
    let open = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(linkat(CWD, open, CWD, to, AtFlags::SYMLINK_FOLLOW)?)
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

/// Fails with [`Error::Size`] if a file does not have so many bytes.
pub(crate) fn require_size(file: &File, size: u64) -> Result<(), Error> {
    match file.metadata()?.len() {
        found if found == size => Ok(()),
        found => Err(Error::Size(found)),
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
