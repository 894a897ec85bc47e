//! Asking until everything has been answered once.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use crate::{
    until::PATIENCE,
    watching::{Prometheus, Question},
};

/// Between two rounds.
const PAUSE: Duration = Duration::from_millis(100);

/// What became of questions.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// How many there were.
    pub(super) asked: usize,
    /// Those that cannot be asked like this.
    pub(super) refused: BTreeSet<String>,
    /// Those that had no answer for as long as anybody would wait.
    pub(super) missing: BTreeSet<String>,
}

impl Answers {
    /// Asks each of `questions` until it has an answer. Business goes on meanwhile, so that one that only looks at what
    /// changes gets one sooner or later.
    pub(super) async fn to<'a>(
        prometheus: &Prometheus,
        questions: impl Iterator<Item = &'a Question>,
        range: &str,
    ) -> Self {
        let start = Instant::now();
        let mut answers = Self::default();
        let mut open: Vec<&Question> = questions.collect();
        answers.asked = open.len();
        while !open.is_empty() && start.elapsed() < PATIENCE {
            let mut left = Vec::new();
            for question in open {
                match prometheus.ask(&question.sent(range)).await {
                    Ok(series) if series.is_empty() => left.push(question),
                    Ok(_) => {}
                    Err(error) => {
                        let told = format!("{} ({error:#})", question.place);
                        answers.refused.insert(told);
                    }
                }
            }
            open = left;
            tokio::time::sleep(PAUSE).await;
        }
        answers.missing = open.iter().map(|one| one.place.clone()).collect();
        answers
    }
}
