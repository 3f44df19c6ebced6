//! Metadata that packages do not contain: advisories, groups of packages, modules. Clients upload one
//! file of each kind.

use super::packer::{Packer, Record};
use crate::index::IndexDocument;
use crate::publishing::Body;
use crate::unpack::unpack;
use crate::xml::{Fault, Step, Walker};
use larder_model::{Limit, Problem};
use quick_xml::events::Event;
use std::io::{BufRead, Read, Write};

/// An upload may unpack to so many times the bytes that it may have.
const MAX_RATIO: u64 = 4;

/// A kind of extra metadata.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Advisories,
    Groups,
    Modules,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Advisories, Self::Groups, Self::Modules];

    /// Its path, without a `.gz`.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Advisories => "repodata/updateinfo.xml",
            Self::Groups => "repodata/comps.xml",
            Self::Modules => "repodata/modules.yaml",
        }
    }

    pub(super) fn at(path: &str) -> Option<Self> {
        let plain = path.strip_suffix(".gz").unwrap_or(path);
        Self::ALL.into_iter().find(|kind| kind.path() == plain)
    }

    /// The root element of those that are XML.
    const fn root(self) -> &'static str {
        match self {
            Self::Advisories => "updates",
            Self::Groups => "comps",
            Self::Modules => "",
        }
    }
}

fn bad(kind: Kind, why: &str) -> Problem {
    Problem::invalid(
        "metadata",
        format!("{} cannot be stored: {why}", kind.path()),
    )
}

fn unpacked(kind: Kind, bytes: &[u8]) -> Result<Box<dyn BufRead + '_>, Problem> {
    unpack(bytes).map_err(|error| bad(kind, "it cannot be unpacked").because(error))
}

/// Checks that an upload can be unpacked and is well-formed. `limit`: that on the upload.
pub(super) fn check(kind: Kind, body: &mut dyn Body, limit: Limit) -> Result<(), Problem> {
    let mut bytes = Vec::new();
    body.take(limit.bytes)
        .read_to_end(&mut bytes)
        .map_err(Problem::internal)?;
    let plain = unpacked(kind, &bytes)?;
    if kind == Kind::Modules {
        check_yaml(kind, plain, limit)
    } else {
        check_xml(kind, plain, limit)
    }
}

/// Checks only the first line of each document.
fn check_yaml(kind: Kind, plain: Box<dyn BufRead + '_>, limit: Limit) -> Result<(), Problem> {
    let mut text = String::new();
    let read = plain
        .take(limit.bytes.saturating_add(1))
        .read_to_string(&mut text);
    read.map_err(|error| bad(kind, "it is not text").because(error))?;
    limit.require("metadata", "the unpacked file", text.len() as u64)?;
    let begins = text
        .lines()
        .any(|line| line.starts_with("document: modulemd"));
    if begins {
        Ok(())
    } else {
        Err(bad(kind, "it has no modulemd documents"))
    }
}

fn check_xml(kind: Kind, plain: Box<dyn BufRead + '_>, limit: Limit) -> Result<(), Problem> {
    let unreadable = |fault: Fault| bad(kind, &format!("it is not valid XML: {fault}"));
    let mut walker = Walker::new(plain, limit.bytes.saturating_mul(MAX_RATIO));
    while let Some(Step { depth, event }) = walker.next().map_err(unreadable)? {
        if let (0, Event::Start(tag) | Event::Empty(tag)) = (depth, &event)
            && tag.name().as_ref() != kind.root().as_bytes()
        {
            let root = kind.root();
            return Err(bad(kind, &format!("its root element is not `{root}`")));
        }
    }
    Ok(())
}

/// An uploaded file of extra metadata, compressed for the repository.
pub(super) struct ExtraMetadata {
    kind: Kind,
    packed: Packer,
    /// Its unpacked bytes, for the kind that is listed unpacked, too.
    plain: Vec<u8>,
}

impl ExtraMetadata {
    pub(super) fn read(path: &str, bytes: &[u8]) -> Result<Self, Problem> {
        let kind =
            Kind::at(path).ok_or_else(|| Problem::internal("metadata of an unknown kind"))?;
        let mut reader = unpacked(kind, bytes)?; // how much it may be was checked when it came
        let (mut packed, mut plain) = (Packer::new(), Vec::new());
        loop {
            let piece = reader.fill_buf().map_err(Problem::internal)?;
            let count = piece.len();
            if count == 0 {
                return Ok(Self {
                    kind,
                    packed,
                    plain,
                });
            }
            packed.write_all(piece).map_err(Problem::internal)?;
            if kind == Kind::Groups {
                plain.extend_from_slice(piece);
            }
            reader.consume(count);
        }
    }

    /// Its files, each with its record in `repomd.xml`.
    pub(super) fn files(self) -> Result<Vec<(IndexDocument, Record)>, Problem> {
        let Self {
            kind,
            packed,
            plain,
        } = self;
        Ok(match kind {
            Kind::Advisories => vec![packed.end("updateinfo", "updateinfo.xml")?],
            Kind::Modules => vec![packed.end("modules", "modules.yaml")?],
            // Older clients read the first, newer ones the second.
            Kind::Groups => {
                vec![
                    Record::of("group", "comps.xml", "text/xml", plain, None),
                    packed.end("group_gz", "comps.xml")?,
                ]
            }
        })
    }
}
