//! `signalbox status --watch`: the status again and again, until Ctrl-C.
//!
//! A terminal is redrawn in place. Elsewhere each look is a table of its own, or with `--json` an object on a line.
//! A look that fails is said and tried again: whoever watches wants to see when it is over.

mod screen;
mod view;

use std::{
    io::{self, IsTerminal, Write},
    num::NonZeroU32,
    process::ExitCode,
    time::Duration,
};

use serde_json::json;
use signalbox_config::Config;
use signalbox_queue::Queue;
use tokio_util::sync::CancellationToken;

use self::screen::{Screen, Wish};
use super::{
    super::{jobs::open, output},
    Status, attention, look, print,
};
use crate::{assembly, cli::Global, lifecycle};

/// Lanes of each partition that are looked at, those that were shut last: a look again and again may not cost more the
/// longer an installation lives.
const MOST_LANES: NonZeroU32 = NonZeroU32::new(1000).expect("a thousand is not zero");

/// Looks every `every` until it is told to stop.
pub(crate) async fn run(global: &Global, every: Duration) -> anyhow::Result<ExitCode> {
    let config = global.load()?;
    let store = open(global).await?;
    let stop = lifecycle::on_signal()?;
    let watch = Watch {
        config: &config,
        queue: &store.queue,
        every,
        stop,
    };
    let watched = if global.json {
        watch.objects().await
    } else if io::stdout().is_terminal() {
        watch.screen().await
    } else {
        watch.tables().await
    };
    store.close().await;
    watched.map(|()| ExitCode::SUCCESS)
}

struct Watch<'a> {
    config: &'a Config,
    queue: &'a Queue,
    every: Duration,
    stop: CancellationToken,
}

impl Watch<'_> {
    async fn objects(&self) -> anyhow::Result<()> {
        while let Some(looked) = self.next_look().await {
            let mut value = match looked {
                Ok(status) => print::value(&status, &attention::needs(&status)),
                Err(error) => json!({ "error": format!("{error:#}") }),
            };
            value["at"] = output::instant(assembly::clock().now()).into();
            output::json(&value)?;
            self.pause().await;
        }
        Ok(())
    }

    async fn tables(&self) -> anyhow::Result<()> {
        while let Some(looked) = self.next_look().await {
            match looked {
                Ok(status) => {
                    output::line(&output::instant(assembly::clock().now()))?;
                    print::people(&status, &attention::needs(&status))?;
                    output::line("")?;
                }
                Err(error) => writeln!(io::stderr(), "error: {error:#}; looking again")?,
            }
            self.pause().await;
        }
        Ok(())
    }

    async fn screen(&self) -> anyhow::Result<()> {
        let mut screen = Screen::enter()?;
        let mut last = Status::default();
        loop {
            let looked = tokio::select! {
                looked = self.next_look() => looked,
                () = screen.quit() => None,
            };
            let Some(looked) = looked else {
                return Ok(());
            };
            let trouble = match looked {
                Ok(status) => {
                    last = status;
                    None
                }
                Err(error) => Some(format!("{error:#}")),
            };
            let look = view::Look {
                needs: attention::needs(&last),
                status: &last,
                trouble,
                at: assembly::clock().now(),
                every: self.every,
            };
            let until = tokio::time::Instant::now() + self.every;
            loop {
                screen.draw(|width, height| view::lines(&look, width, height))?;
                tokio::select! {
                    () = tokio::time::sleep_until(until) => break,
                    () = self.stop.cancelled() => return Ok(()),
                    wish = screen.wish() => match wish {
                        Wish::Quit => return Ok(()),
                        Wish::Redraw => {}
                    },
                }
            }
        }
    }

    /// `None` once it is told to stop.
    async fn next_look(&self) -> Option<anyhow::Result<Status>> {
        let look = look(self.config, self.queue, Some(MOST_LANES));
        self.stop.run_until_cancelled(look).await
    }

    async fn pause(&self) {
        let pause = tokio::time::sleep(self.every);
        self.stop.run_until_cancelled(pause).await;
    }
}
