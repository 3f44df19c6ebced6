//! Very many clients at once ask for what is not here yet.

use crate::bed::Bed;
use larder_tests::Client;
use larder_tests::tools::allow_open_files;
use std::io::{Read as _, Write as _};
use std::sync::{Arc, Barrier};

const MANY: usize = 500;
const V2: (&str, &str) = ("git-protocol", "version=2");

/// Packet lines of these texts; an empty one is a delimiter.
fn lines(texts: &[&str]) -> Vec<u8> {
    let line = |text: &&str| match *text {
        "" => "0001".to_owned(),
        text => format!("{:04x}{text}\n", text.len() + 5),
    };
    let mut all: String = texts.iter().map(line).collect();
    all.push_str("0000");
    all.into_bytes()
}

/// Has all of them ask at once.
fn at_once<T: Send + 'static>(
    bed: &Bed,
    ask: impl Fn(&Client) -> T + Send + Sync + 'static,
) -> Vec<T> {
    let (all, ask) = (Arc::new(Barrier::new(MANY)), Arc::new(ask));
    let begin = |_| {
        let (all, ask, client) = (Arc::clone(&all), Arc::clone(&ask), bed.larder.anonymous());
        std::thread::spawn(move || {
            all.wait();
            ask(&client)
        })
    };
    let clients: Vec<_> = (0..MANY).map(begin).collect();
    let answers = clients.into_iter().map(|it| it.join().expect("client"));
    answers.collect()
}

/// Those who ask for refs, for objects and for large files cost the upstream what one does.
#[test]
fn five_hundred_clients_cost_what_one_does() {
    let Some(bed) = Bed::new() else { return };
    allow_open_files();
    bed.gits.make("tool");
    let noise = crate::hosted::noise(3, 100_000);
    let head = bed.gits.commit("tool", "big.txt", noise.as_bytes());
    let refs = at_once(&bed, |client| {
        client.get("/git/up/tool/info/refs?service=git-upload-pack")
    });
    for answer in refs {
        assert!(answer.expect(200).text().contains(&head));
    }
    let asked = bed.upstream.take_asked();
    let paths: Vec<_> = asked.iter().map(|asked| &asked.path).collect();
    assert_eq!(paths.len(), 3, "refs, their names, objects: {paths:?}");
    let want = lines(&[
        "command=fetch",
        "",
        "no-progress",
        &format!("want {head}"),
        "done",
    ]);
    let packs = at_once(&bed, move |client| {
        let (path, headers) = (
            "/git/up/tool/git-upload-pack",
            [V2, ("connection", "close")],
        );
        let mut stream = client.connect().expect("connect");
        let mut all = client.head("POST", path, &headers, Some(want.len()));
        all.extend(&want);
        stream.write_all(&all).expect("request");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("answer");
        answer
    });
    for answer in packs {
        assert!(answer.starts_with(b"HTTP/1.1 200 "));
        assert!(answer.len() > 50_000, "{} bytes", answer.len());
        assert!(answer.windows(4).any(|bytes| bytes == b"PACK"));
        assert!(answer.ends_with(b"0000\r\n0\r\n\r\n"));
    }
    assert_eq!(bed.upstream.total(), 0, "{:?}", bed.upstream.take_asked());
    let most = bed.larder.memory().1;
    assert!(most < 300 << 20, "{} MiB of memory", most >> 20);
}
