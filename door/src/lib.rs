//! The edge of HTTP: the one door that every request passes, and how an answer becomes a response.
//!
//! Knows: heads, bodies, ranges, validators, the order of a request's steps, what a client sees of us.
//! Must never know: what a protocol's paths mean, SQL, how credentials are checked.
//!
//! Order of every request: parse, identify, admit, answer or refuse. A door's `answer` cannot be
//! called without an [`Admission`](larder_access::Admission), which the gate alone makes.

pub mod body;
pub mod forwarded;
mod client_view;
pub mod dates;
pub mod head;
pub mod incoming;
pub mod overlay;
pub mod range;
mod multipart;
pub mod session_cookie;

pub mod answer;
pub mod door;

pub use answer::{Answer, BlobAnswer, Lasts, ReadyResponse, Refusals, Streaming};
pub use body::Body;
pub use client_view::ClientView;
pub use dates::Changed;
pub use door::{Door, DoorResponse, FOR_ONE_CALLER, METHODS, RefusalContext, open};
pub use incoming::{Incoming, LentBody};
pub use multipart::ContentStream;
pub use overlay::Overlay;
