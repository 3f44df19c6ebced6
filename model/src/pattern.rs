//! Patterns of grants: literal text in which `*` stands for any run of characters, `/` included.

use crate::names::{BadName, name};

name!(
    /// A pattern such as `oci/team-*` or `@acme/*`. A type apart from names, so that nobody matches
    /// with a plain name.
    Pattern, check
);

fn check(text: &str) -> Result<(), BadName> {
    if text.is_empty() || text.len() > 512 || text.chars().any(char::is_control) {
        return Err(BadName(
            "a pattern has 1 to 512 bytes and no control characters",
        ));
    }
    if text.bytes().filter(|&byte| byte == b'*').count() > 8 {
        return Err(BadName("a pattern has at most 8 stars"));
    }
    Ok(())
}

impl Pattern {
    /// The pattern that stands for everything.
    pub fn all() -> Self {
        Self("*".into())
    }

    /// Whether the pattern stands for everything, by its text alone.
    pub fn is_all(&self) -> bool {
        self.as_str() == "*"
    }

    /// Whether it stands for more than one text.
    pub fn is_pattern(&self) -> bool {
        self.as_str().contains('*')
    }

    /// What every text begins with that it stands for: all before the first star.
    pub fn beginning(&self) -> &str {
        let text = self.as_str();
        text.find('*').map_or(text, |star| &text[..star])
    }

    /// Whether the pattern stands for `text`.
    pub fn matches(&self, text: &str) -> bool {
        matches(self.as_str().as_bytes(), text.as_bytes())
    }

    /// Whether this pattern stands for everything that `other` stands for, as far as text alone can
    /// show: true is certain, false may be overcautious.
    pub fn covers(&self, other: &Self) -> bool {
        // A star in `other` is matched like any character: only our own star can stand for it.
        matches(self.as_str().as_bytes(), other.as_str().as_bytes())
    }
}

/// Greedy matching with one way back: linear but for the text between two stars.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut back = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            back = Some((p + 1, t));
            p += 1;
        } else if pattern.get(p) == Some(&text[t]) {
            p += 1;
            t += 1;
        } else if let Some((after_star, from)) = back {
            back = Some((after_star, from + 1));
            p = after_star;
            t = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests;
