//! Git repositories with the real client: hosted, mirrored and grouped, what goes wrong with them, and what is
//! kept.

mod bed;
mod bundled;
mod connected;
mod hosted;
mod kept;
mod large;
mod many;
mod mirrored;
mod needed;
mod said;
mod upkeep;
mod wrong;
