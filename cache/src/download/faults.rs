//! What can be wrong with an upstream's file.

use larder_model::{Digest, Integrity, Kind, Limit, Problem};

/// It is larger than this server takes, which is not the caller's fault.
pub(super) fn too_large(max: Limit, size: Option<u64>) -> Problem {
    Problem {
        kind: Kind::Upstream,
        ..max.exceeded("artifact", "the upstream's file", size)
    }
}

/// Nobody waits for it any more, and too much of it came since.
pub(super) fn left_alone(bytes: u64) -> Problem {
    let limit = Limit::set(bytes, "cache.unattended_size");
    let sentence = "nobody waited for the upstream's file any more, and it went on";
    Problem::new(Kind::Upstream, "artifact", limit.at_end_of(sentence))
}

/// Other bytes came than those that were promised: by an index, or by the digest under which they
/// were asked for. `is_first`: by those that came first, because nothing else tells what they are.
pub(super) fn other_bytes(promised: &Integrity, path: &str, is_first: bool) -> Problem {
    let detail = match promised {
        Integrity::Digest(digest) if *path == *digest.to_string() => {
            format!("the upstream's bytes are not those of the digest {digest} that was asked for")
        }
        Integrity::Digest(first) if is_first => changed_bytes(first),
        _ => "the upstream's bytes are not those that its index promises".to_owned(),
    };
    Problem::new(Kind::DigestMismatch, "artifact", detail)
}

fn changed_bytes(first: &Digest) -> String {
    format!(
        "the upstream has other bytes now than those that came first ({first}), and its index does not \
         tell which are right: they are not taken; this server's own are lost or were let go, so \
         restore them from a backup, or publish another version"
    )
}

/// Its index promises nothing of it, and what came is another kind of file, such as the page of a login.
pub(super) fn other_content() -> Problem {
    let detail = "the upstream sent something else than the archive that its index names";
    Problem::new(Kind::Upstream, "artifact", detail)
}

/// A mismatch is the upstream's fault, not the client's.
pub(crate) fn wrong_bytes(problem: Problem) -> Problem {
    match problem.kind {
        Kind::DigestMismatch => Problem {
            kind: Kind::Upstream,
            ..problem
        },
        _ => problem,
    }
}
