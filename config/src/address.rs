//! Kinds of settings that say where something is on the network.

use std::net::SocketAddr;
use std::path::Path;

use crate::kind::{Kind, Wrong, quoted};
use crate::secret::Secret;
use crate::url::Url;
use crate::written::{Raw, Written};
use larder_model::nearest::nearest;
use larder_model::{Network, NotANetwork};

impl Kind for SocketAddr {
    type Value = Self;

    fn read(written: &Written, _: &Path) -> Result<Self, Wrong> {
        let text = match &written.raw {
            Raw::Text(text) | Raw::Loose(text) | Raw::Bare(text) => text,
            _ => "",
        };
        let address = written.text().and_then(|text| text.parse().ok());
        address.ok_or_else(|| Wrong::value(written, &not_an_address(text)))
    }

    fn show(value: &Self) -> String {
        quoted(value)
    }
}

/// Reads an address and a port, or says how they are written.
pub fn listen_address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| format!("it {}", not_an_address(text)))
}

/// Why a text is no address: a port alone, or a name in the place of the address, is told what was
/// probably meant.
fn not_an_address(text: &str) -> String {
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    let is_port = port.parse::<u16>().is_ok();
    match host {
        "" | "*" if is_port => format!(
            "is not an address; write \"127.0.0.1:{port}\" for this machine alone, or \
             \"0.0.0.0:{port}\" or \"[::]:{port}\" for others too"
        ),
        "localhost" if is_port => {
            format!("is not an address; write \"127.0.0.1:{port}\" or \"[::1]:{port}\"")
        }
        _ => "is not an address; write e.g. \"127.0.0.1:7070\", \"0.0.0.0:7070\", \"[::]:7070\""
            .to_owned(),
    }
}

impl Kind for Network {
    type Value = Self;

    fn read(written: &Written, _: &Path) -> Result<Self, Wrong> {
        match written.text().unwrap_or_default().parse() {
            Ok(network) => Ok(network),
            Err(NotANetwork::Beyond(meant)) => Err(Wrong::value(
                written,
                &format!("has bits beyond its prefix; write \"{meant}\""),
            )),
            Err(NotANetwork::Malformed) => Err(Wrong::value(
                written,
                "is not a network; write e.g. \"10.0.0.0/8\", \"192.0.2.7\", \"fd00::/8\"",
            )),
        }
    }

    fn show(value: &Self) -> String {
        quoted(value)
    }
}

/// The URL of a web server, without a path.
pub struct Origin;

impl Kind for Origin {
    type Value = Url;

    fn read(written: &Written, _: &Path) -> Result<Url, Wrong> {
        const RIGHT: &str =
            "is not the URL of a server; write e.g. \"https://larder.example.org\", without a path";
        read_url(written, RIGHT).and_then(|url| {
            if url.path().is_empty() {
                Ok(url)
            } else {
                Err(Wrong::value(written, RIGHT))
            }
        })
    }

    fn show(value: &Url) -> String {
        quoted(value)
    }
}

/// The URL of a service, perhaps with a path.
impl Kind for Url {
    type Value = Self;

    fn read(written: &Written, _: &Path) -> Result<Self, Wrong> {
        read_url(
            written,
            "is not a URL; write e.g. \"https://objects.example.org:9000\"",
        )
    }

    fn show(value: &Self) -> String {
        quoted(value)
    }
}

/// Reads a URL. What may hold a password is not repeated.
fn read_url(written: &Written, right: &str) -> Result<Url, Wrong> {
    match written.text() {
        Some(text) if text.contains('@') => Err(Wrong::quiet(
            written,
            "a URL holds no user and no password here",
        )),
        text => text
            .and_then(Url::parse)
            .ok_or_else(|| Wrong::value(written, right)),
    }
}

/// The URL of a `PostgreSQL` database, which may hold a password.
pub struct DatabaseUrl;

impl Kind for DatabaseUrl {
    type Value = Secret;

    fn read(written: &Written, _: &Path) -> Result<Secret, Wrong> {
        let text = written.text().unwrap_or_default();
        match text.split_once("://") {
            Some(("postgres" | "postgresql", rest)) if !rest.is_empty() => {
                require_known(written, rest)?;
                Ok(Secret::new(text))
            }
            _ => Err(Wrong::quiet(
                written,
                "not a PostgreSQL URL; write e.g. \"postgres://larder:password@db.example.org/larder\"",
            )),
        }
    }

    fn show(value: &Secret) -> String {
        quoted(without_password(value.expose()))
    }
}

/// What may stand behind the question mark of a database's URL.
const PARAMETERS: [&str; 18] = [
    "application_name",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "load_balance_hosts",
    "options",
    "password",
    "port",
    "sslmode",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
];

/// Fails if a parameter of a database's URL is none, or `sslmode` is no way to encrypt. Values of others
/// are not repeated: one may be a password.
fn require_known(written: &Written, rest: &str) -> Result<(), Wrong> {
    // A stray question mark may stand in a password.
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    let query = place.split_once('?').map_or("", |(_, query)| query);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if !PARAMETERS.contains(&name) {
            let meant = nearest(name, PARAMETERS.iter().copied());
            let meant = meant.map_or_else(
                || format!("known are {}", PARAMETERS.join(", ")),
                |meant| format!("did you mean {meant}?"),
            );
            let text = format!("the URL has the unknown parameter {name:?}; {meant}");
            return Err(Wrong::quiet(written, text));
        }
        let known = ["disable", "prefer", "require"];
        if name == "sslmode" && !known.contains(&value) {
            let text = format!(
                "the URL has sslmode={value}; write disable, prefer or require (where it is \
                 encrypted, the certificate is verified in any case)"
            );
            return Err(Wrong::quiet(written, text));
        }
    }
    Ok(())
}

/// A database URL with `***` for its password. In doubt it hides too much: a stray `@` or `?` may
/// stand in a password.
pub(crate) fn without_password(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", ""));
    let (user, host) = rest
        .rsplit_once('@')
        .map_or((None, rest), |(user, host)| (Some(user), host));
    let host = host
        .split_once('?')
        .map_or_else(|| host.to_owned(), |(host, _)| format!("{host}?***"));
    match user.map(|user| user.split_once(':')) {
        Some(Some((name, _))) => format!("{scheme}://{name}:***@{host}"),
        Some(None) => format!("{scheme}://{}@{host}", user.unwrap_or_default()),
        None => format!("{scheme}://{host}"),
    }
}

#[cfg(test)]
mod tests;
