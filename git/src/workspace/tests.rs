use super::*;
use crate::program::{Place, Program, default_path};
use crate::refs::{RefName, Refs, Target};
use bytes::Bytes;
use larder_metadata::documents::{NewFile, NewFiles};
use larder_metadata::repos::NewRepo;
use larder_model::{Clock, Kind, ProtocolName, RepoKind, RepoSettings, System, Timestamp};
use larder_storage::BlobStore;
use std::collections::BTreeMap;
use std::process::Command;
use tempfile::TempDir;

struct Bed {
    folder: TempDir,
    metadata: Metadata,
    content: ContentStore,
    workspaces: Workspaces,
    repo: i64,
}

impl Bed {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let clock = Clock::new(|| Timestamp(1_800_000_000_000_000));
        let database = folder.path().join("larder.db");
        let metadata = Metadata::sqlite(&database, 1, clock)
            .await
            .expect("database");
        let blobs = BlobStore::local(&folder.path().join("storage")).expect("store");
        let content = ContentStore::new(metadata.clone(), blobs);
        let new = NewRepo {
            protocol: ProtocolName("git"),
            name: &"local".parse().expect("name"),
            kind: RepoKind::Hosted,
            description: "",
            settings: &RepoSettings::default(),
            members: &[],
        };
        let repo = metadata
            .add_repo(new, &System::FirstStart)
            .await
            .expect("repo");
        let root = folder.path().join("git");
        let workspaces = Workspaces::open(&root, metadata.clone(), content.clone());
        Self {
            workspaces: workspaces.expect("workspaces"),
            repo: repo.id,
            metadata,
            content,
            folder,
        }
    }

    fn package(&self) -> PackageKey<'static> {
        PackageKey {
            repo: self.repo,
            package: "team/tool",
        }
    }

    /// Keeps a pack as a file of the package.
    async fn keep(&self, name: &Oid, pack: Bytes, index: Bytes) -> Pack {
        let kept = Pack {
            name: name.clone(),
            pack: Digest::of(Algorithm::Sha256, &pack),
            index: Digest::of(Algorithm::Sha256, &index),
            size: pack.len() as u64,
        };
        let mut prepared = Vec::new();
        for bytes in [&pack, &index] {
            prepared.push(self.content.prepare(bytes).await.expect("bytes"));
        }
        let paths = [kept.pack_path(), kept.index_path()];
        let write = async |blobs: Vec<larder_metadata::blobs::NewBlob>| {
            let files = paths.iter().zip(blobs);
            let file = |(path, blob): (&'_ String, _)| (path.clone(), blob);
            let files: Vec<_> = files.map(file).collect();
            let new = files.iter().map(|(path, blob)| {
                NewFile::new(FileKind::Artifact, path, blob.clone(), "application/x-git")
            });
            self.metadata
                .keep_files(NewFiles {
                    package: self.package(),
                    full_name: None,
                    by: System::Upstream,
                    at: Timestamp(1),
                    files: new.collect(),
                    gone: Vec::new(),
                    named: Vec::new(),
                    retired: Vec::new(),
                })
                .await
        };
        self.content.keep_all(prepared, write).await.expect("kept");
        kept
    }
}

fn kept(state: State) -> Kept {
    let bytes = state.to_bytes().expect("bytes");
    Kept {
        digest: Digest::of(Algorithm::Sha256, &bytes),
        state: Arc::new(state),
    }
}

/// Runs git in a folder by hand.
fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .env("HOME", folder)
        .envs([
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_AUTHOR_NAME", "A"),
            ("GIT_AUTHOR_EMAIL", "a@example"),
            ("GIT_COMMITTER_NAME", "C"),
            ("GIT_COMMITTER_EMAIL", "c@example"),
        ])
        .output()
        .expect("git");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {complaint}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A repository elsewhere with one commit: its name, its pack's name, and its pack and index.
fn other(folder: &Path, message: &str) -> (Oid, Oid, [Bytes; 2]) {
    std::fs::create_dir_all(folder).expect("folder");
    git(folder, &["init", "-q", "--bare", "-b", "main", "."]);
    let tree = git(folder, &["write-tree"]);
    let commit = git(folder, &["commit-tree", "-m", message, &tree]);
    git(folder, &["update-ref", "refs/heads/main", &commit]);
    git(folder, &["repack", "-adq"]);
    let mut packs = std::fs::read_dir(folder.join("objects/pack"))
        .expect("packs")
        .flatten();
    let pack = packs.find(|file| file.path().extension().is_some_and(|end| end == "pack"));
    let pack = pack.expect("a pack").path();
    let stem = pack
        .file_stem()
        .expect("name")
        .to_string_lossy()
        .into_owned();
    let name = stem.strip_prefix("pack-").expect("a name").parse();
    let bytes = ["pack", "idx"].map(|end| {
        let bytes = std::fs::read(pack.with_extension(end));
        bytes.expect("bytes").into()
    });
    (
        commit.parse().expect("a commit"),
        name.expect("a name"),
        bytes,
    )
}

fn state(commit: &Oid, packs: Vec<Pack>, stays: &[&Oid]) -> State {
    let main: RefName = "refs/heads/main".parse().expect("a name");
    let target = Target {
        oid: commit.clone(),
        peeled: None,
    };
    State {
        refs: Refs {
            head: Some(main.clone()),
            detached: None,
            names: BTreeMap::from([(main, target)]),
        },
        kept: stays.iter().map(|oid| (*oid).clone()).collect(),
        packs,
        ..State::default()
    }
}

#[tokio::test]
async fn git_finds_what_is_kept_and_what_changed() {
    if larder_tests::tool("git").is_none() {
        return;
    }
    let bed = Bed::new().await;
    let (first, name, [pack, index]) = other(&bed.folder.path().join("one"), "first");
    let one = bed.keep(&name, pack, index).await;
    let before = kept(state(&first, vec![one.clone()], &[]));
    let folder = bed
        .workspaces
        .at(bed.package(), &before)
        .await
        .expect("folder");
    assert_eq!(git(&folder, &["rev-parse", "HEAD"]), first.as_str());
    git(&folder, &["fsck", "--full", "--strict"]);
    // Another pack, another commit; the first stays without a ref.
    let (second, name, [pack, index]) = other(&bed.folder.path().join("two"), "second");
    let two = bed.keep(&name, pack, index).await;
    let after = kept(state(&second, vec![one, two.clone()], &[&first]));
    let same = bed
        .workspaces
        .at(bed.package(), &after)
        .await
        .expect("folder");
    assert_eq!(same, folder);
    assert_eq!(git(&folder, &["rev-parse", "HEAD"]), second.as_str());
    assert_eq!(git(&folder, &["cat-file", "-t", first.as_str()]), "commit");
    assert!(git(&folder, &["for-each-ref"]).contains("refs/larder/"));
    // A pack that is no more goes.
    let last = kept(state(&second, vec![two.clone()], &[]));
    bed.workspaces
        .at(bed.package(), &last)
        .await
        .expect("folder");
    let count = std::fs::read_dir(folder.join("objects/pack"))
        .expect("packs")
        .count();
    assert_eq!(count, 2, "one pack and its index");
    // Whoever loses the folder loses nothing.
    std::fs::remove_dir_all(&folder).expect("remove");
    bed.workspaces
        .at(bed.package(), &last)
        .await
        .expect("folder");
    git(&folder, &["fsck", "--full", "--strict"]);
}

/// What a power failure left of a folder is not trusted: its mark may outlast what it tells of.
#[tokio::test]
async fn a_broken_folder_is_mended_by_the_next_process() {
    if larder_tests::tool("git").is_none() {
        return;
    }
    let bed = Bed::new().await;
    let (commit, name, [pack, index]) = other(&bed.folder.path().join("one"), "first");
    let pack = bed.keep(&name, pack, index).await;
    let now = kept(state(&commit, vec![pack.clone()], &[]));
    let folder = bed.workspaces.at(bed.package(), &now).await;
    let folder = folder.expect("folder");
    let empty = |path: &Path| {
        // Not what the store has of it.
        std::fs::remove_file(path).expect("remove");
        std::fs::write(path, b"").expect("file");
    };
    let broken = [
        pack_file(&folder, &pack, "pack"),
        pack_file(&folder, &pack, "idx"),
        folder.join("packed-refs"),
        folder.join("HEAD"),
    ];
    for path in &broken {
        empty(path);
        let (metadata, content) = (bed.metadata.clone(), bed.content.clone());
        let root = bed.folder.path().join("git");
        let workspaces = Workspaces::open(&root, metadata, content).expect("workspaces");
        let found = workspaces.at(bed.package(), &now).await.expect("folder");
        assert_eq!(git(&found, &["rev-parse", "HEAD"]), commit.as_str());
        git(&found, &["fsck", "--full", "--strict"]);
    }
}

#[tokio::test]
async fn a_repository_without_commits_is_one() {
    if larder_tests::tool("git").is_none() {
        return;
    }
    let bed = Bed::new().await;
    for format in [ObjectFormat::Sha1, ObjectFormat::Sha256] {
        let empty = kept(State {
            format,
            ..State::default()
        });
        let package = PackageKey {
            repo: bed.repo,
            package: format.word(),
        };
        let folder = bed.workspaces.at(package, &empty).await.expect("folder");
        let told = git(&folder, &["rev-parse", "--show-object-format"]);
        assert_eq!(told, format.word());
    }
}

#[tokio::test]
async fn what_is_in_quarantine_goes_with_it() {
    if larder_tests::tool("git").is_none() {
        return;
    }
    let bed = Bed::new().await;
    let (commit, _, [pack, _]) = other(&bed.folder.path().join("one"), "first");
    let empty = kept(State::default());
    let folder = bed
        .workspaces
        .at(bed.package(), &empty)
        .await
        .expect("folder");
    let program = Program::find(default_path()).await.expect("git");
    let quarantine = bed.workspaces.quarantine().expect("quarantine");
    let path = quarantine.path().to_owned();
    let place = Place {
        folder: &folder,
        quarantine: Some(&path),
    };
    let stream = futures_util::stream::iter([Ok(pack)]).boxed();
    let name = program.index_pack(place, stream).await.expect("a pack");
    assert!(quarantine.files(&name).iter().all(|file| file.is_file()));
    let kinds = program.kinds(place, &[&commit]).await.expect("kinds");
    assert_eq!(kinds, [Some("commit".into())]);
    drop(quarantine);
    assert!(!path.exists());
    // What a past process left is gone with the next start.
    std::fs::create_dir_all(path.join("pack")).expect("folder");
    let root = bed.folder.path().join("git");
    Workspaces::open(&root, bed.metadata.clone(), bed.content.clone()).expect("workspaces");
    assert!(!path.exists());
}

#[tokio::test]
async fn a_pack_leaves_room_on_the_disk() {
    let pieces = |count: usize| {
        let piece = Bytes::from(vec![0; LOOK / 4]);
        futures_util::stream::iter(vec![piece; count])
            .map(Ok)
            .boxed()
    };
    // More than any disk has stays free, or nothing does.
    for (keep_free, expected) in [(u64::MAX, 0), (0, 9)] {
        let bed = Bed::new().await;
        let blobs = BlobStore::local(&bed.folder.path().join("other")).expect("store");
        let content = ContentStore::new(bed.metadata.clone(), blobs.keeping_free(Some(keep_free)));
        let root = bed.folder.path().join("others");
        let workspaces = Workspaces::open(&root, bed.metadata.clone(), content).expect("folders");
        let quarantine = workspaces
            .quarantine()
            .expect("a folder, for deletions need one");
        let all: Vec<_> = quarantine.fitting(pieces(9)).collect().await;
        let taken = all.iter().filter(|piece| piece.is_ok()).count();
        assert_eq!(taken, expected);
        let refused = all.into_iter().find_map(Result::err);
        assert_eq!(
            refused.map(|it| it.kind),
            (expected == 0).then_some(Kind::Full)
        );
        assert_eq!(workspaces.require_room().is_ok(), expected != 0);
    }
}

/// Sets back when a folder was used last.
fn set_back(bed: &Bed, folder: &Path, hours: u64) {
    let used = bed.metadata.now().before(Duration::from_hours(hours));
    note_use(&folder.join(STATE), used).expect("time");
}

#[tokio::test]
async fn folders_go_that_nobody_needs() {
    if larder_tests::tool("git").is_none() {
        return;
    }
    let bed = Bed::new().await;
    let (commit, name, [pack, index]) = other(&bed.folder.path().join("one"), "first");
    let pack = bed.keep(&name, pack, index).await;
    let now = kept(state(&commit, vec![pack], &[]));
    let at = || bed.workspaces.at(bed.package(), &now);
    let folder = at().await.expect("folder");
    let sweep = || bed.workspaces.sweep();
    // Nobody has kept it yet.
    assert_eq!(sweep().await.expect("sweep"), 0);
    set_back(&bed, &folder, 25);
    at().await.expect("folder");
    assert_eq!(sweep().await.expect("sweep"), 0, "it was used");
    set_back(&bed, &folder, 25);
    assert_eq!(sweep().await.expect("sweep"), 1);
    assert!(!folder.exists());
    // One that is kept stays longer.
    let bytes = Bytes::from(now.state.to_bytes().expect("bytes"));
    let prepared = bed.content.prepare(&bytes).await.expect("document");
    let write = async |blob| {
        let file = NewFile::new(FileKind::Document, DOCUMENT, blob, "a/b");
        let new = NewFiles {
            package: bed.package(),
            full_name: None,
            by: System::Upstream,
            at: Timestamp(1),
            files: vec![file],
            gone: Vec::new(),
            named: Vec::new(),
            retired: Vec::new(),
        };
        bed.metadata.keep_files(new).await
    };
    bed.content.keep(prepared, write).await.expect("kept");
    at().await.expect("folder");
    set_back(&bed, &folder, 29 * 24);
    assert_eq!(sweep().await.expect("sweep"), 0);
    set_back(&bed, &folder, 31 * 24);
    assert_eq!(sweep().await.expect("sweep"), 1);
    at().await.expect("folder");
    git(&folder, &["fsck", "--full", "--strict"]);
}
