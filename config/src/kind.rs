//! Kinds of settings: how a value is read, and how it is written back.

use std::fmt::Display;
use std::marker::PhantomData;
use std::num::IntErrorKind;
use std::path::{Path, PathBuf};

use crate::fault::Fault;
use crate::secret::Secret;
use crate::written::{Raw, Written};

/// A kind of setting.
pub trait Kind {
    /// What a value becomes.
    type Value;
    /// The entries of a kind that may be written as a table.
    const PARTS: &'static [&'static str] = &[];
    /// Reads a value; `data` is the data directory, for paths below it.
    fn read(written: &Written, data: &Path) -> Result<Self::Value, Wrong>;
    /// The value as TOML, secrets masked.
    fn show(value: &Self::Value) -> String;
}

/// Why a value is not of its kind: one mistake, or one for each wrong entry of a list or table.
#[derive(Debug)]
pub struct Wrong(pub Vec<Fault>);

impl Wrong {
    /// `… is not a duration; write e.g. "30s"`: the value, then the rest of the sentence.
    pub fn value(written: &Written, rest: &str) -> Self {
        Self::quiet(written, format!("{} {rest}", written.literal()))
    }

    /// A sentence that keeps the value to itself.
    pub fn quiet(written: &Written, text: impl Into<String>) -> Self {
        Self(vec![Fault::new(&written.place, text)])
    }

    /// All values, or all that is wrong with any of them.
    pub fn gather<T>(results: impl IntoIterator<Item = Result<T, Self>>) -> Result<Vec<T>, Self> {
        let (mut values, mut faults) = (Vec::new(), Vec::new());
        for result in results {
            match result {
                Ok(value) => values.push(value),
                Err(Self(wrong)) => faults.extend(wrong),
            }
        }
        if faults.is_empty() {
            Ok(values)
        } else {
            Err(Self(faults))
        }
    }
}

/// A text as TOML.
pub fn quoted(text: impl Display) -> String {
    toml::Value::String(text.to_string()).to_string()
}

impl Kind for bool {
    type Value = Self;

    fn read(written: &Written, _: &Path) -> Result<Self, Wrong> {
        match &written.raw {
            Raw::Truth(truth) => Ok(*truth),
            Raw::Loose(text) if text == "true" => Ok(true),
            Raw::Loose(text) if text == "false" => Ok(false),
            _ => Err(Wrong::value(
                written,
                "is neither true nor false; write true or false",
            )),
        }
    }

    fn show(value: &Self) -> String {
        value.to_string()
    }
}

/// A whole number with bounds.
pub struct Count<T, const MIN: u32, const MAX: u32 = { u32::MAX }>(PhantomData<T>);

impl<T: TryFrom<u32> + Display, const MIN: u32, const MAX: u32> Kind for Count<T, MIN, MAX> {
    type Value = T;

    fn read(written: &Written, _: &Path) -> Result<T, Wrong> {
        let digits = match &written.raw {
            Raw::Bare(text) | Raw::Loose(text) => text.as_str(),
            _ => "",
        };
        let too_large = || Wrong::value(written, &format!("is too large; write at most {MAX}"));
        match digits.parse::<i64>() {
            Ok(number) if number < i64::from(MIN) => Err(Wrong::value(
                written,
                &format!("is too small; write at least {MIN}"),
            )),
            Ok(number) => u32::try_from(number)
                .ok()
                .filter(|small| *small <= MAX)
                .and_then(|small| T::try_from(small).ok())
                .ok_or_else(too_large),
            Err(error) if *error.kind() == IntErrorKind::PosOverflow => Err(too_large()),
            Err(_) => Err(Wrong::value(
                written,
                "is not a whole number; write e.g. 100, without quotes",
            )),
        }
    }

    fn show(value: &T) -> String {
        value.to_string()
    }
}

impl Kind for String {
    type Value = Self;

    fn read(written: &Written, _: &Path) -> Result<Self, Wrong> {
        let text = written
            .text()
            .ok_or_else(|| Wrong::value(written, "is not a text; write it in double quotes"))?;
        Ok(text.to_owned())
    }

    fn show(value: &Self) -> String {
        quoted(value)
    }
}

impl Kind for PathBuf {
    type Value = Self;

    fn read(written: &Written, data: &Path) -> Result<Self, Wrong> {
        let text = written
            .text()
            .filter(|text| !text.is_empty() && !text.contains('\0'));
        let text = text.ok_or_else(|| {
            Wrong::value(written, "is not a path; write e.g. \"/var/lib/larder\"")
        })?;
        match text.strip_prefix("<data>") {
            Some("") => Ok(data.to_owned()),
            Some(rest) if rest.starts_with('/') => Ok(data.join(rest.trim_start_matches('/'))),
            _ => Ok(text.into()),
        }
    }

    fn show(value: &Self) -> String {
        quoted(value.display())
    }
}

/// A list; outside a file, its entries are separated by commas.
impl<K: Kind> Kind for Vec<K> {
    type Value = Vec<K::Value>;

    fn read(written: &Written, data: &Path) -> Result<Self::Value, Wrong> {
        match &written.raw {
            Raw::List(entries) => Wrong::gather(entries.iter().map(|entry| K::read(entry, data))),
            Raw::Loose(text) if text.trim().is_empty() => Ok(Vec::new()),
            Raw::Loose(text) => {
                let loose = |entry: &str| Written::loose(written.place.clone(), entry.trim());
                Wrong::gather(text.split(',').map(|entry| K::read(&loose(entry), data)))
            }
            _ => Err(Wrong::value(
                written,
                "is not a list; write it in brackets: [\"…\", \"…\"]",
            )),
        }
    }

    fn show(value: &Self::Value) -> String {
        format!(
            "[{}]",
            value.iter().map(K::show).collect::<Vec<_>>().join(", ")
        )
    }
}

/// A setting without a default: the empty text leaves it unset.
impl<K: Kind> Kind for Option<K> {
    type Value = Option<K::Value>;

    fn read(written: &Written, data: &Path) -> Result<Self::Value, Wrong> {
        if written.is_empty() {
            Ok(None)
        } else {
            K::read(written, data).map(Some)
        }
    }

    fn show(value: &Self::Value) -> String {
        value.as_ref().map_or_else(|| quoted(""), K::show)
    }
}

impl Kind for Secret {
    type Value = Self;

    fn read(written: &Written, _: &Path) -> Result<Self, Wrong> {
        let text = written
            .text()
            .ok_or_else(|| Wrong::quiet(written, "is not a text; write it in double quotes"))?;
        Ok(Self::new(text))
    }

    fn show(_: &Self) -> String {
        quoted("***")
    }
}

#[cfg(test)]
mod tests;
