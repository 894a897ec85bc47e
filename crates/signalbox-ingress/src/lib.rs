//! The public HTTP side of Signalbox: it verifies signals and answers once they are durable.
//!
//! It calls no outside system. Under `/hooks/business-central/` every answer is 2xx or 503, the framework's own
//! included, because anything else makes Business Central delete the subscription (facts, Business Central §2.8).

mod answer;
mod business_central;
mod client;
mod counts;
mod framework;
mod handshake;
mod options;
mod router;
mod serve;
mod tls;
mod webhook;

pub use client::Client;
pub use options::{BusinessCentralSource, IngressOptions};
pub use router::router;
pub use serve::{Door, serve};
pub use tls::{CertificateFiles, EXPIRY_NOTICE, Pair, PairError, Tls, TlsWatch};
