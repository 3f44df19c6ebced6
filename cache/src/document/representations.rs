//! The representations of a document: rewritten for this server's addresses, as another media type,
//! compressed. Each is made once for every state of the document, whatever address clients use, and
//! kept like any other file.

use super::cached::CachedDocument;
use super::form::{Form, TAIL_BYTES, Tail};
use super::job::{Job, Made, Recipe, RepresentationRequest};
use super::ready::ReadyMemory;
use crate::background::in_background;
use crate::bodies::Bodies;
use crate::flights::{FlightResult, Flights, file_key};
use crate::intake::Intake;
use crate::limits::{Budget, SMALL_DOCUMENT, Share};
use crate::repo::Repo;
use crate::tables::Tables;
use crate::turns::Turns;
use larder_content::ContentStore;
use larder_door::Overlay;
use larder_metadata::Metadata;
use larder_metadata::documents::{NewFile, NewFiles};
use larder_metadata::files::{FileRecord, PackageKey};
use larder_mirrors::RenderRequest;
use larder_mirrors::rendering::filling;
use larder_model::{Digest, FileKind, Problem, System};
use moka::sync::Cache as Memory;
use std::sync::Arc;

/// Larger bodies are rendered away from the connections.
const RENDERED_HERE: u64 = 64 * 1024;
/// Memory for what is known of forms, in bytes.
const FORM_BYTES: u64 = 4 << 20;

/// A representation that can be sent.
pub(crate) struct Represented {
    pub(crate) found: Arc<FileRecord>,
    /// Whether it is compressed.
    pub(crate) gzip: bool,
    /// What this server's address is in it.
    pub(crate) overlay: Option<Overlay>,
}

/// Makes and keeps representations.
pub(crate) struct Representations {
    metadata: Metadata,
    content: ContentStore,
    bodies: Arc<Bodies>,
    tables: Arc<Tables>,
    intake: Intake,
    turns: Turns,
    flights: Flights<Arc<FileRecord>>,
    /// By their digests.
    forms: Memory<Digest, Arc<Form>>,
    ready: ReadyMemory,
}

impl Representations {
    /// Representations over the rows and the bytes of a server.
    pub(crate) fn new(
        metadata: Metadata,
        content: ContentStore,
        bodies: Arc<Bodies>,
        tables: Arc<Tables>,
        (intake, budget): (Intake, Budget),
    ) -> Self {
        Self {
            metadata,
            content,
            bodies,
            tables,
            intake,
            turns: Turns::new(budget),
            flights: Flights::default(),
            forms: Memory::builder()
                .weigher(|_: &Digest, form: &Arc<Form>| form.weight())
                .max_capacity(FORM_BYTES)
                .build(),
            ready: ReadyMemory::default(),
        }
    }

    /// A document's representation.
    pub(crate) async fn get(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        cached: &CachedDocument,
        request: &RepresentationRequest<'_>,
    ) -> Result<Represented, Problem> {
        let stored = &cached.found;
        if let Some(part) = request.part {
            return Box::pin(self.part(repo, stored, part, request)).await;
        }
        let gzip = request.is_compressed(stored.size);
        if request.representation.name.is_empty() && !gzip {
            return Ok(Represented {
                found: Arc::clone(stored),
                gzip: false,
                overlay: None,
            });
        }
        if let Some(ready) = self.ready.get(request, (stored, gzip)) {
            self.metadata.note_use(ready.key(request.repo), &ready.kept);
            return Ok(Represented {
                found: Arc::clone(&ready.sent),
                gzip,
                overlay: None,
            });
        }
        // Most requests end here, and the future of the others is large.
        Box::pin(self.get_whole(repo, cached, request, gzip)).await
    }

    /// The representation of a whole document, which is ready for the next one if it stays as it is.
    async fn get_whole(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        cached: &CachedDocument,
        request: &RepresentationRequest<'_>,
        gzip: bool,
    ) -> Result<Represented, Problem> {
        let stored = &cached.found;
        let place_bytes = request.place_bytes()?;
        let whole = self.whole(repo, cached, request, (gzip, place_bytes));
        let (found, is_kept) = whole.await?;
        let (mut overlay, mut is_final) = (None, is_kept);
        if place_bytes > 0 {
            let form = self.form(&found).await?;
            overlay = Some(form.overlay(&found.digest, request.repo_url.origin)?);
            is_final &= form.is_final();
            // Somebody asks again: from now on it is worth the work.
            if is_kept && form.is_to_be_packed() {
                let job = Job::new(request, (gzip, place_bytes), stored);
                let (this, repo, stored) = (Arc::clone(self), Arc::clone(repo), Arc::clone(stored));
                tokio::spawn(async move { this.pack_well(&repo, &stored, job).await });
            }
        }
        if is_final {
            let kept = (&found, place_bytes);
            self.ready
                .keep(request, (stored, gzip), kept, overlay.as_ref());
        }
        Ok(Represented {
            found,
            gzip,
            overlay,
        })
    }

    /// A part of a document, which is read for each request: it is small.
    async fn part(
        &self,
        repo: &Arc<Repo>,
        stored: &Arc<FileRecord>,
        part: &str,
        request: &RepresentationRequest<'_>,
    ) -> Result<Represented, Problem> {
        let (document, representation) = (request.document, request.representation);
        let outline = self.tables.outline(repo, document, Arc::clone(stored));
        let outline = outline.await?;
        let part = outline.part(part)?;
        let body = self.bodies.read_part(stored, part.range).await?;
        let origin = request.repo_url.origin;
        let place_bytes = request.place_bytes()?;
        let rendering = repo.protocol.render(
            &RenderRequest {
                document,
                representation,
                part: Some(part.name),
                repo_path: request.repo_url.path,
                place_bytes,
                leads: &request.leads.list,
            },
            &body,
        )?;
        let filling = filling(origin, place_bytes).unwrap_or_default();
        let bytes = rendering.filled(&filling).into();
        Ok(Represented {
            found: transient(representation.content_type, &Made::of(bytes)),
            gzip: false,
            overlay: None,
        })
    }

    /// The form of a whole document, for all addresses, and whether it was kept before. Whoever asks
    /// first for a large one that is to be packed does not wait for long: it is packed quickly.
    async fn whole(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        cached: &CachedDocument,
        request: &RepresentationRequest<'_>,
        (gzip, place_bytes): (bool, usize),
    ) -> Result<(Arc<FileRecord>, bool), Problem> {
        let stored = &cached.found;
        let path = request.path(gzip, place_bytes);
        let package = PackageKey {
            repo: request.repo,
            package: &request.document.package,
        };
        let key = package.file(FileKind::Representation, &path);
        let kept = async || -> Result<_, Problem> {
            let found = self.metadata.find(key).await?;
            let is_current = |found: &Arc<FileRecord>| request.makes(found, stored);
            let found = found.filter(|found| is_current(found) && !found.damaged);
            if let Some(found) = &found {
                self.metadata.note_use(key, found);
            }
            Ok(found.map(|found| (found, true)))
        };
        if let Some(found) = kept().await? {
            return Ok(found);
        }
        // It is being kept, or it is made now.
        let state = format!("{path}\0{}", request.source(stored));
        let kind = FileKind::Representation;
        let flight = file_key(package.repo, package.package, kind, &state);
        if let Some(made) = self.flights.landed(&flight) {
            return Ok((made.brought, false));
        }
        // It was made when the document came; what it leads to may have changed since it was wished for.
        let recipe = Recipe::new(request, place_bytes);
        let wish = cached.wish.as_ref();
        let wish = wish.filter(|wish| wish.recipe.makes_as(&recipe));
        if let Some(wished) = wish.and_then(|wish| wish.made_of(&stored.digest)) {
            let hand_out = || {
                let job = Job::new(request, (gzip, place_bytes), stored);
                let this = Arc::clone(self);
                async move { Ok::<_, Problem>(this.hand_out(job, wished)) }
            };
            return Ok((self.flights.join(flight, hand_out).await?, false));
        }
        let mut turn = None;
        if stored.size > SMALL_DOCUMENT as u64 {
            turn = Some(self.turns.wait(flight.clone(), stored.size).await?);
            if let Some(found) = kept().await? {
                return Ok(found); // it was made meanwhile
            }
        }
        let make = || {
            let mut job = Job::new(request, (gzip, place_bytes), stored);
            job.packing = job.recipe.first_packing(stored.size);
            let (this, repo, stored) = (Arc::clone(self), Arc::clone(repo), Arc::clone(stored));
            async move { this.make(&repo, &stored, job, turn).await }
        };
        Ok((self.flights.join(flight, make).await?, false))
    }

    /// A form as it is sent.
    async fn form(&self, found: &FileRecord) -> Result<Arc<Form>, Problem> {
        if let Some(form) = self.forms.get(&found.digest) {
            return Ok(form);
        }
        if let Some(bytes) = &found.body {
            let form = Arc::new(Form::of(bytes)?);
            self.forms.insert(found.digest, Arc::clone(&form));
            return Ok(form);
        }
        let start = found.size.saturating_sub(TAIL_BYTES as u64);
        let tail = self.bodies.read_part(found, start..found.size).await?;
        let tail = Tail::read(&tail, found.size)?;
        let list = self.bodies.read_part(found, tail.list()).await?;
        let head = self.bodies.read_part(found, tail.head()).await?;
        let form = Arc::new(Form::new(tail, head, &list));
        self.forms.insert(found.digest, Arc::clone(&form));
        Ok(form)
    }

    async fn make(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        stored: &FileRecord,
        job: Job,
        turn: Option<Arc<Share>>,
    ) -> Result<FlightResult<Arc<FileRecord>>, Problem> {
        let source = self.bodies.read(stored).await?;
        let own = Arc::clone(repo);
        let work = move || job.make(&own, source).map(|made| (job, made));
        let (job, made) = if stored.size > RENDERED_HERE {
            tokio::task::spawn_blocking(work)
                .await
                .map_err(Problem::internal)??
        } else {
            work()?
        };
        let Made { bytes, digest } = made;
        let made = match self.intake.hold(bytes) {
            Ok(bytes) => Made { bytes, digest },
            Err(bytes) => return self.keep_first(&job, Made { bytes, digest }, turn).await,
        };
        drop(turn);
        Ok(self.hand_out(job, made))
    }

    /// Hands out what has its place in memory, and keeps it behind that: what is lost is made again.
    fn hand_out(self: &Arc<Self>, job: Job, made: Made) -> FlightResult<Arc<FileRecord>> {
        let found = transient(job.content_type(), &made);
        let this = Arc::clone(self);
        let keep = async move { this.keep_or_tell(&job, &made).await };
        FlightResult::and(found, keep)
    }

    /// Keeps what finds no room in memory while it goes out: clients read it from there, as slowly as
    /// they like.
    async fn keep_first(
        &self,
        job: &Job,
        made: Made,
        turn: Option<Arc<Share>>,
    ) -> Result<FlightResult<Arc<FileRecord>>, Problem> {
        self.keep(job, &made).await?;
        drop((made, turn));
        let found = self.metadata.find(job.key()).await?;
        let found = found.ok_or_else(|| Problem::internal("a form that was just kept is gone"))?;
        Ok(found.into())
    }

    /// Packs a form well that was packed quickly, while nobody waits for it.
    async fn pack_well(self: &Arc<Self>, repo: &Arc<Repo>, stored: &FileRecord, job: Job) {
        let packed = async {
            let PackageKey { repo: id, package } = job.package();
            let flight = file_key(id, package, FileKind::Representation, &job.path);
            let _turn = self.turns.wait(flight, stored.size).await?;
            let source = self.bodies.read(stored).await?;
            let (own, to_make) = (Arc::clone(repo), job.clone());
            let made = in_background(move || to_make.make(&own, source)).await?;
            self.keep(&job, &made).await
        };
        if let Err(problem) = packed.await {
            not_kept(&problem, &job);
        }
    }

    async fn keep_or_tell(&self, job: &Job, made: &Made) {
        if let Err(problem) = self.keep(job, made).await {
            not_kept(&problem, job);
        }
    }

    async fn keep(&self, job: &Job, made: &Made) -> Result<(), Problem> {
        let write = async |blob| {
            let kind = FileKind::Representation;
            let file = NewFile {
                derived_from: &job.source,
                ..NewFile::new(kind, &job.path, blob, job.content_type())
            };
            let new = NewFiles {
                package: job.package(),
                full_name: None,
                by: System::Larder,
                at: self.metadata.now(),
                files: vec![file],
                gone: Vec::new(),
                named: Vec::new(),
                retired: Vec::new(),
            };
            self.metadata.keep_files(new).await
        };
        let prepared = self.content.prepare_hashed(made.digest, &made.bytes);
        let prepared = prepared.await?;
        Ok(self.content.keep(prepared, write).await?)
    }
}

fn not_kept(problem: &Problem, job: &Job) {
    tracing::warn!(%problem, path = &*job.path, "a document's representation could not be kept");
}

/// A representation that is in memory only.
fn transient(content_type: &str, made: &Made) -> Arc<FileRecord> {
    let size = made.bytes.len() as u64;
    let mut found = FileRecord::transient(content_type, made.digest, size);
    found.body = Some(made.bytes.clone());
    Arc::new(found)
}
