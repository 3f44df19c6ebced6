//! What is wrong with the configuration, and where it was written.

use std::fmt;
use std::sync::Arc;

/// Where a setting was written. The order is the order of a report.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A file as a whole, because it cannot be read.
    Whole(Arc<str>),
    /// A point in a file.
    File {
        /// The path of the file as it was given.
        name: Arc<str>,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
    },
    /// An environment variable, by name.
    Variable(String),
    /// A command line flag, with its dashes.
    Flag(&'static str),
    /// Nowhere: the default holds.
    Default,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(name) => f.write_str(name),
            Self::File { name, line, column } => write!(f, "{name}:{line}:{column}"),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(flag) => f.write_str(flag),
            Self::Default => f.write_str("default"),
        }
    }
}

/// One mistake. Its text never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// Where it was written.
    pub place: Place,
    /// What is wrong and what would be right, in one line.
    pub text: String,
}

impl Fault {
    /// A mistake at a place.
    pub(crate) fn new(place: &Place, text: impl Into<String>) -> Self {
        Self {
            place: place.clone(),
            text: text.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

/// Every mistake that was found, one a line when displayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    faults: Vec<Fault>,
}

impl ConfigError {
    /// The mistakes in the order in which they are read: the file from top to bottom, the
    /// environment, the flags.
    pub(crate) fn new(mut faults: Vec<Fault>) -> Self {
        faults.sort();
        faults.dedup();
        Self { faults }
    }

    /// The mistakes: at least one.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, fault) in self.faults.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}
