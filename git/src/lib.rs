//! Git repositories: read-only mirrors and hosted ones, over smart HTTP (gitprotocol-http).
//!
//! Knows: the conversation of git, how its objects are packed, the git program that packs them.
//! Must never know: SQL, how a response is sent.

pub mod oid;
pub mod refs;
pub mod pkt_line;

pub mod lfs;

pub mod endpoint;
pub mod advertisement;
pub mod ls_refs;
pub mod fetching;
pub mod wants;
pub mod pushing;
pub mod state;

mod running;
pub mod program;
pub mod workspace;
mod slots;
pub mod repositories;
pub mod receiving;
mod source;
mod bringing;
mod following;
pub mod mirroring;
pub mod large_files;
pub mod behind;
pub mod bundles;
pub mod repacking;
pub mod indexing;

mod body;
mod door;

pub use door::Git;

/// The folder of a server's data in which the repositories are that the git program works in.
pub const FOLDER: &str = "git";
