//! Asking an upstream whether it is there, in a sentence or two for whoever looks after it.

use super::challenges::wants_token;
use super::clients::Clients;
use super::failure::{Failure, Fault, Trouble, causes, is_caused_by};
use super::guard::Forbidden;
use super::hops::Arrival;
use super::remote::Upstream;
use super::request::FetchRequest;
use super::sending::Way;
use super::status::is_failure;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use larder_model::Problem;
use larder_model::ruling::one_line;
use larder_model::upstream::Checked;
use rustls::AlertDescription;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// All of a check takes no longer, unless one answer may.
const CHECK_TIME: Duration = Duration::from_secs(15);
/// So long before its end a client certificate is told of.
const SOON: Duration = Duration::from_hours(30 * 24);

/// What a probe answers.
struct Probed {
    status: StatusCode,
    /// Whether it looks like one of the protocol's.
    is_of_protocol: bool,
    content_type: Option<String>,
    /// Whether it wants a token, which registries give to everyone where they are open.
    wants_token: bool,
    /// The token endpoint that is not given our credentials.
    withheld_from: Option<String>,
}

impl Probed {
    const fn of(status: StatusCode) -> Self {
        Self {
            status,
            is_of_protocol: true,
            content_type: None,
            wants_token: false,
            withheld_from: None,
        }
    }
}

impl Upstream {
    /// Asks for the first of its probes that is there, whether the upstream is given a pause or
    /// not, over a connection of its own.
    pub(crate) async fn check(self: &Arc<Self>) -> Result<Checked, Problem> {
        let checked = Checked {
            tls: self.base.scheme() == "https",
            client_certificate_expires_at: self.certificate_expires_at,
            ..Checked::default()
        };
        if !self.guard.admits(&self.base) {
            return Ok(self.refused(checked));
        }
        let clients = Clients::unpooled(&self.guard, &self.config, &self.certificates)?;
        let began = Instant::now();
        let limit = CHECK_TIME.max(self.answer_time);
        let outcome = tokio::time::timeout(limit, self.first_found(&clients));
        let late = |_| Err(Trouble::failure(&self.base, Fault::Silent, None));
        let outcome = outcome.await.unwrap_or_else(late);
        let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let checked = Checked { took_ms, ..checked };
        Ok(match outcome {
            Ok(found) => self.judge(checked, &found),
            Err(Trouble::Absent) => self.judge(checked, &Probed::of(StatusCode::UNAUTHORIZED)),
            Err(Trouble::Problem(problem)) if is_caused_by::<Forbidden>(&problem) => {
                self.refused(checked)
            }
            Err(Trouble::Problem(problem)) => self.misled(checked, &problem),
            Err(Trouble::Failure(failure)) => self.unreached(checked, &failure),
        })
    }

    /// What the first of the probes that is there answers, else the last.
    async fn first_found(self: &Arc<Self>, clients: &Clients) -> Result<Probed, Trouble> {
        let way = Way {
            clients,
            regardless: true,
        };
        let mut found = Probed::of(StatusCode::NOT_FOUND);
        // Where a list names its mirrors, there is nothing else at its own address.
        let list = self.mirror_list.as_deref();
        let probes = list.as_slice();
        let probes = list.map_or(self.protocol.probes(), |_| probes);
        for path in probes {
            found = self.probe_at(way, path).await?;
            if !self.absent.contains(found.status.as_u16()) {
                break;
            }
        }
        Ok(found)
    }

    /// What a probe answers, to whom it asks for a login as that.
    async fn probe_at(self: &Arc<Self>, way: Way<'_>, path: &str) -> Result<Probed, Trouble> {
        let url = self.base.join(path).map_err(Problem::internal)?;
        let request = FetchRequest::new(path);
        let login = self.first_login("");
        let arrival = self.hop(way, &url, &request, login.as_ref()).await?;
        if let Some(fault) = self.fault_of(&arrival.response, &request) {
            self.note_failure(&arrival.url, fault);
        }
        let mut probed = self.probed(&arrival);
        let is_refused = probed.status == StatusCode::UNAUTHORIZED;
        if !is_refused || !self.waits_for_challenge() || self.authorization.is_none() {
            return Ok(probed);
        }
        let withheld_from = self.withheld_from(way, &request, &arrival.response);
        let withheld_from = withheld_from.await;
        match self.identified(way, &url, &request, arrival).await {
            Ok(arrival) => probed = self.probed(&arrival),
            Err(Trouble::Problem(problem)) if is_caused_by::<Forbidden>(&problem) => {
                return Err(problem.into());
            }
            // It gives no token to whom we are.
            Err(Trouble::Problem(_) | Trouble::Absent) => {}
            Err(failure) => return Err(failure),
        }
        Ok(Probed {
            withheld_from,
            ..probed
        })
    }

    fn probed(&self, arrival: &Arrival) -> Probed {
        let headers = arrival.response.headers();
        let content_type = headers.get(CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        Probed {
            is_of_protocol: self.protocol.recognizes(headers),
            content_type: content_type.map(|text| one_line(text, "")),
            wants_token: self.waits_for_challenge() && wants_token(&arrival.response),
            ..Probed::of(arrival.response.status())
        }
    }

    /// Counts what went wrong at an address. That is the whole of it: a check is a trial itself.
    fn note_failure(&self, url: &Url, fault: Fault) {
        let failure = Failure {
            url: url.clone(),
            fault,
            said: None,
            source: None,
        };
        if self.origins.failed(&failure).is_suspect {
            self.origins.confirmed(&failure);
        }
    }

    /// What an answer means. One that is none of a failure ends the upstream's pause.
    fn judge(&self, mut checked: Checked, found: &Probed) -> Checked {
        if !is_failure(found.status) {
            self.origins.begin_anew();
        }
        let (problem, advice) = self.meaning_of(found).unzip();
        let advice = advice.or_else(|| self.renewal());
        checked.ok = problem.is_none();
        checked.reachable = true;
        checked.status = Some(found.status.as_u16());
        let is_known = found.status.is_success() && found.withheld_from.is_none();
        checked.authenticated = self.has_credentials().then_some(is_known);
        checked.problem = problem;
        checked.advice = advice;
        checked
    }

    /// What is wrong with an answer, and what to do about it; `None`: nothing is.
    fn meaning_of(&self, found: &Probed) -> Option<(String, String)> {
        let name = &self.name;
        if let Some(origin) = &found.withheld_from {
            let problem = format!(
                "its token endpoint {origin} is of another domain, so it is not given the credentials"
            );
            let advice =
                format!("if the logins are there: larder repo set {name} --token-origin {origin}");
            return Some((problem, advice));
        }
        if found.status.is_success() && !found.is_of_protocol {
            let what = found.content_type.as_deref().unwrap_or("no media type");
            let problem = format!(
                "what answers at its address is no registry, but a page of its own ({what})"
            );
            return Some((problem, self.address_advice()));
        }
        // Registries of images ask for a token even where everyone gets one.
        let is_known = self.authorization.is_some();
        if found.status == StatusCode::UNAUTHORIZED && found.wants_token && !is_known {
            return None;
        }
        self.meaning_of_status(found.status)
    }

    /// What to do about an address at which there is nothing.
    fn address_advice(&self) -> String {
        let name = &self.name;
        let mut probes = self.protocol.probes().iter();
        let added =
            |probe: &&&str| !probe.is_empty() && self.base.path().ends_with(&format!("/{probe}"));
        if let Some(probe) = probes.find(added) {
            let base = self.base.as_str();
            let shorter = base.strip_suffix(probe).unwrap_or(base);
            return format!(
                "leave {probe} out of the address, it is added: larder repo set {name} --upstream {shorter}"
            );
        }
        format!("check the address: larder repo set {name} --upstream URL")
    }

    /// What is wrong by a status, and what to do about it; `None`: nothing is.
    fn meaning_of_status(&self, status: StatusCode) -> Option<(String, String)> {
        let known = self.has_credentials();
        let login = self.credentials_advice();
        let address = self.address_advice();
        let (problem, advice) = match status.as_u16() {
            200..=299 => return None,
            // It says so of all that it does not have, and may have what is asked for by name.
            status if self.absent.is_added(status) => return None,
            // So say servers that end TLS by themselves of a handshake without what they want.
            400 if self.base.scheme() == "https" && self.has_certificate => (
                "it answers 400: it may not take the client certificate",
                format!("give another: {}", self.certificate_advice()),
            ),
            400 if self.base.scheme() == "https" => (
                "it answers 400: it may want a client certificate",
                format!("give it one: {}", self.certificate_advice()),
            ),
            401 if known => (
                "it does not take the credentials",
                format!("give others: {login}"),
            ),
            401 => ("it wants a login", format!("give it one: {login}")),
            403 | 451 if known => (
                "it forbids it",
                format!("the credentials may lack a right there: {login}"),
            ),
            403 | 451 => ("it forbids it", format!("it may want a login: {login}")),
            404 | 410 => (
                "there is no repository of this protocol at its address",
                address,
            ),
            code if is_failure(status) => {
                let advice = "try again later; what is kept is served";
                return Some((format!("it fails ({code})"), advice.to_owned()));
            }
            other => {
                let problem = format!("it answers {other}, which makes no sense here");
                return Some((problem, address));
            }
        };
        Some((problem.to_owned(), advice))
    }

    /// An answer came that leads nowhere.
    fn misled(&self, mut checked: Checked, problem: &Problem) -> Checked {
        let name = &self.name;
        let advice = format!(
            "check where it leads: larder repo set {name} --upstream URL, or --allow ORIGIN"
        );
        checked.reachable = true;
        checked.problem = Some(problem.detail.to_string());
        checked.advice = Some(advice);
        checked
    }

    /// No answer came.
    fn unreached(&self, mut checked: Checked, failure: &Failure) -> Checked {
        self.note_failure(&failure.url, failure.fault);
        let (problem, advice) = self
            .refusal_of_certificate(failure)
            .or_else(|| self.end_of_connection(failure))
            .unwrap_or_else(|| explanation(failure));
        checked.problem = Some(problem);
        checked.advice = Some(advice);
        checked
    }

    /// How it is given other credentials than it has.
    fn credentials_advice(&self) -> String {
        if self.has_certificate && self.authorization.is_none() {
            return self.certificate_advice();
        }
        format!(
            "larder repo set {} --username NAME --password-stdin",
            self.name
        )
    }

    fn certificate_advice(&self) -> String {
        format!(
            "larder repo set {} --client-certificate FILE --client-key FILE",
            self.name
        )
    }

    /// What to do about a client certificate that is good now, and ends soon.
    fn renewal(&self) -> Option<String> {
        let end = self.certificate_expires_at?;
        (end < self.clock.now().after(SOON)).then(|| {
            let command = self.certificate_advice();
            format!("its client certificate ends at {end}; give another in time: {command}")
        })
    }

    /// What is wrong where it refused the handshake for what we showed, or did not show, in it.
    fn refusal_of_certificate(&self, failure: &Failure) -> Option<(String, String)> {
        let mut causes = failure.source.iter().flat_map(|error| causes(error));
        let alert = causes.find_map(|cause| match cause.downcast_ref()? {
            rustls::Error::AlertReceived(alert) => Some(*alert),
            _ => None,
        })?;
        let is_refusal = match alert {
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied => true,
            // The signature of the certificate, or ours, is not what it should be.
            AlertDescription::DecryptError => self.has_certificate,
            // Of TLS 1.2: nothing that was offered will do, which may be that none was shown.
            AlertDescription::HandshakeFailure => !self.has_certificate,
            _ => false,
        };
        let command = self.certificate_advice();
        let end = self.certificate_expires_at;
        let problem = match end.filter(|_| self.has_certificate) {
            None => "it wants a client certificate".to_owned(),
            Some(end) if end <= self.clock.now() => {
                format!("its client certificate has ended, at {end}")
            }
            Some(_) => format!("it does not take the client certificate ({alert:?})"),
        };
        is_refusal.then(|| (problem, format!("give one that it takes: {command}")))
    }

    /// What may be wrong where an encrypted connection ends under a request: so may the refusal of a
    /// handshake look, whose alert is lost with it, or comes as a text of HTTP/2.
    fn end_of_connection(&self, failure: &Failure) -> Option<(String, String)> {
        let error = failure.source.as_ref()?;
        let is_explained = is_caused_by::<rustls::Error>(error);
        let is_ended = failure.fault == Fault::Unreachable && !error.is_connect() && !is_explained;
        if self.base.scheme() != "https" || !is_ended {
            return None;
        }
        let why = if self.has_certificate {
            "may not take the client certificate"
        } else {
            "may want a client certificate"
        };
        let problem = format!("it ends the connection without an answer: it {why}");
        Some((problem, format!("if so: {}", self.certificate_advice())))
    }

    /// A private address that nobody allowed: its own, or one that it leads to.
    fn refused(&self, mut checked: Checked) -> Checked {
        let name = &self.name;
        let (problem, option) = if self.guard.trusts(&self.base) {
            (
                "it leads to another place, whose address is private, and was not allowed to be",
                "--allow ORIGIN",
            )
        } else {
            (
                "its address is private, and was not allowed to be",
                "--allow-private",
            )
        };
        checked.problem = Some(problem.to_owned());
        checked.advice = Some(format!(
            "if it is meant, allow it: larder repo set {name} {option}"
        ));
        checked
    }
}

/// The kind of the innermost error of a connection.
fn io_kind(failure: &Failure) -> Option<io::ErrorKind> {
    let causes = failure.source.iter().flat_map(|error| causes(error));
    let errors = causes.filter_map(|cause| cause.downcast_ref::<io::Error>());
    errors.map(io::Error::kind).last()
}

/// What went wrong on the way, and what to do about it.
fn explanation(failure: &Failure) -> (String, String) {
    let error = failure.source.as_ref();
    let causes = || error.into_iter().flat_map(|error| causes(error));
    let innermost = causes().last();
    let (problem, advice) = match (io_kind(failure), innermost) {
        (Some(io::ErrorKind::ConnectionRefused), _) => (
            "nothing listens at its address".to_owned(),
            "does it run, and are host and port right?",
        ),
        (Some(io::ErrorKind::InvalidData), Some(cause)) => (
            format!("no encrypted connection can be made: {cause}"),
            "its certificate must be one that this machine's authorities vouch for",
        ),
        (_, Some(cause)) if failure.fault != Fault::Silent => (
            format!("it cannot be reached: {cause}"),
            "is its name right, does this machine reach it, is there a proxy to go through (HTTPS_PROXY)?",
        ),
        _ => (
            "it does not answer in time".to_owned(),
            "does it run, and does this machine reach it?",
        ),
    };
    (problem, advice.to_owned())
}
