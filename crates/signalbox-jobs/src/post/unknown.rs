//! An intent whose attempt is gone: was the card posted or not?
//!
//! The answer counts only once the card must be visible, and only on a connection whose look-back has at least once
//! found a marker of ours. Otherwise the route's `on_unknown` decides.

use jiff::Timestamp;
use signalbox_config::OnUnknown;
use signalbox_core::{JobError, JobResult, MarkerScanner, Post, unknown_group};
use signalbox_microsoft::{Error, look_back};
use signalbox_queue::{Intent, Token};

use super::Attempt;
use crate::{context::after, counts::Effect, fault};

/// The register of connections whose look-back has found a marker of ours.
const PROVEN: &str = "look-back";

impl Attempt<'_> {
    pub(super) async fn look_into(&self, since: Timestamp, token: &Token) -> JobResult {
        let ended = after(since, self.sink.request_timeout);
        let visible = after(ended, self.sink.visibility_delay);
        if self.context.clock.now() < visible {
            let cause =
                "an earlier attempt may have posted this card; waiting until it must be visible";
            return Err(JobError::snooze(visible, cause));
        }
        let seen = look_back(
            &self.sink.graph,
            &self.target,
            self.marker,
            since,
            self.graph.errand(),
        )
        .await;
        let seen = match seen {
            Ok(seen) => seen,
            // Reading a channel needs a permission that posting does not: without it nobody can be asked.
            Err(Error::Forbidden { .. }) => MarkerScanner::new(self.marker),
            Err(error) => return Err(self.graph.fault(error).await),
        };
        if seen.any_of_ours {
            self.note_proof().await?;
        }
        if seen.found {
            let note = "announced by an earlier attempt";
            let confirmed = self.confirm("found by look-back", note).await;
            self.count_if(&confirmed, Effect::Found);
            return confirmed;
        }
        if !self.is_proven(seen).await? && self.route.on_unknown == OnUnknown::Hold {
            return Err(self.held());
        }
        match self.intend(Some(token)).await? {
            Intent::Fresh => self.send().await,
            other => {
                let cause = format!("the ledger changed while it was looked into: {other:?}");
                Err(JobError::transient(cause))
            }
        }
    }

    async fn is_proven(&self, seen: MarkerScanner) -> Result<bool, JobError> {
        if seen.any_of_ours {
            return Ok(true);
        }
        let register = self.context.queue.register(PROVEN);
        let proof: Option<bool> = register
            .get(self.job.payload.connection.as_str())
            .await
            .map_err(fault::queue)?;
        Ok(proof.unwrap_or(false))
    }

    async fn note_proof(&self) -> Result<(), JobError> {
        let register = self.context.queue.register(PROVEN);
        let name = self.job.payload.connection.as_str();
        register
            .update(name, |_| Some(true))
            .await
            .map(drop)
            .map_err(fault::queue)
    }

    fn held(&self) -> JobError {
        let Post { document, to, .. } = &self.job.payload;
        let group = unknown_group(&self.route.name);
        let cause = format!(
            "it cannot be found out whether the card of {document} was posted; look into the channel `{}` of the team \
             `{}`: `signalbox jobs release --group {group}` posts it if it is not there, \
             `signalbox jobs seen --group {group}` takes it as posted if it is",
            to.channel, to.team
        );
        tracing::error!(route.name = %self.route.name, cause, "a post is held");
        self.count(Effect::Held);
        JobError::hold(group, cause)
    }
}
