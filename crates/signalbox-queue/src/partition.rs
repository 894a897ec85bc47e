//! One partition: the keys that share a hash slot, and the scripts run on them.
//!
//! Every script gets the instant first (empty for the server's clock) and the installation second.

use std::sync::Arc;

use jiff::Timestamp;
use redis::{FromRedisValue, Script, ScriptInvocation};

use crate::{QueueError, gather::Gather, keys, link::Link, permit::Returns};

/// One partition of the queue.
#[derive(Debug, Clone)]
pub(crate) struct Partition {
    /// Counted from 0.
    pub(crate) number: u16,
    /// What all its keys begin with.
    pub(crate) prefix: String,
    pub(crate) link: Link,
    /// The installation's id, which every script checks.
    pub(crate) epoch: String,
    /// The instant that scripts are told. `None` outside tests.
    pub(crate) now: Option<Timestamp>,
    /// Where jobs meet that are enqueued one by one at the same time.
    pub(crate) gather: Arc<Gather>,
    /// Permits on their way back.
    pub(crate) returns: Arc<Returns>,
}

impl Partition {
    pub(crate) fn new(namespace: &str, number: u16, link: Link, epoch: String) -> Self {
        let prefix = keys::prefix(namespace, number);
        Self {
            number,
            link: link.bound(&prefix),
            prefix,
            epoch,
            now: None,
            gather: Arc::default(),
            returns: Arc::default(),
        }
    }

    /// Starts a call of `script` with what all scripts get.
    pub(crate) fn call<'a>(&self, script: &'a Script) -> ScriptInvocation<'a> {
        let mut call = script.prepare_invoke();
        let now = self.now.map(|now| now.as_millisecond().to_string());
        call.key(&self.prefix);
        if self.link.is_cluster() {
            // While a slot moves, a call with two keys, one of which never exists, is put off by both nodes: no
            // script ever sees or changes a part of the partition (TRYAGAIN).
            call.key(keys::meta(&self.prefix));
        }
        call.arg(now.unwrap_or_default()).arg(&self.epoch);
        call
    }

    /// Sends a call and waits for its answer, which comes once it is as durable as Redis makes it.
    pub(crate) async fn invoke<T: FromRedisValue>(
        &self,
        call: &ScriptInvocation<'_>,
    ) -> Result<T, QueueError> {
        call.invoke_async(&mut self.link.shared())
            .await
            .map_err(|error| QueueError::from_script(error, &self.epoch))
    }
}
