//! The door of git repositories: smart HTTP (gitprotocol-http).

use crate::advertisement::{advertise, capabilities};
use crate::body::{MAX_REQUEST, plain};
use crate::bundles::{self, Bundles};
use crate::endpoint::{self, Address, Call, Endpoint, PROTOCOL, Service, Version};
use crate::indexing::Indexing;
use crate::large_files::{LargeFiles, Place};
use crate::lfs::{self, Operation};
use crate::ls_refs::{Command, read_command};
use crate::mirroring::Mirroring;
use crate::oid::ObjectFormat;
use crate::receiving::{Goal, Receiver};
use crate::refs::Refs;
use crate::repacking::Repacking;
use crate::repositories::{Found, Repositories};
use crate::wants::wants;
use futures_util::StreamExt as _;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use larder_access::Admission;
use larder_cache::Packages;
use larder_door::answer::{ReadyResponse, Refusals};
use larder_door::door::{Door, RefusalContext};
use larder_door::{Answer, Body, ClientView, Incoming};
use larder_metadata::Metadata;
use larder_metadata::files::PackageKey;
use larder_metadata::repos::RepoRecord;
use larder_mirrors::source_path::{ENDING, written};
use larder_model::{
    BodyLimit, Digest, Kind, Permission, Problem, ProtocolName, RefScope, Reply, RepoKind,
    RepoName, Verb,
};
use larder_storage::Error;
use std::sync::Arc;

/// The media type of what a client is told first.
const ADVERTISEMENT: &str = "application/x-git-upload-pack-advertisement";
/// The most bytes of a request about large files: some ten thousand names.
const MAX_LARGE_REQUEST: u64 = 2 << 20;
/// How a client is to say who it is.
const CHALLENGE: &str = "Basic realm=\"Larder\"";
/// The same for clients of Git LFS (its API, authentication).
const LFS_AUTHENTICATE: HeaderName = HeaderName::from_static("lfs-authenticate");
/// What no cache is to keep.
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache, max-age=0, must-revalidate");

/// The door of git repositories.
pub struct Git {
    packages: Packages,
    repositories: Arc<Repositories>,
    mirroring: Mirroring,
    receiver: Receiver,
    large_files: LargeFiles,
    bundles: Bundles,
    repacking: Repacking,
    indexing: Indexing,
    /// The most bytes of a push.
    push: BodyLimit,
}

fn no_repo() -> Problem {
    Problem::not_found("name", "no such repository here, or you may not see it")
}

fn record(admission: &Admission, repo: &RepoName) -> Result<Arc<RepoRecord>, Problem> {
    let record = admission.policy().repo(ProtocolName(PROTOCOL), repo);
    record.cloned().ok_or_else(no_repo)
}

fn permission(repo: &RepoName, path: &str, verb: Verb) -> Permission {
    Permission {
        protocol: ProtocolName(PROTOCOL),
        repo: repo.clone(),
        package: Some(path.into()),
        // Which refs a push changes is known when its commands have come: each is asked for then.
        refs: RefScope::Any,
        verb,
    }
}

impl Git {
    /// The door over the repositories of a server; a push has at most `push` bytes.
    pub fn new(
        metadata: Metadata,
        packages: Packages,
        (repositories, push): (Arc<Repositories>, BodyLimit),
    ) -> Self {
        let receiver = Receiver::new(metadata.clone(), Arc::clone(&repositories));
        let content = repositories.content().clone();
        Self {
            bundles: Bundles::new(metadata.clone(), Arc::clone(&repositories)),
            repacking: Repacking::new(metadata.clone(), Arc::clone(&repositories)),
            indexing: Indexing::new(Arc::clone(&repositories)),
            large_files: LargeFiles::new(metadata.clone(), content, packages.clone()),
            mirroring: Mirroring::new(metadata, packages.clone(), Arc::clone(&repositories)),
            packages,
            repositories,
            receiver,
            push,
        }
    }

    /// Removes folders of repositories that nobody needs: all of them can be made anew.
    pub async fn sweep(&self) -> Result<usize, Problem> {
        self.repositories.workspaces().sweep().await
    }

    /// Answers a client's first request.
    async fn discover(
        &self,
        admission: &Admission,
        address: &Address,
        (service, version): (Service, Version),
    ) -> Result<Answer, Problem> {
        let (refs, format) = match service {
            Service::UploadPack => {
                let owner = self.owner(admission, address).await?;
                let found = owner.found.as_ref().ok_or_else(no_repo)?;
                let place = place_of(&owner.record, address);
                self.repacking.begin(&place, &found.kept);
                self.indexing.begin(&place, &found.kept);
                if version == Version::V2 {
                    let bundle = self.bundles.of(&place, &found.kept).await?;
                    let body = capabilities(found.kept.state.format, bundle.is_some());
                    return Ok(reply(ADVERTISEMENT, body));
                }
                of(found)
            }
            Service::ReceivePack => {
                let to = self.pushed_to(admission, address)?;
                let write = permission(&to.name, &address.path, Verb::Write);
                admission.asked_of(&address.repo).require(&write)?;
                let found = self.find(&to, &address.path).await?;
                found.as_ref().map(of).unwrap_or_default()
            }
        };
        let body = advertise(service, version, format, &refs);
        let content_type = match service {
            Service::UploadPack => ADVERTISEMENT,
            Service::ReceivePack => "application/x-git-receive-pack-advertisement",
        };
        Ok(reply(content_type, body))
    }

    /// Answers a request for refs or objects.
    async fn upload(
        &self,
        admission: &Admission,
        address: &Address,
        (request, client): (&Parts, &ClientView),
        (version, body): (Version, &mut Incoming),
    ) -> Result<Answer, Problem> {
        let owner = self.owner(admission, address).await?;
        let mut found = owner.found.ok_or_else(no_repo)?;
        let body = body.collect(MAX_REQUEST).await?;
        let body = plain(&request.headers, body)?;
        if version == Version::V2 {
            let answer = match read_command(&body)? {
                Command::LsRefs(wanted) => Some(wanted.answer(&found.kept.state.refs)),
                Command::BundleUri => {
                    let place = place_of(&owner.record, address);
                    let bundle = self.bundles.of(&place, &found.kept).await?;
                    let base = base_of(client, address);
                    let at = bundle.map(|digest| format!("{base}/bundles/{}.bundle", digest.hex()));
                    Some(bundles::answer(at.as_deref()))
                }
                Command::Nothing => Some(Vec::new()),
                Command::Fetch | Command::ObjectInfo => None,
            };
            if let Some(answer) = answer {
                return Ok(reply("application/x-git-upload-pack-result", answer));
            }
        }
        let is_mirror = owner.record.kind == RepoKind::Mirror;
        if is_mirror {
            let wanted = wants(version, &body)?;
            let with = (found, &*wanted);
            found = self
                .mirroring
                .with_objects(&owner.record, &address.path, with)
                .await?;
        }
        let package = key(&owner.record, &address.path);
        let ask = (version, body);
        let objects = self
            .repositories
            .upload_pack(package, &found.kept, ask.clone());
        let objects = match objects.await {
            // What an upstream gave it may give once more.
            Err(problem) if problem.kind == Kind::Damaged && is_mirror => {
                let healed = self.mirroring.heal(&owner.record, &address.path, found);
                let kept = healed.await?.kept;
                self.repositories.upload_pack(package, &kept, ask).await?
            }
            objects => objects?,
        };
        let objects = objects.map(|piece| match piece {
            Ok(bytes) => Ok(larder_storage::Content::Ready(bytes)),
            Err(problem) => Err(Error::Io(std::io::Error::other(problem.detail.to_string()))),
        });
        let mut response = Response::new(Body::of_parts(objects.boxed(), None, None));
        let headers = response.headers_mut();
        let content_type = HeaderValue::from_static("application/x-git-upload-pack-result");
        headers.insert(CONTENT_TYPE, content_type);
        headers.insert(CACHE_CONTROL, NO_CACHE);
        Ok(ReadyResponse {
            response,
            permissions: Vec::new(),
            problem: None,
        }
        .into())
    }

    /// The repository of which files are read that are none of git's objects.
    async fn place(&self, admission: &Admission, address: &Address) -> Result<Place, Problem> {
        let owner = self.owner(admission, address).await?;
        owner.found.ok_or_else(no_repo)?;
        Ok(place_of(&owner.record, address))
    }

    /// Tells where large files are had, or go.
    async fn large_batch(
        &self,
        admission: &Admission,
        address: &Address,
        (client, body): (&ClientView, &mut Incoming),
    ) -> Result<Answer, Problem> {
        let batch = lfs::read_batch(&body.collect(MAX_LARGE_REQUEST).await?)?;
        let base = format!("{}/lfs/objects", base_of(client, address));
        let files = &self.large_files;
        let outcomes = match batch.operation {
            Operation::Download => {
                let place = self.place(admission, address).await?;
                files.offer(&place, batch.objects, &base).await?
            }
            Operation::Upload => {
                let (place, write) = self.large_goal(admission, address)?;
                admission.asked_of(&address.repo).require(&write)?;
                files.expect(&place, batch.objects, &base).await?
            }
        };
        Ok(reply(lfs::CONTENT_TYPE, lfs::answer(&outcomes)?))
    }

    /// Takes a large file in.
    async fn large_upload(
        &self,
        admission: &Admission,
        address: &Address,
        (digest, body): (&Digest, &mut Incoming),
    ) -> Result<Answer, Problem> {
        let (place, write) = self.large_goal(admission, address)?;
        let admission = admission.asked_of(&address.repo);
        let by = admission.require(&write)?;
        body.limit(self.push);
        let taken = self.large_files.take_in(&place, digest, (&by, body));
        Box::pin(taken).await?;
        Ok(Reply::new(StatusCode::OK).into())
    }

    /// Takes a push in.
    async fn receive(
        &self,
        admission: &Admission,
        address: &Address,
        body: &mut Incoming,
    ) -> Result<Answer, Problem> {
        let to = self.pushed_to(admission, address)?;
        let admission = admission.asked_of(&address.repo);
        let write = permission(&to.name, &address.path, Verb::Write);
        admission.require(&write)?;
        body.limit(self.push);
        let goal = Goal {
            package: key(&to, &address.path),
            full_name: &format!("{}/{}", to.full_name(), address.path),
            admission: &admission,
            permission: &write,
        };
        let received = Box::pin(self.receiver.receive(goal, body)).await?;
        let Some(received) = received else {
            return Ok(result(Vec::new()).into());
        };
        let (problems, say) = received.into_parts();
        let of = |problem: Problem| problem.ruled_on(&address.path, Verb::Write);
        Ok(Answer::Refusals(Refusals {
            problems: problems.into_iter().map(of).collect(),
            say: Box::new(|problems| result(say(problems))),
        }))
    }
}

fn place_of(record: &Arc<RepoRecord>, address: &Address) -> Place {
    Place {
        record: Arc::clone(record),
        path: address.path.clone(),
    }
}

/// What a member of a group has is not for all who may read the group.
fn of_member(place: &Place, address: &Address, answer: Answer) -> Answer {
    if place.record.name == address.repo {
        answer
    } else {
        answer.hidden()
    }
}

/// Below which what is no object of a repository has its addresses, as a client sees them.
fn base_of(client: &ClientView, Address { repo, path }: &Address) -> String {
    let (site, path) = (&client.base, written(path));
    format!("{site}/{PROTOCOL}/{repo}/{path}{ENDING}/info")
}

fn key<'a>(record: &RepoRecord, path: &'a str) -> PackageKey<'a> {
    PackageKey {
        repo: record.id,
        package: path,
    }
}

/// What is told of a repository that is there.
fn of(found: &Found) -> (Refs, ObjectFormat) {
    (found.kept.state.refs.clone(), found.kept.state.format)
}

fn reply(content_type: &'static str, body: Vec<u8>) -> Answer {
    uncached(content_type, body).into()
}

/// What became of a push.
fn result(body: Vec<u8>) -> Reply {
    uncached("application/x-git-receive-pack-result", body)
}

fn uncached(content_type: &'static str, body: Vec<u8>) -> Reply {
    let reply = Reply::new(StatusCode::OK).with_body(content_type, body);
    reply.with(CACHE_CONTROL, NO_CACHE)
}

impl Door for Git {
    type Endpoint = Endpoint;

    fn parse(&self, request: &Parts) -> Result<Endpoint, Problem> {
        endpoint::parse(request)
    }

    fn permissions(&self, endpoint: &Endpoint) -> Vec<Permission> {
        let Address { repo, path } = &endpoint.address;
        vec![permission(repo, path, Verb::Read)]
    }

    async fn answer(
        &self,
        admission: Admission,
        endpoint: Endpoint,
        request: &Parts,
        client: &ClientView,
        body: &mut Incoming,
    ) -> Result<Answer, Problem> {
        let Endpoint { address, call } = endpoint;
        let (admission, address) = (&admission, &address);
        match call {
            Call::Discover(service, version) => {
                self.discover(admission, address, (service, version)).await
            }
            Call::Serve(Service::UploadPack, version) => {
                self.upload(admission, address, (request, client), (version, body))
                    .await
            }
            Call::Serve(Service::ReceivePack, _) => self.receive(admission, address, body).await,
            Call::LfsBatch => self.large_batch(admission, address, (client, body)).await,
            Call::LfsGet(digest, size) => {
                let place = self.place(admission, address).await?;
                let answer = self.large_files.get(&place, (&digest, size), request);
                Ok(of_member(&place, address, answer.await?))
            }
            Call::LfsPut(digest) => self.large_upload(admission, address, (&digest, body)).await,
            Call::LfsVerify => {
                let (place, write) = self.large_goal(admission, address)?;
                admission.asked_of(&address.repo).require(&write)?;
                let wanted = lfs::read_object(&body.collect(MAX_LARGE_REQUEST).await?)?;
                self.large_files.verify(&place, wanted).await?;
                Ok(reply(lfs::CONTENT_TYPE, b"{}".to_vec()))
            }
            Call::LfsLocks => Err(Problem::not_found("locks", "no files are locked here")),
            Call::Bundle(digest) => {
                let place = self.place(admission, address).await?;
                let answer = self.bundles.get(&place, &digest).await?;
                Ok(of_member(&place, address, answer))
            }
            Call::Look => Err(Problem::not_found("path", "no such path in git's protocol")),
        }
    }

    fn refuse(&self, problem: &Problem, context: &RefusalContext<'_>) -> Reply {
        let status = match problem.kind {
            // Clients show no text of other refusals.
            Kind::Policy | Kind::Quota => StatusCode::FORBIDDEN,
            _ => problem.status(),
        };
        let is_large = context.path.contains("/info/lfs/");
        let reply = Reply::new(status);
        let reply = if is_large {
            reply.with_body(lfs::CONTENT_TYPE, lfs::message(problem))
        } else {
            reply.with_body("text/plain", format!("{}\n", problem.detail))
        };
        match problem.kind {
            Kind::Unauthenticated if is_large => reply
                .with(LFS_AUTHENTICATE, CHALLENGE)
                .with(WWW_AUTHENTICATE, CHALLENGE),
            Kind::Unauthenticated => reply.with(WWW_AUTHENTICATE, CHALLENGE),
            _ => reply,
        }
    }

    fn gives_reasons(&self) -> bool {
        true
    }
}

impl std::fmt::Debug for Git {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Git").finish_non_exhaustive()
    }
}

mod owners;
mod refresh;
mod trees;
