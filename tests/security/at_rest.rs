//! Who else on the machine reads what the server keeps, and what its certificate is: files and
//! folders are closed to others, also those that were there before; its own certificate is not for
//! ever; and both it and the level of the log are read again on SIGHUP.

use larder_tests::random::Random;
use larder_tests::tools::{command, run, tool};
use larder_tests::{Image, Larder, Start};
use std::fs::Permissions;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

fn start() -> Start {
    Start::of(env!("CARGO_BIN_EXE_larder"))
}

fn mode(path: &Path) -> u32 {
    path.metadata().expect("there").permissions().mode() & 0o777
}

/// Whether everyone else may do nothing to it.
fn is_closed(path: &Path) -> bool {
    mode(path).trailing_zeros() >= 3
}

/// All files and folders below one, and itself.
fn all(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    found.push(folder.to_owned());
    for entry in std::fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            all(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn others_read_nothing_that_is_made_or_was_there() {
    let mut larder = start().with("LARDER_SERVER__TLS", "self-signed").start();
    larder.stop();
    // As an earlier version, or a copy, left it.
    let data = larder.data();
    std::fs::set_permissions(&data, Permissions::from_mode(0o755)).expect("mode");
    for name in ["larder.db", "token.key", "tls/ca.key"] {
        std::fs::set_permissions(data.join(name), Permissions::from_mode(0o644)).expect("mode");
    }
    std::fs::create_dir_all(data.join("git/mirrors")).expect("folder");
    for name in ["storage", "tls", "git"] {
        std::fs::set_permissions(data.join(name), Permissions::from_mode(0o755)).expect("mode");
    }
    larder.start_again();
    let warned = larder.find_line("others on this machine could read this");
    assert!(warned.contains("WARN"), "{warned}");
    assert_eq!(mode(&data.join("token.key")), 0o600, "nobody but the owner");
    for name in ["larder.db", "storage", "tls", "git"] {
        assert!(is_closed(&data.join(name)), "{name}");
    }
    // What is made from now on is made so. (What lies in a closed folder is reached by nobody.)
    let mut found = Vec::new();
    all(&data.join("storage"), &mut found);
    assert!(found.iter().all(|path| is_closed(path)), "{found:?}");
}

#[test]
fn others_read_nothing_that_stands_outside_of_the_data_folder() {
    let elsewhere = tempfile::tempdir().expect("folder");
    let place = |name: &str| elsewhere.path().join(name);
    for name in ["blobs", "staging", "names"] {
        std::fs::create_dir(place(name)).expect("folder");
        std::fs::set_permissions(place(name), Permissions::from_mode(0o755)).expect("mode");
    }
    let (database, key) = (place("names/rows.db"), place("names/secret.key"));
    let shown = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let mut larder = start()
        .with("LARDER_STORAGE__PATH", &shown(&place("blobs")))
        .with("LARDER_STORAGE__STAGING", &shown(&place("staging")))
        .with("LARDER_DATABASE__PATH", &shown(&database))
        .with("LARDER_AUTH__TOKEN_KEY", &shown(&key))
        .start();
    let image = Image::random(&mut Random::seeded(), &[20, 200_000]);
    image.push(&larder.admin(), "team/app", "1");
    let log = place("names/rows.db-wal");
    let is_ours_alone = || {
        for path in [&place("blobs"), &place("staging"), &database, &log, &key] {
            assert!(is_closed(path), "{}: {:o}", path.display(), mode(path));
        }
        assert_eq!(mode(&key), 0o600);
    };
    is_ours_alone();
    larder.stop();
    // A crash leaves it.
    std::fs::write(&log, b"").expect("a log");
    for path in [&database, &log, &key] {
        std::fs::set_permissions(path, Permissions::from_mode(0o644)).expect("mode");
    }
    for name in ["blobs", "staging"] {
        std::fs::set_permissions(place(name), Permissions::from_mode(0o755)).expect("mode");
    }
    larder.start_again();
    is_ours_alone();
}

/// The certificate that the server shows, as `openssl x509` tells of it.
fn shown(larder: &Larder, openssl: &Path, what: &str) -> String {
    let mut shell = command(Path::new("/bin/sh"), larder.folder());
    let openssl = openssl.display();
    let line = format!(
        "{openssl} s_client -connect {} </dev/null 2>/dev/null | {openssl} x509 -noout {what}",
        larder.host()
    );
    run(shell.args(["-c", &line]))
}

#[test]
fn its_own_certificate_lasts_no_longer_than_clients_take() {
    let Some(openssl) = tool("openssl") else {
        return;
    };
    let larder = start().with("LARDER_SERVER__TLS", "self-signed").start();
    let day = 24 * 60 * 60;
    for (days, lasts) in [(300, true), (398, false)] {
        let told = shown(
            &larder,
            &openssl,
            &format!("-checkend {} || true", days * day),
        );
        assert_eq!(
            told.contains("will not expire"),
            lasts,
            "{days} days: {told}"
        );
    }
    // The fingerprint of the authority is in the log, for whoever trusts it by hand.
    let mut asked = command(&openssl, larder.folder());
    asked.args(["x509", "-noout", "-fingerprint", "-sha256", "-in"]);
    asked.arg(larder.data().join("tls/ca.crt"));
    let told = run(&mut asked);
    let (_, fingerprint) = told.trim().split_once('=').expect("a fingerprint");
    let line = larder.find_line("its own certificate authority");
    assert!(line.contains(fingerprint), "{line}");
}

#[test]
fn a_hangup_has_the_certificate_read_again() {
    let Some(openssl) = tool("openssl") else {
        return;
    };
    let folder = tempfile::tempdir().expect("folder");
    let (cert, key) = (
        folder.path().join("cert.pem"),
        folder.path().join("key.pem"),
    );
    let make = |name: &str| {
        let mut made = command(&openssl, folder.path());
        made.args([
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9",
        ]);
        made.args(["-subj", &format!("/CN={name}")]);
        run(made.arg("-keyout").arg(&key).arg("-out").arg(&cert));
    };
    make("before");
    let larder = start()
        .with("LARDER_SERVER__TLS__CERT", cert.to_str().expect("UTF-8"))
        .with("LARDER_SERVER__TLS__KEY", key.to_str().expect("UTF-8"))
        .start();
    assert!(shown(&larder, &openssl, "-subject").contains("before"));
    make("after");
    assert!(
        shown(&larder, &openssl, "-subject").contains("before"),
        "until it is told"
    );
    hang_up(&larder);
    larder.find_line("were read again (SIGHUP)");
    assert!(shown(&larder, &openssl, "-subject").contains("after"));
    // What cannot be read leaves all as it was.
    std::fs::write(&cert, "no certificate").expect("file");
    hang_up(&larder);
    larder.find_line("what was read before stays in force (SIGHUP)");
    assert!(shown(&larder, &openssl, "-subject").contains("after"));
}

fn hang_up(larder: &Larder) {
    let pid = i32::try_from(larder.pid()).expect("a process id");
    let pid = rustix::process::Pid::from_raw(pid).expect("a process id");
    rustix::process::kill_process(pid, rustix::process::Signal::HUP).expect("signal");
}

#[test]
fn a_hangup_has_the_level_of_the_log_read_again() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("larder.toml");
    let set = |level: &str| {
        std::fs::write(&file, format!("[log]\nlevel = \"{level}\"\n")).expect("file");
    };
    set("info");
    let larder = start()
        .with("LARDER_CONFIG", file.to_str().expect("UTF-8"))
        .start();
    larder.anonymous().get("/v2/?first").expect(401);
    larder.find_line("\"path\":\"/v2/\"");
    set("debug");
    hang_up(&larder);
    larder.find_line("were read again (SIGHUP)");
    larder.anonymous().get("/healthz").expect(200);
    // Another message of that level comes with a client that speaks no HTTP.
    let mut stream = TcpStream::connect(larder.address()).expect("connect");
    stream.write_all(b"\r\nnonsense\r\n\r\n").expect("write");
    larder.find_line("\"level\":\"DEBUG\"");
}

#[test]
fn plain_http_on_a_port_of_tls_is_told_so() {
    let larder = start().with("LARDER_SERVER__TLS", "self-signed").start();
    let mut stream = TcpStream::connect(larder.address()).expect("connect");
    let time = Some(Duration::from_secs(20));
    stream.set_read_timeout(time).expect("timeout");
    let request = format!("GET /v2/ HTTP/1.1\r\nHost: {}\r\n\r\n", larder.host());
    stream.write_all(request.as_bytes()).expect("write");
    let mut told = String::new();
    stream
        .read_to_string(&mut told)
        .expect("an answer, and then the end");
    assert!(told.starts_with("HTTP/1.1 400 "), "{told}");
    assert!(
        told.ends_with("this port speaks https: begin the address with https://\n"),
        "{told}"
    );
}
