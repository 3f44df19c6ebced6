//! Files on their way to the server.

use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::StreamBody;
use reqwest::Body;
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;

/// Bytes that are sent at once.
const PIECE_BYTES: usize = 256 << 10;

/// A file as a body, piece by piece.
pub(crate) fn pieces(file: File) -> Body {
    let pieces = stream::try_unfold(file, async |mut file: File| {
        let mut piece = vec![0; PIECE_BYTES];
        let count = file.read(&mut piece).await?;
        piece.truncate(count);
        let piece = Frame::data(Bytes::from(piece));
        Ok::<_, std::io::Error>((count > 0).then_some((piece, file)))
    });
    Body::wrap(StreamBody::new(pieces))
}
