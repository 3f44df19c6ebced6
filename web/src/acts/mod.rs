//! What the API does: one function for each call. Its arguments are what it needs of the request,
//! read and judged before it runs ([`extract`](crate::extract)); its value is what it answers. The
//! annotation above it is its part of the OpenAPI document: `x-right` names the right it needs,
//! `x-codes` the problems that are its own.

mod upstream_settings;
mod repository_settings;
mod scope;
mod series;

pub(crate) mod audit;
pub(crate) mod denied;
pub(crate) mod document;
pub(crate) mod jobs;
pub(crate) mod backups;
pub(crate) mod quotas;
pub(crate) mod repositories;
pub(crate) mod reservations;
pub(crate) mod retention;
pub(crate) mod trash;
pub(crate) mod schedules;
pub(crate) mod collection;
pub(crate) mod scrub;
pub(crate) mod sessions;
pub(crate) mod settings;
pub(crate) mod statistics;
pub(crate) mod system;
pub(crate) mod tokens;
pub(crate) mod users;
pub(crate) mod groups;
pub(crate) mod robots;

mod sources;
mod blocks;

pub(crate) mod clients;
pub(crate) mod grants;
pub(crate) mod rights;
pub(crate) mod upstreams;

mod images;

pub(crate) mod downloads;
pub(crate) mod versions;
pub(crate) mod abouts;

pub(crate) mod copies;
pub(crate) mod tags;
pub(crate) mod deletions;
pub(crate) mod packages;
pub(crate) mod publications;
pub(crate) mod refresh;
pub(crate) mod search;
