//! The few words of Redis that are spoken here: is anybody there, and please end.

use std::{io, path::Path, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    time::timeout,
};

/// How long one question may take.
const LONGEST: Duration = Duration::from_secs(2);

/// What came of a `PING`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// It is there.
    There,
    /// It is there and says that it cannot serve yet, for example while it reads its file back.
    Busy,
    /// Something took the question and gave no answer.
    Silence,
    /// Nothing listens.
    Nobody,
}

/// Asks the server behind `socket` whether it is there.
pub(super) async fn ping(socket: &Path) -> Answer {
    match ask(socket, "PING").await {
        Ok(line) if line.is_empty() => Answer::Nobody,
        Ok(line) if line.starts_with("-LOADING") || line.starts_with("-BUSY") => Answer::Busy,
        // Any other complaint, such as a full disk, is one that the queue will meet and tell.
        Ok(_) => Answer::There,
        Err(err) => match err.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Answer::Silence,
            _ => Answer::Nobody,
        },
    }
}

/// Sends one inline command and returns what the server answers first.
pub(super) async fn ask(socket: &Path, command: &str) -> io::Result<String> {
    let talk = async {
        let mut stream = UnixStream::connect(socket).await?;
        stream
            .write_all(format!("{command}\r\n").as_bytes())
            .await?;
        let mut answer = [0; 512];
        let length = stream.read(&mut answer).await?;
        Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
    };
    let late = |_| Err(io::Error::from(io::ErrorKind::TimedOut));
    timeout(LONGEST, talk).await.unwrap_or_else(late)
}
