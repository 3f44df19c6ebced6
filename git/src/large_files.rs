//! Large files (Git LFS), each kept beside the packs of its repository and named by its SHA-256: hosted, and
//! had from upstreams when somebody asks.

use crate::lfs::{self, Lead, Object, Outcome, Refusal, path_of};
use bytes::Bytes;
use http::HeaderValue;
use http::request::Parts;
use larder_cache::{FileLead, Mirror, MirrorRequest, Packages};
use larder_content::ContentStore;
use larder_door::{Answer, BlobAnswer, Incoming, Lasts};
use larder_metadata::blobs::NewBlob;
use larder_metadata::files::{FileRecord, PackageKey};
use larder_metadata::publishing::{PackageChange, Step};
use larder_metadata::repos::RepoRecord;
use larder_metadata::{Error, Metadata, Requirement};
use larder_mirrors::source_path::{ENDING, written};
use larder_model::{Algorithm, Author, Digest, FileKind, Kind, Problem, RepoKind, Timestamp};
use larder_storage::Staging;
use moka::sync::Cache as Memory;
use std::sync::Arc;
use std::time::Duration;

/// The media type of a large file.
const CONTENT_TYPE: &str = "application/octet-stream";
/// How often a file's row is written when others change the repository first.
const TRIES: usize = 8;
/// The most bytes of an upstream's answer about files.
const MAX_ANSWER: usize = 16 << 20;
/// So many files an upstream is asked about at once, as its clients do.
const ASKED_AT_ONCE: usize = 100;
/// Addresses in memory.
const MAX_LEADS: u64 = 20_000;

/// The large files of all repositories. Cheap to share.
#[derive(Clone)]
pub struct LargeFiles(Arc<Inner>);

struct Inner {
    metadata: Metadata,
    content: ContentStore,
    packages: Packages,
    /// Where upstreams said that files are, and until when: of a repo's id, a repository and a file.
    leads: Memory<LeadKey, (Arc<FileLead>, Timestamp)>,
}

/// A repo's id, a repository's path and a file's digest.
type LeadKey = (i64, Box<str>, Digest);

/// A repository.
#[derive(Clone)]
pub struct Place {
    /// The repo that has it.
    pub record: Arc<RepoRecord>,
    /// Its path there.
    pub path: Box<str>,
}

fn missing() -> Problem {
    Problem::not_found("oid", Refusal::missing().message)
}

fn useless(what: &str) -> Problem {
    Problem::new(Kind::Upstream, "upstream", what.to_owned())
}

impl Place {
    /// Its rows.
    pub fn package(&self) -> PackageKey<'_> {
        PackageKey {
            repo: self.record.id,
            package: &self.path,
        }
    }

    /// Its name as `git/local/team/tool`.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.record.full_name(), self.path)
    }

    fn is_mirror(&self) -> bool {
        self.record.kind == RepoKind::Mirror
    }
}

impl LargeFiles {
    /// The files that `metadata` and `content` have, and that upstreams asked through `packages` give.
    pub fn new(metadata: Metadata, content: ContentStore, packages: Packages) -> Self {
        Self(Arc::new(Inner {
            metadata,
            content,
            packages,
            leads: Memory::builder().max_capacity(MAX_LEADS).build(),
        }))
    }

    async fn find(
        &self,
        place: &Place,
        digest: &Digest,
    ) -> Result<Option<Arc<FileRecord>>, Problem> {
        let path = path_of(digest);
        let key = place.package().file(FileKind::Artifact, &path);
        Ok(self.0.metadata.find(key).await?)
    }

    /// Where files are had: at addresses below `base` alone. What an upstream has is asked of it.
    pub async fn offer(
        &self,
        place: &Place,
        objects: Vec<Object>,
        base: &str,
    ) -> Result<Vec<(Object, Outcome)>, Problem> {
        let (mut outcomes, mut lacking) = (Vec::with_capacity(objects.len()), Vec::new());
        for object in objects {
            let outcome = match object.digest.zip(object.size) {
                None => Outcome::Refused(Refusal::invalid()),
                Some((digest, size)) => {
                    if self.find(place, &digest).await?.is_some() {
                        Outcome::Download(format!("{base}/{}", object.oid))
                    } else {
                        lacking.push((outcomes.len(), digest, size));
                        Outcome::Refused(Refusal::missing())
                    }
                }
            };
            outcomes.push((object, outcome));
        }
        if !place.is_mirror() {
            return Ok(outcomes);
        }
        for some in lacking.chunks(ASKED_AT_ONCE) {
            let wanted: Vec<_> = some
                .iter()
                .map(|(_, digest, size)| (*digest, *size))
                .collect();
            let leads = self.ask(place, &wanted).await;
            for ((index, _, size), lead) in some.iter().zip(leads) {
                if let Some((object, outcome)) = outcomes.get_mut(*index) {
                    *outcome = match lead {
                        Ok(_) => Outcome::Download(format!("{base}/{}?size={size}", object.oid)),
                        Err(refusal) => Outcome::Refused(refusal),
                    };
                }
            }
        }
        Ok(outcomes)
    }

    /// Where files go that are not here yet.
    pub async fn expect(
        &self,
        place: &Place,
        objects: Vec<Object>,
        base: &str,
    ) -> Result<Vec<(Object, Outcome)>, Problem> {
        let mut outcomes = Vec::with_capacity(objects.len());
        for object in objects {
            let outcome = match object.digest.zip(object.size) {
                None => Outcome::Refused(Refusal::invalid()),
                Some((digest, _)) => match self.find(place, &digest).await? {
                    Some(found) if !found.damaged => Outcome::Nothing,
                    _ => {
                        Outcome::Upload(format!("{base}/{}", object.oid), format!("{base}/verify"))
                    }
                },
            };
            outcomes.push((object, outcome));
        }
        Ok(outcomes)
    }

    /// Answers with a file. `size`: its bytes, as far as the client says.
    pub async fn get(
        &self,
        place: &Place,
        (digest, size): (&Digest, Option<u64>),
        request: &Parts,
    ) -> Result<Answer, Problem> {
        let found = self.find(place, digest).await?;
        let mirror = if place.is_mirror() {
            Some(self.0.packages.mirror(&place.record)?)
        } else {
            None
        };
        // What is damaged comes anew, if it can.
        let may_ask = mirror.as_ref().is_some_and(|mirror| !mirror.is_offline());
        if let Some(found) = found.filter(|found| !found.damaged || !may_ask) {
            let path = path_of(digest);
            let key = place.package().file(FileKind::Artifact, &path);
            self.0.metadata.note_use(key, &found);
            return Ok(Answer::Blob(BlobAnswer {
                found,
                content_type: HeaderValue::from_static(CONTENT_TYPE),
                headers: http::HeaderMap::new(),
                lasts: Lasts::Forever,
                private: false,
                overlay: None,
                changed: None,
            }));
        }
        let mirror = mirror.ok_or_else(missing)?;
        let known = self.known(place, digest);
        let (this, own, wanted) = (
            self.clone(),
            place.clone(),
            (*digest, size.unwrap_or_default()),
        );
        let find = || async move {
            // What leads nowhere is asked for anew, by all who want it.
            this.0.leads.remove(&lead_key(&own, &wanted.0));
            let mut leads = this.ask(&own, &[wanted]).await;
            match leads.pop() {
                Some(Ok(lead)) => Ok(FileLead::clone(&lead)),
                Some(Err(refusal)) => Err(as_problem(refusal)),
                None => Err(missing()),
            }
        };
        let name = (&*place.path, &*path_of(digest));
        mirror.file(name, request, (known, find)).await
    }

    /// Where an upstream said a while ago that a file is.
    fn known(&self, place: &Place, digest: &Digest) -> Option<FileLead> {
        let (lead, until) = self.0.leads.get(&lead_key(place, digest))?;
        let is_left = self.0.metadata.now() < until;
        is_left.then(|| FileLead::clone(&lead))
    }

    /// Asks an upstream where files are: of each, in their order.
    async fn ask(
        &self,
        place: &Place,
        wanted: &[(Digest, u64)],
    ) -> Vec<Result<Arc<FileLead>, Refusal>> {
        match self.try_ask(place, wanted).await {
            Ok(leads) => leads,
            Err(problem) => {
                let (path, repo) = (&*place.path, &place.record.name);
                let told = problem.with_causes();
                tracing::info!(problem = told, %repo, path, "large files could not be asked for");
                let refused = |_| Err(Refusal::of(&problem));
                wanted.iter().map(refused).collect()
            }
        }
    }

    async fn try_ask(
        &self,
        place: &Place,
        wanted: &[(Digest, u64)],
    ) -> Result<Vec<Result<Arc<FileLead>, Refusal>>, Problem> {
        let mirror = self.0.packages.mirror(&place.record)?;
        let mut leads = batch(&mirror, &place.path, wanted).await?;
        let now = self.0.metadata.now();
        let found = wanted.iter().map(|(digest, size)| {
            let lead = leads
                .remove(&digest.hex())
                .unwrap_or_else(|| Err(Refusal::missing()))?;
            let until = now.after(lead.lifetime);
            let lead = Arc::new(FileLead {
                url: lead.href,
                headers: lead.headers,
                digest: *digest,
                size: Some(lead.size).filter(|size| *size > 0).or(Some(*size)),
            });
            let key = lead_key(place, digest);
            self.0.leads.insert(key, (Arc::clone(&lead), until));
            Ok(lead)
        });
        Ok(found.collect())
    }

    /// Takes a file in, if its bytes are what its name says. It may be here already.
    pub async fn take_in(
        &self,
        place: &Place,
        digest: &Digest,
        (by, body): (&dyn Author, &mut Incoming),
    ) -> Result<(), Problem> {
        body.require_fit()?;
        let content = &self.0.content;
        let work = async |mut staging: Staging| {
            while let Some(bytes) = body.next().await? {
                staging.append(bytes).await?;
            }
            if staging.digest().await? != *digest {
                let detail = "the bytes are not those that the file's SHA-256 names; nothing of them is kept";
                return Err(Problem::new(Kind::Unprocessable, "oid", detail));
            }
            content.prepare_staged(staging).await
        };
        let prepared = content.with_staging(Algorithm::Sha256, work).await?;
        let full_name = place.full_name();
        let write = async |blob: NewBlob| {
            for _ in 0..TRIES {
                let add = Step::Add {
                    kind: FileKind::Artifact,
                    path: path_of(digest),
                    version: String::new(),
                    blob: blob.clone(),
                    content_type: CONTENT_TYPE,
                    metadata: String::new(),
                };
                let change = PackageChange {
                    package: place.package(),
                    full_name: &full_name,
                    revision: self.0.metadata.revision(place.package()).await?,
                    by,
                    steps: vec![add],
                    reason: "",
                    held: None,
                    replaces: false,
                };
                match self.0.metadata.change_package(change).await {
                    Err(Error::Unmet(Requirement::Revision)) => {}
                    // It is here already, and what is damaged of it gets these bytes.
                    Err(Error::Unmet(Requirement::File)) => {
                        return match self.0.metadata.heal_kept(blob).await {
                            Err(Error::Unmet(Requirement::Blob)) => Ok(()),
                            healed => healed,
                        };
                    }
                    written => return written,
                }
            }
            Err(Error::Unmet(Requirement::Revision))
        };
        match content.keep(prepared, write).await {
            Ok(()) => Ok(()),
            Err(Error::Unmet(Requirement::Revision)) => {
                let detail = "the repository is changed too often at once";
                Err(Problem::busy(detail, Duration::from_secs(1)))
            }
            Err(Error::Unmet(Requirement::NameFree)) => {
                Err(Problem::reserved(place.record.full_name(), &place.path))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Fails if a file of this size is not here, or damaged: whoever has it is to bring it.
    pub async fn verify(
        &self,
        place: &Place,
        (digest, size): (Digest, u64),
    ) -> Result<(), Problem> {
        let found = self.find(place, &digest).await?;
        let found = found.filter(|found| !found.damaged).ok_or_else(missing)?;
        if found.size == size {
            return Ok(());
        }
        let detail = format!("the file has {} bytes and not {size}", found.size);
        Err(Problem::new(Kind::Unprocessable, "size", detail))
    }
}

/// What an upstream says of files.
async fn batch(
    mirror: &Mirror,
    path: &str,
    wanted: &[(Digest, u64)],
) -> Result<std::collections::BTreeMap<String, Result<Lead, Refusal>>, Problem> {
    mirror.require_upstream()?;
    let question = Bytes::from(lfs::question(wanted)?);
    let request = MirrorRequest {
        url: &format!("{}{ENDING}/info/lfs/objects/batch", written(path)),
        accept: lfs::CONTENT_TYPE,
        headers: &[],
        question: Some((lfs::CONTENT_TYPE, &question)),
    };
    let Some(answer) = mirror.ask(&request).await? else {
        return Ok(std::collections::BTreeMap::new());
    };
    let is_secure = answer.address().starts_with("https:");
    let leads = lfs::read_answer(&answer.collect(MAX_ANSWER).await?)?;
    // What is told in secret is not to be shown to everyone on the way.
    let is_open = |lead: &Lead| is_secure && !lead.href.starts_with("https:");
    if leads.values().flatten().any(is_open) {
        return Err(useless("the upstream leads from https to http"));
    }
    Ok(leads)
}

/// What an upstream says of a file that it does not give, to whoever asks for its bytes.
fn lead_key(place: &Place, digest: &Digest) -> LeadKey {
    (place.record.id, place.path.clone(), *digest)
}

fn as_problem(refusal: Refusal) -> Problem {
    let kind = match refusal.code {
        404 | 410 => Kind::NotFound,
        403 | 451 => Kind::UpstreamPolicy,
        _ => Kind::Upstream,
    };
    Problem::new(kind, "oid", refusal.message)
}

impl std::fmt::Debug for LargeFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LargeFiles").finish_non_exhaustive()
    }
}
