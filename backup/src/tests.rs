mod bed;

mod kept;

use bed::{Bed, Place, database, file, key, read, rows};

use crate::{Checked, Contents, Occupied, check, restore};
use larder_archive::{PartName, Reader, RowPacker, Rows, Writer, padding};
use larder_metadata::Row;
use larder_metadata::jobs::NewJob;
use larder_metadata::scrub::Damage;
use larder_model::{Algorithm, Digest, JobKind, System};
use larder_storage::ObjectKey;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::os::unix::fs::PermissionsExt as _;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_restored_is_what_was_there() {
    let bed = Bed::new().await;
    let backup = bed.backup(true).await;
    let place = Place::new();
    let restored = place.restore(&backup).await.expect("restore");
    assert_eq!(restored.checked.manifest.objects.count, 3);
    assert_eq!(
        restored.checked.digest,
        Digest::of(Algorithm::Sha256, &backup)
    );
    let metadata = place.open().await;
    assert_eq!(rows(&bed.metadata).await, rows(&metadata).await);
    for (digest, size) in bed.digests[3..].iter().zip([65_537, 700_000, 3_000_000]) {
        assert_eq!(
            read(&metadata, &place.store(), *digest, size).await,
            *digest
        );
    }
    assert!(!place.0.path().join("unfinished").exists());
    let path = key(place.0.path()).path;
    assert_eq!(std::fs::read(&path).expect("key"), b"a secret");
    let mode = path.metadata().expect("key").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let report = metadata.verify_audit().await.expect("trail");
    assert_eq!(report.fault, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_damaged_stays_so_and_hinders_no_backup() {
    let bed = Bed::new().await;
    let (metadata, digest) = (&bed.metadata, bed.digests[4]);
    let queued = metadata.queue_job(NewJob::of(JobKind::Scrub), &System::Larder);
    queued.await.expect("job");
    let held = metadata.take_job(JobKind::Scrub).await.expect("take");
    let held = held.expect("a job");
    let blob = metadata.blob_to_scrub(&digest).await.expect("read");
    let blob = blob.expect("a blob");
    let noted = metadata.quarantine_blob(&held, &blob, Damage::Missing);
    noted.await.expect("quarantine");
    let generation = blob.generation;
    let removed = bed.blobs.remove(ObjectKey { digest, generation }).await;
    assert!(removed.expect("remove"));
    let place = Place::new();
    let restored = place.restore(&bed.backup(true).await).await;
    let restored = restored.expect("restore");
    assert_eq!(restored.checked.manifest.objects.count, 2);
    let there = place.open().await;
    let known = there.quarantined_blob(&digest).await.expect("read");
    assert_eq!(known.map(|it| it.damage), Some(Damage::Missing));
    let others = bed.digests[3..].iter().zip([65_537, 700_000, 3_000_000]);
    for (other, size) in others.filter(|(other, _)| **other != digest) {
        assert_eq!(read(&there, &place.store(), *other, size).await, *other);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_a_backup_is_the_same() {
    let bed = Bed::new().await;
    let place = Place::new();
    place
        .restore(&bed.backup(true).await)
        .await
        .expect("restore");
    let again = Bed {
        metadata: place.open().await,
        blobs: place.store(),
        folder: place.0,
        digests: Vec::new(),
    };
    let other = Place::new();
    other
        .restore(&again.backup(true).await)
        .await
        .expect("restore");
    assert_eq!(rows(&bed.metadata).await, rows(&other.open().await).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_by_reference_needs_the_objects() {
    let bed = Bed::new().await;
    let backup = bed.backup(false).await;
    assert!(backup.len() < 200_000, "{}", backup.len());
    // Nothing is there.
    let place = Place::new();
    let error = place.restore(&backup).await.expect_err("blobs are missing");
    let text = error.to_string();
    assert!(text.contains("does not have 3 of the blobs"), "{text}");
    assert!(!key(place.0.path()).path.exists());
    // Unless that is meant.
    let mut target = place.target();
    target.allow_missing = true;
    let restored = restore(&mut file(&backup), target).await.expect("restore");
    assert_eq!(restored.missing.len(), 3);
    assert!(!place.0.path().join("unfinished").exists());
    // Whoever pushes them again is asked for their bytes.
    let there = place.open().await;
    for digest in &restored.missing {
        let known = there.quarantined_blob(digest).await.expect("read");
        assert_eq!(known.map(|it| it.damage), Some(Damage::Missing));
    }
    // The store has them.
    let place = Place::new();
    let mut target = place.target();
    target.blobs = bed.blobs.clone();
    let restored = restore(&mut file(&backup), target).await.expect("restore");
    assert_eq!(restored.missing, []);
    let (metadata, digest) = (place.open().await, bed.digests[5]);
    assert_eq!(read(&metadata, &bed.blobs, digest, 3_000_000).await, digest);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_written_of_what_is_damaged() {
    let bed = Bed::new().await;
    let backup = bed.backup(true).await;
    for number in 0..40 {
        // All over the file, its ends too.
        let at = (backup.len() - 1) * number / 39;
        let mut changed = backup.clone();
        changed[at] ^= 1 << (number % 8);
        let place = Place::new();
        place.restore(&changed).await.expect_err("damaged");
        let cut = place.restore(&backup[..at]).await;
        cut.expect_err("cut off");
        assert!(
            database(place.0.path())
                .is_empty_for(0)
                .await
                .expect("empty")
        );
        let mut objects = 0;
        place.store().list(|_, _| objects += 1).await.expect("list");
        assert_eq!(objects, 0);
        assert!(!key(place.0.path()).path.exists());
    }
}

/// Writes a backup anew with other rows of a table, and right sums.
fn forge(backup: &[u8], table: &str, change: impl Fn(&str) -> String) -> Vec<u8> {
    let (manifest, mut reader) = Reader::begin(backup).expect("manifest");
    let mut writer = Writer::new(manifest.created_at);
    let manifest = serde_json::to_vec(&manifest).expect("manifest");
    let mut file = writer.part(&PartName::Manifest, &manifest);
    while let Some(part) = reader.next_part().expect("part") {
        let bytes = reader.all().expect("bytes");
        match &part.name {
            PartName::Blob(digest) => {
                file.extend(writer.blob(digest, part.size));
                file.extend(bytes);
                file.extend(padding(part.size));
            }
            PartName::Rows { table: name, .. } if name == table => {
                let (mut packer, mut line) = (RowPacker::default(), Vec::new());
                let mut rows = Rows::new(&bytes[..]).expect("rows");
                while rows.next_line(&mut line).expect("line") {
                    let line = change(std::str::from_utf8(&line).expect("text"));
                    packer.push(line.as_bytes()).expect("pack");
                }
                let part_bytes = packer.finish().expect("pack").expect("rows");
                file.extend(writer.part(&part.name, &part_bytes));
            }
            name => file.extend(writer.part(name, &bytes)),
        }
    }
    file.extend(writer.finish().expect("sums"));
    file
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_fit_together_is_refused_whatever_its_sums_say() {
    let bed = Bed::new().await;
    let backup = bed.backup(true).await;
    assert!(check(&forge(&backup, "blobs", str::to_owned)[..]).is_ok());
    let (small, large) = (bed.digests[0].to_string(), bed.digests[5].to_string());
    let other = Digest::of(Algorithm::Sha256, b"other").to_string();
    let of_file = |digest: &str| format!("\"{digest}\",\"application/octet-stream\"");
    let (named, elsewhere) = (of_file(&large), of_file(&other));
    let cases: [(&str, &str, &str, &str); 7] = [
        ("blobs", "\"AAAA", "\"AAAB", "has other bytes"),
        ("blobs", &small, &other, "has other bytes"),
        ("blobs", &large, &other, "no row tells of the blob"),
        ("blobs", "3000000", "3000001", "has not the size"),
        ("files", &named, &elsewhere, "a file names the blob"),
        ("repos", "[", "[1,", "has not the columns"),
        ("repos", "\"hosted\"", "7", "has something else in kind"),
    ];
    for (table, from, to, why) in cases {
        let forged = forge(&backup, table, |line| line.replacen(from, to, 1));
        let fault = check(&forged[..]).expect_err(why).to_string();
        assert!(fault.contains(why), "{table} {from}: {fault}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_the_database_refuses_leave_nothing() {
    let bed = Bed::new().await;
    let backup = bed.backup(true).await;
    // A file of a repository that is not there.
    let forged = forge(&backup, "files", |line| {
        let rest = line.split_once(',').expect("columns").1;
        format!("[7,{rest}")
    });
    let place = Place::new();
    let error = place
        .restore(&forged)
        .await
        .expect_err("no such repository");
    let text = "a row of files refers to one of repos that is not there";
    assert_eq!(error.to_string(), text);
    assert_eq!(rows(&place.open().await).await, []);
    assert!(place.0.path().join("unfinished").exists());
    // The next try is another one.
    place.restore(&backup).await.expect("restore");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_an_empty_place_takes_a_backup() {
    let bed = Bed::new().await;
    let backup = bed.backup(true).await;
    let place = Place::new();
    std::fs::write(key(place.0.path()).path, "another").expect("key");
    let error = place.restore(&backup).await.expect_err("a key");
    assert!(error.to_string().contains("is there already"), "{error}");
    assert!(error.is::<Occupied>());
    std::fs::remove_file(key(place.0.path()).path).expect("remove");
    place.restore(&backup).await.expect("restore");
    let error = place.restore(&backup).await.expect_err("in use");
    assert!(error.to_string().contains("not empty"), "{error}");
    assert!(error.is::<Occupied>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_are_held_while_a_backup_is_read() {
    let bed = Bed::new().await;
    let held = async || bed.metadata.are_objects_held().await.expect("holds");
    assert!(!held().await);
    let export = bed.export(Contents::with_keys(true)).await;
    assert!(held().await);
    drop(export);
    // It is ended by a task of its own.
    while held().await {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_meanwhile_is_not_in_it() {
    let mut bed = Bed::new().await;
    let before = rows(&bed.metadata).await;
    let mut export = bed.export(Contents::with_keys(true)).await;
    bed.push(100_000).await;
    let mut bytes = Vec::new();
    while let Some(more) = export.next().await.expect("bytes") {
        bytes.extend_from_slice(&more);
    }
    let Checked { objects, .. } = check(&bytes[..]).expect("backup");
    assert_eq!(objects.len(), 3);
    let place = Place::new();
    place.restore(&bytes).await.expect("restore");
    assert_eq!(rows(&place.open().await).await, before);
}

/// So that no good backup gives way to one that cannot be restored.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_that_is_not_as_it_should_be_breaks_the_backup_off() {
    for is_cut in [true, false] {
        let bed = Bed::new().await;
        let digest = bed.digests[4];
        let generation = bed.metadata.generation(&digest).await.expect("row");
        let generation = generation.expect("object");
        let key = ObjectKey { digest, generation };
        let blobs = bed.folder.path().join("storage/blobs");
        let file = File::options()
            .write(true)
            .open(blobs.join(key.to_string()));
        let file = file.expect("object");
        let spoilt = if is_cut {
            file.set_len(100)
        } else {
            file.write_all_at(b"?", 5000)
        };
        spoilt.expect("spoil");
        let mut export = bed.export(Contents::with_keys(true)).await;
        let broken = loop {
            match export.next().await {
                Ok(Some(_)) => {}
                other => break other,
            }
        };
        let problem = broken.expect_err("broken off");
        assert!(problem.detail.contains(&digest.to_string()), "{problem}");
        assert_eq!(bed.blobs.take_suspects(), [digest]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_keys_a_backup_needs_those_of_the_server() {
    let bed = Bed::new().await;
    let contents = Contents {
        blobs: true,
        keys: false,
    };
    let (mut export, mut bytes) = (bed.export(contents).await, Vec::new());
    while let Some(more) = export.next().await.expect("bytes") {
        bytes.extend_from_slice(&more);
    }
    assert_eq!(export.manifest.keys, Vec::<String>::new());
    let place = Place::new();
    let error = place.restore(&bytes).await.expect_err("no key");
    assert!(error.to_string().contains("made without keys"), "{error}");
    std::fs::write(key(place.0.path()).path, "a secret").expect("key");
    place.restore(&bytes).await.expect("restore");
}

#[test]
fn rows_are_read_as_they_were_written() {
    use larder_metadata::Value;
    use larder_metadata::snapshot::{Column, ColumnKind, Table};
    let column = |name: &str, kind| Column {
        name: name.into(),
        kind,
    };
    let columns = vec![
        column("a", ColumnKind::Int),
        column("b", ColumnKind::Text),
        column("c", ColumnKind::Bytes),
    ];
    let table = Table::new("t".into(), columns);
    for row in [
        vec![Value::Null, Value::Null, Value::Null],
        vec![
            i64::MIN.into(),
            "\"\u{1}\u{fffd}\n\\".into(),
            vec![0, 255, 10].into(),
        ],
        vec![i64::MAX.into(), "".into(), Vec::new().into()],
    ] {
        let (row, mut line) = (Row(row), Vec::new());
        crate::rows::write(&row, &mut line).expect("write");
        assert!(!line.contains(&b'\n'));
        assert_eq!(crate::rows::read(&line, &table).expect("read"), row);
    }
}
