//! Mirrors of package registries, beside upstreams that are made up: what is kept, what is asked, what is refused.

mod bed;
mod changes;
mod fresh;
mod kept;
mod stampede;
mod wrong;
