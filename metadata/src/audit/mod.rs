//! The audit trail: what was done, by whom, from where.
//!
//! A change writes its entry in its own batch (`note`), so neither is there without the other.
//!
//! An id tells when it was made, so the order of ids is that of time, and a span of time is a
//! range of ids.

mod note;

pub(crate) use note::Object;
