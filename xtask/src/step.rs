//! Running cargo: as a step that is waited for, or as what this process becomes.

use std::{
    env,
    ffi::OsString,
    io::{self, Write},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context, Result};

/// Cargo, with the programs that the tests and the demo need on its path.
#[derive(Debug, Clone)]
pub(crate) struct Cargo {
    program: OsString,
    path: OsString,
    root: OsString,
}

impl Cargo {
    /// Puts the folders of `programs` on the path, behind what is there already.
    pub(crate) fn with_programs(programs: &[PathBuf]) -> Result<Self> {
        let path = env::var_os("PATH").unwrap_or_default();
        let ours = programs.iter().filter_map(|program| program.parent());
        let folders = env::split_paths(&path).chain(ours.map(Path::to_owned));
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest.parent().context("xtask lies in the workspace")?;
        Ok(Self {
            program: env::var_os("CARGO").unwrap_or_else(|| "cargo".into()),
            path: env::join_paths(folders).context("a folder on the PATH has a `:` in its name")?,
            root: root.into(),
        })
    }

    /// The workspace that it runs in.
    pub(crate) fn root(&self) -> &Path {
        Path::new(&self.root)
    }

    /// Cargo for the workspace at `folder`.
    pub(crate) fn at(mut self, folder: &Path) -> Self {
        self.root = folder.into();
        self
    }

    /// Cargo for the workspace in `folder` of ours.
    pub(crate) fn within(mut self, folder: &str) -> Self {
        self.root = Path::new(&self.root).join(folder).into();
        self
    }

    /// Runs cargo in the workspace and says whether it succeeded.
    pub(crate) fn step<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Result<bool> {
        self.step_with(args, &[])
    }

    /// [`Cargo::step`] with variables added to its environment.
    pub(crate) fn step_with<'a>(
        &self,
        args: impl IntoIterator<Item = &'a str>,
        variables: &[(&str, &str)],
    ) -> Result<bool> {
        let args: Vec<&str> = args.into_iter().collect();
        say(&format!("cargo {}", args.join(" ")));
        let status = self
            .command(&args)
            .envs(variables.iter().copied())
            .current_dir(&self.root)
            .status()
            .context("cargo cannot be run; is it on the PATH?")?;
        Ok(status.success())
    }

    /// Whether cargo has this subcommand.
    pub(crate) fn has(&self, subcommand: &str) -> bool {
        let status = self
            .command(&[subcommand, "--version"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    }

    /// Becomes cargo, so that signals and the exit code pass through untouched. Returns only if that fails.
    pub(crate) fn say_and_become<'a>(
        &self,
        what: &str,
        args: impl IntoIterator<Item = &'a str>,
    ) -> Result<ExitCode> {
        say(&format!("cargo {what}"));
        let args: Vec<&str> = args.into_iter().collect();
        let manifest = Path::new(&self.root).join("Cargo.toml");
        let (subcommand, rest) = args.split_first().context("cargo needs a subcommand")?;
        let error = self
            .command(&[*subcommand, "--manifest-path"])
            .arg(manifest)
            .args(rest)
            .exec();
        Err(error).context("cargo cannot be run; is it on the PATH?")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args).env("PATH", &self.path);
        command
    }
}

/// Tells whoever waits what is going on.
pub(crate) fn say(line: &str) {
    // With stderr closed there is nobody to tell, and that is no reason to stop.
    writeln!(io::stderr().lock(), "xtask: {line}").ok();
}
