//! The batch API of Git LFS: which large files a client wants or has, and where each is had or goes.

use http::{HeaderName, HeaderValue};
use larder_model::{Algorithm, Digest, Kind, Problem};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// The media type of all that is said.
pub const CONTENT_TYPE: &str = "application/vnd.git-lfs+json";
/// The one way of transfer: the bytes by GET and PUT.
const BASIC: &str = "basic";
/// The one hash.
const SHA256: &str = "sha256";
/// The most files in one request; clients ask for a hundred.
const MAX_OBJECTS: usize = 10_000;
/// The most headers of an address.
const MAX_HEADERS: usize = 32;
/// So long an address is taken to lead somewhere where its upstream does not say.
const USUAL_LIFETIME: Duration = Duration::from_mins(5);

/// What a client wants to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// To have files.
    Download,
    /// To bring them.
    Upload,
}

/// A file that is asked about. Either may be none: that is said of it alone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Object {
    /// Its name as it came.
    pub oid: String,
    /// The digest that this means.
    pub digest: Option<Digest>,
    /// Its bytes.
    pub size: Option<u64>,
}

/// A client's request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Batch {
    /// What it wants to do.
    pub operation: Operation,
    /// With which files.
    pub objects: Vec<Object>,
}

/// Why a file is not had, or does not come: a status as of HTTP, and a sentence.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Refusal {
    /// The status.
    pub code: u16,
    /// The sentence.
    pub message: String,
}

/// What a client is to do with a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It is here already.
    Nothing,
    /// It is had at this address.
    Download(String),
    /// It goes to the first address, and the second is asked whether it came.
    Upload(String, String),
    /// Neither.
    Refused(Refusal),
}

/// Where an upstream has a file.
#[derive(Clone, PartialEq, Eq)]
pub struct Lead {
    /// The address. Its query may be secret.
    pub href: String,
    /// What must be sent with a request to it; secret.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The file's bytes.
    pub size: u64,
    /// For how long it leads there.
    pub lifetime: Duration,
}

#[derive(Deserialize)]
struct BatchIn {
    operation: Operation,
    #[serde(default)]
    hash_algo: Option<String>,
    objects: Vec<ObjectIn>,
}

#[derive(Deserialize)]
struct ObjectIn {
    oid: String,
    #[serde(default)]
    size: Option<i64>,
}

#[derive(Serialize)]
struct BatchOut<'a> {
    transfer: &'static str,
    objects: Vec<ObjectOut<'a>>,
    hash_algo: &'static str,
}

#[derive(Serialize)]
struct ObjectOut<'a> {
    oid: &'a str,
    size: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    actions: BTreeMap<&'static str, ActionOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a Refusal>,
}

#[derive(Serialize)]
struct ActionOut<'a> {
    href: &'a str,
}

#[derive(Serialize)]
struct Question {
    operation: Operation,
    transfers: [&'static str; 1],
    objects: Vec<QuestionObject>,
    hash_algo: &'static str,
}

#[derive(Serialize)]
struct QuestionObject {
    oid: String,
    size: u64,
}

#[derive(Deserialize)]
struct Answered {
    #[serde(default)]
    transfer: Option<String>,
    objects: Vec<AnsweredObject>,
}

#[derive(Deserialize)]
struct AnsweredObject {
    oid: String,
    #[serde(default)]
    size: i64,
    #[serde(default)]
    actions: Option<AnsweredActions>,
    #[serde(default)]
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct AnsweredActions {
    #[serde(default)]
    download: Option<AnsweredAction>,
}

#[derive(Deserialize)]
struct AnsweredAction {
    href: String,
    #[serde(default)]
    header: Option<BTreeMap<String, String>>,
    #[serde(default)]
    expires_in: Option<i64>,
}

/// The digest that names a large file.
pub fn digest_of(oid: &str) -> Option<Digest> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if oid.len() != 64 || !oid.bytes().all(is_digit) {
        return None;
    }
    format!("{SHA256}:{oid}").parse().ok()
}

impl Refusal {
    /// What a problem is for a client.
    pub fn of(problem: &Problem) -> Self {
        Self {
            code: problem.kind.status(),
            message: problem.detail.to_string(),
        }
    }

    /// There is no such file.
    pub fn missing() -> Self {
        Self {
            code: 404,
            message: "the file is not here".to_owned(),
        }
    }

    /// What is asked about is no file.
    pub fn invalid() -> Self {
        Self {
            code: 422,
            message: "a file has a SHA-256 of 64 digits and a size".to_owned(),
        }
    }
}

impl From<ObjectIn> for Object {
    fn from(object: ObjectIn) -> Self {
        Self {
            digest: digest_of(&object.oid),
            size: object.size.and_then(|size| size.try_into().ok()),
            oid: object.oid,
        }
    }
}

/// Reads a client's request.
pub fn read_batch(body: &[u8]) -> Result<Batch, Problem> {
    let batch: BatchIn = serde_json::from_slice(body).map_err(|error| {
        Problem::invalid("body", "the body is no request of the batch API of Git LFS")
            .because(error)
    })?;
    if batch.hash_algo.is_some_and(|name| name != SHA256) {
        let detail = "large files are named by their SHA-256 here";
        return Err(Problem::new(Kind::Conflict, "hash_algo", detail));
    }
    if batch.objects.len() > MAX_OBJECTS {
        let detail = format!("a request is about {MAX_OBJECTS} files at most");
        return Err(Problem::new(Kind::TooLarge, "objects", detail));
    }
    Ok(Batch {
        operation: batch.operation,
        objects: batch.objects.into_iter().map(Object::from).collect(),
    })
}

/// Reads what a client says of one file, whether it came.
pub fn read_object(body: &[u8]) -> Result<(Digest, u64), Problem> {
    let object: ObjectIn = serde_json::from_slice(body).map_err(|error| {
        Problem::invalid("body", "the body names no file of Git LFS").because(error)
    })?;
    let object = Object::from(object);
    let named = object.digest.zip(object.size);
    named.ok_or_else(|| Problem::new(Kind::Unprocessable, "oid", Refusal::invalid().message))
}

/// The answer to a client.
pub fn answer(outcomes: &[(Object, Outcome)]) -> Result<Vec<u8>, Problem> {
    let objects = outcomes.iter().map(|(object, outcome)| {
        let (mut actions, mut error) = (BTreeMap::new(), None);
        match outcome {
            Outcome::Nothing => {}
            Outcome::Download(href) => _ = actions.insert("download", ActionOut { href }),
            Outcome::Upload(href, verify) => {
                actions.insert("upload", ActionOut { href });
                actions.insert("verify", ActionOut { href: verify });
            }
            Outcome::Refused(refusal) => error = Some(refusal),
        }
        ObjectOut {
            oid: &object.oid,
            size: object.size.unwrap_or_default(),
            actions,
            error,
        }
    });
    let answer = BatchOut {
        transfer: BASIC,
        objects: objects.collect(),
        hash_algo: SHA256,
    };
    serde_json::to_vec(&answer).map_err(Problem::internal)
}

/// The question where an upstream has files.
pub fn question(objects: &[(Digest, u64)]) -> Result<Vec<u8>, Problem> {
    let objects = objects.iter().map(|(digest, size)| QuestionObject {
        oid: digest.hex(),
        size: *size,
    });
    let question = Question {
        operation: Operation::Download,
        transfers: [BASIC],
        objects: objects.collect(),
        hash_algo: SHA256,
    };
    serde_json::to_vec(&question).map_err(Problem::internal)
}

fn useless(what: &str) -> Problem {
    let detail = format!("the upstream's answer about large files cannot be used: {what}");
    Problem::new(Kind::Upstream, "upstream", detail)
}

/// Reads an upstream's answer to [`question`]. What it does not speak of is not in it.
pub fn read_answer(body: &[u8]) -> Result<BTreeMap<String, Result<Lead, Refusal>>, Problem> {
    let answer: Answered =
        serde_json::from_slice(body).map_err(|error| useless("it is no JSON").because(error))?;
    if answer.transfer.is_some_and(|transfer| transfer != BASIC) {
        return Err(useless("it wants another way of transfer than basic"));
    }
    let mut found = BTreeMap::new();
    for object in answer.objects {
        let action = object.actions.and_then(|actions| actions.download);
        let lead = match (action, object.error) {
            (Some(action), _) => Ok(lead(action, object.size)?),
            (None, Some(refusal)) => Err(refusal),
            (None, None) => Err(Refusal::missing()),
        };
        found.insert(object.oid, lead);
    }
    Ok(found)
}

fn lead(action: AnsweredAction, size: i64) -> Result<Lead, Problem> {
    let headers = action.header.unwrap_or_default();
    if headers.len() > MAX_HEADERS {
        return Err(useless("an address has too many headers"));
    }
    let headers = headers.into_iter().map(|(name, value)| {
        let name: HeaderName = name.parse().map_err(|_| useless("a header is none"))?;
        let mut value: HeaderValue = value.parse().map_err(|_| useless("a header is none"))?;
        value.set_sensitive(true);
        Ok((name, value))
    });
    // How a body is framed, and where it goes, is none of an upstream's business.
    let is_ours = |name: &HeaderName| {
        let ours = [
            "host",
            "connection",
            "content-length",
            "transfer-encoding",
            "te",
            "upgrade",
        ];
        ours.contains(&name.as_str()) || name.as_str().starts_with("proxy-")
    };
    let headers: Vec<_> = headers.collect::<Result<_, Problem>>()?;
    let lifetime = match action.expires_in {
        Some(seconds) if seconds > 0 => Duration::from_secs(seconds.unsigned_abs()),
        _ => USUAL_LIFETIME,
    };
    Ok(Lead {
        href: action.href,
        headers: headers
            .into_iter()
            .filter(|(name, _)| !is_ours(name))
            .collect(),
        size: size.try_into().unwrap_or_default(),
        lifetime: lifetime.min(USUAL_LIFETIME),
    })
}

/// The path of a large file among the artifacts of its repository.
pub fn path_of(digest: &Digest) -> String {
    debug_assert_eq!(digest.algorithm(), Algorithm::Sha256);
    format!("lfs/{}", digest.hex())
}

/// What a client reads of a problem.
pub fn message(problem: &Problem) -> Vec<u8> {
    serde_json::json!({"message": problem.detail})
        .to_string()
        .into_bytes()
}

impl std::fmt::Debug for Lead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lead")
            .field("size", &self.size)
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
