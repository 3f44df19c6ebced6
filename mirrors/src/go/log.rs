//! The log of checksums (go.dev/design/25530-sumdb): what is kept of it, and how that grows.
//!
//! A look-up is a record and a state. Of the two only the state is signed, so a kept record is
//! answered with whatever state is kept, as long as the tiles are kept that prove it there. The state
//! moves forward only when a record is not in it, and the tiles that show that the old state is a
//! beginning of the new one are those that changed of what proved anything in the old one: whatever
//! could be proven in one state can be in the next.

use super::note::{Key, Record, split};
use super::paths::{escape, unescape_path, unescape_version};
use super::sums::is_sum;
use super::tree::{FULL, HASH_BYTES, Hash, Node, Read, Tile, Tree, record_hash, root_hash};
use crate::logs::{Log, LogAnswer, LogRead, LogReads, LogStep};
use crate::resource::{Document, LogRequest};
use crate::text::bad_document;
use bytes::Bytes;
use larder_model::{Kind, Problem};

const LATEST: &str = "latest";
const LOOKUP: &str = "lookup/";
/// What the package begins with that has a log's own documents: no path of a module does.
const OWN: &str = "sumdb/";

/// A log of checksums.
#[derive(Debug)]
pub(super) struct ChecksumDatabase {
    key: Key,
    places: Vec<String>,
    /// Beginnings of paths, as `GONOSUMDB` has them.
    private: Vec<String>,
}

/// What stops a step: a problem, or what is to be read first.
enum Stop {
    Read(Vec<LogRead>),
    Failed(Problem),
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem)
    }
}

/// A signed state, and its note.
#[derive(Clone)]
struct State {
    tree: Tree,
    note: Bytes,
}

/// One answer on its way.
struct Answering<'a> {
    log: &'a ChecksumDatabase,
    reads: &'a LogReads,
    proven: Vec<(Document, Bytes)>,
    gone: Vec<Document>,
}

impl ChecksumDatabase {
    pub(super) const fn new(key: Key, places: Vec<String>, private: Vec<String>) -> Self {
        Self {
            key,
            places,
            private,
        }
    }

    /// A document of the log itself. Its package is no other log's.
    fn own(&self, path: &str) -> Document {
        Document::new(format!("{OWN}{}", self.key.id()), path)
    }

    /// The state that a note tells.
    fn state_of(&self, note: &Bytes) -> Option<State> {
        let tree = self.key.tree(str::from_utf8(note).ok()?)?;
        let note = note.clone();
        Some(State { tree, note })
    }

    /// The document that is the record of a version.
    fn record(&self, package: &str, version: &str) -> Document {
        let id = self.key.id();
        Document::new(package, format!("{LOOKUP}{id}/{version}"))
    }
}

impl Log for ChecksumDatabase {
    fn probe(&self) -> &'static str {
        "supported"
    }

    fn places(&self) -> &[String] {
        &self.places
    }

    fn is_named(&self, name: &str) -> bool {
        self.key.name == name
    }

    fn is_private(&self, package: &str) -> bool {
        let mut patterns = self.private.iter();
        patterns.any(|pattern| is_below(pattern, package))
    }

    fn state(&self) -> Document {
        self.own(LATEST)
    }

    fn step(&self, wanted: &LogRequest, reads: &LogReads, renew: bool) -> Result<LogStep, Problem> {
        let mut answering = Answering {
            log: self,
            reads,
            proven: Vec::new(),
            gone: Vec::new(),
        };
        let answer = match (wanted.path.strip_prefix(LOOKUP), &*wanted.path) {
            (Some(_), _) => answering.look_up(wanted),
            (None, LATEST) => answering.latest(renew),
            (None, path) => answering.tile(path),
        };
        match answer {
            Ok(answer) => Ok(LogStep::Done(answer)),
            Err(Stop::Read(reads)) => Ok(LogStep::Read(reads)),
            Err(Stop::Failed(problem)) => Err(problem),
        }
    }
}

impl Answering<'_> {
    /// What is kept as a document, or in the log at a path.
    fn read(&self, read: LogRead) -> Result<Option<&Bytes>, Stop> {
        match self.reads.get(&read) {
            Some(found) => Ok(found.as_ref()),
            None => Err(Stop::Read(vec![read])),
        }
    }

    /// The kept state; one that cannot be read is as good as none.
    fn kept_state(&self) -> Result<Option<State>, Stop> {
        let kept = self.read(LogRead::Kept(self.log.own(LATEST)))?;
        Ok(kept.and_then(|note| self.log.state_of(note)))
    }

    /// The record of a version, with the state that it is in.
    fn look_up(&mut self, wanted: &LogRequest) -> Result<LogAnswer, Stop> {
        let (path, version) = record_path(&wanted.path).ok_or_else(no_such_path)?;
        let document = self.log.record(&path, &version);
        let state = self.kept_state()?;
        if let (Some(kept), Some(state)) = (self.read(LogRead::Kept(document.clone()))?, &state)
            && let Some(record) = str::from_utf8(kept).ok().and_then(Record::parse)
            && record.id < state.tree.size
        {
            return Ok(self.answer([kept, &state.note], None));
        }
        let fetched = self
            .read(LogRead::Fetched(wanted.path.to_string()))?
            .cloned();
        let fetched = fetched.ok_or_else(|| unknown(&path, &version, &self.log.key.name))?;
        let text = str::from_utf8(&fetched).ok();
        let record = text.and_then(Record::parse).ok_or_else(bad_record)?;
        require_sums(&record, &path, &version)?;
        let note = fetched.slice(fetched.len() - record.rest.len()..);
        let news = self.log.state_of(&note).ok_or_else(bad_signature)?;
        if record.id >= news.tree.size {
            return Err(bad_record().into());
        }
        // The kept state stays as long as it has the record.
        let (state, is_new) = match state {
            Some(state) if record.id < state.tree.size => (state, false),
            older => {
                self.move_on(older.as_ref(), &news)?;
                (news, true)
            }
        };
        let hashes = self.prove(&state.tree, &[Node::record(record.id)])?;
        if hashes != [record_hash(record.text.as_bytes())] {
            return Err(not_in_log().into());
        }
        let head = fetched.slice(..fetched.len() - record.rest.len());
        self.proven.push((document, head.clone()));
        Ok(self.answer([&head, &state.note], is_new.then_some(&state)))
    }

    /// The state that is kept, or a later one.
    fn latest(&mut self, renew: bool) -> Result<LogAnswer, Stop> {
        let state = self.kept_state()?;
        if let Some(state) = state.as_ref().filter(|_| !renew) {
            return Ok(self.answer([&state.note], None));
        }
        let fetched = self.read(LogRead::Fetched(LATEST.to_owned()))?;
        let fetched = fetched.ok_or_else(|| bad_document("the state of its log"))?;
        let news = self.log.state_of(fetched).ok_or_else(bad_signature)?;
        match state {
            // An upstream may lag behind what another of its servers said before, and then it may not
            // have what would prove that.
            Some(state) if news.tree.size < state.tree.size => Ok(self.answer([&state.note], None)),
            older => {
                self.move_on(older.as_ref(), &news)?;
                Ok(self.answer([&news.note.clone()], Some(&news)))
            }
        }
    }

    /// What is asked for of a tile.
    fn tile(&mut self, path: &str) -> Result<LogAnswer, Stop> {
        let (tile, width) = Tile::parse(path).ok_or_else(no_such_path)?;
        // Any client's state is a state of the same log, and a tile that has more begins with what
        // it had before.
        let mut state = self.kept_state()?;
        let is_only_asked = (state.as_ref()).is_none_or(|it| tile.width_in(it.tree.size) < width);
        if is_only_asked {
            let fetched = self.read(LogRead::Fetched(LATEST.to_owned()))?;
            let news = fetched.and_then(|note| self.log.state_of(note));
            let news = news.ok_or_else(bad_signature)?;
            if tile.width_in(news.tree.size) < width {
                let detail = "the log has no such tile yet";
                return Err(Problem::not_found("path", detail).into());
            }
            self.require_beginning(state.as_ref(), &news)?;
            state = Some(news);
        }
        let Some(state) = state else {
            return Err(bad_signature().into());
        };
        let whole = tile.width_in(state.tree.size);
        if let Some(kept) = self.read(LogRead::Kept(self.log.own(&tile.path(whole))))? {
            let body = cut(tile, kept, width).ok_or_else(bad_tile)?;
            return Ok(self.answer([&body], None));
        }
        let bytes = self.proven_tile(&state.tree, tile, whole)?;
        let body = cut(tile, &bytes, width).ok_or_else(bad_tile)?;
        // A state that was only asked for is not kept: it proves no records. Its full tiles are in all later ones.
        if is_only_asked {
            let is_full = |path: &str| Tile::parse(path).is_some_and(|(_, width)| width == FULL);
            self.proven.retain(|(tile, _)| is_full(&tile.path));
        }
        Ok(self.answer([&body], None))
    }

    /// A tile that is proven to be in a tree.
    fn proven_tile(&mut self, tree: &Tree, tile: Tile, width: u64) -> Result<Bytes, Stop> {
        let hashes = Tile {
            level: Some(tile.level.unwrap_or_default()),
            ..tile
        };
        let nodes: Vec<Node> = (0..width).map(|at| hashes.member(at)).collect();
        let members = self.prove(tree, &nodes)?;
        if tile.level.is_some() {
            return Ok(members.concat().into());
        }
        let path = tile.path(width);
        let fetched = self.read(LogRead::Fetched(path.clone()))?.cloned();
        let fetched = fetched.ok_or_else(bad_tile)?;
        if record_hashes(&fetched).as_deref() != Some(&*members) {
            return Err(not_in_log().into());
        }
        self.proven.push((self.log.own(&path), fetched.clone()));
        Ok(fetched)
    }

    /// Fails unless a state is a beginning of another, whose tiles then take the place of those that had
    /// less.
    fn move_on(&mut self, older: Option<&State>, newer: &State) -> Result<(), Stop> {
        self.require_beginning(older, newer)?;
        let mut changed = older.map_or_else(Vec::new, |older| Tile::edge(older.tree.size));
        changed.retain(|(tile, width)| tile.width_in(newer.tree.size) != *width);
        let own = |(tile, width): &(Tile, u64)| self.log.own(&tile.path(*width));
        self.gone = changed.iter().map(own).collect();
        Ok(())
    }

    /// Fails unless a state is a beginning of another.
    fn require_beginning(&mut self, older: Option<&State>, newer: &State) -> Result<(), Stop> {
        let Some(older) = older.filter(|older| older.tree.size > 0) else {
            return Ok(());
        };
        if older.tree == newer.tree {
            return Ok(());
        }
        if older.tree.size < newer.tree.size {
            let subtrees = Tree::subtrees(older.tree.size);
            let hashes = self.prove(&newer.tree, &subtrees)?;
            if root_hash(&hashes) == older.tree.hash {
                return Ok(());
            }
        }
        let (name, old, new) = (&self.log.key.name, older.tree.size, newer.tree.size);
        let detail = format!(
            "the log {name} contradicts itself: its signed state of {new} records does not begin \
             with its signed state of {old}. Nothing of it is taken; tell its operator"
        );
        Err(Problem::new(Kind::Upstream, "upstream", detail).into())
    }

    /// The hashes of nodes of a tree, from tiles that are kept or fetched and prove them. The tiles
    /// are to be kept.
    fn prove(&mut self, tree: &Tree, nodes: &[Node]) -> Result<Vec<Hash>, Stop> {
        let kept = |tile: Tile, width| LogRead::Kept(self.log.own(&tile.path(width)));
        let fetched = |tile: Tile, width| LogRead::Fetched(tile.path(width));
        // A tile that is full by now may be all that its server still has of it.
        let full = |tile: Tile, width| (width < FULL).then(|| fetched(tile, FULL));
        let at_hand = |tile: Tile, width: u64| {
            let bytes = usize::try_from(width).unwrap_or_default() * HASH_BYTES;
            let of = |read: &LogRead| self.reads.get(read)?.as_ref()?.get(..bytes);
            of(&kept(tile, width))
                .or_else(|| of(&fetched(tile, width)))
                .or_else(|| of(&full(tile, width)?))
        };
        match tree.read(nodes, at_hand) {
            Read::Proven(hashes, used) => {
                let news = used.into_iter().filter_map(|(tile, width)| {
                    let is_kept = self
                        .reads
                        .get(&kept(tile, width))
                        .is_some_and(Option::is_some);
                    let document = self.log.own(&tile.path(width));
                    let is_noted = self.proven.iter().any(|(noted, _)| *noted == document);
                    let bytes = at_hand(tile, width).filter(|_| !is_kept && !is_noted)?;
                    Some((document, Bytes::copy_from_slice(bytes)))
                });
                let news: Vec<_> = news.collect();
                self.proven.extend(news);
                Ok(hashes)
            }
            Read::Missing(tiles) => {
                let next = |(tile, width): &(Tile, u64)| {
                    let all = [
                        Some(kept(*tile, *width)),
                        Some(fetched(*tile, *width)),
                        full(*tile, *width),
                    ];
                    let mut all = all.into_iter().flatten();
                    all.find(|read| !self.reads.contains_key(read))
                };
                let next: Option<Vec<LogRead>> = tiles.iter().map(next).collect();
                Err(next.map_or_else(|| bad_tile().into(), Stop::Read))
            }
            Read::Wrong => Err(not_in_log().into()),
        }
    }

    fn answer<const N: usize>(&self, parts: [&Bytes; N], state: Option<&State>) -> LogAnswer {
        LogAnswer {
            body: parts.map(|part| &**part).concat().into(),
            proven: self.proven.clone(),
            state: state.map(|state| (self.log.own(LATEST), state.note.clone())),
            gone: self.gone.clone(),
        }
    }
}

/// Whether a document is kept of a log.
pub(super) fn is_part(document: &Document) -> bool {
    document.package.starts_with(OWN) || document.path.starts_with(LOOKUP)
}

/// Whether a document is a log's state, or hashes of it. Tiles of records prove nothing.
pub(super) fn proves(document: &Document) -> bool {
    let is_data = Tile::parse(&document.path).is_some_and(|(tile, _)| tile.level.is_none());
    document.package.starts_with(OWN) && !is_data
}

/// The module and the version of a look-up.
pub(super) fn record_path(path: &str) -> Option<(String, String)> {
    let (module, version) = path.strip_prefix(LOOKUP)?.rsplit_once('@')?;
    Some((unescape_path(module)?, unescape_version(version)?))
}

/// The path of the look-up of a version.
pub(super) fn lookup_of(module: &str, version: &str) -> String {
    format!("{LOOKUP}{}@{}", escape(module), escape(version))
}

/// The sums of a version's zip file and of its `go.mod` that a record tells.
pub(super) fn sums_in<'r>(
    record: &'r str,
    (module, version): (&str, &str),
) -> (Option<&'r str>, Option<&'r str>) {
    let find = |version: &str| {
        let mut lines = record.lines().map(|line| line.split(' '));
        lines.find_map(|mut words| {
            let is_it = words.next() == Some(module) && words.next() == Some(version);
            words.next().filter(|sum| is_it && is_sum(sum))
        })
    };
    (find(version), find(&format!("{version}/go.mod")))
}

/// Fails unless a record has the sums of a version: a log may have records of others, too.
fn require_sums(record: &Record<'_>, module: &str, version: &str) -> Result<(), Problem> {
    let sums = sums_in(record.text, (module, version));
    if sums.0.or(sums.1).is_some() {
        Ok(())
    } else {
        Err(bad_record())
    }
}

/// The hashes of the records that follow one another in a tile.
fn record_hashes(body: &[u8]) -> Option<Vec<Hash>> {
    let mut rest = str::from_utf8(body).ok()?;
    let mut hashes = Vec::new();
    while !rest.is_empty() {
        let (text, after) = split(without_number(rest))?;
        hashes.push(record_hash(text.as_bytes()));
        rest = after;
    }
    Some(hashes)
}

/// Records without the number before the first of them, which some servers write.
fn without_number(records: &str) -> &str {
    let number = records.split_once('\n');
    let is_number = |line: &str| !line.is_empty() && line.bytes().all(|it| it.is_ascii_digit());
    number
        .filter(|(line, _)| is_number(line))
        .map_or(records, |(_, rest)| rest)
}

/// The first so many hashes, or records, of a tile.
fn cut(tile: Tile, bytes: &Bytes, width: u64) -> Option<Bytes> {
    let count = usize::try_from(width).ok()?;
    if tile.level.is_some() {
        let end = count * HASH_BYTES;
        return (end <= bytes.len()).then(|| bytes.slice(..end));
    }
    let mut rest = str::from_utf8(bytes).ok()?;
    for _ in 0..count {
        rest = split(without_number(rest))?.1;
    }
    Some(bytes.slice(..bytes.len() - rest.len()))
}

/// Whether a path begins with elements that a pattern of `GONOSUMDB` fits, each with as many.
fn is_below(pattern: &str, path: &str) -> bool {
    let pattern = pattern.trim_end_matches('/');
    let mut elements = path.split('/');
    !pattern.is_empty()
        && pattern.split('/').all(|pattern| {
            let element = elements.next();
            element.is_some_and(|element| fits(pattern.as_bytes(), element.as_bytes()))
        })
}

/// Whether a pattern with `*` and `?` fits a text.
fn fits(mut pattern: &[u8], mut text: &[u8]) -> bool {
    // What follows the last star that was met, and where in the text that is tried.
    let mut last: Option<(&[u8], &[u8])> = None;
    loop {
        match (pattern, text) {
            ([], []) => return true,
            ([b'*', rest @ ..], _) => {
                last = Some((rest, text));
                pattern = rest;
            }
            ([one, rest @ ..], [other, after @ ..]) if *one == b'?' || one == other => {
                (pattern, text) = (rest, after);
            }
            // A star takes one more.
            _ => {
                let Some((rest, [_, after @ ..])) = last else {
                    return false;
                };
                last = Some((rest, after));
                (pattern, text) = (rest, after);
            }
        }
    }
}

fn no_such_path() -> Problem {
    Problem::not_found("path", "no such path in a checksum database")
}

/// The log has no record of a version. For whoever asks for what it would vouch for that is no word
/// about whether it is there.
fn unknown(module: &str, version: &str, log: &str) -> Problem {
    let detail = format!("the checksum database {log} does not know {module}@{version}");
    Problem::not_found("record", detail)
}

fn bad_record() -> Problem {
    bad_document("a record of its checksum database")
}

fn bad_signature() -> Problem {
    bad_document("a state of its checksum database that is signed with the key of the settings")
}

fn bad_tile() -> Problem {
    bad_document("a tile of its checksum database")
}

fn not_in_log() -> Problem {
    bad_document("what its checksum database has in its signed state")
}

#[cfg(test)]
mod tests;
