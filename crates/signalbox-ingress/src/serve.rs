//! Serving: our own accept loop, because the limits and the answers of the HTTP library matter here.

use std::{convert::Infallible, time::Duration};

use axum::{Router, body::Body, response::IntoResponse};
use http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use crate::framework::{HandlerAnswers, Softened};

/// More and longer headers than any proxy adds.
const MAX_HEADERS: usize = 1024;
const MAX_HEAD_BYTES: usize = 1024 * 1024;
/// For a head that comes in drips.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// For requests that are under way when the ingress stops.
const DRAIN: Duration = Duration::from_secs(10);

/// Serves `router` on `listener` until `shutdown`, then finishes what was begun.
pub async fn serve(listener: TcpListener, router: Router, shutdown: CancellationToken) {
    let connections = TaskTracker::new();
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(answer_all(stream, router.clone(), &graceful));
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
    if tokio::time::timeout(DRAIN, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("requests were still under way when the ingress stopped");
    }
}

/// Answers the requests of one connection.
fn answer_all(
    stream: TcpStream,
    router: Router,
    graceful: &GracefulShutdown,
) -> impl Future<Output = ()> + Send + use<> {
    // Answers are small and waited for; without this they could lie around for 40 ms.
    let nodelay = stream.set_nodelay(true);
    let answers = HandlerAnswers::default();
    let stream = TokioIo::new(Softened::new(stream, answers.clone()));
    let service = service_fn(move |request: Request<Incoming>| {
        answers.expect();
        let answer = router.clone().oneshot(request.map(Body::new));
        async move { Ok::<_, Infallible>(answer.await.into_response()) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(stream, service);
    let connection = graceful.watch(connection);
    async move {
        if let Err(error) = nodelay {
            tracing::debug!(error = &error as &dyn std::error::Error, "no TCP_NODELAY");
        }
        if let Err(error) = connection.await {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "a connection ended early"
            );
        }
    }
}
