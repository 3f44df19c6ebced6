//! What can go wrong for a command, and what to do next.

use crate::escape::plain;
use std::fmt;

/// A command that did not do what it should.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was called the wrong way.
    Usage(String),
    /// It needs a server or a token, and there is none.
    NotLoggedIn,
    /// No answer came.
    Unreachable {
        server: String,
        secure: bool,
        cause: String,
    },
    /// The server said no, in its own words.
    Refused {
        status: u16,
        code: String,
        detail: String,
    },
    /// What answered is no larder.
    Strange { server: String, what: String },
    /// Something on this machine.
    Local(String),
}

impl Failure {
    /// The exit code: 1 it failed, 2 wrong usage.
    pub(crate) const fn exit(&self) -> i32 {
        match self {
            Self::Usage(_) => 2,
            _ => 1,
        }
    }

    /// Something about a file.
    pub(crate) fn file(path: &std::path::Path, error: impl fmt::Display) -> Self {
        Self::Local(format!("{}: {error}", path.display()))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Local(text) => f.write_str(text),
            Self::NotLoggedIn => f.write_str("not logged in: run larder login URL"),
            Self::Unreachable {
                server,
                secure: false,
                cause,
            } => {
                write!(
                    f,
                    "cannot reach {server} ({cause}); is the server running? larder serve"
                )
            }
            Self::Unreachable {
                server,
                secure: true,
                cause,
            } => write!(
                f,
                "cannot reach {server} ({cause}); is the server running (larder serve), \
                 with https:// and a certificate that is trusted here (--ca-cert FILE)?"
            ),
            Self::Refused {
                status: 401,
                detail,
                ..
            } => {
                write!(f, "{}; run larder login URL to log in again", plain(detail))
            }
            Self::Refused { code, detail, .. } => write!(f, "{} ({})", plain(detail), plain(code)),
            Self::Strange { server, what } => {
                write!(
                    f,
                    "{server} does not answer like a larder server ({}); is the address right?",
                    plain(what)
                )
            }
        }
    }
}
