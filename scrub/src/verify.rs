//! Reads a blob and tells whether its bytes are those of its digest.

use crate::run::Run;
use bytes::Bytes;
use futures_util::StreamExt as _;
use larder_jobs::WorkError;
use larder_metadata::scrub::{Damage, ScrubBlob};
use larder_model::{Digest, Hasher, Problem};
use larder_storage::content::{PIECE_BYTES, read_piece};
use larder_storage::{Content, Error, ObjectKey};
use std::io;

/// What the bytes of a blob are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Right.
    Whole,
    /// Wrong.
    Damaged(Damage),
    /// Not known: the store did not answer.
    Unread(String),
    /// Not known: the run is to end.
    Cancelled,
}

/// Errors by which a disk or its file system says that it has lost something: input/output error, no
/// data, bad message, structure needs cleaning.
const LOST: [i32; 4] = [5, 61, 74, 117];

impl Verdict {
    fn of(error: &Error) -> Self {
        match error {
            Error::Missing => Self::Damaged(Damage::Missing),
            Error::Size(_) => Self::Damaged(Damage::Size),
            Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Self::Damaged(Damage::Size)
            }
            Error::Io(error) if error.raw_os_error().is_some_and(|it| LOST.contains(&it)) => {
                Self::Damaged(Damage::Unreadable)
            }
            error => Self::Unread(error.to_string()),
        }
    }

    fn of_hash(hasher: Hasher, digest: &Digest) -> Self {
        if hasher.finish() == *digest {
            Self::Whole
        } else {
            Self::Damaged(Damage::Changed)
        }
    }
}

impl Run<'_> {
    /// Reads a blob. It counts as looked at, with the bytes that were read.
    pub(crate) async fn verify(&mut self, blob: &ScrubBlob) -> Result<Verdict, WorkError> {
        let before = self.state.outcome.bytes;
        let verdict = match &blob.body {
            Some(body) => self.verify_row(blob, body.clone()).await,
            None => self.verify_object(blob).await?,
        };
        self.found.add_read(self.state.outcome.bytes - before);
        Ok(verdict)
    }

    async fn verify_row(&mut self, blob: &ScrubBlob, body: Bytes) -> Verdict {
        let size = body.len() as u64;
        self.state.outcome.bytes += size;
        self.bucket.pay(size).await;
        if size != blob.size {
            return Verdict::Damaged(Damage::Size);
        }
        let mut hasher = Hasher::new(blob.digest.algorithm());
        hasher.update(&body);
        Verdict::of_hash(hasher, &blob.digest)
    }

    async fn verify_object(&mut self, blob: &ScrubBlob) -> Result<Verdict, WorkError> {
        let (digest, generation) = (blob.digest, blob.generation);
        let key = ObjectKey { digest, generation };
        let opened = self.blobs.open_sized(&key, blob.size, 0..blob.size).await;
        let content = match opened {
            Err(error) => return Ok(Verdict::of(&error)),
            Ok(content) => content,
        };
        let mut hasher = Hasher::new(digest.algorithm());
        let read = match content {
            Content::Ready(bytes) => {
                self.take(&mut hasher, &bytes).await;
                Ok(true)
            }
            Content::Stream(stream) => self.hash_stream(stream, &mut hasher).await,
            Content::File { file, range } => {
                let mut at = range.start;
                loop {
                    if self.is_cancelled() {
                        break Ok(false);
                    }
                    let length = (range.end - at).min(PIECE_BYTES as u64);
                    if length == 0 {
                        break Ok(true);
                    }
                    let (file, count) = (file.clone(), usize::try_from(length).unwrap_or(0));
                    // What computes for long is away from the connections.
                    let work = move || {
                        let piece = read_piece(&file, at, count)?;
                        hasher.update(&piece);
                        Ok::<_, Error>(hasher)
                    };
                    let done = tokio::task::spawn_blocking(work).await;
                    match done.map_err(Problem::internal)? {
                        Ok(again) => hasher = again,
                        Err(error) => return Ok(Verdict::of(&error)),
                    }
                    at += length;
                    self.state.outcome.bytes += length;
                    self.bucket.pay(length).await;
                }
            }
        };
        Ok(match read {
            Ok(true) => Verdict::of_hash(hasher, &digest),
            Ok(false) => Verdict::Cancelled,
            Err(error) => Verdict::of(&error),
        })
    }

    async fn take(&mut self, hasher: &mut Hasher, bytes: &[u8]) {
        hasher.update(bytes);
        self.state.outcome.bytes += bytes.len() as u64;
        self.bucket.pay(bytes.len() as u64).await;
    }

    /// Whether all of it was read, and not given up because the run is to end.
    async fn hash_stream(
        &mut self,
        mut stream: futures_util::stream::BoxStream<'static, Result<Bytes, Error>>,
        hasher: &mut Hasher,
    ) -> Result<bool, Error> {
        while let Some(piece) = stream.next().await {
            if self.is_cancelled() {
                return Ok(false);
            }
            self.take(hasher, &piece?).await;
        }
        Ok(true)
    }
}
