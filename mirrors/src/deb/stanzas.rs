//! Stanzas of fields (deb822), as lists and packages have them: read one after another, within limits.

use std::io::{self, BufRead, ErrorKind, Read};

/// A longer line is none of a list. Real ones have some thousand bytes; names of libraries some ten
/// thousand.
const MAX_LINE_BYTES: u64 = 4 << 20;

/// Why stanzas cannot be read.
#[derive(Debug)]
pub(super) enum Fault {
    /// They are cut short, or damaged.
    Io(io::Error),
    /// They are larger than any real ones.
    TooLong,
    /// A line is neither a field nor a part of one.
    Line,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::TooLong => f.write_str("it is too long"),
            Self::Line => f.write_str("it has a line that belongs to no field"),
        }
    }
}

impl std::error::Error for Fault {}

/// A line of a stanza.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Line<'a> {
    /// A field with its value; spaces around that are left out.
    Field(&'a str, &'a str),
    /// A further line of the field before, without the space that says so.
    More(&'a str),
    /// The end of a stanza.
    End,
}

/// Reads lines of stanzas.
pub(super) struct Lines<'a> {
    from: Box<dyn BufRead + 'a>,
    left: u64,
    line: Vec<u8>,
}

impl<'a> Lines<'a> {
    /// Lines of at most `max_bytes` together.
    pub(super) fn new(from: Box<dyn BufRead + 'a>, max_bytes: u64) -> Self {
        Self {
            from,
            left: max_bytes,
            line: Vec::new(),
        }
    }

    /// The next line; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Line<'_>>, Fault> {
        loop {
            self.line.clear();
            let max = MAX_LINE_BYTES.min(self.left.saturating_add(1));
            let mut from = (&mut self.from).take(max);
            let count = from.read_until(b'\n', &mut self.line).map_err(Fault::Io)? as u64;
            if count == 0 {
                return Ok(None);
            }
            if count > self.left || (count == max && !self.line.ends_with(b"\n")) {
                return Err(Fault::TooLong);
            }
            self.left -= count;
            if !self.line.starts_with(b"#") {
                break;
            }
        }
        read(&self.line).map(Some)
    }
}

/// Reads one line.
fn read(line: &[u8]) -> Result<Line<'_>, Fault> {
    let invalid = || Fault::Io(io::Error::from(ErrorKind::InvalidData));
    let text = std::str::from_utf8(line).map_err(|_| invalid())?;
    let text = text.trim_end();
    if text.is_empty() {
        return Ok(Line::End);
    }
    // What is indented further is so on purpose.
    if let Some(more) = text.strip_prefix([' ', '\t']) {
        return Ok(Line::More(more));
    }
    let (name, value) = text.split_once(':').ok_or(Fault::Line)?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
    is_name
        .then(|| Line::Field(name, value.trim()))
        .ok_or(Fault::Line)
}
