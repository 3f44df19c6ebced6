//! Classes of faults that servers like this one had: a module for each, which proves that it is not
//! here, or says where that is proved.

mod callers;

mod access_tokens;
mod bearer_forgery;
mod canonical_names;
mod canary_secrets;
mod control_characters;
mod enumeration;
mod hidden_names;
mod injected_headers;
mod like_patterns;
mod metrics_rights;
mod overwrite_races;
mod proxy_headers;
mod revocation;
mod robots;
mod scope_escalation;
