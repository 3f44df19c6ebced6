//! Listening: one thread accepts, each worker thread serves its connections on a runtime of its
//! own.
//!
//! A request never changes its thread on the way: a hop costs more than a whole small answer.
//! Files, hashes and passwords go to blocking threads, so a worker is never held up for long.

use crate::connection::{ConnectionLimits, serve_connection, stopped};
use crate::connection_slots::{ConnectionSlot, ConnectionSlots};
use crate::house::House;
use crate::{housekeeping, metrics};
use larder_config::Config;
use larder_model::Problem;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::SockRef;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// Blocking threads of each worker.
const BLOCKING_THREADS: usize = 64;
/// Connections that may wait to be accepted.
const BACKLOG: u32 = 4096;
/// What a connection's buffer in the kernel may have that is not on its way yet: a thousand slow
/// readers must not take all the memory that there is for TCP, for then the kernel cuts anyone's
/// connection.
const UNSENT_BYTES: u32 = 256 << 10;
/// A pause after a failed accept: most often there are no file descriptors left.
const AFTER_FAILURE: Duration = Duration::from_millis(5);

type Arrival = (std::net::TcpStream, SocketAddr, ConnectionSlot);

struct Worker {
    load: Arc<AtomicUsize>,
    arrivals: mpsc::UnboundedSender<Arrival>,
    thread: JoinHandle<()>,
}

/// Serves until a signal comes, then lets running requests finish within their time.
///
/// `read_again` reads the configuration again and sets what can change; `first` is what a first start
/// makes while the first requests come.
pub(crate) async fn serve(
    house: &Arc<House>,
    config: &Config,
    read_again: &dyn Fn() -> Result<(), Box<dyn Error>>,
    first: impl Future<Output = Result<(), Problem>>,
) -> Result<(), Box<dyn Error>> {
    raise_file_limit();
    let listener = bind(config.server.listen)?;
    let address = listener.local_addr()?;
    let (stop, stopping) = watch::channel(false);
    let limits = ConnectionLimits::of(&config.server.limits);
    let threads = match config.server.threads {
        0 => std::thread::available_parallelism().map_or(2, usize::from),
        threads => threads,
    };
    let start = |number| start_worker(number, house, limits, stopping.clone());
    let workers = (0..threads).map(start).collect::<Result<Vec<_>, _>>()?;
    if let Some(address) = config.telemetry.metrics_listen {
        let listener = bind(address)?;
        let address = listener.local_addr()?;
        tracing::info!(%address, "metrics are served to whoever asks there");
        tokio::spawn(metrics::serve(listener, Arc::clone(&house.observer)));
    }
    tokio::spawn(housekeeping::run(Arc::clone(house)));
    let jobs = house.jobs.clone();
    let running_jobs = tokio::spawn(async move { jobs.run().await });
    let scheme = if house.way.tls.is_some() {
        "https"
    } else {
        "http"
    };
    let first = async {
        first.await?;
        tracing::info!(url = %format!("{scheme}://{address}"), version = env!("CARGO_PKG_VERSION"), "larder is ready");
        std::future::pending::<Result<(), Problem>>().await
    };
    tokio::select! {
        accepted = accept(house, &listener, &workers, config, read_again) => accepted?,
        failed = first => return failed.map_err(Box::from),
    }
    drop(listener);
    tracing::info!(
        seconds = limits.shutdown_time.as_secs(),
        "stopping; running requests may finish"
    );
    stop.send_replace(true);
    house.jobs.stop();
    for worker in workers {
        drop(worker.arrivals);
        let joined = tokio::task::spawn_blocking(move || worker.thread.join()).await?;
        joined.map_err(|_| "a worker thread panicked")?;
    }
    // Jobs that ran wait for another server, or the next start.
    if tokio::time::timeout(limits.shutdown_time, running_jobs)
        .await
        .is_err()
    {
        tracing::warn!("jobs that could not be given back in time are taken up in a while");
    }
    housekeeping::write_uses(house).await;
    housekeeping::write_statistics(house).await;
    housekeeping::write_session_uses(house).await;
    housekeeping::write_audit(house, true).await;
    tracing::info!("stopped");
    Ok(())
}

/// A service is given 1,024 open files, and leave to take far more; a download of a large blob
/// takes two.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            ..limit
        },
    ) {
        tracing::warn!(%error, files = limit.current, "no more files may be open than are allowed at first");
    }
}

fn bind(address: SocketAddr) -> Result<TcpListener, String> {
    let listen = || {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()
        } else {
            TcpSocket::new_v6()
        }?;
        socket.set_reuseaddr(true)?;
        SockRef::from(&socket).set_tcp_notsent_lowat(UNSENT_BYTES)?; // its connections have it too
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    listen().map_err(|error: std::io::Error| {
        format!("cannot listen on {address}: {error}; choose another with --listen")
    })
}

/// Accepts until a signal says to stop; each connection goes to the worker with the fewest.
async fn accept(
    house: &House,
    listener: &TcpListener,
    workers: &[Worker],
    config: &Config,
    read_again: &dyn Fn() -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let limits = &config.server.limits;
    let guests = ConnectionSlots::new(
        limits.connections,
        limits.connections_per_address,
        Arc::clone(&house.observer),
    );
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = hangup.recv() => {
                reload(house, read_again);
                continue;
            }
            _ = interrupt.recv() => return Ok(()),
            _ = terminate.recv() => return Ok(()),
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(AFTER_FAILURE).await;
                continue;
            }
        };
        // The worker with the fewest connections gets it, if there is a slot for the address.
        let Some(worker) = workers
            .iter()
            .min_by_key(|worker| worker.load.load(Ordering::Relaxed))
        else {
            continue;
        };
        let Some(slot) = guests.admit(peer.ip(), &worker.load) else {
            continue;
        };
        let Ok(stream) = stream.into_std() else {
            continue;
        };
        worker
            .arrivals
            .send((stream, peer, slot))
            .map_err(|_| "a worker thread has ended")?;
    }
}

/// Reads what can change again: the level of the log, and the certificate.
fn reload(house: &House, read_again: &dyn Fn() -> Result<(), Box<dyn Error>>) {
    let tls = house.way.tls.as_ref();
    match read_again().and_then(|()| tls.map_or(Ok(()), |tls| tls.read_again())) {
        Ok(()) => tracing::info!("the log's level and the certificate were read again (SIGHUP)"),
        Err(error) => {
            tracing::error!(%error, "what was read before stays in force (SIGHUP)");
        }
    }
}

fn start_worker(
    number: usize,
    house: &Arc<House>,
    limits: ConnectionLimits,
    stopping: watch::Receiver<bool>,
) -> Result<Worker, std::io::Error> {
    let (arrivals, mut arriving) = mpsc::unbounded_channel::<Arrival>();
    let house = Arc::clone(house);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build()?;
    let run = async move {
        // Until the server stops, each connection is a task of this thread.
        let mut serving = JoinSet::new();
        let mut stop = std::pin::pin!(stopped(stopping.clone()));
        loop {
            tokio::select! {
                arrival = arriving.recv() => match arrival {
                    Some((stream, peer, slot)) => match TcpStream::from_std(stream) {
                        Ok(stream) => {
                            let (house, stopping) = (Arc::clone(&house), stopping.clone());
                            serving.spawn(async move {
                                let guest = &slot.guest;
                                serve_connection(house, stream, peer, guest, limits, stopping).await;
                            });
                        }
                        Err(error) => tracing::warn!(%error, "a connection could not be served"),
                    },
                    None => break,
                },
                Some(_) = serving.join_next() => {}
                () = &mut stop => break,
            }
        }
        // Requests under way have their time to finish.
        let drained = async { while serving.join_next().await.is_some() {} };
        if tokio::time::timeout(limits.shutdown_time, drained)
            .await
            .is_err()
        {
            tracing::warn!(
                connections = serving.len(),
                "requests that did not finish in time were cut off"
            );
        }
    };
    let name = format!("worker-{number}");
    let thread = std::thread::Builder::new().name(name).spawn(move || {
        runtime.block_on(run);
        runtime.shutdown_timeout(Duration::from_secs(1));
    })?;
    Ok(Worker {
        load: Arc::default(),
        arrivals,
        thread,
    })
}
