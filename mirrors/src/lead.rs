//! Where sources that an upstream tells of are had from this server.

use crate::source_path::{self, ENDING};

/// A mirror of repositories of sources: what is below an upstream's address is below a path of this
/// server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lead {
    /// The upstream's address, which ends in a slash.
    pub upstream: String,
    /// The path, without a slash at its end.
    pub path: String,
}

impl Lead {
    /// The path at which the repository at an address is had from this server; `None`: the mirror's
    /// upstream does not have it.
    pub fn to(&self, url: &str) -> Option<String> {
        let (here, below) = split(&self.upstream)?;
        let (there, path) = split(url)?;
        let path = path.strip_prefix(below).filter(|_| here == there)?;
        let path = path.trim_end_matches('/');
        let segments: Vec<&str> = path.split('/').collect();
        let path = source_path::written(&source_path::read(&segments)?);
        Some(format!("{}/{path}{ENDING}", self.path))
    }
}

/// What of an address leads to a server, in one spelling, and the path there. `None`: it is no address on
/// the web, or tells who asks.
fn split(url: &str) -> Option<(String, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let (host, path) = rest.split_once('/')?;
    let scheme = scheme.to_ascii_lowercase();
    let default = match scheme.as_str() {
        "https" => ":443",
        "http" => ":80",
        _ => return None,
    };
    let host = host.to_ascii_lowercase();
    let host = host.strip_suffix(default).unwrap_or(&host);
    let is_host = !host.is_empty() && !host.contains('@');
    is_host.then(|| (format!("{scheme}://{host}"), path))
}

#[cfg(test)]
mod tests;
