//! All that an image names: its manifests, their blobs, and the manifests about them.

use crate::artifact::{ArtifactSource, Artifacts, Wanted};
use crate::bodies::Bodies;
use crate::document::Documents;
use crate::repo::Repo;
use larder_metadata::Metadata;
use larder_metadata::copies::CopiedManifest;
use larder_metadata::files::FileRecord;
use larder_mirrors::oci::image::{Descriptor, Manifest};
use larder_mirrors::{Artifact, Document};
use larder_model::{Digest, FileKind, Kind, Problem};
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

/// Manifests of one image, those about it included.
const MAX_MANIFESTS: usize = 1000;
/// Blobs of one image.
const MAX_BLOBS: usize = 20_000;
/// Referrers read at once.
const ROWS: u64 = 100;

/// Reads graphs of images.
pub(crate) struct GraphReader {
    pub(crate) metadata: Metadata,
    pub(crate) bodies: Arc<Bodies>,
    pub(crate) documents: Arc<Documents>,
    pub(crate) artifacts: Arc<Artifacts>,
}

/// An image and all that belongs to it.
#[derive(Default)]
pub(crate) struct Graph {
    pub(crate) manifests: Vec<CopiedManifest>,
    pub(crate) blobs: Vec<Digest>,
    /// Manifests and blobs together, in bytes.
    pub(crate) bytes: u64,
}

/// An image while it is walked through.
struct Walk<'a> {
    repo: &'a Arc<Repo>,
    image: &'a str,
    graph: Graph,
    waiting: VecDeque<Digest>,
    seen: HashSet<Digest>,
}

impl Walk<'_> {
    fn add(&mut self, manifest: Digest) {
        if self.seen.insert(manifest) {
            self.waiting.push_back(manifest);
        }
    }
}

impl GraphReader {
    /// The graph below a manifest, with the referrers of each. What a mirror does not keep yet it
    /// fetches; a problem of kind `Conflict` if the upstream lacks a part. Referrers are those that
    /// are known: offline, those of lists that are kept.
    pub(crate) async fn graph(
        &self,
        repo: &Arc<Repo>,
        image: &str,
        root: Digest,
    ) -> Result<Graph, Problem> {
        let mut walk = Walk {
            repo,
            image,
            graph: Graph::default(),
            waiting: VecDeque::from([root]),
            seen: HashSet::from([root]),
        };
        while let Some(digest) = walk.waiting.pop_front() {
            if walk.graph.manifests.len() == MAX_MANIFESTS {
                return Err(too_large(&format!("{MAX_MANIFESTS} manifests")));
            }
            let found = self.part(repo, image, FileKind::Manifest, &digest).await?;
            let Some(found) = found else {
                // An index that was pushed may name manifests that never came.
                if repo.is_hosted() && digest != root {
                    continue;
                }
                return Err(lacking("manifest", &digest));
            };
            let body = self.bodies.read(&found).await?;
            let manifest = Manifest::read(&body).map_err(|why| {
                let detail = format!("the manifest {digest} cannot be read: {why}");
                Problem::new(Kind::Conflict, "version", detail)
            })?;
            walk.graph.bytes += found.size;
            self.add(&mut walk, digest, &manifest).await?;
            self.add_referrers(&mut walk, digest).await?;
        }
        Ok(walk.graph)
    }

    /// Adds a manifest with its blobs.
    async fn add(
        &self,
        walk: &mut Walk<'_>,
        digest: Digest,
        manifest: &Manifest,
    ) -> Result<(), Problem> {
        let mut blobs = Vec::new();
        for part in manifest.config.iter().chain(&manifest.layers) {
            let is_new = walk.seen.insert(part.digest);
            let found = is_new && self.has_blob(walk, part).await?;
            if found {
                walk.graph.blobs.push(part.digest);
            }
            if found || !part.is_foreign() {
                blobs.push(part.digest);
            }
        }
        if walk.graph.blobs.len() > MAX_BLOBS {
            return Err(too_large(&format!("{MAX_BLOBS} blobs")));
        }
        let manifests = manifest.manifests.iter().flatten();
        let manifests: Vec<_> = manifests.map(|part| part.digest).collect();
        for child in &manifests {
            walk.add(*child);
        }
        walk.graph.manifests.push(CopiedManifest {
            digest,
            metadata: manifest.referrer_metadata(),
            blobs,
            manifests,
            subject: manifest.subject.as_ref().map(|subject| subject.digest),
        });
        Ok(())
    }

    /// Whether a blob is there to be copied. A layer that lies elsewhere may be missing, and so may
    /// one of an image that was pushed without it.
    async fn has_blob(&self, walk: &mut Walk<'_>, part: &Descriptor) -> Result<bool, Problem> {
        let (repo, image) = (walk.repo, walk.image);
        let found = self.part(repo, image, FileKind::Blob, &part.digest).await?;
        match found {
            Some(found) => {
                walk.graph.bytes += found.size;
                Ok(true)
            }
            None if part.is_foreign() || repo.is_hosted() => Ok(false),
            None => Err(lacking("blob", &part.digest)),
        }
    }

    /// A manifest or a blob, kept; `None` if it is not there.
    async fn part(
        &self,
        repo: &Arc<Repo>,
        image: &str,
        kind: FileKind,
        digest: &Digest,
    ) -> Result<Option<Arc<FileRecord>>, Problem> {
        let artifact = Artifact {
            package: image.into(),
            version: None,
            kind,
            path: digest.to_string().into(),
        };
        if repo.is_hosted() {
            return Ok(self.metadata.stat(repo.artifact_key(&artifact)).await?);
        }
        match self.artifacts.get(repo, &artifact, Wanted::Kept).await {
            Ok(ArtifactSource::Stored(found) | ArtifactSource::Downloaded(found)) => {
                Ok(Some(found))
            }
            Ok(ArtifactSource::Streaming(..)) => Err(Problem::internal("it was to be kept")),
            Err(problem) if problem.kind == Kind::NotFound => Ok(None),
            Err(problem) => Err(problem),
        }
    }

    async fn add_referrers(&self, walk: &mut Walk<'_>, subject: Digest) -> Result<(), Problem> {
        if !walk.repo.is_hosted() {
            return self.add_mirrored_referrers(walk, subject).await;
        }
        let key = walk.repo.package_key(walk.image);
        let mut after = String::new();
        loop {
            let rows = self.metadata.referrers(key, &subject, &after, ROWS).await?;
            let Some(last) = rows.last() else {
                return Ok(());
            };
            after = last.digest.to_string();
            for row in &rows {
                walk.add(row.digest);
            }
        }
    }

    async fn add_mirrored_referrers(
        &self,
        walk: &mut Walk<'_>,
        subject: Digest,
    ) -> Result<(), Problem> {
        let list = Document::new(walk.image, format!("referrers/{subject}?"));
        let found = match self.documents.find(walk.repo, &list).await {
            Err(problem) if is_of_no_list(&problem) => None,
            found => found?,
        };
        let Some(body) = self.bodies.read_if_any(found).await? else {
            return Ok(());
        };
        if let Ok(list) = Manifest::read(&body) {
            for referrer in list.manifests.into_iter().flatten() {
                walk.add(referrer.digest);
            }
        }
        Ok(())
    }
}

fn lacking(what: &str, digest: &Digest) -> Problem {
    let detail = format!(
        "the {what} {digest} of this image is neither kept nor upstream: nothing was copied"
    );
    Problem::new(Kind::Conflict, "version", detail)
}

fn too_large(what: &str) -> Problem {
    let detail = format!("the image has more than {what}: copy its parts one by one");
    Problem::new(Kind::Conflict, "version", detail)
}

/// Whether no list can be had, from which an image could still be copied without it.
fn is_of_no_list(problem: &Problem) -> bool {
    matches!(
        problem.kind,
        Kind::Offline | Kind::Unreachable | Kind::NotFound
    )
}
