//! The words of the audit trail: what was done, and how it ended. Each has one word, which the
//! database and the API use.

use crate::kinds::{UnknownKind, kinds};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

kinds! {
    /// How what an entry tells of ended.
    Outcome {
        /// It was done.
        Ok = "ok",
        /// The caller may not, or is not who it says.
        Refused = "refused",
        /// It could not be done.
        Failed = "failed",
    }
}

kinds! {
    /// What an entry tells of: a noun and a verb.
    Action {
        /// Work was asked for that takes a while.
        JobCreate = "job.create",
        /// Such work was to end early.
        JobCancel = "job.cancel",
        /// When such work begins by itself was changed.
        ScheduleChange = "schedule.change",
        /// Someone got a role.
        GrantCreate = "grant.create",
        /// A role was taken back.
        GrantDelete = "grant.delete",
        /// A person's account was made.
        UserCreate = "user.create",
        /// An account's password or flags were changed.
        UserChange = "user.change",
        /// An account was deleted.
        UserDelete = "user.delete",
        /// A group of users was made.
        GroupCreate = "group.create",
        /// A group of users was described.
        GroupChange = "group.change",
        /// A group of users was deleted.
        GroupDelete = "group.delete",
        /// Someone came into a group.
        MemberAdd = "member.add",
        /// Someone left a group.
        MemberRemove = "member.remove",
        /// A robot was made.
        RobotCreate = "robot.create",
        /// A robot was described or handed over.
        RobotChange = "robot.change",
        /// A robot was deleted.
        RobotDelete = "robot.delete",
        /// A token was made.
        TokenCreate = "token.create",
        /// A token was ended.
        TokenDelete = "token.delete",
        /// A token was used from an address that it was not used from before.
        TokenUse = "token.use",
        /// A person signed in with a browser.
        SessionCreate = "session.create",
        /// A session was ended.
        SessionDelete = "session.delete",
        /// Someone logged in, or tried to.
        Login = "login",
        /// Something was asked for, and refused.
        Access = "access",
        /// A repository was made.
        RepositoryCreate = "repository.create",
        /// A repository's settings or members were changed.
        RepositoryChange = "repository.change",
        /// A repository was deleted.
        RepositoryDelete = "repository.delete",
        /// A reserved name was freed.
        ReservationDelete = "reservation.delete",
        /// Settings of the server were changed.
        SettingsChange = "settings.change",
        /// Files of a package's version were published.
        PackagePublish = "package.publish",
        /// A package's version, or an image, was copied from another repository.
        PackageCopy = "package.copy",
        /// What is told of published files was changed, as a yank does.
        PackageChange = "package.change",
        /// Files of a package's version were deleted.
        PackageDelete = "package.delete",
        /// A ref was made, moved or deleted.
        RefChange = "ref.change",
        /// A tag was set.
        TagSet = "tag.set",
        /// A tag was deleted.
        TagDelete = "tag.delete",
        /// A manifest was pushed.
        ManifestPush = "manifest.push",
        /// A manifest was deleted with its tags.
        ManifestDelete = "manifest.delete",
        /// What the retention of a repository says was changed.
        RetentionChange = "retention.change",
        /// What was deleted was put back.
        TrashRestore = "trash.restore",
        /// What was deleted was deleted for good, before its time.
        TrashDelete = "trash.delete",
        /// A quota that repositories share was made.
        QuotaCreate = "quota.create",
        /// Such a quota was changed.
        QuotaChange = "quota.change",
        /// Such a quota was deleted.
        QuotaDelete = "quota.delete",
        /// Four fifths of a quota are used.
        QuotaWarn = "quota.warn",
        /// A blob's name was deleted from an image.
        BlobDelete = "blob.delete",
        /// A blob's bytes were found to be not those of its digest: nobody reads them any more.
        BlobQuarantine = "blob.quarantine",
        /// What was kept aside of a damaged blob was given up.
        QuarantineDelete = "quarantine.delete",
        /// A backup was asked for.
        BackupCreate = "backup.create",
        /// A backup that the server keeps was fetched.
        BackupRead = "backup.read",
        /// A backup that the server keeps was deleted.
        BackupDelete = "backup.delete",
        /// The database was filled from a backup.
        BackupRestore = "backup.restore",
        /// The oldest entries of the audit trail were deleted.
        AuditPrune = "audit.prune",
        /// More kinds of events came in a minute than are told apart: so many were not.
        AuditOverflow = "audit.overflow",
    }
}

#[cfg(test)]
mod tests;
