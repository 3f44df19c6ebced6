//! The configuration that a client needs to use a repository here: which file, and the lines in it.
//!
//! `$TOKEN` stands for the secret. Some clients read it from the environment; elsewhere a person
//! writes it out. Each protocol lists its clients in a `connect.rs` of its own.

use larder_model::ProtocolName;
use serde::Serialize;

/// A repository, as a client is to use it.
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
    /// Whether anyone may read it without credentials.
    pub public: bool,
}

/// Lines for one place.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Part {
    /// The file; `None`: these are commands for a shell.
    pub file: Option<String>,
    /// Its lines.
    pub lines: Vec<String>,
    /// What a person should know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<&'static str>,
}

/// A client of a protocol.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    /// Its name, as people type it.
    pub name: &'static str,
    /// Whether it only publishes.
    pub publishes_only: bool,
    /// Its configuration for a repository.
    pub configuration: fn(&Target<'_>) -> Vec<Part>,
}

impl Client {
    /// A client that installs.
    pub(crate) const fn new(
        name: &'static str,
        configuration: fn(&Target<'_>) -> Vec<Part>,
    ) -> Self {
        Self {
            name,
            publishes_only: false,
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
            ..Self::new(name, configuration)
        }
    }
}

pub(crate) const TOKEN: &str = "put a token in the place of $TOKEN: larder token create NAME";
pub(crate) const TOKEN_IN_ENVIRONMENT: &str =
    "$TOKEN is read from the environment; make a token with larder token create NAME";

impl Target<'_> {
    /// The repo's address, with a slash at its end.
    pub(crate) fn base(&self) -> String {
        format!("{}/{}/{}/", self.origin, self.protocol, self.repo)
    }

    /// Where Python packages are uploaded to.
    pub(crate) fn uploads(&self) -> String {
        format!("{}legacy/", self.base())
    }

    /// `host[:port]`.
    pub(crate) fn host(&self) -> &str {
        without_scheme(self.origin)
    }

    /// The repo's address with credentials in it, where they are needed.
    pub(crate) fn base_with_token(&self) -> String {
        if self.public {
            self.base()
        } else {
            self.base().replacen("://", "://token:$TOKEN@", 1)
        }
    }

    /// Whether it has no TLS.
    pub(crate) fn is_plain(&self) -> bool {
        self.origin.starts_with("http://")
    }

    /// Whether it is on this machine: clients use plain http for it without any setting.
    fn is_local(&self) -> bool {
        let host = self.host();
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        name == "localhost" || name == "[::1]" || name.starts_with("127.")
    }

    /// Whether clients need a setting because it has no TLS.
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
    /// With a note.
    pub(crate) fn with_note(mut self, note: &'static str) -> Self {
        self.note = Some(note);
        self
    }

    /// With a note if the repository needs credentials.
    pub(crate) fn for_private(self, target: &Target<'_>, note: &'static str) -> Self {
        if target.public {
            self
        } else {
            self.with_note(note)
        }
    }
}

/// An address without `https://`.
pub(crate) fn without_scheme(address: &str) -> &str {
    address.split_once("://").map_or(address, |(_, rest)| rest)
}
