//! Bytes that an upstream encoded with gzip though they were asked for as they are.

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use larder_model::Problem;
use larder_storage::Staging;
use larder_storage::content::FileReader;
use std::io::Read;
use tokio::sync::mpsc;

/// Bytes that are decoded in one piece.
const PIECE_BYTES: usize = 256 << 10;
/// Pieces on their way from the decoder to the disk.
const PIECES: usize = 4;

/// All of what these bytes decode to; `None` if they are no gzip, or of more than `limit` bytes.
pub(super) fn decoded(packed: &[u8], limit: usize) -> Option<Vec<u8>> {
    let mut all = Vec::new();
    let mut decoder = MultiGzDecoder::new(packed).take(limit as u64 + 1);
    decoder.read_to_end(&mut all).ok()?;
    (all.len() <= limit).then_some(all)
}

/// Decodes a staged file into another, up to `limit` bytes. Returns whether it could be decoded.
pub(super) async fn decode(
    packed: &Staging,
    into: &mut Staging,
    limit: u64,
) -> Result<bool, Problem> {
    let reader = FileReader::new(packed.file(), 0..packed.offset());
    let (sender, mut pieces) = mpsc::channel::<Bytes>(PIECES);
    let decode = move || {
        let mut decoder = MultiGzDecoder::new(reader);
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            match decoder.read(&mut piece) {
                Ok(0) => return true,
                // Nobody waits for more than the limit.
                Ok(count) => {
                    let bytes = Bytes::copy_from_slice(&piece[..count]);
                    if sender.blocking_send(bytes).is_err() {
                        return false;
                    }
                }
                Err(_) => return false,
            }
        }
    };
    let decoding = tokio::task::spawn_blocking(decode);
    while let Some(bytes) = pieces.recv().await {
        if into.offset() + bytes.len() as u64 > limit {
            return Ok(false);
        }
        into.append(bytes).await?;
    }
    decoding.await.map_err(Problem::internal)
}

#[cfg(test)]
mod tests;
