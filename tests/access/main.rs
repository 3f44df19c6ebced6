//! Rights: every call and every route for every kind of caller.

mod house;

mod api;
mod images;
mod keys;
mod tokens;
