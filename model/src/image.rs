//! Names of the distribution spec: images, tags and references. Used wherever OCI is spoken.

use crate::digest::Digest;
use crate::names::{BadName, RepoName, is_component, name};
use std::fmt;
use std::str::FromStr;

name!(
    /// A tag: `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}`.
    Tag, check_tag
);

fn check_tag(text: &str) -> Result<(), BadName> {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let bytes = text.as_bytes();
    let good = (1..=128).contains(&bytes.len())
        && word(bytes[0])
        && bytes
            .iter()
            .all(|&byte| word(byte) || byte == b'.' || byte == b'-');
    if good {
        Ok(())
    } else {
        Err(BadName(
            "a tag is 1 to 128 of A-Z, a-z, 0-9, _ . - and begins with none of . -",
        ))
    }
}

/// The mirror whose upstream keeps its own images below [`HUB_OWN`], which people leave out.
const HUB: &str = "docker.io";
const HUB_OWN: &str = "library/";

/// The shorter name that people use for an image of a mirror; `None` if there is none.
pub fn hub_alias<'a>(mirror: &RepoName, image: &'a str) -> Option<&'a str> {
    image
        .strip_prefix(HUB_OWN)
        .filter(|_| mirror.as_str() == HUB)
}

/// The full name of an image of a mirror, which may be named by its [`hub_alias`].
pub fn hub_name(mirror: &RepoName, image: &str) -> String {
    if mirror.as_str() == HUB && !image.contains('/') {
        format!("{HUB_OWN}{image}")
    } else {
        image.to_owned()
    }
}

/// The names of Docker Hub's registry in the addresses of clients, beside [`HUB`].
const HUB_HOSTS: [&str; 2] = ["index.docker.io", "registry-1.docker.io"];

/// The name by which clients call a registry that has this host and port: in lower case, without the
/// port that goes without saying, and one for all of Docker Hub's.
pub fn registry_name(host: &str) -> String {
    let host = host.to_ascii_lowercase();
    let host = host.strip_suffix(":443").unwrap_or(&host);
    if HUB_HOSTS.contains(&host) {
        HUB.to_owned()
    } else {
        host.to_owned()
    }
}

/// The same for the registry at an address: its host, and its port where the scheme has another one.
pub fn registry_name_of(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next()?;
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let plain = Some(host).filter(|_| scheme.eq_ignore_ascii_case("http"));
    let host = plain
        .and_then(|host| host.strip_suffix(":80"))
        .unwrap_or(host);
    (!host.is_empty()).then(|| registry_name(host))
}

/// An image's full name: the repo and the image in it, as in `/v2/<repo>/<image>/…`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ImageName {
    repo: RepoName,
    image: Box<str>,
}

impl ImageName {
    /// The repo: the first segment.
    pub const fn repo(&self) -> &RepoName {
        &self.repo
    }

    /// The image within the repo: all other segments.
    pub fn image(&self) -> &str {
        &self.image
    }
}

impl FromStr for ImageName {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        if text.len() > 255 {
            return Err(BadName("an image's name has at most 255 characters"));
        }
        if !text.split('/').all(is_component) {
            return Err(BadName(
                "an image's name is lower case: a-z, 0-9, and . _ - between them, segments joined by /",
            ));
        }
        let Some((repo, image)) = text.split_once('/') else {
            return Err(BadName(
                "an image's name has two parts here: <repo>/<image>, e.g. team/app",
            ));
        };
        Ok(Self {
            repo: repo.parse()?,
            image: image.into(),
        })
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.repo, self.image)
    }
}

/// What a manifest is asked by.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Reference {
    /// A name that may move.
    Tag(Tag),
    /// The bytes themselves.
    Digest(Digest),
}

impl FromStr for Reference {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        if text.contains(':') {
            let digest = text
                .parse()
                .map_err(|_| BadName("not a digest that is supported here"))?;
            return Ok(Self::Digest(digest));
        }
        text.parse().map(Self::Tag)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => tag.fmt(f),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests;
