//! Reads of a remote object that go on where they broke off: how long one takes is up to whoever reads,
//! and a store ends connections, and the library's own patience, before that.

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{BoxStream, unfold};
use object_store::Error;
use std::future::Future;
use std::ops::Range;

/// How often in a row a read is begun anew that brought nothing.
const TRIES: u32 = 3;

/// What a store gives of an object.
pub(crate) type Pieces = BoxStream<'static, Result<Bytes, Error>>;

/// A read that is under way.
struct Reading<F> {
    pieces: Pieces,
    left: Range<u64>,
    tries: u32,
    again: F,
    failed: bool,
}

/// The bytes of a range, of which `pieces` come first; `again` asks for the rest of it.
pub(crate) fn resumed<F, A>(pieces: Pieces, range: Range<u64>, again: F) -> Pieces
where
    F: Fn(Range<u64>) -> A + Send + 'static,
    A: Future<Output = Result<Pieces, Error>> + Send,
{
    let reading = Reading {
        pieces,
        left: range,
        tries: 0,
        again,
        failed: false,
    };
    let next = async |mut reading: Reading<F>| {
        if reading.failed {
            return None;
        }
        loop {
            let error = match reading.pieces.next().await? {
                Ok(bytes) => {
                    reading.left.start += bytes.len() as u64;
                    reading.tries = 0;
                    return Some((Ok(bytes), reading));
                }
                Err(error) => error,
            };
            reading.tries += 1;
            let left = reading.left.clone();
            let outcome = if left.is_empty() || reading.tries > TRIES {
                Err(error)
            } else {
                tracing::debug!(%error, at = left.start, "a read of an object broke off: it is gone on with");
                (reading.again)(left).await
            };
            match outcome {
                Ok(pieces) => reading.pieces = pieces,
                Err(error) => {
                    reading.failed = true;
                    return Some((Err(error), reading));
                }
            }
        }
    };
    unfold(reading, next).boxed()
}

#[cfg(test)]
mod tests;
