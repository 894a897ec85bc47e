//! `signalbox man`: the manual, a page for the program and one for each command, made from what parses the arguments.
//!
//! Packagers have all pages written into a folder; without one the first page goes to stdout, for `man -l -`.

use std::{collections::BTreeMap, fs, io, path::Path, process::ExitCode};

use anyhow::Context as _;
use clap::{Command, CommandFactory as _};
use clap_mangen::Man;
use serde_json::json;

use super::output;
use crate::cli::{Cli, Global};

/// The page that leads to all others.
const FIRST: &str = "signalbox.1";

/// What every page ends with: it holds for every command and is part of no argument.
const ENDING: &str = r".SH ENVIRONMENT
.TP
\fBSIGNALBOX__\fISECTION\fB__\fIKEY\fR
A setting, in place of what the file says of it.
.SH FILES
.TP
\fIsignalbox.toml\fR
The configuration, if \fB\-\-config\fR names no other file. \fBsignalbox config show\fR prints what is in force.
.SH EXIT STATUS
.TP
\fB0\fR
Done, or all is well.
.TP
\fB1\fR
A negative answer: trouble was found, or there is no such thing.
.TP
\fB2\fR
The command could not be carried out; the reason is on stderr.
";

pub(crate) fn run(global: &Global, folder: Option<&Path>) -> anyhow::Result<ExitCode> {
    let pages = pages().context("the pages cannot be made")?;
    let Some(folder) = folder else {
        let text = &pages[FIRST];
        if global.json {
            output::json(&json!({ "page": FIRST, "text": text }))?;
        } else {
            output::line(text.trim_end())?;
        }
        return Ok(ExitCode::SUCCESS);
    };
    write(&pages, folder).with_context(|| {
        let folder = folder.display();
        format!("the pages cannot be written to `{folder}`; name a folder that you may write to")
    })?;
    if global.json {
        output::json(&json!({ "pages": pages.keys().collect::<Vec<_>>() }))?;
    } else {
        let (count, folder) = (pages.len(), folder.display());
        output::line(&format!("{count} pages in {folder}"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The pages by the names of their files.
fn pages() -> io::Result<BTreeMap<String, String>> {
    let mut cli = Cli::command().disable_help_subcommand(true);
    // Only then a command knows its whole name, and the options that all commands take.
    cli.build();
    let mut pages = BTreeMap::new();
    add(&cli, &mut pages)?;
    Ok(pages)
}

fn add(command: &Command, pages: &mut BTreeMap<String, String>) -> io::Result<()> {
    for below in command.get_subcommands().filter(|one| !one.is_hide_set()) {
        add(below, pages)?;
    }
    let man = Man::new(command.clone())
        .source(concat!("signalbox ", env!("CARGO_PKG_VERSION")))
        .manual("Signalbox");
    let mut page = Vec::new();
    man.render(&mut page)?;
    page.extend(ENDING.as_bytes());
    let name = man.get_filename();
    if name != FIRST {
        page.extend(b".SH SEE ALSO\n.BR signalbox (1)\n");
    }
    pages.insert(name, String::from_utf8_lossy(&page).into_owned());
    Ok(())
}

fn write(pages: &BTreeMap<String, String>, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    pages
        .iter()
        .try_for_each(|(name, text)| fs::write(folder.join(name), text))
}
