//! Writes the page of a project as JSON or HTML.

use super::link;
use super::page::{File, Hashes, KNOWN_HASHES, Page, each_file, file_name, is_json};
use crate::json::{self, Object, unreadable};
use crate::text::{self, bad_document, without_bom};
use larder_model::Problem;
use serde::ser::Error as _;
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// The API version of a page if the upstream states none.
pub(super) const OLDEST: &str = "1.0";

/// The page as JSON.
pub(super) fn json(project: &str, body: &[u8]) -> Result<Vec<u8>, Problem> {
    if is_json(body) {
        return relinked(project, body);
    }
    let page = Page::read(body)?;
    let files: Vec<Value> = page
        .files
        .iter()
        .map(|file| file_json(project, file))
        .collect();
    let mut all = json!({"meta": {"api-version": OLDEST}, "name": project, "files": files});
    if let Some(status) = &page.status {
        all["project-status"] = json!({"status": status});
        if let Some(reason) = &page.reason {
            all["project-status"]["reason"] = json!(reason);
        }
    }
    Ok(json::bytes(&all))
}

/// The page as the upstream sent it, with links to this server.
fn relinked(project: &str, body: &[u8]) -> Result<Vec<u8>, Problem> {
    let page: Object<'_> = serde_json::from_slice(without_bom(body))
        .map_err(|error| unreadable("a page of JSON", error))?;
    let files = page
        .raw("files")
        .ok_or_else(|| bad_document("a page with files"))?;
    let mut out = Vec::with_capacity(body.len());
    page.write(&mut out, |key, _, out| {
        if key != "files" {
            return Ok(false);
        }
        out.push(b'[');
        let mut first = true;
        let relink = |file: Object<'_>| {
            let Some(name) = file_name(&file).filter(|_| file.text("url").is_some()) else {
                return Ok(());
            };
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
            relinked_file(out, project, &name, &file).map_err(Problem::internal)
        };
        each_file(files, relink).map_err(serde_json::Error::custom)?;
        out.push(b']');
        Ok(true)
    })
    .map_err(Problem::internal)?;
    Ok(out)
}

fn relinked_file(
    out: &mut Vec<u8>,
    project: &str,
    name: &str,
    file: &Object<'_>,
) -> serde_json::Result<()> {
    file.write(out, |key, _, out| {
        match key {
            "url" => serde_json::to_writer(out, &link::to_file(project, name))?,
            "provenance" => {
                let link = file
                    .text(key)
                    .and_then(|_| link::to_provenance(project, name));
                serde_json::to_writer(out, &link)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    })
}

/// A file of an HTML page, as JSON.
fn file_json(project: &str, file: &File<'_>) -> Value {
    let map = |hashes: &Hashes<'_>| -> Map<String, Value> {
        hashes
            .iter()
            .filter(|hash| is_hash(hash))
            .map(|(name, hex)| (name.to_string(), json!(hex)))
            .collect()
    };
    let mut all = json!({
        "filename": file.name,
        "url": link::to_file(project, &file.name),
        "hashes": map(&file.hashes),
    });
    // `true` if there are no hashes, or no reason.
    let or_true = |is_empty: bool, value: Value| if is_empty { json!(true) } else { value };
    let metadata = file.metadata.as_ref().map(map);
    let metadata = metadata.map(|map| or_true(map.is_empty(), json!(map)));
    let yanked = file.yanked.as_deref();
    let yanked = yanked.map(|reason| or_true(reason.is_empty(), json!(reason)));
    let provenance = file
        .provenance
        .as_ref()
        .and_then(|_| link::to_provenance(project, &file.name));
    let known = [
        (
            "requires-python",
            file.requires_python.as_ref().map(|range| json!(range)),
        ),
        ("core-metadata", metadata.clone()),
        ("dist-info-metadata", metadata),
        ("yanked", yanked),
        (
            "upload-time",
            file.upload_time.as_ref().map(|time| json!(time)),
        ),
        ("size", file.size.map(|size| json!(size))),
        ("provenance", provenance.map(|link| json!(link))),
    ];
    for (key, value) in known {
        if let Some(value) = value {
            all[key] = value;
        }
    }
    all
}

/// The page as HTML.
pub(super) fn html(project: &str, body: &[u8]) -> Result<Vec<u8>, Problem> {
    let page = Page::read(body)?;
    let mut out = head(page.version.as_deref().unwrap_or(OLDEST));
    for (name, content) in [("status", &page.status), ("status-reason", &page.reason)] {
        if let Some(content) = content {
            out.push_str(&format!(
                "<meta name=\"pypi:project-{name}\" content=\"{}\">\n",
                text::html(content)
            ));
        }
    }
    let title = format!("Links for {}", text::html(project));
    out.push_str(&format!(
        "<title>{title}</title>\n</head>\n<body>\n<h1>{title}</h1>\n"
    ));
    for file in &page.files {
        anchor(&mut out, project, file);
    }
    out.push_str("</body>\n</html>\n");
    Ok(out.into_bytes())
}

/// The start of every HTML page.
pub(super) fn head(version: &str) -> String {
    let version = text::html(version);
    format!(
        "<!DOCTYPE html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"pypi:repository-version\" content=\"{version}\">\n"
    )
}

/// The strongest known hash as `sha256=…`.
fn best_hash(hashes: &Hashes<'_>) -> Option<String> {
    let named = |known: &&str| {
        let mut hashes = hashes.iter();
        hashes.find(|hash| hash.0 == **known && is_hash(hash))
    };
    let best = KNOWN_HASHES.iter().find_map(named);
    best.map(|(name, hex)| format!("{name}={hex}"))
}

fn anchor(out: &mut String, project: &str, file: &File<'_>) {
    let fragment = best_hash(&file.hashes)
        .map(|hash| format!("#{hash}"))
        .unwrap_or_default();
    let metadata = file
        .metadata
        .as_ref()
        .map(|hashes| best_hash(hashes).unwrap_or_else(|| "true".to_owned()));
    let provenance = file
        .provenance
        .as_ref()
        .and_then(|_| link::to_provenance(project, &file.name));
    let attributes = [
        ("requires-python", file.requires_python.as_deref()),
        ("core-metadata", metadata.as_deref()),
        ("dist-info-metadata", metadata.as_deref()),
        ("yanked", file.yanked.as_deref()),
        ("provenance", provenance.as_deref()),
    ];
    out.push_str(&format!(
        "<a href=\"{}{fragment}\"",
        text::html(&link::to_file(project, &file.name))
    ));
    for (name, value) in attributes {
        if let Some(value) = value {
            out.push_str(&format!(" data-{name}=\"{}\"", text::html(value)));
        }
    }
    out.push_str(&format!(">{}</a><br/>\n", text::html(&file.name)));
}

/// Whether a hash can be written in a fragment: an algorithm's name and hex digits.
fn is_hash((name, hex): &(Cow<'_, str>, Cow<'_, str>)) -> bool {
    let named = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    named && !hex.is_empty() && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
}
