//! Provenance: the Sigstore bundle that comes with a version (`npm publish --provenance`). Its
//! subject must be this version with this hash. Clients check its signature, not this server.

use super::body::Attachment;
use crate::json::quoted;
use crate::publishing::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use larder_model::{Kind, Problem, hex};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::io::{Read as _, SeekFrom};

/// Limit on the bytes of a bundle in the request.
const MAX_BYTES: u64 = 1 << 20;
/// The media type of an in-toto statement, which is what is signed.
const STATEMENT: &str = "application/vnd.in-toto+json";

/// A bundle whose subject is the version with which it came.
#[derive(Debug)]
pub(super) struct Provenance {
    /// The type of its statement's predicate.
    pub(super) predicate_type: String,
    bundle: String,
}

#[derive(Deserialize)]
struct Bundle {
    #[serde(rename = "dsseEnvelope")]
    envelope: Envelope,
}

#[derive(Deserialize)]
struct Envelope {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
}

#[derive(Deserialize)]
struct Statement {
    subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
}

#[derive(Deserialize)]
struct Subject {
    name: String,
    digest: Digests,
}

#[derive(Deserialize)]
struct Digests {
    sha512: String,
}

/// The path of a version's list of attestations.
pub(super) fn path_of(version: &str) -> String {
    format!("attestations/{version}")
}

fn bad(detail: &'static str) -> Problem {
    Problem::invalid("provenance", detail)
}

impl Provenance {
    /// Reads the bundle of a version whose tarball has this `integrity`.
    pub(super) fn read(
        body: &mut dyn Body,
        at: &Attachment,
        (package, version): (&str, &str),
        integrity: &str,
    ) -> Result<Self, Problem> {
        if at.length > MAX_BYTES {
            let detail = format!("a provenance bundle has at most {MAX_BYTES} bytes");
            return Err(Problem::new(Kind::TooLarge, "provenance", detail));
        }
        // It is a JSON string that contains JSON: read it with its quotes.
        body.seek(SeekFrom::Start(at.start.saturating_sub(1)))
            .map_err(Problem::internal)?;
        let mut text = Vec::new();
        body.take(at.length + 2)
            .read_to_end(&mut text)
            .map_err(Problem::internal)?;
        let refused = |error: serde_json::Error| {
            bad("the provenance is not a Sigstore bundle").because(error)
        };
        // The bundle contains an envelope, and the envelope a statement.
        let text: String = serde_json::from_slice(&text).map_err(refused)?;
        let raw: &RawValue = serde_json::from_str(&text).map_err(refused)?;
        let Bundle { envelope } = serde_json::from_str(raw.get()).map_err(refused)?;
        if envelope.payload_type != STATEMENT {
            return Err(bad("the provenance contains no in-toto statement"));
        }
        let payload = STANDARD.decode(&envelope.payload);
        let payload = payload
            .map_err(|error| bad("the provenance's payload is not base64").because(error))?;
        let Statement {
            subject,
            predicate_type,
        } = serde_json::from_slice(&payload).map_err(refused)?;
        // The statement's only subject must be this version.
        let sha512 = integrity
            .strip_prefix("sha512-")
            .and_then(|hash| STANDARD.decode(hash).ok());
        let sha512 =
            hex::encode(&sha512.ok_or_else(|| Problem::internal("a tarball without sha512"))?);
        let name = format!("pkg:npm/{}@{version}", package.replace('@', "%40"));
        match subject.as_slice() {
            [one] if one.name == name && one.digest.sha512 == sha512 => Ok(Self {
                predicate_type,
                bundle: raw.get().to_owned(),
            }),
            _ => Err(bad(
                "the provenance's subject is not the package, version and tarball that it came with",
            )),
        }
    }

    /// The version's list of attestations, as the registry's API has it.
    pub(super) fn document(&self) -> Vec<u8> {
        let kind = quoted(&self.predicate_type);
        format!(
            "{{\"attestations\":[{{\"predicateType\":{kind},\"bundle\":{}}}]}}",
            self.bundle
        )
        .into_bytes()
    }
}
