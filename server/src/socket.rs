//! A plain connection's socket: sends files by the kernel, and gives up on a peer that takes no bytes for too long.

use larder_access::body::{Wire, is_placeholder};
use rustix::fs::sendfile;
use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

/// Sent by the kernel at once, so that one fast peer does not hold up the others on its thread.
const SEND_BYTES: u64 = 512 * 1024;

/// A TCP connection as hyper sees it.
pub(crate) struct Socket {
    stream: TcpStream,
    wire: Wire,
    stall: Stall,
}

impl Socket {
    /// Wraps a connection whose peer may take no bytes for `patience` at most.
    pub(crate) fn new(stream: TcpStream, wire: Wire, patience: Duration) -> Self {
        Self { stream, wire, stall: Stall::new(patience) }
    }

    /// Sends what the placeholder at the front stands for.
    fn poll_send_file(&mut self, cx: &mut Context<'_>, length: usize) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream.poll_write_ready(cx))?;
            let stream = &self.stream;
            let sent = stream.try_io(Interest::WRITABLE, || {
                let sent = self.wire.send(|file, range| {
                    let count = (range.end - range.start).min(length as u64).min(SEND_BYTES);
                    let mut offset = range.start;
                    let count = usize::try_from(count).unwrap_or(usize::MAX);
                    let sent = sendfile(stream, file, Some(&mut offset), count)?;
                    if sent == 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into()); // the file is shorter than its row says
                    }
                    Ok(sent as u64)
                });
                sent.unwrap_or_else(|| Err(io::Error::other("a placeholder without a file")))
            });
            match sent {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                sent => return Poll::Ready(sent.map(|sent| usize::try_from(sent).unwrap_or(usize::MAX))),
            }
        }
    }

    /// Sends real bytes that a file follows: the kernel joins them into full packets.
    fn poll_send_head(&mut self, cx: &mut Context<'_>, head: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream.poll_write_ready(cx))?;
            let stream = &self.stream;
            let sent = stream.try_io(Interest::WRITABLE, || {
                let flags = SendFlags::MORE | SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
                Ok(sendmsg(stream, head, &mut SendAncillaryBuffer::default(), flags)?)
            });
            match sent {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                sent => return Poll::Ready(sent),
            }
        }
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let real = slices.iter().position(|slice| !slice.is_empty() && is_placeholder(slice));
        match real {
            None => Pin::new(&mut self.stream).poll_write_vectored(cx, slices),
            Some(at) => {
                if slices[..at].iter().any(|slice| !slice.is_empty()) {
                    self.poll_send_head(cx, &slices[..at])
                } else {
                    self.poll_send_file(cx, slices[at].len())
                }
            }
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let sent = self.poll_send(cx, slices);
        self.stall.watch(cx, sent)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Ends a write that makes no progress for too long.
struct Stall {
    patience: Duration,
    since: Option<Pin<Box<Sleep>>>,
}

impl Stall {
    const fn new(patience: Duration) -> Self {
        Self { patience, since: None }
    }

    fn watch<T>(&mut self, cx: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.since = None;
            return outcome;
        }
        let sleep = self.since.get_or_insert_with(|| Box::pin(tokio::time::sleep(self.patience)));
        match sleep.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// The same for connections without a wire (TLS).
pub(crate) struct Patient<S> {
    stream: S,
    stall: Stall,
}

impl<S> Patient<S> {
    /// Wraps a stream whose peer may take no bytes for `patience` at most.
    pub(crate) const fn new(stream: S, patience: Duration) -> Self {
        Self { stream, stall: Stall::new(patience) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.stall.watch(cx, sent)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.stall.watch(cx, sent)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.stall.watch(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
