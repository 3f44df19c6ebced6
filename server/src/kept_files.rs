//! Introduces what is kept to the protocols whose paths tell of which package it is.

use larder_metadata::listed_files::ListedFile;
use larder_metadata::{Error, Metadata};
use larder_model::ProtocolName;

/// Puts what an earlier version kept of packages where it is listed and looked for now.
pub(crate) async fn list(metadata: &Metadata) -> Result<(), Error> {
    let files = metadata.list_kept_files(&named).await?;
    if files > 0 {
        tracing::info!(files, "kept files of packages are listed now");
    }
    Ok(())
}

fn named(protocol: ProtocolName, path: &str) -> Option<ListedFile> {
    let name = larder_mirrors::of(protocol)?.names().file_name(path)?;
    Some(ListedFile {
        package: name.package.to_owned(),
        version: name.version.to_owned(),
    })
}
