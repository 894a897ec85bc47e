//! The proxy through which requests leave a company: it alone knows where names lead, and notes what it was asked.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

/// A proxy that stops when it is dropped.
#[derive(Debug)]
pub struct ForwardProxy {
    /// Its address for `http.proxy`.
    pub url: String,
    asked: Arc<Mutex<Vec<String>>>,
    _stop: DropGuard,
}

/// Where the world is, whatever it is called.
#[derive(Debug, Clone, Copy)]
struct World {
    tls: SocketAddr,
    plain: SocketAddr,
}

impl ForwardProxy {
    /// Leads every tunnel to `tls`, and every request in the clear to `plain`.
    pub async fn start(tls: SocketAddr, plain: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound port"));
        let (asked, stop) = (
            Arc::<Mutex<Vec<String>>>::default(),
            CancellationToken::new(),
        );
        let (tasks, token) = (TaskTracker::new(), stop.clone());
        let (lines, notes) = (tasks.clone(), asked.clone());
        let world = World { tls, plain };
        let serve = async move {
            while let Ok((stream, _)) = listener.accept().await {
                lines.spawn(lead(stream, world, notes.clone()));
            }
        };
        tasks.spawn(async move { token.run_until_cancelled(serve).await });
        Self {
            url,
            asked,
            _stop: stop.drop_guard(),
        }
    }

    /// The first words of every connection: `CONNECT host:443`, or a method with a whole URL.
    pub fn asked(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.clone()
    }
}

/// A connection that either side breaks off is over; the test sees it where it matters.
async fn lead(mut stream: TcpStream, world: World, asked: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let words: Vec<&str> = text.split(' ').take(2).collect();
    let is_tunnel = words.first() == Some(&"CONNECT");
    asked
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(words.join(" "));
    let to = if is_tunnel { world.tls } else { world.plain };
    let Ok(mut onward) = TcpStream::connect(to).await else {
        return;
    };
    let begun = if is_tunnel {
        stream
            .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
            .await
    } else {
        onward.write_all(&head).await
    };
    if begun.is_ok() {
        copy_bidirectional(&mut stream, &mut onward).await.ok();
    }
}
