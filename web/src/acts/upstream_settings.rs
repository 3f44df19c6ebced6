//! Settings of a mirror's upstream: where it is, and what lets us in there. Secrets go in and never
//! out.

use crate::state::ApiState;
use larder_api as api;
use larder_keys::{ClientCertificate, TrustedKeys, expires_at, read_authorities};
use larder_model::upstream::AbsentStatuses;
use larder_model::{Problem, RepoPath, UpstreamSettings};
use std::num::NonZeroU32;

/// Characters of an address, a name, a password.
const LONGEST: usize = 2000;
/// Origins of an upstream.
const MAX: usize = 50;

/// An upstream's settings with what is changed.
pub(crate) fn apply(
    state: &ApiState,
    path: &RepoPath,
    change: api::UpstreamChange,
    before: Option<UpstreamSettings>,
) -> Result<UpstreamSettings, Problem> {
    require_tokens(path, change.token_origins.as_deref())?;
    require_lists(path, change.mirror_list.as_deref())?;
    let list = change
        .mirror_list
        .as_deref()
        .filter(|list| !list.is_empty());
    let list = list.map(list_address).transpose()?;
    let url = match (change.url.as_deref(), &list) {
        (Some(url), _) => Some(address(url)?),
        // Whose list it is, theirs is the login.
        (None, Some(list)) => Some(address(folder_of(list))?),
        (None, None) => None,
    };
    let url = url
        .or_else(|| before.as_ref().map(|before| before.url.clone()))
        .ok_or_else(|| Problem::invalid("url", "the body lacks `url`"))?;
    // Credentials are for the place they were given for: with another address they are gone, as is
    // the rest. What vouches for its packages does so wherever they come from.
    let (same, other) = match before {
        Some(before) if before.url == url => (Some(before), None),
        before => (None, before),
    };
    let mut upstream = same.unwrap_or_else(|| {
        let other = other.unwrap_or_default();
        UpstreamSettings {
            url,
            checksum_log: other.checksum_log,
            vulnerabilities: other.vulnerabilities,
            trusted_keys: other.trusted_keys,
            ..UpstreamSettings::default()
        }
    });
    if change.mirror_list.is_some() {
        upstream.mirror_list = list;
    }
    if let Some(name) = short("username", change.username)? {
        upstream.username = Some(name).filter(|name| !name.is_empty());
    }
    if let Some(password) = short("password", change.password)? {
        upstream.password = match &*password {
            "" => None,
            password => Some(state.gate.close_password(password, &upstream.url)?),
        };
    }
    show_certificate(
        state,
        &mut upstream,
        change.client_certificate.as_deref(),
        change.client_key.as_deref(),
    )?;
    if let Some(authorities) = change.ca_certificate {
        upstream.ca_certificate = match &*authorities {
            "" => None,
            authorities => Some(read_authorities(authorities)?),
        };
    }
    if let Some(keys) = change.trusted_keys {
        upstream.trusted_keys = trusted_keys(path, keys)?;
    }
    if let Some(allowed) = change.allow_private {
        upstream.allow_private = allowed;
    }
    if let Some(allow) = change.allow {
        upstream.allow = origins(&allow)?;
    }
    if let Some(token_origins) = change.token_origins {
        upstream.token_origins = origins(&token_origins)?;
    }
    if let Some(limit) = change.requests_per_minute {
        upstream.requests_per_minute = NonZeroU32::new(limit);
    }
    if let Some(statuses) = change.absent_statuses {
        upstream.absent_statuses = absent_statuses(statuses)?;
    }
    upstream.answer_time = change.answer_time.apply(upstream.answer_time);
    let beside = Beside {
        key: change.checksum_database,
        url: change.checksum_database_url,
        except: change.checksum_database_except,
        vulnerabilities: change.vulnerability_database,
    };
    beside.apply(path, &mut upstream)?;
    Ok(upstream)
}

/// The keys of which one is to have signed an upstream's metadata; an empty text is none.
fn trusted_keys(path: &RepoPath, keys: String) -> Result<Option<String>, Problem> {
    if keys.trim().is_empty() {
        return Ok(None);
    }
    let protocol = larder_mirrors::of(path.protocol);
    if protocol.is_none_or(|protocol| protocol.sets().is_none()) {
        let detail = format!(
            "`trusted_keys` is for mirrors whose upstreams sign what tells of their packages, which \
             those of {} do not",
            path.protocol
        );
        return Err(Problem::invalid("trusted_keys", detail));
    }
    TrustedKeys::read(&keys)?;
    Ok(Some(keys))
}

/// Sets the certificate that is shown to an upstream, its key, or both. Of one that is given alone
/// the other one stays, and has to belong to it.
fn show_certificate(
    state: &ApiState,
    upstream: &mut UpstreamSettings,
    certificate: Option<&str>,
    key: Option<&str>,
) -> Result<(), Problem> {
    let (certificate, key) = match (certificate, key) {
        (None, None) => return Ok(()),
        (Some(""), None | Some("")) | (None, Some("")) => {
            upstream.client_certificate = None;
            upstream.client_key = None;
            return Ok(());
        }
        given => given,
    };
    if !upstream.url.starts_with("https://") {
        let detail = "a client certificate is shown over https alone: the upstream's address \
            begins with http://";
        return Err(Problem::invalid("client_certificate", detail));
    }
    let certificate = certificate.or(upstream.client_certificate.as_deref());
    let certificate = certificate.ok_or_else(|| {
        let detail = "`client_certificate` is missing: the key is that of a certificate";
        Problem::invalid("client_certificate", detail)
    })?;
    let key = match key {
        Some(key) => key.to_owned(),
        None => state.gate.open_client_key(upstream).ok_or_else(|| {
            let detail = "`client_key` is missing: a certificate is shown with its private key";
            Problem::invalid("client_key", detail)
        })?,
    };
    let both = ClientCertificate::read(certificate, &key)?;
    upstream.client_key = Some(state.gate.close_client_key(&both.key, &upstream.url)?);
    upstream.client_certificate = Some(both.certificates);
    Ok(())
}

/// An upstream, without its secrets.
pub(crate) fn show(upstream: UpstreamSettings) -> api::Upstream {
    let certificate = upstream.client_certificate;
    api::Upstream {
        url: upstream.url,
        mirror_list: upstream.mirror_list,
        username: upstream.username,
        has_password: upstream.password.is_some(),
        client_certificate_expires_at: certificate.as_deref().and_then(expires_at),
        client_certificate: certificate,
        ca_certificate: upstream.ca_certificate,
        trusted_keys: upstream.trusted_keys,
        allow_private: upstream.allow_private,
        allow: upstream.allow,
        token_origins: upstream.token_origins,
        requests_per_minute: upstream.requests_per_minute,
        absent_statuses: upstream.absent_statuses,
        answer_time: upstream.answer_time,
        checksum_database: upstream.checksum_log.as_ref().map(|log| log.key.clone()),
        checksum_database_url: upstream.checksum_log.as_ref().and_then(|it| it.url.clone()),
        checksum_database_except: upstream.checksum_log.map_or_else(Vec::new, |it| it.except),
        vulnerability_database: upstream.vulnerabilities,
    }
}

/// What stands beside an upstream, and is changed with it.
struct Beside {
    key: Option<String>,
    url: Option<String>,
    except: Option<Vec<String>>,
    vulnerabilities: Option<String>,
}

impl Beside {
    fn apply(self, path: &RepoPath, upstream: &mut UpstreamSettings) -> Result<(), Problem> {
        let protocol = larder_mirrors::of(path.protocol);
        if let Some(text) = self.vulnerabilities {
            let has_any = protocol.is_some_and(larder_mirrors::Protocol::has_vulnerabilities);
            if !has_any && !text.is_empty() {
                return Err(not_of(path, "vulnerability_database"));
            }
            let wanted = Some(text).filter(|text| !text.is_empty());
            upstream.vulnerabilities = wanted.as_deref().map(address).transpose()?;
        }
        if self.key.as_deref() == Some("") {
            upstream.checksum_log = None;
        }
        let before = upstream.checksum_log.take();
        let key = short("checksum_database", self.key)?.filter(|key| !key.is_empty());
        let more = self.url.is_some() || self.except.is_some();
        // With another key the rest begins anew.
        let same = before.filter(|before| key.as_ref().is_none_or(|key| *key == before.key));
        let Some(key) = key.or_else(|| same.as_ref().map(|same| same.key.clone())) else {
            let is_empty = self.url.is_none_or(|url| url.is_empty())
                && self.except.is_none_or(|except| except.is_empty());
            return if more && !is_empty {
                let detail = "`checksum_database` is missing: the name of a database and its key";
                Err(Problem::invalid("checksum_database", detail))
            } else {
                Ok(())
            };
        };
        let mut log = same.unwrap_or_default();
        log.key = key;
        if let Some(url) = self.url {
            let wanted = Some(url).filter(|url| !url.is_empty());
            log.url = wanted.as_deref().map(address).transpose()?;
        }
        if let Some(except) = self.except {
            log.except = patterns(except)?;
        }
        let logs = protocol.and_then(larder_mirrors::Protocol::logs);
        logs.ok_or_else(|| not_of(path, "checksum_database"))?
            .open(&log)?;
        upstream.checksum_log = Some(log);
        Ok(())
    }
}

/// Patterns of packages, each a short word.
fn patterns(list: Vec<String>) -> Result<Vec<String>, Problem> {
    let plain = |byte: u8| byte.is_ascii_graphic() && !b",[]\\".contains(&byte);
    let fits = |text: &&String| {
        let stars = text.bytes().filter(|byte| *byte == b'*').count();
        text.len() <= LONGEST && stars <= 8 && text.bytes().all(plain)
    };
    if list.len() > MAX || !list.iter().all(|text| fits(&text)) {
        let detail = "`checksum_database_except` is a list of patterns such as corp.example/*";
        return Err(Problem::invalid("checksum_database_except", detail));
    }
    Ok(list.into_iter().filter(|text| !text.is_empty()).collect())
}

/// The problem of a setting for another protocol.
fn not_of(path: &RepoPath, key: &'static str) -> Problem {
    let detail = format!(
        "`{key}` is for mirrors whose clients have one, which those of {} have not",
        path.protocol
    );
    Problem::invalid(key, detail)
}

/// Fails if a list of mirrors is named for a protocol that has none.
fn require_lists(path: &RepoPath, list: Option<&str>) -> Result<(), Problem> {
    let protocol = larder_mirrors::of(path.protocol);
    let has_lists = protocol.is_some_and(|protocol| protocol.mirror_lists().is_some());
    if has_lists || list.is_none_or(str::is_empty) {
        return Ok(());
    }
    let detail = format!(
        "`mirror_list` is for upstreams whose clients have lists of mirrors, which those of {} have not",
        path.protocol
    );
    Err(Problem::invalid("mirror_list", detail))
}

/// Fails if token endpoints are named for a protocol whose upstreams have none.
fn require_tokens(path: &RepoPath, origins: Option<&[String]>) -> Result<(), Problem> {
    let protocol = larder_mirrors::of(path.protocol);
    let has_tokens = protocol.is_some_and(|protocol| protocol.token_scope("").is_some());
    if has_tokens || origins.is_none_or(<[String]>::is_empty) {
        return Ok(());
    }
    let detail =
        "`token_origins` is for mirrors of images: other upstreams have no token endpoints";
    Err(Problem::invalid("token_origins", detail))
}

/// The answers that mean that something is not there.
fn absent_statuses(statuses: Vec<u16>) -> Result<AbsentStatuses, Problem> {
    AbsentStatuses::try_from(statuses)
        .map_err(|error| Problem::invalid("absent_statuses", format!("`absent_statuses`: {error}")))
}

/// The first so many origins, each as it is kept.
fn origins(list: &[String]) -> Result<Vec<String>, Problem> {
    list.iter().take(MAX).map(|text| address(text)).collect()
}

fn short(key: &'static str, text: Option<String>) -> Result<Option<String>, Problem> {
    let wrong = |text: &String| text.len() > LONGEST || text.chars().any(char::is_control);
    match text {
        Some(text) if wrong(&text) => Err(Problem::invalid(
            key,
            format!("`{key}` is one short line of text"),
        )),
        text => Ok(text),
    }
}

/// The address of a list of mirrors as it is kept: with its query, which says of which repository.
fn list_address(text: &str) -> Result<String, Problem> {
    let place = text.split(['?', '#']).next().unwrap_or_default();
    address(place)?;
    require_no_variable(text)?;
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"#\\<>\"`{}|^".contains(&byte);
    if text.len() > LONGEST || !text.bytes().all(plain) {
        let detail = "a list's address is scheme, host, an optional port, a path and a query";
        return Err(Problem::invalid("mirror_list", detail));
    }
    Ok(text.to_owned())
}

/// The folder in which a list is.
fn folder_of(list: &str) -> &str {
    let place = list.split('?').next().unwrap_or(list);
    let (above, _) = place.rsplit_once('/').unwrap_or((place, ""));
    // Of one right below its host the host is all there is.
    if above.ends_with('/') { place } else { above }
}

/// Fails if an address has a variable of a client's configuration in it.
fn require_no_variable(text: &str) -> Result<(), Problem> {
    let begins = |rest: &&str| rest.starts_with(|char: char| char == '{' || char.is_alphabetic());
    let Some(rest) = text.split('$').skip(1).find(begins) else {
        return Ok(());
    };
    let end = rest.find(|char: char| !(char.is_alphanumeric() || "_{}".contains(char)));
    let name = &rest[..end.unwrap_or(rest.len())];
    let detail = format!(
        "an upstream's address holds the variable ${name}, which only its clients know: write what \
         it stands for there, as 9 or x86_64, or the part of the address before it"
    );
    Err(Problem::invalid("upstream", detail))
}

/// An address as it is kept: `http` or `https`, with a slash at its end, and nothing that is no
/// place. What cargo puts before the address of an index is understood.
fn address(text: &str) -> Result<String, Problem> {
    let text = text.strip_prefix("sparse+").unwrap_or(text);
    let wrong = |why: &str| Problem::invalid("upstream", format!("an upstream's address {why}"));
    let (scheme, rest) = text
        .split_once("://")
        .ok_or_else(|| wrong("begins with https:// or http://"))?;
    if !matches!(scheme, "http" | "https") {
        return Err(wrong("begins with https:// or http://"));
    }
    require_no_variable(text)?;
    let authority = rest.split('/').next().unwrap_or_default();
    if authority.contains('@') {
        return Err(wrong(
            "holds no user and password; give `username` and `password` of their own",
        ));
    }
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"?#\\<>\"`{}|^".contains(&byte);
    if authority.is_empty() || text.len() > LONGEST || !text.bytes().all(plain) {
        return Err(wrong("is scheme, host, an optional port and a path"));
    }
    let end = if text.ends_with('/') { "" } else { "/" };
    Ok(format!("{text}{end}"))
}

#[cfg(test)]
mod tests;
