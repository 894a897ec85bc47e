//! The terminal while it is drawn on. Whatever ends the command, the terminal is afterwards as it was before.

use std::io::{self, Write};

use crossterm::{
    cursor::{Hide, MoveTo, Show},
    event::{Event, EventStream, KeyCode, KeyEvent, KeyEventKind, KeyModifiers},
    queue,
    style::{Attribute, Color, Print, ResetColor, SetAttribute, SetForegroundColor},
    terminal::{
        self, Clear, ClearType, DisableLineWrap, EnableLineWrap, EnterAlternateScreen,
        LeaveAlternateScreen,
    },
};
use futures::StreamExt as _;

use super::view::{Line, Tone};

/// The terminal, ours until it is dropped.
pub(super) struct Screen {
    terminal: io::Stdout,
    events: EventStream,
}

/// What a key or the window asks for.
pub(super) enum Wish {
    Quit,
    Redraw,
}

impl Screen {
    pub(super) fn enter() -> io::Result<Self> {
        terminal::enable_raw_mode()?;
        // From here on, dropping it undoes what was done.
        let screen = Self {
            terminal: io::stdout(),
            events: EventStream::new(),
        };
        let mut out = screen.terminal.lock();
        queue!(out, EnterAlternateScreen, DisableLineWrap, Hide)?;
        out.flush()?;
        drop(out);
        Ok(screen)
    }

    /// Draws what `lines` says for a width and a height, over what was there: nothing flickers.
    pub(super) fn draw(&self, lines: impl FnOnce(usize, usize) -> Vec<Line>) -> io::Result<()> {
        let (width, height) = terminal::size()?;
        let mut out = self.terminal.lock();
        for (row, line) in (0..height).zip(lines(width.into(), height.into())) {
            // Before, because behind a full line it would take away the last character.
            queue!(out, MoveTo(0, row), Clear(ClearType::UntilNewLine))?;
            for (tone, text) in &line.0 {
                paint(&mut out, *tone)?;
                queue!(out, Print(text), SetAttribute(Attribute::Reset), ResetColor)?;
            }
            queue!(out, MoveTo(0, row + 1))?;
        }
        queue!(out, Clear(ClearType::FromCursorDown))?;
        out.flush()
    }

    /// Returns when somebody wants to see no more.
    pub(super) async fn quit(&mut self) {
        while !matches!(self.wish().await, Wish::Quit) {}
    }

    pub(super) async fn wish(&mut self) -> Wish {
        loop {
            match self.events.next().await {
                Some(Ok(Event::Key(key))) if ends(key) => return Wish::Quit,
                Some(Ok(Event::Resize(..))) => return Wish::Redraw,
                Some(Ok(_)) => {}
                // The terminal is gone.
                Some(Err(_)) | None => return Wish::Quit,
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let mut out = self.terminal.lock();
        // Nothing is left to do for a terminal that takes no more.
        queue!(out, Show, EnableLineWrap, LeaveAlternateScreen).ok();
        out.flush().ok();
        terminal::disable_raw_mode().ok();
    }
}

/// Ctrl-C comes as a key, because the terminal passes on everything that is typed.
fn ends(key: KeyEvent) -> bool {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let pressed = key.kind != KeyEventKind::Release;
    pressed
        && match key.code {
            KeyCode::Char('q') | KeyCode::Esc => true,
            KeyCode::Char('c' | 'd') => control,
            _ => false,
        }
}

/// Colours are left out where `NO_COLOR` is set; what matters is told by words.
fn paint(out: &mut impl Write, tone: Tone) -> io::Result<()> {
    match tone {
        Tone::Plain => Ok(()),
        Tone::Strong => queue!(out, SetAttribute(Attribute::Bold)),
        Tone::Quiet => queue!(out, SetAttribute(Attribute::Dim)),
        Tone::Well => queue!(out, SetForegroundColor(Color::Green)),
        Tone::Waits => queue!(out, SetForegroundColor(Color::Yellow)),
        Tone::Wrong => {
            queue!(
                out,
                SetAttribute(Attribute::Bold),
                SetForegroundColor(Color::Red)
            )
        }
    }
}
