//! A server that gives the answers it was given, for what the simulator never says.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

/// Makes one answer from the request's head in lower case; `{base}` in it becomes the server's own URL.
pub(crate) type Answer = Box<dyn Fn(&str) -> String + Send + Sync>;

/// A server that stops when it is dropped.
pub(crate) struct Canned {
    pub(crate) url: String,
    _stop: DropGuard,
}

/// An answer whose body is `json`.
pub(crate) fn json(json: &str) -> Answer {
    let body = json.to_owned();
    Box::new(move |_| ok(&body))
}

/// A complete 200.
pub(crate) fn ok(body: &str) -> String {
    whole("200 OK", "", body)
}

/// A complete answer; `headers` end in `\r\n` each.
pub(crate) fn whole(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nconnection: close\r\n{headers}\r\n{body}")
}

impl Canned {
    /// Gives `answers` in order, and the last one for ever after.
    pub(crate) async fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let base = url.clone();
        let serve = async move {
            let mut answers = answers.into_iter();
            let mut last = None;
            while let Ok((stream, _)) = listener.accept().await {
                last = answers.next().or(last);
                let answer = last.as_ref().expect("there is at least one answer");
                reply(stream, &base, answer).await;
            }
        };
        let token = stop.clone();
        TaskTracker::new().spawn(async move { token.run_until_cancelled(serve).await });
        Self {
            url,
            _stop: stop.drop_guard(),
        }
    }
}

/// Reads a whole request, and answers. A body left unread would reset the connection.
async fn reply(mut stream: TcpStream, base: &str, answer: &Answer) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8_lossy(&head).to_lowercase();
    let length = head.lines().find_map(|line| {
        let value = line.strip_prefix("content-length:")?;
        value.trim().parse().ok()
    });
    let mut body = vec![0; length.unwrap_or(0)];
    let read = stream.read_exact(&mut body).await;
    let answer = answer(&head).replace("{base}", base);
    if read.is_ok() && stream.write_all(answer.as_bytes()).await.is_ok() {
        stream.shutdown().await.ok();
    }
}
