//! The answers that the HTTP library gives by itself, turned into 503.
//!
//! A request line or header that hyper refuses never reaches a handler, so its path is not known and it may have
//! been a notification. hyper answers 400, 414 or 431 then; on the wire this becomes 503, which is sent again.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

const STATUS_LINE: &[u8] = b"HTTP/1.1 4";
const STATUS: std::ops::Range<usize> = 9..12;

/// Counts the answers that came from handlers and are not written yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct HandlerAnswers(Arc<AtomicUsize>);

impl HandlerAnswers {
    /// A handler has been given a request; its answer is next on the wire.
    pub(crate) fn expect(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn is_expected(&self) -> bool {
        self.0.load(Ordering::SeqCst) > 0
    }

    fn written(&self) {
        self.0.store(0, Ordering::SeqCst);
    }
}

/// A connection that turns the library's own refusals into 503.
#[derive(Debug)]
pub(crate) struct Softened<S> {
    stream: S,
    answers: HandlerAnswers,
}

impl<S> Softened<S> {
    pub(crate) fn new(stream: S, answers: HandlerAnswers) -> Self {
        Self { stream, answers }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Softened<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Softened<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if !self.answers.is_expected() && buf.starts_with(STATUS_LINE) {
            let mut softened = buf.to_vec();
            softened[STATUS].copy_from_slice(b"503");
            return Pin::new(&mut self.stream).poll_write(cx, &softened);
        }
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        if written.is_ready() {
            self.answers.written();
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
