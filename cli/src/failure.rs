//! What can go wrong for a command, and what to do next.

use crate::escape::plain;
use crate::exit::Exit;
use serde_json::{Value, json};
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
    /// Something on this machine that is not there.
    Missing(String),
    /// Something on this machine that is as nobody expected it.
    Clash(String),
    /// Bytes that are not what they should be.
    Damaged(String),
    /// Something on this machine.
    Local(String),
    /// Someone pressed Ctrl+C.
    Interrupted,
}

/// A failure as it is told: `error[code]: message`, `cause: …`, `try: …`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Report {
    /// The word by which a program knows it: the server's, or one of ours.
    pub(crate) code: String,
    /// What went wrong.
    pub(crate) message: String,
    /// Why, where that is known.
    pub(crate) cause: Option<String>,
    /// What to do next, where there is one thing.
    pub(crate) advice: Option<String>,
}

impl Failure {
    /// The exit code.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::NotLoggedIn => Exit::NotAllowed,
            Self::Refused { status, code, .. } => Exit::of_refusal(*status, code),
            Self::Missing(_) => Exit::NotFound,
            Self::Clash(_) => Exit::Conflict,
            Self::Damaged(_) => Exit::Integrity,
            Self::Unreachable { .. } | Self::Strange { .. } | Self::Local(_) => Exit::Failed,
            Self::Interrupted => Exit::Interrupted,
        }
    }

    /// Something about a file.
    pub(crate) fn file(path: &std::path::Path, error: impl fmt::Display) -> Self {
        Self::Local(format!("{}: {error}", path.display()))
    }

    /// How it is told.
    pub(crate) fn report(&self) -> Report {
        let told = |code: &str, message: &str| Report {
            code: code.to_owned(),
            message: plain(message),
            cause: None,
            advice: None,
        };
        match self {
            Self::Usage(text) => told("usage", text),
            Self::Missing(text) => told("not_found", text),
            Self::Clash(text) => told("conflict", text),
            Self::Damaged(text) => told("damaged", text),
            Self::Local(text) => told("failed", text),
            Self::Interrupted => told("interrupted", "interrupted"),
            Self::NotLoggedIn => Report {
                advice: Some("larder login URL".to_owned()),
                ..told("not_logged_in", "not logged in")
            },
            Self::Unreachable {
                server,
                secure,
                cause,
            } => {
                let advice = if *secure {
                    "check that the server runs (larder serve) and its certificate is trusted here \
                     (--ca-cert FILE)"
                } else {
                    "check that the server runs (larder serve) and its address is right (--server URL)"
                };
                Report {
                    cause: Some(plain(cause)),
                    advice: Some(advice.to_owned()),
                    ..told("unreachable", &format!("cannot reach {server}"))
                }
            }
            Self::Refused {
                status,
                code,
                detail,
            } => Report {
                code: plain(code),
                message: plain(detail),
                cause: None,
                advice: (*status == 401).then(|| "larder login URL".to_owned()),
            },
            Self::Strange { server, what } => Report {
                cause: Some(plain(what)),
                advice: Some("check the address: --server URL".to_owned()),
                ..told(
                    "not_larder",
                    &format!("{server} does not answer like a larder server"),
                )
            },
        }
    }
}

impl Report {
    /// The lines for a person; `paint` colors the word `error`.
    pub(crate) fn lines(&self, paint: bool) -> String {
        let (on, off) = if paint {
            ("\u{1b}[1;31m", "\u{1b}[0m")
        } else {
            ("", "")
        };
        let more = |word: &str, text: &Option<String>| {
            let text = text.as_deref().map(|text| format!("  {word}: {text}\n"));
            text.unwrap_or_default()
        };
        let (cause, advice) = (more("cause", &self.cause), more("try", &self.advice));
        let Self { code, message, .. } = self;
        format!("{on}error[{code}]{off}: {message}\n{cause}{advice}")
    }

    /// The object for a program.
    pub(crate) fn json(&self, exit: Exit) -> Value {
        let Self {
            code,
            message,
            cause,
            advice,
        } = self;
        json!({"error": {
            "code": code, "message": message, "cause": cause, "try": advice, "exit": exit.code(),
        }})
    }
}

impl fmt::Display for Failure {
    /// One sentence, to be part of another.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.report();
        f.write_str(&report.message)?;
        match report.cause {
            Some(cause) => write!(f, " ({cause})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
