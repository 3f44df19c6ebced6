//! The metadata of a hosted repository: lists of all its packages, and the `repomd.xml` that names
//! them.

use super::describe::PackageMetadata;
use super::extra_metadata::ExtraMetadata;
use super::leads::leads;
use super::merge::Merger;
use super::packer::{List, Packer, seal};
use super::paths::{is_package, metadata, repomd_of, roots};
use super::plans::plan_package;
use super::repomd;
use crate::index::{Index, IndexBuilder, IndexDocument, IndexMerger, Leads, Signer};
use crate::publishing::StoredFile;
use crate::resource::{Artifact, Document, Plan, Table};
use bytes::Bytes;
use larder_model::{FileKind, Problem, Timestamp};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;

/// The metadata of a repository.
pub(super) struct Repodata;

impl Index for Repodata {
    fn has(&self, document: &Document) -> bool {
        matches!(
            metadata(&document.path),
            Some(("", "repomd.xml" | "repomd.xml.asc" | "repomd.xml.key"))
        )
    }

    fn begin(&self, packages: u64, now: Timestamp) -> Result<Box<dyn IndexBuilder>, Problem> {
        Ok(Box::new(Builder::begin(packages, now)?))
    }

    fn head(&self, root: &str) -> Document {
        repomd_of(root)
    }

    fn root<'a>(&self, path: &'a str) -> Option<&'a str> {
        metadata(path).map(|(root, _)| root)
    }

    fn roots<'a>(&self, path: &'a str) -> Vec<&'a str> {
        if is_package(path) {
            roots(path)
        } else {
            Vec::new()
        }
    }

    fn list(&self, head: &[u8]) -> Result<Option<Artifact>, Problem> {
        let records = repomd::read(head)?;
        let primary = records
            .into_iter()
            .find(|record| record.kind == List::Primary.kind());
        Ok(primary.map(|record| Artifact::new("", None, record.item.path)))
    }

    fn leads(&self, list: &[u8]) -> Leads {
        leads(list)
    }

    fn plan_beside(
        &self,
        roots: &[Box<str>],
        artifact: &Artifact,
        known: &[Option<Bytes>],
        tables: &[Arc<dyn Table>],
    ) -> Result<Plan, Problem> {
        let all = roots.iter().map(|root| &**root);
        plan_package((all, usize::MAX), &artifact.path, known, tables)
    }

    fn merge(&self, now: Timestamp, root: &str) -> Box<dyn IndexMerger> {
        Box::new(Merger::begin(now, root))
    }
}

/// Builds the metadata of one state.
struct Builder {
    now: Timestamp,
    packages: u64,
    lists: [Packer; 3],
    extra: Vec<ExtraMetadata>,
}

impl Builder {
    fn begin(packages: u64, now: Timestamp) -> Result<Self, Problem> {
        let mut lists = [Packer::new(), Packer::new(), Packer::new()];
        for (list, packer) in List::ALL.into_iter().zip(&mut lists) {
            let begin = list.begin(packages, &BTreeMap::new());
            begin
                .and_then(|begin| packer.write_all(begin.as_bytes()))
                .map_err(Problem::internal)?;
        }
        Ok(Self {
            now,
            packages,
            lists,
            extra: Vec::new(),
        })
    }
}

impl IndexBuilder for Builder {
    fn add_extra(&mut self, file: &StoredFile, bytes: &[u8]) -> Result<(), Problem> {
        self.extra.push(ExtraMetadata::read(&file.path, bytes)?);
        Ok(())
    }

    fn add(&mut self, file: &StoredFile) -> Result<(), Problem> {
        if file.kind != FileKind::Artifact || !is_package(&file.path) || file.metadata.is_empty() {
            return Ok(());
        }
        self.packages = self
            .packages
            .checked_sub(1)
            .ok_or_else(|| Problem::internal("more packages than counted"))?;
        let description = PackageMetadata::read(&file.metadata)?.description()?;
        let [before, after] = &description.primary;
        let moment = file.created_at.seconds().to_string();
        let parts: [&[&str]; 3] = [
            &[before, &moment, after],
            &[&description.filelists],
            &[&description.other],
        ];
        for (packer, parts) in self.lists.iter_mut().zip(parts) {
            for part in parts {
                packer
                    .write_all(part.as_bytes())
                    .map_err(Problem::internal)?;
            }
        }
        Ok(())
    }

    fn end(self: Box<Self>, signer: Option<&dyn Signer>) -> Result<Vec<IndexDocument>, Problem> {
        if self.packages != 0 {
            return Err(Problem::internal("fewer packages than counted"));
        }
        let (mut files, mut records) = (Vec::new(), Vec::new());
        for (list, mut packer) in List::ALL.into_iter().zip(self.lists) {
            packer
                .write_all(list.end().as_bytes())
                .map_err(Problem::internal)?;
            let (file, record) = packer.end(list.kind(), &format!("{}.xml", list.kind()))?;
            files.push(file);
            records.push(record);
        }
        for extra in self.extra {
            for (file, record) in extra.files()? {
                files.push(file);
                records.push(record);
            }
        }
        files.extend(seal(&records, self.now, signer)?);
        Ok(files)
    }
}
