//! Lines put into a client's configuration file and taken out again, as text alone.

mod marks;
mod object;
mod sections;
mod tables;

use crate::edit::marks::{Block, Marks};
use crate::edit::sections::Style;
use std::path::Path;

pub(crate) use crate::edit::marks::owners;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Lines, perhaps in sections.
    Lines(Style),
    /// TOML; `true`: its client puts variables of the environment in.
    Toml(bool),
    /// A JSON object of lists.
    Json,
    /// Certificates in PEM form, between which anything may stand.
    Certificates,
}

impl Kind {
    /// How the file of a client is written; `None` if we do not know.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let kind = path.extension().and_then(|kind| kind.to_str());
        let folder = path.parent().and_then(Path::file_name);
        Some(match (name, kind) {
            (".npmrc", _) => Self::Lines(Style::Npmrc),
            (".yarnrc", _) => Self::Lines(Style::Yarnrc),
            (".yarnrc.yml", _) => Self::Lines(Style::Yaml),
            (".pypirc" | "pip.conf", _) | (_, Some("repo")) => Self::Lines(Style::Ini),
            (".bunfig.toml", _) => Self::Toml(true),
            (_, Some("toml")) => Self::Toml(false),
            (_, Some("conf")) if folder.is_some_and(|name| name == "registries.conf.d") => {
                Self::Toml(false)
            }
            // The file of `go env -w`: what is no setting in it is passed over.
            ("env", _) if folder.is_some_and(|name| name == "go") => Self::Lines(Style::Npmrc),
            ("daemon.json", _) => Self::Json,
            (_, Some("crt")) => Self::Certificates,
            _ => return None,
        })
    }

    /// Whether `$TOKEN` is read from the environment by its client, so that no secret need stand
    /// in the file. (`${TOKEN}` always is.)
    pub(crate) const fn has_variables(self) -> bool {
        matches!(self, Self::Toml(true))
    }

    /// Whether a text sets all that is wanted.
    pub(crate) fn satisfied(self, text: &str, wanted: &[String]) -> bool {
        match self {
            Self::Lines(style) => sections::satisfied(style, text, wanted),
            Self::Toml(_) => tables::satisfied(text, wanted),
            Self::Json => object::satisfied(text, wanted),
            Self::Certificates => text.contains(&wanted.join("\n")),
        }
    }

    /// The text with the wanted lines as `owner`'s. Fails with a sentence where that is not safe.
    pub(crate) fn put(self, text: &str, wanted: &[String], owner: &str) -> Result<String, String> {
        if text.starts_with('\u{feff}') {
            return Err("it begins with a byte order mark".to_owned());
        }
        let marks = Marks::of(owner);
        match self {
            Self::Lines(style) => sections::put(style, text, wanted, &marks),
            Self::Toml(_) => tables::put(text, wanted, &marks),
            Self::Json => object::put(text, wanted),
            Self::Certificates => {
                let ours = Block {
                    at: text.lines().count(),
                    lines: wanted.to_vec(),
                };
                Ok(marks.put(text, &[ours], &[]))
            }
        }
    }

    /// The text without what is `owner`'s. `before` and `after`: as it was when that was put in.
    /// Fails with a sentence where that is not safe.
    pub(crate) fn take(
        self,
        text: &str,
        owner: &str,
        (before, after): (&str, &str),
    ) -> Result<String, String> {
        match self {
            Self::Lines(_) | Self::Toml(_) | Self::Certificates => Marks::of(owner).take(text),
            Self::Json => object::take(text, before, after),
        }
    }
}

#[cfg(test)]
mod tests;
