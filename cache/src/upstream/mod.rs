//! One remote registry: the only place from which requests leave.
//!
//! Credentials go to the upstream's own origin and nowhere else. Every hop of a redirect passes the
//! `guard`. What fails is left alone for a while, and nothing else is (`origins`).

mod guard;
mod proxies;
mod clients;
mod rate;
mod recent;
mod origin_slots;
mod failure;
mod breaker;
mod origins;
mod bearer;
mod logins;
mod request;
mod mirrors;
mod remote;
mod report;
mod status;
mod sentence;
mod sending;
mod probe;
mod pauses;
mod hops;
mod challenges;
mod follow;
mod response;
mod places;
mod fetch;
mod check;

pub use clients::UpstreamConfig;
pub use guard::is_public;
pub use proxies::Proxies;
pub(crate) use remote::{Upstream, UpstreamParts};
pub(crate) use request::{FetchRequest, Question, Want, is_packed};
pub(crate) use response::{FetchResponse, UpstreamBody};
