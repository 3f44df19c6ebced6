//! The documents of an index: signed with the repo's key if it has one, and kept together.

use crate::problems::absent;
use larder_access::Gate;
use larder_content::{ContentStore, Prepared};
use larder_keys::SigningKey;
use larder_metadata::Metadata;
use larder_metadata::blobs::NewBlob;
use larder_metadata::index::{IndexDocument, IndexOf};
use larder_mirrors::index::{self as mirror_index, Signer};
use larder_model::{CacheLifetime, FileKind, INDEX_GRACE, Problem, Timestamp};
use std::sync::Arc;

/// A repo's key at a moment.
pub(crate) struct RepoSigner {
    key: SigningKey,
    now: Timestamp,
}

impl Signer for RepoSigner {
    fn sign(&self, bytes: &[u8]) -> Result<String, Problem> {
        self.key.sign(bytes, self.now)
    }

    fn sign_within(&self, text: &str) -> Result<String, Problem> {
        self.key.sign_within(text, self.now)
    }

    fn public_key(&self) -> &str {
        self.key.public_key()
    }
}

/// A document of an index, with its bytes durable.
pub(crate) struct PreparedDocument {
    kind: FileKind,
    pub(crate) path: String,
    content_type: &'static str,
    prepared: Prepared,
    pub(crate) lifetime: CacheLifetime,
}

/// Keeps the documents of indexes.
pub(crate) struct IndexStore {
    metadata: Metadata,
    content: ContentStore,
    gate: Arc<Gate>,
}

impl IndexStore {
    /// A store over the rows, the bytes and the keys of a server.
    pub(crate) const fn new(metadata: Metadata, content: ContentStore, gate: Arc<Gate>) -> Self {
        Self {
            metadata,
            content,
            gate,
        }
    }

    /// Makes the bytes of documents durable.
    pub(crate) async fn prepare(
        &self,
        composed: Vec<mirror_index::IndexDocument>,
    ) -> Result<Vec<PreparedDocument>, Problem> {
        let mut prepared = Vec::with_capacity(composed.len());
        for document in composed {
            prepared.push(PreparedDocument {
                kind: kind_of(document.lifetime),
                path: document.path,
                content_type: document.content_type,
                prepared: self.content.prepare(&document.bytes.into()).await?,
                lifetime: document.lifetime,
            });
        }
        Ok(prepared)
    }

    /// Keeps the documents of a state.
    pub(crate) async fn keep(
        &self,
        repo: i64,
        of: IndexOf<'_>,
        documents: Vec<PreparedDocument>,
    ) -> Result<(), Problem> {
        let mut prepared = Vec::with_capacity(documents.len());
        let mut rows = Vec::with_capacity(documents.len());
        for document in documents {
            prepared.push(document.prepared);
            rows.push(move |blob| IndexDocument {
                kind: document.kind,
                path: document.path,
                blob,
                content_type: document.content_type,
                lifetime: document.lifetime,
            });
        }
        let write = async |blobs: Vec<NewBlob>| {
            let documents = rows.into_iter().zip(blobs);
            let documents = documents.map(|(row, blob)| row(blob)).collect();
            self.metadata
                .keep_index(repo, of, documents, INDEX_GRACE)
                .await
        };
        Ok(self.content.keep_all(prepared, write).await?)
    }

    /// The repo's key, as its row has it now: what is signed with another is not kept.
    pub(crate) async fn signer(
        &self,
        repo: i64,
        now: Timestamp,
    ) -> Result<Option<RepoSigner>, Problem> {
        let row = self
            .metadata
            .repos()
            .await?
            .into_iter()
            .find(|row| row.id == repo)
            .ok_or_else(absent)?;
        let Some(key) = &row.settings.signing_key else {
            return Ok(None);
        };
        Ok(Some(RepoSigner {
            key: self.gate.open_signing_key(&key.sealed, &row.full_name())?,
            now,
        }))
    }
}

/// What stays whatever becomes of the index is asked for like any other artifact.
const fn kind_of(lifetime: CacheLifetime) -> FileKind {
    match lifetime {
        CacheLifetime::UntilChange | CacheLifetime::UntilNext => FileKind::Document,
        CacheLifetime::Longer => FileKind::Artifact,
    }
}
