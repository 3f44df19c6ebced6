//! The address of a web server.

use std::fmt;
use std::net::Ipv6Addr;

/// An `http` or `https` URL without user, query, fragment or trailing slash.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Url {
    secure: bool,
    authority: String,
    path: String,
}

impl Url {
    /// Reads a URL; `None` if it is not of that shape. Scheme and host become lower case.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let plain =
            |c: char| c.is_ascii_graphic() && !matches!(c, '?' | '#' | '"' | '<' | '>' | '\\');
        if !is_authority(authority) || !path.chars().all(plain) {
            return None;
        }
        let path = path.trim_end_matches('/').to_owned();
        Some(Self {
            secure,
            authority: authority.to_ascii_lowercase(),
            path,
        })
    }

    /// Whether the scheme is `https`.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The host, and the port if one was written.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The path: empty, or with a slash in front and none at the end.
    pub fn path(&self) -> &str {
        &self.path
    }
}

/// Whether a text is a host name or address with an optional port.
fn is_authority(text: &str) -> bool {
    if let Some(rest) = text.strip_prefix('[') {
        return rest
            .split_once(']')
            .is_some_and(|(host, port)| host.parse::<Ipv6Addr>().is_ok() && is_port(port));
    }
    let (host, port) = text.split_at(text.find(':').unwrap_or(text.len()));
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    !host.is_empty() && host.bytes().all(plain) && is_port(port)
}

/// Whether a text is nothing, or a colon and a port.
fn is_port(text: &str) -> bool {
    let right = |digits: &str| {
        digits.bytes().all(|b| b.is_ascii_digit()) && digits.parse().is_ok_and(|n: u16| n > 0)
    };
    text.is_empty() || text.strip_prefix(':').is_some_and(right)
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority, self.path)
    }
}

#[cfg(test)]
mod tests;
