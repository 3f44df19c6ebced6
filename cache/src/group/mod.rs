//! Groups: which members answer for a name, and one repo made of those of the members.
//!
//! A name that is published in a hosted member, or was, is never taken from a mirror, whoever asks and
//! in whichever order the members are. Nothing falls through: a hosted member that the caller may not
//! read refuses the names that it has or had, a mirror that the caller may not read refuses every name
//! that no member before it has, and a member that was deleted refuses all. Each such refusal is the
//! answer for a name that is nowhere, so nobody learns names from it.

mod members;
mod groups;
mod shared;
mod group_responder;
mod merged_state;
mod merged_index;
mod origin;
mod set_responder;
mod merged_responder;

pub(crate) use group_responder::GroupResponder;
pub(crate) use groups::Groups;
pub(crate) use members::{Members, Owners, nowhere};
pub(crate) use merged_responder::{MergedParts, MergedResponder};
pub(crate) use shared::SharedPackages;
