//! Changes of packages that are published here, one at a time.

use super::body::copy;
use super::packages::{HostedPackages, publishing_of};
use super::steps::{NewFileKey, database_steps};
use crate::limits::Budget;
use crate::permissions::read_of;
use crate::problems::absent;
use crate::repo::Repo;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use larder_access::Admission;
use larder_content::{ContentStore, Prepared};
use larder_door::Incoming;
use larder_metadata::blobs::NewBlob;
use larder_metadata::jobs::HeldJob;
use larder_metadata::publishing::PackageChange;
use larder_metadata::quotas::{Announcement, ComingBytes};
use larder_metadata::{Error, Metadata, Requirement};
use larder_mirrors::publishing::{Bytes, Change, Piece, PublishLimits, PublishRequest, Step};
use larder_model::{Algorithm, Author, Kind, Permission, Problem};
use larder_storage::Staging;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::io::Seek as _;
use std::sync::Arc;
use std::time::Duration;

/// How often a change is made anew because another was first.
const TRIES: u32 = 64;

/// Changes packages of hosted repos.
pub(crate) struct Publisher {
    metadata: Metadata,
    content: ContentStore,
    packages: Arc<HostedPackages>,
    limits: PublishLimits,
    budget: Budget,
}

/// The package that is changed.
struct Target<'a> {
    repo: &'a Repo,
    package: &'a str,
    full_name: &'a str,
    by: &'a dyn Author,
    /// A rule has it done; `None`: somebody asks for it.
    rule: Option<&'a RuledChange<'a>>,
}

/// A change that a rule has a job make.
#[derive(Clone, Copy, Debug)]
pub struct RuledChange<'a> {
    /// The revision of the package at which that was decided: at another one nothing is done.
    pub revision: i64,
    /// Why: a sentence.
    pub reason: &'a str,
    /// The job.
    pub held: &'a HeldJob,
    /// Who asked for it.
    pub by: &'a dyn Author,
}

/// New files with durable bytes.
type Parts = HashMap<NewFileKey, Prepared>;

impl Publisher {
    /// A publisher over the rows and the bytes of a server, within `limits`; what it reads of
    /// publications takes its share of `budget`.
    pub(crate) const fn new(
        metadata: Metadata,
        content: ContentStore,
        packages: Arc<HostedPackages>,
        limits: PublishLimits,
        budget: Budget,
    ) -> Self {
        Self {
            metadata,
            content,
            packages,
            limits,
            budget,
        }
    }

    /// Stages the body of a request, if it has one, and makes the change.
    pub(crate) async fn publish(
        &self,
        repo: &Repo,
        admission: &Admission,
        request: &PublishRequest,
        mut body: Option<&mut Incoming>,
    ) -> Result<(), Problem> {
        require_someone(admission)?;
        // Before anything of the body is taken in: which package it is may stand in it.
        let required = permission(repo, request, &request.package);
        let max = request.action.max_body(&self.limits);
        match (&required.package, max.max_bytes) {
            (Some(_), _) => drop(admission.require(&required)?),
            (None, 0) => {}
            (None, _) => admission.require_somewhere(&required)?,
        }
        if let Some(body) = &mut body {
            body.limit(max);
            body.require_fit()?;
        }
        let room = match &body {
            Some(body) => self.announce(repo, request, body).await?,
            None => None,
        };
        let change = async |mut staging: Staging| {
            if let Some(body) = body {
                while let Some(bytes) = body.next().await? {
                    staging.append(bytes).await?;
                }
            }
            staging.settle().await?;
            drop(room); // from here on the commit counts
            self.change(repo, admission, request, &staging).await
        };
        self.content.with_staging(Algorithm::Sha256, change).await
    }

    /// The same of a body that is made here.
    pub(crate) async fn publish_made(
        &self,
        repo: &Repo,
        admission: &Admission,
        request: &PublishRequest,
        mut body: BoxStream<'static, Result<bytes::Bytes, Problem>>,
    ) -> Result<(), Problem> {
        require_someone(admission)?;
        admission.require(&permission(repo, request, &request.package))?;
        let max = request.action.max_body(&self.limits);
        let change = async |mut staging: Staging| {
            let mut left = max.max_bytes;
            while let Some(bytes) = body.next().await {
                let bytes = bytes?;
                let after = left.checked_sub(bytes.len() as u64);
                left = after.ok_or_else(|| max.exceeded(None))?;
                staging.append(bytes).await?;
            }
            staging.settle().await?;
            self.change(repo, admission, request, &staging).await
        };
        self.content.with_staging(Algorithm::Sha256, change).await
    }

    /// Refuses a body of which so much is kept that it cannot fit into a quota, before it is sent;
    /// else holds room for it.
    async fn announce(
        &self,
        repo: &Repo,
        request: &PublishRequest,
        body: &Incoming,
    ) -> Result<Option<Announcement>, Problem> {
        let announced = body.announced().filter(|_| repo.record.is_limited);
        let bytes = announced.map_or(0, |bytes| request.action.least_kept(bytes, &self.limits));
        if bytes == 0 {
            return Ok(None);
        }
        let coming = ComingBytes {
            repo: repo.record.id,
            digest: None,
            bytes,
            upload: "",
        };
        let announced = self.metadata.announce(coming).await;
        announced.map_err(|error| Problem::from(error).ruled_on(&request.package, request.verb))
    }

    /// Removes a version because of a rule; whether that was done: not if the package has changed, or
    /// the version stays.
    pub(crate) async fn remove_by_rule(
        &self,
        repo: &Repo,
        package: &str,
        version: &str,
        rule: &RuledChange<'_>,
    ) -> Result<bool, Problem> {
        let change = Change::Remove {
            version: Some(version.into()),
        };
        let request = publishing_of(repo)?.change(package, change)?;
        let target = Target {
            repo,
            package,
            full_name: &format!("{}{package}", repo.prefix()),
            by: rule.by,
            rule: Some(rule),
        };
        let key = repo.package_key(package);
        if self.metadata.revision(key).await? != Some(rule.revision) {
            return Ok(false);
        }
        let remove = async |mut staging: Staging| {
            staging.settle().await?;
            self.try_change(&target, &request, &staging).await
        };
        self.content.with_staging(Algorithm::Sha256, remove).await
    }

    /// Makes the change, anew whenever another was first.
    async fn change(
        &self,
        repo: &Repo,
        admission: &Admission,
        request: &PublishRequest,
        staging: &Staging,
    ) -> Result<(), Problem> {
        let package = self.package_of(repo, admission, request, staging).await?;
        let by = admission.require(&permission(repo, request, &package))?;
        let target = Target {
            repo,
            package: &package,
            full_name: &format!("{}{package}", repo.prefix()),
            by: &by,
            rule: None,
        };
        for _ in 0..TRIES {
            let changed = self.try_change(&target, request, staging).await;
            if changed.map_err(|problem| problem.ruled_on(&package, request.verb))? {
                return Ok(());
            }
        }
        Err(Problem::busy(
            "too many change this package at once",
            Duration::from_secs(1),
        ))
    }

    /// Makes the change of the package as it is now; whether no other was first.
    async fn try_change(
        &self,
        target: &Target<'_>,
        request: &PublishRequest,
        staging: &Staging,
    ) -> Result<bool, Problem> {
        // The protocol makes the steps of the package's files and the body.
        let key = target.repo.package_key(target.package);
        let revision = match target.rule {
            Some(rule) => Some(rule.revision),
            None => self.metadata.revision(key).await?,
        };
        let files = self.packages.files(target.repo, target.package).await?;
        let (action, stored) = (Arc::clone(&request.action), files.clone());
        let limits = self.limits;
        let held = Arc::clone(&request.action);
        let held = move |body: &mut File| held.held_bytes(body, &limits);
        let share = self.budget.share(read_body(staging, held).await?).await?;
        let steps = move |body: &mut File| action.steps(body, &stored, &limits);
        let steps = read_body(staging, steps).await?;
        drop(share);
        if steps.is_empty() {
            return Ok(true);
        }
        // Bytes first, then one batch that requires the revision. Where another was first they are gone
        // with the try, for no row names them.
        let parts = self.store_parts(&steps, staging).await?;
        let (files_of, prepared): (Vec<NewFileKey>, Vec<Prepared>) = parts.into_iter().unzip();
        let write = async |blobs: Vec<NewBlob>| {
            let blobs = files_of.iter().zip(blobs).collect();
            let change = PackageChange {
                package: key,
                full_name: target.full_name,
                revision,
                by: target.by,
                steps: database_steps(steps, key, &files, &blobs)?,
                reason: target.rule.map_or("", |rule| rule.reason),
                held: target.rule.map(|rule| rule.held),
                replaces: false,
            };
            self.metadata.change_package(change).await
        };
        match self.content.keep_all(prepared, write).await {
            Err(Error::Unmet(Requirement::Revision)) => Ok(false),
            Err(Error::Unmet(Requirement::Job) | Error::Immutable(_)) if target.rule.is_some() => {
                Ok(false)
            }
            Err(Error::Unmet(Requirement::NameFree)) => Err(reserved(target)),
            Err(Error::Unmet(Requirement::File)) => {
                let detail = "a file of this name is there already";
                Err(Problem::new(Kind::Conflict, "package", detail))
            }
            changed => {
                changed?;
                let (by, act) = (target.by.label(), request.action.name());
                tracing::info!(by, package = target.full_name, act, "package changed");
                Ok(true)
            }
        }
    }

    /// The package that a request is for; empty: the whole repo.
    async fn package_of(
        &self,
        repo: &Repo,
        admission: &Admission,
        request: &PublishRequest,
        staging: &Staging,
    ) -> Result<Box<str>, Problem> {
        if !request.package.is_empty() {
            return Ok(request.package.clone());
        }
        if let Some(path) = request.action.address() {
            let found = self.metadata.find(repo.address_key(path)).await?;
            let file = found
                .filter(|found| !found.owner.is_empty())
                .ok_or_else(absent)?;
            if !admission.may(&read_of(repo, &file.owner)) {
                return Err(absent()); // whoever may not see it does not learn its name
            }
            return Ok(file.owner.clone());
        }
        let (action, limits) = (Arc::clone(&request.action), self.limits);
        read_body(staging, move |body| action.package_in(body, &limits)).await
    }

    /// Makes the bytes of new files durable, but for those that a try before has made so.
    async fn store_parts(&self, steps: &[Step], staging: &Staging) -> Result<Parts, Problem> {
        let mut parts = Parts::new();
        for step in steps {
            let Step::Add {
                kind, path, bytes, ..
            } = step
            else {
                continue;
            };
            if matches!(bytes, Bytes::Same(_)) {
                continue; // they are durable already
            }
            if let Entry::Vacant(part) = parts.entry((*kind, path.clone())) {
                part.insert(self.store_part(bytes, staging).await?);
            }
        }
        Ok(parts)
    }

    /// Makes the bytes of a new file durable.
    async fn store_part(&self, bytes: &Bytes, body: &Staging) -> Result<Prepared, Problem> {
        let (start, length, encoded) = match bytes {
            Bytes::Joined(pieces) => return self.store_joined(pieces, body).await,
            Bytes::Inline(bytes) => return self.content.prepare(&bytes.clone().into()).await,
            Bytes::Dated(make, text) => {
                let bytes = make(text, self.metadata.now()).into();
                return self.content.prepare(&bytes).await;
            }
            Bytes::Same(_) => return Err(Problem::internal("bytes that are there already")),
            Bytes::Part(start, length) => (*start, *length, false),
            Bytes::Base64(start, length) => (*start, *length, true),
        };
        let store = async |mut staging: Staging| {
            copy(body.file(), (start, length), encoded, &mut staging).await?;
            self.content.prepare_staged(staging).await
        };
        self.content.with_staging(Algorithm::Sha256, store).await
    }

    /// Makes the bytes of a new file durable that is put together of pieces.
    async fn store_joined(&self, pieces: &[Piece], body: &Staging) -> Result<Prepared, Problem> {
        let store = async |mut staging: Staging| {
            for piece in pieces {
                match piece {
                    Piece::Inline(bytes) => staging.append(bytes.clone().into()).await?,
                    Piece::Part(start, length) => {
                        copy(body.file(), (*start, *length), false, &mut staging).await?;
                    }
                }
            }
            self.content.prepare_staged(staging).await
        };
        self.content.with_staging(Algorithm::Sha256, store).await
    }
}

/// Fails unless it is known who asks.
fn require_someone(admission: &Admission) -> Result<(), Problem> {
    if admission.principal().user.is_some() {
        return Ok(());
    }
    let detail = "authentication required: log in with a user or token that may do this";
    Err(Problem::new(Kind::Unauthenticated, "access", detail))
}

/// What must be allowed for a request about `package`.
fn permission(repo: &Repo, request: &PublishRequest, package: &str) -> Permission {
    Permission {
        verb: request.verb,
        ..read_of(repo, package)
    }
}

/// Has a protocol read the body, away from the connections.
async fn read_body<T: Send + 'static>(
    staging: &Staging,
    read: impl FnOnce(&mut File) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let file = staging.file();
    let work = move || {
        let mut file = file.try_clone().map_err(Problem::internal)?;
        file.rewind().map_err(Problem::internal)?;
        read(&mut file)
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(Problem::internal)?
}

/// A deleted repository had the name: whoever publishes under it now would speak for another.
fn reserved(target: &Target<'_>) -> Problem {
    Problem::reserved(target.repo.record.full_name(), target.package)
}
