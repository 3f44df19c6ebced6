//! Archives that are published: read as streams, never unpacked to disk.
//!
//! They are read strictly. What two readers could take for different things is refused, so that
//! what is checked here is what every client unpacks.

pub(crate) mod window;
pub(crate) mod ar;
pub(crate) mod tar;
pub(crate) mod zip;
pub(crate) mod folder;

use larder_model::{Kind, Limit, Problem, size};
use std::borrow::Cow;
use std::io::{self, ErrorKind};

/// An archive may unpack to so many bytes whatever its packed size is.
const ANY_RATIO_BYTES: u64 = 64 << 20;

/// What an archive may have at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Entries, headers of extended names included.
    pub(crate) entries: u64,
    /// Bytes of one path.
    pub(crate) path_bytes: usize,
    /// Bytes of the unpacked archive.
    pub(crate) unpacked: Limit,
    /// Unpacked bytes for each packed byte, above [`ANY_RATIO_BYTES`].
    pub(crate) ratio: u64,
}

/// How many bytes an archive may still unpack to.
#[derive(Debug)]
pub(crate) struct Budget {
    total: Limit,
    left: u64,
}

impl Budget {
    /// The budget of an archive of `packed` bytes.
    pub(crate) fn new(limits: &Limits, packed: u64) -> Self {
        let by_ratio = packed.saturating_mul(limits.ratio).max(ANY_RATIO_BYTES);
        let total = if by_ratio < limits.unpacked.bytes {
            Limit::fixed(by_ratio)
        } else {
            limits.unpacked
        };
        Self {
            total,
            left: total.bytes,
        }
    }

    /// Fails if fewer than `bytes` are left.
    pub(crate) fn spend(&mut self, bytes: u64) -> Result<(), Fault> {
        self.require(bytes)?;
        self.left -= bytes;
        Ok(())
    }

    fn require(&self, bytes: u64) -> Result<(), Fault> {
        if bytes <= self.left {
            return Ok(());
        }
        Err(Fault::TooLarge(
            self.total.at_end_of("unpacks to too much").into(),
        ))
    }
}

/// Why an archive is refused. The texts continue a sentence: "the tarball …".
#[derive(Debug)]
pub(crate) enum Fault {
    /// It is damaged or cut short, or reading it failed.
    Io(io::Error),
    /// Clients could read it differently, or it reaches out of its folder.
    Refused(Cow<'static, str>),
    /// It is over one of the [`Limits`].
    TooLarge(Cow<'static, str>),
}

impl Fault {
    /// A fault that is not one of size.
    pub(crate) fn refused(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Refused(text.into())
    }

    /// The problem of a request about `about`, whose archive is called `name`.
    pub(crate) fn problem(self, about: &'static str, name: &str) -> Problem {
        match self {
            Self::Io(error) => match error.kind() {
                ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::UnexpectedEof => {
                    let detail = format!("{name} is damaged or cut short, or no such archive");
                    Problem::invalid(about, detail).because(error)
                }
                _ => Problem::internal(error),
            },
            Self::Refused(text) => Problem::invalid(about, format!("{name} {text}")),
            Self::TooLarge(text) => Problem::new(Kind::TooLarge, about, format!("{name} {text}")),
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Fails if a file that is read as a whole has more bytes.
fn require_file(path: &str, bytes: u64, max: Limit) -> Result<(), Fault> {
    if bytes <= max.bytes {
        return Ok(());
    }
    let sentence = format!(
        "has a file that is too long: {path:.200} has {}",
        size::text(bytes)
    );
    Err(Fault::TooLarge(max.at_end_of(&sentence).into()))
}

/// Whether a path stays below the folder that an archive is unpacked to, on every system.
fn is_below(path: &str) -> bool {
    let drive = path.as_bytes().get(1) == Some(&b':');
    let is_name = |part: &str| !matches!(part, "" | "." | "..");
    !drive && !path.contains(['\\', '\0']) && path.split('/').all(is_name)
}

/// Whether a path has characters that no terminal or form should show.
pub(crate) fn has_control_characters(path: &str) -> bool {
    path.chars().any(char::is_control)
}

/// The fault of an entry whose path is not plain.
pub(crate) fn not_below(path: &str) -> Fault {
    Fault::refused(format!(
        "has an entry whose name is not a plain path: {path:.200}"
    ))
}
