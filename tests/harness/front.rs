//! What a company puts between its machines and the world: an authority of its own, TLS, and a proxy for what leaves.

mod authority;
mod forward_proxy;
mod tls_front;

pub use authority::{Authority, Issued};
pub use forward_proxy::ForwardProxy;
pub use tls_front::TlsFront;
