//! What tells of a module's versions: the list of them, and of each when it was made
//! (go.dev/ref/mod, "GOPROXY protocol").

use super::version::Version;
use crate::json;
use crate::tagged::Origin;
use crate::text::bad_document;
use larder_model::{Problem, StoredFile, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Versions of one module.
const MAX_VERSIONS: usize = 200_000;

/// What an upstream says of a version; the rest of it stays as it is.
#[derive(Deserialize)]
struct Info {
    #[serde(rename = "Version")]
    version: String,
}

/// Refuses what cannot be a list. How many of its lines have no version.
pub(super) fn check_list(body: &[u8]) -> Result<usize, Problem> {
    let text = str::from_utf8(body).unwrap_or("?");
    let (mut versions, mut passed_over) = (0, 0);
    for first in text
        .lines()
        .filter_map(|line| line.split_whitespace().next())
    {
        let is_one = Version::parse(first).is_some();
        *(if is_one {
            &mut versions
        } else {
            &mut passed_over
        }) += 1;
    }
    if versions > MAX_VERSIONS {
        return Err(bad_document("a list of as many versions as a module has"));
    }
    if versions == 0 && passed_over > 0 {
        return Err(bad_document("a list of versions"));
    }
    Ok(passed_over)
}

/// The version that an upstream's document is about.
pub(super) fn version_of(body: &[u8]) -> Result<String, Problem> {
    let what = "what tells of a version";
    let info: Info = serde_json::from_slice(body).map_err(|error| json::unreadable(what, error))?;
    match Version::parse(&info.version) {
        Some(_) => Ok(info.version),
        None => Err(bad_document(what)),
    }
}

/// What is told of a version that is published here.
pub(super) fn write(version: &str, at: Timestamp) -> Vec<u8> {
    // Clients read a time to the second, as that of a commit.
    let seconds = Timestamp(at.seconds() * 1_000_000);
    json::bytes(&json!({"Version": version, "Time": seconds.to_string()}))
}

/// From which commit a version was made, as it is noted of its zip file.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Made {
    /// When that was committed.
    time: String,
    /// Where it is, in the client's words.
    origin: Value,
}

impl Made {
    /// From a commit, of which a folder is the module.
    pub(super) fn of(origin: &Origin, folder: &str) -> Self {
        let mut told = json!({
            "VCS": origin.system,
            "URL": origin.url,
            "Hash": origin.commit,
            "Ref": origin.reference,
        });
        if !folder.is_empty() {
            told["Subdir"] = folder.into();
        }
        Self {
            time: origin.committed_at.to_string(),
            origin: told,
        }
    }

    /// What is told of a version that was made so.
    pub(super) fn write(&self, version: &str) -> Vec<u8> {
        let Self { time, origin } = self;
        json::bytes(&json!({"Version": version, "Time": time, "Origin": origin}))
    }
}

/// What is noted of a zip file; the rest of it is for others.
#[derive(Deserialize)]
struct Noted {
    made: Option<Made>,
}

/// The list of the versions that are published here: without those that stand for commits.
pub(super) fn compose_list(files: &[&StoredFile]) -> Vec<u8> {
    let mut versions: Vec<(Version, &str)> = versions(files).collect();
    versions.retain(|(version, _)| !version.is_pseudo());
    versions.sort_by(|(one, _), (other, _)| one.compare(other));
    let lines = versions.iter().map(|(_, text)| format!("{text}\n"));
    lines.collect::<String>().into_bytes()
}

/// What is told of the latest version that is published here: the highest release, else the highest
/// one with a tag, else the highest of all.
pub(super) fn compose_latest(files: &[&StoredFile]) -> Option<Vec<u8>> {
    let rank = |version: &Version| (version.is_release(), !version.is_pseudo());
    let latest = files
        .iter()
        .filter_map(|file| Some((Version::parse(&file.version)?, *file)))
        .max_by(|(one, _), (other, _)| {
            let ranks = rank(one).cmp(&rank(other));
            ranks.then_with(|| one.compare(other))
        });
    latest.map(|(_, file)| {
        let noted: Option<Noted> = serde_json::from_str(&file.metadata).ok();
        match noted.and_then(|noted| noted.made) {
            Some(made) => made.write(&file.version),
            None => write(&file.version, file.created_at),
        }
    })
}

fn versions<'f>(files: &[&'f StoredFile]) -> impl Iterator<Item = (Version, &'f str)> {
    let all = files.iter().map(|file| &*file.version);
    all.filter_map(|text| Some((Version::parse(text)?, text)))
}

#[cfg(test)]
mod tests;
