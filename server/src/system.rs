//! The server's own paths: health, readiness, metrics, the CA's certificate, the front page.

use crate::metrics;
use crate::observe::Observer;
use bytes::Bytes;
use http::header::WWW_AUTHENTICATE;
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use larder_access::Admission;
use larder_door::door::{Door, RefusalContext};
use larder_door::{Answer, ClientView, Incoming};
use larder_metadata::Metadata;
use larder_model::{Kind, Permission, Problem, Reply};
use larder_storage::BlobStore;
use std::sync::Arc;
use std::time::Duration;

const TEXT: &str = "text/plain; charset=utf-8";

/// What its answers need.
pub(crate) struct System {
    pub(crate) metadata: Metadata,
    pub(crate) blobs: BlobStore,
    pub(crate) observer: Arc<Observer>,
    pub(crate) ca: Option<Bytes>,
    pub(crate) metrics: bool,
}

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Endpoint {
    Health,
    Ready,
    Metrics,
    Ca,
}

/// Whoever asks whether the server is ready gets an answer within this time.
const PROBE_TIME: Duration = Duration::from_secs(3);

impl System {
    /// Reaches the database and the store, or says soon that it cannot.
    async fn reach_stores(&self) -> Result<(), Problem> {
        let reach = async {
            self.metadata.ping().await?;
            self.blobs.ping().await.map_err(Problem::from)
        };
        let late = |_| {
            Problem::busy(
                "the database or the store does not answer",
                Duration::from_secs(5),
            )
        };
        tokio::time::timeout(PROBE_TIME, reach)
            .await
            .map_err(late)?
    }
}

impl System {
    /// Whether a path is one of these.
    pub(crate) fn has(path: &str) -> bool {
        ["/healthz", "/readyz", "/metrics", "/ca.crt"].contains(&path)
    }
}

impl Door for System {
    type Endpoint = Endpoint;

    fn parse(&self, request: &Parts) -> Result<Endpoint, Problem> {
        let endpoint = match request.uri.path() {
            "/healthz" => Endpoint::Health,
            "/readyz" => Endpoint::Ready,
            "/metrics" if self.metrics => Endpoint::Metrics,
            "/ca.crt" if self.ca.is_some() => Endpoint::Ca,
            _ => {
                return Err(Problem::not_found(
                    "path",
                    "nothing is here; images are below /v2/",
                ));
            }
        };
        if request.method == http::Method::GET || request.method == http::Method::HEAD {
            return Ok(endpoint);
        }
        Err(Problem::new(
            Kind::Method,
            "method",
            "this method is not for this path",
        ))
    }

    fn permissions(&self, _: &Endpoint) -> Vec<Permission> {
        Vec::new()
    }

    async fn answer(
        &self,
        admission: Admission,
        endpoint: Endpoint,
        _: &Parts,
        _: &ClientView,
        _: &mut Incoming,
    ) -> Result<Answer, Problem> {
        let ok = |body: String| Reply::new(StatusCode::OK).with_body(TEXT, body);
        Ok(Answer::Reply(match endpoint {
            Endpoint::Health => ok("ok\n".to_owned()),
            Endpoint::Ready => {
                self.reach_stores().await?;
                ok("ready\n".to_owned())
            }
            Endpoint::Metrics => {
                require_superuser(&admission)?;
                Reply::new(StatusCode::OK).with_body(metrics::CONTENT, self.observer.text())
            }
            Endpoint::Ca => Reply::new(StatusCode::OK).with_body(
                "application/x-pem-file",
                self.ca.clone().unwrap_or_default(),
            ),
        }))
    }

    fn refuse(&self, problem: &Problem, _: &RefusalContext<'_>) -> Reply {
        let status = problem.status();
        let reply = Reply::new(status).with_body(TEXT, format!("{}\n", problem.detail));
        if problem.kind == Kind::Unauthenticated {
            return reply.with(
                WWW_AUTHENTICATE,
                HeaderValue::from_static("Basic realm=\"larder\", charset=\"UTF-8\""),
            );
        }
        reply
    }
}

/// Metrics tell of everyone's work: they are for superusers, or for a listener of their own.
fn require_superuser(admission: &Admission) -> Result<(), Problem> {
    if admission.principal().is_superuser() {
        return Ok(());
    }
    if admission.principal().user.is_none() {
        return Err(Problem::new(
            Kind::Unauthenticated,
            "access",
            "log in as a superuser to see metrics",
        ));
    }
    Err(Problem::new(
        Kind::Denied,
        "access",
        "metrics are for superusers; telemetry.metrics_listen opens a listener for them",
    ))
}
