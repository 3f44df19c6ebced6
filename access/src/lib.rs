//! Who is asking, and what they may do.
//!
//! Knows: credentials, users, grants, tokens, and the rules in force.
//! Must never know: what a protocol's paths mean, SQL, where bytes lie, how a response is sent.
//!
//! An [`Admission`] is made only by [`Gate::admit`]: who holds one was let in.

mod credentials;
mod turns;
mod passwords;
mod rules;
mod principal;
mod allowed;
mod refusals;
mod rate_limit;
mod throttle;
mod remembered;

mod policy;
mod people;
pub mod token;

#[cfg(test)]
mod standing;

pub mod events;
pub mod denied;

mod noted_uses;
mod gate;
mod trail;
mod identify;
pub mod sessions;
pub mod sign_in;
mod tokens;

pub use allowed::Allowed;
pub use denied::{Asked, Denied};
pub use events::Events;
pub use gate::{Admission, Gate, Settings};
pub use people::Person;
pub use policy::PolicySnapshot;
pub use principal::{Ground, Principal, TokenScope, scopes_to_json};
pub use rate_limit::{Rate, RateLimiter};
pub use sessions::NewSession;
pub use sign_in::LoginRequest;
pub use tokens::{NewToken, is_read_only};
