//! Rights: every call and every route for every kind of caller.

mod house;
mod standing;

mod api;
mod images;
mod keys;
mod routes;
mod methods;
mod tokens;
