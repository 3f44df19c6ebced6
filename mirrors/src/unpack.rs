//! Unpacks metadata from memory, a piece at a time: the whole of it is never held.

use std::io::{self, BufRead, BufReader, Read};

/// No list of packages is longer than this once unpacked.
pub(crate) const MAX_UNPACKED_BYTES: u64 = 4 << 30;
/// The window of a zstd frame, as a power of two: the limit of the zstd tool without options.
const MAX_ZSTD_WINDOW_LOG: u32 = 27;
/// The memory of an xz block; the strongest preset needs half of it.
const MAX_XZ_KIB: u32 = 128 << 10;
const BUFFER_BYTES: usize = 64 << 10;

/// Unpacks by what the bytes begin with, for the names of files may be wrong.
pub(crate) fn unpack(packed: &[u8]) -> io::Result<Box<dyn BufRead + '_>> {
    unpack_from(Box::new(packed))
}

/// The same of bytes that come.
pub(crate) fn unpack_from<'a>(
    mut packed: Box<dyn BufRead + 'a>,
) -> io::Result<Box<dyn BufRead + 'a>> {
    Ok(match packed.fill_buf()? {
        [0x1f, 0x8b, ..] => buffered(flate2::bufread::MultiGzDecoder::new(packed)),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => buffered(lzma_rust2::XzReader::new_mem_limit(
            packed, true, MAX_XZ_KIB,
        )),
        // The second is a skippable frame, which some writers put first.
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
            let mut frames = zstd::stream::read::Decoder::with_buffer(packed)?;
            frames.window_log_max(MAX_ZSTD_WINDOW_LOG)?;
            buffered(frames)
        }
        [b'B', b'Z', b'h', ..] => buffered(bzip2::bufread::MultiBzDecoder::new(packed)),
        _ => packed,
    })
}

fn buffered<'a>(reader: impl Read + 'a) -> Box<dyn BufRead + 'a> {
    Box::new(BufReader::with_capacity(BUFFER_BYTES, reader))
}
