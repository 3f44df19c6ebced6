//! The words that all crates share: digests, names, verbs, problems, replies, time.
//!
//! Knows: what a valid digest, name, tag or timestamp is, and what can go wrong by meaning.
//! Must never know: IO, async, SQL, HTTP connections, the clock, the environment.

pub mod author;
pub mod hex;
pub mod digest;
pub mod duration;
pub mod durations;
pub mod size;
pub mod html;
pub mod names;
pub mod nearest;
pub mod network;
pub mod image;
pub mod kinds;
pub mod audit;
pub mod job;
pub mod series;
pub mod lifetime;
pub mod pattern;
pub mod pem;
pub mod percent;
pub mod time;
pub mod permission;
pub mod quota;
pub mod ruling;
pub mod problem;
pub mod integrity;
pub mod limit;
pub mod reply;
pub mod repo_path;
pub mod cron;
pub mod stored_file;
pub mod strict;
pub mod subject;
pub mod upstream;
pub mod settings;
pub mod retention;

pub use audit::{Action, Outcome};
pub use author::{Author, Origin, System};
pub use cron::{BadCron, Cron};
pub use digest::{Algorithm, Digest, Hasher};
pub use durations::{Distribution, Durations};
pub use image::{ImageName, Reference, Tag};
pub use integrity::{Body, Checker, Contents, ContentsReader, Integrity};
pub use job::{JobKind, JobState};
pub use kinds::{FileKind, RepoKind, TokenKind, UserKind};
pub use lifetime::{CacheLifetime, INDEX_GRACE};
pub use limit::{BodyLimit, Limit};
pub use names::{PackageName, ProtocolName, RepoName, UserName, client_key};
pub use network::{Network, NotANetwork};
pub use pattern::Pattern;
pub use permission::{Permission, RefScope, Role, Verb};
pub use problem::{Kind, Problem};
pub use quota::{QuotaLimits, QuotaUnit, Shortage};
pub use reply::Reply;
pub use repo_path::RepoPath;
pub use retention::{Keep, NewestPer, Release, RetentionPolicy, RetentionRule, Series, Span};
pub use ruling::{RuleKind, Ruling};
pub use series::{SeriesName, SeriesValue};
pub use settings::{
    Blocked, ChecksumLog, OciSettings, RepoSettings, ServerSettings, SigningSettings,
    UpstreamSettings,
};
pub use stored_file::StoredFile;
pub use subject::{NotASubject, Subject};
pub use time::{Clock, Timestamp};
