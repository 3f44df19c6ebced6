//! `larder package`, and `larder image`, which is the same for images.

use crate::client::Client;
use crate::command::Package;
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::table::Column;
use crate::terminal::confirm;
use larder_api::{CopyTarget, NewCopy};
use larder_model::RepoPath;
use serde_json::json;

const LIST: &[Column] = &[
    ("NAME", "name"),
    ("HOSTED", "hosted"),
    ("REPOSITORIES", "repositories"),
    ("UPDATED", "updated_at"),
];
const VERSIONS: &[Column] = &[
    ("VERSION", "version"),
    ("HOSTED", "hosted"),
    ("REPOSITORY", "repository"),
    ("DIGEST", "digest"),
    ("FILES", "files"),
    ("BYTES", "bytes"),
    ("CREATED", "created_at"),
    ("BY", "created_by"),
    ("LAST USED", "last_used_at"),
];
const VERSION: &[Column] = &[
    ("Package", "package"),
    ("Version", "version"),
    ("Hosted", "hosted"),
    ("Repository", "repository"),
    ("Yanked", "yanked"),
    ("Bytes", "bytes"),
    ("Created", "created_at"),
    ("By", "created_by"),
    ("Last used", "last_used_at"),
    ("Files", "files"),
];

const REFRESHED: &[Column] = &[
    ("DOCUMENT", "path"),
    ("OUTCOME", "outcome"),
    ("DIGEST", "digest"),
    ("BEFORE", "previous_digest"),
    ("CHECKED", "checked_at"),
];

const COPIED: &[Column] = &[
    ("Repository", "repository"),
    ("Package", "package"),
    ("Version", "version"),
    ("Digest", "digest"),
    ("Files", "files"),
    ("Bytes", "bytes"),
];

/// The path of a repository's packages, or of what is below them.
fn call<'a>(repo: &'a RepoPath, below: &[&'a str]) -> Vec<&'a str> {
    let packages = [
        "repositories",
        repo.protocol.0,
        repo.name.as_str(),
        "packages",
    ];
    [&packages[..], below].concat()
}

pub(crate) async fn package(command: Package, client: &Client) -> Result<Outcome, Failure> {
    match command {
        Package::List { repo, text } => {
            let query: Vec<_> = text.iter().map(|text| ("q", text.as_str())).collect();
            let packages = client.all(&call(&repo, &[]), &query).await?;
            Ok(Outcome::list(packages, LIST))
        }
        Package::Show {
            repo,
            package,
            version: None,
        } => {
            let path = call(&repo, &[&package, "versions"]);
            Ok(Outcome::list(client.all(&path, &[]).await?, VERSIONS))
        }
        Package::Show {
            repo,
            package,
            version: Some(version),
        } => {
            let path = call(&repo, &[&package, "versions", &version]);
            Ok(Outcome::record(client.get(&path, &[]).await?, VERSION))
        }
        Package::Refresh { repo, package, tag } => {
            let path = call(&repo, &[&package, "refresh"]);
            let query: Vec<_> = tag.iter().map(|tag| ("version", tag.as_str())).collect();
            let mut told = client.post(&path, &query, &json!({})).await?;
            let documents = json!({"items": told["documents"].take(), "next": null});
            Ok(Outcome::list(documents, REFRESHED))
        }
        Package::Copy {
            repo,
            package,
            version,
            to,
            name,
            tag,
        } => {
            let path = call(&repo, &[&package, "versions", &version, "copy"]);
            let to = CopyTarget {
                repository: to,
                package: name,
                version: tag,
            };
            let copied = client.post(&path, &[], &NewCopy { to }).await?;
            Ok(Outcome::record(copied, COPIED))
        }
        Package::Delete {
            repo,
            package,
            version,
            yes,
        } => {
            let path = match &version {
                Some(version) => call(&repo, &[&package, "versions", version]),
                None => call(&repo, &[&package]),
            };
            let what = match &version {
                Some(version) => format!("{version} of {repo}/{package}"),
                None => format!("{repo}/{package} with all that is in it"),
            };
            confirm(&format!("Delete {what}?"), yes)?;
            client.delete(&path).await?;
            Ok(Outcome::done(format!("Deleted {what}.")))
        }
    }
}
