//! Running a command that prints a secret, for no longer than it may take.

use std::{
    io::{self, Read},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use super::SecretError;

/// More than any key; what is printed beyond it is not read.
const LONGEST: u64 = 4096;
/// Between two looks whether it has ended.
const LOOK: Duration = Duration::from_millis(5);

/// What `words`, a program and its arguments, prints. `place` is the command in words.
///
/// It has the environment and the standard error of this process, and nothing to read.
pub(super) fn run(
    words: &[String],
    place: &str,
    patience: Duration,
) -> Result<String, SecretError> {
    let deadline = Instant::now() + patience;
    let mut child = start(words).map_err(not_run(place))?;
    let printed = printed(&mut child, patience);
    let ended = ended(&mut child, deadline).map_err(not_run(place))?;
    let (Some(printed), Some(status)) = (printed, ended) else {
        return Err(SecretError::TooSlow {
            place: place.to_owned(),
            seconds: patience.as_secs(),
        });
    };
    if !status.success() {
        return Err(SecretError::Failed {
            place: place.to_owned(),
            status,
        });
    }
    let printed = printed.map_err(not_run(place))?;
    String::from_utf8(printed).map_err(|_| SecretError::NoText(place.to_owned()))
}

fn start(words: &[String]) -> io::Result<Child> {
    let (program, args) = words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
}

/// Read by a thread of its own, because whoever inherited the pipe can keep it open after the command has ended.
fn printed(child: &mut Child, patience: Duration) -> Option<io::Result<Vec<u8>>> {
    let stdout = child.stdout.take()?;
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = stdout.take(LONGEST).read_to_end(&mut bytes);
        // Nobody listens any more if it took too long.
        tell.send(read.map(|_| bytes)).ok();
    });
    told.recv_timeout(patience).ok()
}

/// How it ended; `None` if it had to be ended.
fn ended(child: &mut Child, deadline: Instant) -> io::Result<Option<ExitStatus>> {
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        thread::sleep(LOOK);
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}

fn not_run(place: &str) -> impl Fn(io::Error) -> SecretError {
    let place = place.to_owned();
    move |source| SecretError::NotRun {
        place: place.clone(),
        source: Arc::new(source),
    }
}
