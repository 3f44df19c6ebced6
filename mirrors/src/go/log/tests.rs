use super::super::testing::{KEY, Whole};
use super::*;
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use std::cell::Cell;
use std::collections::HashMap;

/// The private half of [`KEY`]: the kind of key, and the key.
const PRIVATE: &str = "ATHX+ipezZnkVxiZwL2920VTyJ3myNAjlcGIeDs7LLwz";
const KEY_HASH: [u8; 4] = [0x4a, 0x8a, 0x47, 0x21];

fn text_of(number: u64) -> String {
    let sum = super::super::sums::of_go_mod(format!("{number}").as_bytes());
    format!("example.com/m v1.0.{number} {sum}\nexample.com/m v1.0.{number}/go.mod {sum}\n")
}

/// A log at some size of what it grows to.
struct Server {
    whole: Whole,
    size: Cell<u64>,
    requests: Cell<u64>,
}

impl Server {
    fn new(most: u64, seed: &str) -> Self {
        let text = |number| format!("{}{seed}", text_of(number));
        Self {
            whole: Whole::new((0..most).map(text)),
            size: Cell::new(1),
            requests: Cell::new(0),
        }
    }

    fn note(&self) -> String {
        signed(&self.whole.at(self.size.get()))
    }

    fn get(&self, path: &str) -> Option<Bytes> {
        self.requests.set(self.requests.get() + 1);
        if let Some((_, version)) = record_path(path) {
            let number: u64 = version.strip_prefix("v1.0.")?.parse().ok()?;
            let is_there = number < self.size.get();
            let answer = || format!("{number}\n{}\n{}", text_of(number), self.note());
            return is_there.then(|| answer().into());
        }
        if path == LATEST {
            return Some(self.note().into());
        }
        let (tile, width) = Tile::parse(path)?;
        let size = self.size.get();
        let whole = tile.width_in(size);
        // Servers keep what is partial for a while, or not at all.
        if width > whole || (width < FULL && whole == FULL) {
            return None;
        }
        if tile.level.is_none() {
            let first = tile.number * FULL;
            let texts = (first..first + width).map(|number| format!("{}\n", text_of(number)));
            return Some(texts.collect::<String>().into());
        }
        self.whole.tile(tile, width).map(Into::into)
    }
}

fn signed(tree: &Tree) -> String {
    let hash = BASE64_STANDARD.encode(tree.hash);
    let text = format!("go.sum database tree\n{}\n{hash}\n", tree.size);
    let private = BASE64_STANDARD.decode(PRIVATE).expect("a key");
    let pair = Ed25519KeyPair::from_seed_unchecked(&private[1..]).expect("a key");
    let signature = [&KEY_HASH, pair.sign(text.as_bytes()).as_ref()].concat();
    let signature = BASE64_STANDARD.encode(signature);
    format!("{text}\n\u{2014} sum.example {signature}\n")
}

/// What an engine keeps of a log.
struct Keeper {
    log: ChecksumDatabase,
    kept: HashMap<Document, Bytes>,
}

impl Keeper {
    fn new() -> Self {
        let key = Key::parse(KEY).expect("a key");
        let private = vec!["corp.example".to_owned(), "*.corp.example/x?".to_owned()];
        Self {
            log: ChecksumDatabase::new(key, vec!["sumdb/".to_owned()], private),
            kept: HashMap::new(),
        }
    }

    /// An answer; with a server, whatever it takes of that.
    fn ask(&mut self, path: &str, server: Option<&Server>, renew: bool) -> Result<Bytes, Problem> {
        let wanted = LogRequest {
            log: "sum.example".into(),
            package: "".into(),
            path: path.into(),
        };
        let mut reads = LogReads::new();
        for _ in 0..40 {
            match self.log.step(&wanted, &reads, renew)? {
                LogStep::Done(answer) => {
                    for document in &answer.gone {
                        self.kept.remove(document);
                    }
                    self.kept.extend(answer.proven);
                    self.kept.extend(answer.state);
                    return Ok(answer.body);
                }
                LogStep::Read(wanted) => {
                    assert!(!wanted.is_empty());
                    for read in wanted {
                        let found = match &read {
                            LogRead::Kept(document) => self.kept.get(document).cloned(),
                            LogRead::Fetched(path) => {
                                let offline = || {
                                    let detail = format!("offline: {path}");
                                    Problem::new(Kind::Offline, "offline", detail)
                                };
                                server.ok_or_else(offline)?.get(path)
                            }
                        };
                        assert!(reads.insert(read, found).is_none(), "read twice");
                    }
                }
            }
        }
        panic!("an answer without an end");
    }

    fn state(&mut self) -> Tree {
        let note = self.ask(LATEST, None, false).expect("a state");
        self.log.state_of(&note).expect("a state").tree
    }
}

/// A client with the state that it saw last.
#[derive(Default)]
struct Client {
    seen: Option<Tree>,
}

impl Client {
    /// Checks an answer as the go command does: with tiles of its newest state, from the keeper.
    fn check(&mut self, number: u64, keeper: &mut Keeper, server: Option<&Server>) {
        let path = format!("lookup/example.com/m@v1.0.{number}");
        let answer = keeper.ask(&path, server, false);
        let answer = answer.unwrap_or_else(|problem| panic!("{path}: {problem}"));
        let text = str::from_utf8(&answer).expect("text");
        let record = Record::parse(text).expect("a record");
        assert_eq!((record.id, record.text), (number, &*text_of(number)));
        let tree = keeper.log.key.tree(record.rest).expect("a signed state");
        let older = self.seen.filter(|seen| seen.size < tree.size);
        let newest = self
            .seen
            .filter(|seen| seen.size >= tree.size)
            .unwrap_or(tree);
        self.seen = Some(newest);
        for (size, hash) in older.into_iter().chain([tree]).map(|it| (it.size, it.hash)) {
            let hashes = read(&newest, &Tree::subtrees(size), keeper, server);
            assert_eq!(
                root_hash(&hashes),
                hash,
                "{size} is no beginning of {}",
                newest.size
            );
        }
        let hashes = read(&newest, &[Node::record(number)], keeper, server);
        assert_eq!(hashes, [record_hash(record.text.as_bytes())]);
    }
}

/// The hashes of nodes, as a client reads them.
fn read(tree: &Tree, nodes: &[Node], keeper: &mut Keeper, server: Option<&Server>) -> Vec<Hash> {
    let mut tiles: HashMap<Tile, Bytes> = HashMap::new();
    loop {
        match tree.read(nodes, |tile, _| tiles.get(&tile).map(|bytes| &**bytes)) {
            Read::Proven(hashes, _) => return hashes,
            Read::Wrong => panic!("wrong tiles for {tree:?}"),
            Read::Missing(missing) => {
                for (tile, width) in missing {
                    let path = tile.path(width);
                    let bytes = keeper.ask(&path, server, false);
                    let bytes = bytes.unwrap_or_else(|problem| panic!("{path}: {problem}"));
                    tiles.insert(tile, bytes);
                }
            }
        }
    }
}

/// Numbers without a pattern, the same each time.
fn random(state: &mut u64, below: u64) -> u64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1);
    (*state >> 33) % below
}

#[test]
fn whatever_was_asked_for_once_is_answered_without_the_log() {
    for seed in 0..6 {
        let mut random = {
            let mut state = seed;
            move |below| random(&mut state, below)
        };
        let most = [40, 300, 700, 2000, 70_000, 140_000][usize::try_from(seed).expect("small")];
        let server = Server::new(most, "");
        let mut keeper = Keeper::new();
        let (mut old, mut known) = (Client::default(), Vec::new());
        let mut clients = Vec::new();
        for round in 0..25 {
            let grown = server.size.get() + random(most / 20 + 2);
            server.size.set(grown.min(most));
            let number = random(server.size.get());
            old.check(number, &mut keeper, Some(&server));
            known.push(number);
            if round % 5 == 0 {
                keeper.ask(LATEST, Some(&server), true).expect("a state");
            }
            // One that comes now, and one that does not come again until the log is gone.
            let mut new = Client::default();
            new.check(number, &mut keeper, Some(&server));
            clients.push(new);
        }
        let asked = server.requests.get();
        for number in &known {
            Client::default().check(*number, &mut keeper, None);
            old.check(*number, &mut keeper, None);
            for client in &mut clients {
                client.check(*number, &mut keeper, None);
            }
        }
        assert_eq!(server.requests.get(), asked);
        // Of each tile that is not full one form is kept.
        let parts = keeper
            .kept
            .keys()
            .filter(|document| document.path.contains(".p/"));
        let mut parts: Vec<&str> = parts.filter_map(|it| it.path.split(".p/").next()).collect();
        parts.sort_unstable();
        assert!(parts.windows(2).all(|pair| pair[0] != pair[1]), "{parts:?}");
    }
}

#[test]
fn a_record_that_is_in_the_kept_state_takes_its_tiles_alone() {
    let server = Server::new(70_000, "");
    server.size.set(70_000);
    let mut keeper = Keeper::new();
    let lookup = |number| format!("lookup/example.com/m@v1.0.{number}");
    keeper
        .ask(&lookup(5), Some(&server), false)
        .expect("an answer");
    let asked = server.requests.get();
    keeper
        .ask(&lookup(6), Some(&server), false)
        .expect("an answer");
    assert_eq!(
        server.requests.get(),
        asked + 1,
        "its tiles are those of its neighbour"
    );
    keeper
        .ask(&lookup(6), Some(&server), false)
        .expect("an answer");
    assert_eq!(server.requests.get(), asked + 1);
    assert_eq!(keeper.state().size, 70_000);
}

#[test]
fn of_a_state_that_was_only_asked_for_full_tiles_stay() {
    let server = Server::new(1000, "");
    server.size.set(100);
    let mut keeper = Keeper::new();
    Client::default().check(7, &mut keeper, Some(&server));
    let before: Vec<Document> = keeper.kept.keys().cloned().collect();
    server.size.set(900);
    for path in ["tile/8/0/003.p/132", "tile/8/1/000.p/3"] {
        keeper.ask(path, Some(&server), false).expect("a tile");
    }
    assert_eq!(keeper.state().size, 100);
    let news = keeper.kept.keys().filter(|it| !before.contains(it));
    let news: Vec<&str> = news.map(|document| &*document.path).collect();
    assert!(!news.is_empty());
    assert!(news.iter().all(|path| !path.contains(".p/")), "{news:?}");
}

#[test]
fn data_tiles_and_other_tiles_are_proven_and_cut() {
    let server = Server::new(600, "");
    server.size.set(600);
    let mut keeper = Keeper::new();
    for path in [
        "tile/8/data/000.p/3",
        "tile/8/data/002.p/88",
        "tile/8/0/001",
        "tile/8/0/002.p/10",
    ] {
        let answer = keeper.ask(path, Some(&server), false).expect(path);
        // Of what is full by now the server has only all.
        let whole = path.split(".p/").next().unwrap_or(path);
        let own = server.get(path).or_else(|| server.get(whole)).expect(path);
        assert!(own.starts_with(&answer), "{path}");
        let ends = |text: &[u8]| text.windows(2).filter(|pair| *pair == b"\n\n").count();
        match path {
            "tile/8/data/000.p/3" => assert_eq!(ends(&answer), 3),
            _ => assert_eq!(own, answer, "{path}"),
        }
    }
    assert!(
        keeper
            .ask("tile/8/0/003.p/1", Some(&server), false)
            .is_err()
    );
    assert!(keeper.ask("tile/4/0/000", Some(&server), false).is_err());
}

#[test]
fn what_a_log_cannot_prove_is_not_taken() {
    let honest = Server::new(700, "");
    honest.size.set(400);
    let mut keeper = Keeper::new();
    keeper
        .ask("lookup/example.com/m@v1.0.7", Some(&honest), false)
        .expect("an answer");
    let kept = keeper.kept.clone();
    // Another history under the same key, longer and shorter.
    for size in [300, 400, 700] {
        let forked = Server::new(700, "x");
        forked.size.set(size);
        for path in [LATEST, "lookup/example.com/m@v1.0.600", "tile/8/0/002.p/1"] {
            let renew = path == LATEST;
            let answer = keeper.ask(path, Some(&forked), renew);
            // A state of fewer records is of no use, and is not looked into.
            let is_kept_state = path == LATEST && size < 400;
            assert_eq!(answer.is_ok(), is_kept_state, "{size} {path}");
            assert!(keeper.kept == kept, "{size} {path}: something was kept");
        }
    }
    // What is kept is answered all the same, and the honest log goes on.
    honest.size.set(700);
    let mut client = Client::default();
    client.check(7, &mut keeper, None);
    client.check(650, &mut keeper, Some(&honest));
    client.check(7, &mut keeper, None);
}

#[test]
fn a_log_that_lags_behind_moves_nothing_back() {
    let server = Server::new(700, "");
    server.size.set(600);
    let mut keeper = Keeper::new();
    keeper.ask(LATEST, Some(&server), true).expect("a state");
    server.size.set(500);
    keeper.ask(LATEST, Some(&server), true).expect("a state");
    assert_eq!(keeper.state().size, 600);
    let unknown = keeper.ask("lookup/example.com/m@v1.0.550", Some(&server), false);
    assert_eq!(unknown.expect_err("not there yet").kind, Kind::NotFound);
}

#[test]
fn a_record_of_something_else_is_refused() {
    let server = Server::new(10, "");
    server.size.set(10);
    let mut keeper = Keeper::new();
    // The right record of another version.
    let answer = server
        .get("lookup/example.com/m@v1.0.3")
        .expect("an answer");
    let wanted = LogRequest {
        log: "".into(),
        package: "".into(),
        path: "lookup/example.com/m@v1.0.4".into(),
    };
    let mut reads = LogReads::new();
    let id = keeper.log.key.id();
    reads.insert(LogRead::Kept(keeper.log.own(LATEST)), None);
    let document = Document::new("example.com/m", format!("lookup/{id}/v1.0.4"));
    reads.insert(LogRead::Kept(document), None);
    reads.insert(LogRead::Fetched(wanted.path.to_string()), Some(answer));
    assert!(keeper.log.step(&wanted, &reads, false).is_err());
    assert!(
        keeper
            .ask("lookup/example.com/M@v1.0.4", Some(&server), false)
            .is_err()
    );
}

#[test]
fn patterns_of_private_modules_are_those_of_the_client() {
    let log = Keeper::new().log;
    for private in [
        "corp.example",
        "corp.example/a/b",
        "a.corp.example/xy",
        "a.corp.example/xy/z",
    ] {
        assert!(log.is_private(private), "{private}");
    }
    for public in [
        "a.corp.example",
        "a.corp.example/x",
        "corp.example.com/a",
        "a/corp.example",
    ] {
        assert!(!log.is_private(public), "{public}");
    }
    for (pattern, text, expected) in [
        ("*", "", true),
        ("a*b*c", "abxbc", true),
        ("a*b*c", "abxb", false),
        ("*ab", "aab", true),
        ("a*?", "a", false),
        ("a**", "a", true),
    ] {
        let fits = fits(pattern.as_bytes(), text.as_bytes());
        assert_eq!(fits, expected, "{pattern} {text}");
    }
    // The time that it takes grows with the text, and not with its powers.
    assert!(!fits(&b"*a".repeat(300), &b"a".repeat(290)));
}

#[test]
fn sums_are_those_of_the_version() {
    let record = text_of(7);
    let (zip, go_mod) = sums_in(&record, ("example.com/m", "v1.0.7"));
    assert!(zip.is_some() && zip == go_mod);
    assert_eq!(sums_in(&record, ("example.com/m", "v1.0.8")), (None, None));
    assert_eq!(
        sums_in(
            "example.com/m v1.0.7 h1:short\n",
            ("example.com/m", "v1.0.7")
        )
        .0,
        None
    );
}
