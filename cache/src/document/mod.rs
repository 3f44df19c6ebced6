//! Documents: what changes; and their representations.

mod packing;
mod form;
mod job;
mod wishes;
mod ready;
mod cached;
mod missing;
mod signed;
mod examined;
mod fetcher;
mod states;
mod store;
mod mirror_lists;
mod documents;
mod demand;
mod trust;
mod past;
mod companions;
mod located;
mod listed;
mod representations;

pub(crate) use cached::{CacheStatus, CachedDocument};
pub(crate) use documents::Documents;
pub(crate) use job::RepresentationRequest;
pub(crate) use missing::Missing;
pub(crate) use representations::{Representations, Represented};
