//! The commands that people operate with: the real program against a real Redis, with jobs of every kind in it.

mod completions;
mod dead;
mod health;
mod jobs;
mod live;
mod man;
mod metrics;
mod secrets;
mod status;
mod traces;
mod trail;
mod watching;

use std::{fs, net::SocketAddr, time::Duration};

use harness::{
    RedisServer,
    fleet::{Ended, ask, free_address, run},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use signalbox_core::{JobId, LaneChain, LaneName, Payload, QueueName};
use signalbox_queue::{
    NewJob, Queue,
    protocol::{self, Verb},
};
use tempfile::TempDir;

/// Long enough that no lease runs out by itself within a test.
const LONG: Duration = Duration::from_secs(60);

/// A payload in the queue `post`, whose contents nobody reads here.
#[derive(Serialize, Deserialize)]
struct Announce;

impl Payload for Announce {
    const QUEUE: QueueName = QueueName::new("post", 1);
}

/// A payload in the queue `read`.
#[derive(Serialize, Deserialize)]
struct Look;

impl Payload for Look {
    const QUEUE: QueueName = QueueName::new("read", 1);
}

/// The same of a later release, which Redis knows as another queue.
#[derive(Serialize, Deserialize)]
struct LaterLook;

impl Payload for LaterLook {
    const QUEUE: QueueName = QueueName::new("read", 2);
}

/// A configuration that leads to a Redis, and the queue in it.
struct Desk {
    queue: Queue,
    /// Where a role of this configuration says how it is.
    observe: SocketAddr,
    dir: TempDir,
    redis: RedisServer,
}

impl Desk {
    async fn new() -> Self {
        let redis = RedisServer::start();
        let queue = redis.queue().await;
        let dir = tempfile::tempdir().unwrap();
        let observe = free_address();
        let config = format!(
            r#"
[data]
dir = "{data}"

[redis]
url = "{redis}"
namespace = "test"
partitions = 1

[ingress]
bind = "127.0.0.1:0"

[observe]
bind = "{observe}"
"#,
            data = dir.path().join("data").display(),
            redis = redis.url(),
        );
        fs::write(dir.path().join("signalbox.toml"), config).unwrap();
        Self {
            queue,
            observe,
            dir,
            redis,
        }
    }

    /// Runs a command for a person. Words are separated by spaces.
    async fn run(&self, command: &str) -> Ended {
        let words: Vec<&str> = command.split_whitespace().collect();
        run(self.dir.path(), &words).await.unwrap()
    }

    /// Runs a command for a program and returns its exit code and its answer.
    async fn ask(&self, command: &str) -> (i32, Value) {
        let words = command.split_whitespace().chain(["--json"]);
        let words: Vec<&str> = words.collect();
        ask(self.dir.path(), &words).await.unwrap()
    }

    async fn enqueue<P: Payload>(&self, ids: &[&str], payload: impl Fn() -> P) {
        for id in ids {
            self.queue.enqueue(job(id, payload())).await.unwrap();
        }
    }

    /// Enqueues jobs of which each dies with `reason`.
    async fn bury<P: Payload>(&self, ids: &[&str], payload: impl Fn() -> P, reason: &str) {
        self.enqueue(ids, payload).await;
        let leased = protocol::fetch(&self.queue, &P::QUEUE, LONG, ids.len());
        for one in leased.await.unwrap() {
            let dead = protocol::settle(&self.queue, &one.lease, Verb::Dead, reason);
            assert!(dead.await.unwrap());
        }
    }

    /// The state of the job called `id`, as the program says it.
    async fn state(&self, id: &str) -> Value {
        self.ask(&format!("jobs show {id}")).await.1["state"].clone()
    }
}

fn job<P: Payload>(id: &str, payload: P) -> NewJob {
    let lanes = LaneChain::root(LaneName::new(["tenant"])).below(LaneName::new(["lane"]));
    NewJob::new(JobId::new([id]), lanes, payload, None).unwrap()
}

/// The ids in a page.
fn ids(page: &Value) -> Vec<&str> {
    let jobs = page["jobs"].as_array().unwrap();
    jobs.iter().map(|job| job["id"].as_str().unwrap()).collect()
}
