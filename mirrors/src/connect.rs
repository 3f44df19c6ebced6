//! The configuration that a client needs for a repository: files, and the lines in them.
//!
//! `$TOKEN` is the secret. Some clients read it from the environment; for others, the user replaces
//! it. Each protocol lists its clients in its `connect.rs`.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use larder_model::{Algorithm, Digest, ProtocolName, RepoKind, client_key};
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
    /// What it is.
    pub kind: RepoKind,
    /// Its upstream's address, if the user may know it.
    pub upstream: Option<&'a str>,
    /// Who may read it without credentials.
    pub open: Open,
    /// The certificate (PEM) of the authority that the server is for itself; `None`: its
    /// certificate is of one that clients know, or it has none.
    pub authority: Option<&'a str>,
    /// Public keys (armored) that sign what tells of its packages, as far as they are known.
    pub keys: Option<&'a str>,
    /// Whether names of images without a repository are looked for in it.
    pub default_mirror: bool,
}

/// Who may read a repository without credentials.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Open {
    /// Nobody.
    Closed,
    /// Everyone, but of some members of the group only who has credentials.
    Partly,
    /// Everyone, and all that is in it.
    Wholly,
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
    pub note: Option<String>,
}

/// A client of a protocol.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    /// Its name, as a user types it.
    pub name: &'static str,
    /// Whether it only publishes.
    pub publishes_only: bool,
    /// A command that makes it ask for something, in which `$HOST`, `$REPO`, `$KEY`, `$PACKAGE` and
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

/// What is to be known where a client trusts a file instead of the system's authorities.
pub(crate) const INSTEAD: &str = "it takes the place of the system's authorities: append it to \
     them where other servers are asked too";
pub(crate) const TOKEN: &str = "replace $TOKEN by a token: larder token create NAME";
pub(crate) const TOKEN_IN_ENVIRONMENT: &str =
    "$TOKEN is read from the environment; create a token with larder token create NAME";

impl Target<'_> {
    /// The repository's URL, with a slash at its end.
    pub(crate) fn base(&self) -> String {
        format!("{}/{}/{}/", self.origin, self.protocol, self.repo)
    }

    /// Under which name clients know it among other registries: each repository has its own.
    pub(crate) fn key(&self) -> String {
        client_key(self.repo)
    }

    /// The URL to which Python packages are uploaded.
    pub(crate) fn uploads(&self) -> String {
        format!("{}legacy/", self.base())
    }

    /// `host[:port]`.
    pub(crate) fn host(&self) -> &str {
        without_scheme(self.origin)
    }

    /// Whether anyone may read it without credentials.
    pub(crate) fn is_public(&self) -> bool {
        self.open != Open::Closed
    }

    /// Whether it mirrors an upstream.
    pub(crate) fn is_mirror(&self) -> bool {
        self.kind == RepoKind::Mirror
    }

    /// Whether it stands beside the public registry, and not in its place.
    pub(crate) fn is_beside(&self) -> bool {
        self.kind == RepoKind::Hosted
    }

    /// The repository's URL, with credentials in it if they are needed.
    pub(crate) fn base_with_token(&self) -> String {
        if self.is_public() {
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
    /// Adds a note to what is said already.
    pub(crate) fn with_note(mut self, note: impl Into<String>) -> Self {
        let note = note.into();
        self.note = Some(match self.note.take() {
            Some(before) => format!("{before}; {note}"),
            None => note,
        });
        self
    }

    /// Adds a note if the repository needs credentials; else, where some of it does, the command
    /// that tells the lines for them.
    pub(crate) fn for_private(self, target: &Target<'_>, client: &str, note: &str) -> Self {
        let publishes = target.kind != RepoKind::Mirror && target.protocol != ProtocolName::OCI;
        if !target.is_public() {
            self.with_note(note)
        } else if publishes || target.open == Open::Partly {
            let (protocol, repo) = (target.protocol, target.repo);
            self.with_note(format!(
                "to publish, and to read what is not public: \
                 larder connect {client} {protocol}/{repo} --with-token"
            ))
        } else {
            self
        }
    }
}

/// The file for the certificate of the server's authority, with what it says, if clients have to be
/// told.
pub(crate) fn authority(target: &Target<'_>, file: &str) -> Option<Part> {
    let pem = target.authority?;
    let fingerprint = fingerprint(pem).unwrap_or_default();
    let note = format!("the server's own authority; SHA-256 fingerprint {fingerprint}");
    Some(part(file, pem.lines().map(str::to_owned)).with_note(note))
}

/// The file in which a client of a person has that certificate, as `~` and the rest.
pub(crate) fn authority_file(client: &str) -> String {
    format!("~/.larder-{client}-ca.crt")
}

/// The SHA-256 fingerprint of the first certificate of a PEM text, as `openssl x509` shows it.
pub fn fingerprint(pem: &str) -> Option<String> {
    let (_, rest) = pem.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
    let body: String = body.split_whitespace().collect();
    let bytes = BASE64_STANDARD.decode(body).ok()?;
    let digest = Digest::of(Algorithm::Sha256, &bytes);
    let pairs: Vec<String> = digest
        .bytes()
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    Some(pairs.join(":"))
}

/// A URL without its scheme.
pub(crate) fn without_scheme(address: &str) -> &str {
    address.split_once("://").map_or(address, |(_, rest)| rest)
}

#[cfg(test)]
mod tests;
