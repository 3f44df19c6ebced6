//! Versions that are made of the sources under a tag.

use crate::packages::Packages;
use crate::repo::Repo;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use larder_access::Admission;
use larder_metadata::repos::RepoRecord;
use larder_mirrors::FromTag;
use larder_mirrors::tagged::{Tagged, WantedFiles};
use larder_model::{Kind, Problem, RepoPath};
use std::sync::Arc;

/// A version that was published.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublishedTag {
    /// The repository that has it.
    pub repository: RepoPath,
    /// Its package.
    pub package: Box<str>,
    /// The version.
    pub version: String,
}

impl Packages {
    /// What is read of a tag for the version that comes of it in a repository.
    pub fn wanted_of_tag(
        &self,
        record: &Arc<RepoRecord>,
        tag: &str,
    ) -> Result<WantedFiles, Problem> {
        from_tag(record)?.wanted(tag)
    }

    /// Publishes what comes of a tag, in a hosted repo or in a group's first hosted member. The caller's
    /// right to it is required here, once the files tell which package it is. `archive`: a zip file of
    /// the wanted folder.
    pub async fn publish_tag(
        &self,
        admission: &Admission,
        record: &Arc<RepoRecord>,
        mut tagged: Tagged,
        archive: BoxStream<'static, Result<Bytes, Problem>>,
    ) -> Result<PublishedTag, Problem> {
        let protocol = larder_mirrors::of(record.protocol).ok_or_else(unsupported)?;
        let own = self.0.repos.of(record, protocol)?;
        let hosted: Arc<Repo> = self.0.groups.published_to(admission, &own)?;
        tagged.package = tagged
            .package
            .map(|package| protocol.names().canonical(&package).into_owned());
        let version = from_tag(record)?.version(tagged)?;
        let tail = stream::iter([Ok(version.tail)]);
        let body = archive.chain(tail).boxed();
        let (publisher, request) = (&self.0.publisher, &version.request);
        publisher
            .publish_made(&hosted, admission, request, body)
            .await?;
        Ok(PublishedTag {
            repository: RepoPath {
                protocol: hosted.record.protocol,
                name: hosted.record.name.clone(),
            },
            package: version.request.package,
            version: version.version,
        })
    }
}

fn unsupported() -> Problem {
    let detail = "versions of this protocol are not made of tags of a repository of sources";
    Problem::new(Kind::Unsupported, "repository", detail)
}

fn from_tag(record: &RepoRecord) -> Result<&'static dyn FromTag, Problem> {
    let protocol = larder_mirrors::of(record.protocol).ok_or_else(unsupported)?;
    protocol.tagged().ok_or_else(unsupported)
}
