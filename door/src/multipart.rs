//! Several parts of one body in one answer (RFC 9110 14.6).

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{BoxStream, iter, once};
use http::HeaderValue;
use larder_model::Problem;
use larder_storage::{Content, Error};
use std::future::ready;
use std::hash::{BuildHasher as _, RandomState};
use std::ops::Range;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes on their way out, part by part.
pub type ContentStream = BoxStream<'static, Result<Content, Error>>;

/// Parts of a body, and what stands between them.
pub(crate) struct Multipart {
    boundary: String,
    parts: Vec<Range<u64>>,
    content_type: HeaderValue,
    size: u64,
}

impl Multipart {
    /// These parts of a body of `size` bytes.
    pub(crate) fn new(parts: Vec<Range<u64>>, content_type: HeaderValue, size: u64) -> Self {
        Self {
            boundary: boundary(),
            parts,
            content_type,
            size,
        }
    }

    /// The part that goes out first.
    pub(crate) fn first(&self) -> Range<u64> {
        self.parts.first().cloned().unwrap_or_default()
    }

    /// The media type of all of it.
    pub(crate) fn content_type(&self) -> Result<HeaderValue, Problem> {
        let text = format!("multipart/byteranges; boundary={}", self.boundary);
        HeaderValue::try_from(text).map_err(Problem::internal)
    }

    /// Bytes in all.
    pub(crate) fn length(&self) -> u64 {
        let part = |part: &Range<u64>| self.head(part).len() as u64 + part.end - part.start;
        self.parts.iter().map(part).sum::<u64>() + self.end().len() as u64
    }

    /// All of it; `open` gives the bytes of a part.
    pub(crate) fn stream(
        mut self,
        open: impl Fn(Range<u64>) -> ContentStream + Send + 'static,
    ) -> ContentStream {
        let ready = |bytes| once(ready(Ok(Content::Ready(bytes))));
        let (parts, end) = (std::mem::take(&mut self.parts), self.end());
        iter(parts)
            .flat_map(move |part| ready(self.head(&part)).chain(open(part)))
            .chain(ready(end))
            .boxed()
    }

    fn head(&self, part: &Range<u64>) -> Bytes {
        let mut head = format!("\r\n--{}\r\ncontent-type: ", self.boundary).into_bytes();
        head.extend_from_slice(self.content_type.as_bytes());
        let range = content_range(part, self.size);
        head.extend_from_slice(format!("\r\ncontent-range: {range}\r\n\r\n").as_bytes());
        head.into()
    }

    fn end(&self) -> Bytes {
        format!("\r\n--{}--\r\n", self.boundary).into()
    }
}

/// Which part of a body of `size` bytes it is, as `Content-Range` says it.
pub(crate) fn content_range(part: &Range<u64>, size: u64) -> String {
    format!("bytes {}-{}/{size}", part.start, part.end - 1)
}

/// What stands in no body: whoever makes one cannot know what its parts will be separated by.
fn boundary() -> String {
    static KEYS: LazyLock<[RandomState; 2]> = LazyLock::new(Default::default);
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let [one, other] = [&KEYS[0], &KEYS[1]].map(|key| key.hash_one(number));
    format!("{one:016x}{other:016x}")
}

#[cfg(test)]
mod tests;
