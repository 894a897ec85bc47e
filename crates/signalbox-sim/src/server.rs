//! The listener: one HTTP/1.1 server whose connections can be reset on purpose.
//!
//! Hyper is driven directly, because a fault must be able to end a connection without
//! an answer, which a router cannot do.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::{any, get, post};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use crate::state::Shared;
use crate::{bot, business_central, control, entra, graph, intake};

/// How long a request under way may take once the simulator stops.
const FAREWELL: Duration = Duration::from_secs(1);
/// Between attempts to take a port again that somebody else has.
const TAKEN: Duration = Duration::from_millis(50);

/// The connection is to be reset; no answer is sent.
#[derive(Debug, thiserror::Error)]
#[error("the connection is reset by a scripted fault")]
pub(crate) struct Hangup;

/// The services by their paths.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let channel = "/graph/v1.0/teams/{team}/channels/{channel}/messages";
    Router::new()
        .route("/entra/{tenant}/oauth2/v2.0/token", post(entra::token))
        .route(
            "/bc/v2.0/{tenant}/{environment}/{*path}",
            any(business_central::handle),
        )
        .route(
            "/bc/environments/v1.2",
            get(business_central::environments::list),
        )
        .route("/bot/v3/conversations", post(bot::create_conversation))
        .route(
            "/bot/v3/conversations/{id}/activities",
            post(bot::send_activity),
        )
        .route("/graph/v1.0/teams", get(graph::teams))
        .route("/graph/v1.0/teams/{team}/channels", get(graph::channels))
        .route(channel, get(graph::messages).post(graph::post_message))
        .merge(control::router())
        .with_state(shared)
}

/// Listens until the simulator stops; while its door is shut nobody does.
pub(crate) async fn accept(shared: Arc<Shared>, listener: TcpListener) {
    let router = router(Arc::clone(&shared));
    let Ok(address) = listener.local_addr() else {
        return;
    };
    let mut listening = Some(listener);
    let mut moves = 0;
    while let Some(listener) = listening.take() {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = shared.door.moved(moves) => {}
            () = admit(&shared, moves, &router, &listener) => {}
        }
        drop(listener);
        shared.door.tell(false);
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = shared.door.opened() => {}
        }
        moves = shared.door.moves();
        listening = listen_again(&shared, address).await;
        shared.door.tell(true);
    }
}

/// Takes connections, which end with the door's next move.
async fn admit(shared: &Arc<Shared>, moves: u64, router: &Router, listener: &TcpListener) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let (cloud, router) = (Arc::clone(shared), router.clone());
                shared.tasks.spawn(connection(cloud, moves, router, stream));
            }
            // Out of descriptors or a connection gone before it was taken: others go on.
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "accept failed");
                tokio::task::yield_now().await;
            }
        }
    }
}

/// Takes the port again; somebody who has it meanwhile is waited for. None once the
/// simulator stops.
async fn listen_again(shared: &Shared, address: SocketAddr) -> Option<TcpListener> {
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return Some(listener),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, %address, "the port cannot be taken again yet");
            }
        }
        tokio::select! {
            () = shared.stop.cancelled() => return None,
            () = tokio::time::sleep(TAKEN) => {}
        }
    }
}

async fn connection(shared: Arc<Shared>, moves: u64, router: Router, stream: TcpStream) {
    // Small answers must not wait for an acknowledgement of the one before.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(error = &error as &dyn std::error::Error, "no TCP_NODELAY");
    }
    let reset = Arc::new(AtomicBool::new(false));
    // Who asks for the door to be shut gets an answer first.
    let controls = Arc::new(AtomicBool::new(false));
    let line = Line {
        stream,
        reset: Arc::clone(&reset),
    };
    let service = service_fn(|request: http::Request<Incoming>| {
        let (shared, router) = (Arc::clone(&shared), router.clone());
        let reset = Arc::clone(&reset);
        controls.store(intake::is_control(&request), Ordering::Relaxed);
        async move {
            let answer = intake::handle(shared, router, request.map(Body::new)).await;
            answer.inspect_err(|Hangup| reset.store(true, Ordering::Relaxed))
        }
    });
    let serving =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(line), service);
    tokio::pin!(serving);
    let ended = tokio::select! {
        ended = &mut serving => ended,
        () = shared.stop.cancelled() => return farewell(serving).await,
        () = shared.door.moved(moves) => {
            if controls.load(Ordering::Relaxed) {
                return farewell(serving).await;
            }
            reset.store(true, Ordering::Relaxed);
            return;
        }
    };
    if let Err(error) = ended {
        tracing::trace!(error = &error as &dyn std::error::Error, "connection ended");
    }
}

/// Ends a connection behind the request under way.
async fn farewell<S>(mut serving: Pin<&mut Serving<S>>)
where
    S: hyper::service::HttpService<Incoming, ResBody = Body>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    serving.as_mut().graceful_shutdown();
    // A handler may be waiting for a receiver that never answers.
    if let Ok(Err(error)) = tokio::time::timeout(FAREWELL, serving).await {
        tracing::trace!(error = &error as &dyn std::error::Error, "connection ended");
    }
}

/// A connection that is being served.
type Serving<S> = hyper::server::conn::http1::Connection<TokioIo<Line>, S>;

/// A TCP stream that ends in a reset, not in a farewell, when told so.
#[derive(Debug)]
struct Line {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
}

impl Drop for Line {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Relaxed)
            && let Err(error) = self.stream.set_zero_linger()
        {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "closed, not reset"
            );
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// Runs a request through the services.
pub(crate) async fn dispatch(router: Router, request: http::Request<Body>) -> Response {
    let answer: Result<Response, Infallible> = tower::ServiceExt::oneshot(router, request).await;
    answer.unwrap_or_else(|never| match never {})
}
