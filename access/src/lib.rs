//! Who is asking, what they may do, and the one door that every request passes.
//!
//! Knows: credentials, users, grants, tokens, and how an answer becomes a response (HEAD, ranges,
//! validators). Must never know: what a protocol's paths mean, SQL, where bytes lie.
//!
//! Order of every request: parse, identify, admit, answer or refuse. A [`Admission`] is made only by
//! [`Gate::admit`], and a door's `answer` cannot be called without one.

pub mod answer;
pub mod body;
pub mod client_view;
mod credentials;
pub mod door;
mod gate;
pub mod incoming;
mod openpgp;
mod passwords;
mod policy;
mod principal;
pub mod range;
pub mod seal;
pub mod secret;
pub mod sign_in;
mod throttle;
pub mod token;
mod tokens;
mod vault;

pub use answer::{Answer, BlobAnswer, Lasts, Streaming};
pub use body::Body;
pub use client_view::ClientView;
pub use door::{Door, DoorResponse, open};
pub use gate::{Admission, Gate, Settings};
pub use incoming::Incoming;
pub use openpgp::SigningKey;
pub use policy::{PolicySnapshot, hub_alias};
pub use principal::{Principal, TokenScope, scopes_to_json};
pub use sign_in::LoginRequest;
pub use tokens::{NewToken, is_read_only};
