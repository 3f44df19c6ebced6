//! The names of parts.

use larder_model::{Algorithm, Digest};
use std::fmt;
use std::str::FromStr;

const MANIFEST: &str = "manifest.json";
const SUMS: &str = "sums.json";
const ROWS_END: &str = ".ndjson.zst";
/// Digits of a part's number.
const DIGITS: usize = 8;

/// The name of a part. Its order is the order in which parts stand, but for tables, which stand as
/// the manifest lists them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum PartName {
    /// What is inside.
    Manifest,
    /// A key file.
    Key(String),
    /// Rows of a table; parts of a table are numbered from 1.
    Rows {
        /// The table.
        table: String,
        /// Which part of it.
        number: u32,
    },
    /// The bytes of a blob.
    Blob(Digest),
    /// The digests of all parts before.
    Sums,
}

/// Whether a text can be the name of a key or a table: nothing that leads out of a folder.
fn is_plain(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    !text.is_empty() && text.len() <= 60 && !text.starts_with('.') && text.bytes().all(is_plain)
}

impl PartName {
    /// A key file. Its name is of letters, digits and `_-.`.
    pub(crate) fn key(name: &str) -> Option<Self> {
        is_plain(name).then(|| Self::Key(name.to_owned()))
    }

    /// The path in the tar as its header has it: a folder, which may be empty, and a name.
    pub(crate) fn split(&self) -> (String, String) {
        match self {
            // The long digests do not fit into the name.
            Self::Blob(digest) if digest.algorithm() == Algorithm::Sha512 => {
                let hex = digest.hex();
                (format!("blobs/sha512/{}", &hex[..64]), hex[64..].to_owned())
            }
            name => (String::new(), name.to_string()),
        }
    }
}

impl fmt::Display for PartName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manifest => f.write_str(MANIFEST),
            Self::Key(name) => write!(f, "keys/{name}"),
            Self::Rows { table, number } => {
                write!(f, "tables/{table}/{number:0DIGITS$}{ROWS_END}")
            }
            Self::Blob(digest) if digest.algorithm() == Algorithm::Sha512 => {
                let hex = digest.hex();
                write!(f, "blobs/sha512/{}/{}", &hex[..64], &hex[64..])
            }
            Self::Blob(digest) => write!(f, "blobs/{}/{}", digest.algorithm().name(), digest.hex()),
            Self::Sums => f.write_str(SUMS),
        }
    }
}

/// Text that is no part's name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnknownPart;

impl FromStr for PartName {
    type Err = UnknownPart;

    fn from_str(text: &str) -> Result<Self, UnknownPart> {
        let name = match text.split_once('/') {
            None if text == MANIFEST => Self::Manifest,
            None if text == SUMS => Self::Sums,
            Some(("keys", name)) => Self::key(name).ok_or(UnknownPart)?,
            Some(("tables", rest)) => rows(rest).ok_or(UnknownPart)?,
            Some(("blobs", rest)) => {
                let (algorithm, hex) = rest.split_once('/').ok_or(UnknownPart)?;
                let digest = format!("{algorithm}:{}", hex.replace('/', ""));
                Self::Blob(digest.parse().map_err(|_| UnknownPart)?)
            }
            _ => return Err(UnknownPart),
        };
        // One spelling for each.
        Some(name)
            .filter(|name| name.to_string() == text)
            .ok_or(UnknownPart)
    }
}

fn rows(text: &str) -> Option<PartName> {
    let (table, file) = text.split_once('/')?;
    let number = file.strip_suffix(ROWS_END)?.parse().ok()?;
    let table = Some(table).filter(|table| is_plain(table))?.to_owned();
    Some(PartName::Rows { table, number })
}
