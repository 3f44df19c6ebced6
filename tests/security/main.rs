//! Classes of faults that servers like this one had: a module for each, which proves that it is not
//! here, or says where that is proved.

mod callers;

mod bearer_forgery;
mod enumeration;
mod hidden_names;
mod proxy_headers;
mod revocation;
mod robots;
mod scope_escalation;
