//! The configuration that a client needs for a repository: files, and the lines in them.
//!
//! `$TOKEN` is the secret. Some clients read it from the environment; for others, the user replaces
//! it. Each protocol lists its clients in its `connect.rs`.

use larder_model::ProtocolName;
use serde::Serialize;

/// A repository that a client will use.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// `https://host[:port]`, without a trailing slash.
    pub origin: &'a str,
    /// Its protocol.
    pub protocol: ProtocolName,
    /// Its name.
    pub repo: &'a str,
    /// Whether it mirrors an upstream.
    pub mirror: bool,
    /// Its upstream's address, if the user may know it.
    pub upstream: Option<&'a str>,
    /// Whether anyone may read it without credentials.
    pub public: bool,
}

/// The lines of a file, or commands for a shell.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Part {
    /// The file; `None`: the lines are commands for a shell.
    pub file: Option<String>,
    /// Its lines.
    pub lines: Vec<String>,
    /// A note for the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<&'static str>,
}

/// A client of a protocol.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    /// Its name, as a user types it.
    pub name: &'static str,
    /// Whether it only publishes.
    pub publishes_only: bool,
    /// A command that makes it ask for something, in which `$HOST`, `$REPO`, `$PACKAGE` and
    /// `$VERSION` stand for what there is; empty: its configuration ends with one.
    pub check: &'static str,
    /// Writes its configuration for a repository.
    pub configuration: fn(&Target<'_>) -> Vec<Part>,
}

impl Client {
    /// A client that installs.
    pub(crate) const fn new(
        name: &'static str,
        check: &'static str,
        configuration: fn(&Target<'_>) -> Vec<Part>,
    ) -> Self {
        Self {
            name,
            publishes_only: false,
            check,
            configuration,
        }
    }

    /// A client that only publishes.
    pub(crate) const fn publisher(
        name: &'static str,
        configuration: fn(&Target<'_>) -> Vec<Part>,
    ) -> Self {
        Self {
            publishes_only: true,
            ..Self::new(name, "", configuration)
        }
    }
}

pub(crate) const TOKEN: &str = "replace $TOKEN by a token: larder token create NAME";
pub(crate) const TOKEN_IN_ENVIRONMENT: &str =
    "$TOKEN is read from the environment; create a token with larder token create NAME";

impl Target<'_> {
    /// The repository's URL, with a slash at its end.
    pub(crate) fn base(&self) -> String {
        format!("{}/{}/{}/", self.origin, self.protocol, self.repo)
    }

    /// The URL to which Python packages are uploaded.
    pub(crate) fn uploads(&self) -> String {
        format!("{}legacy/", self.base())
    }

    /// `host[:port]`.
    pub(crate) fn host(&self) -> &str {
        without_scheme(self.origin)
    }

    /// The repository's URL, with credentials in it if they are needed.
    pub(crate) fn base_with_token(&self) -> String {
        if self.public {
            self.base()
        } else {
            self.base().replacen("://", "://token:$TOKEN@", 1)
        }
    }

    /// Whether the server has no TLS.
    pub(crate) fn is_plain(&self) -> bool {
        self.origin.starts_with("http://")
    }

    /// Whether the server is on this machine. Clients allow plain HTTP for it without a setting.
    fn is_local(&self) -> bool {
        let host = self.host();
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        name == "localhost" || name == "[::1]" || name.starts_with("127.")
    }

    /// Whether clients need a setting because the server has no TLS.
    pub(crate) fn is_insecure(&self) -> bool {
        self.is_plain() && !self.is_local()
    }
}

/// Lines of a file.
pub(crate) fn part(file: &str, lines: impl IntoIterator<Item = String>) -> Part {
    Part {
        file: Some(file.to_owned()),
        lines: lines.into_iter().collect(),
        note: None,
    }
}

/// Commands for a shell.
pub(crate) fn shell(lines: impl IntoIterator<Item = String>) -> Part {
    Part {
        file: None,
        lines: lines.into_iter().collect(),
        note: None,
    }
}

impl Part {
    /// Adds a note.
    pub(crate) fn with_note(mut self, note: &'static str) -> Self {
        self.note = Some(note);
        self
    }

    /// Adds a note if the repository needs credentials.
    pub(crate) fn for_private(self, target: &Target<'_>, note: &'static str) -> Self {
        if target.public {
            self
        } else {
            self.with_note(note)
        }
    }
}

/// A URL without its scheme.
pub(crate) fn without_scheme(address: &str) -> &str {
    address.split_once("://").map_or(address, |(_, rest)| rest)
}
