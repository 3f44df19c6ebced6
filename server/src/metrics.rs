//! A listener of its own for metrics, for networks where whoever reaches it may read them.

use crate::observe::Observer;
use http::header::CONTENT_TYPE;
use http::{Response, StatusCode};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// The media type of the Prometheus text exposition (`OpenMetrics` 1.0).
pub(crate) const CONTENT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Scrapers at once.
const CONNECTIONS: usize = 16;
const HEADER_TIME: Duration = Duration::from_secs(10);

/// Answers `/metrics` for ever.
pub(crate) async fn serve(listener: TcpListener, observer: Arc<Observer>) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
            return;
        };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a scraper could not be accepted");
                continue;
            }
        };
        let observer = Arc::clone(&observer);
        tokio::spawn(async move {
            let answer = service_fn(|request: http::Request<hyper::body::Incoming>| {
                let known = request.uri().path() == "/metrics";
                let text = if known {
                    observer.text()
                } else {
                    "metrics are at /metrics\n".to_owned()
                };
                let mut response = Response::new(Full::new(bytes::Bytes::from(text)));
                *response.status_mut() = if known {
                    StatusCode::OK
                } else {
                    StatusCode::NOT_FOUND
                };
                let content = if known { CONTENT } else { "text/plain" };
                response
                    .headers_mut()
                    .insert(CONTENT_TYPE, http::HeaderValue::from_static(content));
                async move { Ok::<_, Infallible>(response) }
            });
            let mut builder = http1::Builder::new();
            builder
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_TIME);
            if let Err(error) = builder.serve_connection(TokioIo::new(stream), answer).await {
                tracing::debug!(%error, "a scraper's connection broke");
            }
            drop(slot);
        });
    }
}
