//! How a remote registry fares.

use serde::Serialize;
use std::time::Duration;

/// What came of asking an upstream just now.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize)]
pub struct Checked {
    /// Whether it can be mirrored: it is there, and lets us in.
    pub ok: bool,
    /// Whether any answer came.
    pub reachable: bool,
    /// The status of the answer.
    pub status: Option<u16>,
    /// How long all of it took, in milliseconds.
    pub took_ms: u64,
    /// Whether the connection was to be encrypted.
    pub tls: bool,
    /// Whether it took our credentials; `None`: it has been given none.
    pub authenticated: Option<bool>,
    /// What is wrong.
    pub problem: Option<String>,
    /// What to do next.
    pub advice: Option<String>,
}

/// How an upstream has answered lately.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Health {
    /// Failures in a row.
    pub failures: u32,
    /// For so long it is not asked.
    pub pause: Option<Duration>,
    /// The last failure, whatever came after it, and how long ago it was.
    pub last_error: Option<(Box<str>, Duration)>,
}
