//! The pages in a real browser, and what browsers are sent.
//!
//! - `routes`, `screens`: all that can be opened; a page that is not listed is found.
//! - `wares`, `weeks`, `goods`, `place`: a server as a company would have it.
//! - `looks`: every screen in both languages and themes, narrow, and for people who do not see it.
//! - `plain`, `keyboard`: the same without scripts, and without a mouse.
//! - `guards`: what keeps other sites away from a session.
//! - `payloads`, `hostile`, `authors`: texts from outside stay texts.
//! - `budgets`: what a visit costs.
//! - `pictures`: what `docs/screens` has.

mod routes;
mod clock;
mod wares;
mod weeks;
mod goods;
mod place;
mod screens;
mod looks;
mod plain;
mod keyboard;
mod guards;
mod payloads;
mod hostile;
mod authors;
mod budgets;
mod pictures;
