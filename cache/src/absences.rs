//! What an upstream said that it does not have, for when it cannot be asked.
//!
//! Where names nest, clients ask for longer names than a package has, and go on with the shorter one
//! only if the longer is not there. They are told so again when nobody can ask, or what is kept could
//! not be had: of names alone of which nothing is kept, and of a bounded number.

use crate::bodies::Bodies;
use crate::repo::Repo;
use larder_content::ContentStore;
use larder_metadata::Metadata;
use larder_metadata::documents::{NewFile, NewFiles};
use larder_mirrors::{Document, ReadRequest};
use larder_model::{Algorithm, Digest, FileKind, Kind, Problem, System};
use std::sync::Arc;
use tokio::sync::Mutex;

/// The name under which it is kept, which no package has.
const PACKAGE: &str = "//absent";
/// Things of one document of those among which they are spread by their digests.
const MAX_LINES: usize = 200;
const CONTENT_TYPE: &str = "text/plain; charset=utf-8";

/// The absences of all mirrors.
pub(crate) struct Absences {
    metadata: Metadata,
    content: ContentStore,
    bodies: Arc<Bodies>,
    noting: Mutex<()>,
}

impl Absences {
    /// Over the rows and the bytes of a server.
    pub(crate) fn new(metadata: Metadata, content: ContentStore, bodies: Arc<Bodies>) -> Self {
        let noting = Mutex::new(());
        Self {
            metadata,
            content,
            bodies,
            noting,
        }
    }

    /// The problem of a request, which is noted, or in its place that the upstream had no such thing.
    pub(crate) async fn instead(
        &self,
        repo: &Repo,
        read: &ReadRequest,
        problem: Problem,
    ) -> Problem {
        let is_asked = repo.has_upstream() && !repo.is_offline();
        let is_absent = match problem.kind {
            Kind::NotFound if is_asked => true,
            Kind::Offline | Kind::Unreachable => false,
            _ => return problem,
        };
        let Some(line) = line_of(repo, read) else {
            return problem;
        };
        match self.look(repo, read.package(), &line, is_absent).await {
            Ok(true) if !is_absent => {
                let detail =
                    "the upstream had no such thing when it was asked, which it cannot be now";
                Problem::not_found("name", detail)
            }
            Ok(_) => problem,
            Err(other) => {
                let (other, repo) = (other.with_causes(), &repo.record.name);
                tracing::warn!(problem = other, %repo, "what is absent was neither noted nor read");
                problem
            }
        }
    }

    /// Whether something of which nothing is kept is noted, which it is now if it shall be.
    async fn look(
        &self,
        repo: &Repo,
        package: &str,
        line: &str,
        note: bool,
    ) -> Result<bool, Problem> {
        let kept = self.metadata.revision(repo.package_key(package)).await?;
        if kept.is_some() {
            return Ok(false);
        }
        let digest = Digest::of(Algorithm::Sha256, line.as_bytes()).hex();
        let document = Document::new(PACKAGE, digest.get(..2).unwrap_or_default());
        let text = self.text(repo, &document).await?;
        if !note || text.lines().any(|noted| noted == line) {
            return Ok(text.lines().any(|noted| noted == line));
        }
        let _turn = self.noting.lock().await;
        let text = self.text(repo, &document).await?;
        let mut lines: Vec<&str> = text.lines().filter(|noted| *noted != line).collect();
        lines.drain(..(lines.len() + 1).saturating_sub(MAX_LINES));
        lines.push(line);
        self.keep(repo, &document, lines.join("\n").into()).await?;
        Ok(true)
    }

    async fn text(&self, repo: &Repo, document: &Document) -> Result<String, Problem> {
        let found = self.metadata.find(repo.document_key(document)).await?;
        let found = found.filter(|found| !found.damaged);
        if let Some(found) = &found {
            self.metadata.note_use(repo.document_key(document), found);
        }
        let bytes = self.bodies.read_if_any(found).await?;
        Ok(String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned())
    }

    async fn keep(
        &self,
        repo: &Repo,
        document: &Document,
        text: bytes::Bytes,
    ) -> Result<(), Problem> {
        let prepared = [self.content.prepare(&text).await?];
        let write = async |blobs: Vec<_>| {
            let files = blobs.into_iter();
            let new = NewFiles {
                package: repo.package_key(PACKAGE),
                full_name: None,
                by: System::Upstream,
                at: self.metadata.now(),
                files: files
                    .map(|blob| {
                        NewFile::new(FileKind::Document, &document.path, blob, CONTENT_TYPE)
                    })
                    .collect(),
                gone: Vec::new(),
                named: Vec::new(),
                retired: Vec::new(),
            };
            self.metadata.keep_files(new).await
        };
        Ok(self.content.keep_all(prepared, write).await?)
    }
}

/// What a request asks for, if its package is below others.
fn line_of(repo: &Repo, read: &ReadRequest) -> Option<String> {
    let path = match read {
        ReadRequest::Document(document, _) | ReadRequest::Part(document, ..) => &document.path,
        ReadRequest::Artifact(artifact) => &artifact.path,
        ReadRequest::Details(_)
        | ReadRequest::Member(_)
        | ReadRequest::Log(_)
        | ReadRequest::Local(_)
        | ReadRequest::Redirect(_) => return None,
    };
    let (package, names) = (read.package(), repo.protocol.names());
    let nests = !names.above(package).is_empty();
    (nests && !path.contains('\n')).then(|| format!("{package} {path}"))
}
