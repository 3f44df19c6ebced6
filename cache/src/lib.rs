//! The pull-through engine: fetches from upstreams, verifies, keeps and serves, for every protocol
//! of `mirrors` alike.
//!
//! Knows: freshness, coalescing, integrity, how an upstream is asked, and which addresses it may
//! have. Must never know: a protocol's paths and documents, SQL, how rights come about, configuration.
//!
//! The parts stand on one another in the order of the modules: `publish` has what is published
//! here, `download`, `document` and `artifact` what upstreams have; `responder` answers from one
//! repo, `group` from several; `packages` puts them together for the doors.

mod background;
mod counters;
mod limits;
mod flights;
mod turns;
mod intake;
mod upstream;
mod config;
mod problems;
mod blocks;
mod repo;
mod leads;
mod repos;
mod permissions;
mod bodies;
mod media_types;
mod publish;
mod download;
mod tables;
mod document;
mod log;
mod absences;
mod artifact;
mod direct;
mod heal;
mod refresh;
mod describe;
mod copy;
mod responder;
mod lists;
mod group;
mod search;
mod queries;
mod accounts;
mod views;
mod fetchers;
mod packages;
mod tagged;
mod uploads;
mod mirror;
mod owners;
mod named;
mod door;
mod images;

pub use background::in_background;
pub use config::CacheConfig;
pub use counters::Counters;
pub use direct::FileLead;
pub use door::{is_packages, without_dots};
pub use images::Images;
pub use mirror::{Joined, Mirror, MirrorAnswer, MirrorRequest};
pub use owners::NameOwners;
pub use packages::Packages;
pub use publish::RuledChange;
pub use tagged::PublishedTag;
pub use upstream::{Proxies, UpstreamConfig, is_public};
