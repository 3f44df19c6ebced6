//! The go command: its module proxy, its checksum database, and the vulnerability database.

use crate::found::{ChecksumDatabase, DiscoveredUpstream, Place, file};
use crate::machine::Machine;
use std::path::Path;

const NAME: &str = "go";
/// What is asked of the client, in this order.
const SETTINGS: [&str; 5] = ["GOPROXY", "GOSUMDB", "GONOSUMDB", "GOVULNDB", "GOROOT"];
/// Where an installation has the keys of the databases that it knows by name.
const KEYS: &str = "src/cmd/go/internal/modfetch/key.go";
/// What a proxy after the first one is for.
const LATER: &str = "what the proxies before it lack";

/// The settings of a client, each empty if it is not known.
#[derive(Default)]
struct Settings([String; SETTINGS.len()]);

/// What it uses, the default first.
pub(crate) fn look(machine: &Machine) -> Vec<DiscoveredUpstream> {
    let path = machine
        .folder("GOENV")
        .or_else(|| machine.config("go/env"))
        .filter(|path| path != Path::new("off"));
    let text = path.as_ref().and_then(|path| machine.read(path));
    let in_file = |name: &str| of_file(text.as_deref().unwrap_or_default(), name);
    let set = |name: &str| machine.variable(name).or_else(|| in_file(name));
    // What nobody set the client itself knows.
    let asked = asked(machine).unwrap_or_default();
    let of = |name: &str| {
        let number = SETTINGS.iter().position(|known| *known == name);
        let told = || number.map(|number| &*asked.0[number]);
        set(name).or_else(told).unwrap_or_default()
    };
    let except = set("GONOSUMDB").or_else(|| set("GOPRIVATE"));
    let except = except.unwrap_or_else(|| of("GONOSUMDB"));
    let place = match (
        machine.variable("GOPROXY"),
        in_file("GOPROXY"),
        path.as_ref(),
    ) {
        (Some(_), _, _) => Place::Variable("GOPROXY".to_owned()),
        (None, Some(_), Some(path)) => file(path),
        _ => Place::Program("go env GOPROXY"),
    };
    let proxies = of("GOPROXY").split([',', '|']);
    let mut found: Vec<DiscoveredUpstream> = proxies
        .filter_map(|text| DiscoveredUpstream::read(NAME, text, &place))
        .collect();
    let root = Some(of("GOROOT")).filter(|root| !root.is_empty());
    let keys = root.and_then(|root| machine.read(&Path::new(root).join(KEYS)));
    let database = database(of("GOSUMDB"), except, keys.as_deref());
    let vulnerabilities = vulnerabilities(machine, of("GOVULNDB"));
    let netrc = machine
        .folder("NETRC")
        .or_else(|| machine.home(".netrc"))
        .and_then(|path| machine.read(&path));
    for (number, one) in found.iter_mut().enumerate() {
        let netrc = netrc.as_deref().unwrap_or_default();
        let host = host_of(&one.url);
        let name = host.split(':').next().unwrap_or(host);
        let login = login(netrc, host).or_else(|| login(netrc, name));
        if let Some((name, password)) = login {
            *one = one.clone().with(Some(name), Some(password));
        }
        if number > 0 {
            *one = one.clone().only(LATER);
        }
        one.checksums.clone_from(&database);
        one.vulnerabilities.clone_from(&vulnerabilities);
    }
    found
}

/// What the client says of its settings.
fn asked(machine: &Machine) -> Option<Settings> {
    let arguments: Vec<&str> = ["env"].into_iter().chain(SETTINGS).collect();
    let said = machine.run("go", &arguments)?;
    let lines: Vec<&str> = said.out.lines().collect();
    let lines: [&str; SETTINGS.len()] = lines.try_into().ok()?;
    Some(Settings(lines.map(|line| line.trim().to_owned())))
}

/// A setting in the file of `go env -w`.
fn of_file<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let lines = text.lines().map(str::trim);
    let mut set = lines.filter_map(|line| line.split_once('='));
    let (_, value) = set.find(|(key, _)| *key == name)?;
    Some(value.trim_matches('"')).filter(|value| !value.is_empty())
}

/// The database of `GOSUMDB`: a name or a key, and perhaps where it is. `keys`: those that the
/// installation knows.
fn database(text: &str, except: &str, keys: Option<&str>) -> Option<ChecksumDatabase> {
    let mut words = text.split_whitespace();
    let name = words.next().filter(|name| *name != "off")?;
    let key = if name.contains('+') {
        name.to_owned()
    } else {
        let known = keys?.split('"').skip(1).step_by(2);
        let mut known = known.filter_map(|text| text.split_once('+').map(|it| (text, it.0)));
        known.find(|(_, own)| *own == name)?.0.to_owned()
    };
    let except = except.split(',').map(str::trim);
    Some(ChecksumDatabase {
        key,
        url: words.next().map(with_slash),
        except: except
            .filter(|pattern| !pattern.is_empty())
            .map(str::to_owned)
            .collect(),
    })
}

/// The vulnerability database: as it is set, else what its client has as its own.
fn vulnerabilities(machine: &Machine, set: &str) -> Option<String> {
    let is_web = |text: &str| text.starts_with("https://") || text.starts_with("http://");
    if !set.is_empty() {
        return Some(set).filter(|text| is_web(text)).map(with_slash);
    }
    let said = machine.run("govulncheck", &["-h"])?;
    let text = [said.out, said.err].concat();
    let (_, after) = text.split_once("(default \"http")?;
    let (rest, _) = after.split_once('"')?;
    Some(with_slash(&format!("http{rest}"))).filter(|text| is_web(text))
}

fn with_slash(text: &str) -> String {
    let slash = if text.ends_with('/') { "" } else { "/" };
    format!("{text}{slash}")
}

/// The host of an address, with its port if it has one: so this client writes it in a netrc.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}

/// The login and the password that a netrc has for a host.
fn login(text: &str, host: &str) -> Option<(String, String)> {
    let mut words = text.split_whitespace();
    let (mut is_it, mut name, mut password) = (false, None, None);
    while let Some(word) = words.next() {
        match word {
            "machine" | "default" if is_it => break,
            "machine" => is_it = words.next() == Some(host),
            "login" if is_it => name = words.next(),
            "password" if is_it => password = words.next(),
            _ => {}
        }
    }
    Some((name?.to_owned(), password?.to_owned()))
}

#[cfg(test)]
mod tests;
