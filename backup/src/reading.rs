//! Bytes of the store, piece by piece.

use bytes::Bytes;
use futures_util::StreamExt as _;
use larder_model::{Digest, Hasher, Kind, Problem};
use larder_storage::Content;
use larder_storage::content::{PIECE_BYTES, read_piece};
use std::sync::Arc;

/// Content of a known size that is being read.
pub(crate) struct Reading {
    content: Content,
    left: u64,
    /// What it is to be, and what came of it so far.
    expected: Option<(Digest, Hasher)>,
}

impl Reading {
    /// Content of so many bytes.
    pub(crate) const fn new(content: Content, size: u64) -> Self {
        Self {
            content,
            left: size,
            expected: None,
        }
    }

    /// The same of a digest.
    pub(crate) fn of(content: Content, size: u64, digest: Digest) -> Self {
        Self {
            expected: Some((digest, Hasher::new(digest.algorithm()))),
            ..Self::new(content, size)
        }
    }

    /// The next piece; `None`: that was all. Fails if there is less or more than its size, and at the end
    /// if it has another digest.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        let piece = self.piece().await?;
        let count = piece.as_ref().map_or(0, Bytes::len) as u64;
        match self.left.checked_sub(count) {
            Some(left) if count > 0 || left == 0 => self.left = left,
            _ => {
                return Err(damaged("an object has not the size that its row tells"));
            }
        }
        match (&piece, &mut self.expected) {
            (Some(bytes), Some((_, hasher))) => hasher.update(bytes),
            (None, expected) => {
                let is_it = |(digest, hasher): (Digest, Hasher)| hasher.finish() == digest;
                if expected.take().is_some_and(|expected| !is_it(expected)) {
                    return Err(damaged("an object has other bytes than its digest"));
                }
            }
            _ => {}
        }
        Ok(piece)
    }

    async fn piece(&mut self) -> Result<Option<Bytes>, Problem> {
        match &mut self.content {
            Content::Ready(bytes) if bytes.is_empty() => Ok(None),
            Content::Ready(bytes) => Ok(Some(std::mem::take(bytes))),
            Content::File { range, .. } if range.is_empty() => Ok(None),
            Content::File { file, range } => {
                let length = usize::try_from(range.end - range.start).unwrap_or(PIECE_BYTES);
                let (file, start, length) =
                    (Arc::clone(file), range.start, length.min(PIECE_BYTES));
                range.start += length as u64;
                let read = move || read_piece(&file, start, length);
                let piece = tokio::task::spawn_blocking(read).await;
                Ok(Some(piece.map_err(Problem::internal)??))
            }
            Content::Stream(stream) => loop {
                match stream.next().await.transpose()? {
                    Some(bytes) if bytes.is_empty() => {}
                    piece => return Ok(piece),
                }
            },
        }
    }
}

/// What an object is that is not what it should be.
pub(crate) fn damaged(detail: &'static str) -> Problem {
    Problem::new(Kind::Damaged, "blob", detail)
}
