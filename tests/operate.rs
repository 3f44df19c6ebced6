//! What whoever runs a server sees of it: whether it is ready, at a start and later, what it
//! measures, and what its log says.

use larder_tests::bucket::{BUCKET, Bucket};
use larder_tests::engine::is_root;
use larder_tests::image::{Image, digest};
use larder_tests::larder::PASSWORD;
use larder_tests::random::Random;
use larder_tests::tools::{command, fails, run, skip};
use larder_tests::{Client, Larder, Postgres, Shelf, Start, Upstream, archive};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

const BINARY: &str = env!("CARGO_BIN_EXE_larder");

fn start() -> Start {
    Start::of(BINARY)
}

/// `larder health` as it is asked in the server's own container: by its variables.
fn health(larder: &Larder, tls: &str) -> Command {
    let mut asked = command(Path::new(BINARY), larder.folder());
    asked.arg("health");
    asked
        .env("LARDER_SERVER__LISTEN", larder.host())
        .env("LARDER_SERVER__TLS", tls);
    asked
}

#[test]
fn health_is_told_with_and_without_tls() {
    for tls in ["off", "self-signed"] {
        let mut larder = start().with("LARDER_SERVER__TLS", tls).start();
        assert_eq!(
            run(&mut health(&larder, tls)),
            "",
            "nothing is said where all is well"
        );
        let told = run(health(&larder, tls).arg("--json"));
        assert_eq!(told.trim(), "{\n  \"ready\": true\n}");
        let mut asked = health(&larder, tls);
        larder.stop();
        let told = fails(&mut asked);
        assert!(told.contains("/readyz: no answer"), "{told}");
    }
    // One that speaks the other way is no server that is ready.
    let larder = start().with("LARDER_SERVER__TLS", "self-signed").start();
    let told = fails(&mut health(&larder, "off"));
    assert!(
        told.contains("it is not ready: 400") && told.contains("https"),
        "{told}"
    );
}

/// A server over this bucket.
fn over(s3: &Bucket, bucket: &str) -> Start {
    s3.holds_blobs_of(start())
        .with("LARDER_STORAGE__BUCKET", bucket)
}

#[test]
fn a_bucket_that_is_not_there_is_told_of() {
    for s3 in [Bucket::s3_files(), Bucket::s3_memory()]
        .into_iter()
        .flatten()
    {
        let told = over(&s3, "nowhere").refuses();
        let place = format!("the bucket nowhere at {}", s3.url());
        assert!(
            told.contains(&place) && told.contains("does not exist"),
            "{told}"
        );
    }
    // One that goes away later.
    let Some(s3) = Bucket::s3_files() else { return };
    let larder = over(&s3, BUCKET).start();
    larder.anonymous().get("/readyz").expect(200);
    let bucket = s3.objects();
    std::fs::rename(&bucket, bucket.with_file_name("away")).expect("rename");
    larder.anonymous().get("/readyz").expect(503);
    let told = larder.find_line("a request failed");
    assert!(
        told.contains("the bucket larder at") && told.contains("\"path\":\"/readyz\""),
        "{told}"
    );
}

#[test]
fn a_database_that_takes_no_writes_is_told_of() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    let url = postgres.database("closed");
    let larder = start().with("LARDER_DATABASE__URL", &url).start();
    larder.anonymous().get("/readyz").expect(200);
    // Sessions that are there keep what they began with.
    let change = |how: &str| {
        let end = "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'closed'";
        postgres.tell("postgres", &format!("alter database closed {how}"));
        postgres.tell("postgres", end);
    };
    let ready = || larder.anonymous().get("/readyz").status == 200;
    let is_told = || larder.log_text().contains("it is a standby, or read-only");
    change("set default_transaction_read_only = on");
    // The sessions of the pool have ended, and each is found to have.
    assert!(
        (0..20).any(|_| !ready() && is_told()),
        "{}",
        larder.log_text()
    );
    assert!(!ready());
    change("reset default_transaction_read_only");
    assert!((0..20).any(|_| ready()), "{}", larder.log_text());
}

/// A program as someone who is not root, if the test is.
fn as_nobody(start: Start) -> Start {
    if is_root() {
        start.under(&[
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
        ])
    } else {
        start
    }
}

/// A copy of the program that everyone may run, in a folder that everyone may enter.
fn for_everyone(folder: &Path) -> std::path::PathBuf {
    std::fs::set_permissions(folder, PermissionsExt::from_mode(0o755)).expect("mode");
    let program = folder.join("larder");
    std::fs::copy(BINARY, &program).expect("copy");
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).expect("mode");
    program
}

#[test]
fn what_cannot_be_written_is_told_of_at_the_start() {
    if is_root() && larder_tests::tools::optional("setpriv").is_none() {
        return skip("setpriv is not installed");
    }
    let folder = tempfile::tempdir().expect("folder");
    let program = for_everyone(folder.path());
    let data = folder.path().join("data");
    std::fs::create_dir(&data).expect("data");
    if is_root() {
        chown(&data, Some(65534), Some(65534)).expect("chown");
    }
    let begin = || as_nobody(Start::of(&program).in_folder(&data));
    begin().start().stop();
    for name in ["larder.db", "storage", "."] {
        let path = data.join(name);
        let mode = path.metadata().expect("there").permissions();
        if is_root() {
            chown(&path, Some(0), Some(0)).expect("chown"); // as a copy that root made
        } else {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o444)).expect("mode");
        }
        let told = begin().refuses();
        assert!(told.contains("cannot be written by user"), "{name}: {told}");
        let advice = if is_root() {
            "chown -R 65534"
        } else {
            "chmod u+w"
        };
        assert!(told.contains(advice), "{name}: {told}");
        if is_root() {
            chown(&path, Some(65534), Some(65534)).expect("chown");
        }
        std::fs::set_permissions(&path, mode).expect("mode");
    }
    begin().start();
}

/// Deletes the object of a digest, wherever it is below the folder.
fn lose(folder: &Path, digest: &str) {
    for entry in std::fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            lose(&path, digest);
        } else if path.display().to_string().contains(digest) {
            std::fs::remove_file(path).expect("remove");
        }
    }
}

#[test]
fn a_scrub_has_mirrors_fetch_again_what_the_store_lost() {
    let upstream = Upstream::start();
    let mut larder = start().start();
    larder.disable_schedules();
    let mut shelves = Vec::new();
    for (protocol, byte) in [("cargo", 1), ("npm", 2)] {
        let mut shelf = Shelf::new(protocol, &upstream);
        let body = vec![byte; 100_000];
        shelf.put(&upstream, "1.0.0", &body);
        let new = json!({"protocol": protocol, "name": "up", "kind": "mirror",
            "upstream": {"url": shelf.url(&upstream), "allow_private": true}});
        larder.api("POST", "repositories", &new.to_string(), 201);
        larder.anonymous().get(&shelf.index_here()).expect(200);
        let got = larder
            .anonymous()
            .get(&shelf.artifact_here("1.0.0"))
            .expect(200);
        assert_eq!(got.body, body);
        shelves.push((shelf, body));
    }
    // (A store without any object is taken for one that is not mounted.)
    let image = Image::random(&mut Random::seeded(), &[200_000]);
    image.push(&larder.admin(), "team/app", "1");
    larder.stop();
    for (_, body) in &shelves {
        let digest = digest(body).hex();
        lose(&larder.data().join("storage/blobs"), &digest);
    }
    larder.start_again();
    // What is asked for comes again at once, unless nothing may be fetched: then its digest is told.
    let (crates, body) = &shelves[0];
    let offline = |offline: bool| {
        let change = json!({"offline": offline}).to_string();
        larder.api("PATCH", "repositories/cargo/up", &change, 200);
    };
    let artifact = crates.artifact_here("1.0.0");
    offline(true);
    let lost = larder.anonymous().get(&artifact).expect(500).text();
    assert!(
        lost.contains(&digest(body).hex()) && lost.contains("unless it is offline"),
        "{lost}"
    );
    offline(false);
    let got = larder.anonymous().get(&artifact).expect(200);
    assert!(got.body == *body);
    let mut scrub = command(Path::new(BINARY), larder.folder());
    scrub.args(["scrub", "run", "--server", larder.url(), "--token"]);
    scrub.arg(larder.token_of("admin"));
    let ran = scrub.arg("--yes").output().expect("scrub");
    let ran =
        String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    assert!(ran.contains("healed") || ran.contains("Healed"), "{ran}");
    for (shelf, body) in &shelves {
        larder.anonymous().get(&shelf.index_here()).expect(200);
        let got = larder
            .anonymous()
            .get(&shelf.artifact_here("1.0.0"))
            .expect(200);
        assert!(got.body == *body, "{}: {ran}", shelf.protocol);
    }
}

/// A text in the form that `OpenMetrics` 1.0 demands, read as strictly as it says: the samples of
/// each metric by name and labels.
fn strict(text: &str) -> BTreeMap<String, f64> {
    let mut types: BTreeMap<&str, &str> = BTreeMap::new();
    let (mut current, mut samples, mut ended) = ("", BTreeMap::new(), false);
    for line in text.lines() {
        assert!(!ended, "something follows # EOF: {line}");
        if line == "# EOF" {
            ended = true;
        } else if let Some(about) = line.strip_prefix("# ") {
            let mut words = about.splitn(3, ' ');
            let (what, name) = (words.next().expect("word"), words.next().expect("name"));
            if name != current {
                assert!(
                    !types.contains_key(name),
                    "{name} is announced twice, or in between"
                );
                current = name;
                types.insert(name, "unknown");
            }
            let rest = words.next().expect("text");
            match what {
                "TYPE" => drop(types.insert(name, rest)),
                "UNIT" => assert!(name.ends_with(&format!("_{rest}")), "{line}"),
                "HELP" => assert!(!rest.is_empty(), "{line}"),
                _ => panic!("{line}"),
            }
        } else {
            let (name, value) = line.rsplit_once(' ').expect("a sample");
            let bare = name.split('{').next().expect("name");
            let end = bare
                .strip_prefix(current)
                .unwrap_or_else(|| panic!("{line} below {current}"));
            let ends: &[&str] = match types[current] {
                "counter" => &["_total"],
                "gauge" => &[""],
                "info" => &["_info"],
                "histogram" => &["_bucket", "_sum", "_count"],
                other => panic!("{current} is {other}"),
            };
            assert!(
                ends.contains(&end),
                "{line} is no sample of a {}",
                types[current]
            );
            let value: f64 = value.parse().expect("a number");
            assert!(value >= 0.0 || types[current] == "gauge", "{line}");
            assert!(
                samples.insert(name.to_owned(), value).is_none(),
                "{name} twice"
            );
        }
    }
    assert!(ended, "# EOF is missing");
    let families: BTreeSet<_> = types.keys().collect();
    assert!(families.len() > 20, "{families:?}");
    samples
}

#[test]
fn metrics_are_in_the_strict_form() {
    let upstream = Upstream::start();
    let larder = start().start();
    let mut shelf = Shelf::new("npm", &upstream);
    shelf.put(
        &upstream,
        "1.0.0",
        &archive::tarball("demo", "1.0.0", "theirs"),
    );
    let url = json!({"upstream": {"url": shelf.url(&upstream), "allow_private": true}});
    larder.api("PATCH", "repositories/npm/upstream", &url.to_string(), 200);
    for _ in 0..2 {
        larder.anonymous().get("/npm/upstream/demo").expect(200);
    }
    larder
        .user("admin", "wrong")
        .get("/api/v1/whoami")
        .expect(401);
    let scrape = || strict(&larder.admin().get("/metrics").expect(200).text());
    let told = scrape();
    let at = |name: &str| {
        *told
            .get(name)
            .unwrap_or_else(|| panic!("{name}: {told:#?}"))
    };
    let requests = |door: &str, protocol: &str, status: &str| {
        let labels = format!("door=\"{door}\",protocol=\"{protocol}\",status=\"{status}\"");
        at(&format!("larder_requests_total{{{labels}}}"))
    };
    assert!((requests("packages", "npm", "2xx") - 2.0).abs() < 0.5);
    assert!(requests("packages", "cargo", "2xx").abs() < 0.5);
    assert!(requests("api", "api", "4xx") >= 1.0);
    assert!(requests("registry", "oci", "5xx").abs() < 0.5);
    assert!(at("larder_request_duration_seconds_bucket{le=\"+Inf\",door=\"packages\"}") >= 2.0);
    assert!(at("larder_cache_hits_total{protocol=\"npm\"}") >= 1.0);
    assert!(at("larder_cache_misses_total{protocol=\"npm\"}") >= 1.0);
    assert!((at("larder_upstreams{state=\"answering\"}") - 1.0).abs() < 0.5);
    assert!(at("larder_disk_free_bytes") > 0.0);
    assert!(at("larder_process_resident_memory_bytes") > 1e6);
    assert!(at("larder_process_open_fds") > 3.0);
    assert!(at("larder_failed_logins_total") >= 1.0);
    let version = format!(
        "larder_build_info{{version=\"{}\"}}",
        env!("CARGO_PKG_VERSION")
    );
    assert!((at(&version) - 1.0).abs() < 0.5);
    larder.api("PATCH", "settings", r#"{"offline":true}"#, 200);
    assert!((scrape()["larder_upstreams{state=\"offline\"}"] - 1.0).abs() < 0.5);
}

#[test]
fn metrics_tell_what_is_stored_and_have_a_listener_of_their_own() {
    let mut larder = start()
        .with("LARDER_TELEMETRY__METRICS_LISTEN", "127.0.0.1:0")
        .start();
    larder.disable_schedules();
    let image = Image::random(&mut Random::seeded(), &[20, 300_000]);
    image.push(&larder.admin(), "team/app", "1");
    let job = larder.api("POST", "stats/usage/runs", "{}", 202);
    let path = format!("/api/v1/jobs/{}/events", job["id"].as_str().expect("id"));
    let (_, whole) = larder.admin().take(&path, &[]).expect("events");
    assert!(whole, "until it has ended");
    larder.stop();
    larder.start_again(); // how much there is is read at the start, then each minute
    let line: Value = serde_json::from_str(&larder.find_line("metrics are served")).expect("JSON");
    let address = line["address"].as_str().expect("address");
    let scraper = Client::anonymous(address.parse().expect("address"));
    let told = strict(&scraper.get("/metrics").expect(200).text());
    for label in ["oci", "all"] {
        let stored = told[&format!("larder_stored_bytes{{protocol=\"{label}\"}}")];
        assert!(
            (300_000.0..400_000.0).contains(&stored),
            "{label}: {stored}"
        );
    }
    assert!(told["larder_stored_bytes{protocol=\"npm\"}"].abs() < 0.5);
    // It has nothing else, and no credentials are asked for.
    scraper.get("/api/v1/whoami").expect(404);
    larder.anonymous().get("/metrics").expect(401);
}

#[test]
fn a_request_s_line_says_how_a_mirror_had_it_and_from_whom() {
    let upstream = Upstream::start();
    let larder = start().start();
    let mut shelf = Shelf::new("npm", &upstream);
    let body = archive::tarball("demo", "1.0.0", "theirs");
    shelf.put(&upstream, "1.0.0", &body);
    let url = json!({"upstream": {"url": shelf.url(&upstream), "allow_private": true}});
    larder.api("PATCH", "repositories/npm/upstream", &url.to_string(), 200);
    let host = upstream.url();
    let host = host.trim_end_matches('/').rsplit('/').next().expect("host");
    let line = |agent: &str, path: &str| {
        let headers = [("user-agent", agent)];
        let answer = larder.anonymous().send("GET", path, &headers, b"");
        let told = answer
            .headers
            .iter()
            .any(|(name, _)| name == "larder-upstream");
        assert!(!told, "what is for the log is in no answer");
        let line = larder.find_line(&format!("\"agent\":\"{agent}\""));
        serde_json::from_str::<Value>(&line).expect("JSON")
    };
    for (agent, path, cache) in [
        ("one", "/npm/main/demo", "miss"),
        ("two", "/npm/main/demo", "hit"),
        ("three", "/npm/main/demo/-/demo-1.0.0.tgz", "miss"),
    ] {
        let line = line(agent, path);
        assert_eq!(
            (&line["cache"], &line["upstream"]),
            (&cache.into(), &host.into()),
            "{line}"
        );
    }
    let own = line("five", "/v2/");
    assert_eq!(
        (&own["cache"], &own["upstream"]),
        (&Value::Null, &Value::Null)
    );
    // Whether it is well is asked every few seconds, and is no news where it is.
    larder.anonymous().get("/healthz").expect(200);
    larder.anonymous().get("/readyz").expect(200);
    line("six", "/v2/");
    let log = larder.log_text();
    assert!(
        !log.contains("/healthz") && !log.contains("/readyz"),
        "{log}"
    );
}

#[test]
fn the_log_says_what_failed_and_who_could_not_log_in() {
    let upstream = Upstream::start();
    let larder = start().start();
    let url =
        json!({"upstream": {"url": format!("{}npm/", upstream.url()), "allow_private": true}});
    larder.api("PATCH", "repositories/npm/upstream", &url.to_string(), 200);
    upstream.go();
    larder.anonymous().get("/npm/upstream/demo").expect(503);
    let line: Value = serde_json::from_str(&larder.find_line("a request failed")).expect("JSON");
    for (key, value) in [
        ("level", "ERROR"),
        ("method", "GET"),
        ("path", "/npm/upstream/demo"),
        ("repository", "npm/upstream"),
        ("package", "demo"),
    ] {
        assert_eq!(line[key], value, "{line}");
    }
    let problem = line["problem"].as_str().expect("text");
    let host = upstream.url();
    let host = host.trim_end_matches('/').rsplit('/').next().expect("host");
    assert!(problem.contains(host), "the upstream is named: {problem}");
    // A name that fails to log in.
    larder
        .user("mallory", PASSWORD)
        .get("/api/v1/whoami")
        .expect(401);
    let line: Value = serde_json::from_str(&larder.find_line("a login failed")).expect("JSON");
    assert_eq!(line["login"], "user:mallory", "{line}");
    assert_eq!(line["address"], "127.0.0.1", "{line}");
    // Where nothing may be fetched, nothing failed.
    larder.api("PATCH", "settings", r#"{"offline":true}"#, 200);
    let refused = larder
        .anonymous()
        .get("/npm/upstream/other")
        .expect(403)
        .text();
    assert!(
        refused.contains("not kept here, and the server is offline"),
        "{refused}"
    );
    assert!(
        !larder
            .log_text()
            .contains("/npm/upstream/other\",\"repository"),
        "it is no error"
    );
}
