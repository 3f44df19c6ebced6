//! Refs: names for objects (gitglossary, "ref"; git-check-ref-format).

use crate::oid::Oid;
use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::str::FromStr;

/// The name of the branch that a clone checks out.
pub const HEAD: &str = "HEAD";
/// Where branches are.
pub const BRANCHES: &str = "refs/heads/";
/// Where tags are.
pub const TAGS: &str = "refs/tags/";
/// The most bytes of a name.
const MAX_NAME: usize = 1000;

/// A well-formed name below `refs/`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RefName(Box<str>);

/// A text that is no name of a ref.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadRefName;

impl RefName {
    /// Its text.
    pub const fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is a branch.
    pub fn is_branch(&self) -> bool {
        self.0.starts_with(BRANCHES)
    }

    /// Whether it is a tag.
    pub fn is_tag(&self) -> bool {
        self.0.starts_with(TAGS)
    }
}

impl FromStr for RefName {
    type Err = BadRefName;

    fn from_str(text: &str) -> Result<Self, BadRefName> {
        let is_below = text.starts_with("refs/");
        let is_short = text.len() <= MAX_NAME;
        let has_bad_marks = text.contains("..") || text.contains("@{") || text.ends_with('.');
        if is_below && is_short && !has_bad_marks && text.split('/').all(is_component) {
            Ok(Self(text.into()))
        } else {
            Err(BadRefName)
        }
    }
}

/// Whether a name may have this between its slashes.
fn is_component(text: &str) -> bool {
    let is_bad = |char: char| char.is_ascii_control() || " ~^:?*[\\".contains(char);
    let is_lock = text
        .rsplit_once('.')
        .is_some_and(|(_, end)| end.eq_ignore_ascii_case("lock"));
    !text.is_empty() && !text.starts_with('.') && !is_lock && !text.contains(is_bad)
}

/// Names are ordered and compared by their texts.
impl Borrow<str> for RefName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RefName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for BadRefName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the name of a ref")
    }
}

impl std::error::Error for BadRefName {}

/// What a ref stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    /// The object.
    pub oid: Oid,
    /// What an annotated tag is of.
    pub peeled: Option<Oid>,
}

/// All refs of a repository.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Refs {
    /// The ref that HEAD stands for, which need not be there: the branch of a repository without
    /// commits.
    pub head: Option<RefName>,
    /// The object that HEAD is, where it stands for no ref.
    pub detached: Option<Oid>,
    /// The refs by their names.
    pub names: BTreeMap<RefName, Target>,
}

impl Refs {
    /// The object that HEAD is.
    pub fn head_oid(&self) -> Option<&Oid> {
        match &self.head {
            Some(name) => self.names.get(name).map(|target| &target.oid),
            None => self.detached.as_ref(),
        }
    }

    /// The ref beside which there can be none of this name, since clients keep refs as files in folders: `a`
    /// beside `a/b`.
    pub fn in_the_way_of(&self, name: &RefName) -> Option<&RefName> {
        let text = name.as_str();
        let mut slashes = text.match_indices('/');
        let above = slashes.find_map(|(at, _)| self.names.get_key_value(text.get(..at)?));
        let below = format!("{text}/");
        let from = (Bound::Included(&*below), Bound::Unbounded);
        let next = self.names.range::<str, _>(from).next();
        let below = next.filter(|(other, _)| other.as_str().starts_with(&below));
        above.or(below).map(|(other, _)| other)
    }

    /// The objects that refs stand for, each once.
    pub fn tips(&self) -> Vec<&Oid> {
        let mut tips: Vec<&Oid> = self.names.values().map(|target| &target.oid).collect();
        tips.extend(self.detached.as_ref());
        tips.sort_unstable();
        tips.dedup();
        tips
    }
}

#[cfg(test)]
mod tests;
