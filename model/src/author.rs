//! Who makes a change. Every write of files takes an [`Author`]: without one there is no call.

use core::net::IpAddr; // an address and no network
use std::sync::Arc;

/// From where a request came, as the audit trail tells it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin {
    /// The client's address, checked against the trusted proxies.
    pub address: IpAddr,
    /// The id under which the log tells of the request.
    pub request_id: Arc<str>,
}

/// Whoever may make a change and makes it. Callers of the API and of the protocols are authors only as
/// the gate's proof that they may; what the server does by itself is done by a [`System`].
pub trait Author: std::fmt::Debug + Send + Sync {
    /// How rows and the log name it: `user:alice`, `robot:ci`, `anonymous`, `upstream`.
    fn label(&self) -> &str;

    /// From where it asks; `None`: it is no caller.
    fn origin(&self) -> Option<&Origin> {
        None
    }

    /// The id of the session in which it asks; `None`: it showed other credentials, or it is no
    /// caller.
    fn session(&self) -> Option<i64> {
        None
    }

    /// The id of the long-lived token that it showed; `None`: it showed other credentials, or it is
    /// no caller.
    fn token(&self) -> Option<i64> {
        None
    }

    /// The version of users, groups, grants, repositories and settings that the change was decided
    /// on: it is made only while that is the newest. `None`: it is made whatever they are.
    fn expected_policy(&self) -> Option<&str> {
        None
    }

    /// Whether the audit trail tells of what it does: not of what the server keeps by itself.
    fn is_audited(&self) -> bool {
        true
    }
}

/// The server itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum System {
    /// Keeps what an upstream sent.
    Upstream,
    /// Keeps what it made of other content.
    Larder,
    /// Sets up a new server.
    FirstStart,
    /// Deletes what is past its time, and tells what operators are to know.
    Housekeeping,
    /// Asks for jobs when their time has come.
    Schedule,
    /// Someone who has the server's machine, and no login.
    Console,
}

impl Author for System {
    fn label(&self) -> &str {
        match self {
            Self::Upstream => "upstream",
            Self::Larder | Self::Housekeeping => "larder",
            Self::FirstStart => "first start",
            Self::Schedule => "schedule",
            Self::Console => "console",
        }
    }

    fn is_audited(&self) -> bool {
        match self {
            Self::Upstream | Self::Larder => false,
            Self::FirstStart | Self::Housekeeping | Self::Schedule | Self::Console => true,
        }
    }
}
