//! The challenge that a registry sends to a client without a token (RFC 9110 11.6.1, with the
//! parameters of Docker's token authentication).

/// The endpoint that issues tokens, and the parameters of a request to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Challenge {
    /// The token endpoint's URL.
    pub realm: String,
    /// The service that accepts the token.
    pub service: String,
    /// The access that the token must grant.
    pub scope: String,
}

impl Challenge {
    /// Reads a `WWW-Authenticate` header; `None` if it is no bearer challenge.
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

    /// Whether the credentials of a registry at `host` may be sent to a token endpoint at
    /// `realm_host`: the same host, the registry's parent domain, or a host below that.
    pub fn is_near(host: &str, realm_host: &str) -> bool {
        let (host, realm) = (host.to_ascii_lowercase(), realm_host.to_ascii_lowercase());
        if host == realm {
            return true;
        }
        let Some((_, parent)) = host.split_once('.') else {
            return false;
        };
        let labels: Vec<&str> = parent.split('.').collect();
        // `example.co.uk` is the parent domain of `reg.example.co.uk`; `co.uk` is not a parent domain
        // of `reg.co.uk`, because others share it.
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
