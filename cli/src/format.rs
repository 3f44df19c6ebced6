//! The forms in which answers are shown.

use clap::ValueEnum;

/// How an answer is shown.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// Aligned columns, for people.
    #[default]
    Table,
    /// The same with more columns.
    Wide,
    /// The API's JSON.
    Json,
    /// One JSON object a line.
    Ndjson,
    /// Comma-separated values with a header, all columns.
    Csv,
    /// Names or ids alone, one a line.
    Name,
}

impl Format {
    /// The word that chooses it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Wide => "wide",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Name => "name",
        }
    }

    /// Whether a program reads it, and wants failures as objects too.
    pub(crate) const fn is_json(self) -> bool {
        matches!(self, Self::Json | Self::Ndjson)
    }
}
