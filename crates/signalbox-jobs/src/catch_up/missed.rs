//! Catching up: everything changed since an instant is announced if it was not. Without an instant everything there is
//! is looked at, and what is not there any more was deleted. Of a set that only grows, only what is numbered higher than
//! polls have got to is asked for.

use jiff::{SignedDuration, Timestamp};
use signalbox_core::{
    Completion, JobError, JobResult, Numbers, SCHEDULES, SUBSCRIPTIONS, ScheduleState, Subscription,
};

use super::{
    Attempt,
    census::Census,
    haul::Haul,
    reading::{Reading, Turn},
};
use crate::fault;

/// A long transaction commits rows with older instants than some that were read before
/// (facts, Business Central §6).
const OVERLAP: SignedDuration = SignedDuration::from_mins(10);

impl Attempt<'_> {
    pub(super) async fn missed(&self, since: Option<Timestamp>) -> JobResult {
        let started = self.context.clock.now();
        let looked_from = since.unwrap_or(Timestamp::MIN);
        let since = since.map(|since| since.checked_sub(OVERLAP).unwrap_or(Timestamp::UNIX_EPOCH));
        let mut haul = Haul::begin(self, "a catch-up", self.job.lease.id.to_string());
        let mut census = Census::begin(self).await?;
        let client = &self.source.client;
        let numbers = self.mark().await?.and_then(|mark| mark.numbers);
        let numbers = numbers.filter(|_| self.set.serial.is_some());
        let counts = since.is_none() && self.set.serial.is_none();
        let mut reading = Reading::begin(self, |page_size| {
            let listing = match numbers {
                // What is numbered lower has been looked at, whenever it was changed, and no index helps to find it.
                Some(Numbers { above, .. }) => {
                    client.numbered_above(self.set, self.company_key(), above, page_size)
                }
                None => client.changed(self.set, self.company_key(), since, page_size),
            };
            // What a lagging replica does not show yet would not be looked for again.
            listing.from_primary()
        })
        .await?;
        loop {
            match reading.next().await? {
                Turn::Page(mut page) => {
                    self.finish(&mut page).await?;
                    haul.take(&page).await?;
                    if counts {
                        census.take(&page);
                    }
                }
                Turn::Anew => {
                    haul.begin_anew();
                    census.begin_anew();
                }
                Turn::End => break,
            }
        }
        let (mut note, _) = haul.end().await?;
        if counts {
            let gone = census.settle_after_a_look(started).await?;
            note = format!("{note}; {gone}");
        }
        self.note_caught_up(looked_from, started).await?;
        self.note_looked(looked_from, started).await?;
        Ok(Completion::noted(note))
    }

    /// The next look of a schedule may begin at `started`, if this one began where the schedule had got to.
    async fn note_looked(&self, from: Timestamp, started: Timestamp) -> Result<(), JobError> {
        let scope = self.scope();
        let register = self.context.queue.register(SCHEDULES);
        for route in self.routes().filter(|route| route.schedule.is_some()) {
            let advance = |old: Option<ScheduleState>| {
                let mut state = old?;
                if from <= state.looked_until(&scope) {
                    let looked = state.looked.entry(scope.clone()).or_insert(started);
                    *looked = started.max(*looked);
                }
                Some(state)
            };
            let noted = register.update(route.name.as_str(), advance).await;
            noted.map_err(fault::queue)?;
        }
        Ok(())
    }

    /// Everything from `from` to `until` has been looked at, so the next catch-up may begin there. A look that began
    /// later than the last had got to leaves a gap, and changes nothing.
    pub(super) async fn note_caught_up(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<(), JobError> {
        let Some((name, _)) = self.subscription().await? else {
            return Ok(());
        };
        let advance = |old: Option<Subscription>| {
            let mut subscription = old?;
            if from <= subscription.caught_up_at {
                subscription.caught_up_at = subscription.caught_up_at.max(until);
            }
            Some(subscription)
        };
        let register = self.context.queue.register(SUBSCRIPTIONS);
        let noted = register.update(&name, advance).await;
        noted.map(drop).map_err(fault::queue)
    }
}
