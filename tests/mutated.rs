//! What is fuzzed (`tests/fuzz`), with a few thousand inputs on each run of the tests: what upstreams and
//! clients send, changed by chance, is read or refused. Nothing panics, and no small input takes much memory.

use larder_tests::archive::{gzip, php_package, zip};
use larder_tests::debs::Deb;
use larder_tests::random::Random;
use std::path::Path;

#[path = "fuzz/cases/document.rs"]
mod document;
#[path = "fuzz/cases/lfs.rs"]
mod lfs;
#[path = "fuzz/cases/list.rs"]
mod list;
#[path = "fuzz/cases/log.rs"]
mod log;
#[path = "fuzz/cases/module.rs"]
mod module;
#[path = "fuzz/cases/pkt_line.rs"]
mod pkt_line;
#[path = "fuzz/cases/publish.rs"]
mod publish;

/// Changed inputs of each seed.
const CHANGES: usize = 60;
/// The most bytes of a seed: what is larger is for the fuzzer.
const MAX_SEED: usize = 64 << 10;
/// What all of them may take in memory at once.
const MAX_MEMORY: u64 = 512 << 20;

/// The files of the protocols' own tests.
fn kept() -> Vec<Vec<u8>> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mirrors/src");
    let mut seeds = Vec::new();
    for entry in std::fs::read_dir(sources).expect("protocols") {
        let folder = entry.expect("entry").path().join("testdata");
        let files = std::fs::read_dir(folder).into_iter().flatten();
        seeds.extend(files.map(|file| std::fs::read(file.expect("file").path()).expect("seed")));
    }
    assert!(seeds.len() > 20, "{}", seeds.len());
    seeds
}

fn suites() -> Vec<Vec<u8>> {
    let packages = "Package: demo\nVersion: 1:1.0-1\nArchitecture: all\n\
        Filename: pool/main/d/demo/demo_1.0-1_all.deb\nSize: 3\n\
        SHA256: ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\nDescription: a\n b\n .\n c\n\n";
    let release = "Origin: o\nSuite: stable\nCodename: bookworm\nDate: Sun, 29 Nov 2026 08:01:02 UTC\n\
        Valid-Until: Mon, 30 Nov 2026 08:01:02 UTC\nAcquire-By-Hash: yes\nComponents: main\nArchitectures: all amd64\n\
        SHA256:\n ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad 3 main/binary-all/Packages.gz\n";
    let signed = format!(
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n{release}\
         -----BEGIN PGP SIGNATURE-----\n\nAA==\n-----END PGP SIGNATURE-----\n"
    );
    let differences = "SHA256-Current: ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad 3\n\
        SHA256-History:\n ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad 3 T-1\n\
        SHA256-Patches:\n ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad 3 T-1\n\
        SHA256-Download:\n ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad 3 T-1.gz\n";
    vec![
        packages.into(),
        gzip(packages.as_bytes()),
        release.into(),
        signed.into(),
        differences.into(),
    ]
}

fn archives() -> Vec<Vec<u8>> {
    let module = "example.com/Azure/thing@v1.2.3";
    let (go_mod, source) = (format!("{module}/go.mod"), format!("{module}/a.go"));
    let files: [(&str, &[u8]); 2] = [
        (&go_mod, b"module example.com/Azure/thing\n"),
        (&source, b"package thing\n"),
    ];
    vec![
        Deb::new("demo", "1").bytes(),
        zip(&files),
        php_package("acme/demo", "1.0.0", "x", &serde_json::json!({})),
    ]
}

fn conversations() -> Vec<Vec<u8>> {
    let one = "1".repeat(40);
    let line = |text: &str| format!("{:04x}{text}", text.len() + 4);
    let refs = line("# service=git-upload-pack\n") + "0000";
    let first = format!("{one} HEAD\0side-band-64k symref=HEAD:refs/heads/main agent=git/2\n");
    let refs = refs + &line(&first) + &line(&format!("{one} refs/heads/main\n")) + "0000";
    let command =
        line("command=ls-refs\n") + "0001" + &line("peel\n") + &line("symrefs\n") + "0000";
    let wanted =
        line("command=fetch") + "0001" + &line(&format!("want {one}\n")) + &line("done\n") + "0000";
    let pushed = line(&format!(
        "{} {one} refs/heads/x\0report-status side-band-64k\n",
        "0".repeat(40)
    ));
    let pack = line("NAK\n") + &line("\u{1}PACK\0\0\0\u{2}\0\0\0\0") + "0000";
    let batch = format!(
        "{{\"operation\":\"download\",\"transfers\":[\"basic\"],\"objects\":[{{\"oid\":\"{one}{}\",\"size\":1}}]}}",
        &one[..24]
    );
    let found = format!(
        "{{\"objects\":[{{\"oid\":\"{one}{}\",\"size\":1,\"actions\":{{\"download\":{{\"href\":\"https://x.example/a\",\
         \"header\":{{\"A\":\"b\"}},\"expires_in\":9}}}}}}]}}",
        &one[..24]
    );
    let texts = [
        refs,
        command,
        wanted,
        pushed + "0000PACK",
        pack,
        batch,
        found,
    ];
    texts.map(String::into_bytes).into()
}

/// A seed as it may come: bytes changed, cut out, doubled, put in from elsewhere.
fn changed(random: &mut Random, seed: &[u8], others: &[Vec<u8>]) -> Vec<u8> {
    let below = |random: &mut Random, end: usize| {
        usize::try_from(random.below(end.max(1) as u64)).expect("a place")
    };
    let mut bytes = seed.to_vec();
    for _ in 0..=random.below(4) {
        let at = below(random, bytes.len());
        let end = (at + below(random, 40)).min(bytes.len());
        match random.below(6) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
            1 => drop(bytes.drain(at..end)),
            2 => bytes.truncate(at),
            3 => {
                let doubled = bytes[at..end].to_vec();
                bytes.splice(at..at, doubled.repeat(1 + below(random, 20)));
            }
            4 => {
                let other = &others[below(random, others.len())];
                let from = below(random, other.len());
                let to = (from + 200).min(other.len());
                bytes.splice(at..end, other[from..to].iter().copied());
            }
            _ => {
                let words: [&[u8]; 8] = [
                    b"\0",
                    b"\n",
                    b"-1",
                    b"99999999999999999999",
                    b"../",
                    b"\xff\xfe",
                    b"{",
                    b"0000",
                ];
                let word = words[below(random, words.len())];
                bytes.splice(at..end, word.iter().copied());
            }
        }
    }
    bytes
}

/// The most memory that this process ever had.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    kib.and_then(|kib| kib.parse::<u64>().ok()).expect("KiB") << 10
}

#[test]
fn nothing_panics_whatever_is_read() {
    let mut random = Random::seeded();
    let mut seeds = kept();
    seeds.extend(suites());
    seeds.extend(archives());
    seeds.extend(conversations());
    seeds.retain(|seed| seed.len() <= MAX_SEED);
    let before = peak();
    for seed in &seeds {
        for number in 0..CHANGES {
            let body = match number {
                0 => seed.clone(),
                _ => changed(&mut random, seed, &seeds),
            };
            document::run(&body);
            list::run(&body);
            publish::run(&body);
            module::run(&body);
            lfs::run(&body);
            let at = u16::try_from(random.below(1000)).expect("a place");
            let path = String::from_utf8_lossy(&body);
            pkt_line::run((at, &path, &body));
            let answers: Vec<&[u8]> = body.chunks(1 + usize::from(at)).collect();
            log::run((&path, answers));
        }
    }
    let took = peak() - before;
    assert!(took < MAX_MEMORY, "{} MiB", took >> 20);
}
