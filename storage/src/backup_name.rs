//! The names of backups that are kept beside the blobs.

use larder_model::Timestamp;
use std::fmt;
use std::str::FromStr;

/// The name of a backup: `larder-20300131T120000Z-00000000000000a7.tar`. The order of names is that of
/// their times.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct BackupName {
    /// The second of the state that it has.
    seconds: i64,
    /// Keeps those of one second apart.
    id: i64,
}

impl BackupName {
    /// The name of a backup of that state.
    pub const fn new(created_at: Timestamp, id: i64) -> Self {
        Self {
            seconds: created_at.seconds(),
            id,
        }
    }

    /// When the database was as the backup tells it, to the second.
    pub const fn created_at(&self) -> Timestamp {
        Timestamp(self.seconds * 1_000_000)
    }
}

impl fmt::Display for BackupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.created_at().to_string();
        let plain: String = time.chars().filter(char::is_ascii_alphanumeric).collect();
        write!(f, "larder-{plain}-{:016x}.tar", self.id)
    }
}

/// Text that is the name of no backup.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoBackupName;

impl FromStr for BackupName {
    type Err = NoBackupName;

    fn from_str(text: &str) -> Result<Self, NoBackupName> {
        let read = || {
            let rest = text.strip_prefix("larder-")?.strip_suffix(".tar")?;
            let (time, id) = rest.split_once('-')?;
            let part = |from: usize, to: usize| time.get(from..to);
            let time = format!(
                "{}-{}-{}T{}:{}:{}Z",
                part(0, 4)?,
                part(4, 6)?,
                part(6, 8)?,
                part(9, 11)?,
                part(11, 13)?,
                part(13, 15)?
            );
            let name = Self {
                seconds: time.parse::<Timestamp>().ok()?.seconds(),
                id: i64::from_str_radix(id, 16).ok()?,
            };
            // One spelling for each.
            (name.to_string() == text).then_some(name)
        };
        read().ok_or(NoBackupName)
    }
}

#[cfg(test)]
mod tests;
