//! Lists of images, of which clients ask for parts: composed of the whole that is kept.

use crate::bodies::Bodies;
use crate::document::Documents;
use crate::intake::Intake;
use crate::limits::SMALL_DOCUMENT;
use crate::problems::no_image;
use crate::repo::Repo;
use crate::responder::{status, takes_gzip, tell_source};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{AGE, CONTENT_ENCODING, HeaderName, LINK, VARY};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use larder_door::{Answer, BlobAnswer, Lasts};
use larder_metadata::Metadata;
use larder_metadata::files::FileRecord;
use larder_mirrors::Document;
use larder_mirrors::oci::ListRequest;
use larder_model::{Algorithm, Digest, Problem};
use moka::sync::Cache as Memory;
use std::io::Write as _;
use std::sync::Arc;

/// Composed parts that are held in memory, in bytes.
const MEMORY_BYTES: u64 = 16 << 20;
/// A part up to this size is not worth compressing.
const COMPRESSED_FROM: usize = 1024;
/// Larger lists are read away from the connections.
const COMPOSED_HERE: u64 = 64 * 1024;
/// That a list has only what was asked for (distribution-spec, "Listing Referrers").
const FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");

/// A part of a list: of which state of it, for which image as it was asked for, which part, and
/// whether it is compressed.
type PartKey = (Digest, Box<str>, ListRequest, bool);

/// Answers with lists.
pub(crate) struct Lists {
    metadata: Metadata,
    documents: Arc<Documents>,
    bodies: Arc<Bodies>,
    intake: Intake,
    composed: Memory<PartKey, Arc<Part>>,
}

/// A composed part.
struct Part {
    found: Arc<FileRecord>,
    content_type: &'static str,
    /// The query of the part after it.
    next: Option<String>,
    is_filtered: bool,
    is_compressed: bool,
}

impl Lists {
    /// Parts of these documents.
    pub(crate) fn new(
        metadata: Metadata,
        documents: Arc<Documents>,
        bodies: Arc<Bodies>,
        intake: Intake,
    ) -> Self {
        let weigh = |_: &PartKey, part: &Arc<Part>| {
            u32::try_from(part.found.size + 1024).unwrap_or(u32::MAX)
        };
        let composed = Memory::builder()
            .max_capacity(MEMORY_BYTES)
            .weigher(weigh)
            .build();
        Self {
            metadata,
            documents,
            bodies,
            intake,
            composed,
        }
    }

    /// Answers with a part of a list. `name`: the image as it was asked for.
    pub(crate) async fn answer(
        &self,
        repo: &Arc<Repo>,
        document: &Document,
        (wanted, name): (&ListRequest, &str),
        request: &Parts,
    ) -> Result<Answer, Problem> {
        repo.require_not_blocked(&document.package)?;
        let cached = self.documents.get(repo, document).await?;
        self.metadata
            .note_use(repo.document_key(document), &cached.found);
        let gzip = takes_gzip(&request.headers);
        let key = (cached.found.digest, name.into(), wanted.clone(), gzip);
        let part = if let Some(part) = self.composed.get(&key) {
            part
        } else {
            let part = self.compose(document, &cached.found, &key).await?;
            // What has a place among what goes out is not to stay there.
            if part.found.size <= SMALL_DOCUMENT as u64 {
                self.composed.insert(key, Arc::clone(&part));
            }
            part
        };
        let mut headers = HeaderMap::new();
        headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
        headers.insert(AGE, HeaderValue::from(cached.age.as_secs()));
        tell_source(&mut headers, repo, status(&cached, repo));
        if part.is_compressed {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if part.is_filtered {
            headers.insert(FILTERS_APPLIED, HeaderValue::from_static("artifactType"));
        }
        if let Some(next) = &part.next {
            headers.insert(LINK, link(request, next)?);
        }
        Ok(Answer::Blob(BlobAnswer {
            found: Arc::clone(&part.found),
            overlay: None,
            changed: None,
            content_type: HeaderValue::from_static(part.content_type),
            headers,
            lasts: Lasts::For(repo.fresh.saturating_sub(cached.age)),
            private: false,
        }))
    }

    async fn compose(
        &self,
        document: &Document,
        kept: &FileRecord,
        (_, name, wanted, gzip): &PartKey,
    ) -> Result<Arc<Part>, Problem> {
        let (body, share) = self.bodies.read_in_turn(kept).await?;
        let (document, name) = (document.clone(), name.clone());
        let (wanted, gzip) = (wanted.clone(), *gzip);
        let work = move || {
            let composed = compose(&document, &body, (&wanted, &name), gzip);
            drop(body);
            drop(share);
            composed
        };
        let mut composed = if kept.size <= COMPOSED_HERE {
            work()?
        } else {
            let done = tokio::task::spawn_blocking(work).await;
            done.map_err(Problem::internal)??
        };
        composed.body = self.intake.hold_once(composed.body).await?;
        Ok(composed.part())
    }
}

fn compose(
    document: &Document,
    body: &[u8],
    (wanted, name): (&ListRequest, &str),
    gzip: bool,
) -> Result<Composed, Problem> {
    let page = wanted.page(document, body, name)?;
    let is_compressed = gzip && page.body.len() >= COMPRESSED_FROM;
    let body = if is_compressed {
        let room = Vec::with_capacity(page.body.len() / 4);
        let mut encoder = GzEncoder::new(room, Compression::default());
        encoder.write_all(&page.body).map_err(Problem::internal)?;
        encoder.finish().map_err(Problem::internal)?
    } else {
        page.body
    };
    Ok(Composed {
        digest: Digest::of(Algorithm::Sha256, &body),
        body: body.into(),
        content_type: page.content_type,
        next: page.next,
        is_filtered: page.is_filtered,
        is_compressed,
    })
}

/// A part of which the bytes have no place in memory yet.
struct Composed {
    digest: Digest,
    body: Bytes,
    content_type: &'static str,
    next: Option<String>,
    is_filtered: bool,
    is_compressed: bool,
}

impl Composed {
    fn part(self) -> Arc<Part> {
        let size = self.body.len() as u64;
        let mut found = FileRecord::transient(self.content_type, self.digest, size);
        found.body = Some(self.body);
        Arc::new(Part {
            found: Arc::new(found),
            content_type: self.content_type,
            next: self.next,
            is_filtered: self.is_filtered,
            is_compressed: self.is_compressed,
        })
    }
}

/// The link to the next part, at the address of this one: what tells the repository stays in it.
fn link(request: &Parts, next: &str) -> Result<HeaderValue, Problem> {
    let (path, query) = (request.uri.path(), request.uri.query().unwrap_or_default());
    let host = query.split('&').find(|pair| pair.starts_with("ns="));
    let host = host.map(|pair| format!("&{pair}")).unwrap_or_default();
    let link = format!("<{path}?{next}{host}>; rel=\"next\"");
    HeaderValue::try_from(link).map_err(|_| no_image())
}
