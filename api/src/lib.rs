//! What the REST API takes and answers: one type for each JSON object, shared by the server, the
//! commands and the tests.
//!
//! Knows: the names of fields, which may be absent or `null`, their units, their schemas for
//! OpenAPI. Must never know: who may make which call, where anything is kept, how a request is
//! sent. Does no IO.
//!
//! Of an answer a field that can be without a value is `null` where its docstring says so, and
//! absent elsewhere. In a body `null` is as good as no field, but for a [`Patch`]. Types that hold secrets are not
//! `Debug`.

mod patch;
mod schema;

pub mod audit;
pub mod backups;
pub mod connect;
pub mod copies;
pub mod deletions;
pub mod denied;
pub mod grants;
pub mod groups;
pub mod images;
pub mod jobs;
pub mod list;
pub mod problem;
pub mod quotas;
pub mod refresh;
pub mod repositories;
pub mod abouts;
pub mod packages;
pub mod publications;
pub mod reservations;
pub mod retention;
pub mod robots;
pub mod search;
pub mod sessions;
pub mod settings;
pub mod system;
pub mod tags;
pub mod tokens;
pub mod users;

pub mod collection;
pub mod rights;
pub mod scrub;
pub mod statistics;
pub mod upstreams;

pub use abouts::{
    AboutLink, Dependency, Fact, FileRead, PackageBlock, PackageDetails, Readme, ReadmeFormat,
    VersionAbout,
};
pub use audit::{AuditEntry, AuditFault, AuditReport};
pub use backups::{Backup, BackupRun};
pub use collection::{Blob, BlobHolder, BlobState, Collection, NewCollection};
pub use connect::{ConnectClient, ConnectPart};
pub use copies::{Copy, CopyTarget, NewCopy};
pub use deletions::{Deletion, DeletionOutcome, Deletions, NewDeletions};
pub use denied::DeniedRequest;
pub use grants::{Grant, NewGrant};
pub use groups::{Group, GroupChange, GroupMember, NewGroup};
pub use images::{
    Image, ImageConfig, ImageHistory, ImageLayer, ImagePart, ImagePlatform, ImageProblem,
    ImageProblemCode, ImageReferrer,
};
pub use jobs::{Job, JobError, JobItem, JobProgress, NewSchedule, Schedule};
pub use list::List;
pub use packages::{
    File, ImageSum, Package, Version, VersionChange, VersionDetails, VersionYank, Yanked,
};
pub use patch::{NULLABLE, Patch};
pub use problem::Problem;
pub use publications::Publication;
pub use quotas::{
    NewSharedQuota, Quota, QuotaChange, QuotaLimits, RepositoryUsage, SharedQuota, SharedUsage,
};
pub use refresh::{Refresh, RefreshOutcome, RefreshRequest, RefreshedDocument};
pub use repositories::{
    Block, NewRepository, OfflineBy, Readers, RepoKind, Repository, RepositoryChange, Upstream,
    UpstreamChange,
};
pub use reservations::Reservation;
pub use retention::{
    NewRetention, NewRetentionRun, Retention, RetentionAction, RetentionItem, RetentionKeep,
    RetentionPreview, RetentionRule, RetentionSeries, TrashEntry, TrashKind,
};
pub use rights::{Action, Caller, Verdict};
pub use robots::{NewRobot, Robot, RobotChange};
pub use schema::whole;
pub use scrub::{BlobDamage, NewScrub, QuarantinedBlob, ScrubStatus};
pub use search::{SearchHit, SearchKind};
pub use sessions::{NewSession, Session};
pub use settings::{OciSettings, OciSettingsChange, Settings, SettingsChange};
pub use statistics::{
    DayOfDownloads, NewUsageCount, Quantiles, SeriesAnswer, SeriesInfo, SeriesItem, SeriesList,
    SeriesValues, Statistics, Traffic, Usage, UsageList, UsageTotal,
};
pub use system::{Authority, ConfigSetting, DiskSpace, PartHealth, SystemHealth};
pub use tags::{NewTagVersion, TagSource, TagVersion};
pub use tokens::{NewToken, Token, TokenGrant, TokenKind};
pub use upstreams::{
    LastError, PausedOrigin, UpstreamCheck, UpstreamCheckRequest, UpstreamState, UpstreamStatus,
};
pub use users::{NewUser, User, UserChange, UserKind};

/// Schemas of the texts that stand in paths and queries.
pub mod texts {
    pub use crate::schema::{
        BackupBlobs, BackupName, Digest, Id, JobKind, JobState, PackageName, Protocol, RepoName,
        RepoPath, Subject, UserName, VersionName,
    };
}
