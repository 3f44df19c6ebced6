//! Files whose contents are to be right, which nobody knows before all of them came.

use larder_model::{Body, Checker, Contents, Integrity, Kind, Problem};
use larder_storage::Staging;
use larder_storage::content::FileReader;
use std::io::Cursor;

/// What is recorded of a staged file that is what was promised. `agrees`: whether its bytes were found
/// to be. A problem of kind `DigestMismatch` if it is something else.
pub(super) async fn require_staged(
    staging: &Staging,
    agrees: bool,
    (integrity, path): (&Integrity, &str),
) -> Result<String, Problem> {
    if !agrees {
        return Err(mismatch(integrity, path));
    }
    let Some(contents) = integrity.contents() else {
        return Ok(integrity.text());
    };
    let file = FileReader::new(staging.file(), 0..staging.offset());
    require(contents, file).await
}

/// The same of bytes at hand.
pub(super) async fn require_bytes(
    body: &[u8],
    (integrity, path): (&Integrity, &str),
) -> Result<String, Problem> {
    if let Some(contents) = integrity.contents() {
        return require(contents, Cursor::new(body.to_vec())).await;
    }
    let mut checker = Checker::new(integrity);
    checker.update(body);
    if checker.agrees() {
        Ok(integrity.text())
    } else {
        Err(mismatch(integrity, path))
    }
}

/// Has the contents read, away from the connections.
async fn require(contents: &Contents, mut file: impl Body + 'static) -> Result<String, Problem> {
    let contents = contents.clone();
    let read = move || contents.require(&mut file);
    tokio::task::spawn_blocking(read)
        .await
        .map_err(Problem::internal)?
}

/// Other bytes came than those that were promised: by an index, or by the digest under which they
/// were asked for.
pub(super) fn mismatch(integrity: &Integrity, path: &str) -> Problem {
    let detail = match integrity {
        Integrity::Digest(digest) if *path == *digest.to_string() => {
            format!("the upstream's bytes are not those of the digest {digest} that was asked for")
        }
        _ => "the upstream's bytes are not those that its index promises".to_owned(),
    };
    Problem::new(Kind::DigestMismatch, "artifact", detail)
}

/// Whether a problem is that something else came than was promised.
pub(super) fn is_mismatch(problem: &Problem) -> bool {
    problem.kind == Kind::DigestMismatch
}
