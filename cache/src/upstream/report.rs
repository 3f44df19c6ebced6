//! The problem of a request to an upstream that failed: one sentence for all who ask.
//!
//! Where an upstream is may be known to those who look after its mirror only, so it is named by the
//! mirror's name. The log names the host.

use super::failure::{Failure, Fault};
use super::guard::Forbidden;
use super::logins::Identity;
use super::remote::Upstream;
use larder_model::{Kind, Problem};
use std::error::Error;
use std::fmt;
use std::time::Duration;
use url::Url;

/// Characters of a file's name in it.
const MAX_NAME: usize = 120;
/// Segments of a path in it where the last one says little.
const SEGMENTS: usize = 3;

/// Where something went wrong, for the log.
#[derive(Debug)]
struct Whereabouts {
    origin: String,
    advice: String,
    source: Option<reqwest::Error>,
}

impl fmt::Display for Whereabouts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {}{}", self.origin, self.advice)
    }
}

impl Error for Whereabouts {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.source.as_ref();
        source.map(|source| source as &(dyn Error + 'static))
    }
}

impl Upstream {
    /// A request failed; it may be made again after `left`. `file`: what was wanted.
    pub(super) fn failed(&self, failure: Failure, left: Duration, file: &str) -> Problem {
        let problem = match failure.fault {
            Fault::BrokeOff => {
                let source = failure.source.as_ref();
                let silent = source.is_none_or(reqwest::Error::is_timeout);
                let kind = if silent {
                    Kind::Unreachable
                } else {
                    Kind::Upstream
                };
                let subject = self.subject(&failure.url);
                let detail = format!("{subject} broke off in the middle of {file}");
                Problem::new(kind, "upstream", detail)
            }
            fault => {
                let said = failure.said.map(|said| format!(" ({said})"));
                let what = format!("{fault}{}", said.unwrap_or_default());
                self.asked_again(self.kind_of(fault), &failure.url, &what, file, left)
            }
        };
        problem.because(self.at(&failure.url, failure.source))
    }

    /// Nothing is asked at `url` for now.
    pub(super) fn paused(&self, url: &Url, fault: Fault, left: Duration, file: &str) -> Problem {
        self.asked_again(self.kind_of(fault), url, &fault.to_string(), file, left)
            .because(self.at(url, None))
    }

    /// What a fault means to clients. Those of packages wait for a service that is unavailable, and
    /// give up where they are told that they ask too often; those of images know both.
    fn kind_of(&self, fault: Fault) -> Kind {
        if fault.is_limit() && self.protocol.tells_limits() {
            Kind::TooMany
        } else {
            Kind::Unreachable
        }
    }

    /// The upstream wants another login than it was shown, or any.
    pub(super) fn refuses_login(
        &self,
        url: &Url,
        status: u16,
        identity: Identity,
        file: &str,
    ) -> Problem {
        let name = &self.name;
        let what = match identity {
            Identity::Ourselves => {
                format!("refuses {file} ({status}): it wants other credentials than it was given")
            }
            Identity::Withheld => format!(
                "wants a login for {file} at a place that is not given the credentials of {name}: \
                 larder upstream check {name} tells which"
            ),
            Identity::Nobody => format!(
                "wants a login for {file}, and {name} has none for it: \
                 larder upstream check {name} tells more"
            ),
        };
        self.useless(Kind::UpstreamPolicy, url, &what)
    }

    /// The upstream did what a sentence says, and may be asked again.
    pub(super) fn asked_again(
        &self,
        kind: Kind,
        url: &Url,
        what: &str,
        file: &str,
        left: Duration,
    ) -> Problem {
        let subject = self.subject(url);
        let seconds = left.as_millis().div_ceil(1000).max(1);
        let detail = format!("{subject} {what}; {file} is asked for again in {seconds} s");
        let mut problem = Problem::new(kind, "upstream", detail);
        let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
        problem.retry_after = Some(Duration::from_secs(seconds));
        problem
    }

    /// The upstream answered, or leads somewhere, so that it is of no use to ask again.
    pub(super) fn useless(&self, kind: Kind, url: &Url, what: &str) -> Problem {
        Problem::new(kind, "upstream", format!("{} {what}", self.subject(url)))
            .because(self.at(url, None))
    }

    /// What leads to an address that the guard refuses. That is nothing that it did.
    pub(super) fn forbidden(&self, url: &Url, file: &str) -> Problem {
        let name = &self.name;
        let detail = if self.is_own(url) {
            format!(
                "the upstream of {name} has a private address, which nobody allowed (allow_private)"
            )
        } else {
            format!("the upstream of {name} has {file} at an address that may not be asked (allow)")
        };
        let host = url.origin().ascii_serialization();
        Problem::new(Kind::Upstream, "upstream", detail).because(Forbidden(host))
    }

    /// Who did something. Where another host is the upstream alone says.
    fn subject(&self, url: &Url) -> String {
        if self.is_own(url) {
            format!("the upstream of {}", self.name)
        } else {
            format!("a host that the upstream of {} names", self.name)
        }
    }

    fn at(&self, url: &Url, source: Option<reqwest::Error>) -> impl Error + Send + Sync + 'static {
        let origin = url.origin().ascii_serialization();
        let own = self.is_own(url);
        let advice = if self.clients.avoids_proxies(url, own) {
            format!(
                " (without the proxy; to ask it through that: larder repo set {} --allow {origin})",
                self.name
            )
        } else {
            String::new()
        };
        Whereabouts {
            origin,
            advice,
            source,
        }
    }

    /// The name of what is asked for: its path below the upstream's address, else the file's alone.
    pub(super) fn file_of(&self, url: &str) -> String {
        let Ok(url) = self.base.join(url) else {
            return "it".to_owned();
        };
        let own = Some(url.path()).filter(|_| self.is_own(&url));
        let path = own
            .and_then(|path| path.strip_prefix(self.base.path()))
            .unwrap_or_else(|| end_of(url.path()))
            .trim_end_matches('/');
        match path.char_indices().nth(MAX_NAME) {
            _ if path.is_empty() => "its root".to_owned(),
            Some((end, _)) => format!("{}…", &path[..end]),
            None => path.to_owned(),
        }
    }
}

/// The end of a path that tells which file it is: its name, or where that has no ending what is
/// before it too.
fn end_of(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    let name = path.rsplit('/').next().unwrap_or(path);
    if name.contains('.') {
        return name;
    }
    let begin = path.rmatch_indices('/').nth(SEGMENTS - 1);
    begin.map_or(path.trim_start_matches('/'), |(at, _)| &path[at + 1..])
}

#[cfg(test)]
mod tests;
