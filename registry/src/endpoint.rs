//! Requests of the distribution spec, parsed (end-1 to end-14, the token endpoint, extensions).

use http::request::Parts;
use http::{HeaderMap, Method, header};
use larder_model::{Algorithm, Digest, ImageName, Kind, Problem, Reference, Tag, percent};

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// end-1: is this a registry?
    Ping,
    /// A bearer token, asked for by GET or (`OAuth2`) POST.
    Token {
        /// The decoded query of a GET; a POST brings a form.
        query: Vec<(String, String)>,
    },
    /// All images that the caller may see.
    Catalog(Page),
    /// The extensions that are offered.
    Extensions,
    /// end-8: an image's tags.
    Tags(ImageName, Page),
    /// end-3: a manifest.
    GetManifest(ImageName, Reference),
    /// end-7: a manifest, its media type, further tags.
    PutManifest(ImageName, Reference, Vec<Tag>),
    /// end-9.
    DeleteManifest(ImageName, Reference),
    /// end-2.
    GetBlob(ImageName, Digest),
    /// end-10; whether also while a manifest names the blob (`?force=true`, an extension).
    DeleteBlob(ImageName, Digest, bool),
    /// end-4 and end-11.
    StartUpload(ImageName, Start),
    /// end-5.
    Patch(ImageName, Session),
    /// end-6.
    Finish(ImageName, Session, Digest),
    /// end-13.
    Status(ImageName, Session),
    /// end-14.
    Cancel(ImageName, Session),
    /// end-12: what names this digest as its subject.
    Referrers(ImageName, Digest, Filter),
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// How many at most; `None`: as many as there are.
    pub count: Option<u64>,
    /// After this one.
    pub last: String,
}

/// How an upload begins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Start {
    /// The blob in one request.
    pub digest: Option<Digest>,
    /// What it will be hashed with.
    pub algorithm: Algorithm,
    /// A blob that is there already, and the image where it is; without that: anywhere that the
    /// caller may read.
    pub mount: Option<(Digest, Option<ImageName>)>,
}

/// An upload session as its location names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The session's id.
    pub id: Box<str>,
    /// Our seal over it, which a session without a row needs.
    pub seal: Box<str>,
    /// Where the bytes begin, if the client says so, and one past where they end.
    pub range: Option<(u64, u64)>,
}

/// Which referrers are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Only of this artifact type.
    pub artifact_type: Option<String>,
    /// After this digest.
    pub last: String,
}

/// The list of all images (of Docker's registry API, before the distribution-spec).
pub(crate) const CATALOG: &str = "/v2/_catalog";

/// Every kind of request once, for tests that go through all of them: method, path and query.
/// `{name}` is an image, `{digest}` a blob or manifest, `{session}` an upload.
pub const ROUTES: [(&str, &str); 20] = [
    ("GET", "/v2/"),
    ("GET", "/v2/token"),
    ("POST", "/v2/token"),
    ("GET", CATALOG),
    ("GET", "/v2/_oci/ext/discover"),
    ("GET", "/v2/{name}/tags/list"),
    ("GET", "/v2/{name}/manifests/latest"),
    ("GET", "/v2/{name}/manifests/{digest}"),
    ("PUT", "/v2/{name}/manifests/latest"),
    ("DELETE", "/v2/{name}/manifests/latest"),
    ("DELETE", "/v2/{name}/manifests/{digest}"),
    ("GET", "/v2/{name}/blobs/{digest}"),
    ("DELETE", "/v2/{name}/blobs/{digest}"),
    ("POST", "/v2/{name}/blobs/uploads/"),
    ("PATCH", "/v2/{name}/blobs/uploads/{session}"),
    ("PUT", "/v2/{name}/blobs/uploads/{session}?digest={digest}"),
    ("GET", "/v2/{name}/blobs/uploads/{session}"),
    ("DELETE", "/v2/{name}/blobs/uploads/{session}"),
    ("GET", "/v2/{name}/referrers/{digest}"),
    ("HEAD", "/v2/{name}/blobs/{digest}"),
];

/// Reads a request.
pub fn parse(request: &Parts) -> Result<Endpoint, Problem> {
    let path = request.uri.path();
    let unknown = || Problem::not_found("path", "no such path in the registry API");
    let rest = path.strip_prefix("/v2").ok_or_else(unknown)?;
    let segments = match rest {
        "" | "/" => Vec::new(),
        rest => decode_path(rest.strip_prefix('/').ok_or_else(unknown)?)?,
    };
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let query = decode_query(request.uri.query().unwrap_or_default())?;
    let method = &request.method;
    match segments.as_slice() {
        [] => read_only(method, Endpoint::Ping),
        ["token"] if *method == Method::POST => Ok(Endpoint::Token { query: Vec::new() }),
        ["token"] => read_only(method, Endpoint::Token { query }),
        ["_catalog"] => read_only(method, Endpoint::Catalog(page(&query)?)),
        ["_oci", "ext", "discover"] => read_only(method, Endpoint::Extensions),
        [name @ .., "tags", "list"] => {
            read_only(method, Endpoint::Tags(image(method, name)?, page(&query)?))
        }
        [name @ .., "manifests", reference] => {
            manifest(method, image(method, name)?, reference, &query)
        }
        [name @ .., "blobs", "uploads" | "uploads/"] | [name @ .., "blobs", "uploads", ""] => {
            start(method, image(method, name)?, &query)
        }
        [name @ .., "blobs", "uploads", id] => {
            upload(method, image(method, name)?, id, &query, &request.headers)
        }
        [name @ .., "blobs", digest] => blob(method, image(method, name)?, digest, &query),
        [name @ .., "referrers", digest] => {
            let filter = Filter {
                artifact_type: one(&query, "artifactType").as_deref().and_then(wanted_type),
                last: one(&query, "last").unwrap_or_default(),
            };
            read_only(
                method,
                Endpoint::Referrers(image(method, name)?, parse_digest(digest)?, filter),
            )
        }
        _ => Err(unknown()),
    }
}

fn is_read(method: &Method) -> bool {
    *method == Method::GET || *method == Method::HEAD
}

fn read_only(method: &Method, endpoint: Endpoint) -> Result<Endpoint, Problem> {
    if is_read(method) {
        Ok(endpoint)
    } else {
        Err(wrong_method())
    }
}

fn wrong_method() -> Problem {
    Problem::new(Kind::Method, "method", "this method is not for this path")
}

/// A name of one part is none here. Clients that push look first: with 404 they go on to the request
/// whose answer they show.
fn image(method: &Method, segments: &[&str]) -> Result<ImageName, Problem> {
    let name = segments.join("/");
    name.parse()
        .map_err(|error: larder_model::names::BadName| match segments {
            [_] if is_read(method) => Problem::not_found("name", error.0),
            _ => Problem::invalid("name", error.0),
        })
}

fn parse_digest(text: &str) -> Result<Digest, Problem> {
    text.parse()
        .map_err(|error: larder_model::digest::BadDigest| {
            Problem::invalid("digest", error.to_string())
        })
}

fn manifest(
    method: &Method,
    name: ImageName,
    text: &str,
    query: &Query,
) -> Result<Endpoint, Problem> {
    let about = if text.contains(':') { "digest" } else { "tag" };
    let parsed = text.parse::<Reference>();
    let reference = parsed.map_err(|error| match (about, is_read(method)) {
        ("tag", true) => Problem::not_found("manifest", error.0), // what cannot be a tag is not there
        _ => Problem::invalid(about, error.0),
    })?;
    match *method {
        Method::GET | Method::HEAD => Ok(Endpoint::GetManifest(name, reference)),
        Method::DELETE => Ok(Endpoint::DeleteManifest(name, reference)),
        Method::PUT => {
            let tags = query
                .iter()
                .filter(|(key, _)| key == "tag")
                .map(|(_, tag)| tag.parse());
            let tags: Result<Vec<Tag>, _> = tags.collect();
            let tags = tags.map_err(|error| Problem::invalid("tag", error.0))?;
            Ok(Endpoint::PutManifest(name, reference, tags))
        }
        _ => Err(wrong_method()),
    }
}

fn blob(
    method: &Method,
    name: ImageName,
    digest: &str,
    query: &Query,
) -> Result<Endpoint, Problem> {
    let digest = parse_digest(digest)?;
    match *method {
        Method::GET | Method::HEAD => Ok(Endpoint::GetBlob(name, digest)),
        Method::DELETE => {
            let forced = match one(query, "force").as_deref() {
                None | Some("false") => false,
                Some("true") => true,
                Some(_) => return Err(Problem::invalid("force", "force is true or false")),
            };
            Ok(Endpoint::DeleteBlob(name, digest, forced))
        }
        _ => Err(wrong_method()),
    }
}

fn start(method: &Method, name: ImageName, query: &Query) -> Result<Endpoint, Problem> {
    if *method != Method::POST {
        return Err(wrong_method());
    }
    let digest = one(query, "digest")
        .map(|text| parse_digest(&text))
        .transpose()?;
    let algorithm = match one(query, "digest-algorithm") {
        Some(text) => text
            .parse()
            .map_err(|_| Problem::invalid("digest", "digest-algorithm is sha256 or sha512 here"))?,
        None => digest.map_or(Algorithm::Sha256, |digest| digest.algorithm()),
    };
    let mount = match one(query, "mount") {
        Some(text) => {
            // What cannot be the name of a source is no source: the upload starts instead.
            let from = one(query, "from").filter(|from| !from.is_empty());
            let source = from.as_ref().map(|from| from.parse::<ImageName>());
            let digest = parse_digest(&text)?;
            match source {
                None => Some((digest, None)),
                Some(Ok(source)) => Some((digest, Some(source))),
                Some(Err(_)) => None,
            }
        }
        None => None,
    };
    Ok(Endpoint::StartUpload(
        name,
        Start {
            digest,
            algorithm,
            mount,
        },
    ))
}

fn upload(
    method: &Method,
    name: ImageName,
    id: &str,
    query: &Query,
    headers: &HeaderMap,
) -> Result<Endpoint, Problem> {
    let seal = one(query, "_state").unwrap_or_default().into();
    let range = headers
        .get(header::CONTENT_RANGE)
        .map(content_range)
        .transpose()?;
    let session = Session {
        id: id.into(),
        seal,
        range,
    };
    match *method {
        Method::PATCH => Ok(Endpoint::Patch(name, session)),
        Method::PUT => {
            let missing = || Problem::invalid("digest", "the closing PUT needs ?digest=");
            let digest = parse_digest(&one(query, "digest").ok_or_else(missing)?)?;
            Ok(Endpoint::Finish(name, session, digest))
        }
        Method::GET | Method::HEAD => Ok(Endpoint::Status(name, session)),
        Method::DELETE => Ok(Endpoint::Cancel(name, session)),
        _ => Err(wrong_method()),
    }
}

/// `<start>-<end>`, both included, as the spec has it; `bytes <start>-<end>/<size>` is understood
/// too.
fn content_range(value: &http::HeaderValue) -> Result<(u64, u64), Problem> {
    let read = || {
        let text = value.to_str().ok()?.trim();
        let text = text
            .strip_prefix("bytes")
            .map_or(text, |rest| rest.trim_start_matches([' ', '=']));
        let (first, last) = text.split('/').next()?.split_once('-')?;
        let number = |text: &str| {
            text.bytes()
                .all(|byte| byte.is_ascii_digit())
                .then(|| text.parse::<u64>().ok())?
        };
        let (first, last) = (number(first)?, number(last)?);
        (first <= last).then_some((first, last.checked_add(1)?))
    };
    read().ok_or_else(|| {
        Problem::invalid(
            "upload",
            "Content-Range is <first>-<last>, whole numbers, both included",
        )
    })
}

type Query = [(String, String)];

fn one(query: &Query, key: &str) -> Option<String> {
    query
        .iter()
        .find(|(name, _)| name == key)
        .map(|(_, value)| value.clone())
}

/// The artifact type of a filter; `None`: an empty one is no filter. Some clients write the plus sign
/// of a media type as it is, which a query has for a space, and no media type has one.
fn wanted_type(text: &str) -> Option<String> {
    let text = text.replace(' ', "+");
    (!text.is_empty()).then_some(text)
}

fn page(query: &Query) -> Result<Page, Problem> {
    let bad = |_| Problem::invalid("page", "n is a whole number");
    let count = one(query, "n")
        .map(|n| n.parse::<u64>().map_err(bad))
        .transpose()?;
    Ok(Page {
        count,
        last: one(query, "last").unwrap_or_default(),
    })
}

/// Splits a raw path and decodes every segment once. A decoded slash or control character is no
/// spelling of anything.
fn decode_path(path: &str) -> Result<Vec<String>, Problem> {
    let bad = || Problem::invalid("name", "the path is not a valid spelling of any name");
    path.split('/')
        .map(|segment| {
            let text = percent::decode(segment).ok_or_else(bad)?.into_owned();
            let strange = text
                .chars()
                .any(|c| c == '/' || c == '\\' || c.is_control());
            if strange { Err(bad()) } else { Ok(text) }
        })
        .collect()
}

/// Decodes `a=b&c=d` (application/x-www-form-urlencoded).
pub fn decode_query(query: &str) -> Result<Vec<(String, String)>, Problem> {
    let bad = || Problem::invalid("query", "the query is not properly encoded");
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).take(256);
    pairs
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let key = percent::decode_form(key).ok_or_else(bad)?.into_owned();
            Ok((
                key,
                percent::decode_form(value).ok_or_else(bad)?.into_owned(),
            ))
        })
        .collect()
}

#[cfg(test)]
mod tests;
