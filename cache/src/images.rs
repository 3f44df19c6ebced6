//! The door of mirrored images: below `/v2/` with the repository's name, with `?ns=`, or as the
//! registry mirror of docker.

use crate::lists::Lists;
use crate::packages::Packages;
use crate::problems::{absent, no_image};
use crate::repos::Repos;
use crate::responder::{ReadContext, Responder};
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderValue, Method};
use larder_access::{Admission, Gate, PolicySnapshot};
use larder_door::door::RefusalContext;
use larder_door::{Answer, ClientView, Door, Incoming};
use larder_metadata::scrub::MirrorFile;
use larder_mirrors::oci::{API_VERSION, DIGEST_HEADER, ListRequest, Oci};
use larder_mirrors::{Protocol, ReadRequest, RepoAddress, RepoRequest, RepoUrl};
use larder_model::{
    Permission, Problem, ProtocolName, RefScope, Reply, RepoKind, RepoName, Verb, percent,
};
use std::borrow::Cow;
use std::sync::Arc;

/// The version of the API that all answers tell.
const VERSION: HeaderValue = HeaderValue::from_static("registry/2.0");

/// The door of mirrored images.
#[derive(Clone)]
pub struct Images {
    gate: Arc<Gate>,
    repos: Arc<Repos>,
    responder: Arc<Responder>,
    lists: Arc<Lists>,
}

/// A parsed request for a manifest, a blob or a list of a mirrored image.
pub struct Endpoint {
    repo: RepoName,
    image: Box<str>,
    /// The image as it was asked for.
    name: Box<str>,
    read: ReadRequest,
    /// Of a list: which part of it.
    list: Option<ListRequest>,
}

impl Packages {
    /// The door of mirrored images, over the same engine.
    pub fn images(&self) -> Images {
        Images {
            gate: Arc::clone(&self.0.gate),
            repos: Arc::clone(&self.0.repos),
            responder: Arc::clone(&self.0.responder),
            lists: Arc::clone(&self.0.lists),
        }
    }

    /// Fetches a file of a mirror anew whose bytes are damaged here, and waits until it is kept. Fails
    /// if its upstream cannot give it, with other bytes than those that were promised too.
    pub async fn fetch_again(&self, file: &MirrorFile) -> Result<(), Problem> {
        let policy = self.0.gate.policy();
        let record = policy.repo_by_id(file.repo).ok_or_else(absent)?;
        let protocol: &'static dyn Protocol = if record.protocol == ProtocolName::OCI {
            &Oci
        } else {
            larder_mirrors::of(record.protocol).ok_or_else(absent)?
        };
        let repo = self.0.repos.of(record, protocol)?;
        self.0.healer.fetch_again(&repo, file).await
    }
}

/// The mirror and the image in a path below `/v2`; `None` if the path is not of a mirror. Fails if the
/// path has a lens, for any repository.
fn target(
    policy: &PolicySnapshot,
    request: &Parts,
) -> Option<Result<(RepoName, Box<str>), Problem>> {
    let below = request.uri.path().strip_prefix("/v2")?;
    let query = request.uri.query().unwrap_or_default();
    let is_stranger = !request.headers.contains_key(AUTHORIZATION);
    let request = RepoRequest::new(&request.method, below, query, &request.headers).ok()?;
    let image = Oci::image_of(&request).or_else(|| upload_of(&request))?;
    if let Err(problem) = require_no_lens(policy, &image) {
        return Some(Err(problem));
    }
    let host = host_of(query);
    let reads = matches!(*request.method, Method::GET | Method::HEAD);
    if !reads && policy.is_in_no_repo(&image) {
        return None; // what is pushed is nobody's mirror
    }
    let (repo, image) = policy.image(&image, (host.as_deref(), is_stranger))?;
    let row = policy.repo(ProtocolName::OCI, &repo)?;
    (row.kind == RepoKind::Mirror).then_some(Ok((repo, image)))
}

/// The host of a registry that a query names, as containerd does.
fn host_of(query: &str) -> Option<Cow<'_, str>> {
    let host = query.split('&').find_map(|pair| pair.strip_prefix("ns="));
    host.and_then(percent::decode_form)
}

/// Fails if the first segment of a name has a lens, unless a repository has exactly this name.
fn require_no_lens(policy: &PolicySnapshot, name: &str) -> Result<(), Problem> {
    let segment = name.split('/').next().unwrap_or_default();
    let Some(address) = RepoAddress::read_image(segment) else {
        return Ok(());
    };
    let exact = segment.parse().ok();
    if exact.is_some_and(|name| policy.repo(ProtocolName::OCI, &name).is_some()) {
        return Ok(());
    }
    address.require_no_lens(ProtocolName::OCI)
}

/// Whether a path may have a lens in the name of an image.
fn may_have_lens(request: &Parts) -> bool {
    request.uri.path().contains("--")
}

/// The image in the path of an upload, which mirrors refuse.
fn upload_of(request: &RepoRequest<'_>) -> Option<String> {
    let parts = request.parts();
    let at = parts
        .windows(2)
        .position(|pair| pair == ["blobs", "uploads"])?;
    (at > 0).then(|| parts[..at].join("/"))
}

impl Images {
    /// The repository and the image that a refused request means to whoever shows no credentials.
    fn target_for_strangers(&self, context: &RefusalContext<'_>) -> Option<(RepoName, Box<str>)> {
        let below = context.path.strip_prefix("/v2")?;
        let request = RepoRequest::new(&Method::GET, below, context.query, context.headers).ok()?;
        let image = Oci::image_of(&request)?;
        let host = host_of(context.query);
        self.gate.policy().image(&image, (host.as_deref(), true))
    }

    /// Whether this door answers a request: it is for a mirrored image, or has a lens.
    pub fn has(&self, request: &Parts) -> bool {
        let policy = self.gate.policy();
        (policy.mirrors_images() || may_have_lens(request)) && target(&policy, request).is_some()
    }
}

impl Door for Images {
    type Endpoint = Endpoint;

    fn parse(&self, request: &Parts) -> Result<Endpoint, Problem> {
        let policy = self.gate.policy();
        let (repo, image) = target(&policy, request).ok_or_else(no_image)??;
        let below = request
            .uri
            .path()
            .strip_prefix("/v2")
            .ok_or_else(no_image)?;
        let query = request.uri.query().unwrap_or_default();
        let request = RepoRequest::new(&request.method, below, query, &request.headers)?;
        let name = Oci::image_of(&request).unwrap_or_default().into();
        let read = Oci::read_request(&request, &image)?;
        let list = match &read {
            ReadRequest::Document(document, _) => Oci::list_request(document, &request)?,
            _ => None,
        };
        Ok(Endpoint {
            repo,
            image,
            name,
            read,
            list,
        })
    }

    fn permissions(&self, endpoint: &Endpoint) -> Vec<Permission> {
        let (repo, package) = (endpoint.repo.clone(), Some(endpoint.image.clone()));
        vec![Permission {
            protocol: ProtocolName::OCI,
            repo,
            package,
            refs: RefScope::All,
            verb: Verb::Read,
        }]
    }

    fn reference(&self, endpoint: &Endpoint) -> Option<Box<str>> {
        endpoint.read.reference()
    }

    async fn answer(
        &self,
        admission: Admission,
        endpoint: Endpoint,
        request: &Parts,
        client: &ClientView,
        _: &mut Incoming,
    ) -> Result<Answer, Problem> {
        let record = admission
            .policy()
            .repo(ProtocolName::OCI, &endpoint.repo)
            .ok_or_else(no_image)?;
        let repo = self.repos.of(record, &Oci)?;
        if let (ReadRequest::Document(document, _), Some(list)) = (&endpoint.read, &endpoint.list) {
            let part = (list, &*endpoint.name);
            let mut answer = self.lists.answer(&repo, document, part, request).await?;
            if let Answer::Blob(blob) = &mut answer {
                blob.headers.insert(API_VERSION, VERSION);
            }
            return Ok(answer);
        }
        let repo_url = RepoUrl {
            origin: &client.base,
            path: "",
            rest: "",
            public: false,
            identified: false,
        };
        let context = ReadContext {
            request,
            repo: record.id,
            repo_url,
        };
        let mut answer = self
            .responder
            .answer(&repo, &endpoint.read, context)
            .await?;
        // Who asks by a digest is told this one, whatever else the bytes are known by here.
        let asked = match &endpoint.read {
            ReadRequest::Artifact(artifact) => artifact.path.parse().ok(),
            _ => None,
        };
        let (headers, digest) = match &mut answer {
            Answer::Blob(blob) => (&mut blob.headers, asked.or(Some(blob.found.digest))),
            Answer::Streaming(streaming) => (&mut streaming.headers, asked),
            _ => return Ok(answer),
        };
        let digest = digest.and_then(|digest| HeaderValue::try_from(digest.to_string()).ok());
        headers.extend(digest.map(|digest| (DIGEST_HEADER, digest)));
        headers.insert(API_VERSION, VERSION);
        Ok(answer)
    }

    fn refuse(&self, problem: &Problem, context: &RefusalContext<'_>) -> Reply {
        let known = context.permissions.first().and_then(|permission| {
            let image = permission.package.as_ref()?;
            Some((permission.repo.clone(), image.clone()))
        });
        // Credentials that say nobody tell no more than none would: not which mirror has this host.
        let target = if context.identified {
            known
        } else {
            known.and_then(|_| self.target_for_strangers(context))
        };
        let path = target.map(|(repo, image)| format!("/v2/{repo}/{image}"));
        let path = path.unwrap_or_default();
        let repo_url = RepoUrl {
            origin: &context.client.base,
            path: &path,
            rest: "",
            public: false,
            identified: context.identified,
        };
        Oci.refuse(problem, &repo_url)
    }

    fn gives_reasons(&self) -> bool {
        true
    }
}
