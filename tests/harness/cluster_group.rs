//! A cluster of masters with one replica each, the slots of which can be moved.

use signalbox_queue::QueueOptions;

use crate::{RedisServer, fleet::free_port, redis_server::wait, sentinel_group::wait_for_replicas};

const SLOTS: usize = 16_384;

/// The nodes: the masters, then as many replicas.
#[derive(Debug)]
pub struct ClusterGroup {
    nodes: Vec<Node>,
    masters: usize,
}

#[derive(Debug)]
struct Node {
    port: u16,
    bus: u16,
    id: String,
    server: RedisServer,
}

impl ClusterGroup {
    /// `masters` masters that share the slots evenly, each with a replica that must have what was written.
    pub fn start(masters: usize) -> Self {
        let nodes: Vec<Node> = (0..2 * masters).map(|_| Node::start()).collect();
        let group = Self { nodes, masters };
        group.assign_slots();
        group.introduce();
        for (master, replica) in group.pairs() {
            wait("a replica cannot follow", || {
                replica.says_ok(&["CLUSTER", "REPLICATE", &master.id])
            });
        }
        for (master, _) in group.pairs() {
            wait_for_replicas(&master.server, 1);
        }
        group.wait_until_ok();
        group
    }

    /// What a queue with `partitions` partitions connects with.
    pub fn options(&self, partitions: u16) -> QueueOptions {
        let hosts: Vec<String> = self.nodes[..2]
            .iter()
            .map(|node| format!("127.0.0.1:{}", node.port))
            .collect();
        QueueOptions {
            url: format!("redis+cluster://{}", hosts.join(",")),
            partitions,
            ..self.nodes[0].server.options(None)
        }
    }

    /// The nodes that began as masters.
    pub fn masters(&self) -> impl Iterator<Item = &RedisServer> {
        self.nodes[..self.masters].iter().map(|node| &node.server)
    }

    /// The slot of `key`, and which master has it.
    pub fn home_of(&self, key: &str) -> (usize, usize) {
        let slot = self.nodes[0].server.cli(&["CLUSTER", "KEYSLOT", key]);
        let slot: usize = slot.trim().parse().expect("a number");
        (slot, slot * self.masters / SLOTS)
    }

    /// Begins to move a slot: from now on its keys are on both sides.
    pub fn begin_move(&self, slot: usize, from: usize, to: usize) {
        let (from, to, slot) = (&self.nodes[from], &self.nodes[to], slot.to_string());
        to.must(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from.id]);
        from.must(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to.id]);
    }

    /// Moves up to `most` keys of a slot that is being moved. Returns how many there were.
    pub fn move_keys(&self, slot: usize, from: usize, to: usize, most: usize) -> usize {
        let (from, to) = (&self.nodes[from], &self.nodes[to]);
        let (slot, most) = (slot.to_string(), most.to_string());
        let keys = from.server.cli(&["CLUSTER", "GETKEYSINSLOT", &slot, &most]);
        let keys: Vec<&str> = keys.lines().filter(|key| !key.is_empty()).collect();
        if !keys.is_empty() {
            let port = to.port.to_string();
            let mut migrate = vec!["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
            migrate.extend(&keys);
            from.must(&migrate);
        }
        keys.len()
    }

    /// Ends a move: everybody is told where the slot is.
    pub fn end_move(&self, slot: usize, to: usize) {
        let (to, slot) = (&self.nodes[to], slot.to_string());
        to.must(&["CLUSTER", "SETSLOT", &slot, "NODE", &to.id]);
        for node in &self.nodes[..self.masters] {
            node.must(&["CLUSTER", "SETSLOT", &slot, "NODE", &to.id]);
        }
    }

    /// Ends a master as a power cut would, lets its replica take its place, and starts it again as the replica.
    pub fn fail_over(&mut self, master: usize) {
        self.nodes[master].server.kill();
        let replica = &self.nodes[self.masters + master].server;
        wait("the replica does not take over", || {
            replica.cli(&["ROLE"]).starts_with("master")
        });
        self.nodes[master].server.restart();
    }

    fn pairs(&self) -> impl Iterator<Item = (&Node, &Node)> {
        let (masters, replicas) = self.nodes.split_at(self.masters);
        masters.iter().zip(replicas)
    }

    fn assign_slots(&self) {
        for (number, master) in self.nodes[..self.masters].iter().enumerate() {
            let first = (number * SLOTS).div_ceil(self.masters);
            let last = ((number + 1) * SLOTS).div_ceil(self.masters) - 1;
            let (first, last) = (first.to_string(), last.to_string());
            master.must(&["CLUSTER", "ADDSLOTSRANGE", &first, &last]);
            // Nodes with one epoch would have to settle first whose it is.
            let epoch = (number + 1).to_string();
            master.must(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch]);
        }
    }

    fn introduce(&self) {
        for node in &self.nodes {
            for other in &self.nodes {
                let (port, bus) = (other.port.to_string(), other.bus.to_string());
                node.must(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]);
            }
        }
        self.wait_until_ok();
    }

    fn wait_until_ok(&self) {
        let known = format!("cluster_known_nodes:{}", self.nodes.len());
        wait("the nodes do not agree", || {
            self.nodes.iter().all(|node| {
                let info = node.server.cli(&["CLUSTER", "INFO"]);
                info.contains("cluster_state:ok") && info.contains(&known)
            })
        });
    }
}

impl Node {
    fn start() -> Self {
        let (port, bus) = (free_port(), free_port());
        let (ports, buses) = (format!("--port {port}"), format!("--cluster-port {bus}"));
        let server = RedisServer::start_with(&[
            &ports,
            &buses,
            "--cluster-enabled yes",
            "--cluster-node-timeout 2000",
            "--min-replicas-to-write 1",
            "--repl-diskless-sync-delay 0",
        ]);
        let id = server.cli(&["CLUSTER", "MYID"]).trim().to_owned();
        Self {
            port,
            bus,
            id,
            server,
        }
    }

    fn says_ok(&self, args: &[&str]) -> bool {
        self.server.cli(args).trim() == "OK"
    }

    fn must(&self, args: &[&str]) {
        let answer = self.server.cli(args);
        assert!(
            matches!(answer.trim(), "OK" | "NOKEY"),
            "{args:?}: {answer}"
        );
    }
}
