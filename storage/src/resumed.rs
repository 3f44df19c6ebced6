//! Reads of a remote object that go on where they broke off: how long one takes is up to whoever reads,
//! and a store ends connections, and the library's own patience, before that.

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{BoxStream, try_unfold};
use object_store::Error;
use std::future::Future;
use std::ops::Range;

/// How often in a row a read is begun anew that brought nothing.
const TRIES: u32 = 3;

/// What a store gives of an object.
pub(crate) type Pieces = BoxStream<'static, Result<Bytes, Error>>;

/// The bytes of a range, of which `pieces` come first; `again` asks for the rest of it.
pub(crate) fn resumed<F, A>(pieces: Pieces, range: Range<u64>, again: F) -> Pieces
where
    F: Fn(Range<u64>) -> A + Send + 'static,
    A: Future<Output = Result<Pieces, Error>> + Send,
{
    let next = async |(mut pieces, mut left, again): (Pieces, Range<u64>, F)| {
        let mut tries = 0;
        while let Some(next) = pieces.next().await {
            let error = match next {
                Ok(bytes) => {
                    left.start += bytes.len() as u64;
                    return Ok(Some((bytes, (pieces, left, again))));
                }
                Err(error) => error,
            };
            tries += 1;
            if left.is_empty() || tries > TRIES {
                return Err(error);
            }
            tracing::debug!(%error, at = left.start, "a read of an object broke off: it is gone on with");
            pieces = again(left.clone()).await?;
        }
        Ok(None)
    };
    try_unfold((pieces, range, again), next).boxed()
}

#[cfg(test)]
mod tests;
