//! The git program, which packs and unpacks objects. It is told where everything is, knows no settings
//! of this machine, reaches no network and runs no hook.

use crate::endpoint::Version;
use crate::oid::Oid;
use crate::running::{
    FULL, Input, OLDEST, Running, disk_failed, failed, not_installed, printed, run,
};
use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt};
use larder_model::{Kind, Problem};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use tokio::process::Command;

/// Settings of every call. What is here may be hostile.
const SETTINGS: [&str; 13] = [
    "core.hooksPath=/dev/null",
    "safe.directory=*",
    "gc.auto=0",
    "maintenance.auto=false",
    "protocol.allow=never",
    "uploadpack.allowFilter=true",
    "uploadpack.allowAnySHA1InWant=true",
    "uploadpack.keepAlive=5",
    "transfer.advertiseObjectInfo=true",
    "core.fsmonitor=false",
    "pack.windowMemory=64m",
    "pack.deltaCacheSize=64m",
    "core.deltaBaseCacheLimit=64m",
];
/// Faults in objects that many old repositories have, and that hurt nobody.
const HARMLESS: &str = "zeroPaddedFilemode=warn,missingSpaceBeforeDate=warn,badTimezone=warn,\
    badDateOverflow=warn,missingSpaceBeforeEmail=warn,badEmail=warn,badName=warn,\
    missingNameBeforeEmail=warn,missingEmail=warn,badDate=warn,missingTaggerEntry=warn,\
    zeroPaddedDate=warn,duplicateEntries=error,treeNotSorted=error";

/// What `index-pack` may take for one object that is told by its differences to others: a few bytes can
/// tell any number. Blobs of more than that are no such, and take a piece of memory at a time; its list of
/// thirty million objects is as large.
const MAX_OBJECT: &str = "2g";
/// What it says of one that is larger.
const TOO_LARGE: &str = "over limit";
/// What `index-pack` says of an object that others of a pack need, and that is nowhere.
const LACKING: &str = "did not receive expected object";
/// The git program.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
}

/// Where objects of a repository are, or come to be.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The repository's folder.
    pub folder: &'a Path,
    /// Where new objects go, and are looked for first; `None`: they go nowhere.
    pub quarantine: Option<&'a Path>,
}

/// The version in what `git version` prints.
fn version_in(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text
        .trim()
        .strip_prefix("git version ")?
        .split(['.', ' ', '-']);
    let mut next = || numbers.next()?.parse().ok();
    Some((next()?, next()?))
}

impl Program {
    /// The program at a path or of a name, if it does all that is needed.
    pub async fn find(path: &Path) -> Result<Self, Problem> {
        let program = Self { path: path.into() };
        let mut command = program.command(None);
        command.arg("version").stdout(Stdio::piped());
        let output = command.output().await;
        let output = output.map_err(|error| not_installed("it was not found").because(error))?;
        let text = String::from_utf8_lossy(&output.stdout);
        match version_in(&text) {
            Some(version) if version >= OLDEST => Ok(program),
            Some((major, minor)) => Err(not_installed(&format!("{major}.{minor} is too old"))),
            None => Err(not_installed("what is there is not git")),
        }
    }

    /// A call of the program with nothing of this process's surroundings.
    fn command(&self, place: Option<Place<'_>>) -> Command {
        let mut command = Command::new(&self.path);
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", "/nonexistent")
            .env("LC_ALL", "C")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_TERMINAL_PROMPT", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        if let Some(Place { folder, quarantine }) = place {
            command.env("GIT_DIR", folder).current_dir(folder);
            if let Some(quarantine) = quarantine {
                command
                    .env("GIT_OBJECT_DIRECTORY", quarantine)
                    .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", folder.join("objects"));
            }
        }
        command
    }

    /// Takes a pack into the quarantine: completes what it leaves out, and checks each object and that
    /// what it names is here. Returns the pack's name.
    ///
    /// Fails with [`Kind::Unprocessable`] if the pack or an object in it is bad, with [`Kind::Invalid`] if it
    /// lacks an object that others need, and with [`Kind::TooLarge`] if one takes more than 2 GiB of memory.
    pub async fn index_pack(&self, place: Place<'_>, pack: Input<'_>) -> Result<Oid, Problem> {
        let mut command = self.command(Some(place));
        command
            .args(["index-pack", "--stdin", "--fix-thin"])
            .arg(format!("--strict={HARMLESS}"))
            .env("GIT_ALLOC_LIMIT", MAX_OBJECT)
            .stdin(Stdio::piped());
        let (status, printed, complaint) = run(command, Some(pack)).await?;
        if !status.success() {
            return Err(bad_pack(&complaint));
        }
        let text = String::from_utf8_lossy(&printed);
        let name = text.trim().rsplit('\t').next().unwrap_or_default();
        name.parse()
            .map_err(|error| Problem::internal("index-pack told no name").because(error))
    }

    /// The kinds of objects (`commit`, `tag`, `tree`, `blob`), in their order; `None` for one that is not
    /// here.
    pub async fn kinds(
        &self,
        place: Place<'_>,
        oids: &[&Oid],
    ) -> Result<Vec<Option<Box<str>>>, Problem> {
        if oids.is_empty() {
            return Ok(Vec::new());
        }
        let mut command = self.command(Some(place));
        command
            .args(["cat-file", "--batch-check=%(objecttype)"])
            .stdin(Stdio::piped());
        let input = lines_of(oids);
        let printed = done(run(command, Some(once(input))).await?, "cat-file")?;
        let kind = |line: &str| Some(line.into()).filter(|_| !line.ends_with(" missing"));
        let text = String::from_utf8_lossy(&printed);
        let kinds: Vec<_> = text.lines().map(kind).collect();
        if kinds.len() == oids.len() {
            Ok(kinds)
        } else {
            Err(Problem::internal("cat-file told of other objects"))
        }
    }

    /// What annotated tags are of, in their order; `None` for what is no such tag, or not here.
    pub async fn peel(&self, place: Place<'_>, oids: &[&Oid]) -> Result<Vec<Option<Oid>>, Problem> {
        if oids.is_empty() {
            return Ok(Vec::new());
        }
        let mut command = self.command(Some(place));
        command
            .args(["cat-file", "--batch-check=%(objectname)"])
            .stdin(Stdio::piped());
        let input = lines_of(oids).replace('\n', "^{}\n");
        let printed = done(run(command, Some(once(input))).await?, "cat-file")?;
        let text = String::from_utf8_lossy(&printed);
        let peeled = text.lines().zip(oids).map(|(line, oid)| {
            let peeled: Option<Oid> = line.parse().ok();
            peeled.filter(|peeled| peeled != *oid)
        });
        let peeled: Vec<_> = peeled.collect();
        if peeled.len() == oids.len() {
            Ok(peeled)
        } else {
            Err(Problem::internal("cat-file told of other objects"))
        }
    }

    /// Whether all that objects need is here, beginning with them.
    pub async fn is_whole(&self, place: Place<'_>, tips: &[&Oid]) -> Result<bool, Problem> {
        let mut command = self.command(Some(place));
        command
            .args([
                "rev-list",
                "--objects",
                "--quiet",
                "--stdin",
                "--not",
                "--all",
            ])
            .stdin(Stdio::piped());
        let input = lines_of(tips);
        let (status, ..) = run(command, Some(once(input))).await?;
        Ok(status.success())
    }

    /// Whether one commit is another's ancestor, or the same.
    pub async fn is_ancestor(
        &self,
        place: Place<'_>,
        ancestor: &Oid,
        of: &Oid,
    ) -> Result<bool, Problem> {
        let mut command = self.command(Some(place));
        command.args([
            "merge-base",
            "--is-ancestor",
            ancestor.as_str(),
            of.as_str(),
        ]);
        let (status, _, complaint) = run(command, None).await?;
        match status.code() {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ => Err(failed("merge-base", &complaint)),
        }
    }

    /// Those of commits that are ancestors of none of these tips, and none of them.
    pub async fn apart(
        &self,
        place: Place<'_>,
        commits: &[&Oid],
        tips: &[&Oid],
    ) -> Result<HashSet<Oid>, Problem> {
        let mut command = self.command(Some(place));
        command.args(["rev-list", "--stdin"]).stdin(Stdio::piped());
        let tips = tips.iter().map(|tip| format!("^{tip}\n"));
        let input = lines_of(commits) + &tips.collect::<String>();
        let printed = done(run(command, Some(once(input))).await?, "rev-list")?;
        let text = String::from_utf8_lossy(&printed);
        let apart: HashSet<Oid> = text.lines().filter_map(|line| line.parse().ok()).collect();
        let of = commits.iter().filter(|commit| apart.contains(**commit));
        Ok(of.map(|commit| Oid::clone(commit)).collect())
    }

    /// Packs all objects of packs into one pack of the quarantine, with its index: also those that nothing
    /// names. Returns the pack's name.
    pub async fn pack_packs(&self, place: Place<'_>, packs: &[&Oid]) -> Result<Oid, Problem> {
        let into = place.quarantine.unwrap_or(place.folder).join("pack/pack");
        let mut command = self.command(Some(place));
        command
            .args([
                "pack-objects",
                "--stdin-packs",
                "--delta-base-offset",
                "--threads=1",
                "-q",
            ])
            .arg(&into)
            .stdin(Stdio::piped());
        let names = packs.iter().map(|name| format!("pack-{name}.pack\n"));
        let input = names.collect::<String>();
        let printed = done(run(command, Some(once(input))).await?, "pack-objects")?;
        let text = String::from_utf8_lossy(&printed);
        let name: Oid = text
            .trim()
            .parse()
            .map_err(|error| Problem::internal("pack-objects told no name").because(error))?;
        // What takes the place of others is read once before.
        let mut command = self.command(Some(place));
        command
            .arg("verify-pack")
            .arg(format!("{}-{name}.idx", into.display()));
        done(run(command, None).await?, "verify-pack")?;
        Ok(name)
    }

    /// Writes an index of all packs of the quarantine with bitmaps (git-multi-pack-index).
    pub async fn index_packs(&self, place: Place<'_>) -> Result<(), Problem> {
        let mut command = self.command(Some(place));
        command.args(["multi-pack-index", "write", "--bitmap", "--no-progress"]);
        done(run(command, None).await?, "multi-pack-index").map(drop)
    }

    /// A bundle of all branches and tags (gitformat-bundle). What comes ends with an error if the program
    /// fails.
    pub fn bundle(
        &self,
        folder: &Path,
    ) -> Result<BoxStream<'static, Result<Bytes, Problem>>, Problem> {
        let quarantine = None;
        let mut command = self.command(Some(Place { folder, quarantine }));
        command
            .args(["bundle", "create", "-q", "-", "--branches", "--tags"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let child = Running::start(&mut command)?;
        Ok(printed(child, futures_util::stream::empty().boxed()).boxed())
    }

    /// Answers a client's request for objects. What comes ends with an error if the program fails.
    pub fn upload_pack(
        &self,
        folder: &Path,
        version: Version,
        request: Bytes,
    ) -> Result<BoxStream<'static, Result<Bytes, Problem>>, Problem> {
        let quarantine = None;
        let mut command = self.command(Some(Place { folder, quarantine }));
        if version == Version::V2 {
            command.env("GIT_PROTOCOL", "version=2");
        }
        command
            .args(["upload-pack", "--strict", "--stateless-rpc"])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let child = Running::start(&mut command)?;
        let request = futures_util::stream::once(async move { Ok(request) }).boxed();
        Ok(printed(child, request).boxed())
    }
}

/// Objects, one a line.
fn lines_of(oids: &[&Oid]) -> String {
    let mut lines = String::new();
    for oid in oids {
        lines.push_str(oid.as_str());
        lines.push('\n');
    }
    lines
}

fn once(text: String) -> Input<'static> {
    futures_util::stream::once(async move { Ok(Bytes::from(text)) }).boxed()
}

/// A pack that git does not take, with the first thing that it complains of.
fn bad_pack(complaint: &str) -> Problem {
    if complaint.contains(FULL) {
        return disk_failed(std::io::ErrorKind::StorageFull.into());
    }
    if complaint.contains(TOO_LARGE) {
        let detail = "the objects are not taken: one takes more than 2 GiB of memory, as it is told by its \
                      differences to another; git does so with smaller ones alone (core.bigFileThreshold)";
        return Problem::new(Kind::TooLarge, "pack", detail);
    }
    let mut lines = complaint.lines().map(|line| {
        let line = line
            .strip_prefix("fatal: ")
            .or_else(|| line.strip_prefix("error: "));
        line.unwrap_or_default()
    });
    let why = lines
        .find(|line| !line.is_empty())
        .unwrap_or("it cannot be read");
    let kind = if why.starts_with(LACKING) {
        Kind::Invalid
    } else {
        Kind::Unprocessable
    };
    Problem::new(kind, "pack", format!("the objects are not taken: {why}"))
}

/// What a call printed, if it went well.
fn done(
    (status, printed, complaint): (ExitStatus, Vec<u8>, String),
    what: &str,
) -> Result<Vec<u8>, Problem> {
    if status.success() {
        Ok(printed)
    } else {
        Err(failed(what, &complaint))
    }
}

/// The name of the program, where none is set.
pub fn default_path() -> &'static Path {
    Path::new(OsStr::new("git"))
}

mod trees;

#[cfg(test)]
mod tests;
