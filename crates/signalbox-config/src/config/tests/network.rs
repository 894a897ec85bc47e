//! What may travel readably, and who says so.

use super::{check, load};

const PLAIN_SIMULATOR: &str = r#"
[http]
plain_hosts = ["Simulator", "10.1.2.3"]

[ingress]
public_url = "http://simulator:8080"

[credentials.sim]
tenant_id = "t"
client_id = "c"
client_secret = { env = "SECRET" }
authority = "http://simulator:8090/entra"

[connections.erp]
kind = "business-central"
credential = "sim"
environment = "Production"
company = "CRONUS"
api_url = "http://10.1.2.3/bc"

[connections.teams]
kind = "teams"
credential = "sim"
service_url = "http://simulator:8090/bot"
graph_url = "http://localhost:8090/graph"
"#;

#[test]
fn plain_http_leads_only_to_this_machine_and_to_hosts_that_are_named_for_it() {
    load(PLAIN_SIMULATOR);
    let text = PLAIN_SIMULATOR.replace("Simulator", "simulators");
    let error = super::Config::from_toml(&text, &super::nothing()).unwrap_err();
    let keys: Vec<&str> = error.problems().iter().map(|p| p.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "ingress.public_url",
            "credentials.sim.authority",
            "connections.teams.service_url"
        ]
    );
    check(
        "[ingress]\npublic_url = \"http://example.com\"",
        "`ingress.public_url` (`http://example.com`, from signalbox.toml) must begin with `https://`, because tokens travel over it; `http://` is for this machine and for hosts in `http.plain_hosts`; add `example.com` to them if nobody else can listen on the way to it",
    );
    check(
        "[http]\nplain_hosts = [\"http://simulator:8090\"]",
        "`http.plain_hosts` (`[\"http://simulator:8090\"]`, from signalbox.toml) holds something else than a host; write names alone, such as `[\"simulator\"]`, without scheme and port",
    );
}

#[test]
fn an_ingress_that_others_reach_says_who_encrypts_what_comes_in() {
    check(
        "[ingress]\nbind = \"0.0.0.0:8080\"",
        "`ingress.bind` (`0.0.0.0:8080`, from signalbox.toml) can be reached from other machines, and nothing says who encrypts what comes in; add `[ingress.tls]`, name the proxy that ends TLS in `ingress.trusted_proxies`, set `ingress.plain_http = true` if something else in front ends it, or listen on 127.0.0.1",
    );
    for settled in [
        "plain_http = true",
        "trusted_proxies = [\"10.0.0.0/8\", \"::1\"]",
        "[ingress.tls]\ncertificate = \"a.pem\"\nkey = \"b.pem\"",
    ] {
        load(&format!("[ingress]\nbind = \"[::]:8080\"\n{settled}"));
    }
    load("[ingress]\nbind = \"[::1]:8080\"");
    load("[ingress]\nbind = \"[::ffff:127.0.0.1]:8080\"");
}

#[test]
fn what_is_said_about_the_way_in_makes_sense() {
    check(
        "[ingress]\nplain_http = true\n[ingress.tls]\ncertificate = \"a\"\nkey = \"b\"",
        "`ingress.plain_http` (`true`, from signalbox.toml) says that something in front ends TLS, and `[ingress.tls]` says that the ingress does; remove one of the two",
    );
    check(
        "[ingress.tls]\ncertificate = \"a\"",
        "`ingress.tls.key` is missing; add `key = …` to `[ingress.tls]`",
    );
    check(
        "[ingress]\ntrusted_proxies = [\"proxy\"]",
        "`ingress.trusted_proxies` (`[\"proxy\"]`, from signalbox.toml) holds something else than a network; write networks or addresses, such as `[\"10.0.0.0/8\"]`",
    );
    check(
        "[ingress]\ntrusted_proxies = [\"0.0.0.0/0\"]",
        "`ingress.trusted_proxies` (`[\"0.0.0.0/0\"]`, from signalbox.toml) believes everybody; name the networks that your proxies are in, such as `[\"10.0.0.0/8\"]`",
    );
}
