//! `larder package`, and `larder image`, which is the same for images.

use crate::arguments::repo_path;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::table::Table;
use clap::Subcommand;
use larder_api::{
    CopyTarget, Deletion, DeletionOutcome, Deletions, NewCopy, NewDeletions, NewTagVersion,
    TagSource,
};
use larder_model::RepoPath;
use serde_json::json;
use std::path::PathBuf;

/// What can be done to packages and images.
#[derive(Subcommand, Debug)]
pub enum Package {
    /// List the packages or images of a repository.
    List {
        /// Protocol and name, e.g. npm/main.
        #[arg(value_parser = repo_path)]
        repo: RepoPath,
        /// Only those whose name holds this.
        #[arg(long = "match", value_name = "TEXT")]
        text: Option<String>,
    },
    /// Show the versions of a package or the tags of an image; with a version, its files.
    Show {
        /// Protocol and name, e.g. oci/team.
        #[arg(value_parser = repo_path)]
        repo: RepoPath,
        /// The package, or the image without its repository.
        package: String,
        /// The version; of an image the tag, or the digest of a manifest.
        version: Option<String>,
    },
    /// Show what a version is and needs: its licence, links, dependencies and readme, as far as what is
    /// kept tells it. Nothing is fetched for it.
    About {
        /// Protocol and name, e.g. npm/main.
        #[arg(value_parser = repo_path)]
        repo: RepoPath,
        /// The package.
        package: String,
        /// The version.
        version: String,
    },
    /// Have a mirror ask its upstream now for a package, or for a tag of an image.
    Refresh {
        /// Protocol and name, e.g. npm/upstream.
        #[arg(value_parser = repo_path)]
        repo: RepoPath,
        /// The package, or the image without its repository.
        package: String,
        /// Of an image, the tag.
        tag: Option<String>,
    },
    /// Copy a version or a tag to a hosted repository of the same protocol; no bytes are moved.
    Copy {
        /// Protocol and name, e.g. oci/docker.io.
        #[arg(value_parser = repo_path)]
        repo: RepoPath,
        /// The package, or the image without its repository.
        package: String,
        /// The version; of an image the tag, or the digest of a manifest.
        version: String,
        /// To where, e.g. oci/prod.
        #[arg(value_parser = repo_path)]
        to: RepoPath,
        /// Under another name, of an image.
        #[arg(long = "as", value_name = "NAME")]
        name: Option<String>,
        /// With another tag, of an image.
        #[arg(long)]
        tag: Option<String>,
    },
    /// Publish the version that a git tag stands for, such as a Go module of a git repository of this
    /// server.
    PublishTag {
        /// Protocol and name of where to, e.g. go/local.
        #[arg(value_parser = repo_path)]
        repo: RepoPath,
        /// Protocol and name of where the sources are, e.g. git/local.
        #[arg(value_parser = repo_path)]
        from: RepoPath,
        /// The path of the git repository there, e.g. team/tool.
        path: String,
        /// The tag: v1.2.3, or sub/folder/v1.2.3 for a module in a folder.
        tag: String,
        /// The package, where the sources do not tell it.
        #[arg(long = "as", value_name = "NAME")]
        name: Option<String>,
    },
    /// Publish files in a hosted repository of Debian packages: packages, or of a source package the
    /// .dsc and then the files that it names.
    Publish {
        /// Protocol and name, e.g. deb/local.
        #[arg(value_parser = repo_path)]
        repo: RepoPath,
        /// The files, sent in this order; one that is refused ends it.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// The suite that is to have them, else `stable`.
        #[arg(long)]
        suite: Option<String>,
        /// The component of the suite, else `main`.
        #[arg(long)]
        component: Option<String>,
    },
    /// Delete versions or tags; without one, all of the package or image.
    Delete {
        /// Protocol and name, e.g. oci/team.
        #[arg(value_parser = repo_path)]
        repo: RepoPath,
        /// The package, or the image without its repository.
        package: String,
        /// The versions; of an image the tags, or the digests of manifests. What cannot be deleted
        /// does not keep the others.
        #[arg(value_name = "VERSION")]
        versions: Vec<String>,
    },
}

const LIST: Table = Table::new(
    &[
        ("NAME", "name"),
        ("HOSTED", "hosted"),
        ("REPOSITORIES", "repositories"),
        ("UPDATED", "updated_at"),
    ],
    &["name"],
);
const VERSIONS: Table = Table::new(
    &[
        ("VERSION", "version"),
        ("HOSTED", "hosted"),
        ("REPOSITORY", "repository"),
        ("TAGS", "tags"),
        ("YANKED", "yanked"),
        ("DEPRECATED", "deprecated"),
        ("DIGEST", "digest"),
        ("FILES", "files"),
        ("BYTES", "bytes"),
        ("CREATED", "created_at"),
        ("BY", "created_by"),
        ("LAST USED", "last_used_at"),
    ],
    &["version"],
);
const VERSION: Table = Table::new(
    &[
        ("Package", "package"),
        ("Version", "version"),
        ("Hosted", "hosted"),
        ("Repository", "repository"),
        ("Tags", "tags"),
        ("Yanked", "yanked"),
        ("Deprecated", "deprecated"),
        ("Blocked", "blocked"),
        ("Bytes", "bytes"),
        ("Created", "created_at"),
        ("By", "created_by"),
        ("Last used", "last_used_at"),
        ("Files", "files"),
    ],
    &["version"],
);
const ABOUT: Table = Table::new(
    &[
        ("Package", "package"),
        ("Version", "version"),
        ("Repository", "repository"),
        ("Summary", "summary"),
        ("Licence", "license"),
        ("Authors", "authors"),
        ("Links", "links"),
        ("Facts", "facts"),
        ("Dependencies", "dependencies"),
        ("File", "file"),
        ("Problem", "problem"),
        ("Readme", "readme"),
    ],
    &["package", "version"],
);

const REFRESHED: Table = Table::new(
    &[
        ("DOCUMENT", "path"),
        ("OUTCOME", "outcome"),
        ("DIGEST", "digest"),
        ("BEFORE", "previous_digest"),
        ("CHECKED", "checked_at"),
    ],
    &["path"],
);

const COPIED: Table = Table::new(
    &[
        ("Repository", "repository"),
        ("Package", "package"),
        ("Version", "version"),
        ("Digest", "digest"),
        ("Files", "files"),
        ("Bytes", "bytes"),
    ],
    &["repository", "package", "version"],
);

const PUBLISHED_TAG: Table = Table::new(
    &[
        ("Repository", "repository"),
        ("Package", "package"),
        ("Version", "version"),
        ("Commit", "commit"),
    ],
    &["repository", "package", "version"],
);

const PUBLISHED: Table = Table::new(
    &[
        ("REPOSITORY", "repository"),
        ("FILE", "file"),
        ("OUTCOME", "outcome"),
    ],
    &["file"],
);

const DELETED: Table = Table::new(
    &[
        ("PACKAGE", "package"),
        ("VERSION", "version"),
        ("STATUS", "status"),
        ("PROBLEM", "detail"),
    ],
    &["package", "version"],
);

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

pub(crate) async fn package(command: Package, cx: &Context<'_>) -> Result<Outcome, Failure> {
    let client = &cx.client()?;
    match command {
        Package::List { repo, text } => {
            let query: Vec<_> = text.iter().map(|text| ("q", text.as_str())).collect();
            let packages = client.all(&call(&repo, &[]), &query).await?;
            Ok(Outcome::list(packages, &LIST))
        }
        Package::Show {
            repo,
            package,
            version: None,
        } => {
            let path = call(&repo, &[&package, "versions"]);
            Ok(Outcome::list(client.all(&path, &[]).await?, &VERSIONS))
        }
        Package::Show {
            repo,
            package,
            version: Some(version),
        } => {
            let path = call(&repo, &[&package, "versions", &version]);
            Ok(Outcome::record(client.get(&path, &[]).await?, &VERSION))
        }
        Package::About {
            repo,
            package,
            version,
        } => {
            let path = call(&repo, &[&package, "versions", &version, "about"]);
            Ok(Outcome::record(client.get(&path, &[]).await?, &ABOUT))
        }
        Package::Refresh { repo, package, tag } => {
            let path = call(&repo, &[&package, "refresh"]);
            let query: Vec<_> = tag.iter().map(|tag| ("version", tag.as_str())).collect();
            let mut told = client.post(&path, &query, &json!({})).await?;
            let documents = json!({"items": told["documents"].take(), "next": null});
            Ok(Outcome::list(documents, &REFRESHED))
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
            Ok(Outcome::record(copied, &COPIED))
        }
        Package::PublishTag {
            repo,
            from,
            path,
            tag,
            name,
        } => {
            let from = TagSource {
                repository: from,
                package: path,
                tag,
            };
            let package = name;
            let new = NewTagVersion { from, package };
            let published = client.post(&call(&repo, &[]), &[], &new).await?;
            Ok(Outcome::record(published, &PUBLISHED_TAG))
        }
        Package::Publish {
            repo,
            files,
            suite,
            component,
        } => {
            let place = [("suite", suite), ("component", component)];
            publish(cx, &repo, &files, place).await
        }
        Package::Delete {
            repo,
            package,
            versions,
        } => match &*versions {
            [] => {
                let what = format!("{repo}/{package} with all that is in it");
                delete(cx, &what, &call(&repo, &[&package])).await
            }
            [version] => {
                let path = call(&repo, &[&package, "versions", version]);
                delete(cx, &format!("{version} of {repo}/{package}"), &path).await
            }
            versions => delete_all(cx, &repo, &package, versions).await,
        },
    }
}

/// Sends files one after the other.
async fn publish(
    cx: &Context<'_>,
    repo: &RepoPath,
    files: &[PathBuf],
    place: [(&str, Option<String>); 2],
) -> Result<Outcome, Failure> {
    let given = place.iter();
    let query: Vec<_> = given
        .filter_map(|(name, value)| Some((*name, value.as_deref()?)))
        .collect();
    let client = cx.client()?;
    let mut published = Vec::new();
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let path = [
            "repositories",
            repo.protocol.0,
            repo.name.as_str(),
            "files",
            &name,
        ];
        published.push(client.send_file(&path, &query, file).await?);
    }
    let page = json!({"items": published, "next": null});
    Ok(Outcome::list(page, &PUBLISHED))
}

/// Deletes one thing.
async fn delete(cx: &Context<'_>, what: &str, path: &[&str]) -> Result<Outcome, Failure> {
    cx.confirm(&format!("Delete {what}?"))?;
    cx.client()?.delete(path).await?;
    Ok(Outcome::done(format!("Deleted {what}.")))
}

/// Deletes many versions in one call, and ends as all of them did, or partly.
async fn delete_all(
    cx: &Context<'_>,
    repo: &RepoPath,
    package: &str,
    versions: &[String],
) -> Result<Outcome, Failure> {
    let count = versions.len();
    cx.confirm(&format!("Delete {count} versions of {repo}/{package}?"))?;
    let deletion = |version: &String| Deletion {
        package: package.to_owned(),
        version: Some(version.clone()),
    };
    let items = versions.iter().map(deletion).collect();
    let (protocol, name) = (repo.protocol.0, repo.name.as_str());
    let path = ["repositories", protocol, name, "deletions"];
    let client = cx.client()?;
    let mut answer = client.post(&path, &[], &NewDeletions { items }).await?;
    let told: Deletions = client.read(&answer, "what was deleted")?;
    let exit = |item: &DeletionOutcome| match &item.code {
        Some(code) => Exit::of_refusal(item.status, code),
        None => Exit::Done,
    };
    let exit = Exit::of_steps(told.items.iter().map(exit));
    let page = json!({"items": answer["items"].take(), "next": null});
    Ok(Outcome::list(page, &DELETED).ending(exit))
}
