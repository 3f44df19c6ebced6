//! The screens: each reads what it shows by the API, and does by the API what its forms ask for.

use crate::language::Language;

pub(crate) mod appearance;
pub(crate) mod confirm;
pub(crate) mod accounts;
pub(crate) mod connect_lines;
pub(crate) mod lines;
pub(crate) mod login;
pub(crate) mod place;
pub(crate) mod tokens;

pub(crate) mod connect;
pub(crate) mod addresses;
pub(crate) mod search;

pub(crate) mod deletion;
pub(crate) mod catalog;
pub(crate) mod about;
pub(crate) mod package;
pub(crate) mod image;
pub(crate) mod compare;
pub(crate) mod contents;

pub(crate) mod jobs;
pub(crate) mod upstreams;
pub(crate) mod policies;
pub(crate) mod retention;
pub(crate) mod cleanup;
pub(crate) mod trash;
pub(crate) mod scrub;
pub(crate) mod backups;
pub(crate) mod storage;
pub(crate) mod system;
pub(crate) mod licences;
pub(crate) mod dashboard;

pub(crate) mod grants;
pub(crate) mod profile;
pub(crate) mod sessions;
pub(crate) mod audit;
pub(crate) mod denied;
pub(crate) mod can;
pub(crate) mod users;
pub(crate) mod groups;
pub(crate) mod robots;

pub(crate) mod typed;
pub(crate) mod repositories;
pub(crate) mod setup;

/// A number of things, as texts take it.
pub(crate) fn as_count(number: &usize) -> u64 {
    *number as u64
}

/// The class of the chip that tells how something ended.
pub(crate) fn result_class(result: &str) -> &'static str {
    match result {
        "ok" => "ok",
        "refused" => "warn",
        _ => "danger",
    }
}

/// The word for how something ended.
pub(crate) fn result_word<'a>(t: &Language, result: &'a str) -> &'a str {
    match result {
        "ok" => t.audit_ok(),
        "refused" => t.audit_refused(),
        "failed" => t.audit_failed(),
        other => other,
    }
}

#[cfg(test)]
mod tests;
