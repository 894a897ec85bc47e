//! No answer under the hook makes Business Central delete a subscription: each is 2xx or 503.

use std::time::Duration;

use harness::{CLIENT_STATE, HOOK, Hook, client, notification, until};
use serde_json::json;
use signalbox_core::{CatchUp, Payload as _};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{PATIENT, ready};

fn harmless(status: u16) -> bool {
    (200..300).contains(&status) || status == 503
}

/// Sends raw bytes and returns the status of the answer.
async fn raw(hook: &Hook, bytes: &[u8]) -> u16 {
    let mut stream = TcpStream::connect(hook.address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = [0; 64];
    let length = stream.read(&mut answer).await.unwrap();
    let line = String::from_utf8_lossy(&answer[..length]).into_owned();
    let status = line.split(' ').nth(1).unwrap_or_default().parse();
    status.unwrap_or_else(|_| panic!("no answer to {} bytes: {line:?}", bytes.len()))
}

#[tokio::test]
async fn every_method_and_path_is_answered_harmlessly() {
    let hook = Hook::start(PATIENT).await;
    let paths = [
        HOOK.to_owned(),
        "/hooks/business-central/".to_owned(),
        "/hooks/business-central/erp".to_owned(),
        "/hooks/business-central/erp/unknown".to_owned(),
        "/hooks/business-central/nobody/x".to_owned(),
        "/hooks/business-central/erp/a/b/c/d".to_owned(),
        "/hooks/business-central/%FF%00/..%2F".to_owned(),
        format!("{HOOK}?{}", "x=1&".repeat(1000)),
        format!("/hooks/business-central/erp/{}", "x".repeat(8000)),
    ];
    for method in [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW",
    ] {
        for path in &paths {
            let request = client().request(method.parse().unwrap(), hook.url(path));
            let status = request.body("{}").send().await.unwrap().status().as_u16();
            assert!(harmless(status), "{method} {path} was answered {status}");
        }
    }
}

#[tokio::test]
async fn what_the_http_library_refuses_by_itself_is_answered_503() {
    let hook = Hook::start(PATIENT).await;
    let head = |line: &str, headers: &str| format!("{line}\r\n{headers}\r\n").into_bytes();
    let post = format!("POST {HOOK} HTTP/1.1");
    let many = "x-header: 1\r\n".repeat(2000);
    let faults = [
        head(&post, &format!("host: h\r\n{many}")),
        head(
            &post,
            &format!("host: h\r\nx: {}\r\n", "a".repeat(2 * 1024 * 1024)),
        ),
        head(
            &format!("POST {HOOK}?{} HTTP/1.1", "q".repeat(100_000)),
            "host: h\r\n",
        ),
        head(&post, "host: h\r\nbad header\r\n"),
        head(&post, "host: h\r\ncontent-length: -1\r\n"),
        head(&post, "host: h\r\ntransfer-encoding: odd\r\n"),
        head(&format!("POST {HOOK} HTTP/7.9"), "host: h\r\n"),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        b"complete nonsense\r\n\r\n".to_vec(),
    ];
    for fault in faults {
        let status = raw(&hook, &fault).await;
        let start = String::from_utf8_lossy(&fault[..fault.len().min(60)]).into_owned();
        assert!(harmless(status), "{start:?} was answered {status}");
    }
}

#[tokio::test]
async fn unreadable_and_oversize_bodies_are_taken_and_caught_up_with() {
    for body in [
        Vec::new(),
        b"<html>".to_vec(),
        b"{\"value\":".to_vec(),
        b"[1,2]".to_vec(),
        vec![0xff; 1000],
        vec![b' '; 3 * 1024 * 1024],
    ] {
        let hook = Hook::start(PATIENT).await;
        let length = body.len();
        assert_eq!(hook.post(body).await, 200, "a body of {length} bytes");
        assert_eq!(
            ready(&hook, &CatchUp::QUEUE.to_string()).await,
            1,
            "a body of {length} bytes"
        );
    }
}

#[tokio::test]
async fn while_redis_is_away_a_notification_is_answered_503_within_its_time() {
    let mut hook = Hook::start(Duration::from_millis(300)).await;
    hook.redis.kill();
    let body = json!({ "value": [notification("r", CLIENT_STATE)] }).to_string();
    assert_eq!(hook.post(body).await, 503);
}

#[tokio::test]
async fn an_unknown_connection_is_asked_to_send_again_and_an_unknown_key_is_counted() {
    let hook = Hook::start(PATIENT).await;
    let post = async |path: &str| {
        let request = client().post(hook.url(path)).body("{}");
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(post("/hooks/business-central/nobody/x").await, 503);
    assert_eq!(post("/hooks/business-central/erp/unknown").await, 200);
    let refused = hook.queue.refused().await.unwrap();
    assert_eq!(refused, [("unknown-subscription".to_owned(), 1)]);
}

#[tokio::test]
async fn a_redis_that_is_nearly_full_is_answered_503_at_once_and_200_when_it_has_room_again() {
    let hook = Hook::start(PATIENT).await;
    let used = hook.queue.memory().await.unwrap().used;
    let limit = |bytes: u64| {
        let answer = hook.redis.command(&format!("CONFIG SET maxmemory {bytes}"));
        assert!(answer.contains("OK"), "{answer}");
    };
    limit(used + used / 10);
    let body = json!({ "value": [notification("r", CLIENT_STATE)] }).to_string();
    assert_eq!(hook.post(body.clone()).await, 503);
    assert_eq!(ready(&hook, "read").await, 0);
    limit(used * 10);
    until("there is room again", async || {
        hook.post(body.clone()).await == 200
    })
    .await
    .unwrap();
    assert_eq!(ready(&hook, "read").await, 1);
}
