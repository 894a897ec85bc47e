//! Serving: our own accept loop, because the limits and the answers of the HTTP library matter here.
//!
//! A connection costs nobody else's time, however slowly its TLS, its head or its body comes.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body, response::IntoResponse};
use http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use ipnet::IpNet;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;
use tracing::Instrument;

use crate::{
    client::{self, Client},
    framework::{HandlerAnswers, Softened},
    tls::Tls,
};

/// More and longer headers than any proxy adds.
const MAX_HEADERS: usize = 1024;
const MAX_HEAD_BYTES: usize = 1024 * 1024;
/// For a head that comes in drips.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// For the beginning of TLS. Senders that give up do so sooner.
const TLS_TIMEOUT: Duration = Duration::from_secs(10);
/// For requests that are under way when the ingress stops.
const DRAIN: Duration = Duration::from_secs(10);

/// How connections come in, and whose word about the sender is believed. By default plain, and nobody's.
#[derive(Debug, Clone, Default)]
pub struct Door {
    /// With it, nothing but TLS is answered.
    pub tls: Option<Tls>,
    /// The proxies in front.
    pub trusted_proxies: Vec<IpNet>,
}

/// Serves `router` on `listener` until `shutdown`, then finishes what was begun.
pub async fn serve(listener: TcpListener, router: Router, door: Door, shutdown: CancellationToken) {
    let connections = TaskTracker::new();
    let graceful = GracefulShutdown::new();
    let reception = Reception {
        router,
        door: Arc::new(door),
        told: Arc::default(),
    };
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let reception = reception.clone();
                let (watcher, stop) = (graceful.watcher(), shutdown.clone());
                connections.spawn(reception.receive(stream, peer, watcher, stop));
            }
            // Out of descriptors, mostly: accepting again at once would only burn the processor.
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "cannot accept a connection; trying again"
                );
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    // Who comes now shall hear at once that nobody is here, and go elsewhere.
    drop(listener);
    if tokio::time::timeout(DRAIN, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("requests were still under way when the ingress stopped");
    }
}

/// What every connection needs.
#[derive(Debug, Clone)]
struct Reception {
    router: Router,
    door: Arc<Door>,
    /// Whether it was told that a proxy takes signals in without TLS.
    told: Arc<AtomicBool>,
}

impl Reception {
    /// Answers the requests of one connection, after its TLS if there has to be some.
    async fn receive(
        self,
        stream: TcpStream,
        peer: SocketAddr,
        watcher: Watcher,
        stop: CancellationToken,
    ) {
        // Answers are small and waited for; without this they could lie around for 40 ms.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(error = &error as &dyn std::error::Error, "no TCP_NODELAY");
        }
        let peer = Client {
            address: peer.ip().to_canonical(),
            encrypted: Some(self.door.tls.is_some()),
        };
        let Some(tls) = &self.door.tls else {
            return self.answer_all(stream, peer, watcher).await;
        };
        let begun = tokio::time::timeout(TLS_TIMEOUT, tls.acceptor().accept(stream));
        match stop.run_until_cancelled(begun).await {
            Some(Ok(Ok(stream))) => self.answer_all(stream, peer, watcher).await,
            // Whoever looks for open doors on the internet causes it; a sender that matters is heard by `check`.
            Some(Ok(Err(error))) => tracing::debug!(
                client.address = %peer.address,
                error = &error as &dyn std::error::Error,
                "a connection did not begin TLS"
            ),
            Some(Err(_)) | None => {}
        }
    }

    async fn answer_all<S>(self, stream: S, peer: Client, watcher: Watcher)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let answers = HandlerAnswers::default();
        let stream = TokioIo::new(Softened::new(stream, answers.clone()));
        let service = service_fn(move |request: Request<Incoming>| {
            answers.expect();
            let answer = self.answer(request, peer);
            async move { Ok::<_, Infallible>(answer.await.into_response()) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_headers(MAX_HEADERS)
            .max_buf_size(MAX_HEAD_BYTES)
            .serve_connection(stream, service);
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "a connection ended early"
            );
        }
    }

    /// Everything that is logged while it is answered names the sender.
    fn answer(
        &self,
        request: Request<Incoming>,
        peer: Client,
    ) -> impl Future<Output = Result<axum::response::Response, Infallible>> + use<> {
        let sender = client::of(request.headers(), peer, &self.door.trusted_proxies);
        // Of the highest level, so that no filter takes the sender from a line that it lets through.
        let span = tracing::error_span!(
            "request",
            client.address = %sender.address,
            client.scheme = sender.scheme(),
        );
        // What came to us readably was declared to be so; what came to a proxy so was not.
        if sender != peer
            && sender.encrypted == Some(false)
            && !self.told.swap(true, Ordering::Relaxed)
        {
            let _entered = span.enter();
            tracing::warn!(
                "a trusted proxy says that a request came to it over plain http, so that others can read what proves \
                 a signal; let it take in nothing but https"
            );
        }
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(sender);
        self.router.clone().oneshot(request).instrument(span)
    }
}
