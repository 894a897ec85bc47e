//! The verbs of those who run Business Central: environments, companies, service, restarts.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{ControlError, read, show, webhooks};
use crate::config::CompanySpec;
use crate::state::Shared;

#[derive(Deserialize)]
struct FromTo {
    from: String,
    to: String,
}

#[derive(Deserialize)]
struct NewCompany {
    name: String,
    /// The id follows from the name if absent.
    id: Option<Uuid>,
}

#[derive(Deserialize)]
struct Renaming {
    /// Id or present name.
    company: String,
    name: String,
}

#[derive(Deserialize)]
struct WhichCompany {
    /// Id or name.
    company: String,
}

#[derive(Deserialize)]
struct Service {
    /// Real seconds; `time_scale` leaves them alone.
    seconds: f64,
}

#[derive(Deserialize)]
struct Pause {
    /// Real milliseconds; `time_scale` leaves them alone.
    ms: u64,
}

/// Runs a verb; the answer tells what it made.
pub(super) fn run(shared: &Arc<Shared>, verb: &str, body: &[u8]) -> Result<Value, ControlError> {
    match verb {
        "copy-environment" => {
            let FromTo { from, to } = read(body)?;
            shared.copy_environment(&from, &to)?;
            Ok(json!({}))
        }
        "rename-environment" => {
            let FromTo { from, to } = read(body)?;
            shared.rename_environment(&from, &to)?;
            Ok(json!({}))
        }
        "add-company" => {
            let NewCompany { name, id } = read(body)?;
            let named = CompanySpec::named(name);
            let id = id.unwrap_or(named.id);
            Ok(show(&shared.add_company(CompanySpec { id, ..named })?))
        }
        "rename-company" => {
            let Renaming { company, name } = read(body)?;
            Ok(show(&shared.rename_company(&company, &name)?))
        }
        "recreate-company" => {
            let WhichCompany { company } = read(body)?;
            Ok(show(&shared.recreate_company(&company)?))
        }
        "maintenance" => {
            let Service { seconds } = read(body)?;
            shared.maintain(Duration::try_from_secs_f64(seconds).unwrap_or_default());
            Ok(json!({}))
        }
        "restart" => {
            let Pause { ms } = read(body)?;
            let restarted = Arc::clone(shared);
            shared
                .tasks
                .spawn(async move { restarted.restart(Duration::from_millis(ms)).await });
            Ok(json!({}))
        }
        other => webhooks::run(shared, other, body),
    }
}
