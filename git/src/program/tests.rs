use super::*;
use crate::pkt_line::Writer;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use larder_model::{Algorithm, Digest};
use rustix::process::{Pid, Signal, kill_process};
use std::io::Write as _;
use std::process::Command as Plain;
use tempfile::TempDir;

/// A bare repository of the test's own, with one commit; `None` where git is not installed.
struct Bed {
    folder: TempDir,
    program: Program,
}

impl Bed {
    async fn new() -> Option<Self> {
        larder_tests::tool("git")?;
        let program = Program::find(default_path()).await.expect("git");
        let folder = tempfile::tempdir().expect("folder");
        let bed = Self { folder, program };
        bed.git(&["init", "-q", "--bare", "-b", "main", "."]);
        let tree = bed.git(&["write-tree"]);
        let commit = bed.git(&["commit-tree", "-m", "first", &tree]);
        bed.git(&["update-ref", "refs/heads/main", &commit]);
        Some(bed)
    }

    /// Runs git by hand, as people do.
    fn git(&self, arguments: &[&str]) -> String {
        let name = [("GIT_AUTHOR_", "A"), ("GIT_COMMITTER_", "C")];
        let envs = name.iter().flat_map(|(who, name)| {
            let email = (format!("{who}EMAIL"), format!("{name}@example"));
            [(format!("{who}NAME"), (*name).to_owned()), email]
        });
        let output = Plain::new("git")
            .args(arguments)
            .current_dir(self.folder.path())
            .env("HOME", self.folder.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .envs(envs)
            .output()
            .expect("git");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {complaint}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn main(&self) -> Oid {
        self.git(&["rev-parse", "main"]).parse().expect("a commit")
    }

    fn place<'a>(&'a self, quarantine: Option<&'a Path>) -> Place<'a> {
        let folder = self.folder.path();
        Place { folder, quarantine }
    }

    /// All of it as a pack.
    fn pack(&self) -> Bytes {
        self.git(&["repack", "-adq"]);
        let packs = self.folder.path().join("objects/pack");
        let mut files = std::fs::read_dir(packs).expect("packs").flatten();
        let pack = files.find(|file| file.path().extension().is_some_and(|end| end == "pack"));
        std::fs::read(pack.expect("a pack").path())
            .expect("a pack")
            .into()
    }
}

fn stream(pieces: Vec<Bytes>) -> Input<'static> {
    futures_util::stream::iter(pieces.into_iter().map(Ok)).boxed()
}

#[test]
fn versions_are_read_as_distributions_write_them() {
    assert_eq!(version_in("git version 2.39.5\n"), Some((2, 39)));
    assert_eq!(
        version_in("git version 2.50.1 (Apple Git-155)"),
        Some((2, 50))
    );
    assert_eq!(version_in("git version 3.0.0-rc1"), Some((3, 0)));
    assert_eq!(version_in("hub version 1.2"), None);
}

#[tokio::test]
async fn a_program_that_is_not_there_is_told_of() {
    let missing = Program::find(Path::new("/nonexistent/git")).await;
    let told = missing.expect_err("no git").detail;
    assert!(told.contains("need the program git"), "{told}");
    assert!(Program::find(Path::new("/bin/true")).await.is_err());
}

#[tokio::test]
async fn a_pack_is_checked_and_taken_into_the_quarantine() {
    let (Some(from), Some(to)) = (Bed::new().await, Bed::new().await) else {
        return;
    };
    let blob = from.git(&["hash-object", "-w", "HEAD"]);
    let tree = {
        from.git(&[
            "update-index",
            "--add",
            "--cacheinfo",
            "100644",
            &blob,
            "file",
        ]);
        from.git(&["write-tree"])
    };
    let commit = from.git(&["commit-tree", "-m", "second", "-p", "main", &tree]);
    from.git(&["update-ref", "refs/heads/main", &commit]);
    let (pack, main) = (from.pack(), from.main());
    let quarantine = to.folder.path().join("quarantine");
    std::fs::create_dir_all(quarantine.join("pack")).expect("folder");
    let place = to.place(Some(&quarantine));
    let pieces = pack.chunks(100).map(Bytes::copy_from_slice).collect();
    let name = to.program.index_pack(place, stream(pieces)).await;
    let name = name.expect("a pack");
    for end in ["pack", "idx"] {
        assert!(quarantine.join(format!("pack/pack-{name}.{end}")).is_file());
    }
    // With the quarantine it is there, without it is not.
    let kinds = to.program.kinds(place, &[&main]).await.expect("kinds");
    assert_eq!(kinds, [Some("commit".into())]);
    assert!(to.program.is_whole(place, &[&main]).await.expect("whole"));
    let kinds = to.program.kinds(to.place(None), &[&main]).await;
    assert_eq!(kinds.expect("kinds"), [None]);
    let before = to.main();
    let is_ancestor = to.program.is_ancestor(place, &before, &before).await;
    assert!(is_ancestor.expect("an answer"));
}

#[tokio::test]
async fn bad_packs_are_refused_with_what_git_says() {
    let Some(bed) = Bed::new().await else { return };
    let quarantine = bed.folder.path().join("quarantine");
    std::fs::create_dir_all(quarantine.join("pack")).expect("folder");
    let pack = bed.pack();
    let mut flipped = pack.to_vec();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let short = pack.slice(..pack.len() - 1);
    for bad in [
        Bytes::from_static(b"<html>"),
        flipped.into(),
        short,
        Bytes::new(),
    ] {
        let place = bed.place(Some(&quarantine));
        let taken = bed.program.index_pack(place, stream(vec![bad])).await;
        assert_eq!(taken.expect_err("bad").kind, Kind::Unprocessable);
    }
    // What breaks off breaks off.
    let cut = futures_util::stream::iter([Ok(pack), Err(Problem::internal("cut"))]).boxed();
    let place = bed.place(Some(&quarantine));
    assert!(bed.program.index_pack(place, cut).await.is_err());
}

/// A pack of a few bytes whose second object is so many copies of the first, of 16 MiB.
fn bomb(copies: usize) -> Vec<u8> {
    const SIZE: usize = 16 << 20;
    let object = |kind: u8, size: usize, more: &[u8], data: &[u8]| {
        let low = u8::try_from(size & 15).expect("four bits");
        let mut bytes = numbers(size >> 4);
        // The first byte has the kind and four bits, and says whether there are more.
        bytes.insert(0, 0x80 | kind << 4 | low);
        bytes.extend_from_slice(more);
        let mut packer = ZlibEncoder::new(bytes, Compression::best());
        packer.write_all(data).expect("packed");
        packer.finish().expect("packed")
    };
    let base = object(3, SIZE, &[], &vec![0; SIZE]);
    let copy = SIZE - 1;
    let mut delta = [numbers(SIZE), numbers(copy * copies)].concat();
    for _ in 0..copies {
        delta.extend_from_slice(&[0xf0, 0xff, 0xff, 0xff]);
    }
    // How far before it the first one stands.
    let [low, high] = [base.len() & 0x7f, (base.len() >> 7) - 1];
    let back = [
        0x80 | u8::try_from(high).expect("seven bits"),
        u8::try_from(low).expect("seven bits"),
    ];
    let second = object(6, delta.len(), &back, &delta);
    let header = [&b"PACK"[..], &2_u32.to_be_bytes(), &2_u32.to_be_bytes()].concat();
    let mut pack = [header, base, second].concat();
    let digest = Digest::of(Algorithm::Sha256, &pack);
    pack.extend_from_slice(digest.bytes());
    pack
}

/// A number in pieces of seven bits, the lowest first.
fn numbers(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).expect("seven bits");
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

#[tokio::test]
async fn an_object_that_unpacks_to_more_than_memory_is_refused() {
    let Some(bed) = Bed::new().await else { return };
    let folder = bed.folder.path().join("strong");
    let path = folder.display().to_string();
    bed.git(&["init", "-q", "--bare", "--object-format=sha256", &path]);
    let take = async |pack: Vec<u8>| {
        assert!(pack.len() < 20_000);
        let place = Place {
            folder: &folder,
            quarantine: None,
        };
        let pack = stream(vec![pack.into()]);
        bed.program.index_pack(place, pack).await
    };
    take(bomb(3)).await.expect("48 MiB are no fault");
    let refused = take(bomb(130)).await.expect_err("2 GiB");
    assert_eq!(refused.kind, Kind::TooLarge, "{refused}");
}

#[tokio::test]
async fn commits_that_nothing_goes_on_from_are_told() {
    let Some(bed) = Bed::new().await else { return };
    let tree = bed.git(&["write-tree"]);
    let commit = |message: &str, parent: &str| -> Oid {
        let made = bed.git(&["commit-tree", "-m", message, "-p", parent, &tree]);
        made.parse().expect("a commit")
    };
    let first = bed.main();
    let (next, side) = (
        commit("next", first.as_str()),
        commit("side", first.as_str()),
    );
    let last = commit("last", next.as_str());
    bed.git(&["tag", "-a", "-m", "one", "v1", last.as_str()]);
    let tag: Oid = bed.git(&["rev-parse", "v1"]).parse().expect("a tag");
    // A tag need not be of a commit.
    bed.git(&["tag", "-a", "-m", "key", "key", &tree]);
    let key: Oid = bed.git(&["rev-parse", "key"]).parse().expect("a tag");
    let apart = async |tips: &[&Oid]| {
        let commits = [&first, &next, &side, &last];
        let apart = bed.program.apart(bed.place(None), &commits, tips);
        let mut apart: Vec<_> = apart.await.expect("told").into_iter().collect();
        apart.sort_unstable();
        apart
    };
    assert_eq!(apart(&[&tag, &key]).await, std::slice::from_ref(&side));
    let mut others = [next.clone(), side.clone(), last.clone()];
    others.sort_unstable();
    assert_eq!(apart(&[&key, &first]).await, others);
}

#[tokio::test]
async fn tags_are_peeled() {
    let Some(bed) = Bed::new().await else { return };
    bed.git(&["tag", "-a", "-m", "one", "v1", "main"]);
    let tag: Oid = bed.git(&["rev-parse", "v1"]).parse().expect("a tag");
    let main = bed.main();
    let peeled = bed.program.peel(bed.place(None), &[&tag, &main]).await;
    assert_eq!(peeled.expect("peeled"), [Some(main), None]);
}

/// Also what no ref stands for.
#[tokio::test]
async fn packs_become_one() {
    let Some(bed) = Bed::new().await else { return };
    let quarantine = bed.folder.path().join("quarantine");
    std::fs::create_dir_all(quarantine.join("pack")).expect("folder");
    let mut commits = Vec::new();
    for message in ["second", "third"] {
        let tree = bed.git(&["write-tree"]);
        let commit = bed.git(&["commit-tree", "-m", message, &tree]);
        bed.git(&["update-ref", "refs/heads/main", &commit]);
        bed.git(&["repack", "-dq"]);
        commits.push(commit);
    }
    let packs = std::fs::read_dir(bed.folder.path().join("objects/pack")).expect("packs");
    let names = packs.filter_map(|file| {
        let name = file.expect("file").file_name().into_string().expect("name");
        let name = name.strip_prefix("pack-")?.strip_suffix(".pack")?;
        Some(name.parse::<Oid>().expect("name"))
    });
    let names: Vec<Oid> = names.collect();
    assert_eq!(names.len(), 2);
    let names: Vec<&Oid> = names.iter().collect();
    let place = bed.place(Some(&quarantine));
    let name = bed.program.pack_packs(place, &names).await.expect("a pack");
    let index = quarantine.join(format!("pack/pack-{name}.idx"));
    let told = bed.git(&["verify-pack", "-v", &index.to_string_lossy()]);
    for commit in &commits {
        assert!(told.contains(commit), "{told}");
    }
    let unknown = "1".repeat(40).parse().expect("a name");
    assert!(bed.program.pack_packs(place, &[&unknown]).await.is_err());
}

#[tokio::test]
async fn objects_are_given_to_clients() {
    let Some(bed) = Bed::new().await else { return };
    let request = |oid: &str| {
        let mut lines = Writer::default();
        lines.line("command=fetch");
        lines.delimiter();
        lines.line(&format!("want {oid}"));
        lines.line("done");
        lines.flush();
        Bytes::from(lines.into_bytes())
    };
    let answer = async |oid: &str| {
        let folder = bed.folder.path();
        let stream = bed.program.upload_pack(folder, Version::V2, request(oid));
        let pieces: Vec<_> = stream.expect("a stream").collect().await;
        pieces
    };
    let given = answer(bed.main().as_str()).await;
    let given: Result<Vec<Bytes>, _> = given.into_iter().collect();
    let given = given.expect("objects").concat();
    assert!(given.starts_with(b"000dpackfile\n"), "{given:?}");
    assert!(given.windows(4).any(|part| part == b"PACK"));
    let missing = answer(&"1".repeat(40)).await;
    assert!(missing.last().is_some_and(Result::is_err), "{missing:?}");
}

/// Sizes of objects are told without the objects (gitprotocol-v2, "object-info").
#[tokio::test]
async fn sizes_are_told() {
    let Some(bed) = Bed::new().await else { return };
    let main = bed.main();
    let size = bed.git(&["cat-file", "-s", "main"]);
    let mut lines = Writer::default();
    lines.line("command=object-info");
    lines.delimiter();
    lines.line("size");
    lines.line(&format!("oid {main}"));
    lines.flush();
    let (folder, request) = (bed.folder.path(), Bytes::from(lines.into_bytes()));
    let told = bed.program.upload_pack(folder, Version::V2, request);
    let told: Vec<_> = told.expect("a stream").collect().await;
    let told: Result<Vec<Bytes>, _> = told.into_iter().collect();
    let told = String::from_utf8_lossy(&told.expect("sizes").concat()).into_owned();
    assert!(told.contains(&format!("{main} {size}")), "{told}");
}

/// The programs that pack objects of a folder.
fn packing(folder: &Path) -> Option<Pid> {
    let folder = folder.canonicalize().expect("folder");
    let mut entries = std::fs::read_dir("/proc").expect("processes");
    entries.find_map(|entry| {
        let path = entry.expect("entry").path();
        let number: i32 = path.file_name()?.to_str()?.parse().ok()?;
        // What has ended meanwhile has neither.
        let is_here = std::fs::read_link(path.join("cwd")).ok()? == folder;
        let words = std::fs::read(path.join("cmdline")).ok()?;
        let packs = words
            .split(|byte| *byte == 0)
            .any(|word| word == b"pack-objects");
        Pid::from_raw(number).filter(|_| is_here && packs)
    })
}

/// Waits until one packs, or none does.
async fn await_packing(folder: &Path, packs: bool) -> Option<Pid> {
    let until = std::time::Instant::now() + std::time::Duration::from_mins(1);
    loop {
        let found = packing(folder);
        if found.is_some() == packs || std::time::Instant::now() > until {
            return found;
        }
        tokio::task::yield_now().await;
    }
}

/// What a call has started ends with it, whatever it is at.
#[tokio::test]
async fn nothing_goes_on_for_a_client_that_left() {
    let Some(bed) = Bed::new().await else { return };
    let folder = bed.folder.path();
    // More than what lies in pipes.
    let bytes = larder_tests::random::Random::new(3).bytes(2_000_000);
    std::fs::write(folder.join("big"), bytes).expect("file");
    let blob = bed.git(&["hash-object", "-w", "big"]);
    bed.git(&[
        "update-index",
        "--add",
        "--cacheinfo",
        "100644",
        &blob,
        "big",
    ]);
    let tree = bed.git(&["write-tree"]);
    let commit = bed.git(&["commit-tree", "-m", "big", &tree]);
    let mut lines = Writer::default();
    lines.line("command=fetch");
    lines.delimiter();
    lines.line(&format!("want {commit}"));
    lines.line("done");
    lines.flush();
    let request = Bytes::from(lines.into_bytes());
    let stream = bed.program.upload_pack(folder, Version::V2, request);
    let stream = stream.expect("a stream");
    let packs = await_packing(folder, true).await.expect("one that packs");
    // It would end by itself once it writes, and some count for minutes before.
    kill_process(packs, Signal::STOP).expect("stop");
    drop(stream);
    if let Some(left) = await_packing(folder, false).await {
        kill_process(left, Signal::KILL).expect("kill");
        panic!("objects are packed for nobody");
    }
}
