//! What a second master of a cluster costs: the same jobs on one master and on two, each a fresh cluster.
//!
//! The queue has eight partitions, four of which lie in each half of the slots. Jobs are of many roots, so that all
//! partitions have about as many.

use std::{fmt::Write, time::Duration};

use anyhow::{Result, bail};

use crate::{
    contestant::{Contestant, How, Jobs, Play},
    contestants::signalbox::Signalbox,
    figures::median,
    say,
    server::{Aof, Server},
};

const PARTITIONS: u16 = 8;
const ROOTS: usize = 1000;
const CONCURRENCY: usize = 100;
const SLOTS: usize = 16_384;
/// How long the nodes may take to know each other.
const MEETING: Duration = Duration::from_secs(30);

/// What one round with one or two masters showed.
struct Round {
    rate: f64,
    cpu_us_per_job: f64,
    /// Of the jobs, those that the first master had, in percent.
    share: f64,
}

/// The table of both, with medians of `rounds` rounds.
pub(crate) async fn table(jobs: usize, rounds: u32, aof: Aof) -> Result<String> {
    let mut text = String::from(
        "| masters | jobs/s | µs of Redis per job | share of the first |\n|---|---|---|---|\n",
    );
    let (mut one, mut two) = (Vec::new(), Vec::new());
    for number in 0..rounds {
        for (masters, all) in [(1, &mut one), (2, &mut two)] {
            let round = Round::play(masters, jobs, aof).await?;
            say(&format!(
                "masters {masters}, round {}: {:.0} jobs/s, {:.2} µs, {:.1} %",
                number + 1,
                round.rate,
                round.cpu_us_per_job,
                round.share
            ));
            all.push(round);
        }
    }
    for (masters, all) in [(1, &one), (2, &two)] {
        let of = |figure: fn(&Round) -> f64| {
            median(&all.iter().map(figure).collect::<Vec<_>>()).unwrap_or_default()
        };
        let (rate, cpu) = (of(|round| round.rate), of(|round| round.cpu_us_per_job));
        let share = of(|round| round.share);
        writeln!(text, "| {masters} | {rate:.0} | {cpu:.2} | {share:.1} % |")?;
    }
    Ok(text)
}

impl Round {
    async fn play(masters: usize, count: usize, aof: Aof) -> Result<Self> {
        let nodes = cluster(masters, aof).await?;
        let hosts: Vec<String> = nodes
            .iter()
            .map(|node| format!("127.0.0.1:{}", node.port()))
            .collect();
        let url = format!("redis+cluster://{}", hosts.join(","));
        let mut ours = Signalbox::across(&url, PARTITIONS);
        let jobs = Jobs {
            roots: ROOTS,
            ..Jobs::new(count, 1)
        };
        let how = How::Bulk(500);
        ours.play(&Play::Enqueue { jobs, how }).await?;
        let before = cpu(&nodes).await?;
        let concurrency = CONCURRENCY;
        let played = ours.play(&Play::Process { count, concurrency }).await?;
        let spent = cpu(&nodes).await? - before;
        let done: Vec<f64> = futures::future::try_join_all(nodes.iter().map(done)).await?;
        Ok(Self {
            rate: played.count as f64 / played.seconds,
            cpu_us_per_job: spent * 1e6 / played.count as f64,
            share: done[0] * 100.0 / done.iter().sum::<f64>(),
        })
    }
}

/// Masters that share the slots evenly, without replicas.
async fn cluster(masters: usize, aof: Aof) -> Result<Vec<Server>> {
    let mut nodes: Vec<Server> = Vec::new();
    for number in 0..masters {
        let (node, bus) = Server::start_node(aof).await?;
        let (first, last) = (SLOTS * number / masters, SLOTS * (number + 1) / masters - 1);
        let range = [first.to_string(), last.to_string()];
        let () = node
            .ask(&["CLUSTER", "ADDSLOTSRANGE", &range[0], &range[1]])
            .await?;
        if let Some(known) = nodes.first() {
            let (port, bus) = (node.port().to_string(), bus.to_string());
            let () = known
                .ask(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus])
                .await?;
        }
        nodes.push(node);
    }
    for node in &nodes {
        until_whole(node).await?;
    }
    Ok(nodes)
}

async fn until_whole(node: &Server) -> Result<()> {
    let whole = tokio::time::timeout(MEETING, async {
        loop {
            let info: String = node.ask(&["CLUSTER", "INFO"]).await?;
            if info.contains("cluster_state:ok") {
                return anyhow::Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    match whole.await {
        Ok(whole) => whole,
        Err(_) => bail!("the nodes of the cluster do not come to know each other"),
    }
}

async fn cpu(nodes: &[Server]) -> Result<f64> {
    let each = futures::future::try_join_all(nodes.iter().map(Server::cpu)).await?;
    Ok(each.iter().sum())
}

/// Jobs that ended at this master.
async fn done(node: &Server) -> Result<f64> {
    let mut sum = 0.0;
    for partition in 0..PARTITIONS {
        let key = format!("{{bench/{partition}}}:finished");
        // A partition of the other master is answered with an error.
        sum += node.ask::<f64>(&["ZCARD", &key]).await.unwrap_or(0.0);
    }
    Ok(sum)
}
