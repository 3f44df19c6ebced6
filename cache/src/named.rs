//! What the files of a mirror name that are kept beside them.

use crate::packages::Packages;
use crate::problems::absent;
use larder_metadata::files::FileKey;
use larder_metadata::repos::RepoRecord;
use larder_mirrors::{Document, Named, Protocol, Set};
use larder_model::{FileKind, Kind, Problem};
use std::sync::Arc;

impl Packages {
    /// What a kept file of a mirror names: of a manifest its parts and its subject, of a document what
    /// is kept together with it. Nothing where that cannot be read.
    pub async fn named_by(
        &self,
        record: &Arc<RepoRecord>,
        file: FileKey<'_>,
    ) -> Result<Vec<Named>, Problem> {
        let protocol = larder_mirrors::of(record.protocol).ok_or_else(absent)?;
        let Some(found) = self.0.metadata.find(file).await? else {
            return Ok(Vec::new());
        };
        let (body, _share) = match self.0.bodies.read_in_turn(&found).await {
            Err(problem) if problem.kind == Kind::NotFound => return Ok(Vec::new()),
            body => body?,
        };
        let named = match (file.kind, protocol.digests()) {
            (FileKind::Manifest, Some(digests)) => digests.named_by(&body),
            _ => named_by_document(protocol, file, &body),
        };
        Ok(named.unwrap_or_else(|why| {
            tracing::debug!(why, path = file.path, "what a file names cannot be read");
            Vec::new()
        }))
    }
}

fn named_by_document(
    protocol: &dyn Protocol,
    file: FileKey<'_>,
    body: &[u8],
) -> Result<Vec<Named>, String> {
    let document = Document::new(file.package.package, file.path);
    let set = protocol.sets().map(|sets| sets.set(&document, body));
    let set = set.transpose().map_err(|problem| problem.with_causes())?;
    let Set {
        companions,
        members,
    } = set.unwrap_or_default();
    let companions = companions
        .into_iter()
        .map(|it| Named::part(it.kind, it.path));
    let members = members
        .into_iter()
        .map(|it| Named::part(it.artifact.kind, it.artifact.path));
    Ok(companions.chain(members).collect())
}
