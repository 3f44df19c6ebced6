//! Real projects, got by real clients from the upstreams that this machine's package managers use:
//! with nothing kept, once more, and then without any upstream, through restarts.
//!
//! Every client begins with empty caches each time, and knows no other way out than the server.

#![expect(clippy::print_stdout, reason = "the figures of each project")]

mod apt;
mod cargo;
mod composer;
mod go;
mod npm;
mod polyglot;
mod pypi;
mod rounds;
mod rpm;
