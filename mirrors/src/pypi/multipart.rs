//! Finds the parts of a `multipart/form-data` body (RFC 7578, RFC 2046 5.1) without holding any of
//! them in memory. It is stricter than it must be: what two readers could take for different things
//! is refused.

use super::metadata::invalid;
use crate::publishing::Body;
use larder_model::Problem;
use std::io::{self, Read, SeekFrom};

/// The longest boundary (RFC 2046 5.1.1).
const MAX_BOUNDARY_BYTES: usize = 70;
/// Headers of a part, in bytes. No client's come near it.
const MAX_HEAD_BYTES: usize = 4 << 10;
const MAX_PARTS: usize = 2000;
/// Bytes read at once: more than any part has, but the file.
const PIECE_BYTES: u64 = 256 << 10;

/// A part of a form.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// The field's name.
    pub(super) name: String,
    /// The file's name, if it is one.
    pub(super) file: Option<String>,
    /// Where its value begins in the body.
    pub(super) start: u64,
    /// How many bytes its value has.
    pub(super) length: u64,
}

impl Part {
    /// Its value. The caller has checked its length.
    pub(super) fn text(&self, body: &mut dyn Body) -> Result<String, Problem> {
        body.seek(SeekFrom::Start(self.start))
            .map_err(Problem::internal)?;
        let mut bytes = Vec::new();
        body.take(self.length)
            .read_to_end(&mut bytes)
            .map_err(Problem::internal)?;
        String::from_utf8(bytes)
            .map_err(|error| invalid("a field of the form is not UTF-8").because(error))
    }
}

/// The boundary in a `Content-Type`.
pub(super) fn boundary(content_type: &str) -> Result<String, Problem> {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=?".contains(&byte);
    let (kind, rest) = content_type.split_at(content_type.find(';').unwrap_or(content_type.len()));
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return Err(invalid(
            "an upload is a form: its Content-Type is multipart/form-data",
        ));
    }
    let found = parameters(rest).and_then(|all| one(&all, "boundary").ok().flatten());
    let known = found
        .filter(|text| (1..=MAX_BOUNDARY_BYTES).contains(&text.len()) && text.bytes().all(inner));
    known.ok_or_else(|| invalid("the form's Content-Type has no usable boundary"))
}

/// The parts of a body in their order.
pub(super) struct Parts<'a> {
    body: &'a mut dyn Body,
    /// What is before each part but the first: the end of a line, two hyphens, the boundary.
    mark: Vec<u8>,
    /// What was read last. The first `at` bytes of it are done.
    buffer: Vec<u8>,
    at: usize,
    /// Where the buffer begins in the body.
    base: u64,
    ended: bool,
    count: usize,
}

impl<'a> Parts<'a> {
    /// The parts of a body, which is read from its beginning.
    pub(super) fn new(body: &'a mut dyn Body, boundary: &str) -> Result<Self, Problem> {
        body.rewind().map_err(Problem::internal)?;
        let mark = format!("\r\n--{boundary}").into_bytes();
        let mut parts = Self {
            body,
            mark,
            buffer: Vec::new(),
            at: 0,
            base: 0,
            ended: false,
            count: 0,
        };
        parts.fill(parts.mark.len()).map_err(Problem::internal)?;
        let skip = [&parts.mark[..], &parts.mark[2..]]
            .into_iter()
            .find(|mark| parts.buffer.starts_with(mark));
        parts.at = skip
            .ok_or_else(|| invalid("the form does not begin with its boundary"))?
            .len();
        Ok(parts)
    }

    /// The next part; `None` after the last one. Fails if bytes follow it.
    pub(super) fn next(&mut self) -> Result<Option<Part>, Problem> {
        // After a boundary come two hyphens at the end, or a line break and a part.
        self.fill(MAX_HEAD_BYTES).map_err(Problem::internal)?;
        let rest = &self.buffer[self.at..];
        if let Some(end) = rest.strip_prefix(b"--") {
            return if matches!(end, b"" | b"\r\n") {
                Ok(None)
            } else {
                Err(invalid("the form has bytes after its end"))
            };
        }
        if !rest.starts_with(b"\r\n") {
            return Err(cut_or(
                "the form's boundary is within its content",
                rest.len() < 2,
            ));
        }
        self.count += 1;
        if self.count > MAX_PARTS {
            return Err(invalid("the form has too many fields"));
        }
        // The head of the part, up to an empty line.
        let head = &rest[..rest.len().min(MAX_HEAD_BYTES)];
        let Some(length) = find(head, b"\r\n\r\n") else {
            return Err(cut_or(
                "a field of the form has too long a head",
                head.len() < MAX_HEAD_BYTES,
            ));
        };
        let (name, file) = disposition(head.get(2..length).unwrap_or_default())?;
        self.at += length + 4;
        // Its content, up to the next boundary.
        let start = self.base + self.at as u64;
        if !self.skip_to_mark().map_err(Problem::internal)? {
            return Err(cut_or("", true));
        }
        let part = Part {
            name,
            file,
            start,
            length: self.base + self.at as u64 - start,
        };
        self.at += self.mark.len();
        Ok(Some(part))
    }

    /// Reads more if fewer than `least` bytes are in the buffer.
    fn fill(&mut self, least: usize) -> io::Result<()> {
        if self.buffer.len() - self.at < least && !self.ended {
            self.base += self.at as u64;
            self.buffer.drain(..std::mem::take(&mut self.at));
            let count = (&mut *self.body)
                .take(PIECE_BYTES)
                .read_to_end(&mut self.buffer)?;
            self.ended = (count as u64) < PIECE_BYTES;
        }
        Ok(())
    }

    /// Moves to the next mark; `false` if there is none.
    fn skip_to_mark(&mut self) -> io::Result<bool> {
        loop {
            let rest = &self.buffer[self.at..];
            if let Some(at) = find(rest, &self.mark) {
                self.at += at;
                return Ok(true);
            }
            let keep = rest.len().min(self.mark.len() - 1);
            self.at += rest.len() - keep;
            self.fill(keep + 1)?;
            if self.buffer.len() - self.at == keep {
                return Ok(false);
            }
        }
    }
}

fn cut_or(otherwise: &'static str, cut: bool) -> Problem {
    invalid(if cut {
        "the form ends too early"
    } else {
        otherwise
    })
}

/// Where `mark` begins. Its first byte is rare, so hardly any byte is compared twice.
fn find(bytes: &[u8], mark: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + bytes[from..].iter().position(|byte| *byte == mark[0])?;
        if bytes[at..].starts_with(mark) {
            return Some(at);
        }
        from = at + 1;
    }
}

/// The names in the headers of a part: of its field, and of its file.
fn disposition(head: &[u8]) -> Result<(String, Option<String>), Problem> {
    let unclear = || invalid("a field of the form has no clear name");
    let head = std::str::from_utf8(head).map_err(|error| unclear().because(error))?;
    let mut found = None;
    for line in head.split("\r\n") {
        let (key, value) = line.split_once(':').ok_or_else(unclear)?;
        if key.eq_ignore_ascii_case("content-disposition") {
            let rest = value
                .trim_start()
                .get(..9)
                .filter(|kind| kind.eq_ignore_ascii_case("form-data"));
            let all = rest
                .and_then(|_| parameters(&value.trim_start()[9..]))
                .filter(|_| found.is_none());
            found = Some(all.ok_or_else(unclear)?);
        } else if key.eq_ignore_ascii_case("content-transfer-encoding")
            && !["binary", "8bit", "7bit"]
                .iter()
                .any(|plain| value.trim().eq_ignore_ascii_case(plain))
        {
            return Err(invalid("a field of the form is encoded"));
        }
    }
    let all = found.ok_or_else(unclear)?;
    if all.iter().any(|(key, _)| key.contains('*')) {
        return Err(unclear());
    }
    let name = one(&all, "name")
        .and_then(|name| name.ok_or(()))
        .map_err(|()| unclear())?;
    Ok((name, one(&all, "filename").map_err(|()| unclear())?))
}

type Parameters = Vec<(String, String)>;

/// The value of a parameter; an error if it is there twice.
fn one(all: &Parameters, key: &str) -> Result<Option<String>, ()> {
    let mut values = all
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case(key));
    let first = values.next().map(|(_, value)| value.clone());
    if values.next().is_some() {
        Err(())
    } else {
        Ok(first)
    }
}

/// Reads `; key=value; key="value"`. Readers differ in escapes, so a value with one is refused.
fn parameters(text: &str) -> Option<Parameters> {
    let mut all = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        rest = rest.strip_prefix(';')?.trim_start();
        if rest.is_empty() {
            break;
        }
        let (key, after) = rest.split_once('=')?;
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_at(after.find(';').unwrap_or(after.len())),
        };
        if value.contains(|char: char| char.is_control() || matches!(char, '"' | '\\')) {
            return None;
        }
        all.push((key.trim().to_owned(), value.trim().to_owned()));
        rest = after.trim_start();
    }
    Some(all)
}
