//! What was found, with its secrets set apart.

use crate::machine::Machine;
use larder_model::{ProtocolName, percent};
use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

/// Bytes of an address.
const LONGEST: usize = 2000;

/// A password or token, which is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Where a certificate or a key is (PEM).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pem {
    /// In a file.
    File(PathBuf),
    /// In a line of the settings themselves.
    Text(Secret),
}

impl Pem {
    /// The text; fails, with where it should be, if it cannot be read.
    pub fn read(&self, machine: &Machine) -> Result<String, String> {
        match self {
            Self::Text(text) => Ok(text.expose().to_owned()),
            Self::File(path) => machine
                .read(path)
                .ok_or_else(|| format!("{} cannot be read", path.display())),
        }
    }
}

impl fmt::Display for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Text(_) => f.write_str("(in the settings)"),
        }
    }
}

/// What the connections to an upstream need beside an address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Certificates {
    /// What is shown there, and the private key of it: both or none.
    pub client: Option<(Pem, Pem)>,
    /// Whose certificates are taken there.
    pub authorities: Option<Pem>,
}

/// What vouches for what an upstream sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChecksumDatabase {
    /// Its name and key.
    pub key: String,
    /// Where it is; `None`: where its clients look.
    pub url: Option<String>,
    /// What it is not asked for.
    pub except: Vec<String>,
}

/// Where something was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a variable of the environment.
    Variable(String),
    /// In a file.
    File(PathBuf),
    /// A program told it, as its own default.
    Program(&'static str),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "${name}"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Program(line) => write!(f, "`{line}`"),
        }
    }
}

/// An upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscoveredUpstream {
    /// What is spoken there.
    pub protocol: ProtocolName,
    /// Its address, without credentials and with a slash at its end. Of an rpm repository it may
    /// have variables in it.
    pub url: String,
    /// The address of the list of mirrors that it has in place of an address of its own, perhaps with
    /// variables; then `url` is where that list is.
    pub mirror_list: Option<String>,
    /// Who the client is there.
    pub username: Option<String>,
    /// What it shows there.
    pub password: Option<Secret>,
    /// What it shows, and takes, while a connection is made.
    pub certificates: Certificates,
    /// What vouches for what it sends.
    pub checksums: Option<ChecksumDatabase>,
    /// The address of a database of vulnerabilities that belongs to it.
    pub vulnerabilities: Option<String>,
    /// What it is for alone: a scope, a registry's or repository's name; `None`: for everything.
    pub only: Option<String>,
    /// Armored public keys that sign what tells of its packages.
    pub trusted_keys: Option<String>,
    /// The name of a mirror of its own, where it is not the default and would have one.
    pub own_mirror: Option<String>,
    /// Whether it is what the client asks when nothing else is said.
    pub default: bool,
    /// Where it was found.
    pub place: Place,
}

impl DiscoveredUpstream {
    /// The upstream that a text names; `None` if it is no address.
    pub(crate) fn read(protocol: &'static str, text: &str, place: &Place) -> Option<Self> {
        let text = text.trim();
        let (scheme, rest) = text.split_once("://")?;
        let scheme = Some(scheme.to_ascii_lowercase())
            .filter(|scheme| matches!(&**scheme, "http" | "https"))?;
        let end = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (user, host) = authority
            .rsplit_once('@')
            .map_or((None, authority), |(user, host)| (Some(user), host));
        let plain = |byte: u8| byte.is_ascii_graphic() && !b"?#\\<>\"`|^".contains(&byte);
        if host.is_empty() || text.len() > LONGEST || !text.bytes().all(plain) {
            return None;
        }
        let (username, password) = match user.map(|user| user.split_once(':').unwrap_or((user, "")))
        {
            // Who shows a name alone shows a token: it must stay as hidden as a password, and most
            // take it for one.
            Some((token, "")) if !token.is_empty() => {
                (Some("token".to_owned()), Some(Secret(decode(token))))
            }
            Some((name, password)) => (some(decode(name)), some(decode(password)).map(Secret)),
            None => (None, None),
        };
        let slash = if path.ends_with('/') { "" } else { "/" };
        let url = format!("{scheme}://{host}{path}{slash}");
        let protocol = ProtocolName(protocol);
        Some(Self {
            protocol,
            url,
            mirror_list: None,
            username,
            password,
            certificates: Certificates::default(),
            trusted_keys: None,
            own_mirror: None,
            checksums: None,
            vulnerabilities: None,
            only: None,
            default: true,
            place: place.clone(),
        })
    }

    /// With credentials, where the address had none.
    pub(crate) fn with(mut self, username: Option<String>, password: Option<String>) -> Self {
        if self.password.is_none()
            && let Some(password) = password.and_then(some)
        {
            self.username = username.and_then(some).or(self.username);
            self.password = Some(Secret(password));
        }
        self
    }

    /// The upstream that a list of mirrors stands for; `None` if it has no address.
    pub(crate) fn of_list(protocol: &'static str, list: &str, place: &Place) -> Option<Self> {
        let list = list.trim();
        let path = list.split('?').next().unwrap_or(list);
        let (folder, _) = path.rsplit_once('/')?;
        let found = Self::read(protocol, folder, place)?;
        let plain = |byte: u8| byte.is_ascii_graphic() && !b"#\\<>\"`|^".contains(&byte);
        let usable = list.len() <= LONGEST && list.bytes().all(plain);
        usable.then(|| Self {
            mirror_list: Some(list.to_owned()),
            ..found
        })
    }

    /// With what its connections need.
    pub(crate) fn certified(mut self, certificates: Certificates) -> Self {
        self.certificates = certificates;
        self
    }

    /// For some things only.
    pub(crate) fn only(mut self, what: impl Into<String>) -> Self {
        self.only = Some(what.into());
        self.default = false;
        self
    }

    /// Whether someone set it, rather than that it is a program's default.
    pub fn is_set(&self) -> bool {
        !matches!(self.place, Place::Program(_))
    }

    /// The address that can be mirrored. One of an rpm repository ends above its first variable,
    /// and the rest is left to the client; any other with a variable in it is none.
    pub fn address(&self) -> Option<&str> {
        // Where a list has variables nobody knows of which repository it is.
        if self
            .mirror_list
            .as_ref()
            .is_some_and(|list| list.contains('$'))
        {
            return None;
        }
        let Some(variable) = self.url.find(['$', '{']) else {
            return Some(&self.url);
        };
        let above = &self.url[..=self.url[..variable].rfind('/')?];
        Some(above).filter(|above| self.protocol.0 == "rpm" && !above.ends_with("://"))
    }
}

/// A place that is a file.
pub(crate) fn file(path: &Path) -> Place {
    Place::File(path.to_owned())
}

/// A path in a client's settings; what is written in other ways (`pkcs11:…`) is none.
pub(crate) fn pem_file(path: &str) -> Option<Pem> {
    let path = path.strip_prefix("file://").unwrap_or(path);
    path.starts_with('/')
        .then(|| Pem::File(PathBuf::from(path)))
}

/// A text in a client's settings, with the ends of its lines written as `\\n`.
pub(crate) fn pem_text(text: &str) -> Pem {
    Pem::Text(Secret(text.replace("\\n", "\n")))
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// Decodes what is encoded with percent signs; what is not well encoded stays as it is.
fn decode(text: &str) -> String {
    percent::decode(text)
        .unwrap_or(Cow::Borrowed(text))
        .into_owned()
}

#[cfg(test)]
mod tests;
