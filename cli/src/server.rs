//! A server's address, in one spelling.

use crate::failure::Failure;
use reqwest::Url;
use std::fmt;

/// A server's address: `http` or `https`, a host, perhaps a port and a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server(Url);

impl Server {
    /// Reads an address.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let wrong = |why: &str| {
            Failure::Usage(format!(
                "{text:?} is no address of a server: {why}; write it as https://larder.example"
            ))
        };
        let mut url: Url = text
            .trim()
            .parse()
            .map_err(|error| wrong(&format!("{error}")))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(wrong("it begins with http:// or https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("user and password do not belong in it"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("it ends with the path"));
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self(url))
    }

    /// The address of a call. Segments and values are encoded here, and nowhere else.
    pub(crate) fn call(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Url, Failure> {
        let mut url = self.0.clone();
        let no_base = |()| Failure::Usage("the address of the server cannot have paths".to_owned());
        url.path_segments_mut()
            .map_err(no_base)?
            .pop_if_empty()
            .extend(["api", "v1"])
            .extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    /// The address of one of its own pages.
    pub(crate) fn page(&self, name: &str) -> Result<Url, Failure> {
        let mut url = self.0.clone();
        let no_base = |()| Failure::Usage("the address of the server cannot have paths".to_owned());
        let mut path = url.path_segments_mut().map_err(no_base)?;
        path.pop_if_empty().push(name);
        drop(path);
        Ok(url)
    }

    /// Whether bytes to it are encrypted.
    pub(crate) fn is_secure(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Whether it is this machine.
    pub(crate) fn is_local(&self) -> bool {
        let host = self
            .0
            .host_str()
            .unwrap_or_default()
            .trim_matches(['[', ']']);
        host == "localhost"
            || host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests;
