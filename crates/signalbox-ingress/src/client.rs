//! Who sent a request: whoever connected, or whom a trusted proxy names.
//!
//! Anybody can write `X-Forwarded-For` and `Forwarded`, so they are believed only on a connection from a trusted
//! proxy, and in them only what the nearest of such proxies added: they are read from the right.

use std::net::IpAddr;

use http::HeaderMap;
use ipnet::IpNet;

/// Who sent a request, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// Its address.
    pub address: IpAddr,
    /// Whether what it sent could not be read on its way to us or to the proxy, if anybody says.
    pub encrypted: Option<bool>,
}

impl Client {
    /// `http` or `https`, or nothing if it is not known.
    pub fn scheme(&self) -> Option<&'static str> {
        let scheme = |encrypted| if encrypted { "https" } else { "http" };
        self.encrypted.map(scheme)
    }
}

/// The sender of a request with `headers` that came from `peer`, which is encrypted or not.
pub(crate) fn of(headers: &HeaderMap, peer: Client, trusted: &[IpNet]) -> Client {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    if !is_trusted(peer.address) {
        return peer;
    }
    let nearest = |hops: Vec<Hop>| nearest(&hops, is_trusted);
    // A proxy that writes one of the two may pass the other on as the client sent it: where they disagree, neither
    // is believed.
    match (nearest(x_forwarded(headers)), nearest(forwarded(headers))) {
        (Some(one), Some(other)) if one.address != other.address => peer,
        (Some(one), other) => Client {
            encrypted: one.encrypted.or(other.and_then(|other| other.encrypted)),
            ..one
        },
        (None, Some(one)) => one,
        (None, None) => peer,
    }
}

/// One entry of a header: who the proxy behind it was asked by.
#[derive(Debug, Clone, Copy)]
struct Hop {
    /// `None` if the proxy would not say.
    address: Option<IpAddr>,
    encrypted: Option<bool>,
}

/// The nearest one that is no trusted proxy, or else the farthest that is known.
fn nearest(hops: &[Hop], is_trusted: impl Fn(IpAddr) -> bool) -> Option<Client> {
    let mut found = None;
    for hop in hops.iter().rev() {
        let Some(address) = hop.address else {
            break;
        };
        found = Some(Client {
            address,
            encrypted: hop.encrypted,
        });
        if !is_trusted(address) {
            break;
        }
    }
    found
}

fn x_forwarded(headers: &HeaderMap) -> Vec<Hop> {
    // The nearest proxy writes it last, and most of them write over what was there.
    let encrypted = entries(headers, "x-forwarded-proto").last();
    let encrypted = encrypted.and_then(|proto| encryption(&proto));
    let hops = entries(headers, "x-forwarded-for").map(|node| Hop {
        address: address(&node),
        encrypted,
    });
    hops.collect()
}

/// The header of RFC 7239.
fn forwarded(headers: &HeaderMap) -> Vec<Hop> {
    let hops = entries(headers, "forwarded").map(|entry| {
        let value = |wanted: &str| {
            let mut pairs = entry.split(';').filter_map(|pair| pair.split_once('='));
            let found = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted));
            found.map(|(_, value)| value.trim().trim_matches('"').to_owned())
        };
        Hop {
            address: value("for").and_then(|node| address(&node)),
            encrypted: value("proto").and_then(|proto| encryption(&proto)),
        }
    });
    hops.collect()
}

/// The entries of a list that may be spread over several headers. None of the values that count here holds a comma.
fn entries(headers: &HeaderMap, name: &str) -> impl Iterator<Item = String> {
    let values = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let entries: Vec<String> = values
        .flat_map(|value| value.split(','))
        .map(|entry| entry.trim().to_owned())
        .filter(|entry| !entry.is_empty())
        .collect();
    entries.into_iter()
}

/// The address of a node: `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:4711`.
fn address(node: &str) -> Option<IpAddr> {
    let bare = match node.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None if node.matches(':').count() == 1 => node.split_once(':')?.0,
        None => node,
    };
    bare.parse()
        .ok()
        .map(|address: IpAddr| address.to_canonical())
}

fn encryption(proto: &str) -> Option<bool> {
    match proto.to_ascii_lowercase().as_str() {
        "https" => Some(true),
        "http" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::{Client, of};

    fn check(peer: &str, headers: &[(&str, &str)], address: &str, scheme: Option<&str>) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            map.append(name, HeaderValue::from_str(value).unwrap());
        }
        let peer = Client {
            address: peer.parse().unwrap(),
            encrypted: Some(false),
        };
        let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let client = of(&map, peer, &trusted);
        assert_eq!(client.address.to_string(), address, "{headers:?}");
        assert_eq!(client.scheme(), scheme, "{headers:?}");
    }

    const XFF: &str = "x-forwarded-for";
    const XFP: &str = "x-forwarded-proto";
    const RFC: &str = "forwarded";

    #[test]
    fn nobody_but_a_trusted_proxy_is_believed() {
        let claims = [(XFF, "1.1.1.1"), (XFP, "https"), (RFC, "for=1.1.1.1")];
        check("192.0.2.9", &claims, "192.0.2.9", Some("http"));
        check("10.0.0.1", &claims, "1.1.1.1", Some("https"));
        check("10.0.0.1", &[], "10.0.0.1", Some("http"));
    }

    #[test]
    fn only_what_trusted_proxies_added_counts() {
        let chain = [(XFF, "6.6.6.6, 192.0.2.7"), (XFF, "10.3.3.3:4711")];
        check("10.0.0.1", &chain, "192.0.2.7", None);
        check("fd00::1", &[(XFF, "10.1.1.1, 10.2.2.2")], "10.1.1.1", None);
        check(
            "10.0.0.1",
            &[(XFF, "192.0.2.7, nonsense")],
            "10.0.0.1",
            Some("http"),
        );
        check(
            "10.0.0.1",
            &[(XFF, "[2001:db8::7]:80")],
            "2001:db8::7",
            None,
        );
    }

    #[test]
    fn the_standard_header_is_read_as_well() {
        let one = "for=6.6.6.6, For=\"[2001:db8::7]:4711\";by=10.0.0.9;proto=https";
        check("10.0.0.1", &[(RFC, one)], "2001:db8::7", Some("https"));
        let hidden = "for=192.0.2.7;proto=https, for=_hidden";
        check("10.0.0.1", &[(RFC, hidden)], "10.0.0.1", Some("http"));
    }

    #[test]
    fn headers_that_disagree_are_not_believed() {
        let both = [(XFF, "192.0.2.7"), (RFC, "for=6.6.6.6")];
        check("10.0.0.1", &both, "10.0.0.1", Some("http"));
    }
}
