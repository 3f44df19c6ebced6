//! Bundles of large repositories (bundle-uri). The git of this machine takes one by its address alone
//! (`clone --bundle-uri`); later ones ask for that address by the command, which is asked here by hand.

use crate::bed::Bed;
use larder_tests::Client;
use larder_tests::random::Random;
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_mins(1);
const V2: [(&str, &str); 1] = [("git-protocol", "version=2")];

/// What is offered of a repository.
fn offered(client: &Client, repo: &str) -> String {
    let path = format!("/git/{repo}/info/refs?service=git-upload-pack");
    client.send("GET", &path, &V2, b"").expect(200).text()
}

/// The address in the answer to the command.
fn address(client: &Client, repo: &str) -> Option<String> {
    let path = format!("/git/{repo}/git-upload-pack");
    let command = b"0017command=bundle-uri\n00010000";
    let told = client.send("POST", &path, &V2, command).expect(200).text();
    let (_, rest) = told.split_once(".uri=")?;
    Some(rest.lines().next()?.to_owned())
}

#[test]
fn large_repositories_are_had_as_one_file() {
    let Some(mut bed) = Bed::new() else { return };
    let work = bed.work("work");
    let client = bed.larder.anonymous();
    bed.run(
        &work,
        &["push", "-q", &bed.url_of("admin", "own/small"), "main"],
    );
    std::fs::write(work.join("big.bin"), Random::new(7).bytes(9 << 20)).expect("file");
    bed.commit(&work, "b.txt", "two\n");
    bed.run(
        &work,
        &["push", "-q", &bed.url_of("admin", "own/large"), "main"],
    );
    let begun = Instant::now();
    while !offered(&client, "own/large").contains("bundle-uri") {
        assert!(begun.elapsed() < DEADLINE, "{}", bed.larder.log_text());
        std::thread::yield_now();
    }
    assert!(!offered(&client, "own/small").contains("bundle-uri"));
    assert_eq!(address(&client, "own/small"), None);
    bed.larder.kill();
    bed.larder.start_again();
    let client = bed.larder.anonymous();
    for repo in ["own/large", "all/large"] {
        let uri = address(&client, repo).expect("address");
        assert!(
            uri.starts_with(bed.larder.url()) && uri.ends_with(".bundle"),
            "{uri}"
        );
        let name = repo.replace('/', "-");
        let bundle = format!("--bundle-uri={uri}");
        let at = bed.clone(&bed.url(repo), &name, &[&bundle]);
        assert_eq!(bed.head(&at), bed.head(&work));
        let refs = bed.run(&at, &["for-each-ref", "refs/bundles"]);
        assert!(refs.contains(&bed.head(&work)), "{refs}");
        bed.run(&at, &["fsck", "--strict"]);
        let path = uri.strip_prefix(bed.larder.url()).expect("path");
        let answer = client.get(path).expect(200);
        assert_eq!(
            answer.header("content-type"),
            Some("application/x-git-bundle")
        );
    }
    let uri = address(&client, "own/large").expect("address");
    let path = uri.strip_prefix(bed.larder.url()).expect("path");
    client.get(&path.replace("large", "small")).expect(404);
    bed.larder.close_everything();
    client.get(path).expect(401);
}
