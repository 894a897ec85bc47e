//! A master, replicas and a Sentinel that puts one of them in the master's place when it dies.

use std::{
    fs,
    process::{Child, Command, Stdio},
};

use signalbox_queue::QueueOptions;
use tempfile::TempDir;

use crate::{RedisServer, fleet::free_port};

/// What the group is called.
const SERVICE: &str = "signals";

/// The group. Its first server begins as the master.
#[derive(Debug)]
pub struct SentinelGroup {
    servers: Vec<(u16, RedisServer)>,
    sentinel: Child,
    sentinel_port: u16,
    _dir: TempDir,
}

impl SentinelGroup {
    /// A master with `replicas` replicas, one of which must have what was written.
    pub fn start(replicas: usize) -> Self {
        let first = free_port();
        let master = format!("--replicaof 127.0.0.1 {first}");
        let mut servers = vec![(first, server(first, &[]))];
        for _ in 0..replicas {
            let port = free_port();
            servers.push((port, server(port, &[&master])));
        }
        // A Sentinel looks for replicas when it starts, and then every ten seconds only.
        wait_for_replicas(&servers[0].1, replicas);
        let dir = tempfile::tempdir().expect("a temporary folder");
        let sentinel_port = free_port();
        Self {
            servers,
            sentinel: sentinel(&dir, sentinel_port, first),
            sentinel_port,
            _dir: dir,
        }
    }

    /// What a queue connects with: two Sentinels, the first of which is not there.
    pub fn options(&self) -> QueueOptions {
        let nobody = free_port();
        let url = format!(
            "redis+sentinel://127.0.0.1:{nobody},127.0.0.1:{}/{SERVICE}",
            self.sentinel_port
        );
        QueueOptions {
            url,
            ..self.servers[0].1.options(None)
        }
    }

    /// The server that is the master now.
    pub fn master(&mut self) -> &mut RedisServer {
        self.servers_now()
            .find(|server| role(server) == "master")
            .expect("one of them is the master")
    }

    /// The servers that follow it.
    pub fn replicas(&mut self) -> impl Iterator<Item = &mut RedisServer> {
        self.servers_now().filter(|server| role(server) == "slave")
    }

    /// Lets a replica take the master's place while the master lives, as before its maintenance.
    pub fn hand_over(&self) {
        let port = self.sentinel_port.to_string();
        // At first the Sentinel does not know yet which replica is good for it.
        crate::redis_server::wait("the sentinel hands nothing over", || {
            let told = Command::new("redis-cli")
                .args(["-p", &port, "SENTINEL", "FAILOVER", SERVICE])
                .output();
            told.is_ok_and(|told| told.stdout.starts_with(b"OK"))
        });
    }

    /// The last server, which begins as a replica.
    pub fn replica(&mut self) -> &mut RedisServer {
        let (_, last) = self.servers.last_mut().expect("there are servers");
        last
    }

    fn servers_now(&mut self) -> impl Iterator<Item = &mut RedisServer> {
        let servers = self.servers.iter_mut().map(|(_, server)| server);
        servers.filter_map(|server| server.runs().then_some(server))
    }
}

impl Drop for SentinelGroup {
    fn drop(&mut self) {
        drop(self.sentinel.kill());
        drop(self.sentinel.wait());
    }
}

fn role(server: &RedisServer) -> String {
    let role = server.cli(&["ROLE"]);
    role.lines().next().unwrap_or_default().to_owned()
}

fn server(port: u16, more: &[&str]) -> RedisServer {
    let port = format!("--port {port}");
    let mut settings = vec![
        port.as_str(),
        "--min-replicas-to-write 1",
        "--repl-diskless-sync-delay 0",
    ];
    settings.extend(more);
    RedisServer::start_with(&settings)
}

/// Waits until `server` has as many replicas that follow it.
pub(crate) fn wait_for_replicas(server: &RedisServer, count: usize) {
    crate::redis_server::wait("the replicas do not follow", || {
        server
            .cli(&["INFO", "replication"])
            .matches("state=online")
            .count()
            == count
    });
}

fn sentinel(dir: &TempDir, port: u16, master: u16) -> Child {
    let conf = dir.path().join("sentinel.conf");
    let text = format!(
        "port {port}\nbind 127.0.0.1\nsentinel monitor {SERVICE} 127.0.0.1 {master} 1\n\
         sentinel down-after-milliseconds {SERVICE} 500\nsentinel failover-timeout {SERVICE} 3000\n"
    );
    fs::write(&conf, text).expect("the folder can be written to");
    let child = Command::new("redis-server")
        .arg(conf)
        .arg("--sentinel")
        .current_dir(dir.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server is installed");
    crate::redis_server::wait("the sentinel knows no replica", || {
        let asked = Command::new("redis-cli")
            .args(["-p", &port.to_string(), "SENTINEL", "REPLICAS", SERVICE])
            .output();
        asked.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("slave-priority"))
    });
    child
}
