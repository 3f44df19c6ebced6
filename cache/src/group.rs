//! Groups: which members answer for a name.
//!
//! A name that is published in a hosted member, or was, is never taken from a mirror, whoever asks and
//! in whichever order the members are. Nothing falls through: a hosted member that the caller may not
//! read refuses the names that it has or had, a mirror that the caller may not read refuses every name
//! that no member before it has, and a member that was deleted refuses all. Each such refusal is the
//! answer for a name that is nowhere, so nobody learns names from it.

use crate::Engine;
use crate::documents::{CacheStatus, CachedDocument};
use crate::hosted::{hosted_of, kept};
use crate::permissions::read_of;
use crate::problems::absent;
use crate::repo::Repo;
use http::request::Parts;
use larder_access::Admission;
use larder_door::Answer;
use larder_metadata::files::FileRecord;
use larder_mirrors::publishing::StoredFile;
use larder_mirrors::{Document, ReadRequest, RepoUrl};
use larder_model::{Algorithm, Digest, FileKind, Kind, Problem};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// The members of a group, for a caller.
pub(crate) struct Members {
    /// All hosted ones, in their order, whether the caller may read them or not.
    pub(crate) hosted: Vec<Arc<Repo>>,
    /// The mirrors, in their order, before the first that the caller may not read.
    pub(crate) mirrors: Vec<Arc<Repo>>,
}

/// Who answers for a name.
pub(crate) enum Owners {
    /// Hosted members that have the name or had it.
    Hosted(Vec<Arc<Repo>>),
    /// No hosted member: the mirrors, one after the other.
    Mirrors(Vec<Arc<Repo>>),
    /// Nobody, and why.
    Nobody(Problem),
}

impl Members {
    /// Hosted ones first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Repo>> {
        self.hosted.iter().chain(&self.mirrors)
    }

    /// The answer for a name that no member has. It follows from the group and from rules for names
    /// alone, not from what is published.
    fn nowhere(&self, package: &str) -> Problem {
        for mirror in self.mirrors.iter().filter(|mirror| mirror.has_upstream()) {
            if let Err(problem) = mirror.require_not_blocked(package) {
                return problem;
            }
            if let Err(problem) = mirror.upstream() {
                return problem;
            }
        }
        match self.mirrors.iter().find(|mirror| !mirror.has_upstream()) {
            // What is published here can be used and added to all the same.
            Some(mirror) => {
                let detail = format!("no such package here, and {}", mirror.lacks_upstream());
                Problem::not_found("name", detail)
            }
            None => absent(),
        }
    }
}

impl Engine {
    /// The members of a group, for a caller who asks for something of `package`.
    pub(crate) fn members(
        &self,
        admission: &Admission,
        group: &Repo,
        package: &str,
    ) -> Result<Members, Problem> {
        let (mut hosted, mut mirrors, mut is_refused) = (Vec::new(), Vec::new(), false);
        for member in &group.record.members {
            let record = member.id.and_then(|id| admission.policy().repo_by_id(id));
            let record = record.ok_or_else(|| lacks_member(group))?;
            let member = self.repos.of(record, group.protocol)?;
            if member.is_hosted() {
                hosted.push(member);
                continue;
            }
            is_refused |= !admission.may(&read_of(&member, package));
            if !is_refused {
                mirrors.push(member);
            }
        }
        Ok(Members { hosted, mirrors })
    }

    /// Who answers for a name of a group.
    pub(crate) async fn owners(
        &self,
        admission: &Admission,
        group: &Repo,
        package: &str,
    ) -> Result<Owners, Problem> {
        let members = self.members(admission, group, package)?;
        let mut owners = Vec::new();
        for member in &members.hosted {
            if !self.owns(member, package).await? {
                continue;
            }
            if !admission.may(&read_of(member, package)) {
                return Ok(Owners::Nobody(members.nowhere(package)));
            }
            owners.push(Arc::clone(member));
        }
        if !owners.is_empty() {
            return Ok(Owners::Hosted(owners));
        }
        if self.is_reserved(group, package).await? {
            return Ok(Owners::Nobody(members.nowhere(package)));
        }
        Ok(Owners::Mirrors(members.mirrors))
    }

    /// Whether a deleted repo left a name reserved.
    pub(crate) async fn is_reserved(&self, repo: &Repo, package: &str) -> Result<bool, Problem> {
        let protocol = repo.record.protocol;
        if package.is_empty() || !self.gate.policy().has_reservations(protocol) {
            return Ok(false);
        }
        Ok(self.metadata.is_reserved(protocol, package).await?)
    }

    /// The repo that takes what is published at an address: itself, or a group's first hosted
    /// member.
    pub(crate) fn published_to(
        &self,
        admission: &Admission,
        own: &Arc<Repo>,
    ) -> Result<Arc<Repo>, Problem> {
        if own.is_hosted() {
            return Ok(Arc::clone(own));
        }
        let mut hosted = self.members(admission, own, "")?.hosted.into_iter();
        hosted.next().ok_or_else(|| {
            let detail = "nothing can be published here: it is a mirror; publish to a hosted \
                          repository or a group with one";
            Problem::new(Kind::Unsupported, "repository", detail)
        })
    }

    /// What is published at an address, and the mirrors that the caller may read there.
    pub(crate) fn parts(&self, admission: &Admission, own: &Arc<Repo>) -> Result<Members, Problem> {
        let mut members = if own.is_group() {
            self.members(admission, own, "")?
        } else {
            let own = vec![Arc::clone(own)];
            let (hosted, mirrors) = own.into_iter().partition(|own| own.is_hosted());
            Members { hosted, mirrors }
        };
        members.mirrors.retain(|mirror| mirror.has_upstream());
        Ok(members)
    }

    /// Whether a name is published in one of these repos, or was, or is reserved in `own`.
    pub(crate) async fn is_taken(
        &self,
        own: &Repo,
        hosted: &[Arc<Repo>],
        name: &str,
    ) -> Result<bool, Problem> {
        for repo in hosted {
            if self.owns(repo, name).await? {
                return Ok(true);
            }
        }
        Ok(own.is_group() && self.is_reserved(own, name).await?)
    }

    /// Serves from a group.
    pub(crate) async fn serve_group(
        self: &Arc<Self>,
        admission: &Admission,
        group: &Arc<Repo>,
        read: &ReadRequest,
        request: &Parts,
        served: (i64, RepoUrl<'_>),
    ) -> Result<Answer, Problem> {
        let package = read.package();
        group.require_not_blocked(match read {
            ReadRequest::Artifact(artifact) => group.protocol.names().package_of(artifact),
            _ => package,
        })?;
        let mirrors = match self.owners(admission, group, package).await? {
            Owners::Nobody(problem) => return Err(problem),
            Owners::Hosted(members) => {
                return self.serve_hosted(&members, read, request, served).await;
            }
            Owners::Mirrors(mirrors) => mirrors,
        };
        for member in mirrors.iter().filter(|member| member.has_upstream()) {
            match self.serve_member(member, read, request, served).await {
                Err(problem) if problem.kind == Kind::NotFound => {}
                outcome => return outcome,
            }
        }
        Err(nowhere(mirrors, package))
    }

    /// Serves what hosted members have of a package together.
    async fn serve_hosted(
        self: &Arc<Self>,
        members: &[Arc<Repo>],
        read: &ReadRequest,
        request: &Parts,
        served: (i64, RepoUrl<'_>),
    ) -> Result<Answer, Problem> {
        let [first, _, ..] = members else {
            let member = members.first().ok_or_else(absent)?;
            return self.serve_member(member, read, request, served).await;
        };
        let is_public =
            |member: &Arc<Repo>| self.gate.is_public(&[read_of(member, read.package())]);
        let public = members.iter().all(is_public);
        let answer = match read {
            ReadRequest::Artifact(artifact) => {
                let (package, path) = (&artifact.package, &*artifact.path);
                let member = self
                    .holder(members, package, path)
                    .await?
                    .ok_or_else(absent)?;
                self.serve_artifact(&member, artifact, request).await?
            }
            ReadRequest::Document(document, representation) => {
                // What was published as it is may be asked for as a document.
                let holder = self
                    .holder(members, &document.package, &document.path)
                    .await?;
                if let Some(member) = holder {
                    return self.serve_member(&member, read, request, served).await;
                }
                let held = self.shared_document(members, document).await?;
                let form = (*representation, None);
                self.answer_document(first, document, held, form, request, served)
                    .await?
            }
            ReadRequest::Part(document, representation, part) => {
                let held = self.shared_document(members, document).await?;
                let form = (*representation, Some(&**part));
                self.answer_document(first, document, held, form, request, served)
                    .await?
            }
            ReadRequest::Details(_) | ReadRequest::Local(_) | ReadRequest::Redirect(_) => {
                return Err(absent()); // `read_at` answers these
            }
        };
        Ok(if public { answer } else { answer.hidden() })
    }

    /// A document composed of what several hosted members have of a package. It is made each time:
    /// no revision of one repo tells whether it is past.
    async fn shared_document(
        self: &Arc<Self>,
        members: &[Arc<Repo>],
        document: &Document,
    ) -> Result<CachedDocument, Problem> {
        let first = members.first().ok_or_else(absent)?;
        first.require_not_blocked(&document.package)?;
        let files = self.shared_files(members, &document.package).await?;
        let body = hosted_of(first)?
            .compose(document, &files)?
            .ok_or_else(absent)?;
        let digest = Digest::of(Algorithm::Sha256, &body);
        let mut found = FileRecord::transient("", digest, body.len() as u64);
        found.body = Some(body.into());
        Ok(CachedDocument {
            found: Arc::new(found),
            how: CacheStatus::Hit,
            age: Duration::ZERO,
        })
    }

    /// The member that a published file comes from: the first that has it, if none before it hides
    /// it.
    async fn holder(
        &self,
        members: &[Arc<Repo>],
        package: &str,
        path: &str,
    ) -> Result<Option<Arc<Repo>>, Problem> {
        let mut known = Shared::default();
        for member in members {
            let rows = self.metadata.published(member.place(package)).await?;
            let is_it = |row: &larder_model::StoredFile| {
                row.kind == FileKind::Artifact && *row.path == *path
            };
            if known.take(rows).iter().any(is_it) {
                return Ok(Some(Arc::clone(member)));
            }
        }
        Ok(None)
    }

    /// All files of a package that hosted members share: of a version that two have, the first
    /// member's.
    pub(crate) async fn shared_files(
        &self,
        members: &[Arc<Repo>],
        package: &str,
    ) -> Result<Vec<StoredFile>, Problem> {
        let (mut known, mut files) = (Shared::default(), Vec::new());
        for member in members {
            let rows = self.metadata.published(member.place(package)).await?;
            files.extend(known.take(rows));
        }
        files.sort_by(|a, b| (a.kind.word(), &a.path).cmp(&(b.kind.word(), &b.path)));
        Ok(files.into_iter().map(kept).collect())
    }
}

/// What members before have.
#[derive(Default)]
struct Shared {
    versions: HashSet<Box<str>>,
    paths: HashSet<(FileKind, Box<str>)>,
}

impl Shared {
    /// The files of the next member that none before it hides.
    fn take(&mut self, rows: Vec<larder_model::StoredFile>) -> Vec<larder_model::StoredFile> {
        let is_free = |row: &larder_model::StoredFile| {
            let has_version = row.kind != FileKind::Tag && !row.version.is_empty();
            let is_hidden = has_version && self.versions.contains(&row.version);
            !is_hidden && !self.paths.contains(&(row.kind, row.path.clone()))
        };
        let files: Vec<_> = rows.into_iter().filter(is_free).collect();
        for file in &files {
            if file.kind != FileKind::Tag && !file.version.is_empty() {
                self.versions.insert(file.version.clone());
            }
            self.paths.insert((file.kind, file.path.clone()));
        }
        files
    }
}

/// The answer for a name that no member has.
pub(crate) fn nowhere(mirrors: Vec<Arc<Repo>>, package: &str) -> Problem {
    let hosted = Vec::new();
    Members { hosted, mirrors }.nowhere(package)
}

/// Nothing is served from a group whose member was deleted: what it had would come from elsewhere.
fn lacks_member(group: &Repo) -> Problem {
    let name = group.record.full_name();
    let detail = format!(
        "a member of the group {name} was deleted, so nothing is served from it until its members \
         are set anew: larder repo set {name} --member NAME …"
    );
    Problem::not_found("repository", detail)
}
