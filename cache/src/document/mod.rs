//! Documents: what changes; and their representations.

mod cached;
mod missing;
mod examined;
mod fetcher;
mod store;
mod mirror_lists;
mod retired;
mod documents;
mod located;
mod listed;
mod packing;
mod form;
mod representations;

pub(crate) use cached::{CacheStatus, CachedDocument};
pub(crate) use documents::Documents;
pub(crate) use missing::Missing;
pub(crate) use representations::{RepresentationRequest, Representations, Represented};
