//! Unpacks metadata from memory, a piece at a time: the whole of it is never held.

use std::io::{self, BufRead, BufReader, Read};

/// No list of packages is longer than this once unpacked.
pub(super) const MAX_UNPACKED_BYTES: u64 = 4 << 30;
/// No tag and no stretch of text is longer than this.
const MAX_PIECE_BYTES: u64 = 1 << 20;
/// What a zstd frame may ask to look back at, as a power of two: what its own tool takes without
/// being told.
const MAX_ZSTD_WINDOW_LOG: u32 = 27;
/// What an xz block may ask for; its strongest preset needs half of it.
const MAX_XZ_KIB: u32 = 128 << 10;
const BUFFER_BYTES: usize = 64 << 10;

/// What is within `packed`, whichever way it is packed: file names are no witness.
pub(super) fn unpack(packed: &[u8]) -> io::Result<Box<dyn BufRead + '_>> {
    Ok(match packed {
        [0x1f, 0x8b, ..] => buffered(flate2::bufread::MultiGzDecoder::new(packed)),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => buffered(lzma_rust2::XzReader::new_mem_limit(
            packed, true, MAX_XZ_KIB,
        )),
        // The second is a frame to be skipped, which some writers put first.
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
            let mut frames = zstd::stream::read::Decoder::with_buffer(packed)?;
            frames.window_log_max(MAX_ZSTD_WINDOW_LOG)?;
            buffered(frames)
        }
        [b'B', b'Z', b'h', ..] => buffered(bzip2::bufread::MultiBzDecoder::new(packed)),
        _ => Box::new(packed),
    })
}

fn buffered<'a>(reader: impl Read + 'a) -> Box<dyn BufRead + 'a> {
    Box::new(BufReader::with_capacity(BUFFER_BYTES, reader))
}

/// Lets so many bytes through, and so many of them between two calls of [`Fence::next_piece`].
pub(super) struct Fence<'a> {
    inner: Box<dyn BufRead + 'a>,
    left: u64,
    left_of_piece: u64,
}

impl<'a> Fence<'a> {
    pub(super) fn new(inner: Box<dyn BufRead + 'a>, max_bytes: u64) -> Self {
        Self {
            inner,
            left: max_bytes,
            left_of_piece: MAX_PIECE_BYTES,
        }
    }

    pub(super) fn next_piece(&mut self) {
        self.left_of_piece = MAX_PIECE_BYTES;
    }
}

impl Read for Fence<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let bytes = self.fill_buf()?;
        let count = bytes.len().min(into.len());
        into[..count].copy_from_slice(&bytes[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Fence<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let most = usize::try_from(self.left.min(self.left_of_piece)).unwrap_or(usize::MAX);
        let bytes = self.inner.fill_buf()?;
        if most == 0 && !bytes.is_empty() {
            return Err(io::Error::other(
                "the document, or a piece of it, is too long",
            ));
        }
        Ok(&bytes[..bytes.len().min(most)])
    }

    fn consume(&mut self, count: usize) {
        self.inner.consume(count);
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.left = self.left.saturating_sub(count);
        self.left_of_piece = self.left_of_piece.saturating_sub(count);
    }
}
