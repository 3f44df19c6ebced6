//! The vulnerability database (go.dev/security/vuln/database): indexes, and a document for each
//! vulnerability.

use crate::resource::{Document, Representation};
use crate::text::{JSON, bad_document};
use flate2::read::MultiGzDecoder;
use larder_model::Problem;
use serde_json::Value;
use std::borrow::Cow;
use std::io::Read;

/// The folder of its documents here.
const FOLDER: &str = "vulndb/";
const INDEXES: [&str; 3] = ["db", "modules", "vulns"];
const MAX_ID_BYTES: usize = 40;
/// What a packed document unpacks to at most.
const MAX_BYTES: u64 = 256 << 20;
/// The ending of a document that is packed: to clients a file of its own.
const PACKED: &str = ".gz";

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
    let (path, body) = match path.strip_suffix(PACKED) {
        Some(path) => (path, Cow::Owned(unpacked(body)?)),
        None => (path, Cow::Borrowed(body)),
    };
    let is_it = match serde_json::from_slice::<Value>(&body) {
        Ok(Value::Object(object)) if path == "index/db.json" => object.contains_key("modified"),
        Ok(Value::Object(object)) => {
            let id = path
                .strip_prefix("ID/")
                .and_then(|it| it.strip_suffix(".json"));
            id.is_some() && object.get("id").and_then(Value::as_str) == id
        }
        Ok(Value::Array(_)) => path.starts_with("index/") && path != "index/db.json",
        _ => false,
    };
    if is_it {
        Ok(())
    } else {
        Err(bad_document("a document of a vulnerability database"))
    }
}

fn unpacked(body: &[u8]) -> Result<Vec<u8>, Problem> {
    let mut unpacked = Vec::new();
    let mut decoder = MultiGzDecoder::new(body).take(MAX_BYTES);
    let outcome = decoder.read_to_end(&mut unpacked);
    outcome.map_err(|error| bad_document("a packed document").because(error))?;
    Ok(unpacked)
}

fn is_id(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    !name.is_empty() && name.len() <= MAX_ID_BYTES && name.bytes().all(is_plain)
}
