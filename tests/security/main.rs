//! Classes of weaknesses that servers like this one had, and that this one has not: a module for
//! each class, named after it.

mod browser;

mod browser_headers;
mod csrf;
mod first_password;
mod one_time;
mod redirects;
