//! The way in, as far as this machine can tell: the address that is named, and who encrypts what comes to it.

use jiff::Timestamp;
use signalbox_config::{Config, IngressTls};
use signalbox_ingress::{EXPIRY_NOTICE, Pair};

use super::Finding;
use crate::assembly;

/// One finding for the address that subscriptions name, and one for the encryption.
pub(super) async fn findings(config: &Config) -> Vec<Finding> {
    vec![public_url(config), encryption(config).await]
}

fn public_url(config: &Config) -> Finding {
    match &config.ingress.public_url {
        Some(url) => Finding::ok("ingress.public_url", format!("subscriptions name {url}")),
        None => Finding::warning(
            "ingress.public_url",
            "it is not set, so Business Central cannot notify us, and every entity is polled every `poll_alone_secs` instead",
            "set it to the HTTPS address under which the ingress can be reached from outside",
        ),
    }
}

async fn encryption(config: &Config) -> Finding {
    let ingress = &config.ingress;
    if let Some(tls) = &ingress.tls {
        return certificate(tls).await;
    }
    let subject = "ingress.bind";
    let bind = ingress.bind;
    if !ingress.trusted_proxies.is_empty() {
        let cause =
            format!("{bind} takes plain http from the proxies in `ingress.trusted_proxies`");
        return Finding::ok(subject, cause);
    }
    if ingress.plain_http {
        let cause = format!(
            "{bind} takes plain http; `ingress.plain_http` says that something in front ends TLS"
        );
        return Finding::ok(subject, cause);
    }
    let cause = format!("{bind} takes plain http, from this machine only");
    Finding::ok(subject, cause)
}

async fn certificate(tls: &IngressTls) -> Finding {
    let subject = "ingress.tls";
    let pair = match Pair::read(&assembly::certificate_files(tls)).await {
        Ok(pair) => pair,
        Err(error) => return Finding::of_error(subject, &error.into(), "correct the files"),
    };
    ending(subject, pair.ends(), assembly::clock().now())
}

fn ending(subject: &str, ends: Timestamp, now: Timestamp) -> Finding {
    let left = ends.duration_since(now);
    let renew = "renew it; a running ingress uses the new files without a restart";
    if !left.is_positive() {
        let cause = format!("the certificate has ended on {ends}, and no sender accepts it");
        return Finding::trouble(subject, cause, renew);
    }
    let days = left.as_hours() / 24;
    let cause = format!("the certificate ends in {days} days, on {ends}");
    if left.unsigned_abs() < EXPIRY_NOTICE {
        Finding::warning(subject, cause, renew)
    } else {
        Finding::ok(subject, cause)
    }
}
