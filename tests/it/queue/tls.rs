//! TLS with authorities of one's own, and a user who may do what the queue does and nothing else.

use std::{path::Path, process::Command};

use harness::{Note, RedisServer, Script, Steered, free_port};
use signalbox_queue::{Durability, JobState, Queue, QueueOptions};
use tempfile::TempDir;

use super::{LONG, until_state};

/// The rules that `docs/operations.md` gives, for the namespace of the tests.
fn documented_rules() -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
    let page = std::fs::read_to_string(page).unwrap();
    let line = page
        .lines()
        .find(|line| line.starts_with("user signalbox "));
    let rules = line.unwrap().replace("{signalbox/", "{test/");
    rules
        .split_whitespace()
        .skip(2)
        .map(str::to_owned)
        .collect()
}

/// A certificate for this machine, and the authority that signed it.
fn certificates(dir: &Path) {
    let openssl = |line: &str| {
        let done = Command::new("openssl")
            .args(line.split_whitespace())
            .current_dir(dir)
            .output()
            .unwrap();
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
    };
    openssl(
        "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=authority",
    );
    openssl("req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=server");
    std::fs::write(
        dir.join("names"),
        "subjectAltName=DNS:localhost,IP:127.0.0.1",
    )
    .unwrap();
    openssl(
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.pem",
    );
}

fn server(dir: &Path, port: u16) -> RedisServer {
    let port = format!("--tls-port {port}");
    let file = |setting: &str, name: &str| format!("--{setting} {}", dir.join(name).display());
    let (cert, key) = (
        file("tls-cert-file", "server.pem"),
        file("tls-key-file", "server.key"),
    );
    let ca = file("tls-ca-cert-file", "ca.pem");
    RedisServer::start_with(&[&port, &cert, &key, &ca, "--tls-auth-clients no"])
}

#[tokio::test]
async fn a_user_with_the_documented_rules_can_do_all_that_is_needed_over_tls() {
    let dir = TempDir::new().unwrap();
    certificates(dir.path());
    let port = free_port();
    let redis = server(dir.path(), port);
    let rules = documented_rules();
    let mut user = vec!["ACL", "SETUSER", "signalbox"];
    user.extend(rules.iter().map(String::as_str));
    assert_eq!(redis.cli(&user).trim(), "OK");
    let authority = dir.path().join("ca.pem");
    let options = QueueOptions {
        url: format!(
            "rediss://signalbox:PASSWORD@localhost:{port}?ca-file={}",
            authority.display()
        ),
        ..redis.options(None)
    };
    let (queue, _) = Queue::connect(options.clone()).await.unwrap();
    let findings = queue.durability_findings(Durability::Fsync).await;
    assert_eq!(findings.unwrap(), []);
    let mut worker = Steered::on(options, LONG, 2);
    for id in ["first", "second"] {
        queue.enqueue(Note::job(id, "lane", "x")).await.unwrap();
        worker.next().await.tell(Script::Complete);
        until_state(&queue, id, JobState::Done).await;
        redis.command("SCRIPT FLUSH");
    }
    worker.stop().await;
    assert!(
        redis.cli(&["ACL", "LOG"]).trim().is_empty(),
        "nothing was refused"
    );
}

#[tokio::test]
async fn a_server_that_no_known_authority_vouches_for_is_not_talked_to() {
    let dir = TempDir::new().unwrap();
    certificates(dir.path());
    let port = free_port();
    let redis = server(dir.path(), port);
    let options = QueueOptions {
        url: format!("rediss://localhost:{port}"),
        ..redis.options(None)
    };
    let refused = Queue::connect(options).await.unwrap_err();
    let source = std::error::Error::source(&refused).unwrap().to_string();
    assert!(source.to_lowercase().contains("certificate"), "{source}");
}
