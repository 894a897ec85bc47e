//! `signalbox trail`: what happened to one document, and everything that happened in a time.

mod export;

use std::{collections::BTreeSet, process::ExitCode};

use serde_json::{Value, json};
use signalbox_core::{RouteName, Step};

use super::{jobs::open, output};
use crate::cli::{Global, TrailCommand};

pub(crate) async fn run(global: &Global, command: &TrailCommand) -> anyhow::Result<ExitCode> {
    let store = open(global).await?;
    let done = match command {
        TrailCommand::Show { document } => {
            let steps = store.queue.story(document).await;
            steps
                .map_err(Into::into)
                .and_then(|steps| show(global, document, &steps))
        }
        TrailCommand::Export {
            since,
            until,
            format,
        } => export::run(&store.queue, *since, *until, *format).await,
    };
    store.close().await;
    done
}

/// Prints the story. Exits with 1 if there is none.
fn show(global: &Global, name: &str, steps: &[Step]) -> anyhow::Result<ExitCode> {
    if global.json {
        let steps: Vec<Value> = steps.iter().map(value).collect();
        output::json(&json!({ "document": name, "steps": steps }))?;
    } else if steps.is_empty() {
        output::line(&format!("nothing is known of `{name}`"))?;
    } else {
        print(steps)?;
    }
    Ok(output::answer(!steps.is_empty()))
}

fn print(steps: &[Step]) -> anyhow::Result<()> {
    let documents = steps.iter().filter_map(|step| step.document.as_ref());
    let scopes: BTreeSet<&str> = documents.map(|document| document.scope.as_str()).collect();
    for step in steps {
        let document = step.document.as_ref();
        // One number can be that of several documents: then each step says whose it is.
        let scope = document.map(|document| document.scope.as_str());
        let parts = [
            scope.filter(|_| scopes.len() > 1),
            step.route.as_ref().map(RouteName::as_str),
            Some(step.detail.as_str()).filter(|detail| !detail.is_empty()),
        ];
        let rest: Vec<&str> = parts.into_iter().flatten().collect();
        let (at, word, rest) = (step.at, step.word.as_str(), output::plain(&rest.join("  ")));
        let line = format!("{at:.3}  {word:<13}  {rest}");
        output::line(&format!("{}\n{:26}{}", line.trim_end(), "", step.job))?;
    }
    Ok(())
}

/// A step under the names that programs read.
fn value(step: &Step) -> Value {
    let document = step
        .document
        .as_ref()
        .map(|document| json!({ "scope": document.scope, "number": document.number }));
    let record = step.record.as_ref().map(|record| {
        json!({
            "connection": record.connection, "environment": record.environment, "company": record.company, "set": record.set, "record": record.record,
        })
    });
    json!({
        "at": step.at, "word": step.word.as_str(), "document": document, "also": step.also, "route": step.route,
        "job": step.job, "detail": step.detail, "record": record,
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use signalbox_core::{DocumentName, JobId, Step, StepWord};

    use super::value;

    #[test]
    fn programs_read_a_step_under_whole_names() {
        let at = Timestamp::from_second(1_800_000_000).unwrap();
        let step = Step::new(at, StepWord::NotAnnounced, JobId::new(["bc", "7"]))
            .of(DocumentName::new("Production,1", "103201"))
            .because("draft");
        let value = value(&step);
        assert_eq!(value["at"], "2027-01-15T08:00:00Z");
        assert_eq!(value["word"], "not_announced");
        assert_eq!(value["document"]["number"], "103201");
        assert_eq!(value["job"], "bc/7");
        assert!(value["record"].is_null());
    }
}
