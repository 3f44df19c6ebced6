//! How what no kept list names is got: by the digest in its address, or not at all.

use super::paths::{Place, digest_in, place, url};
use crate::resource::{Artifact, Fetch, Plan};
use larder_model::{Integrity, Problem};

/// The plan of a file of its own.
pub(super) fn plan(artifact: &Artifact) -> Result<Plan, Problem> {
    let path = &*artifact.path;
    if let Some(digest) = digest_in(path) {
        return Ok(Plan::Fetch(Fetch::new(
            url(path),
            Integrity::Digest(digest),
        )));
    }
    let detail = if place(path) == Place::Member {
        format!("no suite here names `{path}`")
    } else {
        format!(
            "no list of packages that was asked for here names `{path}`: ask for the lists again \
             (apt-get update), with this address as the source of the suite"
        )
    };
    Err(Problem::not_found("package", detail))
}
