//! The cookie of a person's session in a browser (RFC 6265). Only doors that ask for it look at it.

use crate::ClientView;
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use larder_access::sessions::LIFE;
use larder_keys::secret::Secret;
use larder_model::Problem;

/// Its name. Where the client sees us over https it is one that a browser takes from this very host
/// alone, and only over https.
fn name(client: &ClientView) -> &'static str {
    if client.is_secure() {
        "__Host-larder_session"
    } else {
        "larder_session"
    }
}

/// The secret in the cookie that a request came with; `None`: it came with none. Of several cookies
/// of that name another host of the domain may have set one: then it is an empty secret, which is
/// nobody's.
pub(crate) fn read<'a>(headers: &'a HeaderMap, client: &ClientView) -> Option<&'a str> {
    let name = name(client);
    let lines = headers.get_all(COOKIE).iter();
    let lines = lines.filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';'));
    let pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
    let mut secrets = pairs
        .filter(|(key, _)| *key == name)
        .map(|(_, secret)| secret);
    let secret = secrets.next()?;
    Some(match secrets.next() {
        Some(_) => "",
        None => secret,
    })
}

/// The `Set-Cookie` header with which a browser keeps a session.
pub fn set(client: &ClientView, secret: &Secret) -> Result<HeaderValue, Problem> {
    write(client, secret.expose(), LIFE.as_secs())
}

/// The `Set-Cookie` header with which a browser forgets it.
pub fn clear(client: &ClientView) -> Result<HeaderValue, Problem> {
    write(client, "", 0)
}

fn write(client: &ClientView, value: &str, seconds: u64) -> Result<HeaderValue, Problem> {
    let name = name(client);
    let secure = if client.is_secure() { "; Secure" } else { "" };
    let cookie =
        format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    let mut cookie = HeaderValue::try_from(cookie).map_err(Problem::internal)?;
    cookie.set_sensitive(true);
    Ok(cookie)
}

#[cfg(test)]
mod tests;
