//! How the files of a version are got, and what vouches for them.

use super::contents;
use super::files::{INFO, ZIP, no_such_path};
use super::log::{lookup_of, sums_in};
use super::note::Record;
use super::paths::escape;
use crate::Integrity;
use crate::resource::{Artifact, Fetch, LogRequest, Plan};
use crate::text;
use bytes::Bytes;
use larder_model::Problem;

/// The request for the record of a version.
fn record_of(module: &str, version: &str) -> LogRequest {
    LogRequest {
        log: "".into(),
        package: module.into(),
        path: lookup_of(module, version).into(),
    }
}

/// Where a file of a version is, and what it contains.
pub(super) fn plan(artifact: &Artifact, known: &[Option<Bytes>]) -> Result<Plan, Problem> {
    let (module, path) = (&*artifact.package, &*artifact.path);
    let version = artifact.version.as_deref().ok_or_else(no_such_path)?;
    let ending = path.strip_prefix(version).ok_or_else(no_such_path)?;
    let url = format!(
        "{}/@v/{}{ending}",
        text::path(&escape(module)),
        text::segment(&escape(version))
    );
    if ending == INFO {
        let contents = contents::of_info(version);
        return Ok(Plan::Fetch(Fetch::new(url, Integrity::Contents(contents))));
    }
    let Some(record) = known.first() else {
        return Ok(Plan::Record(record_of(module, version)));
    };
    let record = record.as_deref().and_then(|body| str::from_utf8(body).ok());
    let record = record.and_then(Record::parse);
    let sums = record.map(|record| sums_in(record.text, (module, version)));
    let (is_zip, is_known) = (ending == ZIP, sums.is_some());
    let (zip, go_mod) = sums.unwrap_or_default();
    let sum = if is_zip { zip } else { go_mod };
    if is_known && sum.is_none() {
        let detail = format!("the checksum database has no sum of {module}@{version}{ending}");
        return Err(Problem::not_found("version", detail));
    }
    let contents = if is_zip {
        contents::of_zip(module, version, sum)
    } else {
        contents::of_mod(sum)
    };
    Ok(Plan::Fetch(Fetch::new(url, Integrity::Contents(contents))))
}
