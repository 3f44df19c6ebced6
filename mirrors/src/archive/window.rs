//! A part of a body that is read like a whole: an uploaded file within a form.

use crate::publishing::Body;
use std::io::{self, Read, SeekFrom, Take};

/// Bytes read at once.
const PIECE_BYTES: usize = 256 << 10;

/// A part of a body.
pub(crate) struct Window<'a> {
    body: &'a mut dyn Body,
    start: u64,
    length: u64,
}

impl<'a> Window<'a> {
    pub(crate) fn new(body: &'a mut dyn Body, start: u64, length: u64) -> Self {
        Self {
            body,
            start,
            length,
        }
    }

    /// Its offset in the body.
    pub(crate) fn start(&self) -> u64 {
        self.start
    }

    /// Its length in bytes.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// A reader of the bytes between `at` and `at + length`; an error if they are outside of the
    /// part.
    pub(crate) fn stream(
        &mut self,
        at: u64,
        length: u64,
    ) -> io::Result<Take<&mut (dyn Body + 'a)>> {
        if at.checked_add(length).is_none_or(|end| end > self.length) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.body.seek(SeekFrom::Start(self.start + at))?;
        Ok((&mut *self.body).take(length))
    }

    /// The bytes between `at` and `at + length`. The length is bounded by the caller.
    pub(crate) fn bytes(&mut self, at: u64, length: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let count = self.stream(at, length)?.read_to_end(&mut bytes)?;
        if count as u64 == length {
            Ok(bytes)
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }

    /// Passes all bytes to a function, a piece at a time.
    pub(crate) fn each(&mut self, mut take: impl FnMut(&[u8])) -> io::Result<()> {
        let mut all = self.stream(0, self.length)?;
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            match all.read(&mut piece)? {
                0 => return Ok(()),
                count => take(&piece[..count]),
            }
        }
    }
}
