//! Who is measured, one file each.

mod apalis_redis;
pub(crate) mod bullmq_node;
mod bullmq_official;
pub(crate) mod signalbox;

use crate::contestant::Contestant;

/// Everybody whose Redis is at `url`, ours first. BullMQ on Node.js joins later, if there is a Node.js.
pub(crate) fn field(url: &str, peers: bool) -> Vec<Box<dyn Contestant>> {
    let mut field: Vec<Box<dyn Contestant>> = vec![Box::new(signalbox::Signalbox::new(url))];
    if peers {
        field.push(Box::new(bullmq_official::BullmqOfficial::new(url)));
        field.push(Box::new(apalis_redis::ApalisRedis::new(url)));
    }
    field
}
