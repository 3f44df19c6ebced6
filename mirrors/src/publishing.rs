//! What is published here: what a request wants to change, what a client's package holds, and the
//! documents that are composed of what is kept. As pure as the reading side: the engine moves the
//! bytes.

use crate::{Artifact, Document, RepoRequest};
use larder_model::{CacheLifetime, Digest, Kind, Problem, Reply, Timestamp, Verb};
use std::collections::HashSet;
use std::io::{Read, Seek};
use std::sync::Arc;

/// A body that can be read again, and in parts.
pub trait Body: Read + Seek + Send {}

impl<T: Read + Seek + Send> Body for T {}

/// What a request wants to change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublishRequest {
    /// What is to be done: a word of the protocol's own.
    pub act: &'static str,
    /// The package in canonical form; empty where only the body tells.
    pub package: Box<str>,
    /// What must be allowed for it.
    pub verb: Verb,
    /// What else the request's line says.
    pub arguments: Vec<Box<str>>,
    /// Its body has at most so many bytes; 0: none is read.
    pub max_bytes: u64,
}

/// What [`Change::wish`] calls its acts.
pub const YANK: &str = "yank";
/// A version is offered again.
pub const UNYANK: &str = "unyank";
/// A version is taken back.
pub const REMOVE: &str = "remove";

/// A change of a published package that is asked for by name, in no protocol's own words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// A version is offered to nobody any more who does not ask for exactly it.
    Yank {
        /// Which one.
        version: Box<str>,
        /// Why; may be empty.
        reason: Box<str>,
    },
    /// It is offered as the others are.
    Unyank {
        /// Which one.
        version: Box<str>,
    },
    /// It is no more. What it was called stays taken.
    Remove {
        /// Which one; `None`: all of them.
        version: Option<Box<str>>,
    },
}

impl Change {
    /// It as a wish for `package`, which is in canonical form.
    pub fn to_request(&self, package: &str) -> PublishRequest {
        let (act, verb, arguments) = match self {
            Self::Yank { version, reason } => {
                (YANK, Verb::Write, vec![version.clone(), reason.clone()])
            }
            Self::Unyank { version } => (UNYANK, Verb::Write, vec![version.clone()]),
            Self::Remove { version } => (REMOVE, Verb::Delete, version.iter().cloned().collect()),
        };
        PublishRequest {
            act,
            package: package.into(),
            verb,
            arguments,
            max_bytes: 0,
        }
    }
}

/// A file as it is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredFile {
    /// Its key among the files of the package.
    pub path: Box<str>,
    /// The version it belongs to; empty if none.
    pub version: Box<str>,
    /// Digest of its bytes.
    pub digest: Digest,
    /// Size in bytes.
    pub size: u64,
    /// What [`Publishing::receive`] noted of it.
    pub metadata: Box<str>,
    /// When it was published.
    pub created_at: Timestamp,
    /// By whom, as `user:alice`.
    pub created_by: Box<str>,
}

/// Where the bytes of a new file are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Bytes {
    /// A part of the body: where it begins, and how many bytes it has.
    Part(u64, u64),
    /// A part of the body, in base64.
    Base64(u64, u64),
    /// These, made of what came.
    Made(Vec<u8>),
}

/// One step of a change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// A file that must not be there yet.
    Add {
        /// Its key among the files of the package.
        path: String,
        /// The version it belongs to; empty if none.
        version: String,
        /// Media type.
        content_type: &'static str,
        /// What is noted of it, for documents to be composed of. `{sha256}` stands for the digest
        /// of its bytes in hex.
        metadata: String,
        /// Its bytes.
        bytes: Bytes,
    },
    /// A name that may move, for a file that is there or comes with the same change.
    Point {
        /// Its key among the files of the package.
        path: String,
        /// The version it means.
        version: String,
        /// The file it stands for.
        at: String,
    },
    /// Other facts of a file that is there.
    SetMetadata {
        /// Its key.
        path: String,
        /// What is noted of it now.
        metadata: String,
    },
    /// A file is no more.
    Remove {
        /// Its key.
        path: String,
    },
    /// An address in the whole repository, for a file that is there or comes with the same change:
    /// for protocols whose addresses do not tell the package. It must be free.
    AddAddress {
        /// The address, below the repository's own.
        path: String,
        /// The file's key among those of the package.
        at: String,
    },
    /// Such an address is no more.
    RemoveAddress {
        /// The address.
        path: String,
    },
}

/// A document that belongs to one state of a repository.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Composed {
    /// Its address, below the repository's own.
    pub path: String,
    /// Media type.
    pub content_type: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// How long it stays.
    pub lifetime: CacheLifetime,
}

/// The documents that tell of all packages of a repository, while they are made: of one state, they
/// belong together.
pub trait IndexBuilder: Send {
    /// A file that is of no package.
    fn give(&mut self, file: &StoredFile, bytes: &[u8]) -> Result<(), Problem>;

    /// A file of a package. They come by package and path.
    fn add(&mut self, file: &StoredFile) -> Result<(), Problem>;

    /// All documents of the state.
    fn end(self: Box<Self>, signer: Option<&dyn Signer>) -> Result<Vec<Composed>, Problem>;
}

/// The documents of a group, while they are made of those of its members: list by list, so that one
/// list of each is in memory.
pub trait Merge: Send {
    /// A member: its head, and the names that it has no say in. Members come in their order.
    fn add(&mut self, head: &[u8], hidden: Arc<HashSet<Box<str>>>) -> Result<(), Problem>;

    /// What is to be read of each member next, if it has such; `None`: nothing more.
    fn next(&mut self) -> Option<Vec<Option<Box<str>>>>;

    /// What was read, and the documents that are made of it.
    fn take(&mut self, lists: Vec<Option<bytes::Bytes>>) -> Result<Vec<Composed>, Problem>;

    /// The head of the group, and what belongs to it.
    fn end(self: Box<Self>, signer: Option<&dyn Signer>) -> Result<Vec<Composed>, Problem>;
}

/// Protocols whose documents tell of whole repositories, not of one package each.
pub trait Index: Send + Sync {
    /// Whether a document is one of those of [`Index::begin`].
    fn tells(&self, document: &Document) -> bool;

    /// Begins the documents of what is published. `shown`: how many files have an address in the
    /// whole repository.
    fn begin(&self, shown: u64, now: Timestamp) -> Result<Box<dyn IndexBuilder>, Problem>;

    /// The document that names all others of the repository at a root: an upstream may have
    /// several.
    fn head(&self, root: &str) -> Document;

    /// The root of the repository that a document, or a file named by one, belongs to; `None` for
    /// packages.
    fn root<'a>(&self, path: &'a str) -> Option<&'a str>;

    /// Where the repository of a package may have its root, likeliest first.
    fn roots<'a>(&self, path: &'a str) -> Vec<&'a str>;

    /// The list of a head's packages, by which they are found.
    fn list(&self, head: &[u8]) -> Result<Option<Artifact>, Problem>;

    /// Begins the documents of a group.
    fn merge(&self, now: Timestamp) -> Box<dyn Merge>;
}

/// Signs with a repository's own key (`OpenPGP`).
pub trait Signer {
    /// A detached signature, armored.
    fn sign(&self, bytes: &[u8]) -> Result<String, Problem>;

    /// The key to check it with, armored.
    fn public_key(&self) -> &str;
}

/// A package that a search finds here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hit {
    /// The package.
    pub package: Box<str>,
    /// Its files.
    pub files: Vec<StoredFile>,
}

/// What an upstream answers to a search.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Elsewhere {
    /// Its answer.
    pub body: bytes::Bytes,
    /// Packages in it that are not to be shown, for their names are taken here.
    pub taken: Vec<Box<str>>,
}

/// Publishing to a hosted repository.
pub trait Publishing: Send + Sync {
    /// What a request wants to change; `None` if it only reads.
    fn publish_request(&self, request: &RepoRequest<'_>)
    -> Result<Option<PublishRequest>, Problem>;

    /// The package that a wish is for, in canonical form: the one name that all its spellings
    /// share; empty where the wish is for the whole repository. Called where the line does not
    /// tell.
    fn name(&self, request: &PublishRequest, body: &mut dyn Body) -> Result<Box<str>, Problem>;

    /// Fails if a change of this kind is not made here: its wish is never received. Default: none
    /// is.
    fn admits(&self, change: &Change) -> Result<(), Problem> {
        let _ = change;
        Err(Problem::new(
            Kind::Unsupported,
            "package",
            "packages of this protocol are not changed by this call",
        ))
    }

    /// Why the version of a file with these facts is yanked, which may be empty; `None`: it is not.
    /// Default: no version ever is.
    fn yanked(&self, metadata: &str) -> Option<String> {
        let _ = metadata;
        None
    }

    /// The address of the file that a wish is about, as [`Step::AddAddress`] gave it: its package is the
    /// wish's. Default: none.
    fn shown<'a>(&self, request: &'a PublishRequest) -> Option<&'a str> {
        let _ = request;
        None
    }

    /// The steps that fulfil a wish, given the files that are there. A problem of kind `Conflict`
    /// if what is published is there already. No steps: it is fulfilled already.
    fn receive(
        &self,
        request: &PublishRequest,
        body: &mut dyn Body,
        files: &[StoredFile],
    ) -> Result<Vec<Step>, Problem>;

    /// Says that a wish is fulfilled.
    fn accept(&self, request: &PublishRequest) -> Reply;

    /// A document of a package, as an upstream would send it; `None` if nothing of it is there.
    fn compose(
        &self,
        document: &Document,
        files: &[StoredFile],
    ) -> Result<Option<Vec<u8>>, Problem>;

    /// Documents that tell of all packages, where the protocol has such. They can be signed with a
    /// key of the repository's. Default: there are none.
    fn index(&self) -> Option<&dyn Index> {
        None
    }

    /// The words of a search, in lower case, if that is what a document is. Default: nothing is
    /// searched.
    fn search(&self, document: &Document) -> Option<Vec<String>> {
        let _ = document;
        None
    }

    /// The search that upstreams are to answer where `hits` were found here. Default: the same.
    fn further(&self, document: &Document, hits: usize) -> Document {
        let _ = hits;
        document.clone()
    }

    /// The packages that an upstream's answer to a search names, in canonical form. Default: none.
    fn named(&self, answer: &[u8]) -> Result<Vec<Box<str>>, Problem> {
        let _ = answer;
        Ok(Vec::new())
    }

    /// The answer to a search: packages that have its words in their names, each with its files,
    /// and what upstreams answered.
    fn listed(
        &self,
        document: &Document,
        hits: &[Hit],
        answers: &[Elsewhere],
    ) -> Result<Reply, Problem> {
        let _ = (hits, answers);
        Err(Problem::not_found(
            "path",
            format!("{} is not searched here", document.path),
        ))
    }

    /// An answer to a question about a package that is no document of it: who owns it, for example.
    /// Default: none is known.
    fn tell(&self, question: &PublishRequest, files: &[StoredFile]) -> Result<Reply, Problem> {
        let _ = files;
        Err(Problem::not_found(
            "path",
            format!("{} is not answered here", question.act),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cargo::Cargo, npm::Npm, pypi::Pypi};
    use larder_model::Algorithm;
    use std::io::Cursor;

    fn kept(path: &str, version: &str, metadata: &str) -> StoredFile {
        StoredFile {
            path: path.into(),
            version: version.into(),
            digest: Digest::of(Algorithm::Sha256, b""),
            size: 0,
            metadata: metadata.into(),
            created_at: Timestamp(0),
            created_by: "user:admin".into(),
        }
    }

    fn steps(
        protocol: &dyn Publishing,
        change: &Change,
        files: &[StoredFile],
    ) -> Result<Vec<Step>, Kind> {
        protocol.admits(change).map_err(|problem| problem.kind)?;
        let outcome = protocol.receive(
            &change.to_request("demo"),
            &mut Cursor::new(Vec::new()),
            files,
        );
        outcome.map_err(|problem| problem.kind)
    }

    /// The files as they are after the steps.
    fn after(files: &[StoredFile], steps: Vec<Step>) -> Vec<StoredFile> {
        let mut files = files.to_vec();
        for step in steps {
            match step {
                Step::Remove { path } => files.retain(|file| *file.path != *path),
                Step::Add {
                    path,
                    version,
                    metadata,
                    ..
                } => files.push(kept(&path, &version, &metadata)),
                Step::SetMetadata { path, metadata } => {
                    files
                        .iter_mut()
                        .filter(|file| *file.path == *path)
                        .for_each(|file| file.metadata = metadata.as_str().into());
                }
                Step::Point { .. } | Step::AddAddress { .. } | Step::RemoveAddress { .. } => {}
            }
        }
        files
    }

    fn yank(version: &str, reason: &str) -> Change {
        Change::Yank {
            version: version.into(),
            reason: reason.into(),
        }
    }

    fn line(version: &str) -> StoredFile {
        let line = format!(
            r#"{{"name":"demo","vers":"{version}","deps":[],"cksum":"00","features":{{}},"yanked":false}}"#
        );
        kept(
            &format!("crates/demo/{version}"),
            version,
            &format!(r#"{{"line":{line},"description":""}}"#),
        )
    }

    fn wheels() -> Vec<StoredFile> {
        let (wheel, source) = ("demo-1.0-py3-none-any.whl", "demo-1.0.tar.gz");
        vec![
            kept(wheel, "1.0", r#"{"yanked":null}"#),
            kept(&format!("{wheel}.metadata"), "1.0", ""),
            kept(source, "1.0", r#"{"yanked":null}"#),
            kept("demo-2.0.tar.gz", "2.0", r#"{"yanked":null}"#),
        ]
    }

    #[test]
    fn yanked_versions_say_why() {
        let files = wheels();
        let now = after(
            &files,
            steps(&Pypi, &yank("1.0.0", "broken"), &files).expect("steps"),
        );
        let told: Vec<_> = now.iter().map(|file| Pypi.yanked(&file.metadata)).collect();
        assert_eq!(
            told,
            [
                Some("broken".to_owned()),
                None,
                Some("broken".to_owned()),
                None
            ]
        );
        assert_eq!(
            steps(&Pypi, &yank("1.0", "broken"), &now),
            Ok(Vec::new()),
            "once is enough"
        );
        let undone = after(
            &now,
            steps(
                &Pypi,
                &Change::Unyank {
                    version: "1.0".into(),
                },
                &now,
            )
            .expect("steps"),
        );
        assert_eq!(undone, files);
        assert_eq!(steps(&Pypi, &yank("3.0", ""), &files), Err(Kind::NotFound));
        assert_eq!(
            steps(&Pypi, &yank("no version", ""), &files),
            Err(Kind::NotFound)
        );

        let crates = [line("1.0.0"), line("1.1.0")];
        let now = after(
            &crates,
            steps(&Cargo, &yank("1.0.0", ""), &crates).expect("steps"),
        );
        let told: Vec<_> = now
            .iter()
            .map(|file| Cargo.yanked(&file.metadata))
            .collect();
        assert_eq!(told, [Some(String::new()), None]);
        assert_eq!(
            steps(&Cargo, &yank("1.0.0", "broken"), &crates),
            Err(Kind::Invalid)
        );
        assert_eq!(steps(&Npm, &yank("1.0.0", ""), &[]), Err(Kind::Unsupported));
    }

    #[test]
    fn what_was_removed_stays_taken() {
        let tarballs = [
            kept("-/demo-1.0.0.tgz", "1.0.0", ""),
            kept("-/demo-2.0.0.tgz", "2.0.0", ""),
        ];
        let crates = [line("1.0.0+build"), line("2.0.0")];
        for (protocol, files, version, expected) in [
            (
                &Npm as &dyn Publishing,
                &tarballs[..],
                "1.0.0",
                &["-/demo-2.0.0.tgz", "gone/1.0.0"][..],
            ),
            (
                &Cargo,
                &crates[..],
                "1.0.0+build",
                &["crates/demo/2.0.0", "gone/1.0.0"],
            ),
            (
                &Pypi,
                &wheels()[..],
                "1",
                &[
                    "demo-2.0.tar.gz",
                    "gone/demo-1.0-py3-none-any.whl",
                    "gone/demo-1.0.tar.gz",
                ],
            ),
        ] {
            let one = Change::Remove {
                version: Some(version.into()),
            };
            let left = after(files, steps(protocol, &one, files).expect("steps"));
            let mut paths: Vec<&str> = left.iter().map(|file| &*file.path).collect();
            paths.sort_unstable();
            assert_eq!(paths, expected);
            assert_eq!(
                steps(protocol, &one, &left),
                Err(Kind::NotFound),
                "it is gone already"
            );
            let none = after(
                &left,
                steps(protocol, &Change::Remove { version: None }, &left).expect("steps"),
            );
            assert!(
                none.iter().all(|file| file.path.starts_with("gone/")),
                "{none:?}"
            );
            assert_eq!(
                steps(protocol, &Change::Remove { version: None }, &none),
                Err(Kind::NotFound)
            );
        }
    }
}
