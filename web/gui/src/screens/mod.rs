//! The screens: each reads what it shows by the API, and does by the API what its forms ask for.

pub(crate) mod menu;

pub(crate) mod appearance;
pub(crate) mod dashboard;
pub(crate) mod jobs;
pub(crate) mod login;
