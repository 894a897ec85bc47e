//! Handshakes while notifications pour in: Business Central waits for an answer only briefly, and gives up a
//! subscription whose handshake fails.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    Criterion, Size, count,
    notifier::{Notifier, Sent},
};
use crate::fleet::{Fleet, Setting};

/// Connections over which notifications arrive.
const CONNECTIONS: u32 = 16;

pub(super) async fn play(size: Size) -> Result<Vec<Criterion>> {
    let (rate, handshakes) = size.pick((1_000.0, 1_200), (200.0, 100));
    let fleet = Fleet::prepare(Setting::default()).await?;
    let ingress = fleet.start("ingress")?;
    let worker = fleet.start("worker")?;
    fleet.ready().await?;
    let hook = fleet.subscribed()?;
    // Only the ingress is measured, as where it runs on a machine of its own.
    worker.stop().await?;
    // A little more than is required, because no pace is exact.
    let period = Duration::from_secs_f64(f64::from(CONNECTIONS) / (rate * 1.02));
    let notifier = Notifier::start(hook.clone(), CONNECTIONS, period);
    let path = hook.url.splitn(4, '/').nth(3).unwrap_or_default();
    let mut times = Vec::with_capacity(handshakes);
    for number in 0..handshakes {
        times.push(shake(fleet.ingress, path, number).await?);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let sent = notifier.stop().await;
    ingress.stop().await?;
    Ok(criteria(times, &sent, rate, count(handshakes)))
}

fn criteria(mut times: Vec<f64>, sent: &Sent, rate: f64, wanted: u64) -> Vec<Criterion> {
    times.sort_by(f64::total_cmp);
    let rank = |hundredths: usize| times[(times.len() * hundredths).div_ceil(100) - 1];
    let answered = sent.acknowledged.len();
    // Far below 2^52 notifications are sent.
    let answered_per_s =
        f64::from(u32::try_from(answered).unwrap_or(u32::MAX)) / sent.lasted.as_secs_f64();
    vec![
        Criterion::exactly(
            "handshake: answered with the token",
            count(times.len()),
            wanted,
        ),
        Criterion::rate(
            "handshake: notifications made durable meanwhile",
            answered_per_s,
            rate,
        ),
        Criterion::none("handshake: notifications refused", sent.refused),
        Criterion::told_ms("handshake: p50", rank(50)),
        Criterion::below_ms("handshake: p99", rank(99), 5.0),
    ]
}

/// One handshake on a connection of its own; returns the milliseconds from connecting to the whole answer.
async fn shake(address: SocketAddr, path: &str, number: usize) -> Result<f64> {
    let token = format!("token-{number}");
    let request = format!(
        "POST /{path}?validationToken={token} HTTP/1.1\r\nhost: {address}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    );
    let start = Instant::now();
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .await
        .context("the handshake was not answered")?;
    let took = start.elapsed().as_secs_f64() * 1e3;
    let right = answer.starts_with("HTTP/1.1 200") && answer.ends_with(&format!("\r\n\r\n{token}"));
    ensure!(right, "the handshake was answered with {answer}");
    Ok(took)
}
