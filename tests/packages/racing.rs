//! Versions of one package that are published at once: each that was taken is there.

use crate::larder;
use larder_tests::parcel::publish_to;
use larder_tests::random::Random;
use std::thread;

/// So many at once. Each is too large for a row.
const AT_ONCE: usize = 6;
const BYTES: usize = 100_000;

fn place(protocol: &str, version: &str) -> String {
    match protocol {
        "npm" => format!("/npm/local/demo/-/demo-{version}.tgz"),
        "cargo" => format!("/cargo/local/api/v1/crates/demo/{version}/download"),
        "go" => format!("/go/local/demo.example/@v/v{version}.zip"),
        _ => format!("/pypi/local/packages/demo/demo-{version}-py3-none-any.whl"),
    }
}

#[test]
fn what_is_published_beside_others_is_kept() {
    let larder = larder();
    let mut random = Random::seeded();
    for protocol in ["npm", "cargo", "go", "pypi"] {
        for round in 0..3 {
            let bodies: Vec<_> = (0..AT_ONCE).map(|_| random.bytes(BYTES)).collect();
            let versions: Vec<_> = (0..AT_ONCE).map(|at| format!("1.{round}.{at}")).collect();
            let taken: Vec<&String> = thread::scope(|scope| {
                let mut all = Vec::new();
                for (version, bytes) in versions.iter().zip(&bodies) {
                    let client = larder.admin();
                    all.push(scope.spawn(move || {
                        let repo = (protocol, "local");
                        let answer = publish_to(&client, repo, "demo", version, bytes);
                        // Whoever met too many others is told to come again.
                        let is_told = answer.status < 300 || answer.status == 503;
                        assert!(is_told, "{protocol} {version}: {}", answer.text());
                        (answer.status < 300).then_some(version)
                    }));
                }
                let all = all.into_iter().map(|one| one.join().expect("an answer"));
                all.flatten().collect()
            });
            assert!(!taken.is_empty(), "{protocol}");
            for version in taken {
                let path = place(protocol, version);
                let kept = larder.admin().get(&path).expect(200);
                assert!(kept.body.len() >= BYTES, "{path}");
            }
        }
    }
}
