//! The test bed: the real binary on a port of its own in a temporary folder, and what it is tested
//! with.
//!
//! Knows: how to start, stop and kill the server; raw HTTP; made-up images, packages and upstreams;
//! which real clients are installed. Must never know: the server's insides. It sees what users see.
//!
//! A client or server that is not installed makes its test skip and say so; with
//! `LARDER_TEST_REQUIRE=all` that is a failure. Nothing here sleeps: every wait is for an event,
//! with a deadline.

#![expect(
    clippy::missing_panics_doc,
    reason = "a test bed panics where a test fails"
)]
#![expect(clippy::print_stdout, reason = "what a failing test tells")]

pub mod names;
pub mod random;
pub mod said;
pub mod tools;

pub mod archive;
pub mod http;
mod secrets;
pub mod larder;

pub mod apart;
mod beside;
pub mod bucket;
pub mod browser;
pub mod engine;
pub mod home;
pub mod postgres;

mod disk;
pub mod lossy;

pub mod image;
pub mod layout;
pub mod pages;

mod asked;
pub mod fault;
pub mod secure;
pub mod upstream;

pub mod checksums;
pub mod debs;
pub mod rpms;
pub mod parcel;
pub mod gits;
pub mod modules;
pub mod shelf;

pub use browser::{Axe, Browser, Window};
pub use bucket::Bucket;
pub use http::{Client, Response, fields};
pub use image::Image;
pub use larder::{Larder, Start};
pub use lossy::Lossy;
pub use postgres::Postgres;
pub use shelf::Shelf;
pub use tools::{run, tool};
pub use upstream::{Fault, Upstream};
