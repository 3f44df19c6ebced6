//! A text that no log and no page may show.

use std::fmt;

/// A password or key. It cannot be displayed, its debug form is redacted, and it cannot be
/// compared, so that no comparison leaks its length in time.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text from view.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one call that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

#[cfg(test)]
mod tests;
