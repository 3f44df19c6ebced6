//! Lines of git's protocols, each with its length before it (gitprotocol-common, "pkt-line format").

use bytes::Bytes;
use larder_model::{Kind, Problem};

/// The most bytes of one line with its length.
pub const MAX_LINE: usize = 65_520;
/// The bytes of a length.
const LENGTH: usize = 4;

/// A line, or one of the marks between lines.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Packet {
    /// `0000`: the end of a message.
    Flush,
    /// `0001`: between the parts of a message (protocol v2).
    Delimiter,
    /// `0002`: the end of a response (protocol v2).
    ResponseEnd,
    /// A line's bytes.
    Line(Bytes),
}

impl Packet {
    /// The line as text without its line feed; `None` if it is a mark or no UTF-8.
    pub fn text(&self) -> Option<&str> {
        let Self::Line(bytes) = self else {
            return None;
        };
        let text = std::str::from_utf8(bytes).ok()?;
        Some(text.strip_suffix('\n').unwrap_or(text))
    }
}

/// Reads lines from bytes that come bit by bit.
#[derive(Default, Debug)]
pub struct Reader {
    bytes: bytes::BytesMut,
}

impl Reader {
    /// A reader of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let mut reader = Self::default();
        reader.push(bytes);
        reader
    }

    /// Appends what came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next line; `None` if it has not come whole. Fails if a length is none.
    pub fn read(&mut self) -> Result<Option<Packet>, Problem> {
        let Some(length) = self.bytes.first_chunk::<LENGTH>() else {
            return Ok(None);
        };
        let length = length_of(*length).ok_or_else(bad_length)?;
        let mark = match length {
            0 => Packet::Flush,
            1 => Packet::Delimiter,
            2 => Packet::ResponseEnd,
            3 => return Err(bad_length()),
            _ if length > MAX_LINE => return Err(bad_length()),
            _ if self.bytes.len() < length => return Ok(None),
            _ => {
                let mut line = self.bytes.split_to(length);
                return Ok(Some(Packet::Line(line.split_off(LENGTH).freeze())));
            }
        };
        drop(self.bytes.split_to(LENGTH));
        Ok(Some(mark))
    }

    /// What has come and is not read.
    pub fn into_rest(self) -> Bytes {
        self.bytes.freeze()
    }

    /// Whether all that came is read.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// The length that four hexadecimal digits are.
fn length_of(digits: [u8; LENGTH]) -> Option<usize> {
    digits.iter().try_fold(0, |length, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(length << 4 | digit as usize)
    })
}

fn bad_length() -> Problem {
    Problem::new(
        Kind::Invalid,
        "pkt-line",
        "a line of git's protocol has no right length",
    )
}

/// Writes lines.
#[derive(Default, Debug)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// Appends a line of text, with a line feed.
    pub fn line(&mut self, text: &str) {
        self.begin(text.len() + 1);
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(b'\n');
    }

    /// Appends a line of bytes as they are, at most [`MAX_LINE`] with its length.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.begin(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    fn begin(&mut self, bytes: usize) {
        let length = format!("{:04x}", bytes + LENGTH);
        self.0.extend_from_slice(length.as_bytes());
    }

    /// Appends the end of a message.
    pub fn flush(&mut self) {
        self.0.extend_from_slice(b"0000");
    }

    /// Appends the mark between the parts of a message.
    pub fn delimiter(&mut self) {
        self.0.extend_from_slice(b"0001");
    }

    /// All that was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

#[cfg(test)]
mod tests;
