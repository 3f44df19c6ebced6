//! What the tests of all protocols need.

use crate::describing::Dependency;
use crate::publishing::{PublishRequest, StoredFile};
use crate::rendering::{Rendering, filling};
use crate::resource::{ReadRequest, RenderRequest, Representation};
use crate::search::SearchRequest;
use crate::{Call, Document, Protocol, RepoRequest, RepoUrl};
use http::Method;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use larder_model::{FileKind, Problem, Timestamp};

/// Where clients see a repository.
pub(crate) const REPO_URL: RepoUrl<'static> = RepoUrl {
    origin: "https://r.example",
    path: "/npm/main",
    rest: "",
    public: true,
    identified: false,
};

/// What a request asks for.
pub(crate) fn call(
    protocol: &dyn Protocol,
    method: &Method,
    path: &str,
    header: Option<(HeaderName, &str)>,
) -> Result<Call, Problem> {
    let header = header.map(|(name, value)| {
        let value = HeaderValue::from_str(value).expect("a value");
        (name, value)
    });
    let headers: HeaderMap = header.into_iter().collect();
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    protocol.parse(&RepoRequest::new(method, path, query, &headers)?)
}

/// What a GET reads.
pub(crate) fn get(protocol: &dyn Protocol, path: &str) -> Result<ReadRequest, Problem> {
    call(protocol, &Method::GET, path, None).map(read)
}

/// The call as one that reads.
pub(crate) fn read(call: Call) -> ReadRequest {
    match call {
        Call::Read(read) => read,
        _ => panic!("it does not read"),
    }
}

/// What a GET searches for.
pub(crate) fn search(protocol: &dyn Protocol, path: &str) -> SearchRequest {
    match call(protocol, &Method::GET, path, None) {
        Ok(Call::Search(search)) => search,
        Ok(_) => panic!("{path} is no search"),
        Err(problem) => panic!("{path}: {problem}"),
    }
}

/// The change that a request makes.
pub(crate) fn publish_request(
    protocol: &dyn Protocol,
    method: &Method,
    path: &str,
) -> Result<PublishRequest, Problem> {
    match call(protocol, method, path, None)? {
        Call::Publish(request) => Ok(request),
        _ => panic!("{path} changes nothing"),
    }
}

/// A representation of a document, at [`REPO_URL`]. It comes out the same where it is made as the document
/// is checked.
pub(crate) fn render(
    protocol: &dyn Protocol,
    document: &Document,
    representation: Representation,
    body: &[u8],
) -> Result<Vec<u8>, Problem> {
    let request = RenderRequest {
        document,
        representation,
        part: None,
        repo_path: REPO_URL.path,
        place_bytes: REPO_URL.origin.len() + 1,
        leads: &[],
    };
    let rendered = protocol.render(&request, body);
    match (
        protocol.check(document, body),
        protocol.check_and_render(&request, body),
    ) {
        (Ok(passed_over), Ok((also_passed_over, also_rendered))) => {
            assert_eq!(also_passed_over, passed_over, "{document:?}");
            assert!(
                also_rendered.as_ref() == rendered.as_ref().ok(),
                "{document:?}"
            );
        }
        (Err(problem), Err(other)) => assert_eq!(other.detail, problem.detail),
        (one, other) => panic!("{document:?}: {one:?}, {other:?}"),
    }
    rendered.map(at_repo_url)
}

/// A document at [`REPO_URL`].
pub(crate) fn at_repo_url(rendering: Rendering) -> Vec<u8> {
    let filling = filling(REPO_URL.origin, REPO_URL.origin.len() + 1);
    rendering.filled(&filling.expect("an address"))
}

/// A stored artifact without contents.
pub(crate) fn stored(path: &str, version: &str, metadata: &str) -> StoredFile {
    StoredFile {
        kind: FileKind::Artifact,
        path: path.into(),
        version: version.into(),
        digest: larder_model::Digest::of(larder_model::Algorithm::Sha256, b""),
        size: 0,
        content_type: "".into(),
        metadata: metadata.into(),
        created_at: Timestamp(0),
        created_by: "user:admin".into(),
        used_at: Timestamp(0),
    }
}

/// What dependencies are: name, package, kind, requirement and condition of each.
pub(crate) fn needs(all: &[Dependency]) -> Vec<(&str, Option<&str>, &str, &str, &str)> {
    all.iter()
        .map(|one| {
            (
                &*one.name,
                one.package.as_deref(),
                one.kind,
                &*one.requirement,
                &*one.condition,
            )
        })
        .collect()
}
