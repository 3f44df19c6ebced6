//! The body of a publication: JSON that contains the tarball as base64. The scanner notes where the
//! tarball is and copies the rest.

use crate::publishing::Body;
use larder_model::{Limit, Problem};
use std::io::{BufRead as _, BufReader};

/// The depth that `serde_json` reads.
const MAX_DEPTH: usize = 128;
const BUFFER_BYTES: usize = 1 << 16;
/// No key that matters to the scanner is as long, whatever its escapes.
const MAX_KEY_BYTES: usize = 1 << 10;

/// The data of an attachment: a JSON string within the body.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Attachment {
    pub(super) name: String,
    /// Offset of the string's first byte in the body.
    pub(super) start: u64,
    /// Bytes of the string.
    pub(super) length: u64,
    /// Whether the string has no escapes, so that the body's bytes are its value.
    pub(super) plain: bool,
}

/// A body in which an empty string replaces the data of each attachment.
pub(super) struct Scan {
    pub(super) text: Vec<u8>,
    pub(super) attachments: Vec<Attachment>,
}

/// Scans a body, which has at most `limit` besides its attachments. It does not check that the body is
/// JSON: the text outside of the attachments is copied unchanged, and its reader checks that.
pub(super) fn scan(body: &mut dyn Body, limit: Limit) -> Result<Scan, Problem> {
    // Its size is known first: a text that grows takes twice its place.
    let bytes = text_bytes(body, limit)?;
    body.rewind().map_err(Problem::internal)?;
    let mut scanner = Scanner::new(body, limit, true);
    scanner.found.text = Vec::with_capacity(usize::try_from(bytes).unwrap_or_default());
    while let Some(byte) = scanner.next()? {
        scanner.advance(byte)?;
    }
    Ok(scanner.found)
}

/// The bytes of a body without the data of its attachments, which nothing of it is held for.
pub(super) fn text_bytes(body: &mut dyn Body, limit: Limit) -> Result<u64, Problem> {
    body.rewind().map_err(Problem::internal)?;
    let mut scanner = Scanner::new(body, limit, false);
    while let Some(byte) = scanner.next()? {
        scanner.advance(byte)?;
        scanner.found.text.clear();
        scanner.found.attachments.clear();
    }
    Ok(scanner.bytes)
}

struct Scanner<'a> {
    body: BufReader<&'a mut dyn Body>,
    /// The offset of the next byte.
    at: u64,
    /// Open braces and brackets, outermost first.
    open: Vec<u8>,
    /// The keys of the open objects, as long as no array is open.
    keys: Vec<String>,
    /// The last byte that is not white space.
    last: u8,
    /// On the text.
    limit: Limit,
    /// The bytes of the text so far.
    bytes: u64,
    /// Whether the text is kept, or only as much of a string as can be a key that matters.
    keeps: bool,
    found: Scan,
}

impl<'a> Scanner<'a> {
    fn new(body: &'a mut dyn Body, limit: Limit, keeps: bool) -> Self {
        Self {
            body: BufReader::with_capacity(BUFFER_BYTES, body),
            at: 0,
            open: Vec::new(),
            keys: Vec::new(),
            last: 0,
            limit,
            bytes: 0,
            keeps,
            found: Scan {
                text: Vec::new(),
                attachments: Vec::new(),
            },
        }
    }

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

    fn advance(&mut self, byte: u8) -> Result<(), Problem> {
        match byte {
            b'"' if self.is_data() => self.data()?,
            b'"' => self.string()?,
            b'{' | b'[' if self.open.len() == MAX_DEPTH => {
                return Err(Problem::invalid("body", "the body is nested too deep"));
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

    /// Copies a byte to the text.
    fn put(&mut self, byte: u8) -> Result<(), Problem> {
        if self.bytes == self.limit.bytes {
            let what = "what the publication has besides its tarball";
            return Err(self.limit.exceeded("body", what, None));
        }
        self.bytes += 1;
        if self.keeps || self.found.text.len() < MAX_KEY_BYTES {
            self.found.text.push(byte);
        }
        Ok(())
    }

    /// The number of open objects, from one to three; `None` if an array is open.
    fn depth(&self) -> Option<usize> {
        let depth = self.open.len();
        ((1..=3).contains(&depth) && self.open.iter().all(|open| *open == b'{')).then_some(depth)
    }

    /// Whether the string that begins is the data of an attachment.
    fn is_data(&self) -> bool {
        let [first, _, last] = self.keys.as_slice() else {
            return false;
        };
        let is_path = first == "_attachments" && last == "data";
        is_path && self.last == b':' && self.depth() == Some(3)
    }

    /// Copies a string, and notes it if it is a key.
    fn string(&mut self) -> Result<(), Problem> {
        let start = self.found.text.len();
        self.put(b'"')?;
        let mut escaped = false;
        loop {
            let byte = self.next()?.ok_or_else(unterminated)?;
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
            let is_whole = self.keeps || self.found.text.len() < MAX_KEY_BYTES;
            self.keys.push(match key {
                Ok(key) => key,
                Err(_) if !is_whole => String::new(),
                Err(error) => {
                    let problem = Problem::invalid("body", "the body is not JSON");
                    return Err(problem.because(error));
                }
            });
        }
        Ok(())
    }

    /// Skips the data of an attachment, and notes its place.
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
                return Err(unterminated());
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

fn unterminated() -> Problem {
    Problem::invalid("body", "the body ends within a string")
}

#[cfg(test)]
mod tests;
