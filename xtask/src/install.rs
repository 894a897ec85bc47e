//! Installing a program with the machine's package manager, if whoever is there agrees.

use std::{
    env,
    io::{self, IsTerminal, Write},
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::step::say;

/// Where package managers put programs that are not always on the path.
const USUAL_FOLDERS: [&str; 5] = [
    "/usr/bin",
    "/usr/local/bin",
    "/usr/sbin",
    "/opt/homebrew/bin",
    "/home/linuxbrew/.linuxbrew/bin",
];

/// Something that the chores run and do not bring along.
#[derive(Debug)]
pub(crate) struct Package {
    /// What is missing, for people: `` `redis-server` 7.0 or later ``.
    pub(crate) what: &'static str,
    /// What it is needed for.
    pub(crate) purpose: &'static str,
    /// Its name for `apt-get`.
    pub(crate) apt: &'static str,
    /// Its name for `brew`.
    pub(crate) brew: &'static str,
}

/// Whether something may be installed.
#[derive(Debug, PartialEq, Eq)]
enum Consent {
    Given,
    Ask,
    Refused,
}

/// Where a program may be: first the path, then where package managers put them.
pub(crate) fn folders() -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    folders.into_iter().chain(USUAL_FOLDERS.map(PathBuf::from))
}

/// Installs `package`, or says what to install.
pub(crate) fn install(package: &Package, yes: bool) -> Result<()> {
    let (what, root) = (package.what, is_root());
    let Some(lines) = commands(package, &has, root, io::stdin().is_terminal()) else {
        bail!(
            "there is no {what} and no package manager that is known here (apt-get, brew); install it and run this again"
        );
    };
    let shown = lines
        .iter()
        .map(|line| line.join(" "))
        .collect::<Vec<_>>()
        .join(" && ");
    let given = yes || env::var_os("CI").is_some();
    let terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
    let agreed = match consent(given, terminal, root) {
        Consent::Given => true,
        Consent::Ask => ask(package, &shown)?,
        Consent::Refused => false,
    };
    if !agreed {
        bail!("there is no {what}; install it with `{shown}`, or run this again with `--yes`");
    }
    lines.iter().try_for_each(|line| run(package, line))
}

/// `given` is consent in advance: `--yes`, or `CI` in the environment.
fn consent(given: bool, terminal: bool, root: bool) -> Consent {
    match (given, terminal, root) {
        (true, _, _) | (false, false, true) => Consent::Given,
        (false, true, _) => Consent::Ask,
        (false, false, false) => Consent::Refused,
    }
}

/// What to run, one program and its arguments after the other.
fn commands(
    package: &Package,
    has: &dyn Fn(&str) -> bool,
    root: bool,
    terminal: bool,
) -> Option<Vec<Vec<&'static str>>> {
    if has("apt-get") {
        // Without a terminal nobody can type a password, so sudo must fail instead of waiting for one.
        let sudo: &[&str] = match (root, terminal) {
            (true, _) => &[],
            (false, true) => &["sudo"],
            (false, false) => &["sudo", "-n"],
        };
        let update = ["apt-get", "update", "-q"];
        let install = [
            "apt-get",
            "install",
            "-q",
            "-y",
            "--no-install-recommends",
            package.apt,
        ];
        return Some(vec![[sudo, &update].concat(), [sudo, &install].concat()]);
    }
    has("brew").then(|| vec![vec!["brew", "install", package.brew]])
}

fn ask(package: &Package, shown: &str) -> Result<bool> {
    let Package { what, purpose, .. } = package;
    say(&format!("there is no {what}, which {purpose}"));
    write!(io::stderr(), "xtask: run `{shown}`? [y/N] ")?;
    let mut answer = String::new();
    io::stdin()
        .read_line(&mut answer)
        .context("the answer cannot be read")?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

fn run(package: &Package, line: &[&str]) -> Result<()> {
    let shown = line.join(" ");
    say(&shown);
    let (program, args) = line.split_first().context("a command has a program")?;
    let status = Command::new(program)
        .args(args)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdout(Stdio::from(io::stderr()))
        .status()
        .with_context(|| format!("`{program}` cannot be run"))?;
    if !status.success() {
        let what = package.what;
        bail!("`{shown}` failed; install {what} by hand and run this again");
    }
    Ok(())
}

fn has(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

#[cfg(test)]
mod tests {
    use super::{Consent, Package, commands, consent};

    const BELL: Package = Package {
        what: "a bell",
        purpose: "the tests ring",
        apt: "bell-server",
        brew: "bell",
    };

    #[test]
    fn a_person_is_asked_and_a_machine_installs_only_as_root() {
        assert_eq!(consent(true, true, false), Consent::Given);
        assert_eq!(consent(false, true, true), Consent::Ask);
        assert_eq!(consent(false, false, true), Consent::Given);
        assert_eq!(consent(false, false, false), Consent::Refused);
    }

    #[test]
    fn the_package_manager_that_is_there_is_used() {
        let shown = |manager: &'static str, root| {
            let lines = commands(&BELL, &|program| program == manager, root, false)?;
            Some(lines.last()?.join(" "))
        };
        let apt = "apt-get install -q -y --no-install-recommends bell-server";
        assert_eq!(shown("apt-get", true).as_deref(), Some(apt));
        assert_eq!(shown("apt-get", false), Some(format!("sudo -n {apt}")));
        assert_eq!(shown("brew", false).as_deref(), Some("brew install bell"));
        assert_eq!(shown("none", true), None);
    }
}
