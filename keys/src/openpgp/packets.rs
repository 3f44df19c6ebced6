//! Packets and what they are made of (RFC 9580, 3 to 5).

/// Walks over bytes; nothing is taken that is not there.
#[derive(Clone, Copy)]
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|byte| byte[0])
    }

    /// A whole number of `width` bytes, at most four.
    pub(super) fn number(&mut self, width: usize) -> Option<usize> {
        Some(
            self.take(width)?
                .iter()
                .fold(0, |sum, byte| sum << 8 | usize::from(*byte)),
        )
    }

    /// A number of any length, without zeros before it.
    pub(super) fn mpi(&mut self) -> Option<&'a [u8]> {
        let bits = self.number(2)?;
        let bytes = self.take(bits.div_ceil(8))?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        bytes.get(zeros..)
    }
}

/// A number of any length.
pub(super) fn mpi(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let bytes = bytes.get(zeros..).unwrap_or_default();
    let bits = bytes.len() * 8
        - bytes
            .first()
            .map_or(0, |first| first.leading_zeros() as usize);
    [
        &u16::try_from(bits).unwrap_or(u16::MAX).to_be_bytes()[..],
        bytes,
    ]
    .concat()
}

/// A packet's tag and its body.
pub(super) type Packet<'a> = (u8, &'a [u8]);

/// All packets; `None` if they are not whole, or of a kind that no key is written in.
pub(super) fn packets(bytes: &[u8]) -> Option<Vec<Packet<'_>>> {
    let (mut rest, mut all) = (Bytes(bytes), Vec::new());
    while !rest.0.is_empty() {
        let first = rest.byte()?;
        let (tag, length) = match first {
            0xc0.. => {
                let length = match rest.number(1)? {
                    short @ ..192 => short,
                    first @ 192..224 => ((first - 192) << 8) + rest.number(1)? + 192,
                    255 => rest.number(4)?,
                    _ => return None,
                };
                (first & 0x3f, length)
            }
            0x80.. => (
                (first & 0x3f) >> 2,
                rest.number(*[1, 2, 4].get(usize::from(first & 3))?)?,
            ),
            _ => return None,
        };
        all.push((tag, rest.take(length)?));
    }
    Some(all)
}

/// A packet in the newer format.
pub(super) fn packet(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&[0xc0 | tag, 0xff][..], &length, body].concat()
}

/// A packet in the older format, in which keys are read by everyone.
pub(super) fn old_packet(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&[0x80 | tag << 2 | 2][..], &length, body].concat()
}

/// A part of what a signature says: its type and its body.
pub(super) type Subpacket<'a> = (u8, &'a [u8]);

/// Subpackets of a signature.
pub(super) fn subpackets(bytes: &[u8]) -> Option<Vec<Subpacket<'_>>> {
    let (mut rest, mut all) = (Bytes(bytes), Vec::new());
    while !rest.0.is_empty() {
        let length = match rest.number(1)? {
            short @ ..192 => short,
            first @ 192..255 => ((first - 192) << 8) + rest.number(1)? + 192,
            _ => rest.number(4)?,
        };
        let mut body = Bytes(rest.take(length)?);
        all.push((body.byte()? & 0x7f, body.0));
    }
    Some(all)
}

/// A subpacket. Its body is short.
pub(super) fn subpacket(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u8::try_from(body.len() + 1).unwrap_or(u8::MAX);
    [&[length, kind][..], body].concat()
}

#[cfg(test)]
mod tests;
