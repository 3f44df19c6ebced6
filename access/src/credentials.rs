//! Reading the `Authorization` header (RFC 9110 11, RFC 7617, RFC 6750).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use crate::secret::PREFIX;

/// What a client shows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Shown {
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
pub(crate) fn read(header: &str) -> Option<Shown> {
    let header = header.trim();
    if header.starts_with(PREFIX) {
        return Some(Shown::Token(header.to_owned())); // cargo sends the bare token
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
            return Some(Shown::Nothing);
        }
        if password.starts_with(PREFIX) {
            return Some(Shown::Token(password.to_owned()));
        }
        return Some(Shown::Password {
            name: name.to_owned(),
            password: password.to_owned(),
        });
    }
    if scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token") {
        let token = rest.to_owned();
        return Some(if token.starts_with(PREFIX) {
            Shown::Token(token)
        } else {
            Shown::Bearer(token)
        });
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let password = Shown::Password {
            name: "alice".into(),
            password: "a:b".into(),
        };
        assert_eq!(read("Basic YWxpY2U6YTpi"), Some(password));
        let token = || Some(Shown::Token("lrd_x".into()));
        assert_eq!(read("lrd_x"), token());
        assert_eq!(read("Bearer lrd_x"), token());
        assert_eq!(read("basic YW55OmxyZF94"), token());
        assert_eq!(read("Basic Og=="), Some(Shown::Nothing));
        assert_eq!(read("Bearer a.b.c"), Some(Shown::Bearer("a.b.c".into())));
        for bad in [
            "",
            "Basic",
            "Basic !!",
            "Basic YWxpY2U=",
            "Digest x",
            "Basic /////w==",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
