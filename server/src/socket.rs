//! A plain connection's socket: sends files by the kernel.

use larder_door::body::{Wire, is_placeholder};
use rustix::fs::sendfile;
use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

/// Sent by the kernel at once, so that one fast peer does not hold up the others on its thread.
const SEND_BYTES: u64 = 512 * 1024;

/// A TCP connection as hyper sees it.
pub(crate) struct Socket {
    stream: TcpStream,
    wire: Wire,
}

impl Socket {
    /// A connection on which the bodies of `wire` are sent.
    pub(crate) const fn new(stream: TcpStream, wire: Wire) -> Self {
        Self { stream, wire }
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
                sent => {
                    return Poll::Ready(
                        sent.map(|sent| usize::try_from(sent).unwrap_or(usize::MAX)),
                    );
                }
            }
        }
    }

    /// Sends real bytes that a file follows: the kernel joins them into full packets.
    fn poll_send_head(
        &mut self,
        cx: &mut Context<'_>,
        head: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream.poll_write_ready(cx))?;
            let stream = &self.stream;
            let sent = stream.try_io(Interest::WRITABLE, || {
                let flags = SendFlags::MORE | SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
                Ok(sendmsg(
                    stream,
                    head,
                    &mut SendAncillaryBuffer::default(),
                    flags,
                )?)
            });
            match sent {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                sent => return Poll::Ready(sent),
            }
        }
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let real = slices
            .iter()
            .position(|slice| !slice.is_empty() && is_placeholder(slice));
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
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_send(cx, slices)
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
