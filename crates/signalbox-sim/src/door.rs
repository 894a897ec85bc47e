//! The simulator's front door: open, or shut for a while as when a service is restarted.
//!
//! While it is shut nobody listens on the port, every connection is reset, and nothing is
//! sent. What the cloud contains stays.

use std::time::Duration;

use tokio::sync::watch;

use crate::state::Shared;

/// What is wanted of the listener, and what it has come to.
#[derive(Debug)]
pub(crate) struct Door {
    /// How often it was moved: open while even, shut while odd. A count, so that whoever
    /// looks late still notices that it was shut in between.
    moves: watch::Sender<u64>,
    listening: watch::Sender<bool>,
}

impl Default for Door {
    fn default() -> Self {
        Self {
            moves: watch::Sender::new(0),
            // The listener exists before the cloud does.
            listening: watch::Sender::new(true),
        }
    }
}

impl Door {
    /// How often it was moved so far.
    pub(crate) fn moves(&self) -> u64 {
        *self.moves.borrow()
    }

    /// Whether it is open or about to be.
    pub(crate) fn is_open(&self) -> bool {
        self.moves().is_multiple_of(2)
    }

    /// Ends once it has been moved since it had been moved so often.
    pub(crate) async fn moved(&self, moves: u64) {
        reaches(&self.moves, |now| *now != moves).await;
    }

    /// Ends when it is to be open.
    pub(crate) async fn opened(&self) {
        reaches(&self.moves, |now| now.is_multiple_of(2)).await;
    }

    /// The listener tells whether it takes connections.
    pub(crate) fn tell(&self, listening: bool) {
        self.listening.send_replace(listening);
    }

    /// Shuts, waits, and opens; each step once the listener has followed. Nothing is done
    /// while somebody else has it shut.
    async fn turn(&self, pause: Duration) {
        let shut = self.moves.send_if_modified(|moves| {
            let open = moves.is_multiple_of(2);
            *moves += u64::from(open);
            open
        });
        if !shut {
            return self.opened().await;
        }
        reaches(&self.listening, |listening| !listening).await;
        tokio::time::sleep(pause).await;
        self.moves.send_modify(|moves| *moves += 1);
        reaches(&self.listening, |listening| *listening).await;
    }
}

/// Ends when the state is such; the sender lives as long as whoever waits for it.
async fn reaches<T>(state: &watch::Sender<T>, such: impl FnMut(&T) -> bool) {
    if state.subscribe().wait_for(such).await.is_err() {
        std::future::pending::<()>().await;
    }
}

impl Shared {
    /// Goes away for `pause` and comes back on the same port; ends when it is back, or stopped.
    pub(crate) async fn restart(&self, pause: Duration) {
        tokio::select! {
            () = self.stop.cancelled() => return,
            () = self.door.turn(pause) => {}
        }
        // What became due meanwhile is sent now.
        self.outbox.notify_one();
        self.announce();
    }
}
