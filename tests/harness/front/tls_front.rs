//! TLS before a server that speaks plain HTTP.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs::default_provider,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

use super::Issued;

/// A front that stops when it is dropped.
#[derive(Debug)]
pub struct TlsFront {
    /// Where it listens.
    pub address: SocketAddr,
    _stop: DropGuard,
}

impl TlsFront {
    /// Shows `issued` and passes on to `to`.
    pub async fn start(issued: &Issued, to: SocketAddr) -> Self {
        let acceptor = acceptor(issued);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound port");
        let stop = CancellationToken::new();
        let (tasks, token) = (TaskTracker::new(), stop.clone());
        let lines = tasks.clone();
        let serve = async move {
            while let Ok((stream, _)) = listener.accept().await {
                lines.spawn(pass(acceptor.clone(), stream, to));
            }
        };
        tasks.spawn(async move { token.run_until_cancelled(serve).await });
        Self {
            address,
            _stop: stop.drop_guard(),
        }
    }
}

fn acceptor(issued: &Issued) -> TlsAcceptor {
    let chain = CertificateDer::pem_slice_iter(issued.certificate.as_bytes());
    let chain = chain.collect::<Result<_, _>>().expect("PEM");
    let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).expect("PEM");
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider can do TLS")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a pair");
    TlsAcceptor::from(Arc::new(config))
}

/// A connection that either side breaks off is over; the test sees it where it matters.
async fn pass(acceptor: TlsAcceptor, stream: TcpStream, to: SocketAddr) {
    let Ok(mut stream) = acceptor.accept(stream).await else {
        return;
    };
    if let Ok(mut onward) = TcpStream::connect(to).await {
        copy_bidirectional(&mut stream, &mut onward).await.ok();
    }
}
