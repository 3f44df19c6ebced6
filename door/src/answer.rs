//! What a door answers, and how it becomes a response: HEAD, ranges and validators are handled
//! here, once for all.

use crate::body::{Body, Wire};
use crate::dates::Changed;
use crate::multipart::{ContentStream, Multipart, content_range};
use crate::overlay::Overlay;
use crate::range::{RangeRequest, wanted};
use futures_util::StreamExt as _;
use futures_util::stream::once;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
    IF_RANGE, LAST_MODIFIED, RANGE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use larder_content::ContentStore;
use larder_metadata::files::FileRecord;
use larder_model::{Digest, Kind, Permission, Problem, Reply};
use larder_storage::{Content, Error};
use std::future::ready;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// A header that no client gets: the host of the upstream of which an answer's bytes are, for the log.
pub const UPSTREAM: HeaderName = HeaderName::from_static("larder-upstream");

/// What a door answers.
#[derive(Debug)]
pub enum Answer {
    /// A small answer at hand.
    Reply(Reply),
    /// Kept bytes.
    Blob(BlobAnswer),
    /// Bytes that are still coming in.
    Streaming(Streaming),
    /// A response that a framework behind the door made.
    Response(Box<ReadyResponse>),
    /// Refusals that only the answer itself can say.
    Refusals(Refusals),
}

/// Makes an answer of what was refused.
pub type Say = Box<dyn FnOnce(&[Problem]) -> Reply + Send>;

/// An answer that tells of refusals in words of its own: of one of several things, or with a status that is
/// no error.
pub struct Refusals {
    /// What was refused. Where a rule did it, the address at which more of it stands is added.
    pub problems: Vec<Problem>,
    /// Says them.
    pub say: Say,
}

impl std::fmt::Debug for Refusals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Refusals")
            .field("problems", &self.problems)
            .finish_non_exhaustive()
    }
}

/// A response that is ready as it stands, and what the door did not know of it before.
#[derive(Debug)]
pub struct ReadyResponse {
    /// The response.
    pub response: Response<Body>,
    /// What had to be allowed for it.
    pub permissions: Vec<Permission>,
    /// What went wrong, if it says that something did.
    pub problem: Option<Problem>,
}

/// Bytes that are still coming in. Parts of them are answered where their number is known.
pub struct Streaming {
    /// Their number, if it is known.
    pub size: Option<u64>,
    /// Media type.
    pub content_type: HeaderValue,
    /// Headers of the protocol.
    pub headers: HeaderMap,
    /// For how long caches on the way may keep them.
    pub lasts: Lasts,
    /// Whether caches on the way must not keep them, although anyone may ask at this address.
    pub private: bool,
    /// Opens the bytes, all or a part of them, as they come; an error breaks the connection off.
    pub open: Box<dyn Fn(Option<Range<u64>>) -> ContentStream + Send>,
}

impl std::fmt::Debug for Streaming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Streaming")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

/// For how long an answer is right.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lasts {
    /// The address names these bytes for ever (a digest).
    Forever,
    /// For so long.
    For(Duration),
    /// It may change at any time (a tag).
    Unknown,
}

/// Kept bytes with what is said of them.
#[derive(Debug)]
pub struct BlobAnswer {
    /// Which bytes.
    pub found: Arc<FileRecord>,
    /// Media type, exactly as it was given.
    pub content_type: HeaderValue,
    /// Headers of the protocol.
    pub headers: HeaderMap,
    /// For how long the address names these bytes.
    pub lasts: Lasts,
    /// Whether caches on the way must not keep them, although anyone may ask at this address.
    pub private: bool,
    /// What is put into them on their way out.
    pub overlay: Option<Overlay>,
    /// When they came to be what they are, if clients ask by that alone.
    pub changed: Option<Box<Changed>>,
}

impl Answer {
    /// The same for those only who may see it: caches on the way must not keep it.
    #[must_use]
    pub fn hidden(mut self) -> Self {
        match &mut self {
            Self::Reply(_) | Self::Response(_) | Self::Refusals(_) => {} // say nothing of caches, or say it themselves
            Self::Blob(blob) => blob.private = true,
            Self::Streaming(streaming) => streaming.private = true,
        }
        self
    }
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        Self::Reply(reply)
    }
}

impl From<ReadyResponse> for Answer {
    fn from(ready: ReadyResponse) -> Self {
        Self::Response(Box::new(ready))
    }
}

/// Whether an `If-None-Match` or `If-Match` list names this entity tag (weak comparison), or is
/// `*`.
pub fn names_tag(list: &str, tag: &str) -> bool {
    let one = |item: &str| item.trim().trim_start_matches("W/").trim_matches('"') == tag;
    list.trim() == "*" || list.split(',').any(one)
}

/// Whether a client that has a part of bytes has one of those with this entity tag, or told of none.
fn is_current(headers: &HeaderMap, digest: &Digest, changed: Option<&Changed>) -> bool {
    let Some(part) = headers.get(IF_RANGE) else {
        return true;
    };
    let is_tag = |text: &str| text.trim() == format!("\"{}\"", &*digest.text());
    part.to_str().is_ok_and(is_tag)
        || changed.is_some_and(|changed| changed.is_part_of(headers, digest))
}

/// What a request wants of so many bytes. `is_current`: a part that the client has is of them.
fn range_of(method: &Method, headers: &HeaderMap, is_current: bool, size: u64) -> RangeRequest {
    let range = headers.get(RANGE).and_then(|value| value.to_str().ok());
    let range = range.filter(|_| is_current && *method == Method::GET);
    range.map_or(RangeRequest::Whole, |range| wanted(range, size))
}

/// Whether a request that is answered with kept bytes downloads them: a HEAD, a 304 and a later part
/// of them do not.
pub fn is_download(request: &Parts, found: &FileRecord, changed: Option<&Changed>) -> bool {
    if request.method != Method::GET {
        return false;
    }
    let headers = &request.headers;
    let has_condition = headers.contains_key(IF_NONE_MATCH) || headers.contains_key(RANGE);
    if !has_condition {
        return true; // as nearly all, without a look at the digest's text
    }
    let tag = found.digest.text();
    if is_known(headers, &tag) {
        return false;
    }
    let is_current = is_current(headers, &found.digest, changed);
    range_of(&request.method, headers, is_current, found.size).has_first()
}

/// Whether the client says that it has the bytes with this entity tag.
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let list = headers.get(IF_NONE_MATCH);
    let list = list.and_then(|value| value.to_str().ok());
    list.is_some_and(|list| names_tag(list, tag))
}

pub(crate) fn of_reply(reply: Reply, head: bool) -> Response<Body> {
    let length = reply.body.len();
    let mut response = Response::new(if head {
        Body::default()
    } else {
        reply.body.into()
    });
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    if reply.status != StatusCode::NO_CONTENT && reply.status != StatusCode::NOT_MODIFIED {
        response
            .headers_mut()
            .insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    response
}

/// Opens kept bytes as the request asks for them.
pub(crate) async fn of_blob(
    answer: BlobAnswer,
    request: &RequestView<'_>,
    content: &ContentStore,
    public: bool,
) -> Result<Response<Body>, Problem> {
    let BlobAnswer {
        found,
        content_type,
        headers: mut said,
        lasts,
        private,
        overlay,
        changed,
    } = answer;
    let (digest, size) = match &overlay {
        Some(overlay) => (overlay.tag, overlay.size),
        None => (found.digest, found.size),
    };
    // Who has these bytes already gets none (RFC 9110 13.1.2, 13.1.3).
    let tag = digest.text();
    let quoted = ["\"", &tag, "\""].concat();
    let quoted = HeaderValue::try_from(quoted).map_err(Problem::internal)?;
    said.insert(CACHE_CONTROL, cache_control(lasts, public && !private));
    if let Some(date) = changed.as_deref().and_then(|changed| changed.date(&digest)) {
        said.insert(LAST_MODIFIED, date);
    }
    let has_date = changed
        .as_deref()
        .is_some_and(|changed| changed.is_known(request.headers, &digest));
    if has_date || is_known(request.headers, &tag) {
        said.insert(ETAG, quoted);
        return Ok(response(StatusCode::NOT_MODIFIED, said, Body::default()));
    }
    content.require_whole(&found).await?;
    // Which of them are wanted (RFC 9110 14.2).
    said.insert(ETAG, quoted);
    let selected = select(
        request,
        (
            is_current(request.headers, &digest, changed.as_deref()),
            size,
            overlay.is_none(),
        ),
        content_type,
        &mut said,
    )?;
    let (status, length) = (selected.status(), selected.length(size));
    // They come out of their row, or out of the store.
    let wire = request.wire.cloned();
    let body = match selected {
        _ if request.method == Method::HEAD => Body::default(),
        Selected::All => open_part(content, &found, 0..size, (overlay, wire)).await?,
        Selected::Part(range) => open_part(content, &found, range, (overlay, wire)).await?,
        Selected::Parts(parts) => {
            let open = kept_parts(content, &found, parts.first()).await?;
            Body::of_parts(parts.stream(open), Some(length), wire)
        }
    };
    Ok(response(status, said, body))
}

/// Opens a part of kept bytes, with what is laid over them.
async fn open_part(
    content: &ContentStore,
    found: &Arc<FileRecord>,
    range: Range<u64>,
    (overlay, wire): (Option<Overlay>, Option<Wire>),
) -> Result<Body, Problem> {
    let opened = content.open(found, range.clone()).await?;
    Ok(match overlay {
        Some(overlay) => overlay.body(opened, range, wire),
        None => Body::of_content(opened, range.end - range.start, wire),
    })
}

/// Opens parts of kept bytes, of which `first` is one.
async fn kept_parts(
    content: &ContentStore,
    found: &Arc<FileRecord>,
    first: Range<u64>,
) -> Result<impl Fn(Range<u64>) -> ContentStream + Send + use<>, Problem> {
    // One open file has all parts, also when its name goes meanwhile.
    let file = match content.open(found, first).await? {
        Content::File { file, .. } => Some(file),
        Content::Ready(_) | Content::Stream(_) => None,
    };
    let (content, found) = (content.clone(), Arc::clone(found));
    Ok(move |range| {
        if let Some(file) = &file {
            let file = Arc::clone(file);
            return once(ready(Ok(Content::File { file, range }))).boxed();
        }
        let (content, found) = (content.clone(), Arc::clone(&found));
        let open = async move {
            let opened = content.open(&found, range).await;
            opened.map_err(|problem| Error::Io(io::Error::other(problem.to_string())))
        };
        once(open).boxed()
    })
}

/// What of a body goes out.
enum Selected {
    All,
    Part(Range<u64>),
    Parts(Multipart),
}

impl Selected {
    const fn status(&self) -> StatusCode {
        match self {
            Self::All => StatusCode::OK,
            Self::Part(_) | Self::Parts(_) => StatusCode::PARTIAL_CONTENT,
        }
    }

    /// Bytes that go out of a body of `size` bytes.
    fn length(&self, size: u64) -> u64 {
        match self {
            Self::All => size,
            Self::Part(range) => range.end - range.start,
            Self::Parts(parts) => parts.length(),
        }
    }
}

/// What a request wants of so many bytes (RFC 9110 14.2), and the headers that say what it gets.
/// `is_current`: a part that the client has is of them.
fn select(
    request: &RequestView<'_>,
    (is_current, size, in_parts): (bool, u64, bool),
    content_type: HeaderValue,
    said: &mut HeaderMap,
) -> Result<Selected, Problem> {
    said.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let selected = match range_of(request.method, request.headers, is_current, size) {
        RangeRequest::Whole => Selected::All,
        // What has something laid over it goes out in one piece (RFC 9110 14.2 leaves that open).
        RangeRequest::Parts(_) if !in_parts => Selected::All,
        RangeRequest::Part(range) => {
            let text = HeaderValue::try_from(content_range(&range, size));
            said.insert(CONTENT_RANGE, text.map_err(Problem::internal)?);
            Selected::Part(range)
        }
        RangeRequest::Parts(parts) => {
            let parts = Multipart::new(parts, content_type, size);
            said.insert(CONTENT_TYPE, parts.content_type()?);
            said.insert(CONTENT_LENGTH, HeaderValue::from(parts.length()));
            return Ok(Selected::Parts(parts));
        }
        RangeRequest::Outside => {
            let detail = format!("the range lies outside of its {size} bytes");
            let mut problem = Problem::new(Kind::Range, "blob", detail);
            problem.size_bytes = Some(size);
            return Err(problem);
        }
    };
    said.insert(CONTENT_TYPE, content_type);
    said.insert(CONTENT_LENGTH, HeaderValue::from(selected.length(size)));
    Ok(selected)
}

/// What of a request an answer depends on.
pub(crate) struct RequestView<'a> {
    pub(crate) method: &'a Method,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) wire: Option<&'a Wire>,
}

/// Bytes as they come in. Whoever has some of them already is sent all: which ones these are is known
/// at their end.
pub(crate) fn of_streaming(
    answer: Streaming,
    request: &RequestView<'_>,
    public: bool,
) -> Result<Response<Body>, Problem> {
    let Streaming {
        size,
        content_type,
        headers: mut said,
        lasts,
        private,
        open,
    } = answer;
    said.insert(CACHE_CONTROL, cache_control(lasts, public && !private));
    let selected = if let Some(size) = size {
        // Of what is not known to its end nobody has a part by its tag or its date.
        let is_current = !request.headers.contains_key(IF_RANGE);
        select(request, (is_current, size, true), content_type, &mut said)?
    } else {
        said.insert(CONTENT_TYPE, content_type);
        Selected::All
    };
    let (status, length) = (selected.status(), size.map(|size| selected.length(size)));
    let body = if request.method == Method::HEAD {
        Body::default()
    } else {
        let stream = match selected {
            Selected::All => open(None),
            Selected::Part(range) => open(Some(range)),
            Selected::Parts(parts) => parts.stream(move |range| open(Some(range))),
        };
        Body::of_parts(stream, length, request.wire.cloned())
    };
    Ok(response(status, said, body))
}

fn cache_control(lasts: Lasts, public: bool) -> HeaderValue {
    let text = match (lasts, public) {
        (Lasts::Forever, true) => "public, max-age=31536000, immutable",
        (Lasts::Forever, false) => "private, max-age=31536000, immutable",
        (Lasts::Unknown, true) => "no-cache",
        (Lasts::Unknown, false) => "private, no-cache",
        (Lasts::For(time), public) => {
            let who = if public { "public" } else { "private" };
            let text = [who, ", max-age=", &time.as_secs().to_string()].concat();
            return HeaderValue::try_from(text)
                .unwrap_or_else(|_| HeaderValue::from_static("no-cache"));
        }
    };
    HeaderValue::from_static(text)
}

fn response(status: StatusCode, headers: HeaderMap, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

#[cfg(test)]
mod tests;
