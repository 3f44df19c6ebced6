//! One connection: plain or TLS, HTTP/1.1 or HTTP/2, within its limits.

use crate::connection_slots::Guest;
use crate::house::House;
use crate::pace::{Deadlines, OpenRequests, Paced};
use crate::service::{Peer, serve};
use crate::socket::Socket;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use larder_config::Limits;
use larder_door::body::Wire;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

/// A connection's buffer: bodies are read in pieces of at most this size.
const BUFFER_BYTES: usize = 256 * 1024;
/// HTTP/2 windows of a stream and of a connection.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;

/// So long a client is heard that speaks plain HTTP where TLS is spoken.
const PLAIN_TIME: Duration = Duration::from_secs(5);

/// What a connection may take, in time and in size.
#[derive(Clone, Copy)]
pub(crate) struct ConnectionLimits {
    deadlines: Deadlines,
    pub(crate) shutdown_time: Duration,
    header_bytes: u32,
    headers: usize,
    streams: u32,
}

impl ConnectionLimits {
    pub(crate) fn of(limits: &Limits) -> Self {
        Self {
            deadlines: Deadlines::of(limits),
            shutdown_time: limits.shutdown_time,
            header_bytes: u32::try_from(limits.header_size).unwrap_or(u32::MAX),
            headers: limits.headers,
            streams: limits.streams,
        }
    }
}

/// Serves a connection until it ends, it has to make room, or the server stops.
pub(crate) async fn serve_connection(
    house: Arc<House>,
    stream: TcpStream,
    peer: SocketAddr,
    guest: &Guest,
    limits: ConnectionLimits,
    stopping: watch::Receiver<bool>,
) {
    tokio::select! {
        () = talk(house, stream, peer, guest.answering.clone(), limits, stopping) => {}
        () = guest.asked_to_go() => {}
    }
}

async fn talk(
    house: Arc<House>,
    stream: TcpStream,
    peer: SocketAddr,
    answering: OpenRequests,
    limits: ConnectionLimits,
    stopping: watch::Receiver<bool>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection is gone already");
        return;
    }
    let mut peer = Peer {
        address: peer.ip().to_canonical(),
        tls: false,
        wire: None,
        answering: answering.clone(),
    };
    let deadlines = limits.deadlines;
    let Some(config) = house.way.tls.as_ref().map(|tls| tls.config()) else {
        // The kernel sends files itself, for nothing encrypts them.
        let wire = Wire::default();
        let socket = Paced::new(Socket::new(stream, wire.clone()), deadlines, answering);
        peer.wire = Some(wire);
        serve_http1(house, socket, peer, limits, stopping).await;
        return;
    };
    peer.tls = true;
    if speaks_plainly(&stream, deadlines.head).await {
        tell_of_tls(stream).await;
        return;
    }
    // The handshake has as long as a head has.
    let accepting = tokio_rustls::TlsAcceptor::from(config).accept(stream);
    match tokio::time::timeout(deadlines.head, accepting).await {
        Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => {
            let stream = Paced::new(stream, deadlines.of_frames(), answering);
            serve_http2(house, stream, peer, limits, stopping).await;
        }
        Ok(Ok(stream)) => {
            let stream = Paced::new(stream, deadlines, answering);
            serve_http1(house, stream, peer, limits, stopping).await;
        }
        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}

/// Whether what comes first is no TLS handshake (RFC 8446 5.1: a record of type 22).
async fn speaks_plainly(stream: &TcpStream, wait: Duration) -> bool {
    let mut first = [0];
    let peeked = timeout(wait, stream.peek(&mut first)).await;
    matches!(peeked, Ok(Ok(1))) && first != [22]
}

/// Says to a client that speaks plain HTTP what it is to do.
async fn tell_of_tls(mut stream: TcpStream) {
    let text = "this port speaks https: begin the address with https://\n";
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{text}",
        text.len()
    );
    let tell = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await?;
        // What it still sends is heard, so that the answer is not lost.
        let mut unread = [0; 4096];
        while stream.read(&mut unread).await? > 0 {}
        Ok::<_, std::io::Error>(())
    };
    drop(timeout(PLAIN_TIME, tell).await);
}

async fn serve_http1<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    house: Arc<House>,
    stream: Paced<S>,
    peer: Peer,
    limits: ConnectionLimits,
    stopping: watch::Receiver<bool>,
) {
    let answer = |request| {
        let (house, peer) = (Arc::clone(&house), peer.clone());
        async move { Ok::<_, Infallible>(serve(&house, &peer, request).await) }
    };
    let connection = http1::Builder::new()
        .header_read_timeout(None)
        .max_headers(limits.headers)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(TokioIo::new(stream), service_fn(answer));
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(stopping) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

async fn serve_http2<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    house: Arc<House>,
    stream: Paced<S>,
    peer: Peer,
    limits: ConnectionLimits,
    stopping: watch::Receiver<bool>,
) {
    let answer = |request| {
        let (house, peer) = (Arc::clone(&house), peer.clone());
        async move { Ok::<_, Infallible>(serve(&house, &peer, request).await) }
    };
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(limits.header_bytes)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(limits.deadlines.idle)
        .keep_alive_timeout(limits.deadlines.head)
        .serve_connection(TokioIo::new(stream), service_fn(answer));
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(stopping) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

/// Waits until the server stops.
pub(crate) async fn stopped(mut stopping: watch::Receiver<bool>) {
    // An error means that the sender is gone, and the server with it.
    drop(stopping.wait_for(|stop| *stop).await);
}
