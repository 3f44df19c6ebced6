//! The screens: each reads what it shows by the API, and does by the API what its forms ask for.

pub(crate) mod menu;

pub(crate) mod place;
pub(crate) mod lines;

pub(crate) mod appearance;
pub(crate) mod login;
pub(crate) mod jobs;
pub(crate) mod upstreams;
pub(crate) mod policies;
pub(crate) mod retention;
pub(crate) mod cleanup;
pub(crate) mod trash;
pub(crate) mod scrub;
pub(crate) mod backups;
pub(crate) mod storage;
pub(crate) mod dashboard;
pub(crate) mod search;

pub(crate) mod deletion;
pub(crate) mod catalog;
pub(crate) mod package;
pub(crate) mod image;
pub(crate) mod compare;
pub(crate) mod contents;
