//! The body of a publication: JSON with the tarball in it, as base64. The tarball stays where it
//! is; the rest is read.

use crate::publishing::Body;
use larder_model::{Kind, Problem};
use std::io::{BufRead as _, BufReader};

/// A body has at most so many bytes beside its attachments: room for the packument of thousands of
/// versions.
pub(super) const MAX_TEXT_BYTES: usize = 32 << 20;
/// As deep as the reader of JSON goes.
const MAX_DEPTH: usize = 128;
const BUFFER_BYTES: usize = 1 << 16;

/// The data of an attachment: a string within the body.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Attachment {
    pub(super) name: String,
    pub(super) start: u64,
    pub(super) length: u64,
    /// Whether it has no escapes: the bytes of the body are those of the string.
    pub(super) plain: bool,
}

/// A body without the data of its attachments, for each of which an empty string stands.
pub(super) struct Scanned {
    pub(super) text: Vec<u8>,
    pub(super) attachments: Vec<Attachment>,
}

/// Reads a body. Whether it is JSON is left to whoever reads the text: outside of the attachments
/// nothing is changed.
pub(super) fn scan(body: &mut dyn Body) -> Result<Scanned, Problem> {
    let mut scanner = Scanner {
        body: BufReader::with_capacity(BUFFER_BYTES, body),
        at: 0,
        open: Vec::new(),
        keys: Vec::new(),
        last: 0,
        found: Scanned {
            text: Vec::new(),
            attachments: Vec::new(),
        },
    };
    while let Some(byte) = scanner.next()? {
        scanner.take(byte)?;
    }
    Ok(scanner.found)
}

struct Scanner<'a> {
    body: BufReader<&'a mut dyn Body>,
    /// Where the next byte is.
    at: u64,
    /// The braces and brackets that are open.
    open: Vec<u8>,
    /// The keys that lead here, as far as all that is open are objects.
    keys: Vec<String>,
    /// The last byte that is no space.
    last: u8,
    found: Scanned,
}

impl Scanner<'_> {
    fn next(&mut self) -> Result<Option<u8>, Problem> {
        let first = self
            .body
            .fill_buf()
            .map_err(Problem::internal)?
            .first()
            .copied();
        if first.is_some() {
            self.body.consume(1);
            self.at += 1;
        }
        Ok(first)
    }

    fn take(&mut self, byte: u8) -> Result<(), Problem> {
        match byte {
            b'"' if self.is_data() => self.data()?,
            b'"' => self.string()?,
            b'{' | b'[' if self.open.len() == MAX_DEPTH => {
                return Err(Problem::invalid("body", "the body is too deep"));
            }
            b'{' | b'[' => self.open.push(byte),
            b'}' | b']' => drop(self.open.pop()),
            _ => {}
        }
        if byte != b'"' {
            self.put(byte)?;
        }
        if !byte.is_ascii_whitespace() {
            self.last = byte;
        }
        Ok(())
    }

    fn put(&mut self, byte: u8) -> Result<(), Problem> {
        if self.found.text.len() == MAX_TEXT_BYTES {
            let detail =
                format!("beside its tarball a publication has at most {MAX_TEXT_BYTES} bytes");
            return Err(Problem::new(Kind::TooLarge, "body", detail));
        }
        self.found.text.push(byte);
        Ok(())
    }

    /// The depth, if only objects are open.
    fn depth(&self) -> Option<usize> {
        let depth = self.open.len();
        ((1..=3).contains(&depth) && self.open.iter().all(|open| *open == b'{')).then_some(depth)
    }

    /// Whether the string that begins is the data of an attachment.
    fn is_data(&self) -> bool {
        let keys = || matches!(self.keys.as_slice(), [first, _, last] if first == "_attachments" && last == "data");
        self.last == b':' && self.depth() == Some(3) && keys()
    }

    /// A string. As a key it leads further.
    fn string(&mut self) -> Result<(), Problem> {
        let start = self.found.text.len();
        self.put(b'"')?;
        let mut escaped = false;
        loop {
            let byte = self.next()?.ok_or_else(cut)?;
            self.put(byte)?;
            match byte {
                b'"' if !escaped => break,
                b'\\' => escaped = !escaped,
                _ => escaped = false,
            }
        }
        if let Some(depth) = self.depth().filter(|_| matches!(self.last, b'{' | b',')) {
            let key = serde_json::from_slice(&self.found.text[start..]);
            self.keys.truncate(depth - 1);
            self.keys.push(key.map_err(|error| {
                Problem::invalid("body", "the body is not JSON").because(error)
            })?);
        }
        Ok(())
    }

    /// The data of an attachment: its place is kept.
    fn data(&mut self) -> Result<(), Problem> {
        self.put(b'"')?;
        self.put(b'"')?;
        let (start, mut plain) = (self.at, true);
        loop {
            let buffer = self.body.fill_buf().map_err(Problem::internal)?;
            let found = buffer.iter().position(|byte| matches!(byte, b'"' | b'\\'));
            let end = found.map(|at| buffer[at]);
            let count = found.map_or(buffer.len(), |at| at + 1);
            if count == 0 {
                return Err(cut());
            }
            self.body.consume(count);
            self.at += count as u64;
            match end {
                Some(b'"') => break,
                Some(_) => {
                    plain = false;
                    self.next()?;
                }
                None => {}
            }
        }
        let name = self.keys[1].clone();
        self.found.attachments.push(Attachment {
            name,
            start,
            length: self.at - 1 - start,
            plain,
        });
        Ok(())
    }
}

fn cut() -> Problem {
    Problem::invalid("body", "the body ends within a string")
}

#[cfg(test)]
mod tests;
