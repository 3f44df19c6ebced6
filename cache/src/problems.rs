//! The answers for what is not there.

use larder_model::Problem;

/// Neither kept nor upstream.
pub(crate) fn absent() -> Problem {
    Problem::not_found("name", "there is no such thing, here or upstream")
}

/// A package that does not exist, or that the caller may not read.
pub(crate) fn no_package() -> Problem {
    Problem::not_found("name", "no such package here, or you may not see it")
}

/// A repository that does not exist, or that the caller may not read.
pub(crate) fn no_repo() -> Problem {
    Problem::not_found(
        "repository",
        "no such repository here, or you may not see it",
    )
}

/// An image that does not exist, or that the caller may not read.
pub(crate) fn no_image() -> Problem {
    Problem::not_found("repository", "no such image here, or you may not see it")
}
