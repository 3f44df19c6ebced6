//! What is kept of a published package, from which lists are made.

use super::control::Control;
use super::description::{Description, Part};
use super::package::{MAX_CONTENTS_BYTES, Package};
use super::paths;
use crate::publishing::StoredFile;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use larder_model::Problem;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};

/// The metadata of a published package in the store.
#[derive(Serialize, Deserialize)]
pub(super) struct Published {
    pub(super) architecture: String,
    /// Its fields in lists of packages.
    pub(super) control: String,
    /// What its files are listed by: the section, and the name.
    pub(super) listed_as: String,
    /// The paths of its files, packed.
    contents: String,
}

impl Published {
    pub(super) fn of(package: &Package) -> Result<Self, Problem> {
        let control = &package.control;
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder
            .write_all(package.contents.as_bytes())
            .map_err(Problem::internal)?;
        let packed = encoder.finish().map_err(Problem::internal)?;
        Ok(Self {
            architecture: control.architecture().to_owned(),
            control: control.text(),
            listed_as: listed_as(control),
            contents: STANDARD.encode(packed),
        })
    }

    pub(super) fn read(text: &str) -> Result<Self, Problem> {
        serde_json::from_str(text).map_err(Problem::internal)
    }

    /// The paths of its files, one in each line.
    pub(super) fn contents(&self) -> Result<String, Problem> {
        let packed = STANDARD.decode(&self.contents).map_err(Problem::internal)?;
        let mut text = String::new();
        GzDecoder::new(&packed[..])
            .take(2 * MAX_CONTENTS_BYTES as u64)
            .read_to_string(&mut text)
            .map_err(Problem::internal)?;
        Ok(text)
    }
}

/// The metadata of a published description in the store.
#[derive(Serialize, Deserialize)]
pub(super) struct PublishedSource {
    /// Its fields in lists of source packages.
    control: String,
    pub(super) parts: Vec<Part>,
}

impl PublishedSource {
    pub(super) fn of(description: &Description) -> Self {
        Self {
            control: description.text(),
            parts: description.parts.clone(),
        }
    }

    pub(super) fn read(text: &str) -> Result<Self, Problem> {
        serde_json::from_str(text).map_err(Problem::internal)
    }

    /// What lists have of it, whose description is this file.
    pub(super) fn stanza(&self, file: &StoredFile) -> String {
        let (folder, name) = paths::split(&file.path);
        let mut text = self.control.clone();
        // A String takes all that is written to it.
        let _ = writeln!(text, "Directory: {}", folder.trim_end_matches('/'));
        let _ = writeln!(text, "Checksums-Sha256:");
        let _ = writeln!(text, " {} {} {name}", file.digest.hex(), file.size);
        for part in &self.parts {
            let _ = writeln!(text, " {} {} {}", part.sha256, part.size, part.name);
        }
        text.push('\n');
        text
    }
}

fn listed_as(control: &Control) -> String {
    match control
        .get("Section")
        .filter(|section| !section.contains(char::is_whitespace))
    {
        Some(section) if !section.is_empty() => format!("{section}/{}", control.package()),
        _ => control.package().to_owned(),
    }
}
