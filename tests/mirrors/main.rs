//! Mirrors of package registries, beside upstreams that are made up: what is kept, what is asked,
//! what is refused.

mod absent;
mod backends;
mod bed;
mod blocked;
mod breaker;
mod bytes;
mod changes;
mod check;
mod contents;
mod copies;
mod flaps;
mod fresh;
mod heads;
mod hosts;
mod hostile;
mod images;
mod images_wrong;
mod damaged;
mod kept;
mod lenient;
mod lens;
mod numbers;
mod paths;
mod proxies;
mod reach;
mod registries;
mod registry_lists;
mod refresh;
mod secure;
mod security;
mod slow;
mod stampede;
mod turns;
mod unusual;
mod wrong;
