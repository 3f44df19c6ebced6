//! The challenges that a registry sends to a client without a login (RFC 9110 11.6.1, with the
//! parameters of Docker's token authentication).

/// How a registry wants its clients to say who they are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Challenge {
    /// With a token of a token endpoint.
    Bearer(TokenRequest),
    /// With name and password.
    Basic,
}

/// The endpoint that issues tokens, and the parameters of a request to it.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct TokenRequest {
    /// The token endpoint's URL.
    pub realm: String,
    /// The service that accepts the token.
    pub service: String,
    /// The access that the token must grant.
    pub scope: String,
}

/// One challenge of a list: its scheme, and its parameters in lower case.
struct Raw<'a> {
    scheme: &'a str,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// The challenge to be answered, of the values of all `WWW-Authenticate` headers: the first for
    /// a token wherever it stands, else one for name and password. `None`: there is neither.
    pub fn choose<'a>(values: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut takes_basic = false;
        for raw in values.into_iter().flat_map(read) {
            if raw.scheme.eq_ignore_ascii_case("bearer") {
                if let Some(request) = TokenRequest::of(raw) {
                    return Some(Self::Bearer(request));
                }
            } else {
                takes_basic |= raw.scheme.eq_ignore_ascii_case("basic");
            }
        }
        takes_basic.then_some(Self::Basic)
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

impl TokenRequest {
    /// What the parameters say; `None` where they name no endpoint.
    fn of(raw: Raw<'_>) -> Option<Self> {
        let mut request = Self::default();
        for (name, value) in raw.parameters {
            match name.as_str() {
                "realm" => request.realm = value,
                "service" => request.service = value,
                "scope" => request.scope = value,
                _ => {}
            }
        }
        (!request.realm.is_empty()).then_some(request)
    }
}

/// Reads a list of challenges. A word that an `=` follows is a parameter of the challenge before it,
/// any other one begins the next: so a comma between challenges is told from one between
/// parameters. What cannot be read ends the list.
fn read(value: &str) -> Vec<Raw<'_>> {
    let (mut challenges, mut rest) = (Vec::<Raw<'_>>::new(), value);
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let end = rest.find(|c: char| !is_token(c)).unwrap_or(rest.len());
        if end == 0 {
            return challenges;
        }
        let word;
        (word, rest) = rest.split_at(end);
        let Some(after) = rest.trim_start().strip_prefix('=') else {
            challenges.push(Raw {
                scheme: word,
                parameters: Vec::new(),
            });
            rest = skip_token68(rest);
            continue;
        };
        let Some((text, next)) = parameter_value(after.trim_start()) else {
            // The challenge is not told whole, so it is none.
            challenges.pop();
            return challenges;
        };
        rest = next;
        let Some(challenge) = challenges.last_mut() else {
            return challenges;
        };
        challenge.parameters.push((word.to_ascii_lowercase(), text));
    }
}

/// A character of a token (RFC 9110 5.6.2).
const fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(
            c,
            '!' | '#'
                | '$'
                | '%'
                | '&'
                | '\''
                | '*'
                | '+'
                | '-'
                | '.'
                | '^'
                | '_'
                | '`'
                | '|'
                | '~'
        )
}

/// What follows a scheme, without the one word that some schemes have in place of parameters
/// (`token68`).
fn skip_token68(after_scheme: &str) -> &str {
    let rest = after_scheme.trim_start_matches(' ');
    if rest.len() == after_scheme.len() {
        return after_scheme;
    }
    let word = rest.trim_start_matches(|c: char| is_token(c) || c == '/');
    let end = word.trim_start_matches('=');
    let is_word = word.len() < rest.len();
    if is_word && (end.is_empty() || end.trim_start().starts_with(',')) {
        end
    } else {
        rest
    }
}

/// The value of a parameter, quoted or not, and what follows it; `None` if its quote does not end.
fn parameter_value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        return Some((text[..end].to_owned(), &text[end..]));
    };
    let (mut value, mut escaped) = (String::new(), false);
    for (at, c) in quoted.char_indices() {
        match c {
            _ if escaped => {
                value.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return Some((value, &quoted[at + 1..])),
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests;
