//! The OCI conversation for hosted repositories: uploads, blobs, manifests, tags, referrers
//! (distribution-spec at 967efdc), and Docker's token endpoint.
//!
//! Knows: paths, media types, error codes of the specification.
//! Must never know: upstreams, SQL, files, how a response is sent.

pub mod endpoint;
pub mod manifest;
pub mod scope;

mod pages;
mod refuse;
mod reply;
mod sessions;
mod tag_lists;

mod registry;

mod names;
mod blobs;
mod room;
mod uploads;
mod closing;
mod unfinished;
mod manifests;
mod tags;
mod referrers;
mod catalog;
mod tokens;

mod door;

pub use registry::{Limits, Registry};
pub use unfinished::{Staged, UnfinishedUploads};
