//! Classes of weaknesses that servers like this one had: a module for each, named after it, which
//! proves that it is not here, or says where that is proved.

mod browser;
mod callers;

mod access_tokens;
mod ambiguous_heads;
mod archive_paths;
mod at_rest;
mod bearer_forgery;
mod browser_headers;
mod canary_secrets;
mod canonical_names;
mod connections;
mod control_characters;
mod csrf;
mod enumeration;
mod first_password;
mod hidden_names;
mod injected_headers;
mod like_patterns;
mod metrics_rights;
mod one_time;
mod overwrite_races;
mod package_grants;
mod proxy_headers;
mod redirects;
mod revocation;
mod robots;
mod scope_escalation;
