//! How acts read requests. An extractor either gives what an act needs or refuses the request; an
//! act that asks for a right ([`rights`]) cannot run, and its body is not read, before it is held.
//!
//! What stands in the head comes first in an act's arguments: path and query, then rights, and the
//! body last.

mod json;
mod text_parameters;

pub(crate) mod head;
pub(crate) mod path;

pub(crate) mod audit;
pub(crate) mod denied;
pub(crate) mod body;
pub(crate) mod page;
pub(crate) mod rights;
pub(crate) mod accounts;
