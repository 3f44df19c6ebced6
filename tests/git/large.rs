//! Large files with the real git-lfs: hosted and mirrored.

use crate::bed::{Bed, STALE};
use crate::hosted::noise;
use larder_model::{Algorithm, Digest};
use larder_tests::http::Response;
use larder_tests::larder::PASSWORD;
use larder_tests::{Fault, Upstream, tool};
use serde_json::{Value, json};
use std::path::Path;

const LFS: [(&str, &str); 1] = [("content-type", "application/vnd.git-lfs+json")];
const BATCH: &str = "/git/tool.git/info/lfs/objects/batch";
/// What an upstream gives for an address; nobody else is to see it.
const SECRET: &str = "Basic bGZzOnNlY3JldC1vZi1hbi1ocmVm";

fn oid(body: &[u8]) -> String {
    Digest::of(Algorithm::Sha256, body).hex()
}

/// A bed whose person has git-lfs.
pub(crate) fn bed() -> Option<Bed> {
    tool("git-lfs")?;
    let bed = Bed::new()?;
    bed.run(bed.home(), &["lfs", "install", "--skip-repo"]);
    Some(bed)
}

#[track_caller]
fn batch(bed: &Bed, repo: &str, operation: &str, objects: &Value) -> Response {
    let body = json!({"operation": operation, "transfers": ["basic"], "objects": objects});
    let path = format!("/git/{repo}.git/info/lfs/objects/batch");
    let client = bed.larder.admin();
    client.send("POST", &path, &LFS, body.to_string().as_bytes())
}

/// The files of this size below a folder.
fn count(folder: &Path, size: u64) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let of = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => count(&entry.path(), size),
        Ok(metadata) => usize::from(metadata.len() == size),
        Err(_) => 0,
    };
    entries.map(of).sum()
}

#[test]
fn large_files_are_pushed_and_pulled() {
    let Some(mut bed) = bed() else { return };
    let work = bed.work("work");
    bed.run(&work, &["lfs", "track", "*.bin"]);
    let (large, small) = (noise(7, 300_000), "small\n");
    std::fs::write(work.join("small.bin"), small).expect("file");
    bed.commit(&work, "large.bin", &large);
    for repo in ["own/tool", "own/other", "all/third"] {
        let url = bed.url_of("admin", repo);
        bed.run(&work, &["push", "-q", &url, "main"]);
        bed.run(&work, &["push", "-q", &url, "main:again"]);
    }
    // A new name in a group might be an upstream's; one that is hosted is nobody else's.
    bed.upstream.take_asked();
    bed.larder.kill();
    bed.larder.start_again();
    for (index, repo) in ["own/tool", "all/tool.git", "own/third", "all/third"]
        .iter()
        .enumerate()
    {
        let at = bed.clone(&bed.url(repo), &format!("clone-{index}"), &[]);
        let bytes = std::fs::read_to_string(at.join("large.bin")).expect("file");
        assert!(bytes == large, "{repo}");
        assert_eq!(
            std::fs::read_to_string(at.join("small.bin")).expect("file"),
            small
        );
        bed.run(&at, &["lfs", "fsck"]);
    }
    assert_eq!(
        count(&bed.larder.data(), large.len() as u64),
        1,
        "its bytes are kept once"
    );
    assert_eq!(bed.upstream.total(), 0);
}

#[test]
fn bytes_are_what_their_name_says() {
    let Some(bed) = bed() else { return };
    let work = bed.work("work");
    bed.run(
        &work,
        &["push", "-q", &bed.url_of("admin", "own/tool"), "main"],
    );
    let (body, oid) = (b"right\n", oid(b"right\n"));
    let object = format!("/git/own/tool.git/info/lfs/objects/{oid}");
    let verify = "/git/own/tool.git/info/lfs/objects/verify";
    let told = json!({"oid": oid, "size": body.len()});
    let admin = bed.larder.admin();
    let wrong = admin.send("PUT", &object, &[], b"wrong\n").expect(422);
    assert!(
        wrong.json()["message"]
            .as_str()
            .is_some_and(|text| text.contains("SHA-256"))
    );
    admin.get(&object).expect(404);
    admin
        .send("POST", verify, &LFS, told.to_string().as_bytes())
        .expect(404);
    let missing = batch(
        &bed,
        "own/tool",
        "download",
        &json!([told, {"oid": "x", "size": 1}]),
    );
    let missing = missing.expect(200).json();
    assert_eq!(missing["objects"][0]["error"]["code"], 404, "{missing}");
    assert_eq!(missing["objects"][1]["error"]["code"], 422, "{missing}");
    let wanted = batch(&bed, "own/tool", "upload", &json!([told]))
        .expect(200)
        .json();
    let actions = &wanted["objects"][0]["actions"];
    assert_eq!(
        actions["upload"]["href"],
        format!("{}{object}", bed.larder.url())
    );
    admin.send("PUT", &object, &[], body).expect(200);
    admin.send("PUT", &object, &[], body).expect(200);
    admin
        .send("POST", verify, &LFS, told.to_string().as_bytes())
        .expect(200);
    let other = json!({"oid": oid, "size": 1}).to_string();
    admin
        .send("POST", verify, &LFS, other.as_bytes())
        .expect(422);
    let here = batch(&bed, "own/tool", "upload", &json!([told]))
        .expect(200)
        .json();
    assert!(here["objects"][0].get("actions").is_none(), "{here}");
    assert_eq!(admin.get(&object).expect(200).body, body);
    let part = admin
        .send("GET", &object, &[("range", "bytes=2-")], b"")
        .expect(206);
    assert_eq!(part.body, b"ght\n");
}

/// What is damaged on the disk is not here: whoever has it brings it, and then it is.
#[test]
fn a_damaged_large_file_is_healed_by_who_brings_it() {
    let Some(bed) = bed() else { return };
    let work = bed.work("work");
    bed.run(
        &work,
        &["push", "-q", &bed.url_of("admin", "own/tool"), "main"],
    );
    let body = noise(11, 30_000);
    let (body, oid) = (body.as_bytes(), oid(body.as_bytes()));
    let object = format!("/git/own/tool.git/info/lfs/objects/{oid}");
    let verify = "/git/own/tool.git/info/lfs/objects/verify";
    let told = json!({"oid": oid, "size": body.len()});
    let admin = bed.larder.admin();
    admin.send("PUT", &object, &[], body).expect(200);
    bed.damage(body.len() as u64);
    let verified = || admin.send("POST", verify, &LFS, told.to_string().as_bytes());
    admin.get(&object).expect(500);
    verified().expect(404);
    let wanted = batch(&bed, "own/tool", "upload", &json!([told])).expect(200);
    assert!(wanted.text().contains("/verify"), "{}", wanted.text());
    for _ in 0..2 {
        admin.send("PUT", &object, &[], body).expect(200);
        verified().expect(200);
        assert_eq!(admin.get(&object).expect(200).body, body);
    }
}

#[test]
fn refusals_are_told_in_its_words() {
    let Some(bed) = bed() else { return };
    let work = bed.work("work");
    bed.run(
        &work,
        &["push", "-q", &bed.url_of("admin", "own/tool"), "main"],
    );
    bed.larder.make_user("reader");
    let base = "/git/own/tool.git/info/lfs";
    let object = format!("{base}/objects/{}", oid(b"x"));
    let nobody = bed.larder.anonymous();
    let refused = nobody.send("PUT", &object, &[], b"x").expect(401);
    assert_eq!(
        refused.header("lfs-authenticate"),
        Some("Basic realm=\"Larder\"")
    );
    let reader = bed.larder.user("reader", PASSWORD);
    reader.send("PUT", &object, &[], b"x").expect(403);
    reader.get(&object).expect(404);
    let upload = json!({"operation": "upload", "objects": []}).to_string();
    let at = format!("{base}/objects/batch");
    reader
        .send("POST", &at, &LFS, upload.as_bytes())
        .expect(403);
    let locks = format!("{base}/locks/verify");
    let told = reader.send("POST", &locks, &LFS, b"{}").expect(404);
    assert!(told.json()["message"].is_string());
    let other = json!({"operation": "download", "objects": [], "hash_algo": "sha512"});
    let admin = bed.larder.admin();
    admin
        .send("POST", &at, &LFS, other.to_string().as_bytes())
        .expect(409);
    admin.send("POST", &at, &LFS, b"<html>").expect(400);
    let nowhere = "/git/own/nowhere.git/info/lfs/objects/batch";
    let download = json!({"operation": "download", "objects": []}).to_string();
    admin
        .send("POST", nowhere, &LFS, download.as_bytes())
        .expect(404);
    let mirror = "/git/up/tool.git/info/lfs/objects/batch";
    admin
        .send("POST", mirror, &LFS, upload.as_bytes())
        .expect(403);
}

/// The upstream's repository `tool` with one large file at another server.
pub(crate) fn with_large(bed: &Bed, other: &Upstream, body: &str) -> String {
    bed.gits.make("tool");
    bed.gits.commit(
        "tool",
        ".gitattributes",
        b"*.bin filter=lfs diff=lfs merge=lfs -text\n",
    );
    let oid = oid(body.as_bytes());
    let size = body.len();
    let pointer =
        format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n");
    bed.gits.commit("tool", "large.bin", pointer.as_bytes());
    let href = format!("{}store/large?signature=s3cr3t", other.url());
    let told = json!({"transfer": "basic", "objects": [{"oid": oid, "size": size, "actions":
        {"download": {"href": href, "header": {"Authorization": SECRET, "X-Extra": "1"}, "expires_in": 3600}}}]});
    bed.upstream.put_with(BATCH, told.to_string(), &LFS);
    other.put("/store/large?signature=s3cr3t", body);
    oid
}

pub(crate) fn allow(bed: &Bed, others: &[&Upstream]) {
    let origins = others.iter().map(|other| other.url());
    let origins: Vec<_> = origins
        .map(|url| url.trim_end_matches('/').to_owned())
        .collect();
    bed.change("up", &json!({"upstream": {"allow": origins}}));
}

#[track_caller]
fn pull(bed: &Bed, repo: &str, name: &str, body: &str) {
    let at = bed.clone(&bed.url(repo), name, &[]);
    let bytes = std::fs::read_to_string(at.join("large.bin")).expect("file");
    assert!(bytes == body, "{name}");
}

#[test]
fn large_files_of_a_mirror_are_fetched_once() {
    let Some(mut bed) = bed() else { return };
    let other = Upstream::start();
    let body = noise(3, 300_000);
    let oid = with_large(&bed, &other, &body);
    allow(&bed, &[&other]);
    pull(&bed, "up/tool", "first", &body);
    let asked = other.take_asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(asked[0].header("authorization"), Some(SECRET));
    assert_eq!(asked[0].header("x-extra"), Some("1"));
    let own = bed.upstream.take_asked();
    let own: Vec<_> = own.iter().filter(|asked| asked.path == BATCH).collect();
    assert_eq!(
        own.len(),
        1,
        "one question, as its answer is good for a while"
    );
    let question: Value = serde_json::from_slice(&own[0].body).expect("JSON");
    assert_eq!(question["operation"], "download");
    assert_eq!(
        question["objects"],
        json!([{"oid": oid, "size": body.len()}])
    );
    // From then on it is had without anyone.
    pull(&bed, "all/tool", "second", &body);
    bed.change("up", &json!({"offline": true}));
    bed.turn(STALE);
    bed.larder.kill();
    bed.larder.start_again();
    bed.upstream.go();
    pull(&bed, "up/tool", "third", &body);
    assert_eq!(other.total(), 0);
    let told = batch(
        &bed,
        "up/tool",
        "download",
        &json!([{"oid": oid, "size": body.len()}]),
    );
    let told = told.expect(200).text();
    assert!(
        told.contains(bed.larder.url()) && !told.contains("signature"),
        "{told}"
    );
    let log = bed.larder.log_text();
    assert!(!log.contains("s3cr3t") && !log.contains(SECRET), "{log}");
}

/// Asks for a file at our address without having asked where it is.
#[test]
fn what_is_known_of_an_address_is_not_needed() {
    let Some(bed) = bed() else { return };
    let other = Upstream::start();
    let body = noise(4, 50_000);
    let oid = with_large(&bed, &other, &body);
    allow(&bed, &[&other]);
    let told = json!([{"oid": oid, "size": body.len()}]);
    let object = format!(
        "/git/up/tool.git/info/lfs/objects/{oid}?size={}",
        body.len()
    );
    // The address leads nowhere by the time that the bytes are wanted.
    batch(&bed, "up/tool", "download", &told).expect(200);
    other.fail_times("/store/large?signature=s3cr3t", Fault::Status(403), 1);
    let begin = |_| {
        let (client, object) = (bed.larder.anonymous(), object.clone());
        std::thread::spawn(move || client.take(&object, &[]).expect("answer"))
    };
    let clients: Vec<_> = (0..8).map(begin).collect();
    for client in clients {
        let (answer, whole) = client.join().expect("client");
        assert!(
            whole && answer.body == body.as_bytes(),
            "{} {:?}",
            answer.status,
            answer.headers
        );
    }
    assert_eq!(other.total(), 2, "the first, which failed, and one for all");
    assert_eq!(bed.upstream.count(BATCH), 2);
}

/// What an upstream gives for an address is shown to nobody else to whom that leads.
#[test]
fn secrets_of_an_address_go_no_further() {
    let Some(bed) = bed() else { return };
    let (other, third) = (Upstream::start(), Upstream::start());
    let body = noise(6, 20_000);
    with_large(&bed, &other, &body);
    allow(&bed, &[&other, &third]);
    third.put("/moved", &*body);
    let to = Fault::Redirect(format!("{}moved", third.url()));
    other.fail("/store/large?signature=s3cr3t", to);
    pull(&bed, "up/tool", "first", &body);
    assert_eq!(other.take_asked()[0].header("authorization"), Some(SECRET));
    let asked = third.take_asked();
    assert_eq!(asked.len(), 1);
    let shown = format!("{:?}", asked[0].headers);
    assert!(
        !shown.contains(SECRET) && !shown.contains("x-extra"),
        "{shown}"
    );
}

#[test]
fn wrong_large_files_are_not_kept() {
    let Some(bed) = bed() else { return };
    let other = Upstream::start();
    let body = noise(5, 100_000);
    let oid = with_large(&bed, &other, &body);
    let object = format!(
        "/git/up/tool.git/info/lfs/objects/{oid}?size={}",
        body.len()
    );
    let client = bed.larder.anonymous();
    // The guard: nobody said that this server may have a private address.
    let refused = client.get(&object);
    assert_eq!(refused.status, 502, "{}", refused.text());
    assert_eq!(other.total(), 0);
    allow(&bed, &[&other]);
    let path = "/store/large?signature=s3cr3t";
    for fault in [
        Fault::Flipped(1000),
        Fault::Truncated(200_000),
        Fault::Grown(5, 10),
        Fault::Login,
        Fault::Status(500),
    ] {
        // It goes on when the client has left, so that it never is well in between.
        other.fail(path, fault.clone());
        let (answer, whole) = client.take(&object, &[]).expect("answer");
        assert!(
            answer.status >= 500 || !whole,
            "{fault:?}: {}",
            answer.status
        );
        bed.rest();
    }
    other.heal();
    for (fault, status) in [
        (Fault::Login, 503),
        (Fault::Status(500), 503),
        (Fault::Status(404), 404),
    ] {
        bed.upstream.fail(BATCH, fault.clone());
        let told = json!([{"oid": oid, "size": body.len()}]);
        let told = batch(&bed, "up/tool", "download", &told).expect(200).json();
        let code = told["objects"][0]["error"]["code"].as_u64().expect("code");
        assert!(
            code == status || code == 502 && status == 503,
            "{fault:?}: {told}"
        );
        bed.upstream.heal();
        bed.rest();
    }
    pull(&bed, "up/tool", "right", &body);
}
