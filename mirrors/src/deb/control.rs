//! The control file of a package: what it is and what it needs.

use super::order::is_version;
use super::stanzas::{Line, Lines};
use larder_model::Problem;
use std::fmt::Write as _;

/// Limit on the fields. Real packages have some dozens.
const MAX_FIELDS: usize = 256;
const MAX_NAME_BYTES: usize = 200;
/// Fields that lists of packages have of their own.
const OF_LISTS: [&str; 8] = [
    "filename",
    "size",
    "md5sum",
    "sha1",
    "sha256",
    "sha512",
    "status",
    "description-md5",
];

/// A control file.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(super) struct Control {
    /// Fields in their order; a value with further lines has them as they are.
    fields: Vec<(String, String)>,
}

/// Whether a text begins as names do.
fn begins(text: &str) -> bool {
    let first = text.bytes().next();
    first.is_some_and(|first| first.is_ascii_lowercase() || first.is_ascii_digit())
}

/// Whether a text is a name of packages.
pub(super) fn is_name(name: &str) -> bool {
    let is_plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".+-".contains(&byte);
    begins(name) && name.len() <= MAX_NAME_BYTES && name.bytes().all(is_plain)
}

/// The problem of a package that is refused.
pub(super) fn bad(why: &str) -> Problem {
    Problem::invalid("package", format!("the package cannot be published: {why}"))
}

impl Control {
    /// Reads a control file, which is one stanza.
    pub(super) fn read(text: &[u8]) -> Result<Self, Problem> {
        let control = Self::stanza(text, "control file")?;
        control.require()?;
        Ok(control)
    }

    /// Reads the one stanza of a file that is called so.
    pub(super) fn stanza(text: &[u8], called: &str) -> Result<Self, Problem> {
        let mut lines = Lines::new(Box::new(text), text.len() as u64);
        let mut fields: Vec<(String, String)> = Vec::new();
        let mut ended = false;
        while let Some(line) = lines
            .next()
            .map_err(|fault| bad(&format!("its {called} cannot be read")).because(fault))?
        {
            match line {
                Line::End => ended |= !fields.is_empty(),
                _ if ended => {
                    return Err(bad(&format!("its {called} has more than one stanza")));
                }
                Line::Field(name, value) => {
                    let is_known = |(known, _): &(String, String)| known.eq_ignore_ascii_case(name);
                    if fields.iter().any(is_known) {
                        return Err(bad(&format!("its {called} has {name:.100} twice")));
                    }
                    if fields.len() == MAX_FIELDS {
                        return Err(bad(&format!("its {called} has more than 256 fields")));
                    }
                    fields.push((name.to_owned(), value.to_owned()));
                }
                Line::More(more) => {
                    let (_, value) = fields
                        .last_mut()
                        .ok_or_else(|| bad(&format!("its {called} begins within a field")))?;
                    value.push_str("\n ");
                    value.push_str(more);
                }
            }
        }
        Ok(Self { fields })
    }

    /// Fails unless it has what every package has.
    fn require(&self) -> Result<(), Problem> {
        let name = self.get("Package").unwrap_or_default();
        if !is_name(name) {
            return Err(bad(&format!(
                "its control file has no Package of a name in lower case: {name:.100}"
            )));
        }
        let version = self.get("Version").unwrap_or_default();
        if !is_version(version) {
            return Err(bad(&format!(
                "its control file has no Version that is one: {version:.100}"
            )));
        }
        let architecture = self.get("Architecture").unwrap_or_default();
        let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !begins(architecture)
            || architecture.len() > MAX_NAME_BYTES
            || !architecture.bytes().all(is_part)
            || architecture == "source"
        {
            return Err(bad(&format!(
                "its control file has no Architecture of binary packages: {architecture:.100}"
            )));
        }
        Ok(())
    }

    /// The value of a field.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let is_it = |(known, _): &&(String, String)| known.eq_ignore_ascii_case(name);
        self.fields.iter().find(is_it).map(|(_, value)| &**value)
    }

    pub(super) fn package(&self) -> &str {
        self.get("Package").unwrap_or_default()
    }

    pub(super) fn version(&self) -> &str {
        self.get("Version").unwrap_or_default()
    }

    pub(super) fn architecture(&self) -> &str {
        self.get("Architecture").unwrap_or_default()
    }

    /// The name that the package's file has by convention: without the epoch.
    pub(super) fn file_name(&self) -> String {
        let version = self.version();
        let version = version.split_once(':').map_or(version, |(_, rest)| rest);
        format!("{}_{version}_{}.deb", self.package(), self.architecture())
    }

    /// Its fields as lists of packages have them, without those that lists have of their own.
    pub(super) fn text(&self) -> String {
        self.text_without(&OF_LISTS)
    }

    /// Its fields but for some, which are in lower case.
    pub(super) fn text_without(&self, others: &[&str]) -> String {
        let mut text = String::new();
        for (name, value) in &self.fields {
            if others.contains(&&*name.to_ascii_lowercase()) {
                continue;
            }
            let space = if value.is_empty() || value.starts_with('\n') {
                ""
            } else {
                " "
            };
            // A String takes all that is written to it.
            let _ = writeln!(text, "{name}:{space}{value}");
        }
        text
    }
}

#[cfg(test)]
mod tests;
