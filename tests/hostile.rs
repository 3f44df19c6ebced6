//! Hostile input on the wire: spellings, sizes, slowness; and how connections begin and end.

use larder_model::{Algorithm, Digest};
use larder_tests::http::read_response;
use larder_tests::image::{MANIFEST, put_manifest};
use larder_tests::random::Random;
use larder_tests::tools::{command, run};
use larder_tests::{Client, Image, Start, Upstream, tool};
use serde_json::json;
use std::io::{BufReader, Read, Write};
use std::net::TcpStream;

const MIB: u64 = 1 << 20;
/// What a short document of an upstream takes beside itself, at most, in bytes,
const HOSTILE_MEMORY: u64 = 96 * MIB;
/// and one of 48 MiB, which is in memory twice while it is kept.
const LONG_LIST_MEMORY: u64 = 160 * MIB;

fn start() -> Start {
    Start::of(env!("CARGO_BIN_EXE_larder"))
}

/// Forty ways to write one path; each answer is that of the canonical one, or a refusal.
#[test]
fn no_spelling_reaches_more_than_the_canonical_one() {
    let larder = start().start();
    let image = Image::random(&mut Random::seeded(), &[10]);
    image.push(&larder.admin(), "team/app", "latest");
    let (anonymous, admin) = (larder.anonymous(), larder.admin());
    let canonical = "/v2/team/app/manifests/latest";
    admin.get(canonical).expect(200);
    let spellings = [
        "/v2/team/app/manifests/lates%74",
        "/v2/%74eam/app/manifests/latest",
        "/v2/team/%61pp/manifests/latest",
        "/v2/team%2Fapp/manifests/latest",
        "/v2/team%2fapp/manifests/latest",
        "/v2//team/app/manifests/latest",
        "//v2/team/app/manifests/latest",
        "/v2/team//app/manifests/latest",
        "/v2/team/app//manifests/latest",
        "/v2/./team/app/manifests/latest",
        "/v2/team/./app/manifests/latest",
        "/v2/x/../team/app/manifests/latest",
        "/v2/team/x/../app/manifests/latest",
        "/v2/%2e%2e/team/app/manifests/latest",
        "/v2/team/%2e/app/manifests/latest",
        "/v2/team;x/app/manifests/latest",
        "/v2/team/app;x=1/manifests/latest",
        "/v2/team/app/manifests;/latest",
        "/v2/team/app/manifests/latest;x",
        "/v2/team/app/manifests/latest/",
        "/v2/team/app/manifests/latest%00",
        "/v2/team%00/app/manifests/latest",
        "/V2/team/app/manifests/latest",
        "/v2/Team/app/manifests/latest",
        "/v2/team/App/manifests/latest",
        "/v2/team/app/Manifests/latest",
        "/v2/team/app/manifests/Latest",
        "/v2/team./app/manifests/latest",
        "/v2/team/app./manifests/latest",
        "/v2/team/app/manifests/latest.",
        "/v2/team/app/manifests/%2561latest",
        "/v2/%2574eam/app/manifests/latest",
        "/v2/team/app%c0%afmanifests/latest",
        "/v2/team/app/manifests%5clatest",
        "/v2\\team\\app\\manifests\\latest",
        "/v2/team/app/manifests/latest%20",
        "/v2/ team/app/manifests/latest",
        "/v2/team/app/manifests/latest#x",
        "/v2/team/app/manifests/latest?x=/../",
        "/v2/team/app/manifests/%6c%61%74%65%73%74",
        "/v2/team/app/manifests/..%2f..%2fetc/passwd",
        "/api/v1/../../v2/team/app/manifests/latest",
    ];
    assert!(spellings.len() >= 40);
    for path in spellings {
        let Ok(open) = anonymous.try_send("GET", path, &[], b"") else {
            continue;
        }; // not even a request
        assert!(
            [400, 401, 404].contains(&open.status),
            "{path}: {}",
            open.status
        );
        let allowed = admin.send("GET", path, &[], b"");
        let same = allowed.status == 200 && allowed.body == image.manifest;
        assert!(
            same || [400, 404].contains(&allowed.status),
            "{path}: {}",
            allowed.status
        );
    }
}

#[test]
fn large_and_strange_heads_are_refused() {
    let larder = start().start();
    let admin = larder.admin();
    let long = "x".repeat(40_000);
    admin
        .send("GET", "/healthz", &[("x-long", &long)], b"")
        .expect(431);
    let many: Vec<(String, String)> = (0..150)
        .map(|number| (format!("x-{number}"), "y".to_owned()))
        .collect();
    let many: Vec<(&str, &str)> = many
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    admin.send("GET", "/healthz", &many, b"").expect(431);
    let path = format!("/v2/{}/tags/list", "a/".repeat(20_000));
    let refused = admin.send("GET", &path, &[], b"");
    assert!(
        [400, 414, 431].contains(&refused.status),
        "{}",
        refused.status
    );
    let broken = [
        "GET /\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "\0\0\0\0\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a\r\nbad header\r\n\r\n",
    ];
    for text in broken {
        let mut stream = admin.connect().expect("connect");
        stream.write_all(text.as_bytes()).expect("write");
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 400"),
            "{text:?}: {answer}"
        );
    }
    let smuggled = "POST /v2/team/app/blobs/uploads/ HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\
        transfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nhost: a\r\n\r\n";
    let mut stream = admin.connect().expect("connect");
    stream.write_all(smuggled.as_bytes()).expect("write");
    let first = read_response(&mut BufReader::new(stream), "POST").expect("an answer");
    assert!([400, 401].contains(&first.status), "{}", first.status);
    admin.get("/healthz").expect(200);
}

#[test]
fn manifests_are_bounded_and_read_in_one_way_only() {
    let larder = start().start();
    let admin = larder.admin();
    let image = Image::random(&mut Random::seeded(), &[10]);
    image.push(&larder.admin(), "team/app", "latest");
    let huge = vec![b' '; (4 << 20) + 1];
    put_manifest(&admin, "team/app", "huge", MANIFEST, &huge).expect(413);
    let text = String::from_utf8(image.manifest).expect("text");
    let bombs = [
        "[".repeat(1_000_000),
        format!("{{\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000)),
        format!("[{}1]", "1,".repeat(2_000_000)),
        text.replace("\"schemaVersion\"", "\"schemaVersion\":2,\"schemaVersion\""),
        format!("{text}{text}"),
        text.replace("\"layers\"", "\"manifests\":[],\"layers\""),
        text.replace(MANIFEST, "application/vnd.oci.image.index.v1+json"),
        r#"{"schemaVersion":1,"fsLayers":[],"signatures":[]}"#.to_owned(),
    ];
    let before = larder.memory().1;
    for bomb in bombs {
        let refused = put_manifest(&admin, "team/app", "bomb", MANIFEST, bomb.as_bytes());
        assert_eq!(refused.expect(400).code(), "MANIFEST_INVALID");
    }
    let grown = larder.memory().1.saturating_sub(before);
    assert!(grown < 64 << 20, "{} MiB more", grown >> 20);
    admin.get("/v2/team/app/manifests/bomb").expect(404);
}

/// Peers that send a byte now and then hold their own connection only, and not for ever.
#[test]
fn slow_peers_hold_up_nobody() {
    let larder = start()
        .with("LARDER_SERVER__LIMITS__HEADER_TIME", "2s")
        .with("LARDER_SERVER__LIMITS__BODY_IDLE_TIME", "2s")
        .start();
    let admin = larder.admin();
    let open = |head: &[u8]| -> TcpStream {
        let mut stream = admin.connect().expect("connect");
        stream.write_all(head).expect("write");
        stream
    };
    let mut slow: Vec<TcpStream> = (0..500)
        .map(|_| open(b"GET /v2/ HTTP/1.1\r\nhost: a\r\nx-slow: "))
        .collect();
    let head = admin.head(
        "POST",
        &format!(
            "/v2/team/app/blobs/uploads/?digest={}",
            larder_tests::image::digest(b"")
        ),
        &[],
        Some(100_000),
    );
    slow.extend((0..100).map(|_| open(&head)));
    for _ in 0..50 {
        admin.get("/v2/").expect(200);
    }
    for mut stream in slow {
        // Each is told so or closed on, within its time; the read's own deadline would fail the
        // test.
        let mut rest = Vec::new();
        let ended = stream.read_to_end(&mut rest);
        let text = String::from_utf8_lossy(&rest);
        assert!(ended.is_ok() || text.starts_with("HTTP/1.1"), "{ended:?}");
        assert!(
            rest.is_empty() || text.starts_with("HTTP/1.1 408"),
            "{text}"
        );
    }
}

/// A request after which the connection stays open.
fn kept_open(client: &Client, path: &str) -> Vec<u8> {
    let head = String::from_utf8(client.head("GET", path, &[], None)).expect("text");
    head.replace("connection: close", "connection: keep-alive")
        .into_bytes()
}

/// Sends a request on an open connection and reads its answer.
fn ask_on(stream: &mut BufReader<TcpStream>, head: &[u8]) {
    stream.get_mut().write_all(head).expect("request");
    read_response(stream, "GET").expect("answer").expect(200);
}

fn closed(mut stream: impl Read) {
    let mut rest = Vec::new();
    stream
        .read_to_end(&mut rest)
        .expect("closed before the read's own deadline");
    assert!(rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
}

#[test]
fn a_head_has_its_time_and_an_idle_connection_its_own() {
    let limits = |head: &str, idle: &str| {
        let start = start().with("LARDER_SERVER__LIMITS__HEADER_TIME", head);
        start.with("LARDER_SERVER__LIMITS__IDLE_TIME", idle).start()
    };
    let larder = limits("1s", "1h");
    let admin = larder.admin();
    let request = kept_open(&admin, "/v2/");
    let connect = || BufReader::new(admin.connect().expect("connect"));
    let mut idle = connect();
    ask_on(&mut idle, &request);
    closed(connect()); // it never began: the head's time is over, so it is over for the idle one too
    ask_on(&mut idle, &request);
    let mut begun = connect();
    begun
        .get_mut()
        .write_all(&request[..20])
        .expect("half a head");
    closed(begun);
    ask_on(&mut idle, &request);
    idle.get_mut()
        .write_all(&request[..20])
        .expect("half a head");
    closed(idle);

    let larder = limits("1h", "1s");
    let admin = larder.admin();
    let image = Image::random(&mut Random::seeded(), &[3_000_000]);
    image.push(&admin, "team/app", "v1");
    let blob = format!("/v2/team/app/blobs/{}", image.blobs[1].0);
    for path in ["/v2/", &blob, "/v2/team/app/manifests/v1", "/api/v1/whoami"] {
        let mut idle = BufReader::new(admin.connect().expect("connect"));
        ask_on(&mut idle, &kept_open(&admin, path));
        closed(idle);
    }
}

#[test]
fn a_running_upload_finishes_after_the_signal_to_stop() {
    let mut larder = start().start();
    let admin = larder.admin();
    let bytes = Random::seeded().bytes(2_000_000);
    let digest = larder_tests::image::digest(&bytes);
    let head = admin.head(
        "POST",
        &format!("/v2/team/app/blobs/uploads/?digest={digest}"),
        &[],
        Some(bytes.len()),
    );
    let mut stream = admin.connect().expect("connect");
    stream.write_all(&head).expect("head");
    stream.write_all(&bytes[..1_000_000]).expect("first half");
    admin.get("/healthz").expect(200);
    let pid =
        rustix::process::Pid::from_raw(i32::try_from(larder.pid()).expect("pid")).expect("pid");
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("signal");
    assert!(larder.await_line("stopping"), "the signal is heard");
    stream.write_all(&bytes[1_000_000..]).expect("second half");
    read_response(&mut BufReader::new(stream), "POST")
        .expect("answer")
        .expect(201);
    assert_eq!(larder.await_end(), Some(0));
    larder.start_again();
    assert!(
        larder
            .admin()
            .get(&format!("/v2/team/app/blobs/{digest}"))
            .expect(200)
            .body
            == bytes
    );
}

#[test]
fn a_second_server_on_the_same_data_does_not_start() {
    let larder = start().start();
    let second = std::process::Command::new(env!("CARGO_BIN_EXE_larder"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(larder.data())
        .output()
        .expect("run");
    assert_eq!(second.status.code(), Some(6));
    let told = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(told.contains("another larder is running on"), "{told}");
}

#[test]
fn tls_with_a_ca_of_its_own() {
    let Some(curl) = tool("curl") else { return };
    let larder = start().with("LARDER_SERVER__TLS", "self-signed").start();
    assert!(larder.url().starts_with("https://"));
    let ca = larder.data().join("tls/ca.crt");
    let fetch = |extra: &[&str], path: &str| {
        let mut command = command(&curl, larder.folder());
        command
            .args(["-sS", "--max-time", "30", "--cacert"])
            .arg(&ca)
            .args(extra)
            .arg(format!("{}{path}", larder.url()));
        run(&mut command)
    };
    assert_eq!(fetch(&[], "/healthz"), "ok\n");
    assert_eq!(fetch(&["--http1.1"], "/healthz"), "ok\n");
    assert_eq!(
        fetch(
            &["--http2", "-o", "/dev/null", "-w", "%{http_version}"],
            "/healthz"
        ),
        "2"
    );
    assert_eq!(
        fetch(&[], "/ca.crt"),
        std::fs::read_to_string(&ca).expect("ca")
    );
    assert!(
        fetch(&["-i"], "/v2/").contains(&format!("Bearer realm=\"{}/v2/token\"", larder.url()))
    );
    let layer = Random::seeded().bytes(3_000_000);
    let file = larder.folder().join("layer");
    std::fs::write(&file, &layer).expect("file");
    let digest = larder_tests::image::digest(&layer);
    let credentials = format!("admin:{}", larder_tests::larder::PASSWORD);
    for (name, version) in [("a", "--http1.1"), ("b", "--http2")] {
        let data = format!("@{}", file.display());
        let upload = format!("/v2/team/{name}/blobs/uploads/?digest={digest}");
        let put = [
            "-u",
            &credentials,
            version,
            "-X",
            "POST",
            "--data-binary",
            &data,
            "-w",
            "%{http_code}",
        ];
        assert_eq!(fetch(&put, &upload), "201");
        let back = larder.folder().join(name);
        let out = back.to_string_lossy().into_owned();
        fetch(
            &["-u", &credentials, version, "-o", &out],
            &format!("/v2/team/{name}/blobs/{digest}"),
        );
        assert!(std::fs::read(back).expect("file") == layer, "{version}");
    }
}

/// 48 MiB of a list whose entries are this one.
fn long_list(beginning: &str, entry: &str, end: &str) -> String {
    let entries = format!("{entry},").repeat((48 << 20) / (entry.len() + 1));
    format!("{beginning}{entries}{entry}{end}")
}

/// A document of an upstream: where it is there, what it is, where it is asked for here, and the answer.
type Hostile<'a> = (&'a str, String, &'a str, u16);

/// Reads documents one after the other, of which each takes no more than this, in bytes.
fn read_hostile(documents: Vec<Hostile<'_>>, limit: u64) {
    let (larder, upstream) = (start().start(), Upstream::start());
    larder.grant("anonymous", "*", "*", "reader");
    for protocol in ["oci", "cargo", "composer", "pypi"] {
        let up = json!({"protocol": protocol, "name": "up", "kind": "mirror",
            "upstream": {"url": upstream.url(), "allow_private": true}});
        larder.api("POST", "repositories", &up.to_string(), 201);
    }
    upstream.put("/packages.json", r#"{"metadata-url":"/p2/%package%.json"}"#);
    let (_, before) = larder.memory();
    for (there, body, here, status) in documents {
        upstream.put(there, body);
        larder.anonymous().get(here).expect(status);
        upstream.remove(there);
        let (_, most) = larder.memory();
        let took = most - before;
        assert!(took < limit, "{there}: +{} MiB", took / MIB);
    }
}

/// Each entry takes two or three bytes, and would take ten times as much in memory.
#[test]
fn long_lists_take_little_memory() {
    let digest = Digest::of(Algorithm::Sha256, b"");
    let (there, here) = (
        format!("/v2/x/referrers/{digest}"),
        format!("/v2/up/x/referrers/{digest}"),
    );
    let referrers = long_list(r#"{"schemaVersion":2,"manifests":["#, "{}", "]}");
    let tags = long_list(r#"{"tags":["#, "\"\"", "]}");
    let config = long_list(r#"{"dl":"x","more":["#, "0", "]}");
    let versions = long_list(r#"{"packages":{"acme/demo":["#, "0", "]}}");
    let crate_file = "/cargo/up/api/v1/crates/a/1.0.0/download";
    let documents = vec![
        ("/v2/x/tags/list?n=1000", tags, "/v2/up/x/tags/list", 502),
        (&*there, referrers, &*here, 502),
        ("/config.json", config, crate_file, 404),
        (
            "/p2/acme/demo.json",
            versions,
            "/composer/up/p2/acme/demo.json",
            502,
        ),
    ];
    read_hostile(documents, LONG_LIST_MEMORY);
}

/// Short documents, in which many have one long thing in common.
#[test]
fn what_many_have_in_common_takes_little_memory() {
    let long = "a".repeat(1 << 20);
    let anchors: Vec<_> = (0..50_000)
        .map(|at| format!("<a href=x-{at}.tar.gz></a>"))
        .collect();
    let anchors = anchors.concat();
    let page = format!("<h1>Links for x</h1><base href=\"https://h.example/{long}/\">{anchors}");
    let versions: Vec<_> = (0..40_000)
        .map(|at| format!(r#",{{"version":"1.0.{at}"}}"#))
        .collect();
    let versions = versions.concat();
    let first = format!(r#"{{"name":"acme/demo","version":"1","{long}":1}}"#);
    let list = format!("[{first}{versions}]");
    let inherited = format!(r#"{{"minified":"composer/2.0","packages":{{"acme/demo":{list}}}}}"#);
    let documents = vec![
        ("/x/", page, "/pypi/up/packages/x/x-1.tar.gz", 404),
        (
            "/p2/acme/demo.json",
            inherited,
            "/composer/up/p2/acme/demo.json",
            502,
        ),
    ];
    read_hostile(documents, HOSTILE_MEMORY);
}
