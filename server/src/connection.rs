//! One connection: plain or TLS, HTTP/1.1 or HTTP/2, within its limits.

use crate::house::House;
use crate::observe::Observer;
use crate::pace::{Deadlines, OpenRequests, Paced};
use crate::service::{Peer, serve};
use crate::socket::Socket;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use larder_config::Limits;
use larder_door::body::Wire;
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch;

/// A connection's buffer: bodies are read in pieces of at most this size.
const BUFFER_BYTES: usize = 256 * 1024;
/// HTTP/2 windows of a stream and of a connection.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;

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

/// Serves a connection until it ends or the server stops.
pub(crate) async fn serve_connection(
    house: Arc<House>,
    stream: TcpStream,
    peer: SocketAddr,
    limits: ConnectionLimits,
    stopping: watch::Receiver<bool>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection is gone already");
        return;
    }
    let (address, answering) = (peer.ip().to_canonical(), OpenRequests::default());
    match house.way.tls.clone() {
        // The kernel sends files itself, for nothing encrypts them.
        None => {
            let wire = Wire::default();
            let socket = Paced::new(
                Socket::new(stream, wire.clone()),
                limits.deadlines,
                answering.clone(),
            );
            serve_plain(
                house,
                socket,
                Peer {
                    address,
                    tls: false,
                    wire: Some(wire),
                    answering,
                },
                limits,
                stopping,
            )
            .await;
        }
        // The handshake has as long as a head has.
        Some(config) => {
            let accepting = tokio_rustls::TlsAcceptor::from(config).accept(stream);
            match tokio::time::timeout(limits.deadlines.head, accepting).await {
                Ok(Ok(stream)) => {
                    let frames = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                    let deadlines = if frames {
                        limits.deadlines.of_frames()
                    } else {
                        limits.deadlines
                    };
                    let stream = Paced::new(stream, deadlines, answering.clone());
                    serve_secure(
                        house,
                        stream,
                        Peer {
                            address,
                            tls: true,
                            wire: None,
                            answering,
                        },
                        limits,
                        stopping,
                    )
                    .await;
                }
                Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                Err(_) => tracing::debug!("a TLS handshake took too long"),
            }
        }
    }
}

async fn serve_plain(
    house: Arc<House>,
    socket: Paced<Socket>,
    peer: Peer,
    limits: ConnectionLimits,
    stopping: watch::Receiver<bool>,
) {
    let answer = |request| {
        let (house, peer) = (Arc::clone(&house), peer.clone());
        async move { Ok::<_, Infallible>(serve(&house, &peer, request).await) }
    };
    let connection = hyper::server::conn::http1::Builder::new()
        .header_read_timeout(None)
        .max_headers(limits.headers)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(TokioIo::new(socket), service_fn(answer));
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

async fn serve_secure(
    house: Arc<House>,
    stream: Paced<tokio_rustls::server::TlsStream<TcpStream>>,
    peer: Peer,
    limits: ConnectionLimits,
    stopping: watch::Receiver<bool>,
) {
    let answer = |request| {
        let (house, peer) = (Arc::clone(&house), peer.clone());
        async move { Ok::<_, Infallible>(serve(&house, &peer, request).await) }
    };
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .header_read_timeout(None)
        .max_headers(limits.headers)
        .max_buf_size(BUFFER_BYTES)
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(limits.header_bytes)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(limits.deadlines.idle)
        .keep_alive_timeout(limits.deadlines.head);
    let connection = builder.serve_connection(TokioIo::new(stream), service_fn(answer));
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

/// Counts connections, in all and by address.
pub(crate) struct ConnectionSlots {
    most: usize,
    max_of_one: usize,
    observer: Arc<Observer>,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
    total: Arc<AtomicUsize>,
}

/// One counted connection.
pub(crate) struct ConnectionSlot {
    address: Option<IpAddr>,
    observer: Arc<Observer>,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
    total: Arc<AtomicUsize>,
    load: Arc<AtomicUsize>,
}

impl ConnectionSlots {
    /// At most `most` connections, and `max_of_one` from one address (0: no limit).
    pub(crate) fn new(most: usize, max_of_one: usize, observer: Arc<Observer>) -> Self {
        Self {
            most,
            max_of_one,
            observer,
            open: Arc::default(),
            total: Arc::default(),
        }
    }

    /// Counts a connection in, on a worker's load too; `None`: there are too many.
    pub(crate) fn admit(&self, address: IpAddr, load: &Arc<AtomicUsize>) -> Option<ConnectionSlot> {
        if self.total.load(Ordering::Relaxed) >= self.most || !self.admit_address(address) {
            self.observer.refused_connections.inc();
            return None;
        }
        self.total.fetch_add(1, Ordering::Relaxed);
        load.fetch_add(1, Ordering::Relaxed);
        self.observer.connections.inc();
        Some(ConnectionSlot {
            address: (self.max_of_one > 0).then_some(address),
            observer: Arc::clone(&self.observer),
            open: Arc::clone(&self.open),
            total: Arc::clone(&self.total),
            load: Arc::clone(load),
        })
    }

    fn admit_address(&self, address: IpAddr) -> bool {
        if self.max_of_one == 0 {
            return true;
        }
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_default();
        let admitted = *count < self.max_of_one;
        *count += usize::from(admitted);
        admitted
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.total.fetch_sub(1, Ordering::Relaxed);
        self.load.fetch_sub(1, Ordering::Relaxed);
        self.observer.connections.dec();
        let Some(address) = self.address else { return };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&address);
            }
        }
    }
}
