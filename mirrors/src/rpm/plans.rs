//! How metadata and packages are got: what lists them is read first.

use super::paths::{ending, repomd_of};
use super::repomd::{self, Record};
use crate::resource::{Artifact, Plan, Table};
use bytes::Bytes;
use larder_model::Problem;
use std::sync::Arc;

/// The kind of the list of packages, which says where each is.
pub(super) const PRIMARY: &str = "primary";

/// Limit on the documents that a plan reads, because each may need a request.
pub(super) const MAX_STEPS: usize = 7;

/// The file of a record of the repository at a root.
pub(super) fn file_of(root: &str, record: &Record) -> Artifact {
    Artifact::new("", None, format!("{root}{}", record.item.path))
}

/// The plan of a file that a `repomd.xml` names.
pub(super) fn plan_metadata(
    root: &str,
    path: &str,
    known: &[Option<Bytes>],
) -> Result<Plan, Problem> {
    let Some(repomd) = known.first() else {
        return Ok(Plan::Read(repomd_of(root)));
    };
    let absent = || Problem::not_found("metadata", format!("no repomd.xml lists `{path}`"));
    let records = repomd::read(repomd.as_deref().ok_or_else(absent)?)?;
    let below = path.strip_prefix(root).unwrap_or(path);
    let record = records
        .iter()
        .find(|record| record.item.path == below)
        .ok_or_else(absent)?;
    Ok(Plan::Fetch(record.item.fetch(root)))
}

/// The plan of a package that one of the repositories at these roots lists, found by at most so many
/// documents and lists.
pub(super) fn plan_package<'r>(
    (roots, max_steps): (impl Iterator<Item = &'r str>, usize),
    path: &str,
    known: &[Option<Bytes>],
    tables: &[Arc<dyn Table>],
) -> Result<Plan, Problem> {
    let list_kind = if ending(path) == "drpm" {
        "prestodelta"
    } else {
        PRIMARY
    };
    let absent = || Problem::not_found("package", format!("no repository here lists `{path}`"));
    let step = |plan: Plan| {
        if known.len() + tables.len() < max_steps {
            Ok(plan)
        } else {
            Err(absent())
        }
    };
    let (mut known, mut tables) = (known.iter(), tables.iter());
    for root in roots {
        let Some(repomd) = known.next() else {
            return step(Plan::Read(repomd_of(root)));
        };
        let Some(repomd) = repomd else { continue };
        let records = repomd::read(repomd)?;
        let Some(record) = records.iter().find(|record| record.kind == list_kind) else {
            continue;
        };
        let Some(table) = tables.next() else {
            let list = file_of(root, record);
            return step(Plan::Consult(list, record.item.fetch(root)));
        };
        if let Some(fetch) = table.find(root, path) {
            return Ok(Plan::Fetch(fetch));
        }
    }
    Err(absent())
}
