//! The frame of a part: a header of a tar (POSIX.1-1988 `ustar`), one block, and zeros up to the next.

use crate::{Fault, PartName};

/// Bytes of a block.
pub(crate) const BLOCK: usize = 512;

/// The largest size that fits into 11 octal digits; a larger one is written in base 256, as GNU tar
/// does.
const MAX_OCTAL: u64 = (1 << 33) - 1;

const NAME: usize = 0;
const MODE: usize = 100;
const OWNER: usize = 108;
const GROUP: usize = 116;
const SIZE: usize = 124;
const TIME: usize = 136;
const SUM: usize = 148;
const KIND: usize = 156;
const MAGIC: usize = 257;
const PREFIX: usize = 345;

/// How many zeros follow a part of so many bytes.
pub(crate) const fn padding_bytes(size: u64) -> usize {
    // Less than a block, which fits.
    #[expect(clippy::cast_possible_truncation, reason = "it is less than a block")]
    let over = (size % BLOCK as u64) as usize;
    if over == 0 { 0 } else { BLOCK - over }
}

/// The header of a part of `size` bytes, in a backup of the second `time`.
pub(crate) fn write(name: &PartName, size: u64, time: u64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    let (folder, file) = name.split();
    put(NAME, file.as_bytes());
    put(PREFIX, folder.as_bytes());
    put(MODE, b"0000600\0");
    put(OWNER, b"0000000\0");
    put(GROUP, b"0000000\0");
    if size <= MAX_OCTAL {
        put(SIZE, format!("{size:011o}\0").as_bytes());
    } else {
        put(SIZE, &[0x80]);
        put(SIZE + 4, &size.to_be_bytes());
    }
    put(TIME, format!("{:011o}\0", time.min(MAX_OCTAL)).as_bytes());
    put(SUM, b"        ");
    put(KIND, b"0");
    put(MAGIC, b"ustar\x0000");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[SUM..SUM + 8].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// Reads a header that [`write`] wrote, and refuses any other: the part's name, size and time.
pub(crate) fn read(block: &[u8; BLOCK]) -> Result<(PartName, u64, u64), Fault> {
    let wrong = || Fault::damaged("the header of a part is not as it was written");
    let text = |from: usize, to: usize| {
        let field = &block[from..to];
        let end = field.iter().position(|byte| *byte == 0);
        std::str::from_utf8(&field[..end.unwrap_or(field.len())]).map_err(|_| wrong())
    };
    let octal = |from: usize| u64::from_str_radix(text(from, from + 12)?, 8).map_err(|_| wrong());
    let folder = text(PREFIX, BLOCK)?;
    let slash = if folder.is_empty() { "" } else { "/" };
    let name = format!("{folder}{slash}{}", text(NAME, MODE)?);
    let name: PartName = name.parse().map_err(|_| wrong())?;
    let size = if block[SIZE] == 0x80 {
        let bytes = block[SIZE + 4..TIME].try_into().map_err(|_| wrong())?;
        u64::from_be_bytes(bytes)
    } else {
        octal(SIZE)?
    };
    let time = octal(TIME)?;
    if write(&name, size, time) != *block {
        return Err(wrong());
    }
    Ok((name, size, time))
}

#[cfg(test)]
mod tests;
