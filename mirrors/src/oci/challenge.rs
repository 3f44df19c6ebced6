//! A registry's answer to whoever shows no token (RFC 9110 11.6.1 with the parameters of Docker's
//! token flow).

/// Where a token is to be had, and for what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Challenge {
    /// The token endpoint's address.
    pub realm: String,
    /// Who the token is for.
    pub service: String,
    /// What it is to allow.
    pub scope: String,
}

impl Challenge {
    /// Reads a `WWW-Authenticate` header; `None` if it offers no bearer token.
    pub fn read(header: &str) -> Option<Self> {
        let (scheme, mut rest) = header.trim().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let mut challenge = Self {
            realm: String::new(),
            service: String::new(),
            scope: String::new(),
        };
        while let Some((key, after)) = rest.split_once('=') {
            let (value, after) = match after.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"')?,
                None => after.split_once(',').unwrap_or((after, "")),
            };
            match key
                .trim()
                .trim_start_matches(',')
                .trim()
                .to_ascii_lowercase()
                .as_str()
            {
                "realm" => value.clone_into(&mut challenge.realm),
                "service" => value.clone_into(&mut challenge.service),
                "scope" => value.clone_into(&mut challenge.scope),
                _ => {}
            }
            rest = after;
        }
        (!challenge.realm.is_empty()).then_some(challenge)
    }

    /// Whether a registry at `host` may name a token endpoint at `realm_host` for its credentials:
    /// the same host, or one below the domain that the registry's host is directly below.
    pub fn is_near(host: &str, realm_host: &str) -> bool {
        let (host, realm) = (host.to_ascii_lowercase(), realm_host.to_ascii_lowercase());
        if host == realm {
            return true;
        }
        let Some((_, parent)) = host.split_once('.') else {
            return false;
        };
        let labels: Vec<&str> = parent.split('.').collect();
        // Of `reg.example.co.uk` the domain is `example.co.uk`; of `reg.co.uk` it is not `co.uk`.
        let shared_suffix = match labels.as_slice() {
            [second, last] => last.len() == 2 && second.len() <= 3,
            [] | [_] => true,
            _ => false,
        };
        let is_address = host
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
        !shared_suffix && !is_address && (realm == parent || realm.ends_with(&format!(".{parent}")))
    }
}
