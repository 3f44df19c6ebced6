//! The collector's steps in every order, and whole runs of it.

use larder_metadata::Metadata;
use larder_model::{RetentionPolicy, Span, System};
use std::time::Duration;

mod explore;
mod runs;

/// What is deleted of a repository is held by nothing.
async fn without_trash(metadata: &Metadata, repo: i64) {
    let policy = RetentionPolicy {
        trash: Span(Duration::ZERO),
        ..RetentionPolicy::default()
    };
    let set = metadata.set_retention(repo, &policy, &System::Larder).await;
    set.expect("no trash");
}
