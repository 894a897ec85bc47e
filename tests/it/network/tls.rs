//! The ingress behind its own TLS.

use std::{fs, os::unix::fs::symlink, path::Path, sync::Arc, time::Duration};

use axum::{Router, routing::any};
use harness::{Authority, CLIENT_STATE, HOOK, Hook, fleet::run, notification, until};
use serde_json::json;
use signalbox_core::SystemClock;
use signalbox_ingress::{CertificateFiles, Door, Tls, serve};
use tempfile::TempDir;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Notify,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion,
        crypto::aws_lc_rs::default_provider,
        pki_types::{CertificateDer, pem::PemObject as _},
        version::{TLS12, TLS13},
    },
};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

use super::{LONG, encrypted, fleet, ingress, trusting};

const PATIENT: Duration = Duration::from_secs(8);

fn files(folder: &Path) -> CertificateFiles {
    CertificateFiles {
        certificate: folder.join("cert.pem"),
        key: folder.join("key.pem"),
    }
}

/// An ingress on the pair in `folder`, which is looked at all the time.
async fn hook(folder: &Path) -> (Hook, DropGuard) {
    let (tls, watch) = Tls::open(files(folder)).await.unwrap();
    let stop = CancellationToken::new();
    let every = Duration::from_millis(10);
    TaskTracker::new().spawn(watch.run(every, Arc::new(SystemClock), stop.clone()));
    let door = Door {
        tls: Some(tls),
        ..Door::default()
    };
    (Hook::behind(door, PATIENT).await, stop.drop_guard())
}

/// Whether a client that trusts `authority` alone gets its token back.
async fn shakes(hook: &Hook, authority: &Authority) -> bool {
    let url = format!("https://localhost{HOOK}?validationToken=t");
    let asked = trusting(authority, hook.address).post(url).send().await;
    match asked {
        Ok(answer) => answer.text().await.is_ok_and(|text| text == "t"),
        Err(_) => false,
    }
}

/// The version and the protocol that a client which can do more is given.
async fn agreed(
    hook: &Hook,
    authority: &Authority,
    version: &'static SupportedProtocolVersion,
) -> (Option<ProtocolVersion>, Option<Vec<u8>>) {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(authority.pem().as_bytes());
    roots.add(root.unwrap()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = TcpStream::connect(hook.address).await.unwrap();
    let name = "localhost".try_into().unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let stream = connector.connect(name, stream).await.unwrap();
    let connection = stream.get_ref().1;
    let protocol = connection.alpn_protocol().map(<[u8]>::to_vec);
    (connection.protocol_version(), protocol)
}

#[tokio::test]
async fn signals_are_taken_over_tls_and_nothing_is_said_in_the_clear() {
    let (dir, authority) = (TempDir::new().unwrap(), Authority::new("one"));
    authority.issue(&["localhost"], LONG).write(dir.path());
    let (hook, _watched) = hook(dir.path()).await;
    let body = json!({ "value": [notification("r", CLIENT_STATE)] }).to_string();
    let request = trusting(&authority, hook.address).post(format!("https://localhost{HOOK}"));
    let answer = request.body(body).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(hook.queue.depth().await.unwrap().values().sum::<i64>(), 1);
    let plain = harness::client().post(hook.url(HOOK)).send().await;
    plain.unwrap_err();
    let http = Some(b"http/1.1".to_vec());
    let newer = agreed(&hook, &authority, &TLS13).await;
    assert_eq!(newer, (Some(ProtocolVersion::TLSv1_3), http.clone()));
    let older = agreed(&hook, &authority, &TLS12).await;
    assert_eq!(older, (Some(ProtocolVersion::TLSv1_2), http));
}

#[tokio::test]
async fn a_slow_beginning_of_tls_keeps_nobody_waiting() {
    let (dir, authority) = (TempDir::new().unwrap(), Authority::new("one"));
    authority.issue(&["localhost"], LONG).write(dir.path());
    let (hook, _watched) = hook(dir.path()).await;
    let mut silent = Vec::new();
    for _ in 0..32 {
        silent.push(TcpStream::connect(hook.address).await.unwrap());
    }
    assert!(shakes(&hook, &authority).await);
}

/// A new pair, put in place in one of the ways in which people and programs do it.
type Replace = fn(&Path, &Authority);

#[tokio::test]
async fn a_pair_is_replaced_by_writing_renaming_or_turning_a_link_and_used_without_a_restart() {
    let written: Replace = |folder, authority| authority.issue(&["localhost"], LONG).write(folder);
    let renamed: Replace = |folder, authority| {
        let beside = TempDir::new_in(folder).unwrap();
        authority.issue(&["localhost"], LONG).write(beside.path());
        for file in ["cert.pem", "key.pem"] {
            fs::rename(beside.path().join(file), folder.join(file)).unwrap();
        }
    };
    let linked: Replace = |folder, authority| {
        // As Kubernetes does: the files are links into a folder whose name is a link, and that is turned.
        let next = folder.join(format!("..{}", uuid::Uuid::new_v4()));
        fs::create_dir(&next).unwrap();
        authority.issue(&["localhost"], LONG).write(&next);
        symlink(&next, folder.join("..turning")).unwrap();
        fs::rename(folder.join("..turning"), folder.join("..data")).unwrap();
        for file in ["cert.pem", "key.pem"] {
            fs::remove_file(folder.join(file)).ok();
            symlink(Path::new("..data").join(file), folder.join(file)).unwrap();
        }
    };
    let dir = TempDir::new().unwrap();
    let mut before = Authority::new("first");
    before.issue(&["localhost"], LONG).write(dir.path());
    let (hook, _watched) = hook(dir.path()).await;
    for replace in [written, renamed, linked, linked] {
        let next = Authority::new("next");
        assert!(shakes(&hook, &before).await && !shakes(&hook, &next).await);
        replace(dir.path(), &next);
        let used = until("the new pair is used", async || shakes(&hook, &next).await);
        used.await.unwrap();
        assert!(!shakes(&hook, &before).await);
        before = next;
    }
}

#[tokio::test]
async fn a_new_pair_that_cannot_be_used_is_told_and_the_one_before_serves_on() {
    let first = Authority::new("first");
    let (fleet, _redis) = encrypted(&first, LONG).await;
    let role = ingress(&fleet).await;
    let url = format!("https://localhost{HOOK}?validationToken=t");
    let shakes = async |authority: &Authority| {
        let client = trusting(authority, fleet.ingress);
        client.post(&url).send().await.is_ok()
    };
    let says = async |words: &str| {
        let said = fleet.until(words, async || fleet.log("ingress").contains(words));
        said.await.unwrap();
    };
    assert!(shakes(&first).await);
    fs::write(fleet.folder().join("key.pem"), "no key").unwrap();
    says("the new certificate cannot be used; the one before it serves on").await;
    says("`ingress.tls.key` names key.pem, which holds no private key; give a PEM file").await;
    assert!(shakes(&first).await);
    // The certificate of another key: what a half-replaced pair looks like that nobody completes.
    let (one, other) = (first.issue(&["localhost"], LONG), Authority::new("second"));
    one.write(fleet.folder());
    let second = other.issue(&["localhost"], 3);
    fs::write(fleet.folder().join("cert.pem"), &second.certificate).unwrap();
    says("does not belong to the first certificate in cert.pem").await;
    assert!(shakes(&first).await);
    fs::write(fleet.folder().join("key.pem"), &second.key).unwrap();
    let used = fleet.until("the second pair is used", async || shakes(&other).await);
    used.await.unwrap();
    says("the certificate in cert.pem ends in 2 days; renew it").await;
    let silent = TcpStream::connect(fleet.ingress).await.unwrap();
    role.stop().await.unwrap();
    drop(silent);
}

#[tokio::test]
async fn an_ingress_whose_pair_cannot_be_read_does_not_start_and_says_why() {
    let authority = Authority::new("one");
    let (fleet, _redis) = encrypted(&authority, LONG).await;
    let refused = async |words: &str| {
        let ended = run(fleet.folder(), &["ingress"]).await.unwrap();
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.stderr.contains(words), "{ended:?}");
        assert!(!fleet.listens().await);
    };
    let other = authority.issue(&["localhost"], LONG);
    fs::write(fleet.folder().join("key.pem"), other.key).unwrap();
    refused("the key in key.pem (`ingress.tls.key`) does not belong to the first certificate")
        .await;
    fs::write(fleet.folder().join("cert.pem"), "nothing").unwrap();
    refused(
        "`ingress.tls.certificate` names cert.pem, which holds no certificate; give a PEM file",
    )
    .await;
    fs::remove_file(fleet.folder().join("cert.pem")).unwrap();
    refused("`ingress.tls.certificate` names cert.pem, which cannot be read; correct the path")
        .await;
    refused("No such file").await;
}

#[tokio::test]
async fn an_ingress_that_others_reach_without_encryption_does_not_start_and_says_why() {
    let (fleet, _redis) = fleet().await;
    let bind = format!("bind = \"{}\"", fleet.ingress);
    let open = format!("bind = \"0.0.0.0:{}\"", fleet.ingress.port());
    fleet.rewrite(|text| text.replace(&bind, &open)).unwrap();
    let ended = run(fleet.folder(), &["ingress"]).await.unwrap();
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(
        ended
            .stderr
            .contains("nothing says who encrypts what comes in"),
        "{ended:?}"
    );
    let said = format!("{open}\nplain_http = true");
    fleet.rewrite(|text| text.replace(&open, &said)).unwrap();
    ingress(&fleet).await.stop().await.unwrap();
}

#[tokio::test]
async fn a_request_under_way_over_tls_is_answered_before_the_ingress_stops() {
    let (dir, authority) = (TempDir::new().unwrap(), Authority::new("one"));
    authority.issue(&["localhost"], LONG).write(dir.path());
    let (tls, _watch) = Tls::open(files(dir.path())).await.unwrap();
    let door = Door {
        tls: Some(tls),
        ..Door::default()
    };
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let handler = any({
        let (begun, go_on) = (begun.clone(), go_on.clone());
        async move || {
            begun.notify_one();
            go_on.notified().await;
            "done"
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (router, stop) = (
        Router::new().fallback_service(handler),
        CancellationToken::new(),
    );
    let served = TaskTracker::new().spawn(serve(listener, router, door, stop.clone()));
    // Whoever has not even begun TLS does not keep it.
    let _silent = TcpStream::connect(address).await.unwrap();
    let request = trusting(&authority, address).post("https://localhost/");
    let (answer, ()) = tokio::join!(request.send(), async {
        begun.notified().await;
        stop.cancel();
        until("no connection is taken", async || {
            TcpStream::connect(address).await.is_err()
        })
        .await
        .unwrap();
        assert!(!served.is_finished());
        go_on.notify_one();
    });
    assert_eq!(answer.unwrap().text().await.unwrap(), "done");
    served.await.unwrap();
}
