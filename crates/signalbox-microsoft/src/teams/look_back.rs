//! Looks for our own card among a channel's posts, after a post whose outcome is not known.
//!
//! Whether "not found" can be believed is for the caller to decide: only if cards come back with their markers
//! intact, which [`MarkerScanner::any_of_ours`] tells, and only after the post had time to become visible.

use jiff::{SignedDuration, Timestamp};
use signalbox_core::{Marker, MarkerScanner};

use super::Target;
use crate::{
    graph::{Graph, message::Message},
    http::{errand::Errand, error::Error},
};

/// How much earlier than our own clock's time Graph's may be.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);
/// The largest page that Graph gives.
const PAGE_SIZE: u8 = 50;

/// What the posts of `target` since `since` say about `marker`. Stops as soon as it is found.
pub async fn look_back(
    graph: &Graph,
    target: &Target,
    marker: Marker,
    since: Timestamp,
    errand: Errand<'_>,
) -> Result<MarkerScanner, Error> {
    let oldest = since.checked_sub(CLOCK_SKEW).unwrap_or(Timestamp::MIN);
    let mut scanner = MarkerScanner::new(marker);
    let mut messages = graph.channel_messages(&target.team_id, &target.channel_id, PAGE_SIZE);
    while let Some(page) = messages.next(errand).await? {
        scan(&mut scanner, &page);
        if scanner.found || is_past(&page, oldest) {
            break;
        }
    }
    Ok(scanner)
}

fn scan(scanner: &mut MarkerScanner, page: &[Message]) {
    for card in page.iter().flat_map(|message| &message.cards) {
        scanner.scan(card);
    }
}

/// Whether everything on the page is older than `oldest`.
///
/// A single old post says nothing, because a new reply brings it to the top; a whole page of them does.
fn is_past(page: &[Message], oldest: Timestamp) -> bool {
    !page.is_empty()
        && page
            .iter()
            .all(|message| message.created_at.is_some_and(|at| at < oldest))
}

#[cfg(test)]
mod tests {
    use signalbox_core::{EffectKey, Marker, MarkerScanner};

    use super::{is_past, scan};
    use crate::graph::message::Message;

    fn message(at: &str, card: &str) -> Message {
        Message {
            created_at: at.parse().ok(),
            app_id: None,
            cards: vec![card.to_owned()],
        }
    }

    #[test]
    fn an_old_post_with_a_new_reply_does_not_end_the_search() {
        let oldest = "2026-03-02T10:00:00Z".parse().unwrap();
        let old = message("2026-03-02T09:59:59Z", "");
        let new = message("2026-03-02T10:00:00Z", "");
        let unknown = message("", "");
        assert!(is_past(&[old.clone(), old.clone()], oldest));
        assert!(!is_past(&[old.clone(), new], oldest));
        assert!(!is_past(&[old, unknown], oldest));
        assert!(!is_past(&[], oldest));
    }

    #[test]
    fn a_marker_is_found_wherever_it_is_in_a_card() {
        let marker = Marker::of(&EffectKey::from_stored("post/a"));
        let mut scanner = MarkerScanner::new(marker);
        scan(
            &mut scanner,
            &[
                message("", "{}"),
                message("", &format!("{{\"id\":\"{marker}\"}}")),
            ],
        );
        assert!(scanner.found && scanner.any_of_ours);
    }
}
