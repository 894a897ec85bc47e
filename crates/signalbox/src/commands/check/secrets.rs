//! Whether every sealed secret that the configuration names can be opened here.

use signalbox_config::Config;

use super::Finding;

/// One finding per secret that cannot be opened, or one that says that all can.
pub(super) fn findings(config: &Config) -> Vec<Finding> {
    let secrets = config.secrets().into_iter();
    let sealed: Vec<_> = secrets
        .filter(|(_, secret)| secret.sealed().is_some())
        .collect();
    let mut findings = Vec::new();
    for (key, secret) in &sealed {
        if let Err(error) = secret.reveal() {
            let text = error.to_string();
            let (cause, next_action) = text.split_once("; ").unwrap_or((&text, "seal it anew"));
            let cause = std::iter::successors(std::error::Error::source(&error), |e| e.source())
                .fold(cause.to_owned(), |cause, deeper| {
                    format!("{cause}: {deeper}")
                });
            findings.push(Finding::trouble(key, cause, next_action));
        }
    }
    if findings.is_empty() && !sealed.is_empty() {
        let subject = config.vault.path().display().to_string();
        let all = format!("{} sealed secrets can be opened", sealed.len());
        findings.push(Finding::ok(subject, all));
    }
    findings
}
