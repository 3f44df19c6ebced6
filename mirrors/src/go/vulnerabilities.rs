//! The vulnerability database (go.dev/security/vuln/database): indexes, and a document for each
//! vulnerability.

use crate::resource::{Document, Representation};
use crate::text::{JSON, bad_document};
use flate2::read::MultiGzDecoder;
use larder_model::Problem;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::io::{BufReader, Read};

/// The folder of its documents here.
const FOLDER: &str = "vulndb/";
const INDEXES: [&str; 3] = ["db", "modules", "vulns"];
const MAX_ID_BYTES: usize = 40;
/// What a packed document unpacks to at most.
const MAX_BYTES: u64 = 256 << 20;
/// The ending of a document that is packed: to clients a file of its own.
const PACKED: &str = ".gz";

/// The index that tells when the database changed.
#[derive(Deserialize)]
struct Database {
    #[serde(rename = "modified")]
    _modified: IgnoredAny,
}

/// A vulnerability.
#[derive(Deserialize)]
struct Entry {
    id: Box<str>,
}

/// The document at a path below the database's address.
pub(super) fn document(path: &[&str]) -> Option<Document> {
    let (folder, file) = match path {
        ["index", file] => ("index", file),
        ["ID", file] => ("ID", file),
        _ => return None,
    };
    let name = file.strip_suffix(PACKED).unwrap_or(file);
    let name = name.strip_suffix(".json")?;
    let is_there = match folder {
        "index" => INDEXES.contains(&name),
        _ => is_id(name),
    };
    is_there.then(|| Document::new("", format!("{FOLDER}{folder}/{file}")))
}

/// The form in which a document goes out.
pub(super) fn representation(document: &Document) -> Representation {
    let is_packed = document.path.ends_with(PACKED);
    Representation {
        name: "",
        content_type: if is_packed { "application/gzip" } else { JSON },
        has_absolute_urls: false,
        compressible: !is_packed,
    }
}

/// The path of a document below the database's address.
pub(super) fn path_of(document: &Document) -> Option<&str> {
    let path = document.path.strip_prefix(FOLDER)?;
    document.package.is_empty().then_some(path)
}

/// Refuses what cannot be a document of the database.
pub(super) fn check(path: &str, body: &[u8]) -> Result<(), Problem> {
    let is_it = match path.strip_suffix(PACKED) {
        Some(path) => is_document(path, MultiGzDecoder::new(body).take(MAX_BYTES)),
        None => is_document(path, body),
    };
    match is_it {
        Ok(true) => Ok(()),
        Ok(false) => Err(bad_document("a document of a vulnerability database")),
        Err(error) => Err(bad_document("a document of a vulnerability database").because(error)),
    }
}

/// Whether JSON is what a path has. It is read a piece at a time, and nothing of it is held but an id.
fn is_document(path: &str, body: impl Read) -> serde_json::Result<bool> {
    let body = BufReader::new(body);
    let id = path.strip_prefix("ID/");
    if let Some(id) = id.and_then(|file| file.strip_suffix(".json")) {
        let entry: Entry = serde_json::from_reader(body)?;
        return Ok(*entry.id == *id);
    }
    if path == "index/db.json" {
        return serde_json::from_reader(body).map(|_: Database| true);
    }
    // They take no memory, however many there are.
    serde_json::from_reader(body).map(|_: Vec<IgnoredAny>| true)
}

fn is_id(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    !name.is_empty() && name.len() <= MAX_ID_BYTES && name.bytes().all(is_plain)
}
