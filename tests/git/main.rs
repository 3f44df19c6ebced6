//! Git repositories with the real client: hosted, mirrored and grouped, what goes wrong with them, and what is
//! kept.

mod alone;
mod bed;
mod bundled;
mod confusion;
mod connected;
mod first;
mod hosted;
mod kept;
mod large;
mod large_said;
mod many;
mod mirrored;
mod needed;
mod pushed;
mod raced;
mod said;
mod servers;
mod stampede;
mod upkeep;
mod wrong;
