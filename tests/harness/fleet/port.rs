//! Addresses that nobody listens on, and that nobody's outgoing connection is given by chance.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::atomic::{AtomicU16, Ordering},
};

/// Below the ports that systems give to outgoing connections: one of those must not take a port while its process is
/// being restarted.
const FIRST: u16 = 20_000;
/// Each test process looks in a stretch of its own.
const STRETCH: u16 = 100;
const STRETCHES: u32 = 100;

/// An address that can be listened on.
pub fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let stretch = u16::try_from(std::process::id() % STRETCHES).unwrap_or(0);
    loop {
        let next = NEXT.fetch_add(1, Ordering::Relaxed) % STRETCH;
        let port = FIRST + stretch * STRETCH + next;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

/// A port of this machine that can be listened on.
pub fn free_port() -> u16 {
    free_address().port()
}
