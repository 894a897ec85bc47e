//! The ledger.

use harness::{Cut, Note};
use signalbox_core::EffectKey;
use signalbox_queue::{EffectState, Intent};

use super::Line;

fn effect() -> EffectKey {
    EffectKey::from_stored("post/r/s/d/Open")
}

async fn state(line: &Line) -> EffectState {
    let states = line.direct.effect_states(&Note::root(), &[effect()]).await;
    states.unwrap().remove(0)
}

#[tokio::test]
async fn an_intent_that_was_cut_is_the_same_attempts_when_it_asks_again() {
    for cut in Cut::ALL {
        let line = Line::new(cut).await;
        let (one, other) = (line.leased("a").await, line.leased("b").await);
        let intent = line.twice(async |queue| queue.intend(&one.lease, &effect(), None).await);
        assert_eq!(intent.await, Intent::Fresh, "{cut:?}");
        let of_other = line.direct.intend(&other.lease, &effect(), None).await;
        let of_other = of_other.unwrap();
        assert!(matches!(of_other, Intent::InFlight { .. }), "{of_other:?}");
    }
}

#[tokio::test]
async fn a_receipt_that_was_cut_is_entered_once_and_a_withdrawal_leaves_nothing() {
    for cut in Cut::ALL {
        let line = Line::new(cut).await;
        let one = line.leased("a").await;
        let intend = async || {
            let intent = line.direct.intend(&one.lease, &effect(), None).await;
            assert_eq!(intent.unwrap(), Intent::Fresh, "{cut:?}");
        };
        intend().await;
        let gone = line.twice(async |queue| queue.withdraw(&one.lease, &effect()).await);
        assert_eq!(gone.await, !line.is_done(), "{cut:?}");
        assert_eq!(state(&line).await, EffectState::Fresh, "{cut:?}");
        intend().await;
        let first = line.twice(async |queue| queue.confirm(&one.lease, &effect(), "m 7").await);
        assert_eq!(first.await, !line.is_done(), "{cut:?}");
        let receipt = "m 7".to_owned();
        let found = line.direct.intend(&one.lease, &effect(), None).await;
        assert_eq!(found.unwrap(), Intent::Confirmed { receipt }, "{cut:?}");
    }
}

#[tokio::test]
async fn a_baseline_that_was_cut_is_entered_whole_by_the_next_pass() {
    for cut in Cut::ALL {
        let line = Line::new(cut).await;
        let root = Note::root();
        let fresh = line.twice(async |queue| queue.baseline(&root, &[effect()]).await);
        assert_eq!(fresh.await, usize::from(!line.is_done()), "{cut:?}");
        assert_eq!(state(&line).await, EffectState::Baseline, "{cut:?}");
        let seen = line.twice(async |queue| queue.effect_states(&root, &[effect()]).await);
        assert_eq!(seen.await, [EffectState::Baseline], "{cut:?}");
    }
}
