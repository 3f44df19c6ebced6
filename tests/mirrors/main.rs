//! Mirrors of package registries, beside upstreams that are made up: what is kept, what is asked,
//! what is refused.

mod backends;
mod bed;
mod blocked;
mod breaker;
mod changes;
mod check;
mod flaps;
mod fresh;
mod hostile;
mod images;
mod images_wrong;
mod kept;
mod lens;
mod paths;
mod reach;
mod secure;
mod security;
mod stampede;
mod unusual;
mod wrong;
