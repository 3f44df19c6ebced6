//! Entity tags (RFC 9110 8.8.3) of what the API shows, and the lists of them in conditions.

use http::HeaderValue;
use http::header::{GetAll, HeaderName};
use larder_model::{Algorithm, Digest, Problem, hex};
use serde::Serialize;

/// Tags of one list that are looked at.
const MAX: usize = 100;
/// Bytes of the digest that make a tag: two states never share one by chance.
const BYTES: usize = 16;

/// What of an answer a condition is about, where the answer tells of counts too.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct SettledState(String);

impl SettledState {
    /// The state that this tells of.
    pub(crate) fn of<T: Serialize>(state: &T) -> Result<Self, Problem> {
        let bytes = serde_json::to_vec(state).map_err(Problem::internal)?;
        Ok(Self(short_digest(&bytes)))
    }
}

fn short_digest(bytes: &[u8]) -> String {
    let digest = Digest::of(Algorithm::Sha256, bytes);
    let bytes = digest.bytes();
    hex::encode(&bytes[..BYTES.min(bytes.len())])
}

/// A strong tag: the same bytes have the same, and no others. Of an answer that tells of counts it
/// begins with that of its settled state and a point.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct EntityTag(String);

impl EntityTag {
    /// The tag of a representation.
    pub(crate) fn of(body: &[u8], settled: Option<&SettledState>) -> Self {
        let body = short_digest(body);
        Self(match settled {
            Some(SettledState(state)) => format!("{state}.{body}"),
            None => body,
        })
    }

    /// What a change is held to.
    fn state(text: &str) -> &str {
        text.split('.').next().unwrap_or_default()
    }

    /// The tag as `ETag` has it.
    pub(crate) fn header(&self) -> Result<HeaderValue, Problem> {
        HeaderValue::try_from(format!("\"{}\"", self.0)).map_err(Problem::internal)
    }
}

/// The states that a condition names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Tags {
    /// `*`: any.
    Any,
    /// Those of these tags; whether one is weak.
    These(Vec<(bool, String)>),
}

impl Tags {
    /// Reads the values of a header; `None` if there are none.
    pub(crate) fn read(
        values: GetAll<'_, HeaderValue>,
        about: &'static str,
        name: &HeaderName,
    ) -> Result<Option<Self>, Problem> {
        let wrong = || {
            let detail = format!(
                "`{name}` is * or a list of at most {MAX} entity tags, each as ETag had it: \"…\""
            );
            Problem::invalid(about, detail)
        };
        let mut tags = Vec::new();
        for value in values {
            let text = value.to_str().map_err(|_| wrong())?.trim();
            if text == "*" {
                return Ok(Some(Self::Any));
            }
            tags.extend(list(text).ok_or_else(wrong)?);
        }
        match tags.len() {
            0 => Ok(None),
            count if count > MAX => Err(wrong()),
            _ => Ok(Some(Self::These(tags))),
        }
    }

    /// Whether one is of the same settled state, and strong (RFC 9110 8.8.3.2): for changes.
    pub(crate) fn name_strongly(&self, tag: &EntityTag) -> bool {
        match self {
            Self::Any => true,
            Self::These(tags) => tags
                .iter()
                .any(|(weak, text)| !weak && EntityTag::state(text) == EntityTag::state(&tag.0)),
        }
    }

    /// Whether one is this tag: for what is only shown.
    pub(crate) fn name(&self, tag: &EntityTag) -> bool {
        match self {
            Self::Any => true,
            Self::These(tags) => tags.iter().any(|(_, text)| *text == tag.0),
        }
    }
}

/// The tags of a list; `None` if it is none. A comma may stand within a tag.
fn list(mut text: &str) -> Option<Vec<(bool, String)>> {
    let mut tags = Vec::new();
    loop {
        text = text.trim_start_matches([' ', '\t', ',']);
        if text.is_empty() {
            return Some(tags).filter(|tags| !tags.is_empty());
        }
        let (weak, rest) = match text.strip_prefix("W/") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (tag, rest) = rest.strip_prefix('"')?.split_once('"')?;
        let rest = rest.trim_start();
        if !rest.is_empty() && !rest.starts_with(',') {
            return None;
        }
        tags.push((weak, tag.to_owned()));
        text = rest;
    }
}

#[cfg(test)]
mod tests;
