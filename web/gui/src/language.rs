//! The languages of the pages. Each text is a function, made of `text/` when this is built: one that
//! lacks a language, or a placeholder in one, does not compile.

use http::HeaderMap;
use http::header::ACCEPT_LANGUAGE;

/// A language.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Language {
    /// English.
    English,
    /// 简体中文.
    Chinese,
}

include!(concat!(env!("OUT_DIR"), "/text.rs"));

impl Language {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// As HTML has it (BCP 47).
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-Hans",
        }
    }

    /// As the cookie has it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh",
        }
    }

    /// What its own speakers call it.
    pub(crate) const fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Chinese => "简体中文",
        }
    }

    /// The language of that word.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|language| language.word() == word)
    }

    /// The first one that the browser asks for and that there is (RFC 9110 12.5.4, without weights:
    /// browsers list them in order).
    pub(crate) fn of_headers(headers: &HeaderMap) -> Self {
        let asked = headers.get(ACCEPT_LANGUAGE);
        let asked = asked
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let language = |range: &str| {
            let primary = range.trim().split(['-', ';']).next().unwrap_or_default();
            Self::of_word(&primary.to_ascii_lowercase())
        };
        asked.split(',').find_map(language).unwrap_or(Self::English)
    }
}

#[cfg(test)]
mod tests;
