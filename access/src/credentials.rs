//! Reading the `Authorization` header (RFC 9110 11, RFC 7617, RFC 6750).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use larder_keys::secret::PREFIX;

/// What a client shows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Credentials {
    /// Neither a name nor a password: some clients send that when they have none.
    Nothing,
    /// A name and a password, which may be a token.
    Password { name: String, password: String },
    /// One of our long-lived tokens.
    Token(String),
    /// A bearer token of the token endpoint.
    Bearer(String),
}

/// Reads a header's value; `None` if it is in no form that we know.
pub(crate) fn read(header: &str) -> Option<Credentials> {
    let header = header.trim();
    if header.starts_with(PREFIX) {
        return Some(Credentials::Token(header.to_owned())); // cargo sends the bare token
    }
    let (scheme, rest) = header.split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("basic") {
        let decoded = STANDARD
            .decode(rest)
            .or_else(|_| STANDARD_NO_PAD.decode(rest))
            .ok()?;
        let text = String::from_utf8(decoded).ok()?;
        let (name, password) = text.split_once(':')?;
        if name.is_empty() && password.is_empty() {
            return Some(Credentials::Nothing);
        }
        if password.starts_with(PREFIX) {
            return Some(Credentials::Token(password.to_owned()));
        }
        return Some(Credentials::Password {
            name: name.to_owned(),
            password: password.to_owned(),
        });
    }
    if scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token") {
        let token = rest.to_owned();
        return Some(if token.starts_with(PREFIX) {
            Credentials::Token(token)
        } else {
            Credentials::Bearer(token)
        });
    }
    None
}

#[cfg(test)]
mod tests;
