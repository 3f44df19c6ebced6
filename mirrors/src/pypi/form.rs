//! The form of an upload.

use super::metadata::invalid;
use super::multipart::{Part, Parts};
use super::names::{is_project, normalised};
use crate::publishing::{Body, PublishLimits};
use larder_model::{Limit, Problem};
use std::collections::BTreeMap;

/// Fields that are read. Of the others only the length is checked: the file has their values too.
const READ: [&str; 9] = [
    ":action",
    "protocol_version",
    "name",
    "version",
    "filetype",
    "sha256_digest",
    "md5_digest",
    "blake2_256_digest",
    "attestations",
];
/// Other fields that have a single value.
const SINGLE: [&str; 6] = [
    "pyversion",
    "metadata_version",
    "requires_python",
    "summary",
    "description",
    "description_content_type",
];
const LONG: [&str; 2] = ["description", "attestations"];
/// Limit on the bytes of other fields.
const MAX_BYTES: u64 = 64 << 10;

/// A form.
pub(super) struct Upload {
    fields: BTreeMap<&'static str, String>,
    /// The project's name in canonical form.
    pub(super) project: String,
    /// The file's name.
    pub(super) file: String,
    /// Offset of the file in the body.
    pub(super) start: u64,
    /// Size of the file in bytes.
    pub(super) length: u64,
}

impl Upload {
    /// Reads a form.
    pub(super) fn read(
        body: &mut dyn Body,
        boundary: &str,
        limits: &PublishLimits,
    ) -> Result<Self, Problem> {
        let (mut content, mut read, mut single) = (None, BTreeMap::new(), Vec::new());
        let mut parts = Parts::new(body, boundary)?;
        while let Some(part) = parts.next()? {
            let again = if part.name == "content" {
                content.replace(part).is_some()
            } else {
                check_length(&part, limits.metadata)?;
                if let Some(name) = READ.iter().find(|name| **name == part.name) {
                    read.insert(*name, part).is_some()
                } else if let Some(name) = SINGLE.iter().find(|name| **name == part.name) {
                    let again = single.contains(name);
                    single.push(name);
                    again
                } else {
                    false
                }
            };
            if again {
                return Err(invalid("the form has two fields of the same name"));
            }
        }
        let content = content.ok_or_else(|| invalid("the form has no field content"))?;
        let file = content
            .file
            .ok_or_else(|| invalid("the form's content has no file name"))?;
        let values = read
            .into_iter()
            .map(|(name, part)| Ok((name, part.text(body)?)));
        let fields: BTreeMap<_, _> = values.collect::<Result<_, Problem>>()?;
        let project = project(fields.get("name").ok_or_else(|| missing("name"))?)?;
        Ok(Self {
            fields,
            project,
            file,
            start: content.start,
            length: content.length,
        })
    }

    /// The value of a field.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(|value| &**value)
    }

    /// The value of a required field.
    pub(super) fn require(&self, name: &'static str) -> Result<&str, Problem> {
        self.get(name).ok_or_else(|| missing(name))
    }
}

/// The project that a form is for. The file is not read if the field comes before it.
pub(super) fn project_of(body: &mut dyn Body, boundary: &str) -> Result<String, Problem> {
    let mut parts = Parts::new(body, boundary)?;
    while let Some(part) = parts.next()? {
        if part.name == "name" {
            check_length(&part, MAX_BYTES.into())?;
            return project(&part.text(body)?);
        }
    }
    Err(missing("name"))
}

fn project(name: &str) -> Result<String, Problem> {
    if is_project(name) {
        Ok(normalised(name))
    } else {
        Err(invalid("the form's name cannot be that of a project"))
    }
}

/// Fails if a field is too long. `long`: the limit on those that may be.
fn check_length(part: &Part, long: Limit) -> Result<(), Problem> {
    let is_long = LONG.contains(&&*part.name);
    let max = if is_long { long } else { MAX_BYTES.into() };
    let what = format!("the form's field {:.100}", part.name);
    max.require("upload", &what, part.length)
}

fn missing(name: &'static str) -> Problem {
    invalid(format!("the form has no field {name}"))
}
