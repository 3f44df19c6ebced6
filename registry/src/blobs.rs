//! Blobs: read, removed, mounted (end-2, end-10, end-11).

use crate::Registry;
use crate::names::{no_name, package_key, permission, repo_of};
use crate::reply::docker_digest;
use http::header::LOCATION;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use larder_access::Admission;
use larder_door::{Answer, BlobAnswer, Lasts};
use larder_metadata::blobs::Putting;
use larder_metadata::files::{FileRecord, PackageKey};
use larder_metadata::{Error, Requirement};
use larder_model::{
    Digest, FileKind, ImageName, Kind, Permission, Problem, ProtocolName, RefScope, Reply, Verb,
};

/// Repositories, and places in each, that are looked at for a mount without a source.
const MAX_REPOS: usize = 20;
const MAX_PLACES: u64 = 100;

fn no_blob() -> Problem {
    Problem::not_found("blob", "this image has no such blob")
}

fn still_named(manifest: Option<Digest>) -> Problem {
    let which = manifest.map_or("a manifest".to_owned(), |it| format!("the manifest {it}"));
    let detail = format!(
        "{which} of this image names the blob: delete that first, then the blob goes by itself; a \
         superuser can remove it at once with ?force=true, and whoever pulls the image misses it"
    );
    Problem::new(Kind::Conflict, "blob", detail)
}

impl Registry {
    pub(crate) async fn get_blob(
        &self,
        admission: &Admission,
        name: &ImageName,
        digest: &Digest,
        request: &Parts,
    ) -> Result<Answer, Problem> {
        let repo = repo_of(admission, name)?;
        let path = digest.to_string();
        let key = package_key(&repo, name).file(FileKind::Blob, &path);
        let found = if request.method == Method::HEAD {
            self.metadata.stat(key).await?
        } else {
            self.metadata.find(key).await?
        };
        let found = found.ok_or_else(no_blob)?;
        if found.damaged && request.method == Method::HEAD {
            return Err(no_blob()); // whoever has it is to push it
        }
        self.metadata.note_use(key, &found);
        if request.method == Method::HEAD {
            self.promise(key.package, digest, &found).await?;
        }
        let mut headers = HeaderMap::new();
        docker_digest(&mut headers, digest);
        let content_type = HeaderValue::from_static("application/octet-stream");
        Ok(Answer::Blob(BlobAnswer {
            found,
            content_type,
            headers,
            lasts: Lasts::Forever,
            private: false,
            overlay: None,
            changed: None,
        }))
    }

    /// A client that is told that a blob is here does not upload it, but names it in a manifest:
    /// within the lease the collector leaves it alone.
    pub(crate) async fn promise(
        &self,
        package: PackageKey<'_>,
        digest: &Digest,
        found: &FileRecord,
    ) -> Result<(), Problem> {
        let lease = (found.checked_at, self.limits.lease);
        match self.metadata.promise_blob(package, digest, lease).await {
            Err(Error::Unmet(Requirement::Blob)) => Err(no_blob()),
            promised => Ok(promised.map(|_| ())?),
        }
    }

    /// Removes a blob from an image. One that a manifest names goes only by a superuser's force: who
    /// pulls the image then misses it.
    pub(crate) async fn delete_blob(
        &self,
        admission: &Admission,
        name: &ImageName,
        digest: &Digest,
        forced: bool,
    ) -> Result<Answer, Problem> {
        let mut allowed = admission.require(&permission(name, Verb::Delete))?;
        if forced {
            allowed = admission.require_superuser()?;
        }
        let repo = repo_of(admission, name)?;
        let package = package_key(&repo, name);
        let dropped = self.metadata.drop_blob(package, digest, forced, &allowed);
        match dropped.await {
            Ok(()) => Ok(Reply::new(StatusCode::ACCEPTED).into()),
            Err(Error::Unmet(Requirement::Blob)) => Err(no_blob()),
            Err(Error::Unmet(Requirement::Unreferenced)) => {
                let manifest = self.metadata.used_by(package, digest).await?;
                Err(still_named(manifest))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Mounts a blob from an image that the caller may read; `None` if there is none, so that
    /// nothing is learnt of others.
    pub(crate) async fn mount(
        &self,
        admission: &Admission,
        name: &ImageName,
        putting: Putting<'_>,
        digest: &Digest,
        from: Option<&ImageName>,
    ) -> Result<Option<Reply>, Problem> {
        let mounted = match from {
            // The caller's own rights count, not what its bearer token was asked for: clients ask
            // only for the target.
            Some(from) if may_take(admission, from) => {
                self.mount_from(admission, putting, digest, from).await?
            }
            Some(_) => false,
            None => self.mount_from_anywhere(admission, putting, digest).await?,
        };
        Ok(mounted.then(|| blob_created(name, digest)))
    }

    async fn mount_from(
        &self,
        admission: &Admission,
        putting: Putting<'_>,
        digest: &Digest,
        from: &ImageName,
    ) -> Result<bool, Problem> {
        let Ok(source) = repo_of(admission, from).map_err(|_| no_name()) else {
            return Ok(false);
        };
        match self
            .metadata
            .mount(putting, package_key(&source, from), digest)
            .await
        {
            Ok(()) => Ok(true),
            Err(Error::Unmet(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn mount_from_anywhere(
        &self,
        admission: &Admission,
        putting: Putting<'_>,
        digest: &Digest,
    ) -> Result<bool, Problem> {
        // Nothing is asked of repositories that the caller may not read: how long that takes would tell
        // of them.
        let policy = admission.policy();
        let readable = policy.repos().filter(|repo| {
            let all = Permission {
                protocol: repo.protocol,
                repo: repo.name.clone(),
                package: None,
                refs: RefScope::All,
                verb: Verb::Read,
            };
            repo.protocol == ProtocolName::OCI && admission.principal().could_somewhere(&all)
        });
        for repo in readable.take(MAX_REPOS) {
            let places = self
                .metadata
                .places_of(repo.id, digest, FileKind::Blob, MAX_PLACES);
            for image in places.await? {
                let Ok(from) = format!("{}/{image}", repo.name).parse::<ImageName>() else {
                    continue;
                };
                if may_take(admission, &from)
                    && self.mount_from(admission, putting, digest, &from).await?
                {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

/// Whether what an image has may be taken to another one: by the caller's own rights, and as far as
/// nothing of it is blocked.
fn may_take(admission: &Admission, from: &ImageName) -> bool {
    admission.could(&permission(from, Verb::Read)) && !admission.policy().blocks_image(from)
}

/// 201 for a blob that can be pulled from now on.
pub(crate) fn blob_created(name: &ImageName, digest: &Digest) -> Reply {
    let mut reply =
        Reply::new(StatusCode::CREATED).with(LOCATION, format!("/v2/{name}/blobs/{digest}"));
    docker_digest(&mut reply.headers, digest);
    reply
}
