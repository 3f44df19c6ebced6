//! What the program reads of the files of a commit.

use super::{Place, Program, Running, done, once, printed, run};
use crate::oid::Oid;
use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt as _};
use larder_model::{Kind, Problem, Timestamp};
use std::path::Path;
use std::process::Stdio;

impl Program {
    /// When a commit was made.
    pub async fn committed_at(&self, place: Place<'_>, commit: &Oid) -> Result<Timestamp, Problem> {
        let mut command = self.command(Some(place));
        command
            .args(["log", "-1", "--no-decorate", "--format=%ct"])
            .arg(commit.as_str());
        let printed = done(run(command, None).await?, "log")?;
        let seconds: Option<i64> = String::from_utf8_lossy(&printed).trim().parse().ok();
        let micros = seconds.and_then(|seconds| seconds.checked_mul(1_000_000));
        micros
            .map(Timestamp)
            .ok_or_else(|| Problem::internal("git log told no time"))
    }

    /// A file of a commit as it is there; `None` if there is none. Fails with [`Kind::TooLarge`] if it has
    /// more than `max` bytes.
    pub async fn file(
        &self,
        place: Place<'_>,
        (commit, path): (&Oid, &str),
        max: u64,
    ) -> Result<Option<Bytes>, Problem> {
        let told = self.told(place, (commit, path)).await?;
        let Some(size) = told.trim().strip_prefix("blob ") else {
            return Ok(None);
        };
        if size.parse::<u64>().is_ok_and(|size| size > max) {
            let detail = format!("{path} under this tag has more than {max} bytes");
            return Err(Problem::new(Kind::TooLarge, "tag", detail));
        }
        let mut command = self.command(Some(place));
        command.args(["cat-file", "blob", &format!("{commit}:{path}")]);
        let printed = done(run(command, None).await?, "cat-file")?;
        Ok(Some(printed.into()))
    }

    /// Whether a commit has a folder.
    pub async fn has_folder(
        &self,
        place: Place<'_>,
        (commit, path): (&Oid, &str),
    ) -> Result<bool, Problem> {
        let told = self.told(place, (commit, path)).await?;
        Ok(told.starts_with("tree "))
    }

    /// The kind and the size of what is at a path of a commit.
    async fn told(
        &self,
        place: Place<'_>,
        (commit, path): (&Oid, &str),
    ) -> Result<String, Problem> {
        let mut command = self.command(Some(place));
        command
            .args(["cat-file", "--batch-check=%(objecttype) %(objectsize)"])
            .stdin(Stdio::piped());
        let input = once(format!("{commit}:{path}\n"));
        let printed = done(run(command, Some(input)).await?, "cat-file")?;
        Ok(String::from_utf8_lossy(&printed).into_owned())
    }

    /// A zip file of a folder of a commit, or of all of it, as a working copy would have it: ends of lines
    /// are as attributes of files say. It is what the go command asks git for. What comes ends with an
    /// error if the program fails.
    pub fn archive(
        &self,
        folder: &Path,
        (commit, path): (&Oid, &str),
    ) -> Result<BoxStream<'static, Result<Bytes, Problem>>, Problem> {
        let quarantine = None;
        let mut command = self.command(Some(Place { folder, quarantine }));
        command
            .args(["-c", "core.autocrlf=input", "-c", "core.eol=lf"])
            .args(["--literal-pathspecs", "archive", "--format=zip"])
            .arg(commit.as_str())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if !path.is_empty() {
            command.arg("--").arg(path);
        }
        let child = Running::start(&mut command)?;
        Ok(printed(child, futures_util::stream::empty().boxed()).boxed())
    }
}
