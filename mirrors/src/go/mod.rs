//! Go modules: the protocol of module proxies (go.dev/ref/mod, "GOPROXY protocol"), the checksum
//! databases that vouch for what they send, and the vulnerability database.

mod paths;
mod version;
mod sums;
mod mod_file;
mod module_zip;
mod info;
mod contents;
mod tree;
mod note;
mod log;
mod vulnerabilities;
mod files;
mod plans;
mod publish;
mod tag;
mod routes;
mod copying;
mod about;
mod connect;

use crate::connect::Client;
use crate::logs::{Log, Logs};
use crate::protocol::{Call, Protocol};
use crate::releases::ranked;
use crate::resource::{Artifact, Document, Plan, Source, Table};
use crate::text::{self, JSON, PLAIN_TEXT};
use crate::{Copying, Describing, FromTag, Names, Publishing, RepoRequest, RepoUrl};
use bytes::Bytes;
use files::{INFO, LATEST, LIST, QUERY, ZIP, no_such_path};
use larder_model::{ChecksumLog, Problem, ProtocolName, Release, Reply};
use log::ChecksumDatabase;
use note::Key;
use paths::{escape, is_module_path};
use plans::plan;
use std::sync::Arc;
use version::Version;

/// The protocol.
pub struct Go;

/// Paths of modules, in which case counts. A module below one that is published is its publisher's.
struct ModuleNames;

impl Names for ModuleNames {
    fn above<'a>(&self, canonical: &'a str) -> Vec<&'a str> {
        paths::above(canonical).collect()
    }
}

/// Logs of checksums.
struct ChecksumDatabases;

impl Logs for ChecksumDatabases {
    fn open(&self, settings: &ChecksumLog) -> Result<Arc<dyn Log>, Problem> {
        let key = Key::parse(&settings.key).ok_or_else(|| {
            let detail = "the key of a checksum database is its name, a hash and the key itself, as \
                GOSUMDB has them: name+01234567+A…";
            Problem::invalid("checksum_database", detail)
        })?;
        let places = if let Some(url) = &settings.url {
            vec![url.clone()]
        } else {
            let name = &key.name;
            vec![format!("sumdb/{name}/"), format!("https://{name}/")]
        };
        let except: Vec<String> = settings.except.clone();
        Ok(Arc::new(ChecksumDatabase::new(key, places, except)))
    }

    fn has(&self, document: &Document) -> bool {
        log::is_part(document)
    }

    fn proves(&self, document: &Document) -> bool {
        log::proves(document)
    }
}

impl Protocol for Go {
    fn name(&self) -> ProtocolName {
        ProtocolName("go")
    }

    fn parse(&self, request: &RepoRequest<'_>) -> Result<Call, Problem> {
        routes::parse(request)
    }

    /// What every proxy has, whoever serves it: those of toolchains.
    fn probes(&self) -> &'static [&'static str] {
        &["golang.org/toolchain/@v/list", ""]
    }

    fn package_document(&self, package: &str) -> Option<Document> {
        Some(Document::new(package, LIST))
    }

    fn source(&self, document: &Document, _: &[Option<Bytes>]) -> Result<Source, Problem> {
        if let Some(path) = vulnerabilities::path_of(document) {
            return Ok(Source::InVulnerabilities(path.to_owned()));
        }
        if !is_module_path(&document.package) {
            return Err(no_such_path());
        }
        let module = text::path(&escape(&document.package));
        let file = match (&*document.path, document.path.strip_prefix(QUERY)) {
            (LIST, _) => "@v/list".to_owned(),
            (LATEST, _) => "@latest".to_owned(),
            (_, Some(query)) => format!("@v/{}{INFO}", text::segment(&escape(query))),
            _ => return Err(no_such_path()),
        };
        Ok(Source::At {
            url: format!("{module}/{file}"),
            accept: "*/*",
        })
    }

    fn check(&self, document: &Document, body: &[u8]) -> Result<usize, Problem> {
        if let Some(path) = vulnerabilities::path_of(document) {
            return vulnerabilities::check(path, body).map(|()| 0);
        }
        match &*document.path {
            LIST => info::check_list(body),
            _ => info::version_of(body).map(|_| 0),
        }
    }

    fn plan(
        &self,
        artifact: &Artifact,
        known: &[Option<Bytes>],
        _: &[Arc<dyn Table>],
    ) -> Result<Plan, Problem> {
        plan(artifact, known)
    }

    fn is_download(&self, artifact: &Artifact) -> bool {
        artifact.path.ends_with(ZIP)
    }

    fn content_type(&self, artifact: &Artifact) -> &'static str {
        match &*artifact.path {
            path if path.ends_with(ZIP) => publish::ZIP_TYPE,
            path if path.ends_with(INFO) => JSON,
            _ => PLAIN_TEXT,
        }
    }

    /// Clients print the body of an error that is plain text.
    fn refuse(&self, problem: &Problem, _: &RepoUrl<'_>) -> Reply {
        text::plain_problem(problem)
    }

    fn names(&self) -> &dyn Names {
        &ModuleNames
    }

    fn releases(&self, versions: &[&str]) -> Vec<Option<Release>> {
        ranked(versions, Version::numbered, Version::compare)
    }

    fn publishing(&self) -> Option<&dyn Publishing> {
        Some(&publish::Modules)
    }

    fn tagged(&self) -> Option<&dyn FromTag> {
        Some(&tag::ModuleTags)
    }

    fn copying(&self) -> Option<&dyn Copying> {
        Some(&copying::ModuleCopies)
    }

    fn describing(&self) -> Option<&dyn Describing> {
        Some(&about::ModuleAbouts)
    }

    fn logs(&self) -> Option<&'static dyn Logs> {
        Some(&ChecksumDatabases)
    }

    fn has_vulnerabilities(&self) -> bool {
        true
    }

    fn connect(&self) -> &'static [Client] {
        connect::CLIENTS
    }
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
