//! apt: archives mirrored, published to, and grouped, read by the programs that Debian has for them.

mod archives;
mod by_api;
mod client;
mod group;
mod hosted;
mod mirrored;
mod sources;
mod told;
