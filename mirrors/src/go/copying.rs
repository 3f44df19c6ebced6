//! Copies of an upstream's versions: published with their zip file alone, as by whoever uploads it.

use super::files::{ZIP, artifact};
use super::plans::plan;
use super::publish::publish;
use super::version::Version;
use crate::archive::window::Window;
use crate::copying::{Copying, FileCopy, UpstreamVersion, VersionFile};
use crate::publishing::{Body, Step, StoredFile};
use crate::resource::{Plan, Table};
use bytes::Bytes;
use larder_model::Problem;
use std::sync::Arc;

/// Copies of modules.
pub(super) struct ModuleCopies;

impl Copying for ModuleCopies {
    fn files(
        &self,
        wanted: &UpstreamVersion<'_>,
        known: &[Option<Bytes>],
        _: &[Arc<dyn Table>],
    ) -> Result<Plan<Vec<VersionFile>>, Problem> {
        if Version::parse(wanted.version).is_none() {
            return Ok(Plan::Fetch(Vec::new()));
        }
        let artifact = artifact(wanted.package, wanted.version, ZIP);
        Ok(match plan(&artifact, known)? {
            Plan::Fetch(fetch) => Plan::Fetch(vec![VersionFile {
                artifact,
                integrity: fetch.integrity,
                statement: String::new(),
            }]),
            Plan::Record(request) => Plan::Record(request),
            Plan::Read(document) => Plan::Read(document),
            Plan::Outline(document) => Plan::Outline(document),
            Plan::Consult(list, fetch) => Plan::Consult(list, fetch),
            Plan::Kept(lists) => Plan::Kept(lists),
        })
    }

    fn steps(
        &self,
        copy: &FileCopy<'_>,
        body: &mut dyn Body,
        files: &[StoredFile],
    ) -> Result<Vec<Step>, Problem> {
        let mut window = Window::new(body, 0, copy.size);
        publish(
            &mut window,
            (copy.package, copy.version),
            files,
            copy.limits,
        )
    }
}
