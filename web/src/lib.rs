//! The REST API under `/api/v1/`: repositories, packages, users, tokens, grants, and who may what;
//! and the page at which people log their clients in.
//!
//! Knows: the calls, who may make which, how a problem is said (RFC 9457), the OpenAPI document.
//! Must never know: SQL, where bytes lie, the dialects of clients, how a response is sent.
//!
//! Every call goes the same way: the door admits the caller and lends the body, the `router`
//! finds the call and reads the head, the act's extractors (`extract`) prove its right and read
//! the body, then one function of `acts` does it and returns a value.

mod engine;
mod entity_tag;
mod html;
mod problem;
mod query;
mod right;

mod answer;
mod attempts;
mod caller;
mod page;

mod openapi;
mod state;

mod extract;

mod acts;
mod conditions;
mod idempotency;
mod router;

mod door;
mod sign_in;

#[cfg(test)]
mod tests;

pub use acts::packages::PACKAGES_CURSOR;
pub use door::{Api, ApiLimits};
pub use engine::{
    Download, Engine, KeptBackup, PublishedTag, RetentionItem, RetentionPreview, ServerSetting,
    TagToPublish,
};
pub use sign_in::SignIn;
pub use state::CollectorWaits;
