//! What the product's own trail tells of values that came and went.

use std::collections::HashSet;

use anyhow::{Context as _, Result};
use signalbox_core::{ConnectionName, JobId, Step, StepWord};
use signalbox_queue::Queue;
use uuid::Uuid;

use super::values::{Key, Stand, Value};
use crate::fleet::Fleet;

/// The values of which the trail shows that they were gone when their record was read the next time.
///
/// Asked only of values that an answer had shown: of the others there is nothing to tell.
pub(super) async fn passed_over(
    fleet: &Fleet,
    queue: &Queue,
    values: &[Value],
    sighted: &HashSet<(Uuid, u64)>,
) -> Result<HashSet<Key>> {
    let mut passed_over = HashSet::new();
    let shown = values.iter().filter(|value| {
        value.stand == Stand::Passed && sighted.contains(&(value.record, value.version))
    });
    for value in shown {
        let mut steps = queue.story(&value.key.document).await?;
        // A document may have had another number by then: its record is the same.
        steps.extend(queue.story(read_job(fleet, value)?.as_str()).await?);
        if steps.iter().any(|step| is_later_read(step, value)) {
            passed_over.insert(value.key.clone());
        }
    }
    Ok(passed_over)
}

/// The job that reads the value's record.
fn read_job(fleet: &Fleet, value: &Value) -> Result<JobId> {
    let erp = ConnectionName::new("erp").context("`erp` is a name")?;
    let environment = &fleet.sim.config().environment;
    let (company, set) = (value.key.company, value.key.set);
    let record = value.record.to_string();
    Ok(JobId::business_central(
        &erp,
        environment,
        company,
        set,
        &record,
    ))
}

/// Whether the step says that the record was read when the value was gone.
fn is_later_read(step: &Step, value: &Value) -> bool {
    let record = step.record.as_ref().map(|address| address.record.as_str());
    step.word == StepWord::Read
        && record == Some(value.record.to_string().as_str())
        && value.until.is_some_and(|until| step.at >= until)
}
