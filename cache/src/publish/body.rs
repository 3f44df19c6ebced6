//! Parts of a published body.

use larder_model::Problem;
use larder_storage::Staging;
use larder_storage::content::read_piece;
use std::fs::File;
use std::sync::Arc;

/// Bytes of a body copied at once.
const PIECE: usize = 1 << 20;

/// Copies a part of a body, decoded if it is base64.
pub(super) async fn copy(
    file: Arc<File>,
    (start, length): (u64, u64),
    encoded: bool,
    to: &mut Staging,
) -> Result<(), Problem> {
    let mut at = start;
    let end = start + length;
    while at < end {
        let count = PIECE.min(usize::try_from(end - at).unwrap_or(PIECE));
        let own = Arc::clone(&file);
        let read = move || {
            let piece = read_piece(&own, at, count)?;
            Ok(if encoded {
                decode(&piece)?.into()
            } else {
                piece
            })
        };
        let piece = tokio::task::spawn_blocking(read)
            .await
            .map_err(Problem::internal)?;
        to.append(piece.map_err(|problem: Problem| problem)?)
            .await?;
        at += count as u64;
    }
    Ok(())
}

/// A piece of base64: all pieces but the last are whole, for their length is a multiple of four.
fn decode(piece: &[u8]) -> Result<Vec<u8>, Problem> {
    use base64::Engine as _;
    let decoded = base64::engine::general_purpose::STANDARD.decode(piece);
    decoded.map_err(|error| Problem::invalid("body", "an attachment is not base64").because(error))
}
