//! `signalbox secrets …`

use clap::Subcommand;
use signalbox_config::SecretName;

/// What can be done with sealed secrets.
#[derive(Debug, Subcommand)]
pub enum SecretsCommand {
    /// Print every sealed secret without its value, and whether it can be opened
    List,
    /// Remove a sealed secret
    Remove {
        /// Its name
        name: SecretName,
        /// Also if the configuration still names it
        #[arg(long)]
        force: bool,
    },
    /// Put every sealed secret under the present master key
    Rotate,
    /// Seal a secret, which is read from standard input or typed unseen
    Set {
        /// Its name, as the configuration writes it: `{ sealed = "NAME" }`
        name: SecretName,
    },
}
