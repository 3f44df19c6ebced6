//! The pages in a real browser, and what browsers are sent.
//!
//! - `routes`, `screens`: all that can be opened; a page that is not listed is found.
//! - `looks`: every screen in both languages and themes, narrow, and for people who do not see it.

mod routes;
mod place;
mod screens;
mod looks;
