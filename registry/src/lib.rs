//! The OCI conversation for hosted repositories: uploads, blobs, manifests, tags, referrers
//! (distribution-spec at 967efdc), and Docker's token endpoint.
//!
//! Knows: paths, media types, error codes of the specification.
//! Must never know: upstreams, SQL, files, how a response is sent.

mod blobs;
mod catalog;
mod door;
pub mod endpoint;
pub mod manifest;
mod manifests;
mod pages;
mod places;
mod referrers;
mod refuse;
mod reply;
pub mod scope;
mod strict;
mod tag_lists;
mod tags;
mod tokens;
mod uploads;

pub use door::{Limits, Registry};
