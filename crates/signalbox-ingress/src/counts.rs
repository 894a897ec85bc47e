//! What the ingress counts of its answers. Senders choose paths, so nothing of a path becomes a label.

use std::time::Duration;

use metrics::{counter, histogram};

use crate::answer::Answer;

const REQUESTS: &str = "signalbox_ingress_total";
const SECONDS: &str = "signalbox_ingress_seconds";
/// The only kind of source there is so far.
const SOURCE: &str = "business-central";
/// What [`word`] can say.
const RESULTS: [&str; 3] = ["taken", "handshake", "later"];

/// Lets every count be there from the start, at zero: a first refusal shall be seen as a rise.
pub(crate) fn begin() {
    for result in RESULTS {
        counter!(REQUESTS, "source" => SOURCE, "result" => result).increment(0);
    }
    drop(histogram!(SECONDS));
}

/// A request was answered after `time`.
pub(crate) fn answered(answer: &Answer, time: Duration) {
    answered_at_once(answer);
    histogram!(SECONDS).record(time);
}

/// A request was answered by somebody who does not know when it came.
pub(crate) fn answered_at_once(answer: &Answer) {
    counter!(REQUESTS, "source" => SOURCE, "result" => word(answer)).increment(1);
}

fn word(answer: &Answer) -> &'static str {
    match answer {
        Answer::Taken => "taken",
        Answer::Token(_) => "handshake",
        Answer::Later => "later",
    }
}
